"""Read: where live objects come from, on servers that are odd in it. Every server here speaks of things of a size."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from odd_api import SandboxRequest, SandboxResponse, body_of, json_response, not_found
from odd_rows import Row, Rows, asked, kind, manifest, proved

from reconciler.core.errors import ApiError

FIVE = [{"id": f"t{n}", "name": f"n{n}", "size": 1} for n in range(5)]
LAST = manifest("{size: 2}", name="n4")
SENT = [("PATCH", "/things/t4", {"size": 2})]
BY_LIST = '{{list: {{method: GET, path: /things{}}}, get: {{method: GET, path: "/things/{{id}}"}}}}'


def listing(keys: str) -> str:
    """Return a kind whose list has these keys besides."""
    return kind(read=BY_LIST.format(keys))


class Rpc:
    """Connect: everything is a POST to /Service/Method, and the object's id is in the body."""

    def __init__(self) -> None:
        self.rows = {row["id"]: dict(row) for row in FIVE}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        body = body_of(request)
        if request.method != "POST":
            return json_response(405, {"message": "POST only"})
        match request.path:
            case "/Things/List":
                return json_response(200, {"things": list(self.rows.values())})
            case "/Things/Get":
                return json_response(200, {"thing": self.rows[body["id"]]})
            case "/Things/Update":
                self.rows[body["id"]].update(body["thing"])
                return json_response(200, {})
        return not_found()


def test_any_verb_reads(tmp_path: Path) -> None:
    definition = kind(
        read="{list: {method: POST, path: /Things/List, body: {}, items: /things}, "
        'get: {method: POST, path: /Things/Get, body: {id: "{id}"}, object: /thing}}',
        write='{update: {method: POST, path: /Things/Update, body: {id: "{id}"}, fieldsAt: /thing}}',
    )
    update = ("POST", "/Things/Update", {"id": "t4", "thing": {"size": 2}})
    get = ("POST", "/Things/Get", {"id": "t4"})
    # Read right before the write, and right after it: the answer holds no object.
    proved(tmp_path, Rpc().handle, definition, LAST, [get, update, get])


class Enveloped(Rows):
    """All answers are in `data`; writes are bare."""

    def shown_list(self, request: SandboxRequest) -> Any:
        return {"ok": True, "data": super().shown_list(request)}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        answer = super().handle(request)
        if request.path == self.path:
            return answer
        return json_response(answer.status, {"ok": True, "data": json.loads(answer.body)})


def test_envelopes(tmp_path: Path) -> None:
    definition = kind(
        read="{list: {method: GET, path: /things, items: /data}, "
        'get: {method: GET, path: "/things/{id}", object: /data}}',
        write='{update: {method: PATCH, path: "/things/{id}", object: /data}}',
    )
    api = proved(tmp_path, Enveloped(*FIVE).handle, definition, LAST, SENT)
    assert asked(api) == ["GET /things"]


class Scattered(Rows):
    """The list is deep in the answer, each thing deep in its item."""

    def shown_list(self, request: SandboxRequest) -> Any:
        return {"report": [{}, {"a/b": [{"entry": {"thing": row}} for row in self.rows.values()]}]}


class Keyed(Rows):
    """The list is an object: names lead to the rest."""

    def shown_list(self, request: SandboxRequest) -> Any:
        rows = self.rows.values()
        return {"things": {row["name"]: {k: v for k, v in row.items() if k != "name"} for row in rows}}


@pytest.mark.parametrize(
    ("rows", "keys"),
    [
        (Scattered(*FIVE), ", items: /report/1/a~1b, object: /entry/thing"),
        (Keyed(*FIVE), ", items: /things, keyAs: name"),
    ],
    ids=["deep", "by name"],
)
def test_items_anywhere_in_the_answer(tmp_path: Path, rows: Rows, keys: str) -> None:
    proved(tmp_path, rows.handle, listing(keys), LAST, SENT)


def test_an_answer_of_unknown_layout(tmp_path: Path) -> None:
    row = {"id": "n4", "name": "n4", "size": 1}

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.method == "PATCH":
            row.update(body_of(request))
        return json_response(200, {"dump": [{"x": 1}, {"inner": {"deeper": row}}]})

    path = "/dump/{spec.name}"
    definition = kind(
        identity='{id: "{spec.name}", key: [name], name: name}',
        read=f'{{get: {{method: GET, path: "{path}", object: {{withFields: 2}}}}}}',
        write=f'{{update: {{method: PATCH, path: "{path}", returns: nothing}}}}',
    ).replace("id: {type: string, readOnly: true}", "id: {readOnly: true}")
    proved(tmp_path, handle, definition, LAST, [("PATCH", "/dump/n4", {"size": 2})])


