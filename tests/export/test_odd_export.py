"""Export and inventory on a small odd API: names, secrets, references, what cannot be read, files that are there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from exporting import export, inventory, texts
from odd_api import OddApi, SandboxRequest, SandboxResponse, json_response, not_found

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.export.inventory import Standing

KINDS = """
    system: odd
    ---
    apiVersion: odd/v1
    kind: Team
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {type: string}
        note: {type: string, default: none}
        lead: {type: string, x-ref: Person}
        hooks:
          type: array
          x-list: set
          x-key: [url]
          items:
            type: object
            properties:
              url: {type: string}
              clientSecret: {type: string}
              state: {type: string, readOnly: true}
    identity: {key: [name]}
    read:
      list: {method: GET, path: /teams, items: /items}
      get: {method: GET, path: "/teams/{id}"}
      builtIn: [{at: /system, equals: true}]
    write:
      create: {method: POST, path: /teams}
      update: {method: PATCH, path: "/teams/{id}"}
    ---
    apiVersion: odd/v1
    kind: Person
    schema:
      type: object
      additionalProperties: false
      required: [login, team]
      properties:
        login: {type: string}
        team: {type: string, x-ref: Team, x-immutable: true}
        password: {type: string, writeOnly: true, x-sensitive: true}
        apiToken: {type: string, x-sensitive: true, x-mask: "\\\\*+"}
        bio: {type: string}
        rank: {type: integer, default: 3}
    identity: {key: [login, team]}
    read:
      list: {method: GET, path: "/teams/{spec.team}/people", items: /items}
    write:
      create: {method: POST, path: "/teams/{spec.team}/people"}
      update: {method: PATCH, path: "/teams/{spec.team}/people/{id}"}
