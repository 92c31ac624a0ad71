"""The memory of applies: per address the remote id and digests of what was applied, never a value. Pure.

Fields are remembered as digests, secrets as keyed digests, so that the ledger may be public. The key comes from the
environment; without one a random salt and a slow function (scrypt, RFC 7914) make guessing expensive.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json
from reconciler.core.compare.normalize import Remembers
from reconciler.core.model import Json
from reconciler.core.pointer import MISSING, Path, format_pointer, get, parse_pointer, starts_with
from reconciler.core.records import dataclass

FORMAT = 3  # 1 did not hold what removing an object needs, 2 not which plans were used
MOST_PLANS = 500  # that are remembered as used, the newest
FORGOTTEN = ""  # in place of a secret's digest that nothing can be compared with any more
UNSENT = "unsent"  # in place of a digest: it is wanted, no answer shows it, and it was never sent from here
UNSURE = "?"  # in place of a digest when a write was cut short: whatever is wanted counts as not yet applied


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What removing an object takes once its manifest is gone.

    `place` says where the object is, as its id does: the fields that the paths of its kind's calls name. A secret
    never stands in it, so an object with a secret in its path can only be removed while it is stated.
    """

    protect: bool = False  # its manifest said that it is never deleted
    place: Mapping[str, Json] = field(default_factory=dict)
    parents: tuple[Address, ...] = ()  # what it referred to, for the order; in address order


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is remembered of one address. Digests by JSON Pointer; `secrets` are keyed."""

    id: str
    fields: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    applied_at: str = ""  # RFC 3339
    revision: str = ""  # Git revision of the manifests; for people
    removal: Removal | None = None  # None: recorded before this was remembered, so nobody knows
    owed: tuple[str, ...] = ()  # marks of follow-ups that have not been carried out yet, in order
    named: str = ""  # the address that the digests of secrets are bound to, when it has been renamed since

    def unsure(self, *, everything: bool = False) -> Record:
        """Return the record after a write that may or may not have happened: secrets count as not applied.

        With `everything`, so do all other fields, for objects that cannot be read. What was never sent from here
        still was not, as far as anybody knows.
        """
        return replace(
            self,
            fields=dict.fromkeys(self.fields, UNSURE) if everything else self.fields,
            secrets=_marked(self.secrets, UNSURE),
        )

    @property
    def cut_short(self) -> bool:
        """Tell whether the last change may not have come to its end, so that the next one only finishes it."""
        return UNSURE in self.secrets.values() or UNSURE in self.fields.values() or not (self.fields or self.secrets)

    def owing(self, marks: Iterable[str]) -> Record:
        """Return the record with these follow-ups not carried out yet."""
        return replace(self, owed=tuple(sorted({*self.owed, *marks})))

    def forgetful(self) -> Record:
        """Return the record without the digests of secrets, which can be compared with nothing any more."""
        return replace(self, secrets=_marked(self.secrets, FORGOTTEN))

    def has_forgotten(self, path: Path) -> bool:
        """Tell whether a secret at `path` was sent from here, and its digest can be compared with nothing."""
        places = (parse_pointer(pointer) for pointer, digest in self.secrets.items() if digest == FORGOTTEN)
        return any(starts_with(place, path) or starts_with(path, place) for place in places)


def _marked(secrets: Mapping[str, str], mark: str) -> dict[str, str]:
    return {pointer: UNSENT if digest == UNSENT else mark for pointer, digest in secrets.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretDigest:
    """Digests of secrets, bound to the address and field they belong to."""

    key: bytes = field(repr=False, default=b"")  # from the environment; empty: use the salt, slowly
    salt: bytes = field(repr=False, default=b"")
    # What digests were made with before a key that can be guessed was strengthened; they stay comparable.
    former_key: bytes = field(repr=False, default=b"")

    @property
    def check(self) -> str:
        """A digest of a constant under the key, which tells one key from another; empty without a key."""
        return hmac.new(self.key, b"key of a reconciler ledger", hashlib.sha256).hexdigest()[:32] if self.key else ""

    def of(self, address: Address | str, pointer: str, value: Json) -> str:
        """Return the digest of a secret in hexadecimal."""
        return _secret_digest(self.key, self.salt, _bound(address, pointer, value))

    def matches(self, digest: str, address: Address | str, pointer: str, value: Json) -> bool:
        """Return whether `digest` was made of this secret."""
        if hmac.compare_digest(digest, self.of(address, pointer, value)):
            return True
        if not self.former_key:
            return False
        former = _secret_digest(self.former_key, self.salt, _bound(address, pointer, value))
        return hmac.compare_digest(digest, former)


def _bound(address: Address | str, pointer: str, value: Json) -> str:
    return f"{address}\n{pointer}\n{canonical_json(value)}"


def _secret_digest(key: bytes, salt: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest() if key else _slow_digest(salt, text)


def slow_digests() -> int:
    """Return how many digests this process has made without a key: each takes some hundredths of a second."""
    return _slow_digest.cache_info().misses


@functools.lru_cache(maxsize=65536)
def _slow_digest(salt: bytes, text: str) -> str:
    return hashlib.scrypt(text.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32).hex()


def _plain_digest(pointer: str, value: Json) -> str:
    return hashlib.sha256(f"{pointer}\n{canonical_json(value)}".encode(errors="surrogatepass")).hexdigest()[:32]


def leaves(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yield the scalars, empty containers and whole lists of `value` with their paths."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    else:
        yield path, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was applied to one address."""

    address: Address
    remote_id: str
    stated: Json = field(repr=False)  # the manifest's fields, references filled in
    # The same in the form in which they are compared; a field left out there was applied as nothing.
    canonical: Json = field(repr=False)
    by_memory: Mapping[Path, Json] = field(repr=False, default_factory=dict)  # the part of it that no answer shows
    hides: Callable[[Path], bool]
    unsent: Mapping[Path, str] = field(default_factory=dict)  # what nobody knows to be so, with the mark in its place
    removal: Removal | None = None


