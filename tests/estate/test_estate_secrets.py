"""No secret comes out anywhere: plans, reports, conflicts, failures, logs, reprs, tracebacks, the ledger."""

from __future__ import annotations

import base64
import io
import json
import logging
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from bench import LEDGER_KEY, Bench, assert_applied, is_write, make_bench, rows

from reconciler.console import Console
from reconciler.core.errors import ApiError, InvalidInput
from reconciler.core.manifests.references import Known
from reconciler.core.model import Diagnostic
from reconciler.core.plan.considered import consider
from reconciler.core.report import Outcome, Report, Status
from reconciler.render.machine import diagnostics_document, plan_document, report_document
from reconciler.render.report import render_outcome, render_report
from reconciler.render.text import render_diagnostics, render_plan
from reconciler.sandbox.estate import SECRETS
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response
from reconciler.sandbox.vices import Attempt, Fault, Vice, drop, ignore_fields
from reconciler.workflow.commands import Connections, Planned, apply, plan

AWKWARD = {
    name: f'fake "{name.lower()}" nöt/real+{number}=\\&?'
    for number, name in enumerate(SECRETS)
    if name not in ("APINIZER_TOKEN", "TRUSTGATE_SECRET", "GALTEA_API_KEY", "GOLDMINE_API_KEY", "ROTATION_TOKEN")
}
"""Other values for all secrets that are no credentials of a system: JSON, URLs and Python all have to escape them."""

VALUES = [*SECRETS.values(), *AWKWARD.values(), LEDGER_KEY]


def spellings(value: str) -> set[str]:
    raw = value.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        *encoded,
        *(text.rstrip("=") for text in encoded),
    }


ALL = {spelling for value in VALUES for spelling in spellings(value)}


def assert_clean(*texts: str) -> None:
    for text in texts:
        assert text
        leaked = sorted(spelling for spelling in ALL if spelling in text)
        assert not leaked, leaked


def awkward(folder: Path, system: str | None = None) -> Bench:
    """Return a bench whose systems hold the usual secrets while the environment holds the awkward ones."""
    bench = make_bench(folder)
    if system is not None:
        bench.keep(system)
    bench.environ.update(AWKWARD)
    return bench


class Screen:
    """The two streams that a person sees."""

    def __init__(self, bench: Bench) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.console = Console(out=self.out, err=self.err, redactor=bench.redactor)

    @property
    def text(self) -> str:
        return self.out.getvalue() + self.err.getvalue()


def show_plan(planned: Planned) -> list[str]:
    return [
        render_plan(planned.plan, show_unchanged=True, show_requests=True),
        json.dumps(plan_document(planned.plan, show_requests=True)),
        json.dumps(plan_document(planned.plan, show_requests=True), ensure_ascii=False),
    ]


def show_report(report: Report) -> list[str]:
    return [
        render_report(report),
        *(render_outcome(outcome) for outcome in report.outcomes),
        json.dumps(report_document(report)),
        json.dumps(report_document(report), ensure_ascii=False),
    ]


# --------------------------------------------------------------------------- plans and reports, without any net below


@pytest.mark.parametrize("variants", [{}, {"apinizer.settingsRead": "none", "trustgate.era": "S"}], ids=["L", "S"])
@pytest.mark.parametrize("populated", [True, False], ids=["populated", "empty"])
def test_plans_and_reports(tmp_path: Path, variants: dict[str, str], populated: bool) -> None:
    bench = make_bench(tmp_path, variants, populated=populated)
    assert_clean(*show_plan(bench.planned()), *show_report(bench.apply()))
    bench.environ.update(AWKWARD)
    rotated = bench.planned()
    assert len(rotated.plan.pending) >= 7, "every secret of the examples has changed"
    assert_clean(*show_plan(rotated), *show_plan(bench.planned(resend=True)), *show_report(bench.apply()))
    assert_clean(bench.ledger.read_text())
    assert bench.plan().pending == ()


def test_the_plan_of_what_the_server_answers_in_clear(tmp_path: Path) -> None:
    """Secrets of live objects that no manifest states are nobody's business either."""
    bench = make_bench(tmp_path).keep("trustgate")
    theirs = {
        "headers": {"X-Theirs": SECRETS["SALES_PASSWORD"]},
        "credentials": {"header_name": "X-Support-Key", "header_value": SECRETS["OPENAI_API_KEY"],
                        "aws_secret_access_key": SECRETS["PROXY_PASSWORD"]},
        "description": "theirs",
    }  # fmt: skip
    bench.estate.trustgate.edit("services", lambda row: row["name"] == "support-api", theirs)
    planned = bench.planned("Service/support-api", "Gateway/public-edge", "Upstream/support-backend")
    assert {f.path[0] for c in planned.plan.pending for f in c.fields} >= {"credentials", "description"}
    assert_clean(*show_plan(planned), repr(planned))


