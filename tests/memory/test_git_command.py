"""The door to Git: it obeys the checkout's own configuration, and nothing that a commit can bring."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from bench import Bench
from git_server import git_over_http
from repositories import REF, clone, git, git_bench, git_environment, make_remote, shallow_detached

from reconciler.core.errors import ReconcilerError, Refused
from reconciler.shell.git.command import Git
from reconciler.shell.git.remote import same_repository
from reconciler.shell.git.revision import git_revision
from reconciler.shell.memory.git_ref import Commit, GitRef

PROGRAM = "PROGRAM"
LEADS_TO_THE_REMOTE = {
    # key: value, and the command of Git that shows that it runs a program
    "core.askPass": (PROGRAM, "credential fill"),
    "core.gitProxy": (PROGRAM, "fetch git://127.0.0.1:1/x"),
    "core.sshCommand": (PROGRAM, "fetch ssh://127.0.0.1:1/x"),
    "credential.helper": (f"!{PROGRAM}", "credential fill"),
    "credential.https://host.example.helper": (f"!{PROGRAM}", "credential fill"),
    "remote.origin.receivepack": (PROGRAM, "push origin HEAD:refs/heads/pushed"),
    "remote.origin.uploadpack": (PROGRAM, "fetch origin"),
}
NEVER_RUN = {
    "alias.ls-remote": (f"!{PROGRAM}", ""),
    "alias.mine": (f"!{PROGRAM}", "mine"),
    "core.alternateRefsCommand": (PROGRAM, "fetch --depth=1 origin"),
    "core.editor": (PROGRAM, "commit --allow-empty"),
    "core.fsmonitor": (PROGRAM, "status"),
    "core.hooksPath": ("HOOKS", "update-ref refs/heads/other HEAD"),
    "core.pager": (PROGRAM, ""),
    "diff.external": (PROGRAM, "diff HEAD~1"),
    "diff.mine.command": (PROGRAM, "diff HEAD~1"),
    "diff.mine.textconv": (PROGRAM, "diff HEAD~1"),
    "difftool.mine.cmd": (PROGRAM, "difftool --no-prompt --tool=mine HEAD~1"),
    "filter.mine.clean": (PROGRAM, "hash-object --path=text.txt text.txt"),
    "filter.mine.process": (PROGRAM, "hash-object --path=text.txt text.txt"),
    "filter.mine.smudge": (PROGRAM, "cat-file --filters HEAD:text.txt"),
    "gc.recentObjectsHook": (PROGRAM, ""),
    "gpg.openpgp.program": (PROGRAM, "log --show-signature -1 signed"),
    "gpg.program": (PROGRAM, "log --show-signature -1 signed"),
    "interactive.diffFilter": (PROGRAM, ""),
    "merge.mine.driver": (PROGRAM, ""),
    "mergetool.mine.cmd": (PROGRAM, ""),
    "pager.log": (PROGRAM, ""),
    "protocol.ext.allow": ("always", f"fetch ext::{PROGRAM}"),
    "remote.origin.vcs": ("mine", "fetch origin"),
    "sequence.editor": (PROGRAM, ""),
    "submodule.mine.update": (f"!{PROGRAM}", ""),
    "tar.mine.command": (PROGRAM, "archive --format=mine HEAD"),
    "trailer.mine.command": (PROGRAM, "interpret-trailers --trailer mine=x text.txt"),
    "uploadpack.packObjectsHook": (PROGRAM, ""),
}
"""Keys that can run a program. Where the command is empty, no plain one shows it without a terminal."""

ALL = LEADS_TO_THE_REMOTE | NEVER_RUN
SWITCHES = {  # what makes Git use some of these programs
    "log.showSignature": "true",
    "commit.gpgSign": "true",
    "push.gpgSign": "if-asked",
    "diff.mine.cachetextconv": "true",
    "fetch.recurseSubmodules": "true",
}


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path)


class Scene:
    """A clone with `infra/`, and a program that leaves a mark when it runs."""

    def __init__(self, folder: Path, remote: Path) -> None:
        self.folder, self.mark = folder, folder / "mark"
        self.program = _script(folder / "bin" / "git-remote-mine", f'echo "$0 $@" >>"{self.mark}"; exit 1')
        _script(folder / "hooks" / "reference-transaction", f'echo hook >>"{self.mark}"')
        self.root = clone(remote, folder / "work", "--no-local")
        (self.root / "infra").mkdir()
        (self.root / "text.txt").write_text("one\n")
        (self.root / ".gitattributes").write_text("*.txt filter=mine diff=mine merge=mine\n")
        git(self.root, "add", ".")
        git(self.root, "commit", "--quiet", "-m", "text")
        (self.root / "text.txt").write_text("two\n")
        git(self.root, "commit", "--quiet", "-am", "other text")
        self.signed = self._signed()
        self.environ = git_environment(folder)
        self.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{self.environ['PATH']}"

    def value(self, text: str) -> str:
        return text.replace(PROGRAM, str(self.program)).replace("HOOKS", str(self.folder / "hooks"))

    def _signed(self) -> str:
        """Return a commit that looks signed."""
        tree = git(self.root, "rev-parse", "HEAD^{tree}")
        lines = [
            f"tree {tree}", "author a <a@b> 1 +0000", "committer a <a@b> 1 +0000",
            "gpgsig -----BEGIN PGP SIGNATURE-----", " ", " x", " -----END PGP SIGNATURE-----", "", "signed", "",
        ]  # fmt: skip
        (self.folder / "commit").write_text("\n".join(lines))
        commit = git(self.root, "hash-object", "-t", "commit", "-w", str(self.folder / "commit"))
        git(self.root, "update-ref", "refs/heads/signed", commit)
        return commit

    def alternates(self, remote: Path) -> None:
        (self.root / ".git" / "objects" / "info" / "alternates").write_text(f"{remote / 'objects'}\n")

    def plainly(self, place: Path, command: str) -> None:
        """Run Git as anybody would in `place`."""
        given = b"protocol=https\nhost=host.example\n\n" if command.startswith("credential") else None
        more = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@b",
        }
        subprocess.run(
            ["git", "-C", str(place), *map(self.value, command.split())],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            env=self.environ | more | {"GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            timeout=30,
            check=False,
        )

    def use_everything(self, place: Path) -> GitRef:
        """Do from `place` what a ledger does, and what records of revisions do."""
        ref = GitRef(Git(place, self.environ), REF, "origin")
        before = ref.tip()
        commit = ref.commit(Commit(files={"a": b"1"}, message="m", parents=(before.id,)))
        ref.put(commit, before.id)
        assert ref.tip().files == {"a": b"1"}
        assert ref.log(5, commit)
        ref.identity()
        ref.git_path("reconciler")
        assert git_revision(place, self.environ).id == git(self.root, "rev-parse", "HEAD")
        return ref


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def scene(tmp_path: Path, remote: Path) -> Scene:
    return Scene(tmp_path, remote)


def configure(scene: Scene, config: Path, settings: Mapping[str, str]) -> None:
    for key, value in settings.items():
        git(scene.root, "config", "--file", str(config), key, scene.value(value))


def bare_repository(scene: Scene, folder: Path) -> Path:
    """Make of `folder` what a pull request can bring: a bare repository, in plain files."""
    git(scene.root, "init", "--quiet", "--bare", str(folder))
    configure(scene, folder / "config", {"core.bare": "false", "core.worktree": str(folder)} | SWITCHES)
    configure(scene, folder / "config", {"remote.origin.url": "ssh://127.0.0.1:1/elsewhere"})
    return folder / "config"


@pytest.mark.parametrize("key", ALL)
def test_a_bare_repository_in_the_work_tree_is_never_used(scene: Scene, remote: Path, key: str) -> None:
    value, _ = ALL[key]
    place = scene.root / "infra"
    config = bare_repository(scene, place)
    configure(scene, config, {key: value})
    (place / "deeper").mkdir()
    for start in (place, place / "deeper"):
        scene.use_everything(start)
    assert git(remote, "rev-parse", REF)
    assert not scene.mark.exists()


def test_git_by_itself_would_use_it(scene: Scene) -> None:
    """So that the test above means something."""
    config = bare_repository(scene, scene.root / "infra")
    configure(scene, config, {"core.sshCommand": PROGRAM})
    scene.plainly(scene.root / "infra", "ls-remote origin")
    assert scene.mark.exists()


@pytest.mark.parametrize("key", NEVER_RUN)
def test_what_a_person_configured_for_daily_work_does_not_run(scene: Scene, remote: Path, key: str) -> None:
    value, command = NEVER_RUN[key]
    if key == "core.alternateRefsCommand":
        scene.alternates(remote)
    config = scene.root / ".git" / "config"
    configure(scene, config, {key: value})
    if command:
        scene.plainly(scene.root, command)
        assert scene.mark.exists(), "Git does run it"
        scene.mark.unlink()
    configure(scene, config, SWITCHES)
    if key == "remote.origin.vcs":
        with pytest.raises(ReconcilerError, match="not allowed"):
            scene.use_everything(scene.root / "infra")
    else:
        scene.use_everything(scene.root / "infra")
    assert not scene.mark.exists()


@pytest.mark.parametrize("key", LEADS_TO_THE_REMOTE)
def test_what_leads_to_the_remote_is_a_program_that_git_runs(scene: Scene, key: str) -> None:
    value, command = LEADS_TO_THE_REMOTE[key]
    configure(scene, scene.root / ".git" / "config", {key: value})
    scene.plainly(scene.root, command)
    assert scene.mark.exists()


@pytest.mark.parametrize("where", ["url", "insteadOf"])
def test_a_transport_that_runs_programs_is_refused(scene: Scene, remote: Path, where: str) -> None:
    key = "remote.origin.url" if where == "url" else f"url.ext::{scene.program} .insteadOf"
    value = f"ext::{PROGRAM}" if where == "url" else "file://"
    configure(scene, scene.root / ".git" / "config", {key: value, "protocol.ext.allow": "always"})
    with pytest.raises(ReconcilerError, match="transport 'ext' not allowed"):
        scene.use_everything(scene.root)
    assert not scene.mark.exists()
    scene.environ["GIT_ALLOW_PROTOCOL"] = "ext"  # who sets this says so
    with pytest.raises(ReconcilerError):
        scene.use_everything(scene.root)
    assert scene.mark.exists()


# --------------------------------------------------------------------------- what stays trusted


def test_the_token_of_a_checkout_in_an_extra_header(scene: Scene, remote: Path) -> None:
    token = "AUTHORIZATION: basic " + base64.b64encode(b"x-access-token:fake-not-real").decode()
    git(remote, "config", "http.receivepack", "true")

    with git_over_http(remote.parent, lambda headers: headers.get("Authorization", "") == token.split(": ")[1]) as url:
        git(scene.root, "remote", "set-url", "origin", f"{url}/{remote.name}")
        with pytest.raises(ReconcilerError, match="could not read Username"):
            scene.use_everything(scene.root / "infra")
        git(scene.root, "config", f"http.{url}/.extraheader", token)
        scene.use_everything(scene.root / "infra")
    assert git(remote, "rev-parse", REF)


def test_a_credential_helper(scene: Scene, remote: Path) -> None:
    expected = "Basic " + base64.b64encode(b"bot:fake-not-real").decode()
    git(remote, "config", "http.receivepack", "true")
    helper = _script(scene.folder / "helper", "echo username=bot; echo password=fake-not-real")
    with git_over_http(remote.parent, lambda headers: headers.get("Authorization") == expected) as url:
        git(scene.root, "remote", "set-url", "origin", f"{url}/{remote.name}")
        git(scene.root, "config", "credential.helper", str(helper))
        scene.use_everything(scene.root / "infra")
    assert git(remote, "rev-parse", REF)


def test_a_program_that_gives_the_password(scene: Scene, remote: Path) -> None:
    expected = "Basic " + base64.b64encode(b"fake-not-real:fake-not-real").decode()
    git(remote, "config", "http.receivepack", "true")
    scene.environ["GIT_ASKPASS"] = str(_script(scene.folder / "askpass", "echo fake-not-real"))
    with git_over_http(remote.parent, lambda headers: headers.get("Authorization") == expected) as url:
        git(scene.root, "remote", "set-url", "origin", f"{url}/{remote.name}")
        scene.use_everything(scene.root / "infra")
    assert git(remote, "rev-parse", REF)


def test_a_deploy_key_in_the_ssh_command(scene: Scene, remote: Path) -> None:
    seen = scene.folder / "seen"
    program = _script(scene.folder / "ssh", f'echo "$@" >>"{seen}"; for last; do :; done; eval "git ${{last#git-}}"')
    git(scene.root, "remote", "set-url", "origin", f"ssh://git@127.0.0.1:1{remote}")
    git(scene.root, "config", "core.sshCommand", f"{program} -i deploy-key")
    scene.use_everything(scene.root / "infra")
    assert "-i deploy-key" in seen.read_text()
    assert git(remote, "rev-parse", REF)


def test_settings_in_the_environment(scene: Scene, remote: Path) -> None:
    git(scene.root, "remote", "set-url", "origin", "https://host.example/o/r")
    scene.environ |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{remote.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://host.example/o/r",
    }
    scene.use_everything(scene.root / "infra")


def test_an_additional_work_tree_is_one_too(scene: Scene) -> None:
    git(scene.root, "worktree", "add", "--quiet", str(scene.folder / "second"))
    assert git_revision(scene.folder / "second", scene.environ).id == git(scene.root, "rev-parse", "HEAD")


def test_variables_about_another_repository_do_not_count_in_a_work_tree(scene: Scene, remote: Path) -> None:
    scene.environ |= {"GIT_DIR": str(remote), "GIT_OBJECT_DIRECTORY": str(remote / "objects"), "GIT_PREFIX": "x/"}
    scene.use_everything(scene.root / "infra")


def test_a_bare_repository_is_used_where_it_is_named(scene: Scene, remote: Path) -> None:
    """As in a hook of a server, which checks the configuration out to a folder of its own."""
    place = scene.folder / "deployed"
    place.mkdir()
    environ = scene.environ | {"GIT_CEILING_DIRECTORIES": str(scene.folder)}
    assert git_revision(place, environ).id == ""
    assert git_revision(place, environ | {"GIT_DIR": str(remote)}).id == git(remote, "rev-parse", "HEAD")


def test_a_bare_repository_is_not_used_because_it_is_there(remote: Path, tmp_path: Path) -> None:
    environ = git_environment(tmp_path) | {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    with pytest.raises(ReconcilerError, match=r"not a git repository .*only where GIT_DIR names it"):
        GitRef(Git(remote, environ), REF, "origin").tip()


# --------------------------------------------------------------------------- bounds


def test_a_command_ends_in_time_with_all_that_it_started(scene: Scene) -> None:
    ended = scene.folder / "ended"
    program = _script(scene.folder / "ssh", f'sleep 3; echo late >"{ended}"')
    git(scene.root, "remote", "set-url", "origin", "ssh://127.0.0.1:1/x")
    git(scene.root, "config", "core.sshCommand", str(program))
    begun = time.monotonic()
    with pytest.raises(ReconcilerError, match=r"git ls-remote took longer than 0\.3 s"):
        GitRef(Git(scene.root, scene.environ, 0.3), REF, "origin").tip()
    assert time.monotonic() - begun < 2
    time.sleep(max(0.0, 3.3 - (time.monotonic() - begun)))
    assert not ended.exists()


# --------------------------------------------------------------------------- the remote that is named


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://host.example/o/r", "https://host.example/o/r.git/", True),
        ("https://x-token:fake@host.example/o/r", "https://host.example:443/o/r", True),
        ("https://HOST.example/o/r", "https://host.example/o/r", True),
        ("git@host.example:o/r.git", "ssh://git@host.example/o/r", True),
        ("git@host.example:o/r.git", "https://host.example/o/r", True),
        ("ssh://git@host.example:22/o/r", "git@host.example:o/r", True),
        ("/srv/o/r.git", "file:///srv/o/r", True),
        ("http://host.example/o/r", "https://host.example/o/r", False),
        ("git://host.example/o/r", "https://host.example/o/r", False),
        ("https://host.example/o/r", "https://host.example/o/other", False),
        ("https://host.example/o/r", "https://host.example/O/r", False),
        ("https://host.example/o/r", "https://host.example.evil/o/r", False),
        ("https://host.example@evil.example/o/r", "https://host.example/o/r", False),
        ("https://host.example:8443/o/r", "https://host.example/o/r", False),
        ("ext::sh -c x", "https://host.example/o/r", False),
        ("https://[::1/o/r", "https://host.example/o/r", False),
    ],
)
def test_which_addresses_name_one_repository(one: str, other: str, same: bool) -> None:
    assert same_repository(one, other) is same
    assert same_repository(other, one) is same


@pytest.fixture
def pinned(tmp_path: Path, remote: Path) -> Bench:
    bench = git_bench(shallow_detached(remote, tmp_path / "ci")).keep("galtea")
    bench.config.write_text(bench.config.read_text().replace(f"git: {REF}", f"git: {REF}, url: {remote}"))
    return bench


@pytest.mark.parametrize("key", ["remote.origin.url", "remote.origin.pushurl", "url.{other}.insteadOf"])
def test_another_remote_than_the_one_that_is_named_is_refused(
    pinned: Bench, remote: Path, tmp_path: Path, key: str
) -> None:
    pinned.plan()
    other = make_remote(tmp_path / "other")
    value = remote.as_uri() if "insteadOf" in key else str(other)
    git(pinned.folder, "config", key.format(other=other), value)
    with pytest.raises(Refused, match=r"the remote origin .* and `ledger.url` is") as caught:
        pinned.plan()
    assert str(other) in caught.value.message
    with pytest.raises(Refused):
        pinned.apply()
    assert git(other, "for-each-ref", REF) == git(remote, "for-each-ref", REF) == ""
