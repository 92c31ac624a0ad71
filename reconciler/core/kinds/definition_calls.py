"""The grammar of calls: requests, answers, pages, and what to do until a write has taken effect. Pure.

These are the parts that `core.definition` puts systems and kinds together from. Descriptions are what editors show.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from reconciler.core.errors import ErrorClass
from reconciler.core.kinds.template import TemplateError, variables
from reconciler.core.pointer import parse_pointer
from reconciler.core.strict_form import StrictForm

EXPRESSION_HINT = "a backslash before one of . * + ? ( ) [ ] { } | ^ $ means the character itself"


def advised(message: str, hint: str) -> ValueError:
    """Return a mistake with a note that says what to write instead."""
    error = ValueError(message)
    error.add_note(hint)
    return error


def _pointer(value: Any) -> Any:
    if isinstance(value, str):
        try:
            parse_pointer(value)
        except ValueError as error:
            raise advised(str(error), f"did you mean '/{value}'?") from None
    return value


def _template(value: Any) -> Any:
    try:
        list(variables(value))
    except TemplateError as error:
        raise advised(str(error), error.hint) from None
    return value


def _pattern(value: Any) -> Any:
    try:
        re.compile(value)
    except (re.error, TypeError):
        raise advised(f"{value!r} is no regular expression", EXPRESSION_HINT) from None
    return value


def as_list(value: Any) -> Any:
    """Return a list as it is and anything else as a list of one: what may be repeated need not be."""
    return value if isinstance(value, list) else [value]


Pointer = Annotated[str, BeforeValidator(_pointer), Field(json_schema_extra={"pattern": "^(/|$)"})]
TemplateText = Annotated[str, BeforeValidator(_template)]
TemplateJson = Annotated[Any, BeforeValidator(_template)]
Pattern = Annotated[str, BeforeValidator(_pattern), Field(json_schema_extra={"format": "regex"})]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


def _statuses(value: list[int | str]) -> list[int | str]:
    for status in value:
        text = str(status)
        if not (len(text) == 3 and text[0] in "12345" and (text[1:] == "xx" or text[1:].isdigit())):
            raise ValueError(f"{status!r} is neither a status such as 404 nor a group such as 4xx")
    return value


Statuses = Annotated[
    list[int | str],
    BeforeValidator(as_list, json_schema_input_type=int | str | list[int | str]),
    AfterValidator(_statuses),
]
Pointers = Annotated[list[Pointer], BeforeValidator(as_list, json_schema_input_type=Pointer | list[Pointer])]


class Condition(StrictForm):
    """A test on an answer or object. All that is stated must hold."""

    at: Pointer = Field(
        default="", description="Where to look, as a pointer such as /status; without it, at the whole."
    )
    equals: Any = Field(default=None, description="The value that has to stand there.")
    one_of: list[Any] | None = Field(default=None, description="The values of which one has to stand there.")
    matches: Pattern | None = Field(default=None, description="A regular expression, found anywhere, case ignored.")
    present: bool | None = Field(default=None, description="Whether anything but null has to stand there, or nothing.")


Conditions = Annotated[list[Condition], BeforeValidator(as_list, json_schema_input_type=Condition | list[Condition])]


class AnswerRule(Condition):
    """How to read an answer: the first rule whose tests all hold decides its class."""

    status: Statuses = Field(default_factory=list, description="Statuses such as 404 or 4xx; without it, any.")
    content_type: str | None = Field(default=None, description="Content type, as application/json; * stands for any.")
    meaning: ErrorClass | Literal["success"] = Field(alias="class", description="What such an answer means.")
    message: Pointers = Field(
        default_factory=list, description="Where the answer holds a message for people; the first text found is shown."
    )
    hint: str = Field(default="", description="What a person can do about it.")

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


class Paging(StrictForm):
    """How a list goes on. Parameters stand in the call itself, as `{page.offset}`, `{page.cursor}` and so on."""

    style: Literal["offset", "page", "cursor", "link", "url"] = Field(
        description="By offset, by number of the page, by cursor, by Link header, or by an address in the answer."
    )
    size: int | None = Field(default=None, ge=1, description="Items a page, sent as {page.size}.")
    first: int = Field(default=1, ge=0, description="Number of the first page, sent as {page.number}, for style page.")
    next: Pointer | None = Field(
        default=None, description="Where the answer holds the next cursor, or the next address for style url."
    )
    total: Pointer | None = Field(default=None, description="Where the answer holds the number of all items.")

    @model_validator(mode="after")
    def _complete(self) -> Paging:
        if self.style in ("offset", "page") and self.size is None:
            message = f"style {self.style} needs `size`: a page shorter than it is the last one"
            raise advised(message, "add `size`, the number of items that the API gives at once, as in size: 100")
        if self.style in ("cursor", "url") and self.next is None:
            message = f"style {self.style} needs `next`: where the answer holds it"
            raise advised(message, "add `next`, a pointer into the answer, as in next: /meta/next")
        return self


class Archive(StrictForm):
    """The answer is an archive, and the object is a JSON file in it."""

    zip: TemplateText = Field(description="Name of the file in the ZIP archive; it may hold templates.")


class Call(StrictForm):
    """One HTTP call. Every text may hold `{…}` templates such as `{id}`, `{spec.name}` or `{system.region}`."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = Field(description="The verb.")
    path: TemplateText = Field(description="Path below the system's url, percent-encoded where a template stands.")
    query: dict[str, TemplateJson] = Field(
        default_factory=dict, description="Query parameters; a list repeats its name, one without a value is left out."
    )
    headers: dict[str, TemplateText] = Field(default_factory=dict, description="Headers beside those of the system.")
    body: TemplateJson = Field(default=None, description="JSON body; a member whose template has no value is left out.")
    answers: list[AnswerRule] = Field(
        default_factory=list, description="How to read answers of this call, before the rules of the kind and system."
    )

    @field_validator("path")
    @classmethod
    def _starts_with_slash(cls, value: str) -> str:
        if value != "{location}" and (not value.startswith("/") or value.startswith("//")):
            message = "a path starts with one '/', relative to the system's url"
            raise advised(message, f"did you mean '/{value.lstrip('/')}'?")
        if "?" in value or "#" in value:
            raise advised("query parameters go under `query`", "move what follows the '?', as in query: {all: 1}")
        return value


