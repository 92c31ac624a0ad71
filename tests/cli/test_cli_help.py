"""What the command line says about itself, and on which stream, how loudly and in which colours it says anything."""

from __future__ import annotations

import argparse
import json
import os
import pty
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from console_script import Batch, Finished, Scene, assert_clean, command, environment, open_scene, run

from reconciler import __version__
from reconciler.cli.arguments import build_parser
from reconciler.cli.parser import GROUPS, duration
from reconciler.sandbox.estate import SECRETS

ANY = ("--no-color", "-q", "--quiet", "-v", "--verbose")
INPUT = ("--config", "--target", "-l", "--selector", "--address", "--format", *ANY)
LIVE = (*INPUT, "--parallelism", "--show-requests", "--resend")

HELP: Mapping[str, tuple[str, ...]] = {
    "": ("validate", "plan", "apply", "kinds", "sandbox", "demo", "version", "completion", "--version"),
    "validate": INPUT,
    "plan": (*LIVE, "--exit-code"),
    "apply": (*LIVE, "--yes"),
    "kinds": ("list", "show"),
    "kinds list": ("--config", "--schemas", "--format", *ANY),
    "kinds show": ("KIND", "--config", "--schemas", "--format", *ANY),
    "sandbox": ("--dir", "--set", "--port", *ANY),
    "demo": ("--keep", *ANY),
    "version": ("--help",),
    "completion": ("bash", "zsh", "fish", "eval"),
}

OTHERS: Mapping[str, tuple[str, ...]] = {
    "version": ("version",),
    "--version": ("--version",),
    "-V": ("-V",),
    "bash": ("completion", "bash"),
    "zsh": ("completion", "zsh"),
    "fish": ("completion", "fish"),
    "list": ("kinds", "list"),
    "list-json": ("kinds", "list", "--format", "json"),
    "show": ("kinds", "show", "EndpointConnection"),
    "show-json": ("kinds", "show", "galtea.EndpointConnection", "--format", "json"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    folder = tmp_path_factory.mktemp("help")
    jobs = {f"help {name}": partial(run, folder, *name.split(), "--help") for name in HELP}
    jobs |= {name: partial(run, folder, *arguments) for name, arguments in OTHERS.items()}
    with closing(Batch(jobs)) as batch:
        yield batch


def good(finished: Finished) -> str:
    """Return what was said on stdout, once it is sure that nothing else was."""
    assert_clean(finished)
    assert (finished.code, finished.err) == (0, ""), finished
    return finished.out


# --------------------------------------------------------------------------- help, version, completion


@pytest.mark.parametrize("name", HELP)
def test_help_of_every_command(name: str, said: Batch) -> None:
    text = good(said[f"help {name}"])
    assert text.startswith(f"usage: reconciler {name}".rstrip())
    assert [word for word in HELP[name] if word not in text] == []
    if name in ("", "plan", "apply"):
        assert "130  interrupted" in text  # the exit codes are a contract, and stand where one looks for them


@pytest.mark.parametrize("name", ["version", "--version", "-V"])
def test_version(name: str, said: Batch) -> None:
    assert good(said[name]) == f"reconciler {__version__}\n"


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete "), ("zsh", "#compdef reconciler"), ("fish", "complete -c reconciler")]
)
def test_completion_scripts(shell: str, word: str, said: Batch) -> None:
    script = good(said[shell])
    assert word in script
    assert "exit-code" in script
    if shell == "bash":
        checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


# --------------------------------------------------------------------------- kinds


def test_kinds_are_listed_and_explained(said: Batch) -> None:
    names = [line.split()[0] for line in good(said["list"]).splitlines()]
    assert names == sorted(names)
    assert {"apinizer.WebSocketSettings", "trustgate.Service", "galtea.EndpointConnection", "goldmine.Session"} <= {
        *names
    }
    text = good(said["show"])
    titles = ("Identity", "Fields", "Calls", "Evidence", "Documentation")
    assert [title for title in titles if f"\n{title}" not in text] == []
    assert "product, name" in text  # the natural key
    assert "PATCH /endpointConnections/{id}" in text
    assert "authToken" in text
    assert "secret" in text


def test_kinds_for_machines(said: Batch) -> None:
    listing = json.loads(good(said["list-json"]))
    assert (listing["format"], listing["kind"]) == (1, "kinds")
    assert len(listing["kinds"]) == len(good(said["list"]).splitlines())
    shown = json.loads(good(said["show-json"]))
    assert (shown["name"], shown["naturalKey"]) == ("galtea.EndpointConnection", ["product", "name"])
    token = next(field for field in shown["fields"] if field["path"] == "authToken")
    assert (token["sensitive"], token["writeOnly"]) == (True, True)
    assert shown["schema"]["type"] == "object"


OWN_KIND = """\
system: shop
title: A shop
description: Sells things.
"""


def test_own_kinds_are_listed_beside_those_that_ship(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "system.yaml").write_text(OWN_KIND)
    (tmp_path / "schemas" / "thing.yaml").write_text(
        "apiVersion: shop/v1\nkind: Thing\ndescription: A thing.\n"
        "schema: {type: object, additionalProperties: false, required: [name], properties: {name: {type: string}}}\n"
        "identity: {id: /id, key: [name], name: name}\n"
        "read: {list: {method: GET, path: /things}, get: {method: GET, path: '/things/{id}'}}\n"
        "write: {create: {method: POST, path: /things}}\n"
    )
    listed = good(run(tmp_path, "kinds", "list", "--schemas", "schemas"))
    assert "shop.Thing" in listed
    assert "galtea.Product" in listed
    (tmp_path / "schemas" / "thing.yaml").write_text("apiVersion: shop/v1\nkind: Thing\nschema: {}\n")
    broken = run(tmp_path, "kinds", "list", "--schemas", "schemas")
    assert_clean(broken)
    assert (broken.code, broken.out) == (3, "")
    assert "schemas/thing.yaml:" in broken.err


# --------------------------------------------------------------------------- colours


def in_a_terminal(folder: Path, arguments: tuple[str, ...], env: Mapping[str, str]) -> str:
    """Run the script with a terminal as its stdout, and return what it wrote there."""
    terminal, stdout = pty.openpty()
    try:
        with subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env=environment(folder, {"TERM": "xterm-256color", **env}),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        ) as process:
            os.close(stdout)
            written = b""
            while chunk := read_some(terminal):
                written += chunk
            assert process.wait(timeout=30) == 0
    finally:
        os.close(terminal)
    return written.decode()


