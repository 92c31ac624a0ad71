"""Secrets that were not sent from here are never recorded as sent; they stay listed until they are sent or trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.cli.main import main
from reconciler.core.errors import InvalidInput
from reconciler.core.model import Action, Plan
from reconciler.core.report import Status
from reconciler.render.machine import plan_document
from reconciler.render.text import render_plan

KIND = """
    apiVersion: odd/v1
    kind: Bot
    schema:
      type: object
      additionalProperties: false
      properties:
        name: {{type: string}}
        size: {{type: integer}}
        token: {{type: string, x-sensitive: true, writeOnly: true}}
        hooks:
          type: array
          x-list: set
          x-key: [url]
          items:
            type: object
            properties:
              url: {{type: string}}
              secret: {{type: string, x-sensitive: true, writeOnly: true}}
        key: {{type: [string, "null"], x-sensitive: true, x-mask: "[*]+"}}
    identity: {{id: /name, key: [name], name: name}}
    read:
      list: {{method: GET, path: /bots, items: /items}}
    write:
      create: {{method: POST, path: /bots}}
      update: {{method: {method}, path: "/bots/{{id}}"}}
"""
FIRST, SECOND = "fake-first-value", "fake-second-value"
KEY, OTHER_KEY = "fake-ledger-key-not-real-but-long-enough", "another-fake-ledger-key-as-long-as-it-has-to-be"
Rekey = Callable[..., tuple[int, tuple[int, ...]]]
LISTED = "never sent from here: "


class Bots:
    """Objects whose token and hooks' secrets are never shown, and whose key is masked."""

    def __init__(self, *, ignores_null: bool = False) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.ignores_null = ignores_null

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "GET":
            return json_response(200, {"items": [self.shown(row) for row in self.rows.values()]})
        body = body_of(request)
        if request.method == "POST":
            self.rows[body["name"]] = body
            return json_response(201, self.shown(body))
        row = self.rows.get(request.path.rsplit("/", 1)[1])
        if row is None:
            return not_found()
        if request.method == "PUT":
            row.clear()
        row.update({name: value for name, value in body.items() if value is not None or not self.ignores_null})
        return json_response(200, self.shown(row))

    @staticmethod
    def shown(row: dict[str, Any]) -> dict[str, Any]:
        seen = {name: value for name, value in row.items() if name != "token" and value is not None}
        if "key" in seen:
            seen["key"] = "****"
        if "hooks" in seen:
            seen["hooks"] = [{"url": hook["url"]} for hook in seen["hooks"]]
        return seen


@pytest.fixture
def bots() -> Bots:
    return Bots()


@pytest.fixture
def api(tmp_path: Path, bots: Bots) -> OddApi:
    bots.rows["b"] = {"name": "b", "size": 1, "token": "fake-their-value", "key": "fake-their-key"}
    return OddApi(folder=tmp_path, handle=bots.handle, environ={"RECONCILER_LEDGER_KEY": KEY})


def declare(api: OddApi, *, method: str = "PATCH", policy: str = "{}", ledger: bool = True, **spec: Any) -> None:
    manifest = {"apiVersion": "odd/v1", "kind": "Bot", "metadata": {"name": "b"}, "spec": spec}
    target = f"policy: {policy}\nsecrets: [TOKEN]\n" + ("ledger: {file: ledger.json}\n" if ledger else "")
    api.define(KIND.format(method=method), json.dumps(manifest), target=target)


def applied(api: OddApi, **more: Any) -> list[Any]:
    """Apply, and return the bodies that were sent."""
    assert {outcome.status for outcome in api.apply(**more).outcomes} <= {Status.APPLIED, Status.UNCHANGED}
    return [body for _, _, body in api.writes()]


def counted(plan: Plan) -> tuple[int, int]:
    """Return how many secrets were never sent, and how many with another key, as the two outputs say."""
    document, text = plan_document(plan), render_plan(plan)
    found = document.get("untoldSecrets", {"neverSent": 0, "otherKey": 0})
    assert (LISTED in text) is bool(found["neverSent"])
    assert ("sent with another ledger key: " in text) is bool(found["otherKey"])
    return found["neverSent"], found["otherKey"]


def quiet(api: OddApi) -> bool:
    plan = api.plan()
    return not plan.has_work and counted(plan) == (0, 0)


