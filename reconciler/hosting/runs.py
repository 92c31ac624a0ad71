"""Which run of a workflow made the plan that was merged with a commit. GitHub only. Pure; sends through its door.

Sources: docs.github.com/en/rest: commits/commits (pull requests of a commit), actions/artifacts (version 2022-11-28).
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from reconciler.core.model import Json, Request
from reconciler.core.records import dataclass
from reconciler.hosting.forge import Door
from reconciler.hosting.github import HEADERS, NAME

REASONS = {
    "no-pull-request": "no merged pull request belongs to this commit",
    "fork": "the merged pull request is from a fork, whose plans are made without secrets and approve nothing",
    "none": "the merged pull request has left no plan: its workflow failed, or had no such target",
    "expired": "the plan of the merged pull request has expired: the host has deleted the artifact",
}
"""Why there is no approved plan, in words."""

LATE = ("no-pull-request", "none")
"""What may be otherwise some seconds later: the host connects commits and artifacts with a delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedRun:
    """The run that left the plan, and the whole name of its artifact; or one of `REASONS`."""

    run_id: int = 0
    artifact: str = ""
    reason: str = ""


def run_with_artifact(door: Door, repository: str, commit: str, artifact: str) -> ApprovedRun:
    """Return the newest run that left `artifact` (its whole name goes on with `.` and the head's commit).

    The run must be one of this repository for the head of the pull request that was merged as `commit`: a pull
    request from a fork leaves artifacts in the same place.
    """
    root = f"/repos/{quote(repository, safe='/')}"

    def get(path: str, query: tuple[tuple[str, str], ...] = ()) -> Request:
        return Request(system=NAME, method="GET", path=root + path, query=query, headers=HEADERS)

    pulls = door.ask_all(get(f"/commits/{quote(commit, safe='')}/pulls"))
    merged = [one for one in pulls if one.get("merge_commit_sha") == commit and one.get("merged_at")]
    if not merged:
        return ApprovedRun(reason="no-pull-request")
    heads = [one["head"]["sha"] for one in merged if (one["head"].get("repo") or {}).get("full_name") == repository]
    if not heads:
        return ApprovedRun(reason="fork")
    left = [
        (run, name, expired)
        for head in heads
        for name in (f"{artifact}.{head}",)
        for run, expired in _runs(door.ask(get("/actions/artifacts", (("name", name), ("per_page", "100")))), head)
    ]
    kept = [(run, name) for run, name, expired in left if not expired]
    if not kept:
        return ApprovedRun(reason="expired" if left else "none")
    run, name = max(kept)
    return ApprovedRun(run_id=run, artifact=name)


def _runs(found: Json, head: str) -> Iterator[tuple[int, bool]]:
    """Yield the runs of this repository for `head`, and whether their artifact has expired."""
    for one in found["artifacts"]:
        run = one.get("workflow_run") or {}
        if run.get("head_sha") == head and run.get("head_repository_id") == run.get("repository_id"):
            yield int(run["id"]), bool(one.get("expired"))
