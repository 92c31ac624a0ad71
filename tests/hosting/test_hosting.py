"""`comment`, `issue` and `pull-request` against a small hosting service: in place, in pages, with clear errors."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from console_script import Finished, run
from fake_hosting import BOT, GITHUB_TOKEN, GITLAB_TOKEN, PERSON, FakeHosting, environment_of, serve

MARK = "<!-- reconciler:target=production -->"
SERVICES = ("github", "gitlab")
API_URL = {"github": "GITHUB_API_URL", "gitlab": "CI_API_V4_URL"}


@pytest.fixture
def fake() -> Iterator[FakeHosting]:
    with serve(FakeHosting()) as one:
        yield one


@pytest.fixture(params=SERVICES)
def hosting(request: pytest.FixtureRequest, fake: FakeHosting) -> str:
    if request.param == "gitlab":
        fake.user = {**PERSON, "id": 70, "login": "project_bot"}
    return str(request.param)


def call(folder: Path, fake: FakeHosting, hosting: str, text: str, *arguments: str, **more: str) -> Finished:
    (folder / "body.md").write_text(text)
    env = {**environment_of(fake, hosting), **more}
    finished = run(folder, *arguments[:1], "--body", "body.md", *arguments[1:], env=env)
    for token in (GITHUB_TOKEN, GITLAB_TOKEN):
        assert token not in finished.everything
    assert "Traceback" not in finished.everything, finished
    return finished


def texts(fake: FakeHosting) -> list[str]:
    return [one["body"] for one in fake.comments.get(5, [])]


def test_one_comment_per_target_changed_in_place(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    """The comment stands on the third page, between those of others."""
    for number in range(4):
        fake.add_comment(5, f"talk {number}", PERSON)
    first = call(tmp_path, fake, hosting, f"{MARK}\n\n### one", "comment")
    assert (first.code, first.out.split(":")[0].strip()) == (0, "comment posted"), first
    for number in range(4):
        fake.add_comment(5, f"more talk {number}", PERSON)
    other = call(tmp_path, fake, hosting, f"{MARK.replace('production', 'staging')}\n\n### other", "comment")
    assert other.code == 0
    second = call(tmp_path, fake, hosting, f"{MARK}\n\n### two", "comment")
    assert "changed in place" in second.out, second
    assert [text for text in texts(fake) if "###" in text] == [
        f"{MARK}\n\n### two",
        f"{MARK.replace('production', 'staging')}\n\n### other",
    ]
    before = len(fake.seen)
    again = call(tmp_path, fake, hosting, f"{MARK}\n\n### two\n", "comment", "-v")
    assert "already says so" in again.out
    assert {method for method, _ in fake.seen[before:]} == {"GET"}


def test_a_mark_of_somebody_else_is_no_comment_of_ours(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    fake.add_comment(5, f"{MARK}\n\nnothing to see here", {**PERSON, "login": "stranger", "id": 9})
    assert "posted" in call(tmp_path, fake, hosting, f"{MARK}\n\n### ours", "comment").out
    assert texts(fake) == [f"{MARK}\n\nnothing to see here", f"{MARK}\n\n### ours"]


def test_a_quoted_mark_is_no_mark(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    fake.add_comment(5, f"see what it says:\n{MARK}", fake.author)
    assert "posted" in call(tmp_path, fake, hosting, f"{MARK}\n\n### ours", "comment").out


def test_trouble_on_the_way_is_waited_out(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    """A read may be repeated, and what is refused for load was not done."""
    fake.troubles = [(502, {}), (429, {"Retry-After": "0"}), (403, {"Retry-After": "0"})]
    finished = call(tmp_path, fake, hosting, f"{MARK}\n\n### ours", "comment")
    assert finished.code == 0, finished
    assert texts(fake) == [f"{MARK}\n\n### ours"]


def test_a_lost_answer_makes_no_second_comment(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    """The comment is there, but nobody said so; the next run finds it."""
    fake.lost = ["POST"]
    lost = call(tmp_path, fake, hosting, f"{MARK}\n\n### one", "comment")
    assert (lost.code, "the connection broke" in lost.err) == (1, True), lost
    assert "changed in place" in call(tmp_path, fake, hosting, f"{MARK}\n\n### two", "comment").out
    assert texts(fake) == [f"{MARK}\n\n### two"]


def test_a_comment_that_is_deleted_meanwhile_is_posted_anew(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    call(tmp_path, fake, hosting, f"{MARK}\n\n### one", "comment")
    fake.vanishing = True
    assert "comment posted" in call(tmp_path, fake, hosting, f"{MARK}\n\n### two", "comment").out


@pytest.mark.parametrize(
    ("service", "says"),
    [("github", "`permissions: {pull-requests: write}`"), ("gitlab", "the scope `api` and at least the role Reporter")],
)
def test_a_missing_permission_is_named(tmp_path: Path, fake: FakeHosting, service: str, says: str) -> None:
    fake.writes = set()
    finished = call(tmp_path, fake, service, f"{MARK}\n\n### ours", "comment")
    assert finished.code == 1
    assert "403: Resource not accessible by integration" in finished.err
    assert says in finished.err


@pytest.mark.parametrize("odd", [[], "page", {}, [{}]])
def test_an_address_where_another_api_answers(tmp_path: Path, fake: FakeHosting, hosting: str, odd: object) -> None:
    """Every place where an answer is taken apart gets it in turn: the list, what was written, and the user."""
    for path in ("/user", "comments", "notes"):
        fake.comments = {}
        fake.add_comment(5, "talk", PERSON)
        fake.odd = {path: odd}
        finished = call(tmp_path, fake, hosting, f"{MARK}\n\n### ours", "comment")
        assert finished.code in (0, 1), finished
        if finished.code:
            assert f"is {environment_of(fake, hosting)[API_URL[hosting]]} the address" in finished.err, finished
    fake.odd = {"/user": []}
    assert call(tmp_path, fake, hosting, f"{MARK}\n\n### ours", "comment").code == 1


def test_an_address_where_nothing_is(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    url = f"{fake.url}/nothing/here"
    finished = call(tmp_path, fake, hosting, f"{MARK}\n\n### ours", "comment", "--api-url", url)
    assert (finished.code, f"check that {url} is the API (--api-url)" in finished.err) == (1, True), finished


@pytest.mark.parametrize(
    ("text", "more", "arguments", "code", "says"),
    [
        pytest.param("no mark", {}, (), 3, "does not begin with a mark", id="no-mark"),
        pytest.param(f"{MARK}\n", {"GITHUB_TOKEN": ""}, (), 3, "there is no token for github", id="no-token"),
        pytest.param(
            f"{MARK}\n", {"GITHUB_TOKEN": "fake-other-token-not-real"}, (), 1, "not valid, or has expired", id="wrong"
        ),
        pytest.param(f"{MARK}\n", {"GITHUB_REF": "refs/heads/main"}, (), 3, "--pull-request N", id="no-number"),
        pytest.param(f"{MARK}\n", {"GITHUB_REPOSITORY": ""}, (), 3, "GITHUB_REPOSITORY", id="no-repository"),
        pytest.param(f"{MARK}\n", {}, ("--repository", "acme/other"), 1, "sees acme/other not at all", id="unseen"),
        pytest.param(f"{MARK}\n{'x' * 70_000}", {}, (), 1, "--markdown-limit", id="too-long"),
        pytest.param(f"{MARK}\n", {}, ("--api-url", "http://127.0.0.1:9"), 1, "connection refused", id="nobody-there"),
        pytest.param(f"{MARK}\n", {}, ("--pull-request", "x"), 3, "a number from 1", id="no-digit"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path,
    fake: FakeHosting,
    text: str,
    more: dict[str, str],
    arguments: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    finished = call(tmp_path, fake, "github", text, "comment", *arguments, **more)
    assert finished.code == code, finished
    assert says in finished.err
    assert texts(fake) == []


def test_a_service_with_an_authority_of_its_own(tmp_path: Path) -> None:
    """Given by hand, or as GitLab's runners give it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serve(FakeHosting(user={**PERSON, "id": 70}), context) as fake:
        text = f"{MARK}\n\n### ours"
        untrusted = call(tmp_path, fake, "gitlab", text, "comment")
        assert (untrusted.code, "is not trusted" in untrusted.err) == (1, True), untrusted
        assert call(tmp_path, fake, "gitlab", text, "comment", "--ca-file", "ca.pem").code == 0
        again = call(tmp_path, fake, "gitlab", text, "comment", CI_SERVER_TLS_CA_FILE=str(tmp_path / "ca.pem"))
        assert "already says so" in again.out, again


