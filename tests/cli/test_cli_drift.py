"""`drift` on the command line: what it shows in every format, what it exits with, and what `--write` leaves behind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_script import Scene, open_scene

PROD = "galtea.EndpointConnection/support-bot-prod"
OUTPUTS = ("markdown=out.md", "html=out.html", "sarif=out.sarif", "github=out.log", "junit=out.xml", "json=out.json")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A workspace whose Galtea part has been applied and committed; then a timeout moved, and a session vanished."""
    with open_scene(tmp_path_factory.mktemp("drift")) as scene:
        assert scene.run("apply", "--yes", "--address", "galtea.*", "--address", "goldmine.*").code == 0
        (scene.folder / ".gitignore").write_text("out.*\nledger.json\nenv\n")
        git(scene, "init", "-q")
        git(scene, "add", "-A")
        git(scene, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "-qm", "Begin")
        scene.estate.galtea.edit("endpointConnections", lambda r: r["name"] == "support-bot-prod", {"timeout": 99})
        scene.estate.goldmine.remove("sessions", lambda r: r["token"] == "sess-eu-static-2")
        yield scene


def git(scene: Scene, *arguments: str) -> str:
    command = ["git", "-C", str(scene.folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_it_shows_what_moved_and_nothing_else(scene: Scene) -> None:
    finished = scene.run("drift")
    assert finished.code == 0
    first, _, rest = finished.out.partition("\n")
    assert first.startswith("Drift for sandbox: 1 moved live, 1 vanished, ")
    assert f"  ~ {PROD}  moved\n      ~ /timeout  99 → 30  [drift]\n" in rest
    assert (
        "  - goldmine.Session/eu-static-2  vanished\n      note: the live object is gone since the last apply" in rest
    )
    assert "trustgate" not in rest  # never applied, so nothing of it can have moved
    assert "→ P" not in rest  # and no request would be sent


def test_exit_codes(scene: Scene) -> None:
    assert scene.run("drift", "--exit-code").code == 2
    assert scene.run("drift", "--exit-code", "--address", "galtea.Product/*").code == 0
    assert scene.run("drift", "--dry-run").code == 3
    assert scene.run("drift", "--remove-deleted").code == 3
    assert scene.run("drift", "--resend").code == 3
    assert scene.run("drift", "--target", "nowhere").code == 3


def test_every_format_tells_of_drift(scene: Scene) -> None:
    finished = scene.run("drift", *(part for output in OUTPUTS for part in ("--output", output)), "--format", "json")
    document = json.loads(finished.out)
    assert (document["kind"], document["headline"][:6]) == ("drift", "Drift ")
    moved = {one["address"]: one for one in document["changes"] if one["action"] != "unchanged"}
    assert set(moved) == {PROD, "goldmine.Session/eu-static-2"}
    (field,) = moved[PROD]["fields"]
    assert (field["path"], field["before"], field["after"], field["cause"]) == ("/timeout", 99, 30, "drift")
    for suffix in ("md", "html", "sarif", "log", "xml", "json"):
        text = (scene.folder / f"out.{suffix}").read_text()
        assert "support-bot-prod" in text, suffix
        assert "write requests" not in text, suffix
    assert "<h1>Drift for sandbox</h1>" in (scene.folder / "out.html").read_text()
    assert "file=manifests/galtea/support-bot-prod.yaml,line=18" in (scene.folder / "out.log").read_text()


def test_a_dry_run_shows_the_diff_and_writes_nothing(scene: Scene) -> None:
    finished = scene.run("drift", "--write", "--dry-run")
    assert finished.code == 0
    assert "--- a/manifests/galtea/support-bot-prod.yaml\n" in finished.out
    assert "\n-  timeout: 30           # seconds\n+  timeout: 99           # seconds\n" in finished.out
    assert git(scene, "status", "--porcelain") == ""
    in_json = scene.run("drift", "--write", "--dry-run", "--format", "json")
    assert {one["code"] for one in json.loads(in_json.out)["diagnostics"]} >= {"would-accept", "left-to-you"}
    assert "note: accepted" not in finished.out
    assert "+  timeout: 99 " in in_json.err


def test_nothing_is_written_where_one_file_cannot_be(scene: Scene) -> None:
    sessions = scene.folder / "manifests" / "goldmine" / "sessions.yaml"
    (scene.folder / "elsewhere").mkdir(exist_ok=True)
    sessions.rename(scene.folder / "elsewhere" / "sessions.yaml")
    sessions.symlink_to(scene.folder / "elsewhere" / "sessions.yaml")
    try:
        before = (scene.folder / "manifests" / "galtea" / "support-bot-prod.yaml").read_text()
        finished = scene.run("drift", "--write", "--remove-deleted")
        assert finished.code == 3  # a link out of the folder is no manifest, to begin with
        assert (scene.folder / "manifests" / "galtea" / "support-bot-prod.yaml").read_text() == before
    finally:
        sessions.unlink()
        (scene.folder / "elsewhere" / "sessions.yaml").rename(sessions)


def test_it_is_written_in_place_and_then_quiet(scene: Scene) -> None:
    writes = len(scene.writes())
    finished = scene.run("drift", "--write", "--exit-code")
    assert finished.code == 2
    assert "wrote manifests/galtea/support-bot-prod.yaml" in finished.err
    assert "left-to-you: goldmine.Session/eu-static-2: the live object is gone" in finished.out
    assert git(scene, "diff", "--numstat").split() == ["1", "1", "manifests/galtea/support-bot-prod.yaml"]
    assert scene.run("drift", "--exit-code", "--address", "galtea.*").code == 0
    assert scene.run("plan", "--exit-code", "--address", "galtea.*").code == 0
    removed = scene.run("drift", "--write", "--remove-deleted")
    assert "the document goes away" in removed.out
    assert scene.run("drift", "--exit-code").code == 0
    assert git(scene, "diff", "--numstat", "--", "manifests/goldmine").split()[0] == "0"
    assert len(scene.writes()) == writes  # nothing is ever written to a live system


def test_without_a_ledger_it_says_what_it_cannot_tell(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        config = scene.folder / "reconciler.yaml"
        config.write_text("".join(x for x in config.read_text().splitlines(keepends=True) if "ledger:" not in x))
        finished = scene.run("drift", "--exit-code", "--address", "trustgate.*")
        assert finished.code == 2
        assert "note: no-ledger: without a ledger, drift and changes of the manifests cannot be told" in finished.out
        assert "~ trustgate.Upstream/support-backend  moved" in finished.out
        assert "create" not in finished.out
        refused = scene.run("drift", "--write", "--remove-deleted")
        assert refused.code == 3
        assert "--remove-deleted needs a ledger" in refused.err


def test_a_ledger_that_knows_nothing_shows_no_drift_and_says_so(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        finished = scene.run("drift", "--exit-code", "--address", "trustgate.*")
        assert finished.code == 0
        assert "Drift for sandbox: none in " in finished.out
        assert "note: cause-unknown: not shown, since the ledger does not know what was applied" in finished.out


def test_what_cannot_be_told_is_refused_or_fails(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        config = scene.folder / "reconciler.yaml"
        config.write_text("".join(x for x in config.read_text().splitlines(keepends=True) if "ledger:" not in x))
        assert scene.run("apply", "--yes", "--address", "galtea.*").code == 0
        twins = {"name": "support-bot-prod", "timeout": 77}
        scene.estate.galtea.edit("endpointConnections", lambda r: r["name"] == "support-bot-init", twins)
        scene.estate.galtea.edit("products", lambda r: r["name"] == "support-bot", {"tags": ["theirs"]})
        finished = scene.run("drift", "--write", "--exit-code", "--address", "galtea.*")
        assert finished.code == 4
        assert "1 problem in the way of telling" in finished.out
        assert "theirs" not in (scene.folder / "manifests" / "galtea" / "products.yaml").read_text()
        config.write_text(config.read_text().replace(scene.urls["galtea"], "http://127.0.0.1:9"))
        assert scene.run("drift", "--address", "galtea.*").code == 1
