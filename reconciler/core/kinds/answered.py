"""What is known of a value by the place where answers hold it. Pure."""

from __future__ import annotations

from reconciler.core.kinds.fields import EMPTY, FieldInfo
from reconciler.core.kinds.template import variables
from reconciler.core.pointer import parse_pointer


def field_answered_as(fields: FieldInfo, steps: tuple[str, ...]) -> FieldInfo:
    """Return what is known about the field that answers hold at `steps`; a secret one that holds it counts for it."""
    for name, info in fields.properties.items():
        spelled = info.response_name or name
        place = tuple(map(str, parse_pointer(spelled))) if spelled.startswith("/") else (spelled,)
        if steps[: len(place)] != place:
            continue
        rest = steps[len(place) :]
        if not rest or info.sensitive:
            return info
        return field_answered_as(info, rest) if info.properties else info.child(rest[0])
    return EMPTY


def secret_id(id_template: str, fields: FieldInfo) -> bool:
    """Tell whether the remote id of an object is, or holds, a field that is secret."""
    if id_template.startswith("/"):
        return field_answered_as(fields, tuple(map(str, parse_pointer(id_template)))).sensitive
    return any(
        fields.hides(one.steps) if one.root == "spec" else field_answered_as(fields, one.steps).sensitive
        for one in variables(id_template)
        if one.root in ("spec", "live")
    )