def test_what_was_only_adopted_is_no_change_and_stays_listed_until_it_is_sent(api: OddApi, bots: Bots) -> None:
    declare(api, size=1, token=FIRST, key=FIRST)
    for _ in range(2):
        plan = api.plan()
        assert not plan.has_work
        assert counted(plan) == (2, 0)
        assert "2 secrets of odd.Bot/b" in render_plan(plan)
        assert "never sent from here, so not comparable, taken as equal: /key, /token" in render_plan(
            plan, show_unchanged=True
        )
        assert applied(api) == []
    assert json.loads((api.folder / "ledger.json").read_text())["records"]["odd.Bot/b"]["secrets"] == {
        "/key": "unsent",
        "/token": "unsent",
    }
    declare(api, size=1, token=SECOND, key=FIRST)
    assert not api.plan().has_work, "nothing tells which value is there"
    assert applied(api, resend=True) == [{"token": SECOND, "key": FIRST}]
    assert bots.rows["b"]["token"] == SECOND
    assert quiet(api)
    declare(api, size=1, token=FIRST, key=FIRST)
    assert applied(api) == [{"token": FIRST}]
    assert quiet(api)


def test_a_change_that_does_not_carry_a_secret_does_not_record_it(api: OddApi, bots: Bots) -> None:
    declare(api, size=2, token=FIRST)
    assert applied(api) == [{"size": 2}]
    assert counted(api.plan()) == (1, 0)
    assert bots.rows["b"]["token"] == "fake-their-value"


def test_a_change_that_carries_everything_does(api: OddApi, bots: Bots) -> None:
    declare(api, method="PUT", size=2, token=FIRST, key=FIRST)
    applied(api)
    assert bots.rows["b"]["token"] == FIRST
    assert quiet(api)


def test_a_new_object_was_sent_with_its_secrets(api: OddApi, bots: Bots) -> None:
    bots.rows.clear()
    declare(api, size=2, token=FIRST, hooks=[{"url": "u", "secret": FIRST}])
    applied(api)
    assert quiet(api)


def test_secrets_inside_lists_are_counted_one_by_one_and_what_is_visible_there_is_compared(
    api: OddApi, bots: Bots
) -> None:
    bots.rows["b"]["hooks"] = [{"url": "u1", "secret": "fake-1"}, {"url": "u2", "secret": "fake-2"}]
    declare(api, size=1, hooks=[{"url": "u1", "secret": FIRST}, {"url": "u2", "secret": FIRST}])
    assert counted(api.plan()) == (2, 0)
    assert applied(api) == []
    assert counted(api.plan()) == (2, 0)
    bots.rows["b"]["hooks"].pop()
    (change,) = api.plan().pending
    assert [field.cause.value for field in change.fields] == ["drift"]
    applied(api)
    assert quiet(api), "the list was sent with all that is in it"


def test_they_can_be_trusted_without_a_request(api: OddApi, bots: Bots) -> None:
    declare(api, size=1, token=FIRST)
    assert applied(api, trust_secrets=True) == []
    assert quiet(api)
    declare(api, size=1, token=SECOND)
    assert applied(api) == [{"token": SECOND}]


def test_the_policy_plans_them_once(api: OddApi, bots: Bots) -> None:
    declare(api, policy="{secrets: resend}", size=1, token=FIRST)
    (change,) = api.plan().pending
    assert change.action is Action.UPDATE
    assert [field.path for field in change.fields] == [("token",)]
    assert FIRST not in render_plan(api.plan(), show_requests=True)
    assert applied(api) == [{"token": FIRST}]
    assert quiet(api)


def test_the_policy_needs_a_ledger(api: OddApi) -> None:
    declare(api, policy="{secrets: resend}", ledger=False, size=1, token=FIRST)
    with pytest.raises(InvalidInput) as caught:
        api.plan()
    assert "only beside a `ledger`" in caught.value.diagnostics[0].message


def test_without_a_ledger_there_is_no_count_and_the_remark_stays(api: OddApi) -> None:
    declare(api, ledger=False, size=1, token=FIRST)
    plan = api.plan()
    assert counted(plan) == (0, 0)
    assert [change.caveats for change in plan.changes] == [
        ("not comparable, taken as equal: /token (`--resend` sends them)",)
    ]


