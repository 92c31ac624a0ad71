"""The laws of every kind of Galtea's estate: exactly what moved is planned and sent, and what cannot be is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, bodies, change_of, make_bench, rows

from reconciler.core.errors import InvalidInput
from reconciler.core.model import Action, Plan
from reconciler.core.pointer import format_pointer
from reconciler.render.text import render_plan
from reconciler.sandbox.estate import SECRETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One resource of the examples, and what somebody does to it by hand."""

    kind: str
    name: str
    collection: str
    managed: Mapping[str, Any]  # laid over the row in the system
    pointer: str  # the only field that differs then
    sent: Mapping[str, Any]  # the body that mends it
    unmanaged: Mapping[str, Any]
    stated: str  # the text in the manifest that states a field …
    let_go: str  # … and that field

    @property
    def address(self) -> str:
        return f"galtea.{self.kind}/{self.name}"


CASES = [
    Case(
        kind="Model", name="support-llm", collection="models",
        managed={"outputCostPerToken": 0.5}, pointer="/outputCostPerToken", sent={"outputCostPerToken": 1.6e-06},
        unmanaged={"cacheReadInputTokenCost": 0.25, "source": None},
        stated="  tokenizerProvider: openai\n", let_go="/tokenizerProvider",
    ),
    Case(
        kind="UserGroup", name="quality-reviewers", collection="userGroups",
        managed={"allProducts": True}, pointer="/allProducts", sent={"allProducts": False},
        unmanaged={"userIds": ["user_theirs"]},
        stated="  allProducts: false\n", let_go="/allProducts",
    ),
    Case(
        kind="Specification", name="no-refund-promises", collection="specifications",
        managed={"testVariant": "theirs"}, pointer="/testVariant", sent={"testVariant": "misuse"},
        unmanaged={"isCritical": True, "useForTestAlignment": False},
        stated="  testVariant: misuse\n", let_go="/testVariant",
    ),
    Case(
        kind="Metric", name="politeness", collection="metrics",
        managed={"tags": ["support", "theirs", "tone"]}, pointer="/tags", sent={"tags": ["tone", "support"]},
        unmanaged={"description": "theirs", "passThreshold": 0.5},
        stated="  tags: [tone, support]\n", let_go="/tags",
    ),
    Case(
        kind="PhoneConnection", name="support-line", collection="phoneConnections",
        managed={"phoneNumber": "+4930123456"}, pointer="/phoneNumber", sent={"phoneNumber": "+14155550123"},
        unmanaged={},
        stated='"+14155550123"\n  agentSpeaksFirst: true\n', let_go="/agentSpeaksFirst",
    ),
    Case(
        kind="WebRtcConnection", name="support-voice", collection="webRtcConnections",
        managed={"agentName": "theirs"}, pointer="/agentName", sent={"agentName": "support-voice-agent"},
        unmanaged={"apiKey": "fake-key-of-theirs"},
        stated="VOICE_AGENT_KEY}\n  agentSpeaksFirst: true\n", let_go="/agentSpeaksFirst",
    ),
    Case(
        kind="Version", name="release-12", collection="versions",
        managed={"facts": {"commit": "theirs", "prompt": "returns-first"}}, pointer="/facts/commit",
        sent={"facts": {"commit": "4f2a9c1", "prompt": "returns-first"}},
        unmanaged={"guardrails": "theirs", "datasetUri": "https://data.example.com/theirs"},
        stated="  systemPrompt: You answer questions about orders, returns and invoices.\n", let_go="/systemPrompt",
    ),
    Case(
        kind="Monitor", name="production-quality", collection="monitors",
        managed={"samplingPercentage": 99.5}, pointer="/samplingPercentage", sent={"samplingPercentage": 25},
        unmanaged={"messageConditions": [], "alertRules": []},
        stated="  monthlyCreditCap: 5000\n", let_go="/monthlyCreditCap",
    ),
]  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES, ids=[case.kind for case in CASES])


def applied(folder: Path, *, ledger: bool = True) -> Bench:
    """Return a bench on which Galtea's examples have been applied."""
    bench = make_bench(folder).keep("galtea")
    if not ledger:
        bench.without_ledger()
    assert_applied(bench.apply())
    return bench


