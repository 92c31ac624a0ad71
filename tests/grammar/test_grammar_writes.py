"""Write: how objects come into being and change, on servers that are odd in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response, not_found
from odd_rows import Row, Rows, asked, kind, manifest, proved

from reconciler.core.kinds.checks.definitions import check_definitions
from reconciler.core.report import Status
from reconciler.shell.files.disk import read_documents

ID = "id: {type: string, readOnly: true}"
BIG = (
    f"{{name: {{type: string}}, {ID}, size: {{type: integer}}, note: {{type: [string, 'null']}}, "
    "box: {type: object, properties: {width: {type: integer}, height: {type: integer}}}, "
    "labels: {type: object, additionalProperties: {type: string}}}"
)
ROW: Row = {
    "id": "t1",
    "name": "one",
    "size": 1,
    "note": "by hand",
    "box": {"width": 1, "height": 2},
    "labels": {"a": "1", "b": "2"},
    "origin": "unknown to the schema",
}
SPEC = manifest("{size: 2, box: {width: 9}, labels: {a: '1', c: '3'}}")


class Verbs(Rows):
    """Speaks verbs that are not meant for it: PUT creates, POST at the object changes."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "PUT" and request.path == "/things":
            body = body_of(request)
            self.rows["t9"] = {"id": "t9", **body}
            return json_response(200, self.rows["t9"])
        if request.method == "POST" and request.path.startswith("/things/"):
            row = self.rows[request.path.rsplit("/", 1)[1]]
            row.update(body_of(request))
            return json_response(200, row)
        return super().handle(request) if request.method == "GET" else empty_response(405)


def test_create_and_update_with_any_verb(tmp_path: Path) -> None:
    definition = kind(write='{create: {method: PUT, path: /things}, update: {method: POST, path: "/things/{id}"}}')
    rows = Verbs({"id": "t1", "name": "one", "size": 1})
    manifests = manifest("{size: 2}") + "---\n" + manifest("{size: 3}", name="two")
    sent: list[Any] = [("POST", "/things/t1", {"size": 2}), ("PUT", "/things", {"name": "two", "size": 3})]
    proved(tmp_path, rows.handle, definition, manifests, sent)


# --------------------------------------------------------------------------- what a body carries


def merged(target: Any, patch: Any) -> Any:
    """Return what RFC 7396, section 2, makes of `target`."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), value)
    return kept


class MediaTypes(Rows):
    """Takes patches by their media type, and nothing else."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method != "PATCH":
            return super().handle(request)
        row, body = self.rows["t1"], body_of(request)
        match request.headers["content-type"]:
            case "application/merge-patch+json":
                self.rows["t1"] = merged(row, body)
            case "application/json-patch+json":
                for operation in body:
                    assert operation["op"] == "replace"
                    assert operation["path"].count("/") == 1
                    row[operation["path"][1:]] = operation["value"]
            case _:
                return json_response(415, {"message": "unsupported media type"})
        return json_response(200, self.rows["t1"])


def updating(keys: str) -> str:
    return kind(properties=BIG, write=f'{{update: {{method: PATCH, path: "/things/{{id}}", {keys}}}}}')


def test_patch_that_is_partial(tmp_path: Path) -> None:
    body = {"size": 2, "box": {"width": 9, "height": 2}, "labels": {"a": "1", "c": "3"}}
    rows = Rows(ROW)
    proved(tmp_path, rows.handle, updating("send: changed"), SPEC, [("PATCH", "/things/t1", body)])
    assert rows.rows["t1"] == {**ROW, **body}


def test_merge_patch(tmp_path: Path) -> None:
    body = {"size": 2, "box": {"width": 9}, "labels": {"b": None, "c": "3"}}
    rows = MediaTypes(ROW)
    proved(tmp_path, rows.handle, updating("send: mergePatch"), SPEC, [("PATCH", "/things/t1", body)])
    assert rows.rows["t1"] == {**ROW, "size": 2, "box": {"width": 9, "height": 2}, "labels": {"a": "1", "c": "3"}}


