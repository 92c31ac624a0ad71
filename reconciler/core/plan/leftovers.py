"""Why a field is not what was asked for after a write that succeeded, and the line of the kind that would say so. Pure.

A cause is a guess from the two values: it names the likeliest of the ways in which servers treat fields, and the
keyword with which a definition describes that way (`core.fields.KEYWORDS`, explained in `schemas/README.md`). Where no
keyword would, there is no line, and what is left is to state the value that the server keeps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from reconciler.core.canonical import canonical_json, strictly_equal
from reconciler.core.compare.diff import field_changes, redact
from reconciler.core.compare.normalize import Comparison, decode
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.kinds.forms import canonical_scalar, encode_scalar
from reconciler.core.model import Json, LiveObject
from reconciler.core.plan.considered import Considered
from reconciler.core.pointer import MISSING, Path, get
from reconciler.core.records import dataclass
from reconciler.core.report import Leftover, LeftoverCause


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One field with everything that tells why it differs."""

    info: FieldInfo
    parent: FieldInfo
    path: Path
    wanted: Any  # canonical, as compared
    held: Any
    before: Any  # what was held before the write, canonical; MISSING when nothing was
    siblings: Json  # the answer's object that would hold the field, in the answer's spelling


class _Finding(NamedTuple):
    cause: LeftoverCause
    line: str
    at: str = ""  # where it belongs, seen from the field: "items", or ".." for what holds the field


_HOLDS_A_VALUE = ("x-absent", "maximum", "minimum", "maxLength")


def find_leftovers(considered: Considered, live: LiveObject, before: LiveObject | None) -> tuple[Leftover, ...]:
    """Return what `live` does not hold as asked, field by field. `before` is the object as it was before the write."""
    comparison = considered.compared_with(live)
    earlier = None if before is None else considered.compared_with(before).live
    found: dict[Path, Leftover] = {}
    for change in field_changes(comparison, stated=considered.spec, hidden=considered.hides):
        path = _list_of_the_same(comparison, change.path) or change.path
        case = _Case(
            info=considered.kind.fields.at(path),
            parent=considered.kind.fields.at(path[:-1]),
            path=path,
            wanted=get(comparison.desired, path),
            held=get(comparison.live, path),
            before=MISSING if earlier is None else get(earlier, path),
            siblings=get(live.spec, path[:-1]),
        )
        cause, line, at = next(_findings(case))
        place = _place(considered.kind.fields, path[:-1] if at == ".." else path) + (".items" if at == "items" else "")
        found[path] = Leftover(
            path=path,
            cause=cause,
            line="" if change.sensitive and line.startswith(_HOLDS_A_VALUE) else line,
            place=place,
            source=considered.kind.locate(tuple(place.split("."))),
            wanted=_shown(case.wanted, path, considered),
            held=_shown(case.held, path, considered),
            sensitive=change.sensitive,
        )
    return tuple(found.values())


def _shown(value: Any, path: Path, considered: Considered) -> Any:
    if value is MISSING:
        return MISSING
    return redact(decode(considered.kind.fields.at(path), value), path, considered.hides)


def _place(info: FieldInfo, path: Path) -> str:
    steps = ["schema"]
    for step in path:
        if info.items is not None:
            steps.append("items")
        elif step in info.properties:
            steps += ["properties", str(step)]
        else:
            steps.append("additionalProperties")
        info = info.items if info.items is not None else info.child(step)
    return ".".join(steps)


def _list_of_the_same(comparison: Comparison, path: Path) -> Path | None:
    """Return the list on the way to `path` whose items are all there, only in another order or with more in them."""
    for length in range(1, len(path) + 1):
        wanted, held = get(comparison.desired, path[:length]), get(comparison.live, path[:length])
        lists = isinstance(wanted, list) and isinstance(held, list)
        if lists and (_same_items(wanted, held) or _telling(wanted, held) is not None):
            return path[:length]
    return None


def _same_items(wanted: list[Json], held: list[Json]) -> bool:
    return {canonical_json(item) for item in wanted} == {canonical_json(item) for item in held}


