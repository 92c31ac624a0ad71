"""The calls that an OpenAPI document describes: parameters, bodies, answers, by path and method. Pure.

Source: OpenAPI 3.0.3 and 3.1.0, "Path Item Object", "Operation Object", "Responses Object".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field

from reconciler.core.records import dataclass
from reconciler.drafts.source import Node

METHODS = ("get", "post", "put", "patch", "delete")
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a call; `place` is path, query, header or cookie."""

    name: str
    place: str
    required: bool
    node: Node = field(repr=False)

    @property
    def schema(self) -> Node | None:
        return self.node.child("schema")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of a call: its status as written, its JSON schema if any, the headers it documents."""

    status: str
    schema: Node | None
    has_content: bool
    headers: frozenset[str]  # in lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call."""

    method: str  # in capitals
    path: str
    parameters: tuple[Parameter, ...]
    bodies: Mapping[str, Node | None]  # JSON media types of the request, and their schemas
    answers: Mapping[str, Answer]
    node: Node = field(repr=False)

    @property
    def title(self) -> str:
        return f"{self.method} {self.path}"

    def query(self) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.place == "query"]

    def headers(self) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.place == "header"]

    @property
    def media(self) -> str:
        """The media type in which a body is sent; the empty text when the call takes none."""
        for wanted in (MERGE_PATCH, "application/json"):
            if wanted in self.bodies:
                return wanted
        return next((media for media in self.bodies if media != JSON_PATCH), next(iter(self.bodies), ""))

    @property
    def body(self) -> Node | None:
        return self.bodies.get(self.media)

    @property
    def success(self) -> Answer | None:
        """The answer of success: the lowest 2xx that has a JSON schema, else the lowest, else the default."""
        good = [self.answers[status] for status in sorted(self.answers) if status[:1] == "2"]
        with_schema = [answer for answer in good if answer.schema is not None]
        return next(iter(with_schema or good), self.answers.get("default"))


def read_operations(root: Node, prefixes: Sequence[str]) -> dict[str, dict[str, Operation]]:
    """Return all calls below `prefixes` (all without one) by path and capital method, in the document's order."""
    found: dict[str, dict[str, Operation]] = {}
    for path, node in root.children("paths").items():
        if not path.startswith("/") or (prefixes and not any(_below(path, prefix) for prefix in prefixes)):
            continue
        item = node.followed()
        shared = _parameters(item)
        for method in METHODS:
            operation = item.child(method)
            if operation is not None and isinstance(operation.value, dict):
                found.setdefault(path, {})[method.upper()] = _operation(operation, path, method, shared)
    return found


def _below(path: str, prefix: str) -> bool:
    prefix = "/" + prefix.strip("/")
    return prefix == "/" or path.rstrip("/") == prefix or path.startswith(prefix + "/")


def _operation(node: Node, path: str, method: str, shared: dict[tuple[str, str], Parameter]) -> Operation:
    request = node.get("requestBody")
    bodies = {} if request is None else _json_bodies(request)
    answers = {status: _answer(status, found.followed()) for status, found in node.children("responses").items()}
    return Operation(
        method=method.upper(),
        path=path,
        parameters=tuple({**shared, **_parameters(node)}.values()),
        bodies=bodies,
        answers=answers,
        node=node,
    )


def _parameters(node: Node) -> dict[tuple[str, str], Parameter]:
    found = {}
    for item in node.listed("parameters"):
        parameter = item.followed()
        name, place = parameter.text("name"), parameter.text("in")
        if name and place:
            required = parameter.members.get("required") is True
            found[name, place] = Parameter(name=name, place=place, required=required, node=parameter)
    return found


def _answer(status: str, node: Node) -> Answer:
    content = _json_bodies(node)
    schema = content.get("application/json") or next((found for found in content.values() if found is not None), None)
    headers = frozenset(name.lower() for name in node.children("headers"))
    return Answer(status=status, schema=schema, has_content=bool(node.children("content")), headers=headers)


def _json_bodies(node: Node) -> dict[str, Node | None]:
    found = {}
    for media, content in node.children("content").items():
        name = media.split(";")[0].strip().lower()
        if re.fullmatch(r"application/(.+\+)?json|\*/\*|text/json|application/\*", name):
            found["application/json" if "*" in name else name] = content.followed().child("schema")
    return found
