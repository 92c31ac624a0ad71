"""Saving is not deploying: once all changes of a proxy are saved, it is deployed to each environment, once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from bench import Bench, assert_applied, make_bench

from reconciler.core.report import Report, Status
from reconciler.render.report import render_report
from reconciler.render.text import render_plan
from reconciler.sandbox.apinizer import Apinizer
from reconciler.sandbox.estate import SECRETS, VARIANTS
from reconciler.sandbox.vices import Fault, answer, requests_to

EDITIONS = VARIANTS["apinizer.edition"]
ROOT = "/apiops/projects/"
QUOTES = f"{ROOT}trading/apiProxies/quotes-rest/environments/"


def deploying(folder: Path, edition: str = "wrapped", to: str = "test, production") -> Bench:
    """Return a bench whose target says where changed proxies and groups are deployed to."""
    bench = make_bench(folder, {"apinizer.edition": edition}).keep("apinizer")
    text = bench.config.read_text()
    bench.config.write_text(text.replace(f"edition: {edition}\n", f'edition: {edition}\n        deployTo: "{to}"\n'))
    return bench


def deployments(bench: Bench) -> Counter[str]:
    """Return how often each deployment was asked for since the plan."""
    return Counter(
        one.path.removeprefix(ROOT)
        for one in bench.writes("apinizer")
        if one.method == "POST" and "/environments/" in one.path
    )


def fail(bench: Bench, environment: str, *, failing: bool) -> None:
    bench.estate.apinizer.edit("environments", environment, {"failing": failing})


def by_status(report: Report) -> Counter[Status]:
    return Counter(one.status for one in report.follow_ups)


@pytest.mark.parametrize("edition", EDITIONS)
def test_each_proxy_is_deployed_once_to_each_environment_after_all_of_its_changes(tmp_path: Path, edition: str) -> None:
    bench = deploying(tmp_path, edition)
    plan = bench.plan()
    shown = render_plan(plan)
    owners = {change.address.kind for change in plan.pending if change.address.name == "quotes-rest"}
    assert len(owners) > 6, "many settings of one proxy change"
    assert shown.count(f"POST {QUOTES}production/") == shown.count(f"POST {QUOTES}test/") == 1
    report = bench.apply()
    assert_applied(report)
    assert set(by_status(report)) == {Status.APPLIED}
    asked = deployments(bench)
    assert set(asked.values()) == {1}
    changed = {"order-updates", "quotes-rest"} | ({"quotes-grpc"} if edition == "wrapped" else set())
    proxies = {f"trading/apiProxies/{name}" for name in changed}
    proxies |= {f"service-desk/apiProxies/{name}" for name in ("support-chat", "tickets-rest")}
    groups = {"trading/apiProxyGroups/market"}
    assert set(asked) == {f"{o}/environments/{e}/" for o in proxies | groups for e in ("test", "production")}
    order = [one.path for one in bench.writes("apinizer")]
    last_save = max(i for i, path in enumerate(order) if "/settings/" in path or "/endpoints/" in path)
    assert min(i for i, path in enumerate(order) if path.startswith(QUOTES)) > last_save
    for row in bench.estate.apinizer.stored("apiProxies"):
        assert all(one["saves"] == row["saves"] for one in row["deployments"].values())
    assert not bench.plan().has_work


def test_only_what_changes_is_deployed(tmp_path: Path) -> None:
    bench = deploying(tmp_path)
    bench.apply()
    bench.rewrite("connectTimeout: 5 ", "connectTimeout: 6 ")
    assert_applied(bench.apply())
    assert sorted(deployments(bench)) == [
        f"{QUOTES.removeprefix(ROOT)}production/",
        f"{QUOTES.removeprefix(ROOT)}test/",
    ]


def test_without_environments_nothing_is_deployed(tmp_path: Path) -> None:
    bench = deploying(tmp_path, to="")
    report = bench.apply()
    assert (report.follow_ups, deployments(bench)) == ((), Counter())
    assert not bench.plan().has_work


HINT = "the configuration is saved, but not on every gateway"


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_deployment_that_fails_inside_a_200_is_a_failure(tmp_path: Path, edition: str) -> None:
    bench = deploying(tmp_path, edition)
    fail(bench, "production", failing=True)
    report = bench.apply("*Settings/*", "ApiProxyGroup/*")
    assert_applied(report)
    failed = [one for one in report.follow_ups if one.status is Status.FAILED]
    assert {one.request.path.split("/")[-2] for one in failed} == {"production"}
    assert len(failed) * 2 == len(report.follow_ups)
    assert all(HINT in one.hint for one in failed)
    assert {one.detail for one in failed if "/apiProxies/" in one.request.path} == {"status 200: Connection refused"}
    assert "Connection refused" in render_report(report)


@pytest.mark.parametrize("address", ["IpGroup/trading-floors", "EnvironmentVariable/region", "Connection/*"])
def test_what_the_server_deploys_by_itself_may_fail_inside_a_200_as_well(tmp_path: Path, address: str) -> None:
    bench = deploying(tmp_path)
    fail(bench, "production", failing=True)
    (outcome,) = bench.apply(address).outcomes
    assert outcome.status is Status.FAILED
    assert "production" in outcome.detail
    assert HINT in outcome.hint


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_deployment_that_failed_is_due_until_it_succeeds(tmp_path: Path, edition: str) -> None:
    # Newer managers tell that a proxy is to be deployed again. Of older ones, and of groups, the ledger knows.
    bench = deploying(tmp_path, edition)
    assert_applied(bench.apply())
    fail(bench, "production", failing=True)
    bench.rewrite("connectTimeout: 5 ", "connectTimeout: 6 ")
    bench.rewrite("All that is about the market", "The market")
    assert by_status(bench.apply()) == {Status.APPLIED: 2, Status.FAILED: 2}
    group = f"{ROOT}trading/apiProxyGroups/market/environments/"
    for _ in range(2):
        made = bench.plan()
        assert made.pending == ()
        assert made.has_work
        due = {(one.request.path, one.overdue) for one in made.follow_ups}
        assert due == {(f"{QUOTES}production/", True), (f"{group}production/", True)}
        assert by_status(bench.apply()) == {Status.FAILED: 2}
    fail(bench, "production", failing=False)
    assert by_status(bench.apply()) == {Status.APPLIED: 2}
    assert set(deployments(bench).values()) == {1}
    assert not bench.plan().has_work
    assert "owed" not in bench.ledger.read_text()


def test_what_somebody_saved_in_the_console_is_deployed_too(tmp_path: Path) -> None:
    bench = deploying(tmp_path)
    assert_applied(bench.apply())
    bench.estate.apinizer.edit("apiProxies", "quotes-rest", {"description": "theirs"})
    made = bench.plan()
    assert [one.overdue for one in made.follow_ups] == [True, True]
    assert "theirs" not in render_plan(made)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_proxy_with_a_change_that_failed_is_not_deployed(tmp_path: Path, edition: str) -> None:
    bench = deploying(tmp_path, edition)
    broken = f"{ROOT}trading/apiProxies/quotes-rest/settings/cache/"
    refusal = answer(400, '{"status": "FAILURE", "resultMessage": "no such luck"}')

    def to_the_cache(request: object) -> bool:
        return requests_to("PATCH")(request) and getattr(request, "path", "") == broken  # type: ignore[arg-type]

    bench.wrap("apinizer", Fault(vice=refusal, when=to_the_cache, times=None))
    report = bench.apply()
    skipped = [one for one in report.follow_ups if one.status is Status.SKIPPED]
    assert {one.request.path for one in skipped} == {f"{QUOTES}production/", f"{QUOTES}test/"}
    assert all("apinizer.CacheSettings/quotes-rest" in one.detail for one in skipped)
    assert not any(path.startswith(QUOTES.removeprefix(ROOT)) for path in deployments(bench))
    bench.wrapped.clear()
    # Whether or not the change that failed is still wanted: the others wait for the deployment.
    (bench.manifests / "apinizer" / "quotes-rest-answers.yaml").unlink()
    assert bench.plan().pending == ()
    assert_applied(bench.apply())
    assert set(deployments(bench)) == {one.request.path.removeprefix(ROOT) for one in skipped}
    assert not bench.plan().has_work


def test_without_the_right_to_deploy_all_is_saved_and_the_run_fails(
    tmp_path: Path,
) -> None:
    bench = deploying(tmp_path)
    limited = Apinizer(token=SECRETS["APINIZER_TOKEN"], rights=frozenset({"VIEW", "MANAGE", "EXPORT_IMPORT"}))
    for table in ("projects", "environments", "apiProxies"):
        for row in bench.estate.apinizer.stored(table):
            limited.seed(table, {k: v for k, v in row.items() if k in ("project", "name", "type")})
    bench.wrapped["apinizer"] = limited
    report = bench.apply()
    assert_applied(report)
    assert set(by_status(report)) == {Status.FAILED}
    assert all("does not have required permission" in one.detail for one in report.follow_ups)


def test_what_deploys_one_environment_by_itself_leaves_none_of_the_others_waiting(tmp_path: Path) -> None:
    bench = deploying(tmp_path)
    assert_applied(bench.apply())
    bench.rewrite("logBodyResponseToClient: false", "logBodyResponseToClient: true")
    assert_applied(bench.apply())
    assert not bench.plan().has_work