"""

TEAMS: list[dict[str, Any]] = [
    {"id": "t1", "name": "Support / EU", "note": "none", "lead": "p1", "hooks": []},
    {
        "id": "t2",
        "name": "web",
        "note": "said: ${env:HOME}",
        "hooks": [
            {"url": "https://b.example", "clientSecret": "hook-secret-not-real", "state": "up"},
            {"url": "https://a.example", "state": "down"},
        ],
    },
    {"id": "t3", "name": "WEB", "note": "two\nlines\n"},
    {"id": "t4", "name": "root", "system": True},
    {"id": "t5", "name": "CON"},
]
PEOPLE: dict[str, list[dict[str, Any]]] = {
    "t1": [{"id": "p1", "login": "ann", "apiToken": "****", "bio": "", "rank": 3}],
    "t2": [{"id": "p2", "login": "ann", "apiToken": "****", "bio": "web", "rank": 7}],
    "t3": [{"id": "p3", "login": "bob"}, {"id": "p4", "login": "bob"}],
}


class Office:
    """Answers as TEAMS and PEOPLE say; `closed` paths are refused."""

    def __init__(self) -> None:
        self.teams: list[dict[str, Any]] = [dict(team) for team in TEAMS]
        self.closed: set[str] = set()
        self.writes: list[str] = []

    def __call__(self, request: SandboxRequest) -> SandboxResponse:
        parts = request.path.strip("/").split("/")
        if request.method != "GET":
            self.writes.append(request.path)
            return not_found()
        if request.path in self.closed:
            return json_response(403, {"message": "not for you"})
        if parts == ["teams"]:
            return json_response(200, {"items": self.teams})
        if len(parts) == 3:
            return json_response(200, {"items": PEOPLE.get(parts[1], [])})
        found = [team for team in self.teams if team["id"] == parts[1]]
        return json_response(200, found[0]) if found else not_found()


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def api(tmp_path: Path, office: Office) -> OddApi:
    odd = OddApi(tmp_path, office)
    odd.define(KINDS, "")
    (tmp_path / "manifests" / "all.yaml").unlink()
    return odd


def test_everything_that_can_be_written_is_and_plans_to_nothing(api: OddApi, office: Office) -> None:
    made, plan = export(api, api.folder / "manifests")
    assert plan is not None
    assert (plan.pending, plan.blockers) == ((), ())
    assert office.writes == []
    written = texts(api.folder / "manifests")
    # Names from natural keys; twins in upper and lower case apart, devices of Windows only in names of manifests.
    assert sorted(written) == [
        "odd/person/Support-EU-ann.yaml",
        "odd/person/web-2-ann.yaml",
        "odd/team/CON-file.yaml",
        "odd/team/Support-EU.yaml",
        "odd/team/WEB.yaml",
        "odd/team/web-2.yaml",
    ]
    told = {(one.name, one.reason) for one in made.drafts.unwritten}
    assert told == {("bob", "several live objects have the same login, team")}


def test_a_file_reads_as_a_person_would_write_it(api: OddApi) -> None:
    export(api, api.folder / "manifests")
    written = texts(api.folder / "manifests")
    assert written["odd/team/WEB.yaml"] == (
        "apiVersion: odd/v1\nkind: Team\nmetadata:\n  name: WEB\nspec:\n  name: WEB\n  note: |\n    two\n    lines\n"
    )
    assert written["odd/person/web-2-ann.yaml"] == (
        "apiVersion: odd/v1\nkind: Person\nmetadata:\n  name: web-2-ann\nspec:\n  login: ann\n"
        "  team: ${ref:Team/web-2}\n"
        "  # password: ${env:ODD_PERSON_WEB_2_ANN_PASSWORD}"
        "  # cannot be read; without this line it is not managed and stays as it is\n"
        "  # apiToken: ${env:ODD_PERSON_WEB_2_ANN_API_TOKEN}"
        "  # cannot be read; without this line it is not managed and stays as it is\n"
        "  bio: web\n  rank: 7\n"
    )
    assert written["odd/team/web-2.yaml"].endswith(
        'spec:\n  name: web\n  note: "said: $${env:HOME}"\n  hooks:\n    - url: https://a.example\n'
        "    - url: https://b.example\n      clientSecret: ${env:ODD_TEAM_WEB_2_HOOKS_1_CLIENT_SECRET}\n"
    )


def test_a_link_that_both_objects_show_is_written_once(api: OddApi) -> None:
    export(api, api.folder / "manifests")
    team = texts(api.folder / "manifests")["odd/team/Support-EU.yaml"]
    assert "  lead:" not in team
    assert "# /lead: it names objects that refer to this one" in team


def test_secrets_are_named_and_never_written(api: OddApi) -> None:
    export(api, api.folder / "manifests")
    everything = "\n".join(path.read_text() for path in api.folder.rglob("*") if path.is_file())
    assert "hook-secret-not-real" not in everything
    names = ["ODD_TEAM_WEB_2_HOOKS_1_CLIENT_SECRET"]
    assert (api.folder / ".env.example").read_text().splitlines()[1:] == [f"{name}=" for name in names]
    assert "secrets:" in (api.folder / "reconciler.yaml").read_text()


def test_a_second_export_adds_what_is_new_and_touches_nothing(api: OddApi, office: Office) -> None:
    made, _ = export(api, api.folder / "manifests")
    api.environ |= {secret.name: secret.value or "" for secret in made.drafts.secrets}
    before = texts(api.folder / "manifests")
    office.teams.append({"id": "t9", "name": "new"})
    made, _ = export(api, api.folder / "manifests")
    assert [str(draft.address) for draft in made.drafts.manifests] == ["odd.Team/new"]
    after = texts(api.folder / "manifests")
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == ["odd/team/new.yaml"]


def test_what_is_not_selected_is_found_by_a_lookup_manifest(api: OddApi) -> None:
    _, plan = export(api, api.folder / "manifests", "Person/web-*", "Person/p2")
    assert plan is not None
    assert plan.pending == ()
    written = texts(api.folder / "manifests")
    assert sorted(written) == ["odd/person/ann.yaml", "odd/team/web.yaml"]
    assert "lifecycle:\n  lookup: true\nspec:\n  name: web\n" in written["odd/team/web.yaml"]


def test_ids_stay_where_that_was_asked_for(api: OddApi) -> None:
    export(api, api.folder / "manifests", "Person/p2", lookups=False)
    assert "team: t2" in texts(api.folder / "manifests")["odd/person/ann.yaml"]


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        ("kind", ["odd/person.yaml", "odd/team.yaml"]),
        (
            "parent",
            ["odd/team-con.yaml", "odd/team-support-eu.yaml", "odd/team-web-2.yaml", "odd/team-web.yaml"],
        ),
    ],
)
def test_layouts(api: OddApi, layout: str, files: list[str]) -> None:
    _, plan = export(api, api.folder / "manifests", layout=layout)
    assert plan is not None
    assert plan.pending == ()
    assert sorted(texts(api.folder / "manifests")) == files


def test_a_kind_that_may_not_be_read_is_told_and_the_others_are_written(api: OddApi, office: Office) -> None:
    office.closed.add("/teams/t2/people")
    made, _ = export(api, api.folder / "manifests")
    unseen = {one.kind.full_name: one.unseen for one in made.inventory.kinds if one.unseen}
    assert list(unseen) == ["odd.Person"]
    assert "403" in unseen["odd.Person"]
    assert "odd/person/ann.yaml" in texts(api.folder / "manifests")


def test_a_full_disk_leaves_nothing(api: OddApi, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    before = sorted(path for path in api.folder.rglob("*"))
    with pytest.raises(UsageError, match="No space left"):
        export(api, api.folder / "manifests")
    assert sorted(path for path in api.folder.rglob("*")) == before


def test_an_inventory_tells_who_manages_what(api: OddApi) -> None:
    api.manifests("""
        apiVersion: odd/v1
        kind: Team
        metadata: {name: web}
        spec: {name: web}
        ---
        apiVersion: odd/v1
        kind: Team
        metadata: {name: con}
        lifecycle: {lookup: true}
        spec: {name: CON}
    """)
    found = inventory(api)
    (people, teams) = sorted(found.kinds, key=lambda one: one.kind.full_name)
    assert {entry.name: entry.standing for entry in teams.entries} == {
        "web": Standing.MANAGED,
        "CON": Standing.LOOKUP,
        "Support-EU": Standing.UNMANAGED,
        "WEB": Standing.UNMANAGED,
        "root": Standing.BUILT_IN,
    }
    assert people.count(Standing.UNMANAGED) == 4
    assert found.requests_made == 1 + 5  # the teams once, the people of each


def test_objects_are_chosen_by_field(api: OddApi) -> None:
    found = inventory(api, where=((("rank",), "7"),))
    assert [entry.id for kind in found.kinds for entry in kind.entries] == ["p2"]


def test_what_nobody_means_to_manage_is_listed_in_the_configuration(api: OddApi) -> None:
    api.define(
        KINDS,
        "",
        target="""
        unmanaged:
          - {kind: Team, name: web*, reason: made by the web team}
          - {kind: odd.Person, where: {/rank: 7}, reason: a robot}
        """,
    )
    (api.folder / "manifests" / "all.yaml").unlink()
    found = inventory(api)
    left = {entry.id: entry.reason for kind in found.kinds for entry in kind.entries if entry.reason}
    assert left == {"t2": "made by the web team", "p2": "a robot"}
    made, _ = export(api, api.folder / "manifests")
    names = {str(draft.address) for draft in made.drafts.manifests}
    assert names == {"odd.Team/Support-EU", "odd.Team/WEB", "odd.Team/CON", "odd.Person/Support-EU-ann"}


@pytest.mark.parametrize(
    "unmanaged", ["[{kind: Team}]", "[{kind: Team, reason: x, where: {rank: 7}}]", "[{kind: Team, reason: x, nam: y}]"]
)
def test_a_mistake_in_the_list_is_refused(api: OddApi, unmanaged: str) -> None:
    api.define(KINDS, "", target=f"unmanaged: {unmanaged}\n")
    with pytest.raises(InvalidInput):
        inventory(api)


def test_a_pattern_that_fits_no_kind_is_a_mistake(api: OddApi) -> None:
    with pytest.raises(UsageError, match="no kind"):
        inventory(api, "Teem")


def test_the_json_of_an_inventory_has_counts_and_objects(api: OddApi) -> None:
    from reconciler.render.inventory import inventory_document, inventory_markdown

    found = inventory(api)
    document = json.loads(json.dumps(inventory_document(found)))
    assert document["counts"]["unmanaged"] == 8
    assert "| `odd.Team` |" in inventory_markdown(found)