def make_record(applied: Applied, secret: SecretDigest) -> Record:
    """Return the record of what was applied: a digest for each stated leaf; a list counts as one leaf.

    What no answer shows inside a list has a digest of its own besides, since nothing else can tell that it moved.
    """
    address = applied.address
    fields: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for pointer, value, hidden in _recorded(applied):
        mark = _mark_at(parse_pointer(pointer), applied.unsent)
        if mark is not None:
            (secrets if hidden else fields)[pointer] = mark
        elif hidden:
            secrets[pointer] = secret.of(address, pointer, value)
        else:
            fields[pointer] = _plain_digest(pointer, value)
    return Record(id=applied.remote_id, fields=fields, secrets=secrets, removal=applied.removal)


def _mark_at(path: Path, unsent: Mapping[Path, str]) -> str | None:
    """Return the mark of what was not sent at `path`, or above it.

    A list that holds such a thing keeps its digest, since what can be seen of it is known.
    """
    return next((mark for place, mark in unsent.items() if starts_with(path, place)), None)


def _recorded(applied: Applied) -> Iterator[tuple[str, Json, bool]]:
    """Yield what a record holds a digest of, with its JSON Pointer, and whether it is secret."""
    places = {path: get(applied.canonical, path) for path, _ in leaves(applied.stated)}
    inside = {p: v for p, v in applied.by_memory.items() if any(p[:length] in places for length in range(len(p)))}
    for path, found in (places | inside).items():
        value = None if found is MISSING else found
        yield format_pointer(path), value, _hides_any(path, value, applied.hides)


