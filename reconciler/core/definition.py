"""The grammar of definitions: what a system and a kind look like as data, checked strictly by pydantic. Pure.

A definition file holds YAML documents of two sorts: one with `system:` describes what all calls of an API have in
common, one with `kind:` describes a resource type. `schemas/README.md` explains every key with an example.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from reconciler.core.errors import ErrorClass
from reconciler.core.pointer import parse_pointer
from reconciler.core.template import TemplateError, parse_template, variables


class Part(BaseModel):
    """Strict, closed and frozen: a misspelt key is a mistake, `"12"` is not 12."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


def _pointer(value: Any) -> Any:
    if isinstance(value, str):
        parse_pointer(value)
    return value


def _template(value: Any) -> Any:
    try:
        list(variables(value))
    except TemplateError as error:
        raise ValueError(str(error)) from None
    return value


def _pattern(value: Any) -> Any:
    try:
        re.compile(value)
    except (re.error, TypeError):
        raise ValueError(f"{value!r} is no regular expression") from None
    return value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Pointer = Annotated[str, BeforeValidator(_pointer)]
TemplateText = Annotated[str, BeforeValidator(_template)]
TemplateJson = Annotated[Any, BeforeValidator(_template)]
Pattern = Annotated[str, BeforeValidator(_pattern)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
Statuses = Annotated[list[int | str], BeforeValidator(_as_list)]


class Condition(Part):
    """A test on an answer or object. Without `at` it looks at the whole; all that is stated must hold."""

    at: Pointer = ""
    equals: Any = None
    one_of: list[Any] | None = None
    matches: Pattern | None = None  # a regular expression, found anywhere, case ignored
    present: bool | None = None


class AnswerRule(Condition):
    """How to read an answer: the first rule whose tests all hold decides its class."""

    status: Statuses = Field(default_factory=list)  # 404, "4xx"; empty: any
    content_type: str | None = None  # application/json; "*/*+json" patterns with *
    meaning: ErrorClass | Literal["success"] = Field(alias="class")
    message: Annotated[list[Pointer], BeforeValidator(_as_list)] = Field(default_factory=list)
    hint: str = ""

    @field_validator("meaning", mode="before")
    @classmethod
    def _class(cls, value: Any) -> Any:
        if value == "success":
            return value
        try:
            return ErrorClass(value)
        except ValueError:
            names = ", ".join(["success", *(c.value for c in ErrorClass)])
            raise ValueError(f"class is one of {names}") from None

    @field_validator("status")
    @classmethod
    def _statuses(cls, value: list[int | str]) -> list[int | str]:
        for status in value:
            text = str(status)
            if not (len(text) == 3 and text[0] in "12345" and (text[1:] == "xx" or text[1:].isdigit())):
                raise ValueError(f"{status!r} is neither a status such as 404 nor a group such as 4xx")
        return value


class Paging(Part):
    """How a list goes on. Parameters stand in the call itself, as `{page.offset}`, `{page.cursor}` and so on."""

    style: Literal["offset", "page", "cursor", "link", "url"]
    size: int | None = Field(default=None, ge=1)  # items a page, sent as {page.size}
    first: int = Field(default=1, ge=0)  # number of the first page, for style page
    next: Pointer | None = None  # where the answer holds the next cursor (or address, for style url)
    total: Pointer | None = None  # where the answer holds the number of all items

    @model_validator(mode="after")
    def _complete(self) -> Paging:
        if self.style in ("offset", "page") and self.size is None:
            raise ValueError(f"style {self.style} needs `size`: a page shorter than it is the last one")
        if self.style in ("cursor", "url") and self.next is None:
            raise ValueError(f"style {self.style} needs `next`: where the answer holds it")
        return self


class Archive(Part):
    """The answer is an archive, and the object is a JSON file in it."""

    zip: TemplateText  # name of the member


class Call(Part):
    """One HTTP call. Every text may hold `{…}` templates."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
    path: TemplateText
    query: dict[str, TemplateJson] = Field(default_factory=dict)
    headers: dict[str, TemplateText] = Field(default_factory=dict)
    body: TemplateJson = None

    @field_validator("path")
    @classmethod
    def _starts_with_slash(cls, value: str) -> str:
        if not value.startswith("/") or value.startswith("//"):
            raise ValueError("a path starts with one '/', relative to the system's url")
        if "?" in value or "#" in value:
            raise ValueError("query parameters go under `query`")
        return value


class FindFields(Part):
    """Find the object in an answer of unknown layout: the first one that holds so many of the schema's fields."""

    with_fields: int = Field(ge=1)
    named: Pattern | None = None  # a regular expression: failing that, the object under a member with such a name


class GetCall(Call):
    """Reads one object."""

    object: Pointer | FindFields = ""
    archive: Archive | None = None


class ListCall(Call):
    """Reads many objects."""

    items: Pointer = ""  # where the answer holds the list; null or absent there counts as empty
    key_as: Name | None = None  # the items are an object: its keys become this field of each item
    object: Pointer = ""  # inside one item
    items_are: Literal["objects", "summaries", "ids"] = "objects"
    paging: Paging | None = None
    skip: list[Condition] = Field(default_factory=list)  # items that are not ours to see


Conditions = Annotated[list[Condition], BeforeValidator(_as_list)]


class Wait(Call):
    """Asks until a write has been carried out, for APIs that answer before they have acted."""

    until: Conditions  # all of them hold of the answer: done
    failed: Conditions = Field(default_factory=list)  # one of them holds: it went wrong
    seconds: float = Field(default=300, gt=0, le=86400)  # patience
    every_seconds: float = Field(default=1, gt=0, le=600)


class Refusal(Condition):
    """A live object that the call must not be used on, and why."""

    message: str


class WriteCall(Call):
    """Creates or updates one object."""

    required: list[str] = Field(default_factory=list)  # fields that a create needs beyond those the schema requires
    refuse: list[Refusal] = Field(default_factory=list)  # live objects that an update would damage
    send: Literal["stated", "changed", "full", "mergePatch", "jsonPatch"] | None = None
    fields: list[str] | None = None  # only these fields; without it, all that no other call takes
    fields_at: Pointer = ""  # where in the body the fields go
    object: Pointer = ""  # where the answer holds the object, when it returns one
    id_at: Pointer | None = None  # where the answer holds the id, when it returns only that
    returns: Literal["object", "nothing"] = "object"  # nothing: never trust the body, read again
    wait: Wait | None = None  # for answers that only promise


class Delete(Part):
    """How an object goes away: by a call, by being switched off, or not at all."""

    call: Call | None = None
    disable: dict[str, Any] | None = None  # fields to set instead of deleting
    forget: bool = False  # the API cannot delete: stop managing
    warning: str = ""


class Check(Call):
    """Asks whether a follow-up is due although nothing changes now, as after a run that was cut short."""

    due: Conditions  # one of them holds of the answer: due


class FollowUp(Call):
    """A call made once after all changes that lead to the same request, such as a deployment of their parent."""

    title: str  # what it does, for people
    each: Annotated[str, Field(pattern=r"^system\.[A-Za-z][A-Za-z0-9_-]*$")] | None = None
    check: Check | None = None


class Inside(Part):
    """The object is an item of a list or map in another object's document, which is read and written whole."""

    read: GetCall  # the document
    write: Call  # its body may hold {document} and {items}; without one it is the document
    at: Pointer  # where the document holds the list or map
    key_as: Name | None = None  # it is a map, and its keys are this field


class Identity(Part):
    """What makes an object itself."""

    id: str = "/id"  # a pointer into the live object, or a template such as {spec.project}/{spec.name}
    key: list[Name] = Field(default_factory=list)  # the fields that find the live object
    name: Name | None = None  # the field that metadata.name fills when it is left out
    singleton: bool = False  # exists as soon as its parent does

    @field_validator("id")
    @classmethod
    def _id(cls, value: str) -> str:
        if value.startswith("/"):
            parse_pointer(value)
        elif not any(True for _ in variables(value)):
            raise ValueError("id is a pointer such as /id or a template such as {spec.name}")
        parse_template(value)
        return value


class Read(Part):
    """Where live objects come from. Several lists are laid over one another: a later one wins."""

    lists: Annotated[list[ListCall], BeforeValidator(_as_list)] = Field(default_factory=list, alias="list")
    find: ListCall | None = None
    get: GetCall | None = None
    absent: Literal["unset", "zero", "default"] = "unset"  # what a field means that an answer leaves out
    gone: list[Condition] = Field(default_factory=list)  # an object of which one holds counts as not there
    ready: Conditions = Field(default_factory=list)  # all hold of the object: it is in use after a write
    failed: Conditions = Field(default_factory=list)  # one holds of the object: it will never be
    ready_seconds: float = Field(default=300, ge=0, le=86400)  # patience
    settle_seconds: float = Field(default=0, ge=0, le=600)  # until reads agree with writes
    unreadable: str = ""  # why nothing can be read, which makes the kind write-only


class Write(Part):
    """How objects are written. Without `create` the kind is adopt-only; without `update` it is look-up only."""

    create: WriteCall | None = None
    update: Annotated[list[WriteCall], BeforeValidator(_as_list)] = Field(default_factory=list)
    delete: Delete | None = None
    inside: Inside | None = None  # instead of create and update
    after: Annotated[list[FollowUp], BeforeValidator(_as_list)] = Field(default_factory=list)


class Guard(Part):
    """What protects a write from overwriting somebody else's."""

    if_match: bool = False  # the read's ETag is sent as If-Match (RFC 9110, section 13.1.1)
    version: Pointer | None = None  # a field of the live object that the body or path sends back


class ParentRequirement(Condition):
    """What must hold of the object that a reference field names."""

    field: Name
    message: str


class Together(Part):
    """Fields that must travel in one request as soon as one of them changes."""

    fields: list[Name]
    when: Name | None = None  # only when this field changes; default: any of them
    part: Literal["origin"] | None = None  # only when this part of its URL changes
    complete: bool = False  # what the server holds but cannot show must be stated, else it would be lost
    reason: str = ""


class SystemDefinition(Part):
    """What all calls of one API have in common."""

    system: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: str = ""
    description: str = ""
    documentation: list[str] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)  # a JSON Schema of type object
    headers: dict[str, TemplateText] = Field(default_factory=dict)
    answers: list[AnswerRule] = Field(default_factory=list)
    credentials: str = ""  # how to get them; for people


class KindDefinition(Part):
    """One resource type."""

    api_version: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/v[0-9][a-z0-9]*$")]
    kind: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    description: str = ""
    documentation: list[str] = Field(default_factory=list)
    evidence: dict[Literal["stated", "documented", "inferred", "unknown"], list[str]] = Field(default_factory=dict)
    schema_: dict[str, Any] = Field(alias="schema")
    identity: Identity = Identity()
    read: Read = Read()
    write: Write = Write()
    guard: Guard = Guard()
    requires: list[ParentRequirement] = Field(default_factory=list)
    together: list[Together] = Field(default_factory=list)
    answers: list[AnswerRule] = Field(default_factory=list)
    examples: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def system(self) -> str:
        return self.api_version.partition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.partition("/")[2]
