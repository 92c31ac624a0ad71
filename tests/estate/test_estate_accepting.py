"""What somebody changed live is written into the manifests, as that person would have written it there.

The somebody applies manifests of their own, with another ledger, to the same systems: so what the first person's
manifests have to become is known to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from bench import Bench, assert_applied, make_bench

from reconciler.core.model import Diagnostic
from reconciler.workflow.drifting import Acceptance, accept_drift, find_drift, write_manifests

EDITS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "apinizer": (
        ("maxInboundMessageSize: 8388608   #", "maxInboundMessageSize: 4194304   #"),
        ("retentionInDays: 3", "retentionInDays: 5"),
        ("statusCodeList: [500, 502, 503]", "statusCodeList: [500, 503]"),
        ("customizedMessage: the market is closed", "customizedMessage: come back later"),
        ("message: Tickets are back at 08:00 UTC", "message: Tickets are back at 10:00 UTC"),
        ("capacity: 5000", "capacity: 6000"),
        ("https://desk.example.com", "https://floor.example.com"),
        ("""jsonValue: '{"error": "#{errorMessage}"}'""", """jsonValue: '{"problem": "#{errorMessage}"}'"""),
        ("description: Quotes of the instruments that are asked for", "description: Quotes"),
        ("relativePathList: [/quotes, /v1/quotes]", "relativePathList: [/quotes, /v2/quotes]"),
        ("name: X-Channel, value: partner", "name: X-Channel, value: broker"),
        ("weight: 2, healthMonitoringEnabled: true", "weight: 3, healthMonitoringEnabled: false"),
        ("connectTimeout: 5                #", "connectTimeout: 7                #"),
        ("errorThresholdValue: 50", "errorThresholdValue: 40"),
        ("ipList: [192.0.2.0/24, 198.51.100.7]", "ipList: [192.0.2.0/24]"),
        ("connectionLostTimeout: 60      #", "connectionLostTimeout: 90      #"),
        ("<error>#{errorMessage}</error>", "<problem>#{errorMessage}</problem>"),
    ),
    "galtea": (
        ("tags: [support, chat]", "tags: [support, chat, voice]"),
        ("timeout: 30           #", "timeout: 99           #"),
        ("samplingPercentage: 25", "samplingPercentage: 30"),
        ("The bot explains how an order is returned", "The bot explains how an order is sent back, step by step"),
        ("inputCostPerToken: 0.0000004      #", "inputCostPerToken: 0.0000005      #"),
        ("tokenizerProvider: openai", "tokenizerProvider: anthropic"),
        ("description: Reads and scores what", "description: Scores what"),
        ("outputMapping: {output: $.answer}", "outputMapping: {output: $.reply}"),
        ("    retrieval_context: $.context\n", ""),
        ("rateLimit: 120        #", "rateLimit: 60        #"),
        ("outputMapping: {session_id: $.id}", "outputMapping: {session_id: $.id, region: $.region}"),
    ),
    "goldmine": (
        ("host: 203.0.113.21\n  port: 8080", "host: 203.0.113.99\n  port: 1080"),
        ("  type: PROVIDER_TYPE_PROXYLINE\n  targetPool: ${var:residentialPool}\n  enabled: true",
         "  type: PROVIDER_TYPE_PROXYLINE\n  targetPool: ${var:residentialPool}\n  enabled: false"),
        ("ROTATION_TOKEN}\n  enabled: true", "ROTATION_TOKEN}\n  enabled: false"),
    ),
    "trustgate": (
        ("weight: 70", "weight: 60"),
        ("models: [gpt-4o, gpt-4o-mini]", "models: [gpt-4o, gpt-4o-mini, o3]"),
        ("frame_deny: true", "frame_deny: false"),
        ("allowed_hosts: [ai.example.com, ai-eu.example.com]", "allowed_hosts: [ai.example.com]"),
        ("description: Search for internal assistants", 'description: "Search: for #all assistants"'),
        ("methods: [GET, POST]", "methods: [GET, POST, PUT]"),
        ("port: 8443, protocol: https, weight: 50}\n  health", "port: 8444, protocol: https, weight: 50}\n  health"),
        ("interval: 30      #", "interval: 31      #"),
        ("search-b.internal", "search-c.internal"),
    ),
}  # fmt: skip


def texts(bench: Bench) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(bench.manifests.rglob("*.yaml"))}


def restore(bench: Bench, before: Mapping[str, str]) -> None:
    for path in sorted(bench.manifests.rglob("*.yaml")):
        path.write_text(before[path.name])


def as_somebody_else(bench: Bench, edits: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Change the manifests, apply them with another ledger, and undo the change. Return the changed manifests."""
    before, ledger = texts(bench), bench.ledger.read_bytes() if bench.ledger.exists() else None
    for old, new in edits:
        bench.rewrite(old, new)
    bench.ledger.unlink(missing_ok=True)
    assert_applied(bench.apply())
    changed = texts(bench)
    restore(bench, before)
    if ledger is not None:
        bench.ledger.write_bytes(ledger)
    return changed


