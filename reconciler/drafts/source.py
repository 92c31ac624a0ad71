"""An OpenAPI document as a graph: parts that know where they stand, and references between them and other files. Pure.

Files are read through the function given. What is wrong is collected, each place once, and reading goes on with an
empty part, so that all mistakes show at once.

Source: OpenAPI Specification 3.0.3 and 3.1.0, "Reference Object"; RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import Any, TypeAlias
from urllib.parse import unquote, urldefrag, urljoin

from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource, Unresolvable

from reconciler.core.errors import InvalidInput
from reconciler.core.model import Diagnostic, Document, Json, JsonObject, Severity
from reconciler.core.pointer import Path, parse_pointer
from reconciler.core.records import dataclass

Retrieve: TypeAlias = Callable[[str], tuple[Document | None, list[Diagnostic]]]
"""Returns the document that a file address names, or None and what stands in its way."""

_Place: TypeAlias = tuple[str, Path]


@dataclass(slots=True, kw_only=True)
class Book:
    """The files of one API: those read so far, and the mistakes found in them."""

    retrieve: Retrieve
    documents: dict[str, Document] = field(default_factory=dict)
    problems: dict[_Place, list[Diagnostic]] = field(default_factory=dict)

    def registry(self) -> Registry[Json]:
        # mypy knows neither keyword: both classes are made by attrs with annotations that it cannot see through.
        return Registry(retrieve=self._resource)  # type: ignore[call-arg]

    def _resource(self, uri: str) -> Resource[Json]:
        if uri not in self.documents:
            document, problems = self.retrieve(uri)
            if document is None:
                self.problems.setdefault((uri, ()), problems)
                raise NoSuchResource(ref=uri)  # type: ignore[call-arg]
            self.documents[uri] = document
        return Resource.opaque(self.documents[uri].data)

    def report(self, node: Node, message: str, hint: str) -> None:
        """Note a mistake at `node`, unless one is known there."""
        source = self.documents[node.uri].locate(node.path)
        problem = Diagnostic(severity=Severity.ERROR, code="bad-openapi", message=message, source=source, hint=hint)
        self.problems.setdefault((node.uri, node.path), [problem])

    def check(self) -> None:
        """Raise InvalidInput with every mistake found so far."""
        found = [problem for problems in self.problems.values() for problem in problems]
        if found:
            raise InvalidInput(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One part of a document. `trail` holds the places that references led through on the way to it."""

    value: Json
    book: Book = field(repr=False, compare=False)
    resolver: Any = field(repr=False, compare=False)
    uri: str
    path: Path = ()
    trail: tuple[_Place, ...] = ()

    @property
    def members(self) -> JsonObject:
        """The members of an object; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, name: str) -> Node | None:
        """Return the member `name` with its own reference followed, or None."""
        found = self.child(name)
        return None if found is None else found.followed()

    def child(self, name: str) -> Node | None:
        """Return the member `name` as it stands, or None."""
        if name not in self.members:
            return None
        return replace(self, value=self.members[name], path=(*self.path, name))

    def children(self, name: str) -> dict[str, Node]:
        """Return the members of the object `name` as they stand; empty when there is none."""
        inner = self.child(name)
        if inner is None:
            return {}
        return {key: replace(inner, value=value, path=(*inner.path, key)) for key, value in inner.members.items()}

    def listed(self, name: str) -> list[Node]:
        """Return the items of the list `name` as they stand; empty when there is none."""
        inner = self.child(name)
        if inner is None or not isinstance(inner.value, list):
            return []
        return [replace(inner, value=value, path=(*inner.path, i)) for i, value in enumerate(inner.value)]

    def text(self, name: str) -> str:
        """Return the member `name` when it is text, else the empty text."""
        found = self.members.get(name)
        return found if isinstance(found, str) else ""

    def followed(self) -> Node:
        """Return where the reference of this node leads in the end, or the node itself; empty after a circle."""
        node = self
        while (target := node.target()) is not node:
            if target is None:
                node.book.report(node, f"the reference {node.members['$ref']!r} leads back to itself", _MEND)
                return replace(node, value={})
            node = target
        return node

    def target(self) -> Node | None:
        """Return where the reference of this node leads in one step: itself without one, None when in a circle."""
        reference = self.members.get("$ref")
        if not isinstance(reference, str):
            return self
        try:
            resolved = self.resolver.lookup(reference)
        except (Unresolvable, ValueError, TypeError, LookupError):
            self._report_broken(reference)
            return replace(self, value={})
        uri, fragment = urldefrag(urljoin(self.uri, reference))
        place = (uri, parse_pointer(unquote(fragment)))
        if place in self.trail:
            return None
        return Node(
            value=resolved.contents,
            book=self.book,
            resolver=resolved.resolver,
            uri=uri,
            path=place[1],
            trail=(*self.trail, place),
        )

    def _report_broken(self, reference: str) -> None:
        if re.match(r"[a-z][a-z0-9+.-]*:", reference, re.IGNORECASE) and not reference.startswith("file:"):
            message = f"the reference {reference!r} leads to another machine, and nothing is fetched"
            self.book.report(self, message, "save it beside the document and refer to the file")
        else:
            self.book.report(self, f"the reference {reference!r} leads nowhere", _MEND)


_MEND = "correct the `$ref`: files are looked for beside the document, parts after `#/`"


def open_api(document: Document, uri: str, retrieve: Retrieve) -> Node:
    """Return the root of an OpenAPI 3.0 or 3.1 document that stands at `uri`. Raises InvalidInput for anything else."""
    book = Book(retrieve=retrieve, documents={uri: document})
    node = Node(value=document.data, book=book, resolver=book.registry().resolver(uri), uri=uri)
    for place, message, hint in _not_openapi(node):
        source = document.locate((place,) if place else (), key=bool(place))
        problem = Diagnostic(severity=Severity.ERROR, code="bad-openapi", message=message, source=source, hint=hint)
        book.problems.setdefault((uri, (place,)), [problem])
    book.check()
    return node


def _not_openapi(node: Node) -> Iterator[tuple[str, str, str]]:
    if not isinstance(node.value, dict):
        yield "", "this is no OpenAPI document: it is not a mapping", "name a file that starts with `openapi: 3.…`"
        return
    if "swagger" in node.members:
        hint = "convert it to OpenAPI 3 first; most editors and generators for OpenAPI can"
        yield "swagger", f"this is Swagger {node.members['swagger']}, which is not read", hint
        return
    version = str(node.members.get("openapi", ""))
    if not version:
        hint = "name a file that starts with `openapi: 3.…`"
        yield "", "this is no OpenAPI document: it has no key `openapi`", hint
    elif not re.match(r"3\.[01](\.|$)", version):
        yield "openapi", f"OpenAPI {version} is not read, only 3.0 and 3.1", "convert it to 3.0 or 3.1"
    elif not isinstance(node.members.get("paths"), dict) or not node.members["paths"]:
        yield (
            "paths" if "paths" in node.members else "",
            "the document describes no paths",
            "name the complete document",
        )