# --------------------------------------------------------------------------- paging


class Paged(Rows):
    """Two at a time, in one of many ways. A wrong parameter is refused, and not overlooked."""

    way = ""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        is_list = request.path == self.path and request.method in ("GET", "POST")
        return self.page(request) if is_list else super().handle(request)

    def page(self, request: SandboxRequest) -> SandboxResponse:
        query, rows = dict(request.query), list(self.rows.values())
        match self.way:
            case "offset":
                start = int(query["skip"])
                return json_response(200, rows[start : start + int(query["limit"])])
            case "page":
                start = (int(query["page"]) - 1) * 2
                return json_response(200, {"rows": rows[start : start + 2], "count": len(rows)})
            case "page from 0":
                start = int(query["p"]) * 2
                return json_response(200, {"rows": rows[start : start + 2], "count": len(rows)})
            case "cursor in query":
                start = int(query.get("after", 0))
            case "cursor in body":
                start = int(body_of(request)["page"].get("token", 0))
            case _:
                start = int(query.get("at", 0))
        following = start + 2 if start + 2 < len(rows) else None
        if self.way == "link":
            links = '<http://elsewhere.test/things?at=0>; rel="first"'
            links += f', <http://elsewhere.test/things?at={following}>; rel="next"' if following else ""
            return json_response(200, rows[start : start + 2], {"link": links})
        if self.way == "url":
            address = f"/things?at={following}" if following else None
            return json_response(200, {"rows": rows[start : start + 2], "next": address})
        return json_response(200, {"rows": rows[start : start + 2], "meta": {"next": following and str(following)}})