def accept(bench: Bench, *, remove_deleted: bool = False) -> Acceptance:
    """Do what `drift --write` does."""
    planned, loaded = bench.planned(), bench.load()
    drift = find_drift(planned, loaded)
    assert drift.blockers == ()
    acceptance = accept_drift(
        drift, planned, loaded, remove_deleted=remove_deleted, holds_secret=bench.redactor.holds_secret
    )
    write_manifests(acceptance)
    return acceptance


def left(acceptance: Acceptance) -> list[Diagnostic]:
    return [one for one in acceptance.remarks if one.code == "left-to-you"]


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
@pytest.mark.parametrize("system", EDITS)
def test_the_manifests_become_what_the_other_person_wrote(tmp_path: Path, system: str, ledger: bool) -> None:
    bench = make_bench(tmp_path).keep(system)
    if not ledger:
        bench.without_ledger()
    assert_applied(bench.apply())
    theirs = as_somebody_else(bench, EDITS[system])
    assert bench.plan().pending != ()
    acceptance = accept(bench)
    assert [one.message for one in left(acceptance)] == []
    for name, text in texts(bench).items():
        assert text.splitlines() == theirs[name].splitlines(), name
    assert bench.plan().pending == ()
    assert accept(bench).texts == {}


def test_json_manifests_stay_json(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).only("# nothing but a comment\n")
    manifest = """{
    "apiVersion": "galtea/v1", "kind": "Product",
    "metadata": {"name": "support-bot"},
    "spec": {
        "description": "Answers",
        "tags": [
            "support",
            "chat"
        ]
    }
}
"""
    path = bench.manifest("product.json", manifest)
    assert_applied(bench.apply())
    moved = {"description": 'Says "Grüezi"', "tags": ["support", "chat", "voice"]}
    bench.estate.galtea.edit("products", lambda r: r["name"] == "support-bot", moved)
    assert left(accept(bench)) == []
    expected = manifest.replace('"Answers"', '"Says \\"Grüezi\\""')
    assert path.read_text() == expected.replace('"chat"\n', '"chat",\n            "voice"\n')
    assert bench.plan().pending == ()