def test_the_ledger_without_a_key(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("goldmine")
    bench.environ["RECONCILER_LEDGER_KEY"] = ""
    assert_applied(bench.apply(trust_secrets=True))
    assert_clean(bench.ledger.read_text())
    assert bench.plan().pending == ()
    bench.environ["PROXY_PASSWORD"] = AWKWARD["PROXY_PASSWORD"]
    assert len(bench.plan().pending) == 3


def conflict(bench: Bench) -> None:
    (row,) = rows(bench, "trustgate.services", name="support-api")
    credentials = {**row["credentials"], "header_value": SECRETS["SALES_PASSWORD"]}
    bench.estate.trustgate.edit("services", row["id"], {"credentials": credentials})


def test_conflicts(tmp_path: Path) -> None:
    bench = awkward(tmp_path, "trustgate")
    report = bench.apply("Service/support-api", between=lambda: conflict(bench))
    assert [o.status for o in report.outcomes] == [Status.CONFLICT]
    assert report.outcomes[0].moved[0].sensitive
    assert_clean(*show_report(report), repr(report))


# --------------------------------------------------------------------------- failures that repeat what was sent


def echo(system: str, words: Callable[[SandboxRequest], str]) -> Vice:
    """Refuse a request with a message in the system's own envelope."""

    def vice(attempt: Attempt) -> SandboxResponse:
        text = words(attempt.request)
        envelope = {
            "apinizer": {"status": "FAILURE", "resultMessage": text},
            "trustgate": {"error": f"validation failed: {text}"},
            "galtea": {"error": "Bad Request", "message": text},
            "goldmine": {"code": "invalid_argument", "message": text},
        }
        return json_response(400, envelope[system])

    return vice


def whole_request(request: SandboxRequest) -> str:
    return f"cannot take {request.body.decode()} of {dict(request.headers)}"


def straddling(request: SandboxRequest) -> str:
    """Let a secret begin shortly before the place where long messages are cut."""
    body = request.body.decode()
    place = next((body.index(s) for s in sorted(ALL, key=len, reverse=True) if s in body), 0)
    return "x" * (490 - place) + body


WORDS = {"request": whole_request, "straddling": straddling}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("system", ["apinizer", "trustgate", "galtea", "goldmine"])
def test_servers_that_repeat_what_they_were_sent(
    tmp_path: Path, system: str, words: Callable[[SandboxRequest], str]
) -> None:
    bench = awkward(tmp_path, system)
    bench.wrap(system, Fault(vice=echo(system, words), when=is_write, times=None))
    screen = Screen(bench)
    report = perform(bench, screen)
    assert {o.status for o in report.outcomes} >= {Status.FAILED}
    screen.console.result(render_report(report))
    screen.console.document(report_document(report))
    assert_clean(screen.text)
    if words is straddling:
        assert_no_part(screen.text)


def assert_no_part(text: str) -> None:
    """Assert that not even the beginning of a secret is shown."""
    for value in VALUES:
        for spelling in spellings(value):
            assert spelling[:9] not in text.replace("fake-not-real", ""), spelling


def perform(bench: Bench, screen: Screen) -> Report:
    """Plan and apply as the command line does."""
    options = bench.options()
    loaded = bench.load(options)

    def show(outcome: Outcome) -> None:
        screen.console.say(render_outcome(outcome))

    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        screen.console.result(render_plan(planned.plan, show_requests=True))
        return apply(planned, loaded, connections, options, on_outcome=show)


@pytest.mark.parametrize("system", ["apinizer", "trustgate", "galtea", "goldmine"])
def test_servers_that_repeat_every_spelling_when_read(tmp_path: Path, system: str) -> None:
    bench = awkward(tmp_path, system)
    bench.wrap(system, Fault(vice=echo(system, whole_request), times=None))
    screen = Screen(bench)
    with pytest.raises(ApiError) as caught:
        bench.plan()
    screen.console.error(caught.value.message, caught.value.hint)
    screen.console.error(" ".join(s for name in bench.environ for s in sorted(spellings(bench.environ[name]))))
    assert_clean(screen.text)


@pytest.mark.parametrize("system", ["trustgate", "galtea", "goldmine"])
def test_fields_that_were_not_kept(tmp_path: Path, system: str) -> None:
    bench = awkward(tmp_path, system)
    secret_fields = ("credentials", "targets", "headers", "authToken", "password", "authType", "timeout", "host")
    bench.wrap(system, Fault(vice=ignore_fields(*secret_fields), when=is_write, times=None))
    report = bench.apply()
    assert Status.FAILED in {o.status for o in report.outcomes}
    assert_clean(*show_report(report), repr(report))


# --------------------------------------------------------------------------- logs, reprs, tracebacks, mistakes


def test_logs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench = awkward(tmp_path)
    for name in ("galtea", "goldmine"):
        bench.wrap(name, Fault(vice=drop(after_acting=True), when=is_write, times=1))
    # Opening a client silences these two: whoever raises them again must not find secrets either.
    loggers = [logging.getLogger(name) for name in ("", "reconciler", "httpx", "httpcore")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        bench.apply()
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if line.startswith("system ")]) > 20, "one line for each request"
    assert_clean("\n".join(lines), *(repr(record.args) + repr(record.msg) for record in caplog.records))


