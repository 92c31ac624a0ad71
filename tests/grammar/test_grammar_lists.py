"""Lists that show less than the objects themselves, and objects that moved to where no list of theirs looks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found
from odd_rows import kind, manifest

from reconciler.core.errors import ApiError
from reconciler.core.model import Action
from reconciler.core.pointer import format_pointer
from reconciler.core.report import Status

KIND = """
    apiVersion: odd/v1
    kind: Host
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {{type: string}}
        size: {{type: integer}}
        id: {{type: string, readOnly: true}}
    identity: {{key: [name], name: name}}
    read:
      list: {{method: GET, path: /hosts{list}}}
      get: {{method: GET, path: "/hosts/{{id}}"}}
    write:
      create: {{method: POST, path: /hosts}}
      update: {{method: PATCH, path: "/hosts/{{id}}"}}
"""
SUMMARIES = ", itemsAre: summaries"


def manifests(*names: str, size: int = 3) -> str:
    one = "apiVersion: odd/v1\nkind: Host\nmetadata: {{name: {}}}\nspec: {{size: {}}}\n"
    return "---\n".join(one.format(name, size) for name in names)


class Hosts:
    """The list shows only some members of each host."""

    def __init__(self, *names: str, shows: tuple[str, ...]) -> None:
        self.shows = shows
        self.hosts: dict[str, dict[str, Any]] = {f"h{i}": {"id": f"h{i}", "name": n} for i, n in enumerate(names)}
        for host in self.hosts.values():
            host["size"] = 3

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        parts = request.path.strip("/").split("/")
        if request.method == "POST":
            host = {"id": f"h{len(self.hosts)}", **body_of(request)}
            self.hosts[host["id"]] = host
            return json_response(201, host)
        if len(parts) == 1:
            return json_response(200, [{name: h[name] for name in self.shows} for h in self.hosts.values()])
        host = self.hosts.get(parts[1], {})
        if request.method == "PATCH":
            host.update(body_of(request))
        return json_response(200, host) if host else not_found()


def reads(api: OddApi) -> list[str]:
    return [request.path for request in api.seen if request.method == "GET"]


CROWD = [f"host-{number}" for number in range(50)]


def test_only_summaries_with_a_key_that_is_looked_for_are_read(tmp_path: Path) -> None:
    hosts = Hosts(*CROWD, shows=("id", "name"))
    api = OddApi(folder=tmp_path, handle=hosts.handle)
    api.define(KIND.format(list=SUMMARIES), manifests("host-7", "host-31", "new"))
    plan = api.plan()
    assert {c.address.name: c.action for c in plan.changes} == {
        "host-7": Action.UNCHANGED,
        "host-31": Action.UNCHANGED,
        "new": Action.CREATE,
    }
    assert sorted(reads(api)) == ["/hosts", "/hosts/h31", "/hosts/h7"]
    api.apply()
    # Right before the create, when nothing there has its name, and at the end, since no ledger remembers it.
    assert reads(api) == ["/hosts", "/hosts"]


def test_summaries_without_the_key_are_all_read(tmp_path: Path) -> None:
    hosts = Hosts(*CROWD, shows=("id",))
    api = OddApi(folder=tmp_path, handle=hosts.handle)
    api.define(KIND.format(list=SUMMARIES), manifests("host-7"))
    assert [c.action for c in api.plan().changes] == [Action.UNCHANGED]
    assert len(reads(api)) == 1 + len(CROWD)


def test_a_summary_is_found_by_the_id_that_the_ledger_remembers(tmp_path: Path) -> None:
    hosts = Hosts(*CROWD, shows=("id", "name"))
    api = OddApi(folder=tmp_path, handle=hosts.handle)
    api.define(KIND.format(list=SUMMARIES), manifests("host-7"), parameters="")
    with (tmp_path / "reconciler.yaml").open("a") as config:
        config.write("    ledger: {file: ledger.json}\n")
    api.apply()
    api.define(KIND.format(list=SUMMARIES), manifests("host-7", "host-8"))
    with (tmp_path / "reconciler.yaml").open("a") as config:
        config.write("    ledger: {file: ledger.json}\n")
    hosts.hosts["h7"]["name"] = "renamed-by-hand"
    api.seen.clear()
    plan = api.plan()
    assert {c.address.name: [format_pointer(f.path) for f in c.fields] for c in plan.changes} == {
        "host-7": ["/name"],
        "host-8": [],
    }
    assert sorted(reads(api)) == ["/hosts", "/hosts/h7", "/hosts/h8"]


def test_a_list_that_shows_too_little_is_named_as_the_cause(tmp_path: Path) -> None:
    hosts = Hosts("host-0", shows=("id", "name"))
    api = OddApi(folder=tmp_path, handle=hosts.handle)
    api.define(KIND.format(list=""), manifests("host-0", size=4))
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.CONFLICT
    assert "the list showed nothing at /size" in outcome.detail
    assert "itemsAre: summaries" in outcome.hint
    assert api.writes() == []


def test_a_value_that_really_moved_is_nobody_elses_fault(tmp_path: Path) -> None:
    hosts = Hosts("host-0", shows=("id", "name", "size"))

    def moving(request: SandboxRequest) -> SandboxResponse:
        answer = hosts.handle(request)
        hosts.hosts["h0"]["size"] += 1
        return answer

    api = OddApi(folder=tmp_path, handle=moving)
    api.define(KIND.format(list=""), manifests("host-0", size=9))
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.CONFLICT
    assert "changed by somebody else since the plan: /size" in outcome.detail
    assert "summaries" not in outcome.hint


# --------------------------------------------------------------------------- another parent

CHILD = """
    apiVersion: odd/v1
    kind: Child
    schema:
      type: object
      additionalProperties: false
      required: [parent, name]
      properties:
        parent: {{type: string{immutable}}}
        name: {{type: string}}
        id: {{type: string, readOnly: true}}
    identity: {{key: [parent, name], name: name}}
    read:
      list: {{method: GET, path: /children, query: {{parent: "{{spec.parent}}"}}}}
      get: {{method: GET, path: "/children/{{id}}"}}
    write:
      create: {{method: POST, path: /children}}
      update: {{method: PATCH, path: "/children/{{id}}"}}
