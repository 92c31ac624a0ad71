"""Journals: what runs began and how it ended, folded into the ledger and settled by reading."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bench import Bench, assert_applied, is_write, make_bench, rows

from reconciler.cli.commands import exit_code_of
from reconciler.core.address import Address
from reconciler.core.errors import ExitCode, UsageError
from reconciler.core.memory.journal import (
    Ended,
    Entry,
    Event,
    Folded,
    Found,
    Holder,
    Intent,
    fold,
    pause_s,
    settle_intents,
)
from reconciler.core.memory.ledger import FORGOTTEN, UNSURE, Ledger, Record
from reconciler.core.model import Action, LiveObject
from reconciler.core.report import Status
from reconciler.render.findings import Findings
from reconciler.render.machine import report_document
from reconciler.render.report import render_report
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.vices import Attempt, Fault
from reconciler.shell.files.packaged import packaged_folder
from reconciler.shell.memory.commit_message import event_in, message_of
from reconciler.shell.memory.journal_text import (
    entry_line,
    event_line,
    journal_text,
    read_history,
    read_journal,
)

A, B = Address("shop", "Product", "a"), Address("shop", "Product", "b")
RUN = Holder(token="r1", user="ci", host="runner", pid=7, since="2026-01-02T03:04:05Z", url="https://ci.example.test/1")
OLD = Record(id="1", fields={"/title": "f"}, secrets={"/token": "s"})
NEW = Record(id="2", fields={"/title": "g"}, owed=("m",))


def intent(address: Address = A, action: Action = Action.UPDATE, **more: Any) -> Intent:
    return Intent(run="r1", address=address, action=action, at="2026-01-02T03:04:05Z", **more)


def ended(status: Status, record: Record | None = None, address: Address = A) -> Ended:
    return Ended(run="r1", address=address, status=status, record=record)


def ledger(**records: Record) -> Ledger:
    return Ledger(target="t", records={Address("shop", "Product", name): record for name, record in records.items()})


@pytest.mark.parametrize(
    ("entries", "record", "still_open"),
    [
        pytest.param([intent()], OLD, 1, id="begun"),
        pytest.param([intent(), ended(Status.APPLIED, NEW)], NEW, 0, id="applied"),
        pytest.param([intent(), ended(Status.APPLIED)], None, 0, id="deleted"),
        pytest.param([intent(), ended(Status.IN_DOUBT)], OLD, 1, id="in-doubt"),
        pytest.param([intent(), ended(Status.FAILED)], OLD.unsure(), 0, id="failed"),
        pytest.param([intent(owes=("m",)), ended(Status.FAILED)], OLD.unsure().owing("m"), 0, id="failed-and-owing"),
        pytest.param([intent(), ended(Status.APPLIED, NEW), intent()], NEW, 1, id="begun-again"),
        pytest.param([ended(Status.APPLIED, NEW)], NEW, 0, id="its-intent-was-torn"),
    ],
)
def test_folding(entries: list[Any], record: Record | None, still_open: int) -> None:
    folded = fold(ledger(a=OLD), [RUN, *entries])
    assert folded.ledger.records.get(A) == record
    assert len(folded.open) == still_open
    assert folded.runs == ((RUN,) if still_open else ())
    again = fold(folded.ledger, [RUN, *entries])
    assert again.ledger == folded.ledger, "folding twice changes nothing"


def test_a_secret_that_may_have_been_sent_counts_as_not_applied() -> None:
    unsure = replace(ledger(a=OLD.unsure()))
    assert unsure.remembers(A, "1")(("token",), "whatever") is False
    assert OLD.unsure().fields == OLD.fields
    assert OLD.unsure(everything=True).fields == {"/title": UNSURE}
    assert OLD.forgetful().secrets == {"/token": FORGOTTEN}


class Anything:
    """Stands for a resource, of which settling needs no more than that it is there."""

    source = None


def found(live: bool = False, stated: bool = True, **more: Any) -> Found:
    return Found(
        resources={A: Anything()} if stated else {},  # type: ignore[dict-item]
        live={A: LiveObject(id="9", body={}, spec={})} if live else {},
        **more,
    )


@pytest.mark.parametrize(
    ("begun", "old", "seen", "record", "codes"),
    [
        pytest.param(intent(), OLD, found(live=True), Record(id="9"), [], id="another-object"),
        pytest.param(
            intent(), replace(OLD, id="9"), found(live=True), replace(OLD, id="9").unsure(), [], id="update-found"
        ),
        pytest.param(intent(action=Action.CREATE), None, found(live=True), Record(id="9"), [], id="create-found"),
        pytest.param(
            intent(action=Action.CREATE, owes=("m",)),
            None,
            found(live=True),
            Record(id="9", owed=("m",)),
            [],
            id="create-found-and-owing",
        ),
        pytest.param(intent(action=Action.CREATE), None, found(), None, [], id="create-not-found"),
        pytest.param(
            intent(action=Action.CREATE),
            None,
            found(unreadable=[A]),
            None,
            ["unsettled-create"],
            id="create-that-nobody-can-read",
        ),
        pytest.param(
            intent(action=Action.CREATE), None, found(stated=False), None, ["unsettled-create"], id="manifest-gone"
        ),
        pytest.param(intent(), OLD, found(stated=False), OLD.unsure(everything=True), [], id="update-manifest-gone"),
    ],
)
def test_settling(begun: Intent, old: Record | None, seen: Found, record: Record | None, codes: list[str]) -> None:
    before = Folded(ledger=ledger(**({} if old is None else {"a": old})), open=(begun,), runs=(RUN,))
    after, said = settle_intents(before, seen)
    assert after.ledger.records.get(A) == record
    assert [one.code for one in said] == ["cut-short", *codes]
    assert (after.open, after.runs) == (((begun,), (RUN,)) if codes else ((), ()))
    assert "ci@runner (process 7, since 2026-01-02T03:04:05Z, https://ci.example.test/1)" in said[0].message


def test_reading_waits_for_kinds_that_show_writes_late() -> None:
    at = 1_767_323_045.0  # of the intents
    begun = [intent(), intent(B)]
    late = {A: 30.0, B: 5.0}
    assert pause_s(begun, late.__getitem__, at + 10) == 20
    assert pause_s(begun, late.__getitem__, at + 31) == 0
    assert pause_s(begun, late.__getitem__, at - 1000) == 30, "a clock that was put back makes no endless wait"
    assert pause_s([], late.__getitem__, at) == 0


# --------------------------------------------------------------------------- as text

ENTRIES: list[Entry] = [
    RUN,
    intent(method="PUT", path="ab", owes=("m",)),
    intent(B),
    ended(Status.APPLIED, NEW),
    ended(Status.FAILED),
]


def test_what_was_written_is_read_again() -> None:
    assert read_journal(journal_text(ENTRIES).encode(), "j") == ENTRIES


def test_a_torn_line_counts_as_not_written_wherever_it_is_torn() -> None:
    whole = journal_text(ENTRIES[:2]).encode()
    last = entry_line(ENTRIES[2]).encode()
    for length in range(len(last)):
        read = read_journal(whole + last[:length], "j")
        assert read == ENTRIES[:2] or (length == len(last) - 1 and read == ENTRIES[:3])
    assert read_journal(b"\x00\xff\n" + whole, "j") == ENTRIES[:2]


def test_a_newer_journal_asks_for_a_newer_program() -> None:
    line = json.dumps({"is": "run", "format": 99, "token": "t"}).encode()
    with pytest.raises(UsageError, match="newer reconciler"):
        read_journal(line, "j")


EVENT = Event(
    what="apply",
    at="2026-01-02T03:04:05Z",
    by="ci@runner",
    run="r1",
    revision="abc",
    plan="def",
    url="https://ci.example.test/1",
    outcomes=(("applied", "create", "shop.Product/with a blank"), ("in-doubt", "update", "shop.Product/b")),
)


def test_history_as_lines_and_as_messages() -> None:
    assert read_history((event_line(EVENT) + '{"what": "ap').encode()) == [EVENT]
    assert event_in(message_of(EVENT), at=EVENT.at, by=EVENT.by) == EVENT
    assert message_of(EVENT).startswith("apply: 1 applied, 1 in-doubt\n\n")


# --------------------------------------------------------------------------- in a file


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_bench(tmp_path).keep("galtea")


def journal_of(bench: Bench) -> Path:
    return bench.folder / "ledger.json.journal"


def leave(bench: Bench, *entries: Any) -> None:
    """Leave a journal as a killed run does."""
    journal_of(bench).write_text(journal_text([RUN, *entries]))


def galtea(kind: str, name: str) -> Address:
    return Address("galtea", kind, name)


def test_an_open_create_whose_object_is_there_is_adopted(bench: Bench) -> None:
    bench.apply()
    bench.ledger.unlink()
    address = galtea("EndpointConnection", "support-bot-prod")
    leave(bench, intent(address, Action.CREATE))
    planned = bench.planned()
    assert (
        planned.folded.ledger.records[address].id
        == rows(bench, "galtea.endpointConnections", name="support-bot-prod")[0]["id"]
    )
    (change,) = planned.plan.pending
    assert change.address == address, "its secrets may not have arrived"
    assert all(field.sensitive for field in change.fields)
    assert journal_of(bench).exists(), "a plan writes nothing"
    assert_applied(bench.apply())
    assert not journal_of(bench).exists()
    assert not bench.plan().has_work


def test_an_outcome_that_never_reached_the_ledger_is_not_lost(bench: Bench) -> None:
    bench.apply()
    text = json.loads(bench.ledger.read_text())
    address = "galtea.EndpointConnection/support-bot-prod"
    record = text["records"].pop(address)
    bench.ledger.write_text(json.dumps(text))
    leave(bench, intent(galtea("EndpointConnection", "support-bot-prod"), Action.CREATE))
    with journal_of(bench).open("a") as stream:
        line = {"is": "end", "run": "r1", "address": address, "status": "applied", "at": "", "record": record}
        stream.write(json.dumps(line) + "\n")
    made = bench.plan()
    assert not made.has_work
    assert [one.code for one in made.diagnostics] == []
    bench.apply()
    assert json.loads(bench.ledger.read_text())["records"][address] == record


def test_an_open_change_outside_of_the_selection_is_settled_as_well(bench: Bench) -> None:
    bench.apply()
    leave(bench, intent(galtea("EndpointConnection", "support-bot-prod")))
    made = bench.plan("Product/*")
    assert [one.code for one in made.diagnostics] == ["cut-short"]
    bench.apply("Product/*")
    assert not journal_of(bench).exists()
    (change,) = bench.plan().pending
    assert [field.sensitive for field in change.fields] == [True], "its secret is sent again, since it may not be there"


def test_a_create_whose_manifest_is_gone_stays_open_until_somebody_has_looked(bench: Bench) -> None:
    leave(bench, intent(galtea("Product", "no-more"), Action.CREATE))
    for _ in range(2):
        made = bench.plan()
        assert [one.code for one in made.diagnostics] == ["cut-short", "unsettled-create"]
        assert not made.blockers, "it is none of what is to be done"
        bench.apply()
    assert "galtea.Product/no-more" in journal_of(bench).read_text()


def test_no_value_stands_in_any_file(bench: Bench) -> None:
    seen: list[str] = []
    wrapped = bench.wrap("galtea")
    original = wrapped.handle

    def handle(request: Any) -> Any:
        seen.extend(path.read_text() for path in bench.folder.glob("ledger.json*"))
        return original(request)

    wrapped.handle = handle  # type: ignore[method-assign]
    bench.apply()
    seen.extend(path.read_text() for path in bench.folder.glob("ledger.json*"))
    text = "".join(seen)
    assert '"is":"begin"' in text
    for value in (*bench.environ.values(), "https://bot.example.com"):
        assert value not in text


def test_a_ledger_that_cannot_be_written_fails_the_run_and_every_format_says_so(bench: Bench) -> None:
    def obstruct(attempt: Attempt) -> SandboxResponse:
        bench.ledger.mkdir()
        return attempt.act(attempt.request)

    bench.wrap("galtea", Fault(vice=obstruct, when=is_write))
    report = bench.apply()
    assert exit_code_of(report) is ExitCode.FAILED
    (problem,) = report.problems
    assert problem.code == "ledger-not-written"
    assert problem.message in render_report(report)
    findings = Findings(report=report_document(report))
    assert [one["code"] for one in findings.diagnostics] == ["ledger-not-written"]
    schema = json.loads((packaged_folder("schemas") / "report.schema.json").read_text())
    jsonschema.validate(report_document(report), schema)
    bench.ledger.rmdir()
    assert not bench.plan().has_work, "the journal knows how each change ended"
    assert_applied(bench.apply())
    assert not journal_of(bench).exists()