def test_json_patch(tmp_path: Path) -> None:
    body = [
        {"op": "replace", "path": "/box", "value": {"width": 9, "height": 2}},
        {"op": "replace", "path": "/labels", "value": {"a": "1", "c": "3"}},
        {"op": "replace", "path": "/size", "value": 2},
    ]
    proved(tmp_path, MediaTypes(ROW).handle, updating("send: jsonPatch"), SPEC, [("PATCH", "/things/t1", body)])


class FieldMasks(Rows):
    """Changes what `updateMask` names, and nothing else of the body."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method != "PATCH":
            return super().handle(request)
        names = dict(request.query)["updateMask"].split(",")
        row, body = self.rows["t1"], body_of(request)
        row.update({name: body[name] for name in names})
        return json_response(200, row)


def test_update_mask(tmp_path: Path) -> None:
    rows = FieldMasks(ROW)
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(updating('send: stated, query: {updateMask: "{changed}"}'), SPEC)
    assert [o.status for o in api.apply().outcomes] == [Status.APPLIED]
    assert [line for line in asked(api) if line.startswith("PATCH")] == ["PATCH /things/t1?updateMask=box,labels,size"]
    assert rows.rows["t1"]["note"] == "by hand"
    assert api.plan().pending == ()


def test_full_replace_merged_over_the_last_read(tmp_path: Path) -> None:
    rows = Rows(ROW)  # PUT forgets what is left out
    definition = kind(properties=BIG, write='{update: {method: PUT, path: "/things/{id}"}}')
    body = {**ROW, "size": 2, "box": {"width": 9, "height": 2}, "labels": {"a": "1", "c": "3"}}
    del body["id"]
    proved(tmp_path, rows.handle, definition, SPEC, [("PUT", "/things/t1", body)])
    assert rows.rows["t1"]["origin"] == "unknown to the schema"


def test_rpc_with_changed_fields(tmp_path: Path) -> None:
    row = dict(ROW)

    def handle(request: SandboxRequest) -> SandboxResponse:
        match request.path:
            case "/List":
                return json_response(200, {"things": [row]})
            case "/Update":
                body = body_of(request)
                assert body.pop("id") == "t1"
                row.update(body)
                return json_response(200, {})
        return not_found()

    definition = kind(
        properties=BIG,
        read="{list: {method: POST, path: /List, body: {}, items: /things}}",
        write='{update: {method: POST, path: /Update, body: {id: "{id}"}}}',
    )
    listing: Any = ("POST", "/List", {})
    update: Any = ("POST", "/Update", {"id": "t1", "size": 2})
    proved(tmp_path, handle, definition, manifest("{size: 2, note: by hand}"), [listing, update, listing])


class Parts(Rows):
    """The size has a call of its own; the call for the rest refuses it."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        body = body_of(request)
        if request.path.endswith("/size"):
            self.rows["t1"]["size"] = body["size"]
            return empty_response(204)
        if request.method == "PATCH" and "size" in body:
            return json_response(400, {"message": "size is not set here"})
        return super().handle(request)


@pytest.mark.parametrize(
    ("spec", "sent"),
    [
        ("{size: 2, note: new}", [("PATCH", "/things/t1", {"note": "new"}), ("PUT", "/things/t1/size", {"size": 2})]),
        ("{size: 2, note: by hand}", [("PUT", "/things/t1/size", {"size": 2})]),
        ("{size: 1, note: new}", [("PATCH", "/things/t1", {"note": "new"})]),
    ],
    ids=["both", "one", "the other"],
)
def test_one_object_written_through_several_calls(tmp_path: Path, spec: str, sent: list[Any]) -> None:
    definition = kind(
        properties=BIG,
        write='{update: [{method: PATCH, path: "/things/{id}"}, '
        '{method: PUT, path: "/things/{id}/size", fields: [size], send: changed}]}',
    )
    proved(tmp_path, Parts(ROW).handle, definition, manifest(spec), sent)