def test_one_issue_opened_changed_closed(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    fake.pulls.append({"id": 1, "number": 1, "iid": 1, "title": "x", "body": MARK, "state": "open", "user": BOT})
    assert "nothing" not in call(tmp_path, fake, hosting, f"{MARK}\nfine", "issue", "--title", "Drift", "--close").out
    assert fake.issues == []
    assert "posted" in call(tmp_path, fake, hosting, f"{MARK}\none", "issue", "--title", "Drift").out
    assert "changed in place" in call(tmp_path, fake, hosting, f"{MARK}\ntwo", "issue", "--title", "Drift").out
    assert "already says so" in call(tmp_path, fake, hosting, f"{MARK}\ntwo", "issue", "--title", "Drift").out
    assert "closed" in call(tmp_path, fake, hosting, f"{MARK}\nfine", "issue", "--title", "Drift", "--close").out
    found: list[Any] = [(one["title"], one["body"], one["state"]) for one in fake.issues]
    assert found == [("Drift", f"{MARK}\nfine", "closed")]


def test_one_pull_request_per_branch(tmp_path: Path, fake: FakeHosting, hosting: str) -> None:
    arguments = ("pull-request", "--title", "Accept drift", "--branch", "drift/production")
    assert "posted" in call(tmp_path, fake, hosting, f"{MARK}\none", *arguments).out
    assert "changed in place" in call(tmp_path, fake, hosting, f"{MARK}\ntwo", *arguments).out
    assert [(one["body"], one["head"], one["base"]) for one in fake.pulls] == [
        (f"{MARK}\ntwo", {"ref": "drift/production"}, {"ref": "main"})
    ]


def test_the_run_that_left_the_merged_plan(tmp_path: Path, fake: FakeHosting) -> None:
    """Only one of this repository, for the head of the merged pull request, counts."""
    head = {"sha": "aaa", "repo": {"full_name": "acme/config"}}
    fake.merged["ccc"] = [{"merge_commit_sha": "ccc", "merged_at": "2026-01-01T00:00:00Z", "head": head}]

    def artifact(run: int, head: str = "aaa", source: int = 1, *, expired: bool = False) -> dict[str, Any]:
        where = {"id": run, "head_sha": head, "repository_id": 1, "head_repository_id": source}
        return {"id": run, "name": "plan.aaa", "expired": expired, "workflow_run": where}

    fake.artifacts = [artifact(11), artifact(12), artifact(13, source=2), artifact(14, expired=True)]
    fake.artifacts.append(artifact(15, head="bbb"))
    env = environment_of(fake, "github")
    arguments = ("approved-run", "--artifact", "plan", "--commit")
    assert run(tmp_path, *arguments, "ccc", env=env).out == "run-id=12\nartifact=plan.aaa\nreason=\n"

    def why(commit: str) -> str:
        first, second, reason = run(tmp_path, *arguments, commit, env=env).out.splitlines()
        assert (first, second) == ("run-id=", "artifact=")
        return reason

    assert why("ddd") == "reason=no merged pull request belongs to this commit"
    fake.artifacts = [artifact(13, source=2), artifact(15, head="bbb")]
    assert why("ccc").startswith("reason=the merged pull request has left no plan")
    fake.artifacts = [artifact(14, expired=True)]
    assert why("ccc").startswith("reason=the plan of the merged pull request has expired")
    fake.merged["ccc"][0]["head"] = {"sha": "aaa", "repo": {"full_name": "stranger/config"}}
    assert why("ccc").startswith("reason=the merged pull request is from a fork")


def test_a_host_that_connects_commit_and_pull_request_late(tmp_path: Path, fake: FakeHosting) -> None:
    head = {"sha": "aaa", "repo": {"full_name": "acme/config"}}
    where = {"id": 12, "head_sha": "aaa", "repository_id": 1, "head_repository_id": 1}
    fake.artifacts = [{"id": 12, "name": "plan.aaa", "expired": False, "workflow_run": where}]
    fake.merged["ccc"] = [{"merge_commit_sha": "ccc", "merged_at": "2026-01-01T00:00:00Z", "head": head}]
    fake.late = 1
    env = environment_of(fake, "github")
    arguments = ("approved-run", "--artifact", "plan", "--commit", "ccc")
    assert "no merged pull request" in run(tmp_path, *arguments, env=env).out
    fake.late = 1
    assert run(tmp_path, *arguments, "--wait", "5s", env=env).out.startswith("run-id=12\n")


def test_another_bots_comment_with_our_mark_is_left_alone(tmp_path: Path, fake: FakeHosting) -> None:
    """The token of an app has no user, so that of bots nothing tells which one wrote a comment: the edit is refused."""
    fake.add_comment(5, f"{MARK}\n\n### theirs", {"login": "other[bot]", "type": "Bot", "id": 11})
    for text in ("one", "two"):
        finished = call(tmp_path, fake, "github", f"{MARK}\n\n### {text}", "comment")
        assert finished.code == 0, finished
    assert texts(fake) == [f"{MARK}\n\n### theirs", f"{MARK}\n\n### two"]


def test_a_section_for_each_target_with_something_to_say(tmp_path: Path, fake: FakeHosting) -> None:
    for name, text in (
        ("prod", "### 📝 Plan for prod: 1 to update"),
        ("prod-eu", "### ✅ Plan for prod-eu: nothing to do"),
        ("large", "### ❌ Nothing was done\n\n" + "x" * 70_000),
    ):
        (tmp_path / f"{name}.md").write_text(f"<!-- reconciler:target={name} -->\n\n{text}\n")
    sections = [part for name in ("prod", "prod-eu", "large") for part in ("--section", f"{name}={name}.md")]
    env = environment_of(fake, "github")
    for config in ("reconciler.yaml", "estates/eu/reconciler.yaml"):
        arguments = ("comment", *sections, "--commit", "abc123", "--config", config)
        for _ in range(2):
            finished = run(tmp_path, *arguments, env=env)
            assert finished.code == 0, finished
    top, other = texts(fake)
    assert other.startswith("<!-- reconciler:plans= config=estates/eu/reconciler.yaml -->\n")
    assert top == "\n\n".join(
        (
            "<!-- reconciler:plans= -->",
            "### ❌ Nothing was done",
            "### 📝 Plan for prod: 1 to update",
            "### ✅ Nothing to do: `prod-eu`",
            "**The details of 1 of these do not fit here:** see the full output among the artifacts of this run.",
            "<sub>Planned for commit `abc123`.</sub>\n",
        )
    )
    assert run(tmp_path, "comment", env=env).code == 3
    assert run(tmp_path, "comment", "--section", "prod", env=env).code == 3
