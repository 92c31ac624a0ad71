"""What redaction hides in the files and outputs of a run: secrets, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, json_response
from odd_rows import Rows, kind, manifest

from reconciler.core.errors import InvalidInput
from reconciler.core.redaction import Redactor
from reconciler.core.report import Status
from reconciler.workflow.approvals import apply_approved, compare_with_approval, open_approval, save_plan
from reconciler.workflow.commands import Connections, load, plan
from reconciler.workflow.drifting import accept_drift, find_drift, write_manifests
from reconciler.workflow.snapshots import open_snapshot, plan_offline, save_snapshot

TOKEN = "fake-token-0123456789"
PROPERTIES = (
    "{name: {type: string}, note: {type: string}, owner: {type: string}, id: {type: string, readOnly: true},"
    " token: {type: string, writeOnly: true, x-sensitive: true}}"
)
DEFINITION = kind(properties=PROPERTIES)


def made(
    folder: Path, rows: Rows, manifests: str, *, login: str, listed: str = "secrets", ledger: bool = True
) -> OddApi:
    api = OddApi(folder=folder, handle=rows.handle, environ={"LOGIN": login, "TOKEN": TOKEN})
    lists = "secrets: [TOKEN, LOGIN]" if listed == "secrets" else "secrets: [TOKEN]\nenvironment: [LOGIN]"
    api.define(DEFINITION, manifests, target=lists + ("\nledger: {file: ledger.json}" if ledger else ""))
    return api


@pytest.mark.parametrize("login", ["admin", "administrator", "auth"])
@pytest.mark.parametrize("listed", ["secrets", "environment"])
def test_a_saved_plan_about_something_that_is_called_like_a_secret_is_of_use(
    tmp_path: Path, login: str, listed: str
) -> None:
    rows = Rows({"id": "t1", "name": "administrators", "note": "", "owner": ""})
    spec = '{owner: "${env:LOGIN}", note: for administrators}'
    api = made(tmp_path, rows, manifest(spec, name="administrators"), login=login, listed=listed)
    options = api.options(redactor=Redactor())
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        save_plan(planned, loaded, options, tmp_path / "plan.json")
    saved = json.loads((tmp_path / "plan.json").read_text())
    (change,) = saved["changes"]
    assert change["address"] == "odd.Thing/administrators"
    fields = {one["path"]: one for one in change["fields"]}
    assert fields["/owner"]["sensitive"] is (listed == "secrets")
    hidden = login == "administrator" and listed == "secrets"
    assert fields["/note"]["after"] == ("(sensitive)" if hidden else "for administrators")
    text = (tmp_path / "plan.json").read_text()
    assert "(sensitive)istrators" not in text
    options = api.options(redactor=Redactor())
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        approval, options = open_approval(tmp_path / "plan.json", options, None)
        planned = plan(loaded, connections, options)
        found = compare_with_approval(approval, planned, loaded, options)
        assert not found.objections
        report = apply_approved(found, planned, loaded, connections, options, lambda outcome: None)
    assert [one.status for one in report.outcomes] == [Status.APPLIED]
    assert rows.rows["t1"]["owner"] == login


@pytest.mark.parametrize(
    ("name", "secret", "found"),
    [
        (TOKEN, TOKEN, True),
        (f"of-{TOKEN}-too", TOKEN, True),
        (f"x{TOKEN}x", TOKEN, True),
        ("administrators", "administrator", False),
        ("the-administrator", "administrator", True),
        ("admin-team", "admin", False),
        ("admin", "admin", False),
    ],
)
def test_a_secret_in_an_address_is_a_mistake(tmp_path: Path, name: str, secret: str, found: bool) -> None:
    api = made(tmp_path, Rows(), manifest("{}", name=name), login=secret)
    if not found:
        load(api.options())
        return
    with pytest.raises(InvalidInput) as caught:
        load(api.options())
    (mistake,) = caught.value.diagnostics
    assert mistake.code == "secret-in-name"
    assert secret not in mistake.message + mistake.hint
    made(tmp_path, Rows(), manifest("{}", name=name), login=secret, listed="environment")
    if secret != TOKEN:
        load(api.options())


SECRET_PLACES: list[Any] = [TOKEN, f"Bearer {TOKEN}", {"a": [TOKEN]}, {TOKEN: 1}, [f"x{TOKEN}x"]]


@pytest.mark.parametrize("value", SECRET_PLACES)
def test_a_live_value_that_holds_a_secret_is_in_no_file(tmp_path: Path, value: Any) -> None:
    """Whatever the kind says of its field: in no saved plan, snapshot, ledger or manifest that a run writes."""
    rows = Rows({"id": "t1", "name": "one", "note": "fine", "owner": "me"})
    definition = DEFINITION.replace("note: {type: string}", "note: {}")
    api = made(tmp_path, rows, manifest('{note: fine, owner: me, token: "${env:TOKEN}"}'), login="somebody")
    api.define(definition, (tmp_path / "manifests" / "all.yaml").read_text(),
               target="secrets: [TOKEN, LOGIN]\nledger: {file: ledger.json}")  # fmt: skip
    assert api.apply().outcomes[0].status is Status.UNCHANGED
    rows.rows["t1"] |= {"note": value, "owner": "you"}
    options = api.options(redactor=Redactor())
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        save_plan(planned, loaded, options, tmp_path / "plan.json")
        save_snapshot(planned, loaded, options, tmp_path / "snapshot.json")
    accepted = accept_drift(
        find_drift(planned, loaded), planned, loaded, remove_deleted=False, holds_secret=options.redactor.holds_secret
    )
    write_manifests(accepted)
    assert "odd.Thing/one /note: the value is secret, or holds a secret" in str(accepted.remarks)
    written = (tmp_path / "manifests" / "all.yaml").read_text()
    assert "owner: you" in written  # what holds none is accepted
    assert api.apply().outcomes
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN not in path.read_text(), path


def test_what_a_snapshot_leaves_out_is_not_taken_for_a_difference(tmp_path: Path) -> None:
    rows = Rows({"id": "t1", "name": "one", "note": f"by {TOKEN}", "owner": "me"})
    api = made(tmp_path, rows, manifest(f"{{note: by {TOKEN}, owner: me}}"), login="somebody", ledger=False)
    options = api.options(redactor=Redactor())
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        save_snapshot(plan(loaded, connections, options), loaded, options, tmp_path / "snapshot.json")
    offline = plan_offline(loaded, open_snapshot(tmp_path / "snapshot.json"), options)
    assert not offline.pending


BLANKS = "correct-horse battery7staple of-mine-0123456789"


@pytest.mark.parametrize("form", ["json", "text", "html"])
def test_an_echo_is_searched_before_it_is_cut(tmp_path: Path, form: str) -> None:
    """The words of a server are shortened, and half of a secret with blanks is no secret that anybody would find."""
    said = ""

    class Echoes(Rows):
        def handle(self, request: SandboxRequest) -> SandboxResponse:
            if request.method != "POST":
                return super().handle(request)
            if form == "json":
                return json_response(400, {"message": said})
            content = said if form == "text" else f"<html><title>{said}</title></html>"
            return SandboxResponse(status=400, headers={"content-type": f"text/{form}"}, body=content.encode())

    api = OddApi(folder=tmp_path, handle=Echoes().handle, environ={"LOGIN": "somebody", "TOKEN": BLANKS})
    api.define(DEFINITION, manifest('{token: "${env:TOKEN}"}'), target="secrets: [TOKEN]")
    for before in range(440, 510, 3):
        said = ("x" * 9 + " ") * (before // 10) + "y" * (before % 10) + f" {BLANKS} and more of it " + "z " * 100
        (outcome,) = api.apply().outcomes
        assert "xxxxxxxxx" in outcome.detail
        for part in ("battery7staple", "of-mine", "0123456789", "correct-horse"):
            assert part not in outcome.detail, outcome.detail[-200:]
