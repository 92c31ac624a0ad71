"""Why a field is not what was asked for after a write that succeeded, and the line of the kind that would say so. Pure.

A cause is what the answers show, the likeliest of the ways in which servers treat fields first, and a line is the
keyword with which a definition describes that way (`core.fields.KEYWORDS`, explained in `schemas/README.md`). Every
line is tried on the kind before it is given; where none ends the difference, what is left is to state the value that
the server keeps.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from reconciler.core.canonical import canonical_json, strictly_equal
from reconciler.core.compare.diff import field_changes, redact
from reconciler.core.compare.normalize import Comparison, decode
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.kinds.forms import canonical_scalar, encode_scalar
from reconciler.core.model import Json, LiveObject
from reconciler.core.plan.advice import Line, ends_difference
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
    line: Line | None = None
    at: tuple[str, ...] = ()  # where it belongs, seen from the field: steps of the schema, or ".." for what holds it


_HOLDS_A_VALUE = ("x-absent",)


def find_leftovers(
    considered: Considered, live: LiveObject, before: LiveObject | None, overwritten: frozenset[str] = frozenset()
) -> tuple[Leftover, ...]:
    """Return what `live` does not hold as asked, field by field.

    `before` is the object as it was before the write; `overwritten` are fields that were kept until a later call.
    """
    comparison = considered.compared_with(live)
    earlier = None if before is None else considered.compared_with(before).live
    found: dict[Path, Leftover] = {}
    for change in field_changes(comparison, stated=considered.spec, hidden=considered.hides):
        path = _list_around(comparison, change.path) or change.path
        if path in found:
            continue
        case = _Case(
            info=considered.kind.fields.at(path),
            parent=considered.kind.fields.at(path[:-1]),
            path=path,
            wanted=get(comparison.desired, path),
            held=get(comparison.live, path),
            before=MISSING if earlier is None else get(earlier, path),
            siblings=get(live.spec, path[:-1]),
        )
        if path[0] in overwritten:
            cause, line, at = _Finding(LeftoverCause.OTHER_CALL)
        else:
            cause, line, at = _proven(considered, live, case, sensitive=change.sensitive)
        place = _place(considered.kind.fields, path, at)
        found[path] = Leftover(
            path=path,
            cause=cause,
            line="" if line is None else str(line),
            place=".".join(place),
            source=considered.kind.locate(place),
            wanted=_shown(case.wanted, path, considered),
            held=_shown(case.held, path, considered),
            sensitive=change.sensitive,
        )
    return tuple(found.values())


def _proven(considered: Considered, live: LiveObject, case: _Case, *, sensitive: bool) -> _Finding:
    """Return the likeliest cause whose line, tried on the kind, ends the difference; failing that, without a line."""
    first: _Finding | None = None
    for finding in _findings(case):
        if finding.line is None:
            return first or finding
        place = _place(considered.kind.fields, case.path, finding.at)
        at = case.path[:-1] if finding.at[:1] == ("..",) and finding.line.keyword == "x-map" else case.path
        shown = not (sensitive and finding.line.keyword in _HOLDS_A_VALUE)
        if shown and ends_difference(considered, live, place[1:], finding.line, at):
            return finding
        first = first or (None if finding.at[:1] == ("items",) else finding._replace(line=None, at=()))
    return first or _Finding(LeftoverCause.CHANGED)


def _shown(value: Any, path: Path, considered: Considered) -> Any:
    if value is MISSING:
        return MISSING
    return redact(decode(considered.kind.fields.at(path), value), path, considered.hides)


def _place(info: FieldInfo, path: Path, at: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return where the definition describes the field at `path`, and from there the steps of `at`."""
    steps = ["schema"]
    for step in path[:-1] if at[:1] == ("..",) else path:
        if info.items is not None:
            steps.append("items")
        elif step in info.properties:
            steps += ["properties", str(step)]
        else:
            steps.append("additionalProperties")
        info = info.items if info.items is not None else info.child(step)
    return (*steps, *(one for one in at if one != ".."))


