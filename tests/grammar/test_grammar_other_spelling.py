"""Keys that the server stores in another form, and creates that no list shows, without a ledger to remember them."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest
from odd_rows import Row, Rows, kind, manifest

from reconciler.core.model import Action
from reconciler.core.report import Outcome, Status
from reconciler.render.report import render_outcome

DECOMPOSED = "cafe\u0301"
COMPOSED = unicodedata.normalize("NFC", DECOMPOSED)
FORMS: dict[str, tuple[str, str, str]] = {
    "lower": ("Sandbox", "sandbox", "x-form: lower"),
    "trim": (" a b", "a b", "x-form: trim"),
    "nfc": (DECOMPOSED, COMPOSED, "x-form: nfc"),
}


def store(form: str, name: str) -> str:
    match form:
        case "lower":
            return name.lower()
        case "trim":
            return name.strip()
        case _:
            return unicodedata.normalize("NFC", name)


class Storing(Rows):
    """Stores names in a form of its own."""

    form = "lower"

    def take(self, body: Any, row: Row) -> Row:
        return super().take(body | ({"name": store(self.form, body["name"])} if "name" in body else {}), row)


def named(name: str) -> str:
    return manifest(f'{{name: "{name}", size: 1}}')


def api_of(folder: Path, rows: Rows, manifests: str, *, listing: str = "") -> OddApi:
    api = OddApi(folder=folder, handle=rows.handle)
    read = f'{{list: {{method: GET, path: /things{listing}}}, get: {{method: GET, path: "/things/{{id}}"}}}}'
    api.define(kind(read=read), manifests)
    return api


def one(api: OddApi) -> Outcome:
    (outcome,) = api.apply().outcomes
    return outcome


@pytest.mark.parametrize("listing", ["", ", itemsAre: summaries"], ids=["objects", "summaries"])
@pytest.mark.parametrize("form", FORMS)
def test_a_key_in_another_form_is_named_and_not_created_again(tmp_path: Path, form: str, listing: str) -> None:
    rows, (wanted, held, line) = Storing(), FORMS[form]
    rows.form = form
    api = api_of(tmp_path, rows, named(wanted), listing=listing)
    outcome = one(api)
    assert (outcome.status, outcome.remote_id) == (Status.FAILED, "t1")
    assert outcome.detail.endswith(f'; the object exists as "{held}", id t1')
    assert line in {one.line for one in outcome.leftovers}
    (blocker,) = api.plan().blockers
    assert (blocker.code, f'it exists as "{held}", id t1' in blocker.message) == ("perhaps-the-same", True)
    assert f"`{line}` (schema.properties.name, " in blocker.hint
    assert len(rows.rows) == 1
    described = line.replace("x-form", "{type: string, x-form") + "}"
    api.define(
        kind(properties=f"{{name: {described}, size: {{type: integer}}, id: {{type: string, readOnly: true}}}}"),
        named(wanted),
    )
    assert [change.action for change in api.plan().changes] == [Action.UNCHANGED], "the advice is right"


def test_what_looks_the_same_is_shown_apart(tmp_path: Path) -> None:
    rows = Storing()
    rows.form = "nfc"
    said = render_outcome(one(api_of(tmp_path, rows, named(DECOMPOSED))))
    assert 'wanted "cafe\\u0301", is "caf\\xe9"' in said


def test_both_may_be_meant(tmp_path: Path) -> None:
    rows = Rows({"id": "a", "name": "sandbox", "size": 1})
    api = api_of(tmp_path, rows, named("Sandbox"))
    assert [one.code for one in api.plan().blockers] == ["perhaps-the-same"]
    other = manifest("{name: sandbox}", name="other") + "lifecycle: {lookup: true}\n"
    api.manifests(named("Sandbox") + "---\n" + other)
    assert one_of(api) == Status.APPLIED
    assert {row["name"] for row in rows.rows.values()} == {"sandbox", "Sandbox"}


def one_of(api: OddApi) -> Status:
    return next(o.status for o in api.apply().outcomes if o.address.name == "one")


class Filtering(Rows):
    def shown_list(self, request: SandboxRequest) -> Any:
        return []


def test_a_create_that_the_list_does_not_show_says_so_with_its_id(tmp_path: Path) -> None:
    outcome = one(api_of(tmp_path, Filtering(), named("a")))
    assert (outcome.status, outcome.remote_id) == (Status.FAILED, "t1")
    assert "created with the id t1, but the list does not show it" in outcome.detail


def test_a_ledger_remembers_what_no_list_shows(tmp_path: Path) -> None:
    api = OddApi(folder=tmp_path, handle=Filtering().handle)
    api.define(kind(), named("a"), target="ledger: {file: ledger.json}\n")
    assert one(api).status is Status.APPLIED
    assert one(api).status is Status.UNCHANGED


def test_a_list_that_is_late_is_waited_for(tmp_path: Path) -> None:
    class Late(Rows):
        lists = 0

        def shown_list(self, request: SandboxRequest) -> Any:
            self.lists += 1
            return super().shown_list(request) if self.lists > 4 else []

    rows = Late()
    api = OddApi(folder=tmp_path, handle=rows.handle)
    read = '{settleSeconds: 5, list: {method: GET, path: /things}, get: {method: GET, path: "/things/{id}"}}'
    api.define(kind(read=read), named("a"))
    assert one(api).status is Status.APPLIED
    assert rows.lists == 5
