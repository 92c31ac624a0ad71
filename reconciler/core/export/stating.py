"""What a manifest has to state so that a live object is made again, and nothing besides. Pure.

Left out: what the server sets, what is as it is by default, what nobody can read. Ids of other objects become
references, secrets become `${env:NAME}`. The result is in the manifest's own spelling and order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from reconciler.core.canonical import canonical_json, strictly_equal
from reconciler.core.compare.normalize import canonical, decode, encode, is_masked, item_key
from reconciler.core.drift.accepting import escaped
from reconciler.core.drift.edits import Edit, edited
from reconciler.core.export.suspicion import looks_secret
from reconciler.core.kinds.catalog import Kind, reference_names
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Json, JsonObject, LiveObject
from reconciler.core.pointer import MISSING, Missing, Path, format_pointer, get
from reconciler.core.records import dataclass
from reconciler.core.schema.schema_errors import mistakes
from reconciler.core.schema.schema_gate import CompiledSchema

_ZERO: Mapping[str, Json] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
_HIDDEN = "cannot be read; without this line it is not managed and stays as it is"
_UNREADABLE = "cannot be read"


@dataclass(frozen=True, slots=True)
class Commented:
    """A member that is written as a comment: nobody can read its value, so it is not managed until a person says so."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A field that is stated as `${env:NAME}`. Without a value, a person has to give one."""

    name: str
    place: Path
    value: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """A field that is not stated though the live object has it, and why."""

    place: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A spec as it is written, expressions and `Commented` members in it."""

    spec: JsonObject = field(repr=False)
    secrets: tuple[Secret, ...] = ()
    omitted: tuple[Omitted, ...] = ()
    impossible: str = ""  # why no valid manifest states this object; empty where one does


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How other objects and secrets are named in what is written."""

    reference: Callable[[tuple[str, str], str], str | None]  # system and kind, id: the expression; None: not known
    # Whether the object of that name refers to this one already, so that a reference would close a circle.
    refers_back: Callable[[tuple[str, str], str], bool] = lambda names, remote_id: False
    secret: Callable[[Path], str]  # the name of the environment variable for a field of this object
    secret_ids: frozenset[tuple[str, str]] = frozenset()  # system and kind of those whose ids are secrets
    known_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # values that the environment has: names


def state(kind: Kind, live: LiveObject, names: Names) -> Stated:
    """Return what declares `live`."""
    minimal = _stated(kind, live, names, sparing=True)
    if not _mistakes(kind, minimal):
        return _told(minimal)
    # Rules about several fields may need those that are as they are by default, and secrets that nobody can read.
    whole = _with_needed_secrets(kind, _stated(kind, live, names, sparing=False), names)
    return _told(_without_mistakes(kind, whole))


def state_for_lookup(kind: Kind, live: LiveObject, names: Names) -> Stated:
    """Return what finds `live`, and states nothing else about it."""
    wanted = {*kind.key, *kind.scope, *kind.place}
    found = _stated(kind, live, names, sparing=False)
    return Stated(spec={name: value for name, value in found.spec.items() if name in wanted})