# --------------------------------------------------------------------------- rules, the likeliest first


def _findings(case: _Case) -> Iterator[_Finding]:
    if case.held is MISSING:
        yield from _not_shown(case)
    elif case.wanted is MISSING:
        yield from _not_cleared(case)
    else:
        yield from _masked(case)
        yield from _lists(case)
        yield from _forms(case)
        yield from _numbers(case)
        yield from _kept(case)


def _not_shown(case: _Case) -> Iterator[_Finding]:
    other = _other_spelling(case)
    if other is not None:
        yield _Finding(LeftoverCause.SPELLING, f"x-name: {other}")
    if case.wanted in ("", 0, False) and not isinstance(case.wanted, (list, dict)):
        yield _Finding(LeftoverCause.ZERO, f"x-absent: {_yaml(case.wanted)}")
    if case.info.default is not MISSING and strictly_equal(case.info.default, case.wanted):
        yield _Finding(LeftoverCause.DEFAULT, f"x-absent: {_yaml(case.wanted)}")
    if case.before is not MISSING:
        yield _Finding(LeftoverCause.CHANGED, "")
    yield _Finding(LeftoverCause.WRITE_ONLY, "writeOnly: true")


def _other_spelling(case: _Case) -> str | None:
    """Return the member of the answer that is the field under another name: alike in letters, and equal in value."""
    if not isinstance(case.siblings, dict) or not isinstance(case.path[-1], str):
        return None
    letters = _letters(case.path[-1])
    for name, value in case.siblings.items():
        if name not in case.parent.properties and _letters(name) == letters and not isinstance(value, (dict, list)):
            return str(name)
    return None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _not_cleared(case: _Case) -> Iterator[_Finding]:
    if case.parent.is_whole and len(case.path) > 1 and not case.parent.properties:
        yield _Finding(LeftoverCause.MEMBERS, "x-map: keys", "..")
    if case.parent.ownership == "whole":
        yield _Finding(LeftoverCause.MEMBERS, "readOnly: true")
    if case.before is not MISSING and strictly_equal(case.before, case.held):
        yield _Finding(LeftoverCause.IGNORED, "")
    yield _Finding(
        LeftoverCause.DEFAULT, f"x-absent: {_yaml(case.held)}" if not isinstance(case.held, (dict, list)) else ""
    )


def _masked(case: _Case) -> Iterator[_Finding]:
    if not isinstance(case.held, str):
        return
    run = re.search(r"([*•●▪xX.…#-])\1{2,}", case.held)
    if run is None or (isinstance(case.wanted, str) and run[0] in case.wanted):
        return
    mark = re.escape(run[1])
    whole = case.held == run[1] * len(case.held)
    yield _Finding(LeftoverCause.MASKED, f"x-mask: {_yaml(f'{mark}+' if whole else f'.*{mark}{{3,}}.*')}")


def _lists(case: _Case) -> Iterator[_Finding]:
    wanted, held = case.wanted, case.held
    if not isinstance(wanted, list) or not isinstance(held, list):
        return
    if _same_items(wanted, held):
        yield _Finding(LeftoverCause.ORDER, "x-list: set")
    key = _telling(wanted, held)
    if key is not None:
        yield _Finding(LeftoverCause.MEMBERS, f"x-key: [{key}]")


def _telling(wanted: list[Json], held: list[Json]) -> str | None:
    """Return the member that pairs the items of both lists, where each held item has all of its partner's members."""
    if len(wanted) != len(held) or not all(isinstance(item, dict) for item in [*wanted, *held]) or not wanted:
        return None
    for name in wanted[0]:
        partners = {canonical_json(item.get(name)): item for item in held}
        if len(partners) < len(held):
            continue
        pairs = [(item, partners.get(canonical_json(item.get(name)))) for item in wanted]
        if all(
            other is not None and all(strictly_equal(other.get(n), v) for n, v in mine.items()) for mine, other in pairs
        ):
            return str(name)
    return None