def read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody holds the other end any more
        return b""


@pytest.mark.parametrize(
    ("arguments", "env", "coloured"),
    [
        pytest.param((), {}, True, id="terminal"),
        pytest.param(("--no-color",), {}, False, id="no-color"),
        pytest.param((), {"NO_COLOR": "1"}, False, id="NO_COLOR"),
    ],
)
def test_colours_only_on_a_terminal_that_wants_them(
    arguments: tuple[str, ...], env: Mapping[str, str], coloured: bool, tmp_path: Path
) -> None:
    text = in_a_terminal(tmp_path, ("kinds", "list", *arguments), env)
    assert "galtea.Product" in text
    assert ("\x1b[" in text) is coloured


# --------------------------------------------------------------------------- streams, loudness, selection


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("scene")) as opened:
        yield opened


def clear(scene: Scene) -> None:
    for recording in scene.recordings.values():
        recording.clear()


def test_quiet_leaves_the_result_only(scene: Scene, tmp_path: Path) -> None:
    with open_scene(tmp_path) as own:
        only = ("--address", "goldmine.Session/*")
        loud = own.run("apply", "--yes", *only)
        own.estate.goldmine.edit("sessions", lambda row: row["token"] == "sess-eu-static-1", {"port": 1})
        quiet = own.run("apply", "--yes", "--quiet", *only)
    assert "goldmine.Session/eu-static-3  create  applied" in loud.err  # as it happens
    assert "3 applied, 1 unchanged" in loud.out
    assert (quiet.code, quiet.err) == (0, "")
    assert "1 applied, 3 unchanged" in quiet.out


def test_stdout_is_the_result_only(scene: Scene) -> None:
    finished = scene.run("plan", "--format", "json", "-vv")
    plan = json.loads(finished.out)
    assert plan["kind"] == "plan"
    assert plan["changes"]
    assert finished.err.count("\n") >= plan["requestsMade"]


def test_verbose_shows_what_is_unchanged_and_every_request(scene: Scene) -> None:
    verbose = scene.run("plan", "-v", "--address", "Product/*")
    assert "galtea.Product/sales-assistant  unchanged" in verbose.out
    assert verbose.err == ""
    clear(scene)
    loudest = scene.run("plan", "-vv")  # which also checks that there is no secret
    lines = loudest.err.splitlines()
    assert len(lines) == len(scene.requests()) > 8
    assert all(line.startswith("D reconciler.shell.network.client: system ") for line in lines)
    assert any("GET /products?" in line and ": 200, " in line for line in lines)


SELECTIONS: Mapping[str, tuple[tuple[str, ...], Mapping[str, int]]] = {
    "glob": (("--address", "galtea.Product/*"), {"galtea.Product": 2}),
    "repeated": (
        ("--address", "eu-static-?", "--address", "Gateway/*-edge"),
        {"goldmine.Session": 3, "trustgate.Gateway": 2},
    ),
    "label-and-glob": (("-l", "team=trading", "--address", "*WebSocket*"), {"apinizer.WebSocketSettings": 2}),
    "labels-and-not-equal": (("--selector", "team=data,stage!=production", "-l", "stage"), {"goldmine.Session": 1}),
}


