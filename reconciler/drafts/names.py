"""Words out of names, and what a name alone lets one guess: kinds, parents, natural keys, secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence


def word_set(text: str) -> frozenset[str]:
    """Return the words of `text`, which blanks part."""
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ODD_PLURALS = {
    "children": "child",
    "data": "data",
    "indices": "index",
    "people": "person",
    "policies": "policy",
    "series": "series",
    "settings": "settings",
    "statuses": "status",
    "vertices": "vertex",
}
_ID_WORDS = frozenset({"id", "uuid", "guid", "uid", "slug", "name", "key", "identifier", "ref"})


def words(name: str) -> list[str]:
    """Return the words of `name` in lower case, however they are joined: `userIDs`, `user_ids`, `user-ids`."""
    return [word.lower() for word in _WORD.findall(re.sub(r"IDs\b", "Ids", name))]


def normal(name: str) -> str:
    """Return `name` as it compares across spellings: letters and digits in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def singular(word: str, known: Collection[str] = ()) -> str:
    """Return the singular of an English plural; among several, the one that is among the `known` words."""
    if word in _ODD_PLURALS:
        return _ODD_PLURALS[word]
    if not word.endswith("s") or word.endswith(("ss", "us", "is")) or len(word) < 3:
        return word
    candidates = [word[:-1]]
    if word.endswith("ies"):
        candidates.insert(0, word[:-3] + "y")
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        candidates.insert(0, word[:-2])
    elif word.endswith(("ses", "oes")):
        candidates.append(word[:-2])
    return next((c for c in candidates if c in known), candidates[0])


def kind_name(segment: str, known: Collection[str] = ()) -> str:
    """Return the name of a kind for a segment of a path: `endpoint-connections` gives EndpointConnection."""
    found = words(segment) or ["object"]
    found[-1] = singular(found[-1], known)
    name = "".join(word.capitalize() for word in found)
    return name if name[0].isalpha() else "Kind" + name


def kebab(name: str) -> str:
    """Return `name` in lower case with hyphens: EndpointConnection gives endpoint-connection."""
    return "-".join(words(name))


def stem(name: str) -> list[str]:
    """Return the words of an id's name without those that say that it is one: `gateway_id` gives [gateway]."""
    found = words(name)
    return found[:-1] if found and found[-1] in _ID_WORDS else found


def joined(parts: Sequence[str], like: str) -> str:
    """Return words joined as the name `like` joins its own: with `_`, or in camel case."""
    if "_" in like:
        return "_".join(parts)
    return parts[0] + "".join(word.capitalize() for word in parts[1:]) if parts else ""


def template_name(name: str) -> str:
    """Return `name` as one that can stand in a template: letters, digits, `_` and `-`, a letter first."""
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")
    return cleaned if cleaned[:1].isalpha() else "x_" + cleaned if cleaned else "x"


# --------------------------------------------------------------------------- guesses

_KEY_FIELDS = (
    "name", "slug", "key", "code", "identifier", "username", "login", "handle", "externalid", "hostname", "domain",
    "fqdn", "alias", "email", "path", "url", "displayname", "label", "title",
)  # fmt: skip
_NAMES_OF_MANIFESTS = frozenset({"name", "slug", "key", "code", "identifier", "handle", "alias", "hostname", "label"})


def natural_key(names: Iterable[str], noun: str) -> str | None:
    """Return the field that most probably tells objects apart for people, or None."""
    by_normal = {normal(name): name for name in reversed(list(names))}
    for candidate in (*_KEY_FIELDS[:2], f"{normal(noun)}name", *_KEY_FIELDS[2:]):
        if candidate in by_normal:
            return by_normal[candidate]
    return None


def names_manifests(field: str) -> bool:
    """Tell whether `metadata.name` is a sensible value for the natural key `field`."""
    return normal(field) in _NAMES_OF_MANIFESTS or normal(field).endswith("name")


_SECRET_WORDS = word_set(
    "password passwd passphrase pwd secret secrets credential credentials apikey authorization dsn"
)
_SECRET_KEYS = word_set("api access private secret signing auth encryption account shared master service")
_ABOUT_SECRETS = word_set(
    "id ids name type url uri endpoint expiry expires expiration ttl count enabled limit length policy ref "
    "reference version at hint algorithm format scope scopes required set"
)


def looks_secret(name: str) -> bool:
    """Tell whether a field of this name most probably holds a secret: password, secret, token, API key and the like."""
    found = words(name)
    if not found or found[-1] in _ABOUT_SECRETS:
        return False
    if _SECRET_WORDS & set(found) or found[-1] == "token" or found[-2:] == ["connection", "string"]:
        return True
    return found[-1] == "key" and len(found) > 1 and found[-2] in _SECRET_KEYS