class FindFields(StrictForm):
    """Find the object in an answer of unknown layout: the first one that holds so many of the schema's fields."""

    with_fields: int = Field(ge=1, description="How many of the schema's fields the object holds at least.")
    named: Pattern | None = Field(
        default=None, description="A regular expression: failing that, the object under a member with such a name."
    )


# Told apart beforehand, so that a mistake in one form is not reported for both.
ObjectPlace = Annotated[
    Annotated[Pointer, Tag("pointer")] | Annotated[FindFields, Tag("fields")],
    Discriminator(lambda value: "pointer" if isinstance(value, str) else "fields"),
]


class GetCall(Call):
    """Reads one object."""

    object: ObjectPlace = Field(default="", description="Where the answer holds the object.")
    archive: Archive | None = Field(default=None, description="The answer is a ZIP archive with the object in a file.")
    id_as: Name | None = Field(
        default=None,
        description="The answer does not repeat the id: the one asked for becomes this member of the object.",
    )


class PartCall(Call):
    """Reads a part of an object that `get` does not show."""

    object: Pointer = Field(default="", description="Where the answer holds the part; any JSON.")
    into: Pointer = Field(
        default="", description="Where the part goes in the object; without it, its members are laid over the object's."
    )


class ListCall(Call):
    """Reads many objects."""

    items: Pointer = Field(default="", description="Where the answer holds the list; null there counts as empty.")
    optional: bool = Field(default=False, description="The answer leaves the list out when there are no items.")
    key_as: Name | None = Field(
        default=None, description="The items are an object: its keys become this field of each item."
    )
    object: Pointer = Field(default="", description="Where one item holds the object.")
    items_are: Literal["objects", "summaries", "ids"] = Field(
        default="objects", description="Whole objects, or parts or ids of them, of which each is read with `get`."
    )
    id_at: Pointer = Field(default="", description="For ids: where one item holds the id; without it, the item is it.")
    paging: Paging | None = Field(default=None, description="How the list goes on; without it, one answer is all.")
    total: Literal["exact", "estimate"] = Field(
        default="exact",
        description="Whether the number of items that answers announce is that of the items shown. An estimate, "
        "such as one that counts what the list filters, never makes the list doubtful.",
    )
    skip: Conditions = Field(default_factory=list, description="Items that are not ours to see: one of these holds.")