def test_a_failed_change_makes_nothing_sent(api: OddApi, bots: Bots) -> None:
    declare(api, size=1, token=FIRST)
    applied(api)
    declare(api, size=2, token=FIRST)
    api.handle = lambda r: json_response(500, {}) if r.method == "PATCH" else bots.handle(r)
    assert api.apply().outcomes[0].status is Status.FAILED
    api.handle = bots.handle
    assert applied(api) == [{"size": 2}]
    assert counted(api.plan()) == (1, 0)


# --------------------------------------------------------------------------- null over a mask


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "none"])
def test_null_over_a_mask_removes_what_is_there(api: OddApi, bots: Bots, *, ledger: bool) -> None:
    declare(api, ledger=ledger, size=1, key=None)
    (change,) = api.plan().pending
    assert [(field.path, field.operation.value) for field in change.fields] == [(("key",), "remove")]
    assert applied(api) == [{"key": None}]
    assert bots.rows["b"]["key"] is None
    assert not api.plan().has_work


def test_an_api_that_ignores_the_null_is_found_out(tmp_path: Path) -> None:
    bots = Bots(ignores_null=True)
    bots.rows["b"] = {"name": "b", "size": 1, "key": "fake-their-key"}
    api = OddApi(folder=tmp_path, handle=bots.handle)
    declare(api, ledger=False, size=1, key=None)
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.FAILED
    assert "did not keep: /key (secret)" in outcome.detail


# --------------------------------------------------------------------------- another key


@pytest.fixture
def rekeyed(api: OddApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rekey:
    """Return what runs `ledger rekey`, and says its exit code and what the digests can tell then."""

    def run(*arguments: str) -> tuple[int, tuple[int, ...]]:
        for name, value in api.environ.items():
            monkeypatch.setenv(name, value)
        api.seen.clear()
        capsys.readouterr()
        config = str(api.folder / "reconciler.yaml")
        code = main(["ledger", "rekey", "--config", config, "--format", "json", *arguments])
        said = capsys.readouterr()
        assert "fake-" not in said.out + said.err
        assert api.seen == []
        document = json.loads(said.out)
        return code, tuple(document[name] for name in ("known", "forgotten", "neverSent") if name in document)

    return run


@pytest.mark.parametrize(("old", "new"), [(KEY, OTHER_KEY), (KEY, ""), ("", KEY)], ids=["other", "none", "first"])
def test_with_another_key_nothing_is_a_change_and_rekeying_compares_by_the_old_one(
    api: OddApi, bots: Bots, rekeyed: Rekey, old: str, new: str
) -> None:
    bots.rows.clear()
    api.environ.update(RECONCILER_LEDGER_KEY=old, TOKEN=FIRST)
    spec: dict[str, Any] = {"size": 1, "token": "${env:TOKEN}", "hooks": [{"url": "u", "secret": FIRST}]}
    declare(api, **spec)
    applied(api)
    api.environ.update(RECONCILER_LEDGER_KEY=new, TOKEN=SECOND)
    plan = api.plan()
    assert not plan.has_work
    assert counted(plan) == (0, 2)
    api.environ["RECONCILER_LEDGER_OLD_KEY"] = old
    assert rekeyed() == (0, (3, 0, 0))
    assert applied(api) == [{"token": SECOND}], "another value was applied, and the hooks are as they were"
    assert quiet(api)


def test_rekeying_with_the_wrong_old_key_is_refused_unless_the_secrets_are_trusted(
    api: OddApi, bots: Bots, rekeyed: Rekey
) -> None:
    bots.rows.clear()
    declare(api, size=1, token=FIRST)
    applied(api)
    api.environ["RECONCILER_LEDGER_KEY"] = OTHER_KEY
    before = (api.folder / "ledger.json").read_text()
    assert rekeyed() == (3, ())
    assert (api.folder / "ledger.json").read_text() == before
    assert rekeyed("--trust-secrets") == (0, (1, 0, 0))
    assert quiet(api)


def test_an_apply_with_another_key_forgets_and_says_so(api: OddApi, bots: Bots) -> None:
    bots.rows.clear()
    declare(api, size=1, token=FIRST)
    applied(api)
    api.environ["RECONCILER_LEDGER_KEY"] = OTHER_KEY
    assert applied(api) == []
    assert counted(api.plan()) == (0, 1), "it stays listed"
    assert applied(api, resend=True) == [{"token": FIRST}]
    assert quiet(api)
