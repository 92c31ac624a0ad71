"""Identity: what makes an object itself, on servers that are odd in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found
from odd_rows import Row, Rows, asked, kind, manifest, proved

from reconciler.core.model import Action
from reconciler.core.report import Status

SIZE = "size: {type: integer}"


class Deep(Rows):
    """Ids are numbers, inside of `meta`."""

    def show(self, row: Row) -> Any:
        return {"meta": {"uid": row["id"]}, "name": row["name"], "size": row["size"]}


def test_the_remote_id_may_be_a_number_deep_in_the_answer(tmp_path: Path) -> None:
    rows = Deep({"id": 7, "name": "one", "size": 1}, {"id": 8, "name": "two", "size": 1})
    definition = kind(identity="{id: /meta/uid, key: [name], name: name}")
    proved(tmp_path, rows.handle, definition, manifest("{size: 2}"), [("PATCH", "/things/7", {"size": 2})])


def test_a_natural_key_of_several_fields(tmp_path: Path) -> None:
    rows = Rows(*({"id": f"{a}{b}", "zone": a, "name": b, "size": 1} for a in "ab" for b in "xy"))
    definition = kind(
        properties=f"{{zone: {{type: string}}, name: {{type: string}}, {SIZE}}}",
        identity="{key: [zone, name], name: name}",
    )
    proved(
        tmp_path,
        rows.handle,
        definition,
        manifest("{zone: b, size: 2}", name="x") + "---\n" + manifest("{zone: c, size: 2}", name="y"),
        [("PATCH", "/things/bx", {"size": 2}), ("POST", "/things", {"zone": "c", "name": "y", "size": 2})],
    )


def test_a_natural_key_that_answers_spell_otherwise_than_paths(tmp_path: Path) -> None:
    """As bindings of RabbitMQ: `q` in the path is `queue` in the answer."""

    class Links(Rows):
        def handle(self, request: SandboxRequest) -> SandboxResponse:
            if request.method != "POST":
                return super().handle(request)
            _, _, to, end = request.path.split("/")
            row = {"id": f"{to}-{end}", "to": {"q": "queue", "e": "exchange"}[to], "end": end, **body_of(request)}
            self.rows[row["id"]] = row
            return json_response(201, {})

    rows = Links()
    definition = kind(
        properties="{to: {enum: [q, e], x-means: {queue: q, exchange: e}}, end: {type: string}, " + SIZE + "}",
        identity="{key: [to, end], name: end}",
        write='{create: {method: POST, path: "/things/{spec.to}/{spec.end}", returns: nothing}}',
    )
    queue, exchange = manifest("{to: q, size: 2}", name="a"), manifest("{to: e, end: a, size: 1}", name="b")
    writes = [("POST", "/things/q/a", {"size": 2}), ("POST", "/things/e/a", {"size": 1})]
    proved(tmp_path, rows.handle, definition, f"{queue}---\n{exchange}", writes)


class Nested:
    """Zones, and things below each of them; a thing does not say in which zone it is."""

    def __init__(self) -> None:
        self.zones = Rows(path="/zones")
        self.things: dict[str, Rows] = {}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        parts = request.path.split("/")
        if len(parts) <= 3:
            return self.zones.handle(request)
        if parts[2] not in self.zones.rows:
            return not_found()
        return self.things.setdefault(parts[2], Rows(path="/".join(parts[:4]))).handle(request)


def test_parents_and_scope(tmp_path: Path) -> None:
    zone = kind(
        name="Zone",
        properties="{name: {type: string}}",
        read="{list: {method: GET, path: /zones}}",
        write="{create: {method: POST, path: /zones}}",
    )
    thing = kind(
        properties=f"{{zone: {{type: string, x-ref: Zone}}, name: {{type: string}}, {SIZE}}}",
        identity="{key: [zone, name], name: name}",
        read='{list: {method: GET, path: "/zones/{spec.zone}/things"}}',
        write='{create: {method: POST, path: "/zones/{spec.zone}/things"}}',
    )
    # The same name in two zones is two objects; the ids of the zones are known only after they were created.
    manifests = "---\n".join(
        manifest("{}", name=zone, of="Zone") + "---\n" + f"apiVersion: odd/v1\nkind: Thing\n"
        f"metadata: {{name: in-{zone}}}\nspec: {{zone: '${{ref:Zone/{zone}}}', name: same, size: 1}}\n"
        for zone in ("a", "b")
    )
    server = Nested()
    api = OddApi(folder=tmp_path, handle=server.handle)
    api.define(zone + "---\n" + thing, manifests)
    assert {o.detail for o in api.apply().outcomes} == {""}
    assert sorted(api.writes(), key=str) == [
        ("POST", "/zones", {"name": "a"}),
        ("POST", "/zones", {"name": "b"}),
        ("POST", "/zones/t1/things", {"name": "same", "size": 1}),
        ("POST", "/zones/t2/things", {"name": "same", "size": 1}),
    ]
    api.seen.clear()
    assert api.plan().pending == ()
    assert sorted(asked(api)) == ["GET /zones", "GET /zones/t1/things", "GET /zones/t2/things"]


class ByName(Rows):
    """The client's name is the id; PUT creates and replaces."""

    def id_of(self, row: Row) -> Any:
        return row["name"]

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method != "PUT":
            return super().handle(request)
        name = request.path.rsplit("/", 1)[1]
        status = 200 if name in self.rows else 201
        self.rows[name] = {"name": name, **body_of(request)}
        return json_response(status, self.rows[name])


