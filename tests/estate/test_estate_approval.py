"""A saved plan is performed exactly, or refused with the reason: what is in place counts as done, the rest must fit."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, is_write, make_bench, rows, write_count

from reconciler.core.canonical import digest
from reconciler.core.errors import ReconcilerError, Refused, UsageError
from reconciler.core.manifests.selection import read_selection
from reconciler.core.plan.sealing import digest_of_plan
from reconciler.core.report import Report, Status
from reconciler.sandbox.estate import SECRETS
from reconciler.sandbox.vices import Fault, answer
from reconciler.workflow.approvals import apply_approved, compare_with_approval, open_approval, refuse, save_plan
from reconciler.workflow.commands import Connections, plan

CONNECTION = "galtea.endpointConnections"


def bots(folder: Path) -> Bench:
    """Return a bench with two of Galtea's kinds only, whose changes nothing else waits for."""
    bench = make_bench(folder).keep("galtea")
    for path in (bench.manifests / "galtea").iterdir():
        if path.stem not in ("products", "sales-assistant") and not path.stem.startswith("support-bot"):
            path.unlink()
    return bench


def save(bench: Bench, *addresses: str) -> Path:
    """Save a plan of today, and return its file."""
    options = bench.options(selection=read_selection([], addresses))
    loaded = bench.load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
    path = bench.folder / "plan.json"
    save_plan(planned, loaded, options, path)
    return path


def perform(bench: Bench, path: Path, *, only_approved: bool = False, max_age_s: float | None = None) -> Report:
    approval, options = open_approval(path, bench.options(), max_age_s)
    loaded = bench.load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        for recording in bench.recordings.values():
            recording.clear()
        found = compare_with_approval(approval, planned, loaded, options)
        if not only_approved:
            refuse(found, loaded)
        return apply_approved(found, planned, loaded, connections, options, lambda outcome: None)


def objections(bench: Bench, path: Path) -> dict[str, str]:
    """Return what `perform` is refused for, by address, and check that nothing was written."""
    with pytest.raises(Refused) as caught:
        perform(bench, path)
    assert write_count(bench) == 0
    assert caught.value.exit_code == 4
    assert caught.value.hint
    return {d.message.partition(": ")[0]: f"{d.code}: {d.message.partition(': ')[2]}" for d in caught.value.diagnostics}


def statuses(report: Report) -> set[Status]:
    return {outcome.status for outcome in report.outcomes}


def edit(bench: Bench, place: str, changes: dict[str, Any], **values: Any) -> None:
    system, _, collection = place.partition(".")
    (row,) = rows(bench, place, **values)
    getattr(bench.estate, system).edit(collection, row["id"], changes)


# --------------------------------------------------------------------------- performed


