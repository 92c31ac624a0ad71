"""The package's own source as data: its modules, what each imports, and what each calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "reconciler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One file of the package. The package's own name is left out: `core.model`, `__main__`."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        """Return where `node` stands, for the message of a failure."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One imported module. Ours without the package's name and with `ours`, others by their top-level name."""

    target: str
    ours: bool
    type_only: bool
    place: str


@cache
def modules() -> dict[str, Module]:
    """Return all modules of the package by name; a package's `__init__` has the package's name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        steps = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(steps[:-1] if steps[-1] == "__init__" else steps)
        text = path.read_text(encoding="utf-8")
        found[name] = Module(name=name, path=path, text=text, tree=ast.parse(text))
    return found


def imports(module: Module) -> list[Import]:
    """Return what `module` imports, also inside functions, in order."""
    return list(_imports(module, module.tree, type_only=False))


def _imports(module: Module, node: ast.AST, *, type_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (_import(alias.name, module, child, type_only=type_only) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{module.at(child)}: imports are absolute"
            for alias in child.names:
                name = f"{child.module}.{alias.name}"
                inner = name.removeprefix("reconciler.")
                full = name if name.startswith("reconciler.") and inner in modules() else str(child.module)
                yield _import(full, module, child, type_only=type_only)
        elif isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            yield from _imports(module, child, type_only=True)
        else:
            yield from _imports(module, child, type_only=type_only)


def _import(name: str, module: Module, node: ast.stmt, *, type_only: bool) -> Import:
    top, _, rest = name.partition(".")
    ours = top == "reconciler"
    return Import(target=rest if ours else top, ours=ours, type_only=type_only, place=module.at(node))


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for such an expression; `?` stands for any part that is more than a name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def defaults(tree: ast.Module) -> set[ast.expr]:
    """Return the expressions that stand as the default of a parameter or of a field of a class."""
    found: set[ast.expr] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            found.update(default for default in [*node.defaults, *node.kw_defaults] if default is not None)
        elif isinstance(node, ast.ClassDef):
            found.update(line.value for line in node.body if isinstance(line, ast.AnnAssign) and line.value is not None)
    return found
