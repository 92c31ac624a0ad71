"""Who this run is, and whether another one on this machine still lives.

Reads: the names of user and host, process tables of the machine. Writes: nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from reconciler.core.memory.journal import Holder

_JOBS = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL", "TRAVIS_BUILD_WEB_URL")
_USERS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "BUILDKITE_BUILD_CREATOR", "USER", "LOGNAME")


def this_run(environ: Mapping[str, str], since: str) -> Holder:
    """Return this process as a holder of locks; `since` is the time now, RFC 3339."""
    return Holder(
        token=secrets.token_hex(6),
        user=as_text(next((environ[name] for name in _USERS if environ.get(name)), "")) or _user_of_process(),
        host=os.uname().nodename,
        pid=os.getpid(),
        machine=_machine(),
        started=_started(os.getpid()),
        since=since,
        url=as_text(job_url(environ)),
    )


def as_text(value: str) -> str:
    """Return a value of the environment as text, whatever bytes it is made of."""
    return value.encode("utf-8", "replace").decode()


def job_url(environ: Mapping[str, str]) -> str:
    """Return the address of the pipeline's job, "" outside of any pipeline that is known here.

    Source: the pages on predefined variables of GitHub Actions, GitLab CI, Jenkins, CircleCI, Buildkite, Travis CI
    and Azure Pipelines.
    """
    if environ.get("GITHUB_RUN_ID") and environ.get("GITHUB_REPOSITORY"):
        server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
        return f"{server}/{environ['GITHUB_REPOSITORY']}/actions/runs/{environ['GITHUB_RUN_ID']}"
    if environ.get("BUILD_BUILDID") and environ.get("SYSTEM_TEAMPROJECT"):
        collection = environ.get("SYSTEM_COLLECTIONURI", "")
        return f"{collection}{environ['SYSTEM_TEAMPROJECT']}/_build/results?buildId={environ['BUILD_BUILDID']}"
    return next((environ[name] for name in _JOBS if environ.get(name)), "")


def is_dead(holder: Holder) -> bool:
    """Tell whether the process of `holder` surely lives no more. Of other machines nobody can tell."""
    if not holder.machine or holder.machine != _machine() or holder.pid <= 0:
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # somebody else's process, so there is one
    started = _started(holder.pid)
    return bool(started and holder.started and started != holder.started)


def _machine() -> str:
    """Return a digest of host, boot and process namespace; "" where they cannot be told.

    Without boot and namespace, two containers of one name would take each other's processes for their own.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
    return hashlib.sha256(f"{os.uname().nodename}\n{boot}\n{namespace}".encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """Return when a process began, in ticks since the boot; "" where that cannot be told. Source: proc(5)."""
    with contextlib.suppress(OSError, IndexError):
        # The name of the program stands in parentheses and may hold anything, blanks and parentheses too.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    return ""


def _user_of_process() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