def row_of(bench: Bench, collection: str, name: str) -> dict[str, Any]:
    found = rows(bench, f"galtea.{collection}", name=name)
    # The platform's own and legacy revisions of a metric have the same name.
    (row,) = [row for row in found if row.get("organizationId", "") is not None and not row.get("isLegacy")]
    return row


def planned(plan: Plan) -> list[tuple[str, str]]:
    """Return all field changes of a plan: address and pointer."""
    assert plan.blockers == ()
    return [(str(c.address), format_pointer(f.path)) for c in plan.pending for f in c.fields]


def patches(bench: Bench) -> list[tuple[str, Any]]:
    """Return path and body of all writes, which are all partial updates."""
    writes = bench.writes("galtea")
    assert {write.method for write in writes} <= {"PATCH"}
    return list(zip([write.path for write in writes], bodies(writes), strict=True))


# --------------------------------------------------------------------------- what moved, and what did not


@every_case
@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
def test_a_managed_field_that_moved_is_planned_and_sent_alone(tmp_path: Path, case: Case, ledger: bool) -> None:
    bench = applied(tmp_path, ledger=ledger)
    before = row_of(bench, case.collection, case.name)
    bench.estate.galtea.edit(case.collection, before["id"], case.managed)
    assert planned(bench.plan()) == [(case.address, case.pointer)]
    assert_applied(bench.apply())
    assert patches(bench) == [(f"/{case.collection}/{before['id']}", case.sent)]
    assert row_of(bench, case.collection, case.name) == before
    assert bench.plan().pending == ()


@every_case
def test_an_unmanaged_field_that_moved_is_left_alone(tmp_path: Path, case: Case) -> None:
    bench = applied(tmp_path)
    before = row_of(bench, case.collection, case.name)
    bench.estate.galtea.edit(case.collection, before["id"], case.unmanaged)
    assert planned(bench.plan()) == []
    bench.estate.galtea.edit(case.collection, before["id"], case.managed)
    assert_applied(bench.apply())
    assert row_of(bench, case.collection, case.name) == {**before, **case.unmanaged}


@every_case
def test_a_field_that_is_no_longer_stated_stays_and_the_plan_says_so(tmp_path: Path, case: Case) -> None:
    bench = applied(tmp_path)
    before = row_of(bench, case.collection, case.name)
    # Where the same line stands twice, the line before tells them apart.
    bench.rewrite(case.stated, case.stated.partition("\n")[0] + "\n" if case.stated.count("\n") > 1 else "")
    plan = bench.plan()
    assert plan.pending == ()
    assert f"no longer stated, the value stays as it is: {case.let_go}" in render_plan(plan, show_unchanged=True)
    assert_applied(bench.apply())
    assert bench.writes("galtea") == []
    assert row_of(bench, case.collection, case.name) == before


def test_manifests_that_are_removed_change_nothing(tmp_path: Path) -> None:
    bench = applied(tmp_path)
    before = {name: bench.estate.galtea.stored(name) for name in bench.estate.galtea.collections}
    for path in (bench.manifests / "galtea").iterdir():
        if path.name != "products.yaml":
            path.unlink()
    assert bench.plan().pending == ()
    assert_applied(bench.apply())
    assert bench.writes("galtea") == []
    assert {name: bench.estate.galtea.stored(name) for name in bench.estate.galtea.collections} == before


