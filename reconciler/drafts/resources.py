"""Which paths of an API belong together: collections with their items, items without a list, settings. Pure.

A path `…/widgets` and a path `…/widgets/{id}` make one resource. What fits no such pattern is told apart with the
reason, so that a person knows what a draft leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import field, replace

from reconciler.core.records import dataclass
from reconciler.drafts.names import kind_name, stem, words
from reconciler.drafts.operations import Operation
from reconciler.drafts.shapes import read_shape

Calls = Mapping[str, Operation]

_PARAMETER = re.compile(r"\{([^{}]*)\}")
_PREFIX = re.compile(r"api|rest|v[0-9][0-9a-z.]*", re.IGNORECASE)  # segments that name no parent


def blanked(path: str) -> str:
    """Return `path` with its parameters' names left out: what makes two paths the same."""
    return _PARAMETER.sub("{}", path.rstrip("/"))


def _parent(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0]


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _is_parameter(segment: str) -> bool:
    return _PARAMETER.fullmatch(segment) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResource:
    """The calls of one kind. At least one of the two paths is there; a singleton has only `item_path`."""

    name: str
    collection_path: str = ""
    item_path: str = ""
    listing: Operation | None = None
    create: Operation | None = None
    get: Operation | None = None
    put: Operation | None = None
    patch: Operation | None = None
    post: Operation | None = None  # on the item: an update in some APIs
    delete: Operation | None = None
    singleton: bool = False

    @property
    def scope_path(self) -> str:
        """The path whose parameters name the parents."""
        if self.singleton:
            return self.item_path
        return self.collection_path or _parent(self.item_path)

    @property
    def own_parameter(self) -> str:
        """The parameter of the item's path that names the item; the empty text without one."""
        found = _last(self.item_path)
        return found[1:-1] if not self.singleton and _is_parameter(found) else ""

    def operations(self) -> list[Operation]:
        """Return all calls, reads first."""
        found = (self.listing, self.get, self.create, self.put, self.patch, self.post, self.delete)
        return [operation for operation in found if operation is not None]


@dataclass(slots=True)
class _Sorting:
    paths: Mapping[str, Calls]
    known: Collection[str]
    by_blank: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def calls(self, path: str) -> Calls:
        return self.paths.get(path, {})


def find_resources(
    paths: Mapping[str, Calls], known: Collection[str]
) -> tuple[list[ApiResource], list[tuple[Operation, str]]]:
    """Return the resources in `paths`, by path, and each call that belongs to none of them with the reason.

    `known` are words of the document, which help to find singulars.
    """
    work = _Sorting(paths=paths, known=known)
    for path in paths:
        work.by_blank.setdefault(blanked(path), path)
    found = [resource for path in paths if (resource := _with_item(path, work)) is not None]
    found += [resource for path in paths if (resource := _without_item(path, work)) is not None]
    found.sort(key=lambda resource: resource.scope_path)
    named = _distinct(found, known)
    taken = {id(operation) for resource in named for operation in resource.operations()}
    rest = [operation for calls in paths.values() for operation in calls.values() if id(operation) not in taken]
    return named, [(operation, _why_not(operation, work)) for operation in rest]


def _with_item(path: str, work: _Sorting) -> ApiResource | None:
    """Return the resource whose items have the path `path`, or None when it is no path of items."""
    calls = work.calls(path)
    if not _is_parameter(_last(path)) or not calls.keys() & {"GET", "PUT", "PATCH", "DELETE"}:
        return None
    if _odd_segments(path):
        return None
    collection = _collection_for(path, work)
    listed = work.calls(collection)
    if not collection and not (calls.keys() >= {"GET"} and calls.keys() & {"PUT", "PATCH"}):
        return None
    work.used.update((path, collection))
    literal = next((s for s in reversed((collection or path).split("/")) if s and not _is_parameter(s)), "object")
    return ApiResource(
        name=kind_name(literal, work.known),
        collection_path=collection,
        item_path=path,
        listing=listed.get("GET"),
        create=listed.get("POST"),
        get=calls.get("GET"),
        put=calls.get("PUT"),
        patch=calls.get("PATCH"),
        post=calls.get("POST"),
        delete=calls.get("DELETE"),
    )