def likeness(record: Record, wanted: Applied, counts: Callable[[Path], bool]) -> float:
    """Return which share of the fields that either of the two holds is the same in both: 0 to 1.

    Secrets are left out, since their digests are slow to make, and so are fields whose path does not count.
    """
    fresh = {pointer: _plain_digest(pointer, value) for pointer, value, hidden in _recorded(wanted) if not hidden}
    pointers = {one for one in (record.fields.keys() | fresh.keys()) if counts(parse_pointer(one))}
    same = sum(pointer in record.fields and record.fields[pointer] == fresh.get(pointer) for pointer in pointers)
    return same / len(pointers) if pointers else 0.0


def _hides_any(path: Path, value: Json, hides: Callable[[Path], bool]) -> bool:
    if hides(path):
        return True
    if isinstance(value, list):
        return any(_hides_any((*path, index), item, hides) for index, item in enumerate(value))
    if isinstance(value, dict):
        return any(_hides_any((*path, name), item, hides) for name, item in value.items())
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The records of one target."""

    target: str
    records: Mapping[Address, Record] = field(default_factory=dict)
    secret: SecretDigest = SecretDigest()
    revision: str = ""  # Git revision that was applied last; "" when nobody knows
    plans: Mapping[str, str] = field(default_factory=dict)  # digests of saved plans that were applied: when

    def remembers(self, address: Address, remote_id: str) -> Remembers:
        """Return a function that tells whether a value is the one last applied at a path of `address`.

        It says None when nobody knows: there is no record, it is about another object, or its secrets were
        forgotten or never sent. A path that a record does not cover was not stated then, so its value is not the one
        applied.
        """
        record = self.records.get(address)
        if record is not None and record.id not in ("", remote_id):
            record = None

        def compare(path: Path, value: Json) -> bool | None:
            if record is None:
                return None
            pointer = format_pointer(path)
            if pointer in record.secrets:
                if record.secrets[pointer] in (FORGOTTEN, UNSENT):
                    return None
                if record.secrets[pointer] == UNSURE:
                    return False
                bound_to = record.named or address
                return self.secret.matches(record.secrets[pointer], bound_to, pointer, value)
            if pointer in record.fields:
                if record.fields[pointer] == UNSENT:
                    return None
                return record.fields[pointer] == _plain_digest(pointer, value)
            if isinstance(value, dict) and value:
                known = [compare((*path, name), item) for name, item in value.items()]
                return None if None in known else all(known)
            return False

        return compare

    def stated_before(self, address: Address) -> frozenset[Path]:
        """Return the paths that were stated when `address` was last applied, a list as one."""
        record = self.records.get(address)
        if record is None:
            return frozenset()
        paths = {parse_pointer(pointer) for pointer in (*record.fields, *record.secrets)}
        return frozenset(path for path in paths if not any(path[:length] in paths for length in range(len(path))))

    def having_used(self, plan: str, at: str) -> Ledger:
        """Return the ledger that knows that a saved plan was applied to its end."""
        newest = sorted({**self.plans, plan: at}.items(), key=lambda item: item[1])[-MOST_PLANS:]
        return replace(self, plans=dict(newest))

    def record_of(self, address: Address) -> Record | None:
        """Return all that is remembered of `address`."""
        return self.records.get(address)

    def addresses(self) -> Collection[Address]:
        """Return the addresses of which something is remembered that was applied to its end."""
        return [address for address, record in self.records.items() if not record.cut_short]

    def remote_ids(self) -> dict[Address, str]:
        """Return the remote ids of all recorded addresses, but for those that are secret and not kept."""
        return {address: record.id for address, record in self.records.items() if record.id}

    def moved(self, old: Address, new: Address) -> Ledger:
        """Return the ledger in which `new` has the record of `old`, for an object whose manifest was renamed."""
        records = dict(self.records)
        record = records.pop(old)
        named = "" if record.named == str(new) else record.named or str(old)
        return replace(self, records={**records, new: replace(record, named=named)})


def read_address(text: str) -> Address:
    """Return the address that `text` is. Raises ValueError."""
    kind, _, name = text.partition("/")
    system, _, kind = kind.partition(".")
    if not (system and kind and name):
        raise ValueError(f"{text!r} is no address")
    return Address(system, kind, name)