@dataclass(slots=True, kw_only=True)
class _Walk:
    kind: Kind
    names: Names
    sparing: bool  # leave out what is as it is by default
    spec: JsonObject = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    omitted: list[Omitted] = field(default_factory=list)
    stand_ins: set[Path] = field(default_factory=set)  # where expressions stand for values
    circles: list[Path] = field(default_factory=list)  # where ids stand of objects that refer to this one

    @property
    def absent(self) -> str:
        return self.kind.definition.read.absent

    # ------------------------------------------------------------------ one value

    def value(self, info: FieldInfo, live: Any, place: Path, *, secret: bool) -> Any:
        """Return a live value as it is written, or MISSING where it is not stated."""
        if live is MISSING or canonical(info, live, self.absent) is MISSING:
            return MISSING
        secret = secret or info.sensitive
        if isinstance(live, dict):
            return self.members(info, live, place, secret=secret, whole=info.is_whole and bool(place))
        if isinstance(live, list):
            return self.items(info, live, place, secret=secret)
        reference = self._reference(info, live, place)
        if reference is not None:
            return reference
        stated = decode(info, live)
        if not strictly_equal(canonical(info, encode(info, stated), self.absent), canonical(info, live, self.absent)):
            self.omitted.append(Omitted(place=place, reason="its live form cannot be stated in a manifest"))
            return MISSING
        if isinstance(stated, str) and self._is_secret(info, stated, place, secret=secret):
            return self._secret(place, stated)
        if info.sensitive:  # around it, a mapping of which only the texts can be secrets worth the name
            self.omitted.append(Omitted(place=place, reason="a secret that is no text"))
            return MISSING
        return escaped(stated)

    def _reference(self, info: FieldInfo, live: Json, place: Path) -> str | None:
        names = reference_names(self.kind, info.reference)
        if names is None or isinstance(live, (dict, list, bool)):
            return None
        if self.names.refers_back(names, str(live)):
            self.circles.append(place)
            return None
        found = self.names.reference(names, str(live))
        if found is not None:
            self.stand_ins.add(place)
        return found

    def _is_secret(self, info: FieldInfo, value: str, place: Path, *, secret: bool) -> bool:
        if secret or value in self.names.known_secrets:
            return True
        if reference_names(self.kind, info.reference) in self.names.secret_ids:
            return True
        if any(known in value for known in self.names.known_secrets if len(known) >= 8):
            return True
        is_choice = "enum" in info.schema or "const" in info.schema or info.reference is not None
        is_name = len(place) == 1 and place[0] in self.kind.key
        name = next((str(step) for step in reversed(place) if isinstance(step, str)), "")
        if info.schema.get("x-sensitive") is False:  # the kind says so
            return False
        return not is_choice and looks_secret("" if is_name else name, value)

    def _secret(self, place: Path, value: str | None) -> str:
        name = self.names.known_secrets.get(value) if value is not None else None
        name = name or self.names.secret(place)
        self.secrets.append(Secret(name=name, place=place, value=value))
        self.stand_ins.add(place)
        return "${env:" + name + "}"

    # ------------------------------------------------------------------ containers

    def members(
        self, info: FieldInfo, live: Mapping[str, Json], place: Path, *, secret: bool, whole: bool, exact: bool = False
    ) -> Any:
        """Return an object. All of a `whole` one is compared, and an `exact` one is known by all that it holds."""
        required = info.schema.get("required", ()) if place else _required(self.kind)
        order = [name for name in info.properties if name in live or self._is_worth_a_word(info, name, live, required)]
        if whole or not info.properties or info.values is not None:
            order += sorted(name for name in live if name not in info.properties)
        found: JsonObject = {}
        for name in order:
            child, at = info.child(name), (*place, name)
            if child.read_only:
                continue
            needed = name in required
            if self._is_hidden(child, live, name):
                self._hidden(found, info, name, live, at, needed=needed or whole)
                continue
            shown = live.get(name, MISSING)
            if shown is MISSING or shown is None:
                shown = self._implied(child, needed=needed)
            value = self.value(child, shown, at, secret=secret)
            if value is MISSING and needed and shown is not MISSING and not child.sensitive:
                value = decode(child, shown)  # an empty one, but a required one
            if value is MISSING and needed and "null" in child.types:
                value = None
            spare = self.sparing and not (needed or whole or exact) and self._is_default(child, shown)
            if value is not MISSING and not spare:
                found[name] = value
        if found or not place or (whole and live):
            return found
        return MISSING

    def _is_worth_a_word(self, info: FieldInfo, name: str, live: Mapping[str, Json], required: Collection[str]) -> bool:
        """Tell whether a field that the answer leaves out has to be considered all the same."""
        child = info.properties[name]
        if child.read_only:
            return False
        if child.write_only or child.is_secret_beside(live) or name in required:
            return True
        return self.absent == "zero" and child.absent is MISSING and child.default not in (MISSING, None)

    def _implied(self, info: FieldInfo, *, needed: bool) -> Any:
        """Return what a field that the answer leaves out stands for, where that has to be stated."""
        if info.absent is not MISSING and info.absent is not None:
            return encode(info, info.absent) if needed else MISSING
        zero = next((value for name, value in _ZERO.items() if name in info.types), MISSING)
        if self.absent == "zero" and "null" not in info.types:
            if needed or (info.default not in (MISSING, None) and info.default != zero):
                return zero
        elif self.absent == "default" and needed:
            return MISSING if info.default is MISSING else encode(info, info.default)
        return MISSING

    def _is_default(self, info: FieldInfo, live: Any) -> bool:
        if info.default is MISSING or live is MISSING:
            return False
        return strictly_equal(
            canonical(info, encode(info, info.default), self.absent), canonical(info, live, self.absent)
        )

    def _is_hidden(self, info: FieldInfo, live: Mapping[str, Json], name: str) -> bool:
        shown = live.get(name, MISSING)
        return is_masked(info, shown) or info.is_secret_beside(live) or (info.write_only and shown in (MISSING, None))

    def _hidden(
        self,
        found: JsonObject,
        info: FieldInfo,
        name: str,
        live: Mapping[str, Json],
        place: Path,
        *,
        needed: bool,
    ) -> None:
        child = info.child(name)
        if child.presence is not None and not live.get(child.presence) and not needed:
            return  # the answer says that there is none
        inside_list = any(isinstance(step, int) for step in place)
        if child.types and "string" not in child.types:
            if needed:
                self.omitted.append(Omitted(place=place, reason=_UNREADABLE))
            else:
                found[name] = Commented("…", _HIDDEN)
        elif needed:
            found[name] = self._secret(place, None)
        elif not inside_list:
            found[name] = Commented("${env:" + self.names.secret(place) + "}", _HIDDEN)

    def items(self, info: FieldInfo, live: Sequence[Json], place: Path, *, secret: bool) -> Any:
        items = info.child(0)
        ordered = list(live)
        if info.is_set:
            ordered.sort(key=lambda item: (item_key(info, item), canonical_json(item)))
        found = []
        for index, item in enumerate(ordered):
            if is_masked(items, item) or item is None:
                self.omitted.append(Omitted(place=place, reason="an item of the list cannot be read"))
                return MISSING
            at = (*place, index)
            if isinstance(item, dict):
                exact = info.is_set and not info.key
                value = self.members(
                    items, item, at, secret=secret or items.sensitive, whole=items.is_whole, exact=exact
                )
                value = {} if value is MISSING else value
            elif isinstance(item, list):
                value = self.items(items, item, at, secret=secret)
                value = [] if value is MISSING else value
            else:
                value = self.value(items, item, at, secret=secret)
                if value is MISSING:
                    value = escaped(decode(items, item))  # zero is an item all the same
            found.append(value)
        return found