def test_names_chosen_by_the_client(tmp_path: Path) -> None:
    rows = ByName({"name": "old", "size": 1})
    put = '{method: PUT, path: "/things/{spec.name}"}'
    definition = kind(
        properties=f"{{name: {{type: string}}, {SIZE}}}",
        identity='{id: "{spec.name}", key: [name], name: name}',
        read='{get: {method: GET, path: "/things/{spec.name}"}}',
        write=f"{{create: {put}, update: {put}}}",
    )
    manifests = manifest("{size: 2}", name="old") + "---\n" + manifest("{size: 3}", name="new")
    proved(
        tmp_path,
        rows.handle,
        definition,
        manifests,
        [("PUT", "/things/old", {"size": 2}), ("PUT", "/things/new", {"size": 3})],
    )


class Named(Rows):
    """The server makes up a name that is a path: `projects/p/things/t1`."""

    def __init__(self, *rows: Row) -> None:
        super().__init__(*rows, path="/v1/projects/p/things")

    def show(self, row: Row) -> Any:
        shown = {name: value for name, value in row.items() if name != "id"}
        return {"name": f"projects/p/things/{row['id']}", **shown}

    def take(self, body: Any, row: Row) -> Row:
        return {**row, "id": row.get("id") or self.new_id(row), **body}


def test_names_chosen_by_the_server_that_are_paths(tmp_path: Path) -> None:
    rows = Named({"id": "t9", "title": "one", "size": 1})
    definition = kind(
        properties=f"{{title: {{type: string}}, {SIZE}, name: {{type: string, readOnly: true}}}}",
        identity="{id: /name, key: [title], name: title}",
        read='{list: {method: GET, path: /v1/projects/p/things}, get: {method: GET, path: "/v1/{+id}"}}',
        write='{create: {method: POST, path: /v1/projects/p/things}, update: {method: PATCH, path: "/v1/{+id}"}}',
    )
    proved(
        tmp_path,
        rows.handle,
        definition,
        manifest("{size: 2}") + "---\n" + manifest("{size: 3}", name="two"),
        [
            ("PATCH", "/v1/projects/p/things/t9", {"size": 2}),
            ("POST", "/v1/projects/p/things", {"title": "two", "size": 3}),
        ],
    )


def composite(request: SandboxRequest) -> SandboxResponse:
    """Rows without an id: zone and name together are one, and stand in the path one by one."""
    if request.path == "/things":
        return json_response(200, list(COMPOSITE.values()))
    row = COMPOSITE[request.path]
    if request.method == "PATCH":
        row.update(body_of(request))
    return json_response(200, row)


COMPOSITE: dict[str, Row] = {}


def test_composite_ids(tmp_path: Path) -> None:
    COMPOSITE.update(
        {f"/zones/{zone}/things/x": {"zone": zone, "name": "x", "size": 1} for zone in ("eu", "us")},
    )
    path = "/zones/{spec.zone}/things/{spec.name}"
    definition = kind(
        properties=f"{{zone: {{type: string}}, name: {{type: string}}, {SIZE}}}",
        identity='{id: "{spec.zone}/{spec.name}", key: [zone, name], name: name}',
        read=f'{{list: {{method: GET, path: /things}}, get: {{method: GET, path: "{path}"}}}}',
        write=f'{{update: {{method: PATCH, path: "{path}"}}}}',
    )
    one = manifest("{zone: eu, size: 2}", name="x")
    api = proved(tmp_path, composite, definition, one, [("PATCH", "/zones/eu/things/x", {"size": 2})])
    (change,) = api.plan().changes
    assert change.live is not None
    assert change.live.id == "eu/x"