WAYS = {
    "offset": (
        ', query: {skip: "{page.offset}", limit: "{page.size}"}, paging: {style: offset, size: 2}',
        ["GET /things?skip=0&limit=2", "GET /things?skip=2&limit=2", "GET /things?skip=4&limit=2"],
    ),
    "page": (
        ', query: {page: "{page.number}"}, items: /rows, paging: {style: page, size: 2, total: /count}',
        ["GET /things?page=1", "GET /things?page=2", "GET /things?page=3"],
    ),
    "page from 0": (
        ', query: {p: "{page.number}"}, items: /rows, paging: {style: page, size: 2, first: 0, total: /count}',
        ["GET /things?p=0", "GET /things?p=1", "GET /things?p=2"],
    ),
    "cursor in query": (
        ', query: {after: "{page.cursor}"}, items: /rows, paging: {style: cursor, next: /meta/next}',
        ["GET /things", "GET /things?after=2", "GET /things?after=4"],
    ),
    "link": (", paging: {style: link}", ["GET /things", "GET /things?at=2", "GET /things?at=4"]),
    "url": (
        ", items: /rows, paging: {style: url, next: /next}",
        ["GET /things", "GET /things?at=2", "GET /things?at=4"],
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_paging_in_the_address(tmp_path: Path, way: str) -> None:
    rows = Paged(*FIVE)
    rows.way = way
    keys, requests = WAYS[way]
    api = proved(tmp_path, rows.handle, listing(keys), LAST, SENT)
    assert asked(api) == requests


def test_paging_by_a_cursor_in_the_body(tmp_path: Path) -> None:
    rows = Paged(*FIVE)
    rows.way = "cursor in body"
    read = (
        '{list: {method: POST, path: /things, body: {page: {token: "{page.cursor}", max: "{page.size}"}}, items: /rows,'
        ' paging: {style: cursor, next: /meta/next, size: 2}}, get: {method: GET, path: "/things/{id}"}}'
    )
    api = proved(tmp_path, rows.handle, kind(read=read), LAST, SENT)
    assert [body_of(request) for request in api.seen] == [
        {"page": {"max": 2}},
        {"page": {"token": "2", "max": 2}},
        {"page": {"token": "4", "max": 2}},
    ]


# --------------------------------------------------------------------------- what lists do not show


class IdsOnly(Rows):
    def shown_list(self, request: SandboxRequest) -> Any:
        return {"ids": list(self.rows)}


def test_lists_that_return_ids_only(tmp_path: Path) -> None:
    definition = listing(", items: /ids, itemsAre: ids")
    api = proved(tmp_path, IdsOnly(*FIVE).handle, definition, LAST, SENT)
    assert sorted(asked(api)) == ["GET /things", *(f"GET /things/t{n}" for n in range(5))]


class Hits(Rows):
    """The list is of another layout than the objects: its items hold the id elsewhere, and nothing that can be used."""

    def shown_list(self, request: SandboxRequest) -> Any:
        return [{"hit": {"ref": row["id"]}, "name": "<b>one</b>", "score": 7} for row in self.rows.values()]


def test_lists_of_another_layout_give_their_ids(tmp_path: Path) -> None:
    api = proved(tmp_path, Hits(*FIVE).handle, listing(", itemsAre: ids, idAt: /hit/ref"), LAST, SENT)
    api.define(listing(", itemsAre: ids, idAt: /hit/id"), LAST)
    with pytest.raises(ApiError, match="an item of the list holds no id at /hit/id"):
        api.plan()


class PerZone(Rows):
    """Lists the things of one zone, which has to be named."""

    def shown_list(self, request: SandboxRequest) -> Any:
        zone = dict(request.query)["zone"]
        return [row for row in self.rows.values() if row["zone"] == zone]


def test_lists_per_parent(tmp_path: Path) -> None:
    rows = PerZone(*({**row, "zone": zone, "id": f"{zone}-{row['id']}"} for row in FIVE for zone in ("a", "b", "c")))
    definition = kind(
        properties="{zone: {type: string}, name: {type: string}, size: {type: integer}}",
        identity="{key: [zone, name], name: name}",
        read=BY_LIST.format(', query: {zone: "{spec.zone}"}'),
    )
    manifests = "---\n".join(
        f"apiVersion: odd/v1\nkind: Thing\nmetadata: {{name: {zone}{n}}}\nspec: {{zone: {zone}, name: n{n}, size: 2}}\n"
        for zone in "ab"
        for n in (3, 4)
    )
    sent = [("PATCH", f"/things/{zone}-t{n}", {"size": 2}) for zone in "ab" for n in (3, 4)]
    api = proved(tmp_path, rows.handle, definition, manifests, sent)
    assert sorted(asked(api)) == ["GET /things?zone=a", "GET /things?zone=b"], "one listing for each zone that is named"


class Exported(Rows):
    """What is there is shown only by an export: a ZIP archive with a JSON file for each thing."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "PATCH":
            return super().handle(request)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", "an export")
            for row in self.rows.values():
                archive.writestr(f"things/{row['name']}.json", json.dumps({"thing": row}))
        return SandboxResponse(status=200, headers={"content-type": "application/zip"}, body=packed.getvalue())


def test_archive_answers(tmp_path: Path) -> None:
    definition = kind(
        read='{get: {method: GET, path: "/export/{spec.name}", object: /thing, '
        'archive: {zip: "things/{spec.name}.json"}}}',
        write='{update: {method: PATCH, path: "/things/{id}", returns: nothing}}',
    )
    rows = Exported(*FIVE)
    api = proved(tmp_path, rows.handle, definition, LAST, SENT)
    assert asked(api) == ["GET /export/n4"]


class Strict(Rows):
    """Wants parameters that are always the same, in lists, reads and writes, and refuses what lacks them."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        fixed = [("api-version", "7"), ("expand", "size"), ("expand", "name")]
        if list(request.query) != fixed or request.headers.get("x-tenant") != "t-1":
            return json_response(400, {"message": "parameters are missing"})
        return super().handle(request)


def test_fixed_query_parameters(tmp_path: Path) -> None:
    fixed = 'query: {api-version: "7", expand: [size, name]}, headers: {X-Tenant: "{system.tenant}"}'
    system = "system: odd\nparameters: {type: object, properties: {tenant: {type: string}}}\n---\n"
    definition = system + kind(
        read=f"{{list: {{method: GET, path: /things, {fixed}}}, "
        f'get: {{method: GET, path: "/things/{{id}}", {fixed}}}}}',
        write=f'{{update: {{method: PATCH, path: "/things/{{id}}", {fixed}}}}}',
    )
    proved(tmp_path, Strict(*FIVE).handle, definition, LAST, SENT, parameters="tenant: t-1\n")


def test_objects_that_are_not_ours_are_not_found(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"id": "t1", "name": "one", "size": 1, "builtIn": True},
        {"id": "t2", "name": "one", "size": 1, "owner": "somebody"},
        {"id": "t3", "name": "one", "size": 1, "owner": "us"},
    ]
    skip = "skip: [{at: /builtIn, equals: true}, {at: /owner, matches: ^somebody$}]"
    sent = [("PATCH", "/things/t3", {"size": 2})]
    proved(tmp_path, Rows(*rows).handle, listing(f", {skip}"), manifest("{size: 2}"), sent)