# --------------------------------------------------------------------------- clearing, emptying, switching


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An edit of a manifest that the API can follow: what is sent, and what is stored then."""

    old: str
    new: str
    collection: str
    name: str
    sent: Mapping[str, Any]
    stored: Mapping[str, Any]


EDITS = {
    "null-clears-a-price": Edit(
        old="tokenizerProvider: openai", new="tokenizerProvider: null",
        collection="models", name="support-llm",
        sent={"tokenizerProvider": None}, stored={"tokenizerProvider": None},
    ),
    "null-clears-a-description": Edit(
        old="description: Reads and scores what the support bot answers", new="description: null",
        collection="userGroups", name="quality-reviewers",
        sent={"description": None}, stored={"description": None},
    ),
    "an-empty-list-clears-tags": Edit(
        old="tags: [tone, support]", new="tags: []",
        collection="metrics", name="politeness", sent={"tags": []}, stored={"tags": []},
    ),
    "an-empty-list-unlinks": Edit(
        old='specificationIds: ["${ref:Specification/explains-returns}"]', new="specificationIds: []",
        collection="metrics", name="politeness", sent={"specificationIds": []}, stored={"specificationIds": []},
    ),
    "null-takes-the-cap-away": Edit(
        old="monthlyCreditCap: 5000", new="monthlyCreditCap: null",
        collection="monitors", name="production-quality",
        sent={"monthlyCreditCap": None}, stored={"monthlyCreditCap": None},
    ),
    "families-can-go-while-a-specification-stays": Edit(
        old='metricGroupIds: ["${ref:Metric/politeness#/metricGroupId}"]', new="metricGroupIds: []",
        collection="monitors", name="production-quality", sent={"metricGroupIds": []}, stored={"metricGroupIds": []},
    ),
    "pause": Edit(
        old="status: ACTIVE", new="status: PAUSED",
        collection="monitors", name="production-quality", sent={"status": "PAUSED"}, stored={"status": "PAUSED"},
    ),
    "no-condition-at-all-is-not-the-usual-one": Edit(
        old="monthlyCreditCap: 5000", new="monthlyCreditCap: 5000\n  messageConditions: []",
        collection="monitors", name="production-quality",
        sent={"messageConditions": []}, stored={"messageConditions": []},
    ),
    "no-facts-any-more": Edit(
        old="facts: {commit: 4f2a9c1, prompt: spoken}", new="facts: {}",
        collection="versions", name="release-12-voice", sent={"facts": {}}, stored={"facts": {}},
    ),
    "no-model-any-more": Edit(
        old="model: ${ref:Model/support-llm}", new="model: null",
        collection="versions", name="release-12", sent={"modelId": None}, stored={"modelId": None},
    ),
    "no-credentials-any-more": Edit(
        old="authType: BASIC\n  username: evaluation\n  password: ${env:SALES_PASSWORD}", new="authType: NONE",
        collection="endpointConnections", name="sales-assistant-prod",
        sent={"authType": "NONE"}, stored={"authType": "NONE", "username": None, "password": None},
    ),
    "other-credentials-in-the-same-request": Edit(
        old="authType: BASIC\n  username: evaluation\n  password: ${env:SALES_PASSWORD}",
        new="authType: API_KEY\n  authToken: ${env:SALES_PASSWORD}",
        collection="endpointConnections", name="sales-assistant-prod",
        sent={"authType": "API_KEY", "authToken": SECRETS["SALES_PASSWORD"]},
        stored={"authType": "API_KEY", "authToken": SECRETS["SALES_PASSWORD"], "username": None, "password": None},
    ),
    "no-limit-any-more": Edit(
        old="rateLimit: 120 ", new="rateLimit: null ",
        collection="endpointConnections", name="sales-assistant-prod",
        sent={"rateLimit": None}, stored={"rateLimit": None},
    ),
    "no-statuses-any-more": Edit(
        old="retryableStatusCodes: [429, 502, 503, 504]", new="retryableStatusCodes: []",
        collection="endpointConnections", name="support-bot-prod",
        sent={"retryableStatusCodes": []}, stored={"retryableStatusCodes": []},
    ),
    "renamed": Edit(
        old="  name: support-line\n  labels: {team: support}\nspec:\n",
        new="  name: support-line\n  labels: {team: support}\nspec:\n  name: support-hotline\n",
        collection="phoneConnections", name="support-hotline",
        sent={"name": "support-hotline"}, stored={"phoneNumber": "+14155550123"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_the_api_can_follow_is_one_small_patch(tmp_path: Path, edit: Edit) -> None:
    bench = applied(tmp_path)
    bench.rewrite(edit.old, edit.new)
    assert_applied(bench.apply())
    assert [body for _, body in patches(bench)] == [edit.sent]
    row = row_of(bench, edit.collection, edit.name)
    assert {name: row[name] for name in edit.stored} == edit.stored
    assert bench.plan().pending == ()


def test_a_version_goes_from_an_api_to_a_phone(tmp_path: Path) -> None:
    bench = applied(tmp_path)
    bench.rewrite("webRtcConnection: ${ref:WebRtcConnection/support-voice}",
                  "webRtcConnection: null\n  phoneConnection: ${ref:PhoneConnection/support-line}")  # fmt: skip
    phone = row_of(bench, "phoneConnections", "support-line")["id"]
    assert_applied(bench.apply())
    assert [body for _, body in patches(bench)] == [{"webRtcConnectionId": None, "phoneConnectionId": phone}]
    assert bench.plan().pending == ()


INVALID = {
    "the-last-group-of-people": (
        'userGroupIds: ["${ref:UserGroup/quality-reviewers}"]', "userGroupIds: []",
        "a HUMAN_EVALUATION metric keeps at least one user group",
    ),
    "nothing-left-to-score-with": (
        'metricGroupIds: ["${ref:Metric/politeness#/metricGroupId}"]\n  specificationIds: [',
        'metricGroupIds: []\n  specificationIds: [] # [',
        "a monitor has at least one of metricGroupIds and specificationIds",
    ),
    "a-status-of-the-server": ("status: ACTIVE", "status: CAPPED", "CAPPED"),
    "a-policy-without-a-test": ("  testType: RED_TEAMING\n", "", "a POLICY needs a testType"),
    "a-capability-with-another-test": (
        "type: CAPABILITY", "type: CAPABILITY\n  testType: QUALITY", "the testType of a CAPABILITY is SCENARIOS",
    ),
    "an-inability-with-a-test": (
        "type: INABILITY", "type: INABILITY\n  testType: QUALITY", "an INABILITY has no testType",
    ),
    "a-reserved-name": (
        "spec:\n  product: ${ref:Product/support-bot}\n  facts: {commit: 4f2a9c1, prompt: spoken}",
        "spec:\n  name: V7\n  product: ${ref:Product/support-bot}\n  facts: {commit: 4f2a9c1, prompt: spoken}",
        "reserved for the label",
    ),
    "new-credentials-that-are-not-there": (
        "authType: BASIC\n  username: evaluation\n  password: ${env:SALES_PASSWORD}", "authType: API_KEY",
        "authType BEARER and API_KEY need authToken",
    ),
    "old-credentials-that-stay": (
        "authType: BASIC\n  username: evaluation", "authType: NONE\n  username: evaluation",
        "password is for authType BASIC",
    ),
    "a-name-that-is-cleared": ("tokenizerProvider: openai", "name: null", "null"),
    "a-predefined-model": ("tokenizerProvider: openai", "source: PREDEFINED", "PREDEFINED marks the platform's own"),
    "a-number-with-blanks": ('"+14155550123"', '"+1 415 555 0123"', "starts with + and the country code"),
    "a-key-that-is-cleared": ("apiKey: ${env:VOICE_AGENT_KEY}", "apiKey: null", "null"),
    "a-judge-that-sees-too-little": (
        "evaluatorModelName: GPT-4.1\n  evaluationParams: [input, actual_output]",
        "evaluatorModelName: GPT-4.1\n  evaluationParams: [input]",
        "include input and actual_output",
    ),
    "your-own-code-with-a-prompt": ("source: HUMAN_EVALUATION", "source: SELF_HOSTED", "neither judgePrompt nor"),
    "no-sample": ("samplingPercentage: 25", "samplingPercentage: 0", "0"),
    "a-text-as-a-fact-only": ("prompt: spoken}", "prompt: 5}", "expected string"),
}  # fmt: skip
"""Edits of manifests that the API would refuse, and the words that say why before anything is sent."""


@pytest.mark.parametrize(("old", "new", "words"), INVALID.values(), ids=INVALID)
def test_what_the_api_would_refuse_is_refused_before(tmp_path: Path, old: str, new: str, words: str) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    bench.rewrite(old, new)
    with pytest.raises(InvalidInput) as caught:
        bench.load()
    assert [d for d in caught.value.diagnostics if words in d.message], [d.message for d in caught.value.diagnostics]


IMMUTABLE = {
    "Metric/politeness": (
        "judgePrompt: Score 1 if the actual output is polite",
        "judgePrompt: Score 2 if it is polite",
    ),
    "Metric/reviewed-by-people": ("source: HUMAN_EVALUATION", "source: CLASSIFIER"),
    "Specification/no-legal-advice": ("type: INABILITY", "type: CAPABILITY"),
    "EndpointConnection/support-bot-init": ("type: INITIALIZATION", "type: FINALIZATION"),
    "Specification/explains-returns": (
        "product: ${ref:Product/support-bot}\n  description: The bot explains",
        "product: ${ref:Product/sales-assistant}\n  description: The bot explains",
    ),
    "EndpointConnection/support-bot-close": (
        "product: ${ref:Product/support-bot}\n  type: FINALIZATION",
        "product: ${ref:Product/sales-assistant}\n  type: FINALIZATION",
    ),
    "Version/release-12-voice": ("parentVersion: ${ref:Version/release-12}", "parentVersion: null"),
}


@pytest.mark.parametrize(("address", "edit"), IMMUTABLE.items(), ids=IMMUTABLE)
def test_what_cannot_change_is_refused_in_the_plan(tmp_path: Path, address: str, edit: tuple[str, str]) -> None:
    bench = applied(tmp_path)
    bench.rewrite(*edit)
    plan = bench.plan()
    assert [str(blocker.address) for blocker in plan.blockers] == [f"galtea.{address}"]
    assert all(blocker.hint for blocker in plan.blockers)


# --------------------------------------------------------------------------- what is odd about one of them


@pytest.mark.parametrize("status", ["CAPPED", "NO_CREDITS", "FAILING"])
def test_a_state_that_only_the_server_sets_is_no_drift(tmp_path: Path, status: str) -> None:
    bench = applied(tmp_path)
    monitor = row_of(bench, "monitors", "production-quality")["id"]
    bench.estate.galtea.edit("monitors", monitor, {"status": status})
    assert bench.plan().pending == ()
    bench.rewrite("status: ACTIVE", "status: PAUSED")
    assert planned(bench.plan()) == [("galtea.Monitor/production-quality", "/status")]
    assert_applied(bench.apply())
    assert [body for _, body in patches(bench)] == [{"status": "PAUSED"}]


def test_a_monitor_is_paused_by_an_update_right_after_its_create(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    bench.rewrite("status: ACTIVE", "status: PAUSED")
    assert_applied(bench.apply())
    asked = [(w.method, w.path.split("/")[1]) for w in bench.writes("galtea") if w.path.startswith("/monitors")]
    assert asked == [("POST", "monitors"), ("PATCH", "monitors")]
    assert row_of(bench, "monitors", "production-quality")["status"] == "PAUSED"


def test_a_revision_made_in_the_platform_is_followed(tmp_path: Path) -> None:
    bench = applied(tmp_path)
    old = row_of(bench, "metrics", "politeness")
    bench.estate.galtea.edit("metrics", old["id"], {"isLegacy": True})
    new = bench.estate.galtea.seed("metrics", {**old, "id": "metric_c" + "7" * 23, "parentMetricId": old["id"]})
    assert bench.plan().pending == ()  # of the same family, which is what monitors name
    bench.rewrite("tags: [tone, support]", "tags: [tone]")
    assert_applied(bench.apply())
    assert patches(bench) == [(f"/metrics/{new}", {"tags": ["tone"]})]


def test_the_platforms_own_objects_are_never_taken_for_ours(tmp_path: Path) -> None:
    """A predefined model and a metric of the platform have the very names that manifests state."""
    bench = make_bench(tmp_path, populated=False).keep("galtea")
    bench.manifest("galtea/own.yaml", "apiVersion: galtea/v1\nkind: Model\nmetadata: {name: gpt-4.1}\nspec: {}\n")
    before = [r for c in ("models", "metrics") for r in rows(bench, f"galtea.{c}", organizationId=None)]
    assert len(before) == 2
    plan = bench.plan()
    assert {change_of(plan, name).action for name in ("Model/gpt-4.1", "Metric/politeness")} == {Action.CREATE}
    assert_applied(bench.apply())
    assert [r for c in ("models", "metrics") for r in rows(bench, f"galtea.{c}", organizationId=None)] == before
    assert bench.plan().pending == ()


def test_a_duplicate_says_that_there_is_one_already(tmp_path: Path) -> None:
    bench = applied(tmp_path)
    bench.rewrite("facts: {commit: 4f2a9c1, prompt: spoken}", "facts: {commit: 4f2a9c1, prompt: returns-first}")
    report = bench.apply()
    (failed,) = [outcome for outcome in report.outcomes if outcome.status.value in ("failed", "conflict")]
    assert "with the same facts" in failed.detail


def test_people_without_the_role_are_told_so(tmp_path: Path) -> None:
    bench = applied(tmp_path)
    bench.estate.galtea.role = "MEMBER"
    bench.rewrite("allProducts: false", "allProducts: true")
    report = bench.apply()
    (failed,) = [outcome for outcome in report.outcomes if outcome.status.value == "failed"]
    assert "OWNER or ADMIN" in failed.detail