def test_an_approved_plan_is_performed_and_may_be_run_again(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    path = save(bench)
    assert statuses(perform(bench, path)) == {Status.APPLIED, Status.UNCHANGED}
    assert bench.plan().pending == ()
    again = perform(bench, path)
    assert statuses(again) == {Status.UNCHANGED}
    assert write_count(bench) == 0


def test_what_a_failed_run_left_undone_is_done_by_the_next(tmp_path: Path) -> None:
    """Children of what the first run created are approved with ids that were not known then."""
    bench = make_bench(tmp_path, populated=False)
    bench.keep("trustgate")
    path = save(bench)
    created = {c["address"] for c in json.loads(path.read_text())["changes"]}
    assert "trustgate.Upstream/support-backend" in created
    refusal = answer(400, '{"error": "no"}')
    bench.wrap("trustgate", Fault(vice=refusal, when=lambda r: "upstreams" in r.path and is_write(r), times=None))
    first = perform(bench, path)
    assert {o.address.kind for o in first.outcomes if o.status is Status.APPLIED} >= {"Gateway"}
    assert {Status.FAILED, Status.SKIPPED} <= statuses(first)
    bench.wrapped.clear()
    second = perform(bench, path)
    assert statuses(second) == {Status.APPLIED, Status.UNCHANGED}
    assert bench.plan().pending == ()


def test_the_rest_of_an_approved_update_is_approved(tmp_path: Path) -> None:
    """Two calls change one object; the first went through, the second did not."""
    bench = bots(tmp_path)
    bench.apply()
    bench.rewrite("timeout: 30 ", "timeout: 20 ")
    bench.rewrite("retryMaxAttempts: 3", "retryMaxAttempts: 5")
    path = save(bench)
    edit(bench, CONNECTION, {"timeout": 20}, name="support-bot-prod")
    assert statuses(perform(bench, path)) == {Status.APPLIED, Status.UNCHANGED}
    assert bench.plan().pending == ()


def test_neither_commits_nor_files_matter(tmp_path: Path) -> None:
    """After a squash merge or a rebase the same manifests stand at another commit, perhaps in other files."""
    bench = bots(tmp_path)
    path = save(bench)
    source = bench.manifests / "galtea" / "support-bot-init.yaml"
    source.rename(bench.manifests / "moved.yaml")
    with bench.config.open("a") as stream:
        stream.write("# another comment\n")
    assert statuses(perform(bench, path)) == {Status.APPLIED, Status.UNCHANGED}


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_plan_outlives_a_squash_merge_and_tells_its_revision(tmp_path: Path) -> None:
    bench = bots(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "before")
    git(tmp_path, "checkout", "-q", "-b", "feature")
    git(tmp_path, "add", "manifests", "reconciler.yaml")
    git(tmp_path, "commit", "-q", "-m", "change")
    path = save(bench)
    assert json.loads(path.read_text())["revision"] == git(tmp_path, "rev-parse", "feature")
    git(tmp_path, "checkout", "-q", "main")
    git(tmp_path, "merge", "-q", "--squash", "feature")
    git(tmp_path, "commit", "-q", "-m", "squashed")
    git(tmp_path, "branch", "-q", "-D", "feature")
    assert statuses(perform(bench, path)) == {Status.APPLIED, Status.UNCHANGED}


def test_the_selection_is_part_of_the_approval(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    path = save(bench, "EndpointConnection/support-bot-init")
    report = perform(bench, path)
    assert [str(o.address) for o in report.outcomes] == ["galtea.EndpointConnection/support-bot-init"]
    assert [change.address.name for change in bench.plan("EndpointConnection/support-bot-init").pending] == []
    assert bench.plan().pending


# --------------------------------------------------------------------------- refused, one by one


def later_manifest(bench: Bench) -> None:
    bench.rewrite("timeout: 15", "timeout: 16")


def live_edit(bench: Bench) -> None:
    edit(bench, CONNECTION, {"timeout": 61}, name="support-bot-init")


def gone_manifest(bench: Bench) -> None:
    (bench.manifests / "galtea" / "support-bot-init.yaml").unlink()


def one_more(bench: Bench) -> None:
    bench.manifest(
        "more.yaml", "apiVersion: galtea/v1\nkind: Product\nmetadata: {name: extra}\nspec: {description: More}\n"
    )


INIT = "galtea.EndpointConnection/support-bot-init"
CASES: dict[str, tuple[Callable[[Bench], None], dict[str, str]]] = {
    "manifest-changed": (
        later_manifest,
        {
            INIT: "moved-since-approval: /timeout changes otherwise: approved 60 → 15, now 60 → 16; "
            "the manifest asks for something else"
        },
    ),
    "live-moved": (
        live_edit,
        {
            INIT: "moved-since-approval: /timeout changes otherwise: approved 60 → 15, now 61 → 15; "
            "managed fields of the live object moved"
        },
    ),
    "manifest-gone": (
        gone_manifest,
        {INIT: "approved-and-missing: update: approved, but no manifest declares it any more"},
    ),
    "one-more": (one_more, {"galtea.Product/extra": "not-approved: create: not approved"}),
}


@pytest.mark.parametrize(("act", "expected"), CASES.values(), ids=CASES)
def test_what_does_not_fit_is_listed_and_nothing_is_done(
    tmp_path: Path, act: Callable[[Bench], None], expected: dict[str, str]
) -> None:
    bench = bots(tmp_path)
    path = save(bench)
    act(bench)
    assert objections(bench, path) == expected


@pytest.mark.parametrize(("act", "expected"), CASES.values(), ids=CASES)
def test_only_what_is_approved_can_be_performed_without_the_rest(
    tmp_path: Path, act: Callable[[Bench], None], expected: dict[str, str]
) -> None:
    bench = bots(tmp_path)
    path = save(bench)
    act(bench)
    options = bench.options()
    loaded = bench.load(options)
    with Connections(loaded.settings, options) as connections:
        whole = digest_of_plan(plan(loaded, connections, options).plan)
    report = perform(bench, path, only_approved=True)
    assert report.plan_digest == whole, "the report names the plan of the day, as its outputs show it"
    by_name = {str(outcome.address): outcome for outcome in report.outcomes}
    for address, why in expected.items():
        if why.startswith("not-approved"):
            assert address not in by_name
        else:
            assert by_name[address].status is Status.SKIPPED
            assert by_name[address].detail == why
    done = {a for a, o in by_name.items() if o.status is Status.APPLIED}
    assert "galtea.EndpointConnection/support-bot-close" in done
    assert done.isdisjoint(expected)


def test_what_waits_for_an_unapproved_change_is_left_out_by_name(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, populated=False).keep("trustgate")
    path = save(bench)
    bench.rewrite("frame_deny: true", "frame_deny: false")  # the gateway: its creation would be another one
    report = perform(bench, path, only_approved=True)
    details = {str(o.address): o.detail for o in report.outcomes if o.status is Status.SKIPPED}
    assert details["trustgate.Gateway/public-edge"].startswith("moved-since-approval: /security_config")
    waits = "waits-for-unapproved: waits for trustgate.Gateway/public-edge"
    assert details["trustgate.Upstream/support-backend"].startswith(waits)
    assert "trustgate.Service/support-api" in details
    assert {o.address.name for o in report.outcomes if o.status is Status.APPLIED} >= {"internal-edge"}
    assert rows(bench, "trustgate.gateways", name="public-edge") == []


# --------------------------------------------------------------------------- refused as a whole


def test_an_edited_file_is_refused(tmp_path: Path) -> None:
    bench = bots(tmp_path)
    path = save(bench)
    path.write_text(path.read_text().replace('"after": 15', '"after": 16'))
    with pytest.raises(Refused, match="its own digest does not fit"):
        perform(bench, path)


def test_an_edited_file_that_is_sealed_anew_adds_nothing(tmp_path: Path) -> None:
    """Whoever can write the file can seal it; then the plan of the day decides what there is to perform."""
    bench = bots(tmp_path)
    path = save(bench)
    document = json.loads(path.read_text())
    del document["digest"]
    (forged,) = [c for c in document["changes"] if c["address"] == INIT]
    forged["fields"][0]["after"] = 99
    forged["digest"] = digest("forged")
    path.write_text(json.dumps({**document, "digest": digest(document)}))
    assert set(objections(bench, path)) == {INIT}


def test_an_old_plan_is_refused(tmp_path: Path) -> None:
    bench = bots(tmp_path)
    path = save(bench)
    bench.time.now += 3600
    with pytest.raises(Refused, match="too old: it was made at 1970-01-01T00:16:40Z"):
        perform(bench, path, max_age_s=3599)
    assert statuses(perform(bench, path, max_age_s=3600)) == {Status.APPLIED, Status.UNCHANGED}
    bench.time.now = 0
    with pytest.raises(Refused, match="in the future"):
        perform(bench, path)


def another_target(bench: Bench) -> None:
    bench.config.write_text(bench.config.read_text().replace("  sandbox:", "  production:"))


def another_kind(bench: Bench) -> None:
    def change(document: dict[str, Any]) -> None:
        document["kinds"]["galtea.EndpointConnection"]["version"] = "v0"

    rewrite_file(bench.folder / "plan.json", change)


def rewrite_file(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text())
    del document["digest"]
    change(document)
    path.write_text(json.dumps({**document, "digest": digest(document)}))


@pytest.mark.parametrize(
    ("act", "words"),
    [
        pytest.param(another_target, "was made for the target sandbox, not for production", id="target"),
        pytest.param(another_kind, r"other kinds .*: galtea.EndpointConnection \(approved v0 .*, now v1", id="kind"),
    ],
)
def test_other_circumstances_are_refused(tmp_path: Path, act: Callable[[Bench], None], words: str) -> None:
    bench = bots(tmp_path).without_ledger()
    path = save(bench)
    act(bench)
    with pytest.raises(Refused, match=words):
        perform(bench, path)
    assert write_count(bench) == 0


def test_another_url_is_refused(tmp_path: Path) -> None:
    bench = bots(tmp_path)
    path = save(bench)
    rewrite_file(path, lambda document: document["systems"].update(galtea=digest("elsewhere")))
    with pytest.raises(Refused, match=r"other url or parameters .*: galtea"):
        perform(bench, path)


WRONG = {"not-json": "plan: 1", "another-document": '{"format": 1, "kind": "plan"}', "a-list": "[]", "nan": "NaN"}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_is_no_saved_plan_is_a_usage_error(tmp_path: Path, text: str) -> None:
    bench = make_bench(tmp_path)
    path = bench.folder / "plan.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="no saved plan"):
        perform(bench, path)


def test_a_newer_form_is_refused(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    path = bench.folder / "plan.json"
    path.write_text('{"format": 2, "kind": "approval"}')
    with pytest.raises(ReconcilerError, match="newer"):
        perform(bench, path)


# --------------------------------------------------------------------------- secrets


def test_the_file_is_public_and_the_same_each_time(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    text = save(bench).read_text()
    assert [name for name, value in SECRETS.items() if value in text] == []
    assert '"body"' not in text
    assert save(bench).read_text() == text


def rotate(bench: Bench) -> None:
    bench.environ["SUPPORT_BACKEND_KEY"] = "another-fake-key-not-real"


def test_another_secret_is_noticed_with_the_key(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, populated=False).keep("trustgate")
    path = save(bench)
    rotate(bench)
    assert objections(bench, path)["trustgate.Service/support-api"] == (
        "moved-since-approval: a secret is another one than was approved"
    )


def test_without_the_key_another_secret_cannot_be_told(tmp_path: Path) -> None:
    """Anything that told them apart without a key would help to guess them: the file says that it is not bound."""
    bench = make_bench(tmp_path, populated=False).keep("trustgate")
    del bench.environ["RECONCILER_LEDGER_KEY"]
    path = save(bench)
    document = json.loads(path.read_text())
    assert document["secretsBound"] is False
    assert {change["secrets"] for change in document["changes"]} == {""}
    rotate(bench)
    assert statuses(perform(bench, path)) <= {Status.APPLIED, Status.UNCHANGED}


def test_a_plan_that_is_bound_to_its_secrets_needs_the_key(tmp_path: Path) -> None:
    bench = bots(tmp_path).without_ledger()
    path = save(bench)
    del bench.environ["RECONCILER_LEDGER_KEY"]
    with pytest.raises(Refused, match="RECONCILER_LEDGER_KEY, which is not set"):
        perform(bench, path)
