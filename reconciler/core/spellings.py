"""In which spellings a text may hold a secret: as servers, logs and browsers write what they were sent. Pure.

Letter case is for who searches: all spellings are in lower case.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

LONG = 8  # from here on a secret is recognised inside of words, and where only half of it was kept
SHORTEST_PART = 6  # of the words of a secret: shorter ones are in too many innocent texts

_NUMBERED_IN_HTML = (re.compile(r"[^A-Za-z0-9 ]"), re.compile(r"[^\w ]"))  # letters of other alphabets too, or not
_GO = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_SPECIAL_IN_JSON = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&'\"\\+=/`"})


def lower(text: str) -> str:
    """Return `text` in lower case, character by character: places in it are places in `text`."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


def with_spaces(text: str) -> str:
    """Return `text` on one line: what cannot be printed becomes a space. Messages of servers are shown like that."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def spellings(value: str) -> set[str]:
    """Return every spelling of a whole secret, those in other encodings only of one that is long."""
    found = set() if value.isascii() else {value.upper(), value.title()}  # which may be longer
    found |= {value, with_spaces(value), " ".join(value.split()), *_in_json(value), repr(value)[1:-1]}
    found |= {again for once in _in_json(value) for again in _in_json(once)}  # JSON within JSON
    found |= set(_in_html(value)) | set(_percent_encoded(value))
    if len(value) >= LONG:
        raw = value.encode("utf-8", "surrogateescape")
        found |= {raw.hex(), *_in_base64(raw)}
    shortest = LONG if len(value) >= LONG else len(value)
    return {lower(one) for one in found if len(one) >= shortest}


def parts(value: str) -> Iterator[tuple[str, bool]]:
    """Yield what of a secret gives it away: its lines, its words, its first half; and whether only as a whole word."""
    if len(value) < LONG:
        return
    # Each line of a key or certificate is as secret as the whole.
    yield from ((lower(line.strip()), False) for line in value.splitlines() if len(line.strip()) >= 16)
    words = value.split()
    for word in words if len(words) > 1 else ():
        inner = word.strip("\"'.,;:()[]{}")
        if len(inner) >= SHORTEST_PART:
            yield lower(inner), len(inner) < LONG or inner.isalpha()
    half = value[: max(LONG, -(-len(value) // 2))]
    # A message that was cut by the server ends within it. Half an address is anybody's.
    if len(half) < len(value) and "://" not in value and not value.startswith("-----BEGIN"):
        yield from ((spelled, False) for spelled in {lower(half), *map(lower, _in_json(half))})


def _in_json(value: str) -> set[str]:
    escaped = json.dumps(value, ensure_ascii=False)[1:-1]
    return {
        escaped,
        json.dumps(value)[1:-1],
        escaped.replace("/", "\\/"),
        escaped.translate(_GO),  # as Go does it
        value.translate(_SPECIAL_IN_JSON),  # as .NET and Jackson do it
    }


def _in_html(value: str) -> Iterator[str]:
    yield html.escape(value, quote=False)
    for quoted in ("&#x27;", "&#39;", "&#039;", "&apos;"):
        yield html.escape(value).replace("&#x27;", quoted)
        yield html.escape(value).replace("&#x27;", quoted).replace("&quot;", "&#34;")
    for numbered in _NUMBERED_IN_HTML:
        yield numbered.sub(lambda found: f"&#{ord(found[0])};", value)
        yield numbered.sub(lambda found: f"&#x{ord(found[0]):x};", value)


def _percent_encoded(value: str) -> Iterator[str]:
    if not value.isascii():
        value = value.encode("utf-8", "surrogateescape").decode("latin-1")
        once = [quote(value, safe=safe, encoding="latin-1") for safe in ("", "/", "/:?&=+$,;@!'()*~")]
    else:
        once = [quote(value, safe=safe) for safe in ("", "/", "/:?&=+$,;@!'()*~")]
    once.append(quote_plus(value, encoding="latin-1"))
    for text in once:
        yield text
        yield quote(text, safe="")


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield what base64 makes of `raw` inside of any other text: three alignments, in both alphabets."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        first = (0, 2, 3)[shift]  # characters that also hold bits of what stands before
        last = len(encoded) - (1 if (shift + len(raw)) % 3 else 0)  # one that also holds bits of what follows
        core = encoded[first:last]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def finder(needles: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that finds any of `needles`, the longest first; None of none.

    By first characters: an alternation of thousands would be tried at every place.
    """
    tree: dict[str, dict[str, list[str]]] = {}
    for needle in sorted(set(needles), key=lambda one: (-len(one), one)):
        tree.setdefault(needle[0], {}).setdefault(needle[1:2], []).append(needle[2:])
    if not tree:
        return None
    return re.compile(
        "|".join(
            re.escape(first)
            + "(?:"
            + "|".join(
                f"{re.escape(second)}(?:{'|'.join(map(re.escape, rest))})"
                for second, rest in sorted(inner.items(), reverse=True)
            )
            + ")"
            for first, inner in sorted(tree.items())
        )
    )