def _list_around(comparison: Comparison, path: Path) -> Path | None:
    """Return the list on the way to `path` that is to be explained as a whole.

    Its items are all there in another order, or they are paired by a key or by their values and not all have a partner.
    """
    for length in range(1, len(path) + 1):
        wanted, held = get(comparison.desired, path[:length]), get(comparison.live, path[:length])
        info = comparison.fields.at(path[:length])
        lists = isinstance(wanted, list) and isinstance(held, list)
        if lists and (_same_items(wanted, held) or (info.is_set and len(wanted) == len(held))):
            return path[:length]
        if info.is_set and info.key and isinstance(wanted, dict) and isinstance(held, dict):
            return path[:length] if len(wanted) == len(held) and wanted.keys() != held.keys() else None
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
        yield from _other_letters(case)
        yield from _numbers(case)
        yield from _kept(case)


def _not_shown(case: _Case) -> Iterator[_Finding]:
    if case.parent.items is not None or case.path[-1] not in case.parent.properties:
        yield _Finding(LeftoverCause.REMOVED)  # an item, or a member whose name is data
        return
    other = _other_spelling(case)
    if other is not None:
        yield _Finding(LeftoverCause.SPELLING, Line("x-name", other))
    if case.wanted in ("", 0, False) and not isinstance(case.wanted, (list, dict)):
        yield _Finding(LeftoverCause.ZERO, Line("x-absent", case.wanted))
    if case.info.default is not MISSING and strictly_equal(case.info.default, case.wanted):
        yield _Finding(LeftoverCause.DEFAULT, Line("x-absent", case.wanted))
    if case.before is not MISSING:
        yield _Finding(LeftoverCause.CHANGED)
    yield _Finding(LeftoverCause.WRITE_ONLY, Line("writeOnly", True))


def _not_cleared(case: _Case) -> Iterator[_Finding]:
    if case.parent.items is not None:
        yield _Finding(LeftoverCause.MEMBERS)  # an item that nobody asked for
        return
    if case.before is not MISSING and strictly_equal(case.before, case.held):
        yield _Finding(LeftoverCause.IGNORED)
    if case.parent.is_whole and len(case.path) > 1 and not case.parent.properties:
        yield _Finding(LeftoverCause.MEMBERS, Line("x-map", "keys"), ("..",))
    if case.parent.ownership == "whole":
        yield _Finding(LeftoverCause.MEMBERS, Line("readOnly", True))
    if isinstance(case.held, (dict, list)):
        yield _Finding(LeftoverCause.DEFAULT)
    yield _Finding(LeftoverCause.DEFAULT, Line("x-absent", case.held))


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


_HASHES = (r"\$2[abxy]?\$.{56}", r"\$argon2\w*\$.+", r"\$[156]\$.+", r"pbkdf2[_:$].+", r"\{S?(SHA|MD5)\d*\}.+")


