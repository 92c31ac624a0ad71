"""YAML text to the nodes of ruamel.yaml, one tree for each document, going on after a syntax error. Pure.

No tag is guessed: a node without a written tag carries `UNTAGGED`, and the builder decides what it means.
After a syntax error, reading goes on at the next line that starts with `---`: YAML allows such a line nowhere
inside a document, not even in quotes. Source: YAML 1.2.2, section 9.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner
from ruamel.yaml.tag import Tag

from reconciler.shell.files.limits import DEEPEST
from reconciler.shell.files.nodes import UNTAGGED, SyntaxProblem
from reconciler.shell.files.positions import DOCUMENT_START

MOST_SYNTAX_ERRORS = 20
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_VERSION = re.compile(r"(?:\A|(?<=[\r\n]))%YAML\b")


class _Untagged:
    """Stands in for ruamel.yaml's resolver and resolves nothing."""

    processing_version = (1, 2)

    def descend_resolver(self, node: Node, index: Any) -> None:
        """Nothing depends on where a node stands."""

    def ascend_resolver(self) -> None:
        """Nothing depends on where a node stands."""

    def resolve(self, *_: Any) -> Tag:
        """Every node without a written tag gets the same one."""
        return UNTAGGED


class _Parsing:
    """One run of ruamel.yaml's pure parser, from `offset` to the end of the text."""

    def __init__(self, text: str, offset: int, line: int) -> None:
        # The parts find each other through attributes of their loaders. Without `comment_handling` the
        # scanner keeps no comments, but the parser needs the attribute.
        scanning = SimpleNamespace(processing_version=(1, 2), doc_infos=[SimpleNamespace()])
        parsing = SimpleNamespace(comment_handling=None, max_depth=DEEPEST + 1, _resolver=_Untagged())
        self.reader = Reader(text[offset:], loader=scanning)
        self.reader.index, self.reader.line = offset, line
        self.scanner = parsing._scanner = Scanner(loader=scanning)
        Parser(loader=parsing)
        self.composer = Composer(loader=parsing)
        self.composer.warn_double_anchors = False  # YAML lets an anchor be used again


def compose_yaml(text: str, line: int = 0, most: int = MOST_SYNTAX_ERRORS) -> Iterator[Node | SyntaxProblem]:
    """Yield the root node of each document of `text`, or a problem in its place, up to `most` of them.

    `line` is the line, from 0, on which `text` begins in its file.
    """
    offset, problems = 0, 0
    while True:
        parsing = _Parsing(text, offset, line)
        try:
            while parsing.composer.check_node():
                yield parsing.composer.get_node()
            if parsing.scanner.yaml_version not in (None, (1, 2)):
                yield _version_problem(text)
            return
        except (YAMLError, ValueError, OverflowError) as error:
            # ValueError: ruamel.yaml 0.19 passes escapes such as "\U00110000" to chr() unchecked.
            problem, index = _problem(error, parsing.reader)
        yield problem
        problems += 1
        following = DOCUMENT_START.search(text, max(index, offset + 1))
        if following is None or problems == most:
            return
        line += len(_LINE_BREAK.findall(text, offset, following.start()))
        offset = following.start()


def _version_problem(text: str) -> SyntaxProblem:
    directive = _VERSION.search(text)
    before = text[: directive.start()] if directive else ""
    return SyntaxProblem(
        line=len(_LINE_BREAK.findall(before)) + 1,
        column=1,
        code="yaml-version",
        message="the file asks for a YAML version other than 1.2, where `yes` is not text",
        hint="remove the %YAML line",
    )


def _problem(error: Exception, reader: Reader) -> tuple[SyntaxProblem, int]:
    """Return the problem that `error` stands for, and the index in the text from which to look for more."""
    if not isinstance(error, MarkedYAMLError) or (error.problem_mark or error.context_mark) is None:
        problem = SyntaxProblem(
            line=reader.line + 1,
            column=reader.column + 1,
            code="yaml-syntax",
            message="this is not valid YAML",
            hint="check escapes and special characters here",
        )
        return problem, reader.index
    mark = error.problem_mark or error.context_mark
    index: int = mark.index
    code = "yaml-syntax"
    if isinstance(error, MaxDepthExceededError):
        code = "too-deep"
        message, hint = f"mappings and lists nest deeper than {DEEPEST} levels", "flatten the document"
    else:
        message, hint = _words(str(error.problem or error.context))
    if error.context_mark is not None and message in _UNCLOSED:
        mark = error.context_mark  # where it was opened says more than where the text ended
    return SyntaxProblem(line=mark.line + 1, column=mark.column + 1, code=code, message=message, hint=hint), index


_OPEN_QUOTE = "a quoted text is not closed"
_OPEN_BRACKET = "`[` or `{` is not closed, or a comma is missing"
_UNCLOSED = (_OPEN_QUOTE, _OPEN_BRACKET)

_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"'\\t'", "a tab stands where YAML allows only spaces", "indent with spaces"),
    (r"found unexpected (end of stream|document separator)", _OPEN_QUOTE, "add the closing quote"),
    (r"expected ',' or", _OPEN_BRACKET, "close it, or put the text in quotes"),
    (
        r"mapping values are not allowed",
        "a `key: value` cannot start here",
        "check the indentation, or put text that holds `: ` in quotes",
    ),
    (
        r"sequence entries are not allowed",
        "a list item (`- `) cannot start here",
        "put the list on lines of its own, below its key",
    ),
    (
        r"mapping keys are not allowed",
        "a `? ` key cannot start here",
        "put text that starts with `?` in quotes",
    ),
    (
        r"could not find expected ':'",
        "a key has no `:` after it",
        "add the colon, or check the quotes and the indentation above",
    ),
    (
        r"expected <block end>, but found '<",
        "this does not line up with what stands above",
        "check the indentation and the quotes",
    ),
    (
        r"expected <block end>",
        "text stands where a key, an item or the end is expected",
        "check the indentation and the quotes",
    ),
    (r"expected the node content, but found '<(stream end|document start)", _OPEN_BRACKET, "close it"),
    (r"expected the node content", "a value is missing here", "write a value, or null"),
    (r"found undefined alias '(.*)'", "no anchor &{0} stands above", "define it, or put the text in quotes"),
    (r"unknown escape character", "an escape is not known in double quotes", "write \\\\ for a backslash"),
    (r"unexpected ':'", "a colon inside `[…]` or `{…}` is read as a key", "put the text in quotes"),
    (
        r"found character '(.*)' that cannot start",
        "text cannot start with {0} unless it is in quotes",
        "put the text in quotes",
    ),
    (
        r"undefined tag handle '(.*)'",
        "the tag handle {0} is not defined",
        "remove the tag, or put the text in quotes",
    ),
)


def _words(problem: str) -> tuple[str, str]:
    """Return ruamel.yaml's `problem` in the words of a person who writes manifests, and a hint."""
    for pattern, message, hint in _WORDS:
        found = re.search(pattern, problem)
        if found:
            return message.replace("{0}", found[found.re.groups]), hint
    return " ".join(problem.split())[:200], "check the indentation, quotes and brackets here"