def _required(kind: Kind) -> frozenset[str]:
    """Return the fields that a manifest has to state, also of an object that is to be made again."""
    create = kind.definition.write.create
    return frozenset(kind.definition.schema_.get("required", ())) | frozenset(create.required if create else ())


def _stated(kind: Kind, live: LiveObject, names: Names, *, sparing: bool) -> _Walk:
    walk = _Walk(kind=kind, names=names, sparing=sparing)
    walk.spec = walk.members(kind.fields, live.spec, (), secret=False, whole=False)
    for place in dict.fromkeys(_field_around(kind, path) for path in walk.circles):
        if place and _holds(walk.spec, place):
            # Of a link that both objects show, one side is enough; and no order could make both.
            walk.spec = edited(walk.spec, [Edit(place=place)])
            walk.omitted.append(Omitted(place=place, reason="it names objects that refer to this one"))
    return walk


def _told(walk: _Walk) -> Stated:
    wrong = _mistakes(walk.kind, walk)
    why = "; ".join(f"{format_pointer(path) or 'its spec'}: {message}" for path, message in wrong)
    return Stated(
        spec=walk.spec,
        secrets=tuple(one for one in walk.secrets if _holds(walk.spec, one.place)),
        omitted=tuple(walk.omitted),
        impossible=why,
    )