"""
CHILD_MANIFEST = "apiVersion: odd/v1\nkind: Child\nmetadata: {{name: c}}\nspec: {{parent: {}}}\n"


class Children:
    """Each list holds the children of one parent."""

    def __init__(self, *, shows_parent: bool = True) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.shows_parent = shows_parent

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        parts = request.path.strip("/").split("/")
        if request.method == "POST":
            self.rows[f"c{len(self.rows)}"] = {"id": f"c{len(self.rows)}", **body_of(request)}
            return json_response(201, self.shown(f"c{len(self.rows) - 1}"))
        if len(parts) == 1:
            parent = dict(request.query)["parent"]
            return json_response(200, [self.shown(i) for i, row in self.rows.items() if row["parent"] == parent])
        if parts[1] not in self.rows:
            return not_found()
        if request.method == "PATCH":
            self.rows[parts[1]].update(body_of(request))
        return json_response(200, self.shown(parts[1]))

    def shown(self, row_id: str) -> dict[str, Any]:
        return {n: v for n, v in self.rows[row_id].items() if n != "parent" or self.shows_parent}


def moved(tmp_path: Path, children: Children, *, immutable: bool) -> OddApi:
    """Return an API on which a child was made under one parent, and is now declared under another."""
    api = OddApi(folder=tmp_path, handle=children.handle)
    kind = CHILD.format(immutable=", x-immutable: true" if immutable else "")
    for parent in ("one", "two"):
        api.define(kind, CHILD_MANIFEST.format(parent))
        with (tmp_path / "reconciler.yaml").open("a") as config:
            config.write("    ledger: {file: ledger.json}\n")
        if parent == "one":
            api.apply()
    return api


def test_another_parent_that_cannot_be_is_refused_and_nothing_is_made_twice(tmp_path: Path) -> None:
    children = Children()
    plan = moved(tmp_path, children, immutable=True).plan()
    assert [blocker.code for blocker in plan.blockers] == ["immutable-field"]
    assert len(children.rows) == 1


def test_another_parent_is_an_update_where_it_may_change(tmp_path: Path) -> None:
    children = Children()
    api = moved(tmp_path, children, immutable=False)
    assert [o.status for o in api.apply().outcomes] == [Status.APPLIED]
    assert api.writes() == [("PATCH", "/children/c0", {"parent": "two"})]
    assert [c.action for c in api.plan().changes] == [Action.UNCHANGED]


def test_of_an_object_that_does_not_tell_its_parent_the_ledger_does(tmp_path: Path) -> None:
    plan = moved(tmp_path, Children(shows_parent=False), immutable=True).plan()
    assert [blocker.code for blocker in plan.blockers] == ["immutable-field"]


def test_one_whose_parent_nothing_tells_is_asked_about(tmp_path: Path) -> None:
    api = moved(tmp_path, Children(shows_parent=False), immutable=True)
    ledger = tmp_path / "ledger.json"
    told = json.loads(ledger.read_text())
    del told["records"]["odd.Child/c"]["removal"]
    ledger.write_text(json.dumps(told))
    (blocker,) = api.plan().blockers
    assert (blocker.code, "nothing tells its parent" in blocker.message) == ("perhaps-gone", True)


def test_one_that_is_gone_is_created_under_the_new_parent(tmp_path: Path) -> None:
    children = Children()
    api = moved(tmp_path, children, immutable=True)
    children.rows.clear()
    assert [c.action for c in api.plan().changes] == [Action.CREATE]


# --------------------------------------------------------------------------- where to ask


@pytest.mark.parametrize(
    ("location", "own", "asked"),
    [
        ("/jobs/7?token=abc&v=2", "", (("token", "abc"), ("v", "2"))),
        ("http://elsewhere.test/jobs/7?token=a%20b", "", (("token", "a b"),)),
        ("/jobs/7?token=abc&v=2", ', query: {v: "3"}', (("token", "abc"), ("v", "3"))),
        ("/jobs/7", ', query: {v: "3"}', (("v", "3"),)),
        ("/jobs/7?", "", ()),
    ],
    ids=["query", "other-host", "the-kinds-own-wins", "own-only", "empty"],
)
def test_the_query_of_a_location_is_asked_with(
    tmp_path: Path, location: str, own: str, asked: tuple[tuple[str, str], ...]
) -> None:
    hosts = Hosts(shows=("id", "name", "size"))

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.path == "/jobs/7":
            return json_response(200, {"done": True})
        answer = hosts.handle(request)
        return json_response(202, {}, {"location": location}) if request.method == "POST" else answer

    api = OddApi(folder=tmp_path, handle=handle)
    wait = '{method: GET, path: "{location}", until: {at: /done, equals: true}' + own + "}"
    api.define(
        KIND.format(list="").replace("path: /hosts}\n      update", f"path: /hosts, wait: {wait}}}\n      update"),
        manifests("new"),
    )
    assert [o.status for o in api.apply().outcomes] == [Status.APPLIED]
    assert [request.query for request in api.seen if request.path == "/jobs/7"] == [asked]


# --------------------------------------------------------------------------- lists without end


def test_a_list_that_never_ends_is_given_up_before_it_fills_the_memory(tmp_path: Path) -> None:
    padding = b" " * (63 * 1024 * 1024)

    def endless(request: SandboxRequest) -> SandboxResponse:
        page = int(dict(request.query).get("after", "0"))
        body = b'{"items": [], "next": "%d"}' % (page + 1)
        return SandboxResponse(status=200, body=body + padding, headers={"content-type": "application/json"})

    api = OddApi(folder=tmp_path, handle=endless)
    paging = 'query: {after: "{page.cursor}"}, items: /items, paging: {style: cursor, next: /next}'
    api.define(kind(read=f"{{list: {{method: GET, path: /things, {paging}}}}}"), manifest("{size: 1}"))
    with pytest.raises(ApiError, match="GET /things: the answers of the list have more than 512 MiB") as caught:
        api.plan()
    assert "narrow the list" in caught.value.hint
    assert len(api.seen) == 9
