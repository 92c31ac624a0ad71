"""A kind that cannot be read: the plan shows the others, apply refuses, and `--skip-unreadable` leaves it out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, json_response
from odd_rows import Rows, kind, manifest
from odd_shop import PowerCut

from reconciler.cli.main import main
from reconciler.core.errors import ApiError, Unreadable
from reconciler.core.manifests.selection import read_selection
from reconciler.core.model import Action, Diagnostic, Plan, Severity
from reconciler.core.plan.unread import UNREADABLE_KIND
from reconciler.core.report import Status
from reconciler.sandbox.server import SandboxServer
from reconciler.workflow.approvals import compare_with_approval, open_approval, refuse, save_plan
from reconciler.workflow.commands import Connections, apply, blocked, load, plan

LEDGER = "ledger: {file: ledger.json}\n"


def in_path(name: str, properties: str, *, key: str = "name", more: str = "") -> str:
    path = f"/{name.lower()}s"
    fields = f"{{name: {{type: string}}, id: {{type: string, readOnly: true}}, {properties}}}"
    return kind(
        name=name,
        properties=fields,
        identity=f"{{key: [{key}], name: name}}",
        read=f'{{list: {{method: GET, path: {path}}}, get: {{method: GET, path: "{path}/{{id}}"}}}}',
        write=f'{{create: {{method: POST, path: {path}}}, update: {{method: PATCH, path: "{path}/{{id}}"}}, '
        f'delete: {{call: {{method: DELETE, path: "{path}/{{id}}"}}}}}}',
        more=more,
    )


KINDS = "---\n".join(
    [
        in_path("Zone", "size: {type: integer}, code: {type: string, x-immutable: true}"),
        in_path("Team", "zone: {type: string, x-ref: Zone}, size: {type: integer}"),
        in_path("Member", "team: {type: string, x-ref: Team}", key="team, name"),
        in_path("Other", "size: {type: integer}"),
    ]
)
ZONE = manifest("{size: 1, code: a}", name="z", of="Zone")
TEAM = manifest('{zone: "${ref:Zone/z}"}', name="t", of="Team")
MEMBER = manifest('{team: "${ref:Team/t}"}', name="m", of="Member")
OTHER = manifest("{size: 1}", name="o", of="Other")


@dataclass
class Server:
    """Four collections, some of which answer with 500, or with 403."""

    broken: set[str] = field(default_factory=set)
    status: int = 403
    rows: dict[str, Rows] = field(
        default_factory=lambda: {n: Rows(path=f"/{n}") for n in ("zones", "teams", "members", "others")}
    )

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        name = request.path.split("/")[1]
        if name in self.broken:
            return json_response(self.status, {"message": f"no {name} for you"})
        rows = self.rows[name].rows
        if request.method == "DELETE":
            del rows[request.path.split("/")[2]]
            return json_response(200, {})
        return self.rows[name].handle(request)


def made(folder: Path, server: Server, *manifests: str) -> OddApi:
    api = OddApi(folder=folder, handle=server.handle)
    api.define(KINDS, "---\n".join(manifests or (ZONE, TEAM, MEMBER, OTHER)), target=LEDGER)
    return api


def actions(made: Plan) -> dict[str, Action]:
    return {str(change.address): change.action for change in made.changes}


def unread(found: tuple[Diagnostic, ...]) -> dict[str, Diagnostic]:
    return {str(one.address): one for one in found if one.code == UNREADABLE_KIND}


def test_the_others_are_shown_and_nothing_is_applied(tmp_path: Path) -> None:
    server = Server({"teams"})
    api = made(tmp_path, server)
    planned = api.plan()
    assert actions(planned) == {"odd.Zone/z": Action.CREATE, "odd.Other/o": Action.CREATE}
    found = unread(planned.blockers)
    assert list(found) == ["odd.Member/m", "odd.Team/t"]
    assert len(planned.blockers) == 2
    assert "status 403: no teams for you" in found["odd.Team/t"].message
    assert "it depends on odd.Team/t, which cannot be read" in found["odd.Member/m"].message
    for name, one in found.items():
        assert one.severity is Severity.ERROR
        assert "--skip-unreadable" in one.hint
        assert one.source is not None
        assert one.source.line == {"odd.Team/t": 6, "odd.Member/m": 11}[name]
    assert blocked(planned).exit_code == 1
    with pytest.raises(Unreadable, match="nothing was applied: 2 blockers"):
        api.apply()
    assert api.writes() == []


def test_with_the_option_they_are_left_out_and_the_next_run_finishes(tmp_path: Path) -> None:
    server = Server({"teams"})
    api = made(tmp_path, server)
    planned = api.plan(skip_unreadable=True)
    assert planned.blockers == ()
    assert {one.severity for one in unread(planned.diagnostics).values()} == {Severity.WARNING}
    assert list(unread(planned.diagnostics)) == ["odd.Member/m", "odd.Team/t"]
    report = api.apply(skip_unreadable=True)
    assert {str(o.address): o.status for o in report.outcomes} == dict.fromkeys(
        ("odd.Zone/z", "odd.Other/o"), Status.APPLIED
    )
    assert {request[1] for request in api.writes()} == {"/zones", "/others"}
    server.broken.clear()
    api.apply()
    assert {request[1] for request in api.writes()} == {"/teams", "/members"}
    assert api.plan().pending == ()


def test_what_is_named_without_them_is_applied(tmp_path: Path) -> None:
    api = made(tmp_path, Server({"teams"}))
    report = api.apply(selection=read_selection([], ["odd.Other/o"]))
    assert [o.status for o in report.outcomes] == [Status.APPLIED]


@pytest.mark.parametrize("skip", [False, True])
def test_where_nothing_can_be_read_there_is_no_plan(tmp_path: Path, *, skip: bool) -> None:
    api = made(tmp_path, Server({"zones", "others"}))
    with pytest.raises(ApiError, match=r"no others for you|no zones for you") as caught:
        api.plan(skip_unreadable=skip)
    assert "zones" in caught.value.message
    assert "others" in caught.value.message


@pytest.mark.parametrize("broken", ["zones", "teams", "members"])
@pytest.mark.parametrize("skip", [False, True])
def test_nothing_of_it_and_nothing_around_it_is_pruned(tmp_path: Path, broken: str, *, skip: bool) -> None:
    server = Server()
    extra = manifest("{size: 1}", name="left", of="Other")
    api = made(tmp_path, server, ZONE, TEAM, MEMBER, OTHER, extra)
    api.apply()
    api.manifests(OTHER)  # the only one that is still declared
    server.broken.add(broken)
    kept = {name: dict(one.rows) for name, one in server.rows.items() if name != "others"}
    api.manifests(f"{OTHER}---\n{manifest('{size: 1}', name=broken, of=broken[:-1].title())}")
    if broken == "members":
        api.manifests(f"{OTHER}---\n{manifest('{team: x}', name='n', of='Member')}")
    planned = api.plan(prune=True, skip_unreadable=skip)
    assert bool(planned.blockers) is not skip
    gone = [name for name, action in actions(planned).items() if action is Action.DELETE]
    assert gone == ["odd.Other/left"]
    stays = [one.message for one in planned.diagnostics if one.code == "not-pruned"]
    assert len(stays) == 3, stays
    if skip:
        api.apply(prune=True, skip_unreadable=True)
        assert {name: one.rows for name, one in server.rows.items() if name != "others"} == kept
        assert len(server.rows["others"].rows) == 1


@pytest.mark.parametrize("broken", ["teams", "members"])
def test_what_it_depends_on_is_not_replaced(tmp_path: Path, broken: str) -> None:
    server = Server()
    api = made(tmp_path, server)
    api.apply()
    server.broken.add(broken)
    api.manifests("---\n".join([ZONE.replace("code: a", "code: b"), TEAM, MEMBER, OTHER]))
    planned = api.plan(allow_replace=True, skip_unreadable=True)
    assert actions(planned)["odd.Zone/z"] is Action.REPLACE
    found = unread(planned.blockers)["odd.Zone/z"]
    assert "cannot be replaced: what depends on it cannot be read" in found.message
    with pytest.raises(Unreadable):
        api.apply(allow_replace=True, skip_unreadable=True)
    server.broken.clear()
    assert api.plan(allow_replace=True).blockers == ()


def test_a_run_that_was_cut_short_is_settled_first(tmp_path: Path) -> None:
    """What may have been created by it is never decided about unread."""
    server = Server()
    api = made(tmp_path, server)

    answer = server.handle

    def cut(request: SandboxRequest) -> SandboxResponse:
        if request.method != "GET":
            answer(request)
            raise PowerCut
        return answer(request)

    api.handle = cut
    with pytest.raises(PowerCut):
        api.apply(parallelism=1)
    assert len(server.rows["others"].rows) == 1
    api.handle = answer
    server.broken = {"others"}
    with pytest.raises(ApiError, match="no others for you"):
        api.apply(skip_unreadable=True)
    server.broken.clear()
    api.apply()
    assert len(server.rows["others"].rows) == 1


def test_a_saved_plan_carries_the_option(tmp_path: Path) -> None:
    server = Server({"teams"})
    api = made(tmp_path, server)
    options = api.options(skip_unreadable=True)
    loaded = load(options)
    path = tmp_path / "plan.json"
    with Connections(loaded.settings, options) as connections:
        save_plan(plan(loaded, connections, options), loaded, options, path)
    assert json.loads(path.read_text())["selection"]["skipUnreadable"] is True
    approval, given = open_approval(path, api.options(), None)
    assert given.skip_unreadable
    loaded = load(given)
    with Connections(loaded.settings, given) as connections:
        planned = plan(loaded, connections, given)
        refuse(compare_with_approval(approval, planned, loaded, given), loaded)
        assert len(apply(planned, loaded, connections, given).outcomes) == 2


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = Server({"teams"})
    made(tmp_path, server)
    config, path = tmp_path / "reconciler.yaml", str(tmp_path / "plan.json")

    def called(*arguments: str) -> tuple[int, str]:
        code = main([*arguments, "--config", str(config)])
        said = capsys.readouterr()
        return code, said.out + said.err

    with SandboxServer([_Named(server)]) as running:
        config.write_text(config.read_text().replace("http://odd.test", running.urls["odd"]))
        code, said = called("plan", "--out", path)
        assert code == 1
        assert "odd.Other/o" in said
        assert "all.yaml:6:1: error: unreadable-kind: odd.Team/t cannot be planned" in said
        assert not Path(path).exists()
        code, said = called("apply", "--yes")
        assert code == 1
        assert "nothing was applied: 2 blockers" in said
        assert called("drift")[0] == 1
        assert server.rows["others"].rows == {}
        code, said = called("plan", "--out", path, "--skip-unreadable")
        assert code == 0
        assert "warning: unreadable-kind: odd.Team/t is left out" in said
        assert called("apply", "--plan", path)[0] == 0
    assert (len(server.rows["others"].rows), len(server.rows["zones"].rows)) == (1, 1)


@dataclass
class _Named:
    server: Server
    name: str = "odd"

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        return self.server.handle(request)
