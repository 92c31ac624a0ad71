"""Which run of a workflow made the plan that was merged with a commit. GitHub only. Pure; sends through its door.

Sources: docs.github.com/en/rest: commits/commits (pull requests of a commit), actions/artifacts (version 2022-11-28).
"""

from __future__ import annotations

from urllib.parse import quote

from reconciler.core.model import Json, Request
from reconciler.hosting.forge import Door
from reconciler.hosting.github import HEADERS, NAME


def run_with_artifact(door: Door, repository: str, commit: str, artifact: str) -> int | None:
    """Return the id of the newest run that left `artifact` (its name goes on with `-` and the head's commit).

    The run must be one of this repository for the head of the pull request that was merged as `commit`: a pull
    request from a fork leaves artifacts in the same place. None when there is no such run.
    """
    root = f"/repos/{quote(repository, safe='/')}"

    def get(path: str, query: tuple[tuple[str, str], ...] = ()) -> Request:
        return Request(system=NAME, method="GET", path=root + path, query=query, headers=HEADERS)

    pulls = door.ask_all(get(f"/commits/{quote(commit, safe='')}/pulls"))
    merged = [one for one in pulls if one.get("merge_commit_sha") == commit and one.get("merged_at")]
    heads = [one["head"]["sha"] for one in merged if (one["head"].get("repo") or {}).get("full_name") == repository]
    runs = []
    for head in heads:
        found: Json = door.ask(get("/actions/artifacts", (("name", f"{artifact}-{head}"), ("per_page", "100"))))
        for one in found["artifacts"]:
            run = one.get("workflow_run") or {}
            ours = run.get("head_sha") == head and run.get("head_repository_id") == run.get("repository_id")
            if ours and not one.get("expired"):
                runs.append(int(run["id"]))
    return max(runs, default=None)