_FORMS: tuple[tuple[LeftoverCause, tuple[str, ...]], ...] = (
    (LeftoverCause.NUMBER, ("number",)),
    (LeftoverCause.BLANKS, ("trim",)),
    (LeftoverCause.CASE, ("lower",)),
    (LeftoverCause.CASE, ("upper",)),
    (LeftoverCause.CASE, ("case-insensitive",)),
    (LeftoverCause.CASE, ("trim", "lower")),
    (LeftoverCause.CASE, ("trim", "upper")),
    (LeftoverCause.TIME, ("timestamp",)),
    (LeftoverCause.TIME, ("duration",)),
    (LeftoverCause.URL, ("url",)),
    (LeftoverCause.ENCODING, ("uuid-base64",)),
    (LeftoverCause.ENCODING, ("base64",)),
    (LeftoverCause.ENCODING, ("base64-text",)),
)
"""The forms that may explain a difference. `lower` and `upper` only where the server shows just that."""


def _forms(case: _Case) -> Iterator[_Finding]:
    if isinstance(case.wanted, (dict, list)) or isinstance(case.held, (dict, list)):
        if isinstance(case.wanted, list) and isinstance(case.held, list) and case.info.items is not None:
            yield from _forms_of_items(case)
        return
    for cause, forms in _FORMS:
        if _alike(forms, case.wanted, case.held):
            every = (*case.info.forms, *forms)
            yield _Finding(cause, f"x-form: {every[0] if len(every) == 1 else '[' + ', '.join(every) + ']'}")


def _alike(forms: tuple[str, ...], wanted: Json, held: Json) -> bool:
    if isinstance(held, str):
        if "lower" in forms and held != held.lower():
            return False
        if "upper" in forms and held != held.upper():
            return False
    encoded = canonical_scalar(forms, encode_scalar(forms, wanted))
    return strictly_equal(encoded, canonical_scalar(forms, held))


def _forms_of_items(case: _Case) -> Iterator[_Finding]:
    wanted, held = case.wanted, case.held
    for cause, forms in _FORMS:
        pairs = list(zip(sorted(wanted, key=str), sorted(held, key=str), strict=False))
        scalars = not any(isinstance(item, (dict, list)) for item in [*wanted, *held])
        if scalars and len(wanted) == len(held) and all(_alike(forms, mine, theirs) for mine, theirs in pairs):
            yield _Finding(cause, f"x-form: {forms[0] if len(forms) == 1 else '[' + ', '.join(forms) + ']'}", "items")


def _numbers(case: _Case) -> Iterator[_Finding]:
    wanted, held = _number(case.wanted), _number(case.held)
    if wanted is None or held is None:
        return
    if case.before is MISSING or not strictly_equal(case.before, case.held):
        if wanted != held and round(wanted) == round(held):
            yield _Finding(LeftoverCause.NUMBER, "")
        if case.info.default is MISSING or not strictly_equal(case.info.default, case.held):
            if wanted > held > 0:
                yield _Finding(LeftoverCause.LIMIT, f"maximum: {_yaml(case.held)}")
            if wanted < held:
                yield _Finding(LeftoverCause.LIMIT, f"minimum: {_yaml(case.held)}")


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _kept(case: _Case) -> Iterator[_Finding]:
    if isinstance(case.wanted, str) and isinstance(case.held, str) and case.held and case.wanted.startswith(case.held):
        yield _Finding(LeftoverCause.LIMIT, f"maxLength: {len(case.held)}")
    if case.before is not MISSING and strictly_equal(case.before, case.held):
        yield _Finding(LeftoverCause.IGNORED, "x-immutable: true")
    default = case.info.default is not MISSING and strictly_equal(case.info.default, case.held)
    if default or case.held in ("", 0, False):
        # The create did not take it: an update may.
        on_create = case.before is MISSING and len(case.path) == 1
        yield (
            _Finding(LeftoverCause.IGNORED, "x-updateOnly: true") if on_create else _Finding(LeftoverCause.DEFAULT, "")
        )
    yield _Finding(LeftoverCause.CHANGED, "")


def _yaml(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
