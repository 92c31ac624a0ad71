"""Where a request of a plan goes, as people see it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from reconciler.core.compare.diff import SENSITIVE
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call
from reconciler.core.kinds.template import as_text, parse_template, render_query
from reconciler.core.pointer import MISSING, get
from reconciler.core.wire.showing import without_secrets


def shown_target(
    kind: Kind,
    call: Call,
    values: Mapping[str, Any],
    unknown: Callable[[str], str],
    secret: Callable[[str], str] = lambda variable: SENSITIVE,
) -> str:
    """Return path and query of a call as they are sent, with stand-ins for unknown and for secret parts."""
    values = without_secrets(kind, (call.path, dict(call.query)), values, secret)
    parts = []
    for part in parse_template(call.path):
        if isinstance(part, str):
            parts.append(part)
            continue
        value = get(values.get(part.root, MISSING), part.steps)
        if value in (MISSING, None, "") or isinstance(value, (dict, list)):
            parts.append(unknown(str(part)))
        elif part.root == "location":
            parts.append(as_text(value))
        else:
            parts.append(_shown_encoded(as_text(value), keeps_slashes=part.keeps_slashes))
    # A parameter of the system may be a key: it is named only.
    named = {**values, "system": {name: f"{{system.{name}}}" for name in values["system"]}}
    query = [f"{_shown_encoded(name)}={_shown_encoded(value)}" for name, value in render_query(call.query, named)]
    return "".join(parts) + ("?" + "&".join(query) if query else "")


def _shown_encoded(text: str, *, keeps_slashes: bool = False) -> str:
    """Percent-encode what is sent as it is; what holds a stand-in, for a secret or a reference, is not sent."""
    is_stand_in = "${" in text or SENSITIVE in text or text == "{id}" or text.startswith("{system.")
    return text if is_stand_in else quote(text, safe="/" if keeps_slashes else "")