@pytest.fixture(scope="module")
def selected(scene: Scene) -> Iterator[Batch]:
    jobs = {name: partial(scene.run, "validate", "-v", *arguments) for name, (arguments, _) in SELECTIONS.items()}
    with closing(Batch(jobs)) as batch:
        yield batch


@pytest.mark.parametrize("name", SELECTIONS)
def test_selection(name: str, selected: Batch) -> None:
    listed = selected[name]
    assert listed.code == 0, listed
    kinds = [line.split("/")[0].strip() for line in listed.out.splitlines()[:-1]]
    assert {kind: kinds.count(kind) for kind in kinds} == SELECTIONS[name][1]


def test_only_what_is_selected_and_its_parents_is_read(scene: Scene) -> None:
    clear(scene)
    plan = json.loads(scene.run("plan", "--address", "support-bot-prod", "--format", "json").out)
    assert [change["address"] for change in plan["changes"]] == ["galtea.EndpointConnection/support-bot-prod"]
    assert {name for name, recording in scene.recordings.items() if recording.requests} == {"galtea"}


def test_requests_are_shown_without_secrets(scene: Scene) -> None:
    shown = scene.run("plan", "--address", "sales-assistant-prod", "--show-requests")
    assert '"username": "evaluation"' in shown.out
    assert '"password": "(sensitive)"' in shown.out
    assert "guard:" in shown.out
    assert "→ POST /endpointConnections" in shown.out
    assert SECRETS["SALES_PASSWORD"] not in shown.everything


def test_one_request_at_a_time_gives_the_same_plan(scene: Scene) -> None:
    alone, together = scene.run("plan", "--parallelism", "1"), scene.run("plan")
    assert (alone.code, alone.err, alone.out) == (0, "", together.out)
    assert "Product/support-bot  unchanged" not in together.out  # only -v tells


@pytest.mark.parametrize(
    ("arguments", "usage", "hint"),
    [
        (("plan", "--adress", "x"), "usage: reconciler plan ", "did you mean '--address'? see reconciler plan --help"),
        (("plan", "--adress=x"), "usage: reconciler plan ", "did you mean '--address'? see reconciler plan --help"),
        (("ledger", "show", "--confg", "x"), "usage: reconciler ledger show ", "did you mean '--config'? see "),
        (("plan", "--zzz"), "usage: reconciler plan ", "hint: see reconciler plan --help"),
        (("plann",), "usage: reconciler ", "invalid choice: 'plann' (did you mean 'plan'?)"),
        (("ledger", "shwo"), "usage: reconciler ledger ", "(did you mean 'show'?)"),
        (("plan", "--format", "jsn"), "usage: reconciler plan ", "(did you mean 'json'?)"),
        (("completion", "cmd"), "usage: reconciler completion ", "(choose from bash, zsh, fish)"),
    ],
)
def test_misspelt_words(tmp_path: Path, arguments: tuple[str, ...], usage: str, hint: str) -> None:
    finished = run(tmp_path, *arguments)
    assert finished.code == 3, finished
    assert finished.err.startswith(usage), finished
    assert hint in finished.err, finished


def test_every_duration_is_written_alike(tmp_path: Path) -> None:
    options = {
        "--deadline": ("plan", "drift", "apply", "destroy", "snapshot"),
        "--max-age": ("apply",),
        "--lock-timeout": ("apply", "destroy", "ledger forget"),
        "--patience": ("kinds verify",),
    }
    for option, commands in options.items():
        for name in commands:
            assert f"{option} DURATION" in run(tmp_path, *name.split(), "--help").out, (option, name)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("24h", 86_400), ("7d", 604_800), ("90", 90), ("0.3", 0.3)]
)
def test_a_duration(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1w", "s", "1 m", "nan", "inf", "1e3", "\u0661s"])
def test_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="90s, 10m, 24h or 7d"):
        duration(text)


def test_a_command_offers_what_it_heeds(tmp_path: Path) -> None:
    snapshot = run(tmp_path, "snapshot", "--help").out
    assert not [one for one in ("--prune", "--allow-replace", "--resend", "--show-requests") if one in snapshot]
    assert "exit codes:" in run(tmp_path, "validate", "--help").out


def test_every_command_is_listed_in_one_group() -> None:
    parser = build_parser()
    (commands,) = (one for one in parser._actions if isinstance(one.choices, dict))
    listed = [name for _, names in GROUPS for name in names]
    assert sorted(listed) == sorted(commands.choices or ())
    assert len(listed) == len(set(listed))
    text = parser.format_help()
    assert all(f"\n  {title}:\n" in text for title, _ in GROUPS)
