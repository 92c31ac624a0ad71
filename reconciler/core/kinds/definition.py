"""The grammar of definitions: what a system and a kind look like as data, checked strictly by pydantic. Pure.

A definition file holds YAML documents of two sorts: one with `system:` describes what all calls of an API have in
common, one with `kind:` describes a resource type. `schemas/README.md` explains every key with an example, and
`schemas/definition.schema.json`, which is made from here, tells editors.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from reconciler.core.kinds.definition_calls import (
    AnswerRule,
    Archive,
    Call,
    Check,
    Condition,
    Conditions,
    FindFields,
    FollowUp,
    GetCall,
    ListCall,
    Name,
    Paging,
    PartCall,
    Pointer,
    Refusal,
    TemplateJson,
    TemplateText,
    Wait,
    WriteCall,
    as_list,
)
from reconciler.core.kinds.template import parse_template, variables
from reconciler.core.pointer import parse_pointer
from reconciler.core.strict_form import StrictForm

__all__ = [
    "AnswerRule",
    "Archive",
    "Call",
    "Check",
    "Condition",
    "Conditions",
    "Delete",
    "FindFields",
    "FollowUp",
    "GetCall",
    "Guard",
    "Identity",
    "Inside",
    "KindDefinition",
    "ListCall",
    "OwnerMark",
    "Paging",
    "ParentRequirement",
    "PartCall",
    "Pointer",
    "Read",
    "Refusal",
    "SystemDefinition",
    "Together",
    "Wait",
    "Write",
    "WriteCall",
]


ListCalls = Annotated[list[ListCall], BeforeValidator(as_list, json_schema_input_type=ListCall | list[ListCall])]
WriteCalls = Annotated[list[WriteCall], BeforeValidator(as_list, json_schema_input_type=WriteCall | list[WriteCall])]
PartCalls = Annotated[list[PartCall], BeforeValidator(as_list, json_schema_input_type=PartCall | list[PartCall])]
FollowUps = Annotated[list[FollowUp], BeforeValidator(as_list, json_schema_input_type=FollowUp | list[FollowUp])]


class Delete(StrictForm):
    """How an object goes away: by a call, by being switched off, or not at all."""

    call: Call | None = Field(default=None, description="The call that deletes.")
    disable: dict[str, Any] | None = Field(default=None, description="Fields to set instead of deleting.")
    forget: bool = Field(
        default=False, description="The API cannot delete: the object is no longer managed, and stays."
    )
    warning: str = Field(default="", description="What a person has to know before a delete.")
    wait: Wait | None = Field(default=None, description="What to ask until the call has been carried out.")
    proof: Literal["reading", "answer"] = Field(
        default="reading",
        description="What shows that the object is gone: reading, or the answer alone where reads go on showing it.",
    )


class Inside(StrictForm):
    """The object is an item of a list or map in another object's document, which is read and written whole."""

    read: GetCall = Field(description="Reads the document.")
    write: Call = Field(
        description="Writes the document; its body may hold {document} and {items}, without one it is the document."
    )
    at: Pointer = Field(description="Where the document holds the list or map.")
    key_as: Name | None = Field(default=None, description="It is a map, and its keys are this field.")


class Identity(StrictForm):
    """What makes an object itself."""

    singleton: bool = Field(default=False, description="The object exists as soon as its parent does.")
    id: str = Field(
        default="/id",
        description="Where the live object holds its id, or a template such as {spec.project}/{spec.name}.",
    )
    key: list[Name] = Field(
        default_factory=list, description="The natural key: the fields that together find the live object."
    )
    name: Name | None = Field(default=None, description="The field that metadata.name fills when it is left out.")

    @field_validator("id")
    @classmethod
    def _id(cls, value: str, info: ValidationInfo) -> str:
        if value.startswith("/"):
            parse_pointer(value)
        elif not info.data.get("singleton") and not any(True for _ in variables(value)):
            # There is only one of a singleton (in its parent), so any text tells it apart.
            raise ValueError("id is a pointer such as /id or a template such as {spec.name}")
        parse_template(value)
        return value


class OwnerMark(Condition):
    """A mark by which an object is known as ours; the value may name parameters, as in {system.owner}."""

    equals: TemplateJson = Field(default=None, description="The value that has to stand there, as {system.owner}.")


OwnerMarks = Annotated[list[OwnerMark], BeforeValidator(as_list, json_schema_input_type=OwnerMark | list[OwnerMark])]


