"""Which live objects are meant: by kind, name and values. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json
from reconciler.core.compare.normalize import decode
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import Json, LiveObject
from reconciler.core.pointer import MISSING, Path, get
from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which live objects a command is about: patterns, one of which must fit, and values, all of which must hold."""

    patterns: tuple[str, ...] = ()
    where: tuple[tuple[Path, str], ...] = ()

    def may_include(self, kind: Kind) -> bool:
        """Tell whether any object of `kind` can be wanted, so that it has to be read."""
        return not self.patterns or any(fits_kind(pattern, kind) for pattern in self.patterns)

    def names(self, address: Address) -> bool:
        """Tell whether an address is meant, of whose object nothing else is known."""
        if self.where:
            return False
        full = f"{address.system}.{address.kind}"
        for pattern in self.patterns:
            of_kind, slash, of_name = pattern.partition("/")
            of_that_kind = fnmatchcase(full, of_kind) or fnmatchcase(address.kind, of_kind)
            if of_that_kind and (not slash or fnmatchcase(address.name, of_name)):
                return True
        return False

    def includes(self, kind: Kind, live: LiveObject, name: str) -> bool:
        return self._names(kind, live, name) and all(
            canonical_text(decode_at(kind, live, path)) == value for path, value in self.where
        )

    def _names(self, kind: Kind, live: LiveObject, name: str) -> bool:
        if not self.patterns:
            return True
        for pattern in self.patterns:
            of_kind, slash, of_name = pattern.partition("/")
            if fits_kind(of_kind, kind) and (not slash or any(fnmatchcase(text, of_name) for text in (name, live.id))):
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """Objects that nobody means to manage, and why."""

    objects: Wanted
    reason: str


def fits_kind(pattern: str, kind: Kind) -> bool:
    """Tell whether a pattern, `system.Kind/name` or a part of it, is about `kind`."""
    of_kind = pattern.partition("/")[0]
    return fnmatchcase(kind.full_name, of_kind) or fnmatchcase(kind.name, of_kind)


def decode_at(kind: Kind, live: LiveObject, path: Path) -> Json:
    """Return a field of a live object as a manifest would state it; MISSING where there is none."""
    return decode(kind.fields.at(path), get(live.spec, path))


def canonical_text(value: Json) -> str:
    """Return a value as people write it in conditions: a text as it is, anything else as JSON."""
    return "" if value is MISSING or value is None else value if isinstance(value, str) else canonical_json(value)
