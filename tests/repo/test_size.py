"""Small modules, small functions, few parameters: what grows beyond is split by idea, or listed here with a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from source_tree import Module, modules

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 7

LONG_MODULES: Mapping[str, int] = {}
"""Modules that may be longer than `MOST_LINES`, how long, and why."""

LONG_FUNCTIONS: Mapping[str, int] = {}
"""Functions that may be longer than `MOST_LINES_OF_A_FUNCTION`, and how long."""


def functions(module: Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{module.name}.{node.name}", node


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_modules_are_short() -> None:
    long = {name: n for name, module in modules().items() if (n := len(module.text.splitlines())) > MOST_LINES}
    assert {name: n for name, n in long.items() if n > LONG_MODULES.get(name, 0)} == {}
    assert set(LONG_MODULES) <= set(long), "a module is short again: take it off the list"


def test_functions_are_short() -> None:
    long = {
        name: n
        for module in modules().values()
        for name, node in functions(module)
        if (n := lines_of(node)) > MOST_LINES_OF_A_FUNCTION
    }
    assert {name: n for name, n in long.items() if n > LONG_FUNCTIONS.get(name, 0)} == {}
    assert set(LONG_FUNCTIONS) <= set(long), "a function is short again: take it off the list"


def test_functions_have_few_parameters() -> None:
    many = [
        name
        for module in modules().values()
        for name, node in functions(module)
        if len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]) > MOST_PARAMETERS
    ]
    assert many == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, module in modules().items() if not ast.get_docstring(module.tree)]
    assert silent == []
