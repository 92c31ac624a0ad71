"""How requests reach a hosting API: pages, retries, and errors that say which permission to grant.

Reads and writes: the hosting API, through the client that all systems share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from reconciler.core.errors import ApiError, ErrorClass
from reconciler.core.model import Json, Request, Response
from reconciler.core.redaction import Redactor
from reconciler.hosting import github
from reconciler.hosting.forge import Door, Forge
from reconciler.hosting.github import GitHub
from reconciler.hosting.gitlab import GitLab
from reconciler.hosting.place import Place
from reconciler.hosting.runs import LATE, ApprovedRun, run_with_artifact
from reconciler.shell.network.authentication import Auth, BearerAuth, HeaderAuth
from reconciler.shell.network.client import Client
from reconciler.shell.network.endpoint import Endpoint
from reconciler.shell.network.route import proxy_secrets
from reconciler.shell.network.sending import Pace, Sender, SendInTime, Timing

PER_PAGE = 100  # the most that both take
MOST_PAGES = 100
_TIMING = Timing()

_PERMISSIONS = {
    "github": {
        "pulls": "`permissions: {pull-requests: write}`; for the token of a workflow also the repository's setting "
        '"Allow GitHub Actions to create and approve pull requests"',
        "comments": "`permissions: {pull-requests: write}`; the token of a pull request from a fork never has it",
        "issues": "`permissions: {issues: write}`",
    },
    "gitlab": {
        "notes": "the scope `api` and at least the role Reporter; CI_JOB_TOKEN is not enough",
        "merge_requests": "the scope `api` and at least the role Developer",
        "issues": "the scope `api` and at least the role Reporter",
    },
}


@contextmanager
def open_forge(
    place: Place, redactor: Redactor, environ: Mapping[str, str], timing: Timing = _TIMING
) -> Iterator[Forge]:
    """Give the repository at its hosting service, and close the connections afterwards. The token is redacted."""
    with open_door(place, redactor, environ, timing) as door:
        yield (GitHub if place.hosting == github.NAME else GitLab)(repository=place.repository, door=door)


def approved_run(
    place: Place, sought: tuple[str, str], wait_s: float, redactor: Redactor, environ: Mapping[str, str]
) -> ApprovedRun:
    """Return the run that left the plan of a commit, given with the artifact; wait for what the host reports late."""
    commit, artifact = sought
    until, pause_s = _TIMING.clock() + wait_s, 1.0
    with open_door(place, redactor, environ) as door:
        found = run_with_artifact(door, place.repository, commit, artifact)
        while found.reason in LATE and _TIMING.clock() + pause_s <= until:
            _TIMING.sleep(pause_s)
            pause_s = min(2 * pause_s, 10.0)
            found = run_with_artifact(door, place.repository, commit, artifact)
    return found


@contextmanager
def open_door(place: Place, redactor: Redactor, environ: Mapping[str, str], timing: Timing = _TIMING) -> Iterator[Door]:
    """Give the way to the hosting API, and close the connections afterwards. The token is redacted."""
    redactor.add([place.token, *proxy_secrets(place.proxy)])
    auth: Auth = BearerAuth(token=place.token)
    if place.hosting == "gitlab":
        auth = HeaderAuth(name="PRIVATE-TOKEN", value=place.token)
    endpoint = Endpoint(
        system=place.hosting,
        url=place.api_url.rstrip("/"),
        auth=auth,
        ca_file=place.ca_file or None,
        proxy=place.proxy or None,
        environ=environ,
        read_timeout_s=30.0,
    )
    with Client(endpoint) as client:
        sender = Sender(_limits_told(client.send), pace=Pace(concurrency=1), timing=timing)
        try:
            yield Door(
                ask=lambda request: _as_object(place, request, _ask(sender.send, place, request)[0]),
                ask_all=lambda request: _ask_all(sender.send, place, request),
                try_=lambda request: _try(sender.send, place, request),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # of taking an answer apart
            raise _unexpected(place, f"the answers lack what the API of {place.hosting} tells ({error})") from error


def _limits_told(send: Callable[[Request], Response]) -> SendInTime:
    """Return `send` with answers that mean "too many requests" told as such.

    GitHub may answer 403 without `Retry-After`, and with nothing left of the rate. Source:
    docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """

    def told(request: Request, deadline: float) -> Response:
        del deadline
        answer = send(request)
        spent = answer.headers.get("x-ratelimit-remaining") == "0"
        return replace(answer, status=429) if answer.status == 403 and spent else answer

    return told


def _ask(send: Callable[[Request], Response], place: Place, request: Request) -> tuple[Json, Response]:
    answer = send(request)
    if not 200 <= answer.status < 300:
        raise _refused(place, request, answer)
    try:
        return answer.json(), answer
    except ValueError:
        raise _unexpected(place, f"{request.method} {request.path}: the answer is no JSON") from None


def _try(send: Callable[[Request], Response], place: Place, request: Request) -> Json | None:
    try:
        answer, _ = _ask(send, place, request)
    except ApiError as error:
        if 400 <= error.status < 500:
            return None
        raise
    return _as_object(place, request, answer)


def _ask_all(send: Callable[[Request], Response], place: Place, request: Request) -> list[Json]:
    items: list[Json] = []
    for page in range(1, MOST_PAGES + 1):
        query = (*request.query, ("per_page", str(PER_PAGE)), ("page", str(page)))
        found, answer = _ask(send, place, replace(request, query=query))
        if not isinstance(found, list):
            raise _unexpected(place, f"{request.method} {request.path}: the answer is no list")
        items += [_as_object(place, request, one) for one in found]
        # The number of the next page, never its address: nothing leads to another place.
        if 'rel="next"' not in answer.headers.get("link", ""):
            return items
    raise _unexpected(place, f"{request.method} {request.path}: the list has no end")


def _as_object(place: Place, request: Request, value: Json) -> Json:
    if not isinstance(value, dict):
        raise _unexpected(place, f"{request.method} {request.path}: the answer is no object")
    return value


def _unexpected(place: Place, what: str) -> ApiError:
    """Return the error for an answer that the hosting API never gives: something else stands at that address."""
    return ApiError(
        f"{place.hosting}: {what}",
        error_class=ErrorClass.MISCONFIGURED,
        hint=f"is {place.api_url} the address of the API of {place.hosting} (--api-url)?",
    )


def _refused(place: Place, request: Request, answer: Response) -> ApiError:
    try:
        said = answer.json()
        message = said.get("message") or said.get("error") or "" if isinstance(said, dict) else ""
    except ValueError:
        message = ""
    where = f"{place.hosting}: {request.method} {request.path}: {answer.status}"
    words = f": {message if isinstance(message, str) else answer.content.decode(errors='replace')[:300]}"
    classes = {401: ErrorClass.UNAUTHORIZED, 403: ErrorClass.FORBIDDEN, 404: ErrorClass.NOT_FOUND}
    return ApiError(
        where + (words if message else ""),
        error_class=classes.get(answer.status, ErrorClass.INVALID),
        status=answer.status,
        hint=_advice(place, request, answer.status),
    )


def _advice(place: Place, request: Request, status: int) -> str:
    if status == 401:
        return "the token is not valid, or has expired"
    if status in (403, 404):
        steps = request.path.split("/")
        needed = next((w for step, w in _PERMISSIONS[place.hosting].items() if step in steps), "")
        absent = f" (a token without it sees {place.repository} not at all)" if status == 404 else ""
        advice = f"the token needs {needed}{absent}" if needed else f"check that the token may use {place.repository}"
        return f"check that {place.api_url} is the API (--api-url); if it is, {advice}" if status == 404 else advice
    if status == 422:
        return "the text may be too long: write it with a smaller --markdown-limit"
    return "run it again later: what was posted already is found by its mark and changed in place"