class Wrapped(Rows):
    """Bodies are wrapped, with members of their own around the fields."""

    def take(self, body: Any, row: Row) -> Row:
        assert body["type"] == "things"
        return {**row, **body["data"]["attributes"]}


def test_body_wrappers(tmp_path: Path) -> None:
    around = "body: {type: things}, fieldsAt: /data/attributes"
    definition = kind(
        write=f"{{create: {{method: POST, path: /things, {around}}}, "
        f'update: {{method: PATCH, path: "/things/{{id}}", {around}}}}}'
    )
    manifests = manifest("{size: 2}") + "---\n" + manifest("{size: 3}", name="two")
    sent = [
        ("PATCH", "/things/t1", {"type": "things", "data": {"attributes": {"size": 2}}}),
        ("POST", "/things", {"type": "things", "data": {"attributes": {"name": "two", "size": 3}}}),
    ]
    proved(tmp_path, Wrapped({"id": "t1", "name": "one", "size": 1}).handle, definition, manifests, sent)


class Owned(Rows):
    """Wants to know of which type an owner is, and in which unit a box is measured."""

    def take(self, body: Any, row: Row) -> Row:
        assert body["owner"]["type"] == "person"
        assert body["box"]["unit"] == "cm"
        return {**row, **body}


def test_members_that_are_fixed_beside_a_field(tmp_path: Path) -> None:
    fixed = "body: {owner: {type: person}, box: {unit: cm}}"
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, owner: {{type: string, x-name: /owner/id}}, "
        "box: {type: object, properties: {width: {type: integer}}}}",
        write=f'{{update: {{method: PATCH, path: "/things/{{id}}", {fixed}}}}}',
    )
    rows = Owned({"id": "t1", "name": "one", "owner": {"id": "kim", "type": "person"}, "box": {"width": 1}})
    body = {"owner": {"type": "person", "id": "ada"}, "box": {"unit": "cm", "width": 2}}
    spec = manifest("{owner: ada, box: {width: 2}}")
    api = proved(tmp_path, rows.handle, definition, spec, [("PATCH", "/things/t1", body)])
    documents, _ = read_documents(api.folder / "schemas" / "odd.yaml", "odd.yaml")
    assert check_definitions(documents, []) == []


class Carrying(Rows):
    """Each update must bring the kind and the name, though neither can change."""

    def take(self, body: Any, row: Row) -> Row:
        assert (body["kind"], body["name"]) == (row["kind"], row["name"])
        return {**row, **body}


def test_carry_over_fields(tmp_path: Path) -> None:
    definition = kind(
        write='{update: {method: PATCH, path: "/things/{id}", body: {kind: "{live.kind}", name: "{spec.name}"}}}'
    )
    rows = Carrying({"id": "t1", "name": "one", "kind": "box", "size": 1})
    sent = [("PATCH", "/things/t1", {"kind": "box", "name": "one", "size": 2})]
    proved(tmp_path, rows.handle, definition, manifest("{size: 2}"), sent)


class Pairs(Rows):
    """Takes width and height only together."""

    def take(self, body: Any, row: Row) -> Row:
        assert ("width" in body) == ("height" in body)
        return {**row, **body}


def test_fields_that_must_travel_together(tmp_path: Path) -> None:
    numbers = ", ".join(f"{name}: {{type: integer}}" for name in ("width", "height", "size"))
    definition = kind(properties=f"{{name: {{type: string}}, {numbers}}}", more="together: [{fields: [width, height]}]")
    rows = Pairs({"id": "t1", "name": "one", "width": 1, "height": 2, "size": 1})
    sent = [("PATCH", "/things/t1", {"width": 9, "height": 2})]
    api = proved(tmp_path, rows.handle, definition, manifest("{width: 9, height: 2, size: 1}"), sent)
    api.define(definition, manifest("{width: 9, height: 2, size: 2}"))
    api.apply()
    assert api.writes() == [("PATCH", "/things/t1", {"size": 2})]