def test_percent_encoded_ids(tmp_path: Path) -> None:
    odd = "a/b c?d#e%2F"
    rows = Rows({"id": odd, "name": "one", "size": 1})
    encoded = "/things/a%2Fb%20c%3Fd%23e%252F"
    api = proved(tmp_path, rows.handle, kind(), manifest("{size: 2}"), [("PATCH", encoded, {"size": 2})])
    assert rows.rows[odd]["size"] == 2
    assert asked(api) == ["GET /things"]


def test_adopt_only_kinds(tmp_path: Path) -> None:
    rows = Rows({"id": "t1", "name": "one", "size": 1})
    definition = kind(write='{update: {method: PATCH, path: "/things/{id}"}}')
    api = proved(tmp_path, rows.handle, definition, manifest("{size: 2}"), [("PATCH", "/things/t1", {"size": 2})])
    api.define(definition, manifest("{size: 2}", name="other"))
    plan = api.plan()
    assert [(b.code, b.address and b.address.name) for b in plan.blockers] == [("not-found", "other")]
    assert all(change.action is not Action.CREATE for change in plan.pending)


class Renamed:
    """Names are ids, another name is given by a call of its own, and tags are set one by one below the name."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, str]] = {}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        _, place, name, *_ = (*request.path.split("/"), "")
        body = body_of(request) or {}
        match request.method, place:
            case "GET", "models":
                return json_response(200, [{"name": one} for one in self.models])
            case "POST", "models":
                self.models[body["name"]] = {}
            case "POST", "rename":
                self.models = {body["new_name"] if n == name else n: tags for n, tags in self.models.items()}
                return json_response(200, {"name": body["new_name"]})
            case "GET", _ if name in self.models:
                return json_response(200, [{"key": k, "value": v} for k, v in self.models[name].items()])
            case "POST", _ if name in self.models:
                self.models[name] |= {body["key"]: body["value"]}
            case _:
                return not_found()
        return json_response(200, {})


def test_an_update_that_changes_the_id_and_children_below_the_old_one(tmp_path: Path) -> None:
    model = kind(
        name="Model",
        properties="{name: {type: string, x-request: {create: name, update: new_name}}}",
        identity="{id: /name, key: [name], name: name}",
        read="{list: {method: GET, path: /models}}",
        write='{create: {method: POST, path: /models, returns: nothing}, update: {method: POST, path: "/rename/{id}"}}',
    )
    tag = '{method: POST, path: "/tags/{spec.model}", returns: nothing'
    tags = kind(
        name="Tag",
        properties="{model: {type: string, x-ref: Model, x-immutable: true}, key: {type: string, x-immutable: true}, "
        "value: {type: string}}",
        identity='{id: "{spec.model}/{spec.key}", key: [model, key], name: key}',
        read='{list: {method: GET, path: "/tags/{spec.model}"}}',
        write=f"{{create: {tag}}}, update: {tag}, send: stated}}}}",
    )

    def manifests(name: str, value: str) -> str:
        return f"""\
            {{apiVersion: odd/v1, kind: Model, metadata: {{name: m}}, spec: {{name: {name}}}}}
            ---
            apiVersion: odd/v1
            kind: Tag
            metadata: {{name: team}}
            spec: {{model: "${{ref:Model/m}}", value: {value}}}
            """

    server = Renamed()
    api = OddApi(folder=tmp_path, handle=server.handle)
    api.define(f"{model}---\n{tags}", manifests("old", "red"), target="ledger: {file: ledger.json}\n")
    api.apply()
    api.manifests(manifests("new", "red"))
    api.apply()
    assert server.models == {"new": {"team": "red"}}
    assert api.plan().pending == ()
    # A child that changes in the same run is left to the next one: nothing is written on a guess.
    api.manifests(manifests("newer", "blue"))
    assert [one.status for one in api.apply().outcomes] == [Status.APPLIED, Status.CONFLICT]
    assert server.models == {"newer": {"team": "red"}}
    api.apply()
    assert server.models == {"newer": {"team": "blue"}}
    assert api.plan().pending == ()
