"""A server that resets what a full update leaves out, and any split of the fields over calls.

No field changes that neither the manifest states nor the plan names as at risk.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.kinds.checks.definitions import check_definitions
from reconciler.core.model import Diagnostic, Plan
from reconciler.core.report import Status
from reconciler.shell.files.disk import read_documents

FIELDS = ["a", "b", "c", "d", "labels"]
RESET = 0  # what the server makes of a field that a full body leaves out
Row = dict[str, Any]


@dataclass
class Call:
    """One update: its path below the object, the fields that it names, and what it answers."""

    part: str  # "": the object itself
    fields: list[str] | None
    answers: str  # whole, poor, nothing

    @property
    def text(self) -> str:
        fields = "" if self.fields is None else f", fields: [{', '.join(self.fields)}]"
        return f'{{method: PUT, path: "/things/{{id}}{self.part}"{fields}}}'


@dataclass
class Server:
    calls: list[Call]
    row: Row = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()  # fields that no answer shows
    masked: frozenset[str] = frozenset()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        _, _, *rest = request.path.split("/")
        if request.method == "GET":
            return json_response(200, self.shown() if rest else [self.shown()])
        if request.method != "PUT":
            return not_found()
        body, part = body_of(request), "/" + rest[1] if len(rest) > 1 else ""
        call = next(one for one in self.calls if one.part == part)
        resets = call.fields or [] if part else [name for name in self.row if name != "id"]
        for name in resets:
            self.row[name] = RESET
        self.row.update({name: value for name, value in body.items() if name in self.row and name != "id"})
        if call.answers == "nothing":
            return SandboxResponse(status=204)
        return json_response(200, self.shown() if call.answers == "whole" else {"id": "1", **body})

    def shown(self) -> Row:
        found = {name: "***" if name in self.masked else value for name, value in self.row.items()}
        return {name: value for name, value in found.items() if name not in self.hidden}


def kind_of(calls: list[Call], hidden: frozenset[str], masked: frozenset[str]) -> str:
    fields = {
        name: {
            "type": "string" if name in masked else "integer",
            **({"writeOnly": True} if name in hidden else {}),
            **({"x-mask": r"\*+"} if name in masked else {}),
        }
        for name in FIELDS
    }
    properties = {"name": {"type": "string"}, **fields}
    updates = "".join(f"\n    - {call.text}" for call in calls)
    return f"""\
apiVersion: odd/v1
kind: Thing
schema: {json.dumps({"type": "object", "additionalProperties": False, "required": ["name"], "properties": properties})}
identity: {{id: /id, key: [name], name: name}}
read:
  list: {{method: GET, path: /things}}
  get: {{method: GET, path: "/things/{{id}}"}}
write:
  update:{updates}
