"""Names that a person would give: of manifests, of their files, of the environment variables of secrets. Pure.

The same live objects get the same names in every run, whatever the order in which lists show them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from hashlib import sha256

from reconciler.core.compare.normalize import decode
from reconciler.core.export.scopes import parent_of
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import Json, LiveObject
from reconciler.core.pointer import Path

_LONGEST = 120  # characters of a name, which is also the name of a file
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
# Names that Windows gives to devices; a repository may be checked out there.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def as_name(text: str) -> str:
    """Return a text as a name of a manifest: ASCII letters and digits, `.`, `_` and `-`. Empty where none is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = _NOT_IN_NAMES.sub("-", plain).strip("._-")
    lost = sum(not character.isspace() for character in text) > 2 * len(name)
    if len(name) > _LONGEST or (lost and name):
        name = f"{name[: _LONGEST - 9].rstrip('._-')}-{_short_digest(text)}"
    return name or (f"n-{_short_digest(text)}" if text.strip() else "")


def as_file_name(name: str) -> str:
    """Return the name of a manifest as the name of its file, without the ending."""
    return f"{name}-file" if _DEVICES.fullmatch(name) else name


def name_of(
    kind: Kind,
    live: LiveObject,
    parents: Iterable[str] = (),
    *,
    holds_secret: Callable[[str], bool] = lambda text: False,
) -> str:
    """Return the name that the natural key of `live` makes, with the names of `parents` in front of it.

    No secret is part of it.
    """
    open_fields = (field for field in kind.key if not kind.fields.hides((field,), ever=True))
    texts = {field: _key_text(kind, live, field) for field in open_fields}
    plain = [field for field, text in texts.items() if parent_of(kind, field) is None and not holds_secret(text)]
    own = [texts[field] for field in plain]
    # Ids of things that are no kinds tell a reader nothing.
    own = [part for part in own if not _UUID.fullmatch(part)] or own
    text = "-".join(part for part in [*parents, *own] if part)
    # The digest of a secret would tell it to who can guess.
    if (
        not (kind.secret_id or holds_secret(live.id))
        and len(plain) < len(kind.key)
        and not (plain and own != [part for part in own if _UUID.fullmatch(part)])
    ):
        text = f"{text}-{_short_digest(live.id)}"
    return as_name(text) or ("-".join(words(kind.name)).lower() if kind.definition.identity.singleton else "")


def unique(name: str, taken: Collection[str]) -> str:
    """Return `name`, with a number where it is taken, in upper or lower case, already. `taken` is in lower case."""
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def environment_name(kind: Kind, name: str, place: Path) -> str:
    """Return the name of the environment variable that holds a secret of one object, as in SHOP_PRODUCT_TEA_TOKEN."""
    steps = [kind.definition.system, "_".join(words(kind.name)), name, *("_".join(words(str(one))) for one in place)]
    text = unicodedata.normalize("NFKD", "_".join(steps)).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


def words(text: str) -> list[str]:
    return _WORDS.findall(unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode())


def _key_text(kind: Kind, live: LiveObject, field: str) -> str:
    value: Json = decode(kind.fields.child(field), live.spec.get(field))
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _short_digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]
