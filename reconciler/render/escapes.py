"""Foreign text made harmless for each place that it is shown in. Pure. The one place for it.

Names and values come from manifests of strangers and from live systems. Wherever they are shown they are text and
nothing else: no terminal sequence, no markup, no command of a pipeline. What is changed stays visible: a character that
cannot be shown becomes its escape, as in `\\x1b`.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

# Commands that pipelines look for inside lines (`##[group]`, `##vso[…]`, `##teamcity[…]`), and at their start (`::…`).
# Sources: GitHub runner, ActionCommand.cs; Azure Pipelines, logging commands; TeamCity, service messages.
_INLINE_COMMAND = re.compile(r"#(?=#[A-Za-z]*\[)")
_LEADING_COMMAND = re.compile(r"^(\s*):(?=:)")
_UNPRINTABLE_IN_JSON = re.compile(r"[^\x00-\x7e]")


def printable(text: str) -> str:
    """Return `text` on one line for a terminal or a log: control, bidirectional and invisible characters escaped.

    So are marks that stand apart from their letter although one character would hold both: they look the same.

    Nothing in it is a command to the pipeline whose log it ends up in.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escape(c) for c in text)
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text = "".join(_escape(c) if unicodedata.combining(c) else c for c in text)
    if "##" in text:
        text = _INLINE_COMMAND.sub(r"\\x23", text)
    return _LEADING_COMMAND.sub(r"\1\\x3a", text) if "::" in text else text


def _escape(character: str) -> str:
    # A lone surrogate, as JSON may hold, has no encoding of its own.
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def json_text(text: str) -> str:
    """Return JSON text in which what is not printable stands as an escape of JSON; it means the same."""
    shown = _UNPRINTABLE_IN_JSON.sub(_json_escape, text)
    return _INLINE_COMMAND.sub(r"\\u0023", shown) if "##" in shown else shown


def _json_escape(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


# --------------------------------------------------------------------------- Markdown

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~@&!$^]|://")


def markdown_code(text: str) -> str:
    """Return `text` as a code span, in which nothing is markup, link or mention; also in a cell of a table."""
    shown = _without_marks(printable(text)).replace("|", r"\x7c") or " "
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def markdown_text(text: str) -> str:
    """Return a sentence of our own, in which a name may stand, as text without markup."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0][0])};{found[0][1:]}", printable(text))


def markdown_fence(lines: list[str], language: str = "") -> str:
    """Return `lines`, each printable by itself, as a block of code that none of them can end."""
    shown = [_without_marks(printable(line)) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *shown, fence])


def _without_marks(text: str) -> str:
    """Break what looks like a mark: some look for marks in the whole text of a comment."""
    return text.replace("<!--", r"\x3c!--")


def markdown_mark(name: str, *, drift: bool = False, configuration: str = "") -> str:
    """Return the hidden mark of a comment about the target `name`; it ends where it is meant to end.

    Drift has a mark of its own: a comment about it must not take the place of one about a plan. So has a
    `configuration` that is not at the top of the repository: another one may have a target of the same name.
    """
    place = uri(configuration).replace("--", "%2D%2D")
    elsewhere = "" if place in ("", "reconciler.yaml") else f" config={place}"
    return f"<!-- reconciler:{'drift' if drift else 'target'}={quote(printable(name), safe='')}{elsewhere} -->"


def markdown_url(url: str) -> str:
    """Return a URL that somebody who runs the pipeline gave, as a link's destination."""
    return quote(printable(url), safe="/:?&=#%+,;@~.-_!$'*") if url.startswith(("https://", "http://")) else ""


# --------------------------------------------------------------------------- HTML and XML


def html(text: str) -> str:
    """Return `text` for HTML, as content or in a quoted attribute."""
    import html as _html  # here, because nothing else needs its table of names

    return _html.escape(printable(text), quote=True)


# --------------------------------------------------------------------------- pipelines and reports


def command_message(text: str) -> str:
    """Return the message of a GitHub workflow command. `\\n` stays a line break.

    Source: GitHub's toolkit, command.ts, escapeData.
    """
    lines = [printable(line) for line in text.split("\n")]
    return "%0A".join(line.replace("%", "%25") for line in lines)


def command_property(text: str) -> str:
    """Return a property of a GitHub workflow command. Source: the toolkit, command.ts, escapeProperty."""
    return printable(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def sarif_message(text: str) -> str:
    """Return a message of SARIF: no placeholder and no link in it.

    Source: SARIF 2.1.0, 3.11.5 (braces are doubled) and 3.11.6 (brackets of embedded links are escaped).
    """
    shown = printable(text).replace("[", "\\[").replace("]", "\\]")
    return shown.replace("{", "{{").replace("}", "}}")


def uri(path: str) -> str:
    """Return a file's path as a URI reference."""
    return quote(printable(path), safe="/~.-_")