class Wait(Call):
    """Asks until a write has been carried out, for APIs that answer before they have acted."""

    status: Statuses = Field(
        default_factory=list,
        description="Answers to the write that it is meant for, by status, as 202; any other says that it is done. "
        "Without it, all answers that name what is to be asked.",
    )
    until: Conditions = Field(description="Done when all of these hold of the answer.")
    failed: Conditions = Field(default_factory=list, description="Failed when one of these holds of the answer.")
    seconds: float = Field(default=300, gt=0, le=86400, description="How long to ask, in seconds.")
    every_seconds: float = Field(default=1, gt=0, le=600, description="Pause between two questions, in seconds.")


class Refusal(Condition):
    """A live object that the call must not be used on, and why."""

    message: str = Field(description="What a person is told.")
    hint: str = Field(default="", description="What a person can do about it.")


Refusals = Annotated[list[Refusal], BeforeValidator(as_list, json_schema_input_type=Refusal | list[Refusal])]


class WriteCall(Call):
    """Creates or updates one object."""

    required: list[str] = Field(
        default_factory=list, description="Fields that a create needs beyond those that the schema requires."
    )
    refuse: Refusals = Field(default_factory=list, description="Live objects that an update would damage.")
    when: Conditions = Field(
        default_factory=list, description="An update is for manifests only of which all of these hold."
    )
    send: Literal["stated", "changed", "full", "mergePatch", "jsonPatch", "nothing"] | None = Field(
        default=None,
        description="What the body carries: all stated fields, changed ones, the whole object as it was read with the "
        "stated fields laid over it, a merge patch (RFC 7396), a JSON Patch (RFC 6902), or no field at all. Without "
        "it: stated for a create, full for PUT, changed otherwise.",
    )
    fields: list[str] | None = Field(
        default=None, description="Only these fields travel in this call; without it, all that no other call takes."
    )
    replaces: Literal["object", "fields"] | None = Field(
        default=None,
        description="What an update with send: full replaces: the whole object, so that it carries the fields of other "
        "updates as well, or its own fields only. Without it: the object at the path of get, its own fields below "
        "that; kinds check asks where that does not tell.",
    )
    fields_at: Pointer = Field(default="", description="Where in the body the fields go.")
    object: Pointer = Field(default="", description="Where the answer holds the object, when it returns one.")
    id_at: Pointer | None = Field(default=None, description="Where the answer holds the id, when it returns only that.")
    returns: Literal["object", "nothing"] = Field(
        default="object",
        description="nothing: the answer's body is never trusted, but for the id at `idAt`; the object is read again.",
    )
    wait: Wait | None = Field(default=None, description="What to ask until the write has been carried out.")
    idempotency_key: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] | None = Field(
        default=None,
        description="Header of a create in which the API takes a key that tells a repeat from another create, such as "
        "Idempotency-Key: a create whose answer is lost is then sent again.",
    )


class Check(Call):
    """Asks whether a follow-up is due although nothing changes now, as after a run that was cut short."""

    due: Conditions = Field(description="The follow-up is due when one of these holds of the answer.")


class FollowUp(Call):
    """A call made once after all changes that lead to the same request, such as a deployment of their parent."""

    title: str = Field(description="What it does, for people.")
    each: Annotated[str, Field(pattern=r"^system\.[A-Za-z][A-Za-z0-9_-]*$")] | None = Field(
        default=None, description="A list among the system's parameters: one call for each item, which is {item}."
    )
    check: Check | None = Field(default=None, description="Tells whether the call is due although nothing changes.")
