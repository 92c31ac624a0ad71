"""What servers say about their limits in answers: how many requests are left until when, and how many at most. Pure.

Understood are the fields of draft-ietf-httpapi-ratelimit-headers, which changed between its revisions, and what was
common before it:

- 00 to 06: `RateLimit-Limit: 100`, `RateLimit-Remaining: 50`, `RateLimit-Reset: 30` (seconds from now), with quotas as
  `RateLimit-Limit: 100, 10;w=1, 100;w=60`, from 03 on as `RateLimit-Policy: 10;w=1, 100;w=60`
- 07: `RateLimit: limit=100, remaining=50, reset=30`
- 08 to 10: `RateLimit: "default";r=50;t=30` and `RateLimit-Policy: "default";q=100;w=60`
- `X-RateLimit-Limit`, `-Remaining`, `-Reset` and the same with `X-Rate-Limit-`; there a reset is in seconds from now,
  or a moment in seconds or milliseconds since the epoch, which the size of the number tells

`Retry-After` (RFC 9110, section 10.2.3) says how long to wait after a refusal.

What cannot be read is left out: a wrong guess would only slow things down, and a 429 still says what it says.
"""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from reconciler.core.records import dataclass

_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit")
_EPOCH_FROM = 1e9  # as seconds from now this would be thirty years
_EPOCH_MS_FROM = 1e12
_ITEM = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_SECONDS = re.compile(r"\d+(\.\d+)?")
_PART = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*")+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Requests that are left, and the seconds until there are new ones."""

    name: str  # the server's name of the policy; "" where it has none
    remaining: float
    reset_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Requests at most in each window."""

    requests: float
    window_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertised:
    """The limits that one answer tells about."""

    budgets: tuple[Budget, ...] = ()
    quotas: tuple[Quota, ...] = ()


NOTHING = Advertised()


def read_limits(headers: Mapping[str, str], now: float) -> Advertised:
    """Return what the lower-case `headers` of an answer say about limits. `now` is in seconds since the epoch."""
    if not any(name.startswith(_PREFIXES) for name in headers):
        return NOTHING
    budgets = [*_listed_budgets(headers.get("ratelimit", "")), *_separate_budgets(headers, now)]
    fields = (headers.get("ratelimit-policy", ""), headers.get("ratelimit-limit", ""))
    quotas = [quota for field in fields for quota in _quotas(field)]
    return Advertised(budgets=tuple(budgets), quotas=tuple(quotas))


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds the server asks to wait, None when it does not say so in a readable way.

    `now` is in seconds since the epoch. A date is measured against the server's own `Date` where it sends
    one, since clocks differ; a date gone by counts as 0. Source: RFC 9110, section 10.2.3.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until = _epoch(text)
    if until is None:
        return None
    served = _epoch(headers.get("date", ""))
    return max(0.0, until - (now if served is None else served))


def asked_wait(headers: Mapping[str, str]) -> str:
    """Return in words how long the server asks to wait before the next request, "" where it does not say."""
    # Without the server's own clock, a moment counts from the epoch, and is shown as one.
    served = _epoch(headers.get("date", "")) or 0.0
    seconds = retry_after_s(headers, served)
    if seconds is None:
        used_up = [one.reset_s for one in read_limits(headers, served).budgets if one.remaining < 1]
        seconds = max(used_up, default=0.0)
    if _EPOCH_FROM <= seconds < _EPOCH_MS_FROM / 10:
        return f"until {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{seconds:.0f} s" if seconds else ""


def _epoch(http_date: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(http_date)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _listed_budgets(field: str) -> Iterator[Budget]:
    items = list(_items(field))
    for name, parameters in items:
        remaining, reset = _number(parameters.get("r")), _number(parameters.get("t"))
        if remaining is not None and reset is not None:
            yield Budget(name=name, remaining=remaining, reset_s=reset)
    # Revision 07: a dictionary with one number for each name.
    members = dict(text.split("=", 1) for text, _ in items if "=" in text)
    remaining, reset = _number(members.get("remaining")), _number(members.get("reset"))
    if remaining is not None and reset is not None:
        yield Budget(name="", remaining=remaining, reset_s=reset)


def _separate_budgets(headers: Mapping[str, str], now: float) -> Iterator[Budget]:
    for prefix in _PREFIXES:
        remaining = _number(headers.get(f"{prefix}-remaining"))
        reset = _number(headers.get(f"{prefix}-reset"))
        if remaining is None or reset is None:
            continue
        if reset >= _EPOCH_MS_FROM:
            reset = reset / 1000 - now
        elif reset >= _EPOCH_FROM:
            reset -= now
        yield Budget(name="", remaining=remaining, reset_s=max(0.0, reset))
        return


def _quotas(field: str) -> Iterator[Quota]:
    for text, parameters in _items(field):
        if parameters.get("qu", "requests") != "requests":
            continue
        requests = _number(parameters.get("q", text))
        window = _number(parameters.get("w"))
        if requests and window:
            yield Quota(requests=requests, window_s=window)


def _items(field: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the items of a list with their parameters (RFC 9651, section 3.1), all as bare text."""
    for item in _ITEM.findall(field):
        text, *rest = (part.strip() for part in _PART.findall(item))
        pairs = (part.partition("=") for part in rest)
        yield _bare(text), {name.strip(): _bare(value.strip()) for name, _, value in pairs}


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _number(text: str | None) -> float | None:
    try:
        value = float((text or "").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