class Read(StrictForm):
    """Where live objects come from."""

    lists: ListCalls = Field(
        default_factory=list,
        alias="list",
        description="Reads all objects of a scope. Several lists are laid over one another: a later one wins.",
    )
    find: ListCall | None = Field(
        default=None, description="A list narrowed to one natural key; used to read a single object without its id."
    )
    get: GetCall | None = Field(default=None, description="Reads one object, by id or by the fields in its path.")
    parts: PartCalls = Field(
        default_factory=list, description="Reads parts of an object that `get` does not show, right after it."
    )
    absent: Literal["unset", "zero", "default"] = Field(
        default="unset", description="What a field means that an answer leaves out: nothing, zero, or its default."
    )
    gone: Conditions = Field(
        default_factory=list, description="An object of which one of these holds counts as not there."
    )
    owned: OwnerMarks = Field(
        default_factory=list,
        description="An object of which all of these hold is ours: pruning deletes it when no manifest states it.",
    )
    foreign: Conditions = Field(
        default_factory=list,
        description="An object of which one of these holds bears the mark of another tool: never adopted unasked.",
    )
    built_in: Conditions = Field(
        default_factory=list, description="An object of which one of these holds came with the server: never deleted."
    )
    computed: Conditions = Field(
        default_factory=list,
        description="An object of which one of these holds is made and removed by the server: never deleted.",
    )
    ready: Conditions = Field(
        default_factory=list, description="After a write, the object is in use when all of these hold of it."
    )
    failed: Conditions = Field(
        default_factory=list, description="After a write, the object never gets ready when one of these holds of it."
    )
    ready_seconds: float = Field(
        default=300, ge=0, le=86400, description="How long it may take to get ready, in seconds."
    )
    settle_seconds: float = Field(default=0, ge=0, le=600, description="Seconds until reads agree with writes.")
    unreadable: str = Field(default="", description="Why nothing can be read, which makes the kind write-only.")


class Write(StrictForm):
    """How objects are written. Without `create` the kind is adopt-only; without `update` it is look-up only."""

    create: WriteCall | None = Field(default=None, description="Creates an object.")
    update: WriteCalls = Field(
        default_factory=list,
        description="Updates an object. Of several calls each is made when one of its fields changed.",
    )
    delete: Delete | None = Field(default=None, description="How an object goes away.")
    inside: Inside | None = Field(
        default=None, description="Instead of create and update: the object lives in another object's document."
    )
    after: FollowUps = Field(
        default_factory=list, description="Calls made once after all changes that lead to the same request."
    )


class Guard(StrictForm):
    """What protects a write from overwriting somebody else's, beside reading and comparing right before it."""

    if_match: bool = Field(default=False, description="The read's ETag is sent as If-Match (RFC 9110, section 13.1.1).")
    version: Pointer | None = Field(
        default=None, description="A field of the live object that the body or path of an update sends back."
    )


class ParentRequirement(Condition):
    """What must hold of the object that a reference field names."""

    field: Name = Field(description="The reference field.")
    message: str = Field(description="What a person is told when it does not hold.")


class Together(StrictForm):
    """Fields that must travel in one request as soon as one of them changes."""

    fields: list[Name] = Field(description="The fields.")
    when: Name | None = Field(default=None, description="Only when this field changes; without it, any of them.")
    part: Literal["origin"] | None = Field(
        default=None, description="Only when this part of the URL changes: scheme, host or port."
    )
    complete: bool = Field(
        default=False, description="What the server holds but cannot show must be stated, else it would be lost."
    )
    reason: str = Field(default="", description="Why, for people.")


class SystemDefinition(StrictForm):
    """What all calls of one API have in common."""

    system: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] = Field(
        description="Name of the system: lower-case letters, digits and dashes."
    )
    title: str = Field(default="", description="Its name for people.")
    description: str = Field(default="", description="What it is, and what its url is.")
    documentation: list[str] = Field(default_factory=list, description="The vendor's pages that this rests on.")
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="JSON Schema of what a target states about the system, as {system.name} in calls.",
    )
    headers: dict[str, TemplateText] = Field(default_factory=dict, description="Headers of every call.")
    answers: list[AnswerRule] = Field(
        default_factory=list, description="How to read answers, in order; a kind's own rules come first."
    )
    credentials: str = Field(default="", description="How to get credentials; for people.")


class KindDefinition(StrictForm):
    """One resource type."""

    api_version: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/v[0-9][a-z0-9]*$")] = Field(
        description="System and version of the kind, as in shop/v1."
    )
    kind: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")] = Field(
        description="Name of the kind: letters and digits, an upper-case letter first."
    )
    description: str = Field(default="", description="What it is, in a sentence or two.")
    documentation: list[str] = Field(
        default_factory=list, description="The vendor's pages and calls that this rests on."
    )
    evidence: dict[Literal["stated", "documented", "inferred", "unknown"], list[str]] = Field(
        default_factory=dict, description="What the definition rests on: sentences by how sure they are."
    )
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema 2020-12 of spec, with the x-… keywords.")
    identity: Identity = Field(default_factory=Identity, description="How one object is told from another.")
    read: Read = Field(default_factory=Read, description="How live objects are read.")
    write: Write = Field(default_factory=Write, description="How objects are written.")
    guard: Guard = Field(default_factory=Guard, description="What protects a write from overwriting somebody else's.")
    requires: list[ParentRequirement] = Field(
        default_factory=list, description="What must hold of the objects that reference fields name."
    )
    together: list[Together] = Field(default_factory=list, description="Fields that must travel in one request.")
    answers: list[AnswerRule] = Field(
        default_factory=list, description="How to read answers of this kind's calls; the first rule that fits decides."
    )
    examples: list[dict[str, Any]] = Field(default_factory=list, description="One or two good specs.")

    @property
    def system(self) -> str:
        return self.api_version.partition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.partition("/")[2]
