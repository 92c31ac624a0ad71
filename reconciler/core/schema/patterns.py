"""Patterns of JSON Schema as Python reads them: the regular expressions of ECMA 262. Pure.

Python's `$` also fits before a last line break, its `\\d` fits the digits of every script, and its `\\s` and `.` mean
other characters. Editors and other validators read the same schemas, and must come to the same verdict.
Source: ECMA-262, 16th edition, sections 22.2.1 and 22.2.2.9; JSON Schema 2020-12 Core, section 6.4.
"""

from __future__ import annotations

import functools
import re

_SPACE = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_INSIDE = {"d": "0-9", "w": "A-Za-z0-9_", "s": _SPACE}
_OUTSIDE = {
    **{name: f"[{members}]" for name, members in _INSIDE.items()},
    **{name.upper(): f"[^{members}]" for name, members in _INSIDE.items()},
}
_TOKEN = re.compile(r"\\(?P<escape>.)|(?P<plain>[$.\[\]])", re.DOTALL)


@functools.lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return `pattern` for Python's `search`. Raises re.error when it is none."""
    return re.compile(in_python(pattern))


def in_python(pattern: str) -> str:
    """Return the Python spelling of an ECMA 262 pattern; what has none stays as it is."""
    inside = False

    def spell(token: re.Match[str]) -> str:
        nonlocal inside
        match token["escape"], token["plain"]:
            case str() as name, _:
                return (_INSIDE if inside else _OUTSIDE).get(name, token[0])
            case _, "[" if not inside:
                inside = True
            case _, "]":
                inside = False
            case _, "$" if not inside:
                return r"\Z"
            case _, "." if not inside:
                return r"[^\n\r\u2028\u2029]"
        return token[0]

    return _TOKEN.sub(spell, pattern)


_PUNCTUATION = re.compile(r"\\[^A-Za-z0-9]")
# Word edges, back references, characters by number or property, groups by name, classes in classes or of what is not.
_ODD = re.compile(r"\\[bBkpPxuc0-9]|\(\?(?![:=!])|\[\^?\]|\[[^\]]*(?:\[|\\[DWS])|\{,")


def has_one_meaning(pattern: str) -> bool:
    """Tell whether every reader of regular expressions takes `pattern` alike, once it is spelled for it."""
    return _ODD.search(_PUNCTUATION.sub("x", pattern)) is None
