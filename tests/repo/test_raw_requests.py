"""No message, log line or report is made of the raw parts of a request: only of `shown`, which leaves secrets out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from source_tree import modules

RAW = {"path", "query", "headers", "body", "content", "url", "raw_path", "identity", "hidden"}
WRITES_THEM = {  # what goes over the wire, or is a key that nobody sees, is made of them
    "shell.network.outgoing",
    "shell.network.client",
    "core.model",
}
SHOWS_PLANNED = ("render.", "core.saved_plans.", "core.plan.")  # PlannedRequest is made to be shown
OTHERS = (
    "sandbox.",
    "drafts.",
    "hosting.",
    "demo.",
)  # their requests are not ours: HTTP as a server sees it, and so on


def _requests_in(function: ast.AST) -> set[str]:
    """Return the names that are requests in a function: by annotation, or by the function that made them."""
    found = {"request", "outgoing"}
    for node in ast.walk(function):
        if isinstance(node, ast.arg) and node.annotation is not None:
            if "Request" in {one.id for one in ast.walk(node.annotation) if isinstance(one, ast.Name)}:
                found.add(node.arg)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and isinstance(node.value, ast.Call):
            made = node.value.func
            name = made.id if isinstance(made, ast.Name) else made.attr if isinstance(made, ast.Attribute) else ""
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if name.endswith("request") or name in ("request_for", "_follow"):
                found |= {one.id for one in targets if isinstance(one, ast.Name)}
    return found


def _texts(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what becomes part of a text: formatted values, operands of `%` and `+` with text, arguments of calls."""
    for node in ast.walk(tree):
        match node:
            case ast.FormattedValue(value=value):
                yield value
            case ast.BinOp(op=ast.Mod() | ast.Add(), left=left, right=right):
                if any(isinstance(one, (ast.JoinedStr, ast.Constant)) for one in (left, right)):
                    yield from (left, right)
            case ast.Call(func=func, args=args, keywords=keywords):
                name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
                logs = name in (
                    "debug",
                    "info",
                    "warning",
                    "error",
                    "exception",
                    "format",
                    "join",
                    "str",
                    "repr",
                    "print",
                )
                if logs or name.endswith(("Error", "Input", "Refused", "Stop", "Refusal", "Diagnostic")):
                    yield from (*args, *(one.value for one in keywords))


def raw_parts(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Yield where a text is made of the raw part of a request."""
    functions = [one for one in ast.walk(tree) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for function in functions:
        names = _requests_in(function)
        for text in _texts(function):
            for node in ast.walk(text):
                if isinstance(node, ast.Attribute) and node.attr in RAW and _is_request(node.value, names):
                    yield node


def _is_request(value: ast.AST, names: set[str]) -> bool:
    if isinstance(value, ast.Name):
        return value.id in names
    return isinstance(value, ast.Attribute) and value.attr in ("request", "outgoing")


def test_no_text_is_made_of_the_raw_parts_of_a_request() -> None:
    found = [
        f"{module.at(node)}: {ast.unparse(node)}"
        for name, module in modules().items()
        if name not in WRITES_THEM and not name.startswith((*SHOWS_PLANNED, *OTHERS))
        for node in raw_parts(module.tree)
    ]
    assert not found, "say {request} or request.shown instead: " + "; ".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "f'{request.method} {request.path}: no'",
        "'%s' % request.path",
        "'at ' + request.path",
        "'{}'.format(request.query)",
        "_log.debug('%s', request.headers)",
        "ApiError(request.path)",
        "Stop(Status.FAILED, detail=json.dumps(request.body))",
        "f'{other.path}'",
        "f'{made.body!r}'",
        "f'{work.request.path}'",
        "str(request.identity)",
    ],
)
def test_the_search_finds_each_way_to_do_so(line: str) -> None:
    code = f"def f(request, other: Request | None, work):\n    made = call_request(other)\n    return {line}\n"
    assert list(raw_parts(ast.parse(code)))


def test_what_may_be_shown_is_not_found() -> None:
    code = "def f(request: Request, source):\n    return f'{request} {request.method} {request.shown} {source.path}'\n"
    assert not list(raw_parts(ast.parse(code)))