def _with_needed_secrets(kind: Kind, walk: _Walk, names: Names) -> _Walk:
    """State the secrets that cannot be read and without which the spec is not valid; a person gives their values."""
    before = len(_mistakes(kind, walk))
    hidden = [path for path, one in _comments_in(walk.spec, ()) if one.text.startswith("${env:")]
    if not before or not hidden:
        return walk
    commented = {path: get(walk.spec, path) for path in hidden}
    for path in hidden:
        walk.spec = edited(walk.spec, [Edit(place=path, value=commented[path].text)])
    fewest = len(_mistakes(kind, walk))
    for path in hidden:
        tried = replace(walk, spec=edited(walk.spec, [Edit(place=path, value=commented[path])]))
        if len(_mistakes(kind, tried)) <= fewest:
            walk.spec = tried.spec
        else:
            walk.secrets.append(Secret(name=names.secret(path), place=path))
            walk.stand_ins.add(path)
    return walk


def _comments_in(value: Any, path: Path) -> Iterator[tuple[Path, Commented]]:
    if isinstance(value, Commented):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _comments_in(item, (*path, name))


def _without_mistakes(kind: Kind, walk: _Walk) -> _Walk:
    """Leave out fields until what is left is valid, or until leaving out helps no more."""
    wrong = _mistakes(kind, walk)
    while wrong:
        places = [(_field_around(kind, path), message) for path, message in wrong]
        removable = [(place, message) for place, message in places if place and _holds(walk.spec, place)]
        if not removable:
            return walk
        place, message = removable[0]
        walk.spec = edited(walk.spec, [Edit(place=place)])
        walk.omitted.append(Omitted(place=place, reason=f"a manifest cannot state its live value: {message}"))
        wrong = _mistakes(kind, walk)
    return walk


def _field_around(kind: Kind, path: Path) -> Path:
    """Return the field at or around `path` that can be left out: no item of a list, and nothing that is required."""
    place = path[: next((n for n, step in enumerate(path) if isinstance(step, int)), len(path))]
    while place:
        around = kind.fields.at(place[:-1]).schema if place[:-1] else kind.definition.schema_
        if place[-1] not in around.get("required", ()):
            return place
        place = place[:-1]
    return ()


def says_nothing(kind: Kind, live: LiveObject) -> bool:
    """Tell an object of which there is always one, and of which nothing was ever set."""
    if not kind.definition.identity.singleton:
        return False
    names = Names(reference=lambda names, remote_id: None, secret=lambda place: "SECRET")
    place = {*kind.scope, *kind.place, *kind.key}
    stated = _stated(kind, live, names, sparing=True).spec
    return not any(name not in place and value not in ([], {}) for name, value in without_comments(stated).items())


def _mistakes(kind: Kind, walk: _Walk) -> list[tuple[Path, str]]:
    found = mistakes(
        CompiledSchema(kind.definition.schema_),
        without_comments(walk.spec),
        hidden=lambda path: True,
        unknown=frozenset(walk.stand_ins),
    )
    return [(one.path, one.message) for one in found]


def without_comments(value: Any) -> Any:
    """Return a written value without the members that are comments."""
    if isinstance(value, dict):
        return {name: without_comments(item) for name, item in value.items() if not isinstance(item, Commented)}
    if isinstance(value, list):
        return [without_comments(item) for item in value]
    return value


def _holds(value: Any, path: Path) -> bool:
    return not isinstance(get(value, path), Missing)
