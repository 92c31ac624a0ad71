"""Shape: how values are spelled and what they mean, on servers that are odd in it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response
from odd_rows import Row, Rows, Write, kind, manifest, proved

from reconciler.core.model import Action

ID = "id: {type: string, readOnly: true}"


def things(field: str) -> str:
    """Return a kind with a name and one more field."""
    return kind(properties=f"{{name: {{type: string}}, {ID}, {field}}}")


def patch(**fields: Any) -> list[Write]:
    return [("PATCH", "/things/t1", fields)]


class Spelling(Rows):
    """Takes `ownerId` on create and `newOwnerId` on update, and shows `owner: {id: …}`; knows no other spelling."""

    def show(self, row: Row) -> Any:
        return {"id": row["id"], "name": row["name"], "owner": {"id": row["owner"], "kind": "person"}}

    def take(self, body: Any, row: Row) -> Row:
        own = "newOwnerId" if row else "ownerId"
        assert set(body) <= {"name", own}
        return {**row, "name": body.get("name", row.get("name")), "owner": body[own]}


def test_request_spelling_against_response_spelling(tmp_path: Path) -> None:
    rows = Spelling({"id": "t1", "name": "one", "owner": "kim"})
    definition = things(
        "owner: {type: string, x-request: {create: ownerId, update: newOwnerId}, x-response: /owner/id}"
    )
    manifests = manifest("{owner: ada}") + "---\n" + manifest("{owner: joe}", name="two")
    created = ("POST", "/things", {"name": "two", "ownerId": "joe"})
    proved(tmp_path, rows.handle, definition, manifests, [*patch(newOwnerId="ada"), created])


class Masked(Rows):
    """Shows stars in place of the key."""

    def show(self, row: Row) -> Any:
        return {**row, "key": "*" * 8} if "key" in row else row


def test_masked_values(tmp_path: Path) -> None:
    rows = Masked({"id": "t1", "name": "one", "key": "fake-old"})
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, size: {{type: integer}}, "
        'key: {type: string, x-sensitive: true, x-mask: "\\\\*+"}}'
    )
    api = proved(tmp_path, rows.handle, definition, manifest("{key: fake-old, size: 2}"), patch(size=2))
    (change,) = api.plan().changes
    assert change.action is Action.UNCHANGED
    assert "/key" in " ".join(change.caveats)
    del rows.rows["t1"]["key"]
    assert [change.action for change in api.plan().pending] == [Action.UPDATE], "no mask: there is no key"


class Terse(Rows):
    """Leaves out of its answers what is zero, or a default."""

    def show(self, row: Row) -> Any:
        return {name: value for name, value in row.items() if value not in ("", 0, False, "std", [])}


@pytest.mark.parametrize(
    ("absent", "spec"),
    [
        ("zero", "{text: '', count: 0, flag: false, list: []}"),
        ("default", "{text: std, count: 0, flag: false, list: []}"),
    ],
)
def test_defaults_left_out(tmp_path: Path, absent: str, spec: str) -> None:
    rows = Terse()
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, text: {{type: string, default: std}}, "
        "count: {type: integer, default: 0}, flag: {type: boolean, default: false}, "
        "list: {type: array, items: {type: string}}}",
        read=f"{{list: {{method: GET, path: /things}}, absent: {absent}}}",
    )
    sent: Row = {"name": "one", "text": "std" if absent == "default" else "", "count": 0, "flag": False, "list": []}
    api = proved(tmp_path, rows.handle, definition, manifest(spec), [("POST", "/things", sent)])
    rows.rows["t1"]["count"] = 3
    (change,) = api.plan().pending
    assert [(f.path, f.before, f.after) for f in change.fields] == [(("count",), 3, 0)]


class Proto(Rows):
    """Protocol Buffers in JSON: 64-bit integers are text, and anything else is refused."""

    def take(self, body: Any, row: Row) -> Row:
        assert isinstance(body.get("count", "0"), str)
        return {**row, **body}


def test_strings_for_integers(tmp_path: Path) -> None:
    rows = Proto({"id": "t1", "name": "one", "count": "9007199254740993"})
    definition = things("count: {type: integer, x-form: int64}")
    api = proved(
        tmp_path, rows.handle, definition, manifest("{count: 9007199254740995}"), patch(count="9007199254740995")
    )
    api.define(definition, manifest("{count: 9007199254740995}"))
    assert api.plan().pending == ()


class Bytes(Rows):
    """Keeps bytes, and shows them in base64 without padding, in the alphabet for URLs."""

    def take(self, body: Any, row: Row) -> Row:
        raw = base64.b64decode(body["blob"], validate=True)
        return {**row, **body, "blob": base64.urlsafe_b64encode(raw).decode().rstrip("=")}


@pytest.mark.parametrize(
    ("form", "stated", "sent"),
    [
        ("base64", "-_8", "+/8="),
        ("base64-text", "grüße", base64.b64encode("grüße".encode()).decode()),
        ("uuid-base64", "fbff0000-0000-4000-8000-000000000000", "+/8AAAAAQACAAAAAAAAAAA=="),
    ],
)
def test_bytes(tmp_path: Path, form: str, stated: str, sent: str) -> None:
    rows = Bytes({"id": "t1", "name": "one", "blob": "AA"})
    proved(
        tmp_path,
        rows.handle,
        things(f"blob: {{type: string, x-form: {form}}}"),
        manifest(f'{{blob: "{stated}"}}'),
        patch(blob=sent),
    )


class Clocks(Rows):
    """Keeps moments in UTC with milliseconds, whatever the zone that was given."""

    def take(self, body: Any, row: Row) -> Row:
        assert body["at"] in ("2030-01-01T00:00:00+02:00",)
        return {**row, "at": "2029-12-31T22:00:00.000Z"}


def test_timestamps(tmp_path: Path) -> None:
    rows = Clocks({"id": "t1", "name": "one", "at": "2029-12-31T22:00:01.000Z"})
    definition = things("at: {type: string, x-form: timestamp}")
    proved(
        tmp_path,
        rows.handle,
        definition,
        manifest('{at: "2030-01-01T00:00:00+02:00"}'),
        patch(at="2030-01-01T00:00:00+02:00"),
    )


class Lower(Rows):
    """Keeps e-mail addresses trimmed, and in lower case; refuses enums that are not in upper case."""

    def take(self, body: Any, row: Row) -> Row:
        assert body["level"].isupper()
        return {**row, **body, "mail": body["mail"].strip().lower()}


def test_case(tmp_path: Path) -> None:
    rows = Lower()
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, mail: {{type: string, x-form: [trim, case-insensitive]}}, "
        "level: {type: string, x-form: upper}}"
    )
    sent = {"name": "one", "mail": "Kim@Example.com", "level": "HIGH"}
    proved(
        tmp_path,
        rows.handle,
        definition,
        manifest('{mail: " Kim@Example.com ", level: high}'),
        [("POST", "/things", sent)],
    )


# --------------------------------------------------------------------------- lists


class Shuffling(Rows):
    """Shows lists sorted backwards, and gives each item that is an object an id of its own, which must travel back."""

    ids = 0

    def take(self, body: Any, row: Row) -> Row:
        for item in body.get("items", ()):
            if isinstance(item, dict) and "iid" not in item:
                self.ids += 1
                item["iid"] = self.ids
        return {**row, **body}

    def show(self, row: Row) -> Any:
        items = row.get("items", [])
        return {**row, "items": sorted(items, key=lambda item: json.dumps(item), reverse=True)}


def test_sets(tmp_path: Path) -> None:
    rows = Shuffling({"id": "t1", "name": "one", "items": ["a"]})
    definition = things("items: {type: array, x-list: set, items: {type: string}}")
    proved(tmp_path, rows.handle, definition, manifest("{items: [b, c, a, c]}"), patch(items=["b", "c", "a"]))
    assert len(rows.rows["t1"]["items"]) == 3


class Distinct(Rows):
    """Refuses a list with a repetition."""

    def take(self, body: Any, row: Row) -> Row:
        items = [json.dumps(item) for item in body["items"]]
        assert len(items) == len(set(items))
        return {**row, **body}


@pytest.mark.parametrize("call", ["create", "changed", "full", "jsonPatch"])
def test_a_set_is_sent_as_the_plan_shows_it(tmp_path: Path, call: str) -> None:
    rows = Distinct(*([] if call == "create" else [{"id": "t1", "name": "one", "items": []}]))
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, items: {{type: array, x-list: set, items: {{type: string}}}}}}",
        write='{create: {method: POST, path: /things}, update: {method: PATCH, path: "/things/{id}", '
        f"send: {call if call != 'create' else 'full'}}}}}",
    )
    if call == "jsonPatch":
        rows.take = lambda body, row: {**row, "items": body[0]["value"]}  # type: ignore[method-assign]
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(definition, manifest("{items: [b, a, b, b]}"))
    (request,) = api.plan().pending[0].requests
    api.apply()
    assert [request.body] == [body for _, _, body in api.writes()]
    assert api.plan().pending == ()


def test_keyed_lists(tmp_path: Path) -> None:
    rows = Shuffling({"id": "t1", "name": "one", "items": [{"sku": "a", "count": 1, "iid": 90}]})
    definition = things(
        "items: {type: array, x-list: set, x-key: [sku], items: {type: object, "
        "properties: {sku: {type: string}, count: {type: integer}}}}"
    )
    proved(
        tmp_path,
        rows.handle,
        definition,
        manifest("{items: [{sku: b, count: 1}, {sku: a, count: 2}]}"),
        patch(items=[{"sku": "b", "count": 1}, {"sku": "a", "count": 2, "iid": 90}]),
    )


def test_ordered_lists(tmp_path: Path) -> None:
    rows = Rows({"id": "t1", "name": "one", "items": ["a", "b"]})
    definition = things("items: {type: array, items: {type: string}}")
    proved(tmp_path, rows.handle, definition, manifest("{items: [b, a]}"), patch(items=["b", "a"]))


# --------------------------------------------------------------------------- who sets a field


class Computing(Rows):
    """Counts its writes, and refuses the count when somebody else sends it."""

    def take(self, body: Any, row: Row) -> Row:
        assert "writes" not in body
        return {**row, **body, "writes": row.get("writes", 0) + 1}


def test_server_computed_fields(tmp_path: Path) -> None:
    rows = Computing({"id": "t1", "name": "one", "size": 1, "writes": 4})
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, size: {{type: integer}}, writes: {{readOnly: true}}}}",
        write='{update: {method: PUT, path: "/things/{id}"}}',
    )
    proved(
        tmp_path, rows.handle, definition, manifest("{size: 2}"), [("PUT", "/things/t1", {"name": "one", "size": 2})]
    )


def test_immutable_fields(tmp_path: Path) -> None:
    rows = Rows({"id": "t1", "name": "one", "size": 1, "zone": "a"})
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, size: {{type: integer}}, "
        "zone: {type: string, x-immutable: true}}"
    )
    api = proved(tmp_path, rows.handle, definition, manifest("{size: 2, zone: a}"), patch(size=2))
    api.define(definition, manifest("{size: 3, zone: b}"))
    plan = api.plan()
    assert [(b.code, str(b.source).rpartition("/")[2]) for b in plan.blockers] == [("immutable-field", "all.yaml:4:23")]


class Silent(Rows):
    """Never shows the pin, only whether there is one."""

    def show(self, row: Row) -> Any:
        return {"id": row["id"], "name": row["name"], "hasPin": "pin" in row}


def test_write_only_fields(tmp_path: Path) -> None:
    rows = Silent({"id": "t1", "name": "one"})
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, hasPin: {{type: boolean, readOnly: true}}, "
        "pin: {type: string, writeOnly: true, x-sensitive: true, x-present: hasPin}}"
    )
    api = proved(tmp_path, rows.handle, definition, manifest("{pin: fake-pin-1}"), patch(pin="fake-pin-1"))
    (change,) = api.plan().changes
    assert "/pin" in " ".join(change.caveats)
    assert "fake-pin" not in str(api.plan())


def test_sensitive_fields(tmp_path: Path) -> None:
    rows = Rows({"id": "t1", "name": "one", "word": "fake-old-word"})
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(things("word: {type: string, x-sensitive: true}"), manifest("{word: fake-new-word}"))
    plan = api.plan()
    (change,) = plan.pending
    assert [(f.path, f.sensitive) for f in change.fields] == [(("word",), True)]
    assert "fake-new-word" not in str(change.fields) + str(change.requests)
    assert "fake-old-word" not in str(change.fields) + str(change.requests)
    api.apply()
    assert api.writes() == patch(word="fake-new-word")
    assert api.plan().pending == ()


def test_one_state_that_the_server_refines(tmp_path: Path) -> None:
    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.method == "PATCH":
            row["state"] = {"ON": "STARTING"}[body_of(request)["state"]]
        return json_response(200, row if request.path != "/things" else [row])

    row: Row = {"id": "t1", "name": "one", "state": "OFF"}
    definition = things("state: {enum: [ON, OFF], x-means: {STARTING: ON}}")
    proved(tmp_path, handle, definition, manifest("{state: 'ON'}"), patch(state="ON"))