def test_reprs(tmp_path: Path) -> None:
    bench = awkward(tmp_path)
    options = bench.options()
    loaded = bench.load(options)
    planned = bench.planned()
    known = Known(resources=planned.inputs.resources, live=planned.inputs.live)
    considered = [consider(address, planned.inputs, known) for address in planned.inputs.resources]
    report = bench.apply()
    values: Iterable[object] = [
        options,
        loaded,
        loaded.settings,
        loaded.settings.systems,
        loaded.settings.environment,
        loaded.catalog,
        loaded.resources,
        planned,
        planned.plan,
        planned.inputs,
        planned.reader,
        planned.folded,
        planned.memory,
        considered,
        report,
        bench.redactor,
        bench.recordings["galtea"].requests,
        *planned.plan.changes,
    ]
    for value in values:
        assert_clean(repr(value), str(value))


class Bug(Exception):
    """What no code expects."""


@pytest.mark.parametrize("when", ["plan", "apply"])
def test_tracebacks_of_a_bug(tmp_path: Path, when: str) -> None:
    bench = awkward(tmp_path, "galtea")

    def fail(attempt: Attempt) -> SandboxResponse:
        sent = f"{dict(attempt.request.headers)} {attempt.request.body.decode()}"
        try:
            raise KeyError(sent)
        except KeyError as error:
            raise Bug(f"cannot handle {json.dumps(bench.environ)} {bench.environ} {sent}") from error

    bench.wrap("galtea", Fault(vice=fail, when=is_write if when == "apply" else lambda request: True, times=None))
    screen = Screen(bench)
    if when == "apply":  # a bug is the outcome of its change
        perform(bench, screen)
        assert_clean(screen.text)
        return
    with pytest.raises(Bug) as caught:
        perform(bench, screen)
    screen.console.complain("".join(traceback.format_exception(caught.value)))
    assert "Traceback" in screen.text
    assert "cannot handle" in screen.text
    assert_clean(screen.text)


TOKEN = "${env:SUPPORT_BOT_TOKEN}"
MISTAKES = {
    "pattern": ("url: https://bot.example.com/v1/chat", f"url: {TOKEN}"),
    "enum": ("authType: BEARER", f"authType: {TOKEN}"),
    "type": ("timeout: 30 ", f"timeout: {TOKEN} "),
    "inside-a-list": ("retryableStatusCodes: [429,", f"retryableStatusCodes: ['{TOKEN}',"),
    "unknown-field": ("timeout: 30 ", f"tiemout: {TOKEN} "),
    "inside-text": ("httpMethod: POST", f"httpMethod: P{TOKEN}"),
    "as-a-reference": ("type: CONVERSATION", f"type: {TOKEN}"),
    "object": (f"authToken: {TOKEN}", f"authToken: {{a: '{TOKEN}'}}"),
}


@pytest.mark.parametrize("edit", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_about_secret_values(tmp_path: Path, edit: tuple[str, str]) -> None:
    bench = awkward(tmp_path, "galtea")
    path = bench.manifests / "galtea" / "support-bot-prod.yaml"
    assert edit[0] in path.read_text()
    path.write_text(path.read_text().replace(*edit))
    with pytest.raises(InvalidInput) as caught:
        bench.load()
    found: tuple[Diagnostic, ...] = caught.value.diagnostics
    assert_clean(render_diagnostics(found), json.dumps(diagnostics_document(found)), repr(found), str(caught.value))


def test_a_token_made_from_a_secret_is_as_secret(tmp_path: Path) -> None:
    """A server that repeats the Authorization header it was sent cannot make the signed token public."""
    bench = make_bench(tmp_path)
    seen: list[str] = []

    class Repeating:
        name = "trustgate"

        def handle(self, request: SandboxRequest) -> SandboxResponse:
            seen.append(request.headers["authorization"].removeprefix("Bearer "))
            return json_response(401, {"error": f"not with {request.headers['authorization']}"})

    bench.wrapped["trustgate"] = Repeating()
    with pytest.raises(ApiError) as caught:
        bench.plan("trustgate.*")
    assert caught.value.message.endswith("not with Bearer (sensitive)"), "the server's words, without the token in them"
    assert seen[0] not in caught.value.message
