"""Definitions drafted from an OpenAPI document: one of the system, one of each kind, with what is left to decide. Pure.

Everything that the document does not say is a guess and marked as one. Source: OpenAPI 3.0.3 and 3.1.0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.core.errors import UsageError
from reconciler.core.kinds.noted import DECIDE, decide, noted, questions
from reconciler.core.model import Document, Json, JsonObject
from reconciler.core.records import dataclass
from reconciler.drafts.calls import answer_rules, guard_section, read_section, version_field, write_section
from reconciler.drafts.credentials import credentials_text
from reconciler.drafts.findings import Findings, World, find
from reconciler.drafts.identity import identify
from reconciler.drafts.names import kebab, names_manifests, words
from reconciler.drafts.operations import Operation, read_operations
from reconciler.drafts.resources import ApiResource, blanked, find_resources
from reconciler.drafts.shapes import description
from reconciler.drafts.source import Node, Retrieve, open_api


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One definition document: `name` is that of its file, `header` and `footer` are comments around it."""

    name: str
    data: JsonObject
    header: str = ""
    footer: str = ""

    @property
    def questions(self) -> int:
        """How many decisions it asks for."""
        return questions(self.data) + sum(line.startswith(DECIDE) for line in self.header.splitlines())


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a document came from: the address that its references start from, and how to read others."""

    uri: str
    retrieve: Retrieve


def draft_definitions(
    document: Document, origin: Origin, *, prefixes: Sequence[str] = (), system: str | None = None
) -> list[Draft]:
    """Return the drafts of the system and of its kinds, by name, from the paths below `prefixes` (all without one).

    Raises InvalidInput when the document is not OpenAPI 3.0 or 3.1 or has broken references, UsageError when nothing
    in it can be managed.
    """
    root = open_api(document, origin.uri, origin.retrieve)
    name = system or _system_name(root)
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UsageError(f"{name!r} is no name of a system", hint="use lower-case letters, digits and hyphens")
    paths = read_operations(root, prefixes)
    if prefixes and not paths:
        root.book.check()
        raise UsageError(
            f"no path starts with {' or '.join(prefixes)}",
            hint="paths start with " + ", ".join(sorted({_start(path) for path in root.children("paths")})[:8]),
        )
    resources, rest = find_resources(paths, _vocabulary(root))
    world = World(system=name, kinds={blanked(r.item_path): r.name for r in resources if r.own_parameter})
    found = [find(resource, world) for resource in resources]
    for one in found:
        identify(one)
    kinds = [_kind(one, root) for one in found]
    root.book.check()
    if not kinds:
        raise UsageError(
            "no path of the document looks like objects that can be managed",
            hint="such as /widgets with /widgets/{id}, or settings that have GET and PUT or PATCH",
        )
    return [_system(root, world, rest), *sorted(kinds, key=lambda draft: draft.name)]


def _start(path: str) -> str:
    return "/" + path.strip("/").split("/")[0]


def _system_name(root: Node) -> str:
    info = root.get("info")
    found = [word for word in words("" if info is None else info.text("title")) if word not in ("api", "rest", "the")]
    name = "-".join(found[:3])
    return name if name[:1].isalpha() else "api"


def _vocabulary(root: Node) -> frozenset[str]:
    components = root.get("components")
    schemas = {} if components is None else components.children("schemas")
    names = [word for name in schemas for word in words(name)]
    parameters = re.findall(r"\{([^{}]*)\}", " ".join(root.children("paths")))
    return frozenset([*names, *(word for name in parameters for word in words(name))])


# --------------------------------------------------------------------------- system


def _system(root: Node, world: World, rest: list[tuple[Operation, str]]) -> Draft:
    info = root.get("info")
    title = "" if info is None else info.text("title")
    data: JsonObject = {"system": world.system}
    if title:
        data["title"] = title
    text = description(None if info is None else info.members.get("description"))
    if text:
        data["description"] = text
    data["documentation"] = [f"OpenAPI document: {title} {'' if info is None else info.text('version')}".strip()]
    url = server_url(root)
    where = f"`url: {url}`" if url else "the one that all paths of the document are relative to"
    data["credentials"] = decide(
        credentials_text(root),
        f"the system's url in reconciler.yaml is {where}; check the part of it that follows the host",
    )
    if world.parameters:
        required = sorted(name for name, schema in world.parameters.items() if "default" not in schema)
        data["parameters"] = {
            "type": "object",
            "additionalProperties": False,
            **({"required": required} if required else {}),
            "properties": dict(sorted(world.parameters.items())),
        }
    footer = ""
    if rest:
        lines = [f"  {operation.title}: {why}" for operation, why in sorted(rest, key=lambda pair: pair[0].title)]
        footer = "\n".join(["Not drafted:", *lines])
    return Draft(name="system", data=data, header=_header(title), footer=footer)


def _header(title: str) -> str:
    return (
        f"Drafted from the OpenAPI document of {title or 'an API'}. Every comment that starts with DECIDE waits for a\n"
        "person; remove it when it is settled."
    )


def server_url(root: Node) -> str:
    """Return the first server's url with the defaults of its variables; the empty text without one.

    A url without a host gets the stand-in HOST.
    """
    for server in root.listed("servers"):
        url = server.text("url")
        for name, variable in server.children("variables").items():
            url = url.replace("{" + name + "}", str(variable.members.get("default", "")))
        return (url if "://" in url else f"https://HOST{url}").rstrip("/")
    return ""


# --------------------------------------------------------------------------- kinds


def _kind(found: Findings, root: Node) -> Draft:
    resource = found.resource
    info = root.get("info")
    data: JsonObject = {
        "apiVersion": f"{found.world.system}/v1",
        "kind": resource.name,
        "description": _description(resource, found, root),
        "documentation": [operation.title for operation in resource.operations()],
    }
    write = write_section(found)
    version = version_field(found)
    if version is not None and version in found.fields.properties:
        # The guard sends it; a person must not.
        found.fields.properties[version]["readOnly"] = True
        found.fields.required = [name for name in found.fields.required if name != version]
    data["schema"] = _schema(found)
    data["identity"] = _identity(found)
    data["read"] = read_section(found)
    if write:
        data["write"] = write
    guard = guard_section(found)
    if guard:
        data["guard"] = guard
    rules = answer_rules(found)
    if rules:
        data["answers"] = rules
    return Draft(name=kebab(resource.name), data=data, header=_header("" if info is None else info.text("title")))


def _description(resource: ApiResource, found: Findings, root: Node) -> str:
    shape = found.answer.shape
    said = description(None if shape is None else shape.keywords.get("description"))
    if said:
        return said
    tags = {tag.text("name"): tag.text("description") for tag in root.listed("tags")}
    for operation in resource.operations():
        for tag in operation.node.listed("tags"):
            if isinstance(tag.value, str) and tags.get(tag.value):
                return description(tags[tag.value])
    return next(
        (text for operation in resource.operations() if (text := description(operation.node.members.get("summary")))),
        f"An object that the API calls {' '.join(words(resource.name))}.",
    )


def _schema(found: Findings) -> Json:
    fields = found.fields
    schema: JsonObject = {"type": "object"}
    if not fields.open:
        schema["additionalProperties"] = False
    required = [name for name in dict.fromkeys(fields.required) if name in fields.properties]
    if required:
        schema["required"] = required
    properties: Json = dict(fields.properties)
    if fields.secrets:
        names = ", ".join(fields.secrets)
        properties = decide(
            properties,
            f"secrets were guessed by name: {names}; mark others with `x-sensitive: true`, and give those that "
            "answers show only as a mask an `x-mask`",
        )
    schema["properties"] = properties
    return schema


def _identity(found: Findings) -> JsonObject:
    if found.resource.singleton:
        return {"id": found.id, "singleton": True}
    identity: JsonObject = {"id": found.id}
    name = found.key[-1] if found.key else ""
    unique = " in its parent" if found.scope else ""
    identity["key"] = decide(found.key, f"the natural key, guessed: is {name} unique{unique}?")
    if found.own_field:
        identity["key"] = noted(found.key, "the client chooses the name, and the path holds it")
    schema = found.fields.properties.get(name, {})
    if names_manifests(name) and schema.get("type") == "string" and "enum" not in schema:
        identity["name"] = name
    return identity
