"""What a write carries of what a manifest states: the fields that the server has been told once it answers. Pure."""

from __future__ import annotations

from reconciler.core.kinds.catalog import Kind, send_mode
from reconciler.core.kinds.definition import WriteCall
from reconciler.core.kinds.template import variables
from reconciler.core.model import Json
from reconciler.core.wire.requests import Writing, call_fields, with_companions


def carried_fields(kind: Kind, call: WriteCall, writing: Writing) -> frozenset[str]:
    """Return the top-level fields of which the request of `call` carries what is stated: in its body or a template."""
    names = call_fields(kind, call, writing)
    if not writing.creating and not names & writing.changed:
        return frozenset()
    sent = with_companions(kind, writing, names & writing.changed)
    match send_mode(call, creating=writing.creating):
        case "full" | "stated":
            sent |= names
        case "nothing":
            sent = frozenset()
    fields = kind.fields.properties.items()
    later = {n for n, c in fields if c.read_only or (c.update_only if writing.creating else c.create_only)}
    templates: list[Json] = [call.path, dict(call.query), dict(call.headers), call.body]
    written = {str(one.steps[0]) for one in variables(templates) if one.root == "spec" and one.steps}
    return ((sent - later) | written) & writing.subject.spec.keys()