def _masked(case: _Case) -> Iterator[_Finding]:
    if not isinstance(case.held, str) or not isinstance(case.wanted, (str, int, float)):
        return
    for pattern in _HASHES:
        if re.fullmatch(pattern, case.held) and not re.fullmatch(pattern, str(case.wanted)):
            yield _Finding(LeftoverCause.HASHED, Line("x-mask", pattern))
    text = str(case.wanted).encode()
    if case.held.lower() in (hashlib.new(name, text).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")):
        yield _Finding(LeftoverCause.HASHED, Line("x-mask", f"[0-9a-fA-F]{{{len(case.held)}}}"))
    run = re.search(r"([*•●▪xX.…#-])\1{2,}", case.held)
    if run is None or run[0] in str(case.wanted):
        return
    mark = re.escape(run[1])
    whole = case.held == run[1] * len(case.held)
    yield _Finding(LeftoverCause.MASKED, Line("x-mask", f"{mark}+" if whole else f".*{mark}{{3,}}.*"))


def _lists(case: _Case) -> Iterator[_Finding]:
    wanted, held = case.wanted, case.held
    if isinstance(wanted, list) and isinstance(held, list):
        if _same_items(wanted, held):
            yield _Finding(LeftoverCause.ORDER, Line("x-list", "set"))
        key = _telling(wanted, held)
        if key is not None:
            yield _Finding(LeftoverCause.MEMBERS, Line("x-key", [key]))
    elif not isinstance(wanted, dict) or not isinstance(held, dict):
        return
    if case.info.items is not None and len(wanted) == len(held):
        yield from _forms_of_items(case.info.items)
    elif isinstance(wanted, list):
        yield _Finding(LeftoverCause.REMOVED if len(wanted) > len(held) else LeftoverCause.MEMBERS)


def _forms_of_items(items: FieldInfo) -> Iterator[_Finding]:
    """Yield every form for the items and for their fields: which of them it is, if any, trying tells."""
    places = [("items",), *(("items", "properties", name) for name in items.properties)]
    for place in places:
        info = items.child(place[-1]) if len(place) > 1 else items
        if not info.properties and info.items is None and not (len(place) == 1 and items.properties):
            yield from (_Finding(cause, _form(info, forms), place) for cause, forms in _FORMS)
    yield _Finding(LeftoverCause.CHANGED)


def _form(info: FieldInfo, forms: tuple[str, ...]) -> Line:
    every = (*info.forms, *forms)
    return Line("x-form", every[0] if len(every) == 1 else list(every))


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
    (LeftoverCause.COMPOSED, ("nfc",)),
    (LeftoverCause.CASE, ("lower",)),
    (LeftoverCause.CASE, ("upper",)),
    (LeftoverCause.CASE, ("case-insensitive",)),
    (LeftoverCause.CASE, ("trim", "lower")),
    (LeftoverCause.CASE, ("trim", "upper")),
    (LeftoverCause.CASE, ("nfc", "lower")),
    (LeftoverCause.CASE, ("nfc", "upper")),
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
        return
    for cause, forms in _FORMS:
        if _alike(forms, case.wanted, case.held):
            yield _Finding(cause, _form(case.info, forms))


def form_between(info: FieldInfo, wanted: Json, held: Json) -> str:
    """Return the line of a field under which both texts are one; empty when there is none."""
    return next((str(_form(info, forms)) for _, forms in _FORMS if _alike(forms, wanted, held)), "")


def _alike(forms: tuple[str, ...], wanted: Json, held: Json) -> bool:
    if isinstance(held, str):
        if "lower" in forms and held != held.lower():
            return False
        if "upper" in forms and held != held.upper():
            return False
    encoded = canonical_scalar(forms, encode_scalar(forms, wanted))
    return strictly_equal(encoded, canonical_scalar(forms, held))


def _other_letters(case: _Case) -> Iterator[_Finding]:
    wanted, held = case.wanted, case.held
    if not isinstance(wanted, str) or not isinstance(held, str):
        return
    if _network(wanted) is not None and _network(wanted) == _network(held):
        yield _Finding(LeftoverCause.NETWORK)


def _network(text: str) -> str | None:
    """Return the one spelling of an address or a network, without the bits of a host; None where it is neither."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        return None


def _numbers(case: _Case) -> Iterator[_Finding]:
    wanted, held, before = _number(case.wanted), _number(case.held), _number(case.before)
    if wanted is None or held is None or (before is not None and before == held):
        return
    if wanted != held and abs(wanted - held) < 1 and round(wanted) == round(held):
        yield _Finding(LeftoverCause.NUMBER)
    default = case.info.default is not MISSING and strictly_equal(case.info.default, case.held)
    # A limit holds for what was there before as well, and nobody limits a value to zero.
    if not default and held != 0 and before is not None and (before <= held < wanted or wanted < held <= before):
        yield _Finding(LeftoverCause.LIMIT)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _kept(case: _Case) -> Iterator[_Finding]:
    if isinstance(case.wanted, str) and isinstance(case.held, str) and case.held and case.wanted.startswith(case.held):
        yield _Finding(LeftoverCause.LIMIT)
    if case.before is not MISSING and strictly_equal(case.before, case.held):
        yield _Finding(LeftoverCause.IGNORED)
    default = case.info.default is not MISSING and strictly_equal(case.info.default, case.held)
    if default or case.held in ("", 0, False):
        yield _Finding(LeftoverCause.IGNORED if case.before is MISSING else LeftoverCause.DEFAULT)
    yield _Finding(LeftoverCause.CHANGED)
