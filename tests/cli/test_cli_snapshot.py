"""`snapshot` and `plan --snapshot` as a pipeline without any secret runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_script import Finished, Scene, assert_clean, open_scene, run

from reconciler.sandbox.estate import SECRETS


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_scene(tmp_path) as one:
        yield one


def bare(scene: Scene, *arguments: str) -> Finished:
    """Run without any secret, and check that no system was reached."""
    before = len(scene.requests())
    finished = run(scene.folder, *arguments)
    assert_clean(finished)
    assert len(scene.requests()) == before
    return finished


def changes(document: str) -> dict[str, Any]:
    kept = ("action", "fields", "requests", "waitsFor", "verified")
    return {one["address"]: {name: one[name] for name in kept} for one in json.loads(document)["changes"]}


def test_the_offline_plan_is_the_live_one(scene: Scene) -> None:
    """For the whole estate: the same changes, fields, causes and requests, with no secret at hand."""
    taken = scene.run("snapshot", "--out", "snapshot.json")
    assert taken.code == 0, taken
    assert scene.writes() == []
    live = scene.run("plan", "--format", "json", "--show-requests")
    offline = bare(scene, "plan", "--snapshot", "snapshot.json", "--format", "json", "--show-requests")
    assert offline.code == 0, offline
    assert changes(offline.out) == changes(live.out)
    document = json.loads(offline.out)
    assert document["snapshotAt"] == json.loads((scene.folder / "snapshot.json").read_text())["takenAt"]
    assert document["headline"].endswith(f"from a snapshot of {document['snapshotAt']}, needs a refresh before apply.")
    assert document["diagnostics"] == []


def test_after_an_apply_it_is_quiet_and_tells_causes(scene: Scene) -> None:
    assert scene.run("apply", "--yes").code == 0
    scene.run("snapshot", "--out", "snapshot.json")
    quiet = bare(scene, "plan", "--snapshot", "snapshot.json")
    assert "nothing to do: 73 resources as declared; from a snapshot of" in quiet.out, quiet
    manifest = next(p for p in (scene.folder / "manifests").rglob("*.yaml") if "timeout: 15" in p.read_text())
    manifest.write_text(manifest.read_text().replace("timeout: 15", "timeout: 16"))
    (scene.folder / "manifests" / "more.yaml").write_text(
        "{apiVersion: galtea/v1, kind: Product, metadata: {name: more}, spec: {description: More}}"
    )
    offline = bare(scene, "plan", "--snapshot", "snapshot.json")
    assert "~ /timeout  15 → 16  [manifest]" in offline.out, offline
    assert "note: not-in-snapshot: galtea.Product/more is not in the snapshot" in offline.out
    assert "1 to create, 1 to update, 72 unchanged" in offline.out
    markdown = bare(scene, "plan", "--snapshot", "snapshot.json", "--format", "markdown")
    assert "from a snapshot of" in markdown.out.split("\n")[2]


def test_no_secret_is_in_the_file(scene: Scene) -> None:
    """Neither those of the environment nor those that the systems hold beside them, which no manifest states."""
    scene.run("apply", "--yes")
    edited = scene.estate.galtea.edit(
        "products", lambda row: row["name"] == "support-bot", {"unheardOf": {"inside": "canary-not-real"}}
    )
    assert edited
    scene.run("snapshot", "--out", "snapshot.json")
    text = (scene.folder / "snapshot.json").read_text()
    assert [name for name, value in SECRETS.items() if value in text] == []
    assert "not-real" not in text  # what the emulations call all their secrets, and what no kind describes
    assert '"$leftOut": "secret"' in text
    assert '"$leftOut": "masked"' in text
    assert "sess-eu-static-1" not in text  # secret by its kind, and stated in clear
    assert "•" not in text  # no part of what a mask shows


def test_a_renamed_manifest_is_found_by_its_key(scene: Scene) -> None:
    scene.run("apply", "--yes")
    scene.run("snapshot", "--out", "snapshot.json")
    manifest = scene.folder / "manifests" / "galtea" / "support-bot-prod.yaml"
    text = manifest.read_text()
    others = manifest.with_name("versions.yaml")
    others.write_text(others.read_text().replace("/support-bot-prod}", "/renamed}"))
    named = text.replace("name: support-bot-prod\n", "name: renamed\n")
    manifest.write_text(named.replace("spec:\n", "spec:\n  name: support-bot-prod\n"))
    offline = bare(scene, "plan", "--snapshot", "snapshot.json", "--address", "*/renamed", "-v")
    assert "galtea.EndpointConnection/renamed" in offline.out, offline
    assert "Plan for sandbox: 1 to adopt; 0 write requests" in offline.out, offline


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(("--out", "plan.json"), 3, "--out does not go together with --snapshot", id="to-be-approved"),
        pytest.param(("--resend",), 3, "--resend does not go together with --snapshot", id="resend"),
        pytest.param((), 4, "was changed after it was made", id="edited"),
    ],
)
def test_what_is_refused(scene: Scene, arguments: tuple[str, ...], code: int, says: str) -> None:
    scene.run("snapshot", "--out", "snapshot.json")
    path = scene.folder / "snapshot.json"
    path.write_text(path.read_text().replace('"timeout": 60', '"timeout": 61'))
    refused = bare(scene, "plan", "--snapshot", "snapshot.json", *arguments)
    assert refused.code == code, refused
    assert says in refused.err


def test_other_files_and_targets_are_refused(scene: Scene) -> None:
    scene.run("snapshot", "--out", "snapshot.json")
    scene.run("plan", "--out", "plan.json")
    assert "plan.json is no snapshot" in bare(scene, "plan", "--snapshot", "plan.json").err
    assert "snapshot.json is no saved plan" in scene.run("apply", "--plan", "snapshot.json").err
    config = scene.folder / "reconciler.yaml"
    config.write_text(config.read_text().replace("  sandbox:", "  other:", 1))
    refused = bare(scene, "plan", "--snapshot", "snapshot.json")
    assert (refused.code, "taken of the target sandbox, not of other" in refused.err) == (4, True), refused


def test_what_was_not_looked_for_is_not_taken_for_absent(scene: Scene) -> None:
    scene.run("snapshot", "--out", "snapshot.json", "--address", "galtea.Product/*")
    offline = bare(scene, "plan", "--snapshot", "snapshot.json", "--address", "galtea.*")
    assert "not-in-snapshot: galtea.EndpointConnection/support-bot-prod is not in the snapshot" in offline.out, offline
    assert "not-in-snapshot: galtea.Product/" not in offline.out


def test_what_no_manifest_states_any_more_is_left_to_the_live_plan(scene: Scene) -> None:
    scene.run("apply", "--yes")
    scene.run("snapshot", "--out", "snapshot.json")
    (scene.folder / "manifests" / "goldmine" / "assignments.yaml").unlink()
    for arguments, said in (((), False), (("--prune",), True)):
        offline = bare(scene, "plan", "--snapshot", "snapshot.json", *arguments)
        words = "no manifest states these any more: goldmine.Assignment/storefront-de, goldmine.Assignment/"
        assert (offline.code, words in offline.out) == (0, said), offline


def test_validate_without_secrets(scene: Scene) -> None:
    assert bare(scene, "validate").code == 3
    fine = bare(scene, "validate", "--without-secrets")
    assert (fine.code, fine.out) == (0, "73 manifests of 44 kinds valid for the target sandbox.\n"), fine
    (scene.folder / "manifests" / "bad.yaml").write_text(
        "{apiVersion: galtea/v1, kind: Product, metadata: {name: bad}, spec: {description: '${env:HOME}', tags: 3}}"
    )
    bad = bare(scene, "validate", "--without-secrets")
    assert bad.code == 3
    assert "the environment variable HOME may not be read" in bad.err
    assert "spec.tags" in bad.err