def test_a_field_that_an_apply_could_not_change_back_can_be_accepted(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    assert_applied(bench.apply())
    bench.estate.galtea.edit(
        "metrics", lambda r: r["name"] == "politeness", {"judgePrompt": "Score 1 for good manners."}
    )
    assert [one.code for one in bench.plan().blockers] == ["immutable-field"]
    drift = find_drift(bench.planned(), bench.load())
    assert drift.blockers == ()
    assert [one.code for one in drift.diagnostics] == ["immutable-field"]
    assert left(accept(bench)) == []
    assert "judgePrompt: Score 1 for good manners.\n" in texts(bench)["metrics.yaml"]
    assert bench.plan().pending == ()


# --------------------------------------------------------------------------- what is left to people


@pytest.mark.parametrize("system", EDITS)
def test_what_the_manifest_changed_is_no_drift(tmp_path: Path, system: str) -> None:
    bench = make_bench(tmp_path).keep(system)
    assert_applied(bench.apply())
    for old, new in EDITS[system]:
        bench.rewrite(old, new)
    edited = texts(bench)
    assert bench.plan().pending != ()
    acceptance = accept(bench)
    assert (acceptance.texts, acceptance.remarks) == ({}, ())
    assert texts(bench) == edited


def test_what_moved_on_both_sides_is_left(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    assert_applied(bench.apply())
    as_somebody_else(bench, (("timeout: 30 ", "timeout: 99 "), ("retryMaxAttempts: 3", "retryMaxAttempts: 5")))
    bench.rewrite("timeout: 30 ", "timeout: 31 ")
    (remark,) = left(accept(bench))
    assert "/timeout: it moved live and in the manifest" in remark.message
    assert str(remark.source).endswith("support-bot-prod.yaml:18:12")
    text = texts(bench)["support-bot-prod.yaml"]
    assert "timeout: 31 " in text
    assert "retryMaxAttempts: 5" in text


THEIRS = "fake-theirs-not-real"
LEFT: Mapping[str, tuple[str, str, Mapping[str, object], str, str]] = {
    "a secret from the environment": (
        "trustgate", "services/support-api",
        {"credentials": {"header_name": "X-Support-Key", "header_value": THEIRS}},
        "/credentials/header_value", "expression",
    ),
    "a secret by its kind": (
        "trustgate", "rules/search", {"headers": {"X-Caller": THEIRS}}, "/headers", "secret",
    ),
    "a value with a variable in it": (
        "galtea", "endpointConnections/support-bot-prod", {"inputTemplate": '{"m": "{{ input.user_message }}"}'},
        "/inputTemplate", "expression",
    ),
    "a secret that is gone": (
        "galtea", "endpointConnections/support-bot-prod", {"authToken": None}, "/authToken", "cannot be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT)
def test_expressions_and_secrets_stay(tmp_path: Path, case: str) -> None:
    system, row, changes, pointer, reason = LEFT[case]
    collection, name = row.split("/")
    bench = make_bench(tmp_path).keep(system)
    assert_applied(bench.apply())
    before = texts(bench)
    getattr(bench.estate, system).edit(collection, lambda r: r["name"] == name, changes)
    acceptance = accept(bench)
    (remark,) = acceptance.remarks
    assert f"{name} {pointer}" in remark.message
    assert reason in remark.message
    assert remark.source is not None
    assert remark.source.line > 1
    assert texts(bench) == before
    assert THEIRS not in repr(acceptance)


def test_a_cleared_field_becomes_null_where_a_manifest_may_say_so(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    assert_applied(bench.apply())
    bench.estate.galtea.edit("endpointConnections", lambda r: r["name"] == "support-bot-prod", {"timeout": None})
    bench.estate.galtea.edit("products", lambda r: r["name"] == "support-bot", {"description": None, "tags": []})
    remarks = left(accept(bench))
    assert "timeout: null           # seconds\n" in texts(bench)["support-bot-prod.yaml"]
    assert "tags: []\n" in texts(bench)["products.yaml"]
    assert [("/description" in one.message, "cleared" in one.message) for one in remarks] == [(True, True)]


def test_a_live_value_that_looks_like_an_expression_is_written_as_text(tmp_path: Path) -> None:
    """Otherwise somebody who may edit a live object could read the environment of the next run."""
    bench = make_bench(tmp_path).keep("galtea")
    assert_applied(bench.apply())
    hostile = "${env:SUPPORT_BOT_TOKEN} and ${file:products.yaml}"
    bench.estate.galtea.edit("products", lambda r: r["name"] == "support-bot", {"description": hostile})
    accept(bench)
    assert "description: $${env:SUPPORT_BOT_TOKEN} and $${file:products.yaml}\n" in texts(bench)["products.yaml"]
    assert bench.plan().pending == ()


# --------------------------------------------------------------------------- objects that are gone


def gone(bench: Bench, *tokens: str) -> None:
    bench.estate.goldmine.remove("sessions", lambda row: row["token"] in tokens)


def test_the_document_of_an_object_that_is_gone_stays_and_is_listed(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("goldmine")
    assert_applied(bench.apply())
    gone(bench, "sess-eu-static-2")
    acceptance = accept(bench)
    assert acceptance.texts == {}
    (remark,) = acceptance.remarks
    assert remark.message == "goldmine.Session/eu-static-2: the live object is gone since the last apply"
    assert str(remark.source).endswith("sessions.yaml:19:1")


def test_the_document_goes_where_that_is_asked_for(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("goldmine")
    assert_applied(bench.apply())
    before = texts(bench)["sessions.yaml"].split("---\n")
    gone(bench, "sess-eu-static-2")
    accept(bench, remove_deleted=True)
    assert texts(bench)["sessions.yaml"] == "---\n".join([before[0], *before[2:]])
    assert bench.plan().pending == ()


def test_what_others_refer_to_is_not_removed(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("goldmine")
    assert_applied(bench.apply())
    before = texts(bench)
    gone(bench, "sess-eu-static-1")
    remarks = left(accept(bench, remove_deleted=True))
    assert "others refer to it: goldmine.Assignment/storefront-de" in remarks[-1].message
    assert texts(bench) == before


def test_a_file_without_documents_goes_as_well(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("goldmine")
    (bench.manifests / "goldmine" / "assignments.yaml").unlink()
    assert_applied(bench.apply())
    bench.estate.goldmine.remove("sessions", lambda row: True)
    accept(bench, remove_deleted=True)
    assert [path.name for path in bench.manifests.rglob("*.yaml")] == ["providers.yaml"]
    assert bench.plan().pending == ()
