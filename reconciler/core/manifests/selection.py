"""Which resources a command is about: labels and address patterns. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from reconciler.core.address import Address
from reconciler.core.errors import UsageError
from reconciler.core.model import Resource
from reconciler.core.records import dataclass
from reconciler.core.suggest import choose_of, did_you_mean

_TERM = re.compile(r"(?P<key>[^=!,\s]+)\s*(?:(?P<op>==|=|!=)\s*(?P<value>[^,\s]*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Label terms, all of which must hold, and address patterns, one of which must fit."""

    labels: tuple[tuple[str, str, str], ...] = ()  # key, "=", "!=" or "exists", value
    addresses: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        return not self.labels and not self.addresses

    def label_texts(self) -> tuple[str, ...]:
        """Return the label terms as they are written after `-l`."""
        return tuple(key if op == "exists" else f"{key}{op}{value}" for key, op, value in self.labels)

    def includes(self, resource: Resource) -> bool:
        return all(_holds(term, resource.labels) for term in self.labels) and self.names(resource.address)

    def names(self, address: Address) -> bool:
        """Tell whether the address patterns, if there are any, let `address` in; labels do not matter."""
        return not self.addresses or any(fits(pattern, address) for pattern in self.addresses)


def read_selection(selectors: Sequence[str], addresses: Sequence[str]) -> Selection:
    """Return the selection that `-l` and `--address` options mean. Raises UsageError for a malformed one."""
    terms = []
    for selector in selectors:
        for text in selector.split(","):
            match = _TERM.fullmatch(text.strip())
            if match is None or (match["op"] and not match["value"]):
                raise UsageError(
                    f"cannot read the selector {text.strip()!r}",
                    hint="write -l team=support, -l team!=web or -l team",
                )
            op = {"==": "=", "=": "=", "!=": "!=", None: "exists"}[match["op"]]
            terms.append((match["key"], op, match["value"] or ""))
    return Selection(labels=tuple(terms), addresses=tuple(addresses))


def _holds(term: tuple[str, str, str], labels: Mapping[str, str]) -> bool:
    key, op, value = term
    if op == "exists":
        return key in labels
    return (labels.get(key) == value) == (op == "=")


def fits(pattern: str, address: Address) -> bool:
    """Match `system.Kind/name`, `Kind/name` or a bare `name`, each with the globs * ? [...]."""
    full = str(address)
    if "/" not in pattern:
        return fnmatchcase(address.name, pattern) or fnmatchcase(full, pattern)
    return fnmatchcase(full, pattern) or fnmatchcase(f"{address.kind}/{address.name}", pattern)


def select(resources: Iterable[Resource], selection: Selection, recorded: Iterable[Address] = ()) -> frozenset[Address]:
    """Return the addresses of resources that `selection` includes.

    Raises UsageError when it includes none of any, and names none of the `recorded` addresses either.
    """
    known = list(resources)
    included = known if selection.everything else [r for r in known if selection.includes(r)]
    chosen = frozenset(r.address for r in included)
    names_recorded = bool(selection.addresses) and any(selection.names(address) for address in recorded)
    if known and not chosen and not names_recorded:
        raise UsageError(
            "no resource matches the selection",
            hint=next((advice for advice in _advice(known, selection) if advice), _ADDRESSES),
        )
    return chosen


_ADDRESSES = "addresses look like system.Kind/name; `reconciler validate -v` lists all of them"


def _advice(known: Sequence[Resource], selection: Selection) -> Iterator[str]:
    """Yield what may have been meant by each address and label that fits nothing."""
    for pattern in selection.addresses:
        if not any(fits(pattern, one.address) for one in known):
            yield did_you_mean(pattern, (_as_written(one.address, pattern) for one in known))
    for term in selection.labels:
        key, op, value = term
        if not any(_holds(term, one.labels) for one in known):
            values = {one.labels[key] for one in known if key in one.labels}
            if values and op == "=":
                yield choose_of(value, sorted(values), f"the values of the label {key}")
            elif not values:
                labels = sorted({label for one in known for label in one.labels})
                yield choose_of(key, labels, "the labels") or "no resource has labels"


def _as_written(address: Address, pattern: str) -> str:
    """Return `address` in the form that `pattern` has."""
    kind, slash, _ = pattern.partition("/")
    if not slash:
        return address.name
    return str(address) if "." in kind else f"{address.kind}/{address.name}"


def with_parents(chosen: Iterable[Address], resources: Mapping[Address, Resource]) -> frozenset[Address]:
    """Return `chosen` and everything that it refers to, directly or not."""
    found = resources.keys() & frozenset(chosen)
    waiting = [address for address, resource in resources.items() if resource.expressions and address in found]
    while waiting:
        for parent in resources[waiting.pop()].depends_on:
            if parent in resources and parent not in found:
                found.add(parent)
                waiting.append(parent)
    return frozenset(found)