def _collection_for(path: str, work: _Sorting) -> str:
    """Return the path of the collection of items at `path`; the empty text when there is none.

    Items may be addressed without their parent: `/projects/{id}/tasks` and `/tasks/{id}`.
    """
    parent = blanked(_parent(path))
    direct = work.by_blank.get(parent, "")
    if work.calls(direct).keys() & {"GET", "POST"} and not _is_parameter(_last(direct)):
        return direct
    literal = _last(parent)
    if not literal or _is_parameter(literal):
        return ""
    nested = [
        other
        for blank, other in work.by_blank.items()
        if blank.endswith("/" + literal) and blank != parent and blank + "/{}" not in work.by_blank
        if work.calls(other).keys() & {"GET", "POST"}
    ]
    return max(nested, key=lambda other: "POST" in work.calls(other), default="")


def _without_item(path: str, work: _Sorting) -> ApiResource | None:
    """Return the resource at `path` that has no path of items: settings, or a collection that is only added to."""
    calls = work.calls(path)
    if path in work.used or _is_parameter(_last(path)) or _odd_segments(path) or "GET" not in calls:
        return None
    name = kind_name(_last(path), work.known)
    is_list = _answers_list(calls["GET"])
    if not is_list and calls.keys() & {"PUT", "PATCH"}:
        work.used.add(path)
        return ApiResource(
            name=name,
            item_path=path,
            get=calls["GET"],
            put=calls.get("PUT"),
            patch=calls.get("PATCH"),
            delete=calls.get("DELETE"),
            singleton=True,
        )
    if is_list and "POST" in calls and calls["POST"].bodies:
        work.used.add(path)
        return ApiResource(name=name, collection_path=path, listing=calls["GET"], create=calls["POST"])
    return None


def _answers_list(operation: Operation) -> bool:
    answer = operation.success
    if answer is None or answer.schema is None:
        return False
    return read_shape([answer.schema]).types == ("array",)


def _odd_segments(path: str) -> bool:
    """Tell a path with a parameter that is only part of a segment, or with a query: no template can fill it."""
    inner = [s for s in path.split("/") if ("{" in s or "}" in s) and not _is_parameter(s)]
    return bool(inner) or "?" in path or "#" in path or "//" in path


def _why_not(operation: Operation, work: _Sorting) -> str:
    if _odd_segments(operation.path):
        return "a parameter is only part of a segment of its path"
    if operation.path in work.used:
        return "no kind makes this call"
    if operation.method == "GET":
        return "nothing is written here"
    if operation.method == "POST":
        return "an action, not an object that is kept"
    return "nothing reads it back here"


def _distinct(resources: list[ApiResource], known: Collection[str]) -> list[ApiResource]:
    """Return the resources with distinct names: those that share one get their parent's in front of it."""
    names = [resource.name for resource in resources]
    taken: set[str] = set()
    result = []
    for resource in resources:
        name = resource.name
        if names.count(name) > 1:
            before = _parent(resource.scope_path).split("/")
            parents = [s for s in before if s and not _is_parameter(s) and not _PREFIX.fullmatch(s)]
            if parents:
                name = kind_name(parents[-1], known) + name
        number = 2
        while name in taken:
            name = f"{resource.name}{number}"
            number += 1
        taken.add(name)
        result.append(replace(resource, name=name))
    return result


# --------------------------------------------------------------------------- parents


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """One parameter of a resource's path: the field that fills it, and the kind whose id it is, if one is known."""

    parameter: str
    field: tuple[str, ...]  # words of the field's name
    kind: str = ""


def parents_of(resource: ApiResource, kinds: Mapping[str, str]) -> list[Parent]:
    """Return what the path of `resource` names before its own items. `kinds` has the kinds by blanked item path."""
    found = []
    segments = resource.scope_path.rstrip("/").split("/")
    for index, segment in enumerate(segments):
        if not _is_parameter(segment):
            continue
        parameter = segment[1:-1]
        kind = kinds.get(blanked("/".join(segments[: index + 1])), "")
        # `{id}` says nothing; a name such as `{org}` or `{gateway_id}` says what it is.
        known_by = stem(parameter) if kind else words(parameter)
        found.append(Parent(parameter=parameter, field=tuple(known_by or words(kind) or ["parent"]), kind=kind))
    return found
