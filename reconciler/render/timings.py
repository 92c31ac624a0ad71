"""Where the time of a run went, as text for people and as JSON. Pure."""

from __future__ import annotations

from reconciler.core.model import JsonObject
from reconciler.core.timings import Timings, Traffic
from reconciler.render.escapes import printable
from reconciler.render.style import PLAIN, Style
from reconciler.render.text import plural

_ABOUT = {
    "read": "files",
    "check": "kinds, and manifests against them",
    "refresh": "live state",
    "decide": "what is to be done",
    "apply": "changes",
    "other": "loading the program, and printing",
}


def render_timings(timings: Timings, style: Style = PLAIN) -> str:
    """Return the table that `--timings` prints."""
    known_s = sum(seconds for _, seconds in timings.phases)
    rows = [*timings.phases, ("other", max(0.0, timings.total_s - known_s)), ("total", timings.total_s)]
    lines = [style.paint("Time", "bold")]
    for name, seconds in rows:
        about = style.paint(f"  {_ABOUT[name]}", "dim") if name in _ABOUT else ""
        lines.append(f"  {name:<10}{seconds:>9.3f} s{about}")
    lines += [f"  {printable(one.system)}: {_exchanged(one)}" for one in timings.systems]
    return "\n".join(lines)


def _exchanged(one: Traffic) -> str:
    retries = f" ({plural(one.retries, 'retry')})" if one.retries == 1 else f" ({one.retries} retries)"
    size = f"{one.received_bytes / 1000:,.1f} kB received"
    waited = f", {one.waited_s:.1f} s waited for limits and retries, all requests together" if one.waited_s else ""
    return f"{plural(one.requests, 'request')}{retries if one.retries else ''}, {size}{waited}"


def timings_document(timings: Timings) -> JsonObject:
    """Return the same as JSON, in seconds and bytes."""
    return {
        "totalSeconds": round(timings.total_s, 3),
        "phases": {name: round(seconds, 3) for name, seconds in timings.phases},
        "systems": {
            one.system: {
                "requests": one.requests,
                "retries": one.retries,
                "receivedBytes": one.received_bytes,
                "waitedSeconds": round(one.waited_s, 3),
            }
            for one in timings.systems
        },
    }