"""


def split(rng: random.Random) -> list[Call]:
    """Return calls that share the fields between them, each its own or all that no other takes."""
    names = rng.sample(FIELDS, len(FIELDS))
    calls, rest = [], [*names]
    for number in range(rng.randrange(0, 3)):
        mine, rest = rest[: (size := rng.randrange(1, 3))], rest[size:]
        if mine:
            calls.append(Call(part=f"/part{number}", fields=mine, answers=rng.choice(["whole", "poor", "nothing"])))
    own = Call(part="", fields=["name", *rest] if rng.random() < 0.5 else None, answers="")
    own.answers = rng.choice(["whole", "poor", "nothing"])
    return rng.sample([*calls, own], len(calls) + 1)


def at_risk(made: Plan) -> set[str]:
    said = " ".join(caveat for change in made.changes for caveat in change.caveats if "at risk" in caveat)
    return {name for name in FIELDS if f"/{name}" in said}


def test_no_field_changes_that_is_neither_stated_nor_named_as_at_risk(memory_folder: Path, fault_cases: int) -> None:
    blocked = applied = 0
    for seed in range(max(40, fault_cases // 40)):
        rng = random.Random(seed)
        calls = split(rng)
        odd = rng.sample(FIELDS, 2)
        hidden, masked = (
            (frozenset(odd[:1]) if seed % 3 == 0 else frozenset()),
            frozenset(odd[1:] if seed % 4 == 0 else []),
        )
        row: Row = {"id": "1", "name": "one", "unknown": 5, **{name: rng.randrange(1, 9) for name in FIELDS}}
        row |= {name: f"secret-{row[name]}" for name in masked}
        stated: Row = {name: rng.randrange(10, 20) for name in FIELDS if rng.random() < 0.5}
        stated |= {name: f"secret-{stated[name]}" for name in masked if name in stated}
        server = Server(calls=calls, row=dict(row), hidden=hidden, masked=masked)
        folder = memory_folder / str(seed)
        folder.mkdir()
        api = OddApi(folder=folder, handle=server.handle)
        manifest = {"apiVersion": "odd/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": stated}
        api.define(kind_of(calls, hidden, masked), json.dumps(manifest))
        where = f"seed {seed}: {[call.text for call in calls]}"
        made = api.plan(resend=True)
        if made.blockers:
            assert {d.code for d in made.blockers} == {"lost-secret"}, where
            blocked += 1
            continue
        report = api.apply(resend=True)
        assert {o.status for o in report.outcomes} <= {Status.APPLIED, Status.UNCHANGED}, where
        applied += 1
        for name in (*FIELDS, "unknown", "name"):
            if name in stated:
                assert server.row[name] == stated[name], f"{where}: {name}"
            elif name not in at_risk(made):
                assert server.row[name] == row[name], f"{where}: {name}"
        assert not api.plan().has_work, where
    assert applied > 30
    assert blocked > 0


def thing(folder: Path, *calls: str, read: str = "", delete: str = "") -> OddApi:
    """Return a kind with these updates, whose definition is not loaded yet."""
    kind = kind_of([Call(part="", fields=None, answers="whole")], frozenset(), frozenset())
    kind = kind.replace('\n    - {method: PUT, path: "/things/{id}"}', "".join(f"\n    - {call}" for call in calls))
    kind = kind.replace('  get: {method: GET, path: "/things/{id}"}\n', read) + delete
    server = Server(calls=[], row={"id": "1", "name": "one", **dict.fromkeys(FIELDS, 1)})
    api = OddApi(folder=folder, handle=server.handle)
    api.define(kind, "apiVersion: odd/v1\nkind: Thing\nmetadata: {name: one}\nspec: {a: 2}\n")
    return api


def found_in(api: OddApi) -> list[Diagnostic]:
    """Return what `kinds check` says about what the updates replace."""
    documents, _ = read_documents(api.folder / "schemas" / "odd.yaml", "odd.yaml")
    found = check_definitions(documents, [])
    return [one for one in found if "replaces" in one.message]


GET = '  get: {method: GET, path: "/things/{id}"}\n'
DELETE = '  delete: {call: {method: DELETE, path: "/things/{id}"}}\n'


@pytest.mark.parametrize(
    ("calls", "read", "delete"),
    [
        (['{method: PUT, path: "/things/{id}", query: {part: a}, fields: [a]}', "{rest}"], GET, ""),
        (['{method: PUT, path: "/elsewhere/{id}", fields: [a]}', "{rest}"], GET, ""),
        (["{method: POST, path: /set, send: full, fields: [a]}", "{rest}"], GET, ""),
        (['{method: PUT, path: "/x/{id}/one", fields: [a]}', '{method: PUT, path: "/x/{id}/two"}'], "", ""),
    ],
    ids=["a query", "another place", "a verb", "no object's path"],
)
def test_where_nothing_tells_what_is_replaced_the_word_is_asked_for(
    tmp_path: Path, calls: list[str], read: str, delete: str
) -> None:
    rest = '{method: PATCH, path: "/things/{id}"}'
    api = thing(tmp_path, *(call.replace("{rest}", rest) for call in calls), read=read, delete=delete)
    first, *others = found_in(api)
    assert [one.hint for one in others] == [first.hint] * (len(calls) - 1 if "two" in calls[-1] else 0)
    assert "nothing tells whether" in first.message
    assert first.hint == "add `replaces: object` or `replaces: fields`"
    assert first.source is not None
    assert first.source.line > 1
    told = [call.replace("{rest}", rest).replace("fields: [a]", "fields: [a], replaces: fields") for call in calls]
    told = [c.replace('two"}', 'two", replaces: fields}') for c in told]
    assert found_in(thing(tmp_path, *told, read=read, delete=delete)) == []


@pytest.mark.parametrize(
    ("calls", "read", "delete", "body"),
    [
        (['{method: PUT, path: "/things/{id}/", fields: [a]}', '{method: PATCH, path: "/x"}'], GET, "", "all"),
        (['{method: PUT, path: "/things/{id}", fields: [a]}', '{method: PATCH, path: "/x"}'], "", DELETE, "all"),
        (['{method: PUT, path: "/things/{id}/a", fields: [a]}', '{method: PATCH, path: "/x"}'], GET, "", "a"),
        (['{method: PUT, path: "/t/{id}", fields: [a]}', '{method: PUT, path: "/t/{id}/b", fields: [b]}',
          '{method: PUT, path: "/t/{id}/c", fields: [c, d, labels, name]}'], "", "", "all"),
        (['{method: PUT, path: "/q", fields: [a], replaces: object}', '{method: PATCH, path: "/x"}'], GET, "", "all"),
    ],
    ids=["path of get", "path of delete", "below it", "path of the others", "told"],
)  # fmt: skip
def test_what_replaces_the_object_carries_what_others_set(
    tmp_path: Path, calls: list[str], read: str, delete: str, body: str
) -> None:
    (change,) = thing(tmp_path, *calls, read=read, delete=delete).plan().pending
    carried = set(change.requests[0].body)
    assert carried - {"id"} == ({"name", *FIELDS} if body == "all" else {"a"})
