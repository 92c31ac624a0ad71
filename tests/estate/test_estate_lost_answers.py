"""Answers to writes are lost, or say success and mean nothing: reading settles it, and nothing is made twice."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from bench import PLACES, Bench, assert_applied, is_write, make_bench, outcome_of, rows, write_count

from reconciler.core.model import Action, Comparability
from reconciler.core.report import Status
from reconciler.sandbox.http import EmulatedSystem, SandboxRequest, SandboxResponse
from reconciler.sandbox.vices import (
    Attempt,
    ConnectionDropped,
    Fault,
    Vice,
    answer,
    drop,
    ignore_fields,
    too_many_requests,
)

LOST: dict[str, Vice] = {
    "500-after-acting": answer(500, "trouble", after_acting=True),
    "502-after-acting": answer(502, "<html>", headers={"content-type": "text/html"}, after_acting=True),
    "reset-after-acting": drop(after_acting=True),
    "closed-after-acting": drop(after_acting=True, reset=False),
}
VARIANTS = [{}, {"apinizer.settingsRead": "export", "apinizer.edition": "flat", "trustgate.era": "S"}]


@pytest.mark.parametrize("variants", VARIANTS, ids=["newer", "older"])
@pytest.mark.parametrize("vice", LOST.values(), ids=LOST)
def test_every_answer_to_a_write_is_lost(tmp_path: Path, vice: Vice, variants: dict[str, str]) -> None:
    bench = make_bench(tmp_path, variants)
    planned = bench.plan().changes
    blind = {change.address for change in planned if change.comparability is Comparability.UNREADABLE}
    for system in bench.estate.systems():
        bench.wrap(system, Fault(vice=vice, when=is_write, times=None))
    report = bench.apply()
    for outcome in report.outcomes:
        told = Status.IN_DOUBT if outcome.address in blind else Status.APPLIED
        idle = outcome.action in (Action.UNCHANGED, Action.ADOPT)
        assert outcome.status is (Status.UNCHANGED if idle else told)
    assert_never_twice(bench)
    bench.wrapped.clear()
    again = bench.plan()
    assert {problem.address for problem in again.blockers} == blind, "nothing is created again without having looked"
    assert again.pending == ()


def assert_never_twice(bench: Bench) -> None:
    for place, names in PLACES.items():
        found = [tuple(row[name] for name in names) for row in rows(bench, place)]
        assert len(found) == len(set(found)), place
    for system in bench.recordings:
        creates = [r.request.body for r in bench.writes(system) if r.method == "POST" and "Update" not in r.path]
        assert len(creates) == len(set(creates)), system


class Overtaking:
    """The first create loses its answer, after a second change has already read what it made."""

    def __init__(self, system: EmulatedSystem) -> None:
        self.name = system.name
        self.armed = False
        self._system = system
        self._lists = itertools.count()
        self._creates = itertools.count()
        self._made, self._read = threading.Event(), threading.Event()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if self.armed and request.path.endswith("/ListSessions") and next(self._lists) == 1:
            assert self._made.wait(5)
        if self.armed and request.path.endswith("/CreateSession"):
            if next(self._creates) == 0:
                self._system.handle(request)
                self._made.set()
                assert self._read.wait(5)
                raise ConnectionDropped
            self._read.set()
        return self._system.handle(request)


def test_what_another_change_has_read_meanwhile_is_found_all_the_same(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("goldmine")
    overtaking = Overtaking(bench.estate.goldmine)
    bench.wrapped["goldmine"] = overtaking

    def between() -> None:
        overtaking.armed = True

    report = bench.apply("eu-static-3", "rotating-1", parallelism=2, between=between)
    assert_applied(report)
    assert_never_twice(bench)
    assert bench.plan("eu-static-3", "rotating-1").pending == ()


NOT_DONE: dict[str, Vice] = {
    "500-before-acting": answer(500, "trouble"),
    "reset-before-acting": drop(),
    "closed-before-acting": drop(reset=False),
}


@pytest.mark.parametrize("vice", NOT_DONE.values(), ids=NOT_DONE)
def test_every_write_fails_before_it_acts(tmp_path: Path, vice: Vice) -> None:
    bench = make_bench(tmp_path)
    pending = len(bench.plan().pending)
    before = {place: rows(bench, place) for place in PLACES}
    for system in bench.estate.systems():
        bench.wrap(system, Fault(vice=vice, when=is_write, times=None))
    report = bench.apply()
    failed = [o for o in report.outcomes if o.status is Status.FAILED]
    skipped = [o for o in report.outcomes if o.status is Status.SKIPPED]
    assert len(failed) + len(skipped) == pending
    for outcome in failed:
        assert "reading shows that" in outcome.detail
        assert outcome.hint
    # A create that is not there, and an update that is not there: both told from a lost answer by reading.
    assert {o.detail.partition("reading shows that ")[2] for o in failed} == {"it is not there", "it was not done"}
    assert {place: rows(bench, place) for place in before} == before
    assert_never_twice(bench)
    bench.wrapped.clear()
    assert_applied(bench.apply())
    assert bench.plan().pending == ()


def test_too_many_requests_are_waited_out(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    for system in bench.estate.systems():
        bench.wrap(system, Fault(vice=too_many_requests("3"), when=is_write, times=2))
    started = bench.time.now
    assert_applied(bench.apply())
    assert bench.time.now - started >= 3
    assert_never_twice_performed(bench)
    bench.wrapped.clear()
    assert bench.plan().pending == ()


def assert_never_twice_performed(bench: Bench) -> None:
    for system in bench.recordings:
        done = [(r.path, r.request.body) for r in bench.writes(system) if r.status is not None and r.status < 300]
        assert len(done) == len(set(done))


def test_a_lost_answer_about_a_secret_stays_in_doubt_and_is_sent_again(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    assert_applied(bench.apply())
    bench.environ["SUPPORT_BOT_TOKEN"] = "fake-rotated-value-not-real"
    bench.wrap("galtea", Fault(vice=drop(after_acting=True), when=is_write, times=None))
    outcome = outcome_of(bench.apply("support-bot-prod"), "support-bot-prod")
    assert outcome.status is Status.IN_DOUBT
    assert "what was sent cannot be read back: authToken" in outcome.detail
    bench.wrapped.clear()
    assert [str(c.address.name) for c in bench.plan("support-bot-prod").pending] == ["support-bot-prod"]
    assert_applied(bench.apply("support-bot-prod"))
    assert bench.plan("support-bot-prod").pending == ()


def test_a_lost_answer_about_what_cannot_be_read_stays_in_doubt_and_is_sent_again(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, {"apinizer.settingsRead": "none"}).keep("apinizer")
    bench.wrap("apinizer", Fault(vice=drop(after_acting=True), when=is_write, times=None))
    report = bench.apply()
    assert {o.status for o in report.outcomes if o.address.kind == "WebSocketSettings"} == {Status.IN_DOUBT}
    bench.wrapped.clear()
    in_doubt = {outcome.address for outcome in report.outcomes if outcome.status is Status.IN_DOUBT}
    assert {change.address for change in bench.plan().pending} == in_doubt
    assert_applied(bench.apply())
    assert bench.plan().pending == ()


# --------------------------------------------------------------------------- success that is none


IGNORED = {
    "apinizer.WebSocketSettings/order-updates": ("connectionLostTimeout", "wanted 20, is 120"),
    "galtea.EndpointConnection/support-bot-init": ("timeout", "wanted 15, is 60"),
    "goldmine.Session/eu-static-2": ("host", 'wanted "203.0.113.22", is "203.0.113.99"'),
    "trustgate.Gateway/public-edge": ("security_config", "/security_config/allowed_hosts"),
    "trustgate.Upstream/support-backend": ("algorithm", '/algorithm: wanted "least-conn", is "round-robin"'),
    "trustgate.Service/support-api": ("description", '/description: wanted "Our support desk'),
}


@pytest.mark.parametrize("address", IGNORED)
def test_an_ignored_field_is_a_failure_that_names_it(tmp_path: Path, address: str) -> None:
    name, words = IGNORED[address]
    system = address.partition(".")[0]
    bench = make_bench(tmp_path, {"apinizer.edition": "flat", "trustgate.era": "L"}).keep(system)
    if address.endswith("support-api"):
        bench.rewrite("description: The support desk behind", "description: Our support desk behind")
    if address.endswith("support-backend"):
        bench.rewrite("algorithm: round-robin", "algorithm: least-conn")
    vice = replaced("algorithm", "round-robin") if name == "algorithm" else ignore_fields(name)
    bench.wrap(system, Fault(vice=vice, when=is_write, times=None))
    outcome = outcome_of(bench.apply(address), address)
    assert outcome.status is Status.FAILED
    assert outcome.detail.startswith("the server answered with success but did not keep: ")
    assert f"/{name}" in outcome.detail
    assert words in outcome.detail
    assert outcome.hint
    assert write_count(bench) == 1


def replaced(name: str, value: str) -> Vice:
    """Change a member of a request on its way: a field that cannot be left out is ignored like this."""

    def vice(attempt: Attempt) -> SandboxResponse:
        body = json.dumps({**json.loads(attempt.request.body), name: value}).encode()
        return attempt.act(replace(attempt.request, body=body))

    return vice


def test_a_field_ignored_on_create_is_a_failure_and_the_object_is_kept(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    bench.wrap("galtea", Fault(vice=ignore_fields("timeout"), when=is_write, times=None))
    outcome = outcome_of(bench.apply("support-bot-prod"), "support-bot-prod")
    assert outcome.status is Status.FAILED
    assert "/timeout: wanted 30, is 15" in outcome.detail
    bench.wrapped.clear()
    (change,) = bench.plan("support-bot-prod").pending
    # The ledger knows the object as ours; nobody saw its secret arrive, so that is sent once more.
    assert (change.action, [f.path for f in change.fields]) == (Action.UPDATE, [("authToken",), ("timeout",)])
    assert_applied(bench.apply("support-bot-prod"))
    assert len(rows(bench, "galtea.endpointConnections", name="support-bot-prod")) == 1


@pytest.mark.parametrize("settings_read", ["full", "export"])
@pytest.mark.parametrize(("configured", "real"), [("flat", "wrapped"), ("wrapped", "flat")])
def test_the_wrong_edition_fails_instead_of_being_applied(
    tmp_path: Path, configured: str, real: str, settings_read: str
) -> None:
    bench = make_bench(tmp_path, {"apinizer.edition": real, "apinizer.settingsRead": settings_read}).keep("apinizer")
    text = bench.config.read_text()
    assert f"edition: {real}\n" in text
    bench.config.write_text(text.replace(f"edition: {real}\n", f"edition: {configured}\n"))
    report = bench.apply("WebSocketSettings/*")
    changed = [o for o in report.outcomes if o.action is Action.UPDATE]
    assert [o.status for o in changed] == [Status.FAILED] * 2
    assert (
        "did not keep: /connectionLostTimeout: wanted 20, is 120" in outcome_of(report, "Settings/order-updates").detail
    )
    assert "/autoReconnect: wanted true, is not set" in outcome_of(report, "Settings/support-chat").detail
    assert len(bench.writes("apinizer")) == 2
    assert len(bench.plan("WebSocketSettings/*").pending) == 2
