"""The expressions of GitHub's workflows, as far as ours use them: paths, texts, `==`, `!=`, `&&`, `||`, `!`, functions.

Source: docs.github.com/en/actions/reference/evaluate-expressions-in-workflows-and-actions
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(\d+)|(==|!=|&&|\|\||!|\(|\)|\[|\]|,)|([A-Za-z_][\w.-]*))")
_FIELD = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

Context = Mapping[str, Any]
Functions = Mapping[str, Callable[..., Any]]


def fill(text: Any, context: Context) -> Any:
    """Return `text` with every `${{ … }}` filled in; one that is all of the text keeps its type."""
    if not isinstance(text, str):
        return text
    whole = _FIELD.fullmatch(text.strip())
    if whole is not None and text.count("${{") == 1:
        return evaluate(whole[1], context)
    return _FIELD.sub(lambda found: shown(evaluate(found[1], context)), text)


def shown(value: Any) -> str:
    """Return a value as it stands in text."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def evaluate(text: str, context: Context, functions: Functions | None = None) -> Any:
    """Return the value of an expression. Fails on anything that it does not know, so that nothing passes unseen."""
    tokens: list[tuple[str, ...]] = []
    end = 0
    while text[end:].strip():
        match = _TOKEN.match(text, end)
        assert match is not None, f"cannot read {text!r} at {end}"
        tokens.append(match.groups())
        end = match.end()
    parser = _Parser(tokens, context, {"fromJSON": json.loads, **(functions or {})})
    value = parser.either()
    assert not parser.tokens, f"cannot read {text!r} to its end"
    return value


class _Parser:
    def __init__(self, tokens: list[tuple[str, ...]], context: Context, functions: Functions) -> None:
        self.tokens, self.context, self.functions = tokens, context, functions

    def _next_is(self, *operators: str) -> str:
        return self.tokens.pop(0)[2] if self.tokens and self.tokens[0][2] in operators else ""

    def either(self) -> Any:
        value = self.both()
        while self._next_is("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self._next_is("&&"):
            other = self.compared()
            value = value and other
        return value

    def compared(self) -> Any:
        value = self.single()
        operator = self._next_is("==", "!=")
        if operator:
            # A text that is not there equals an empty one: both are the number 0.
            same = (self.single() or "") == (value or "")
            return same if operator == "==" else not same
        return value

    def single(self) -> Any:
        if self._next_is("!"):
            return not self.single()
        value = self._plain()
        while self._next_is("["):
            key = self.either()
            assert self._next_is("]")
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _plain(self) -> Any:
        if self._next_is("("):
            value = self.either()
            assert self._next_is(")")
            return value
        text, number, operator, name = self.tokens.pop(0)
        assert not operator, operator
        if text:
            return text[1:-1].replace("''", "'")
        if number:
            return int(number)
        if self._next_is("("):
            arguments = [] if self.tokens and self.tokens[0][2] == ")" else [self.either()]
            while self._next_is(","):
                arguments.append(self.either())
            assert self._next_is(")")
            return self.functions[name](*arguments)
        return self._look_up(name)

    def _look_up(self, name: str) -> Any:
        found: Any = self.context
        for step in name.split("."):
            assert found is not self.context or step in found, f"there is no context {step!r}"
            found = found.get(step) if isinstance(found, Mapping) else None
        return found