class Inactive(Rows):
    """Whatever is created is inactive, and a create that says otherwise is refused."""

    def take(self, body: Any, row: Row) -> Row:
        assert row or "active" not in body
        return {"active": False, **row, **body}


def test_fields_that_cannot_be_set_on_create(tmp_path: Path) -> None:
    definition = kind(
        properties=f"{{name: {{type: string}}, {ID}, active: {{type: boolean, x-updateOnly: true, default: false}}}}"
    )
    manifests = manifest("{active: true}") + "---\n" + manifest("{active: false}", name="two")
    api = OddApi(folder=tmp_path, handle=Inactive().handle)
    api.define(definition, manifests)
    assert {o.status for o in api.apply().outcomes} == {Status.APPLIED}
    writes = api.writes()
    assert sorted(body["name"] for method, _, body in writes if method == "POST") == ["one", "two"]
    assert [body for method, _, body in writes if method == "PATCH"] == [{"active": True}]
    assert api.plan().pending == ()


class Nulls(Rows):
    """Null takes a field away; what is left out stays."""

    def take(self, body: Any, row: Row) -> Row:
        return {name: value for name, value in {**row, **body}.items() if value is not None}


@pytest.mark.parametrize(
    ("send", "server", "body"),
    [("changed", Nulls, {"note": None}), ("mergePatch", MediaTypes, {"note": None})],
    ids=["null is sent", "merge patch"],
)
def test_what_null_does(tmp_path: Path, send: str, server: type[Rows], body: Any) -> None:
    rows = server(ROW)
    sent = [("PATCH", "/things/t1", body)]
    proved(tmp_path, rows.handle, updating(f"send: {send}"), manifest("{note: null, size: 1}"), sent)
    assert "note" not in rows.rows["t1"]


def test_null_is_refused_where_the_kind_does_not_say_that_it_clears(tmp_path: Path) -> None:
    from reconciler.core.errors import InvalidInput

    api = OddApi(folder=tmp_path, handle=Rows(ROW).handle)
    api.define(updating("send: changed"), manifest("{size: null}"))
    with pytest.raises(InvalidInput) as caught:
        api.plan()
    assert [d.source.line for d in caught.value.diagnostics if d.source] == [4]


# --------------------------------------------------------------------------- what a create answers


class Answering(Rows):
    """Creates, and answers in its own way. Numbers are given by the server, and no list is ever wrong."""

    def __init__(self, answer: SandboxResponse) -> None:
        super().__init__()
        self.answer = answer

    def new_id(self, body: Row) -> Any:
        return "7 a/b"

    def written(self, status: int, row: Row) -> SandboxResponse:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "keys", "reads"),
    [
        (json_response(201, {"made": {"uid": "7 a/b"}}), "idAt: /made/uid", ["GET /things/7%20a%2Fb"]),
        (
            empty_response(201, {"location": "http://inner.test/other/things/7%20a%2Fb?x=1"}),
            "returns: nothing",
            ["GET /things/7%20a%2Fb"],
        ),
        (empty_response(204), "returns: nothing", ["GET /things"]),
    ],
    ids=["id from body", "id from Location", "success without an answer"],
)
def test_what_tells_the_id_of_a_new_object(
    tmp_path: Path, answer: SandboxResponse, keys: str, reads: list[str]
) -> None:
    api = OddApi(folder=tmp_path, handle=Answering(answer).handle)
    api.define(kind(write=f"{{create: {{method: POST, path: /things, {keys}}}}}"), manifest("{size: 2}"))
    (outcome,) = api.apply().outcomes
    assert (outcome.status, outcome.detail) == (Status.APPLIED, "")
    requests = asked(api)
    assert requests[: requests.index("POST /things") + 1] == ["GET /things", "POST /things"]
    assert requests[requests.index("POST /things") + 1 :][: len(reads)] == reads
    assert api.plan().pending == ()
