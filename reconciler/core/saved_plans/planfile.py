"""The file that carries an approval: its form, checked strictly by pydantic, and its seal. Pure.

`schemas/plan.schema.json` is made from here. The file holds no request bodies and no secrets: it may be public. Its
seal finds accidents and edits by hand, not forgery: whoever can write the file can seal it anew. What protects is that
apply makes the plan again: a file can only choose among the changes that the manifests ask for, never add one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from reconciler.core.model import Action, Cause, Json, JsonObject, Operation
from reconciler.core.sealed import SealedFile, SealedPart

FORMAT = 1

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AddressText = Annotated[str, Field(pattern=r"^[^./]+\.[^./]+/.+$", description="system.Kind/name")]


class Tool(SealedPart):
    """The program that made the plan."""

    name: Literal["reconciler"] = "reconciler"
    version: str = Field(description="Version of the program; for the audit.")


class Chosen(SealedPart):
    """Which resources were planned, and how: `apply` plans with the same options."""

    labels: list[str] = Field(description="Label terms as after -l: team=support, stage!=dev, critical.")
    addresses: list[str] = Field(description="Address patterns as after --address.")
    resend: bool = Field(description="Whether values that cannot be compared are sent.")
    prune: bool = Field(default=False, description="Whether what no manifest states any more is deleted.")
    allow_replace: bool = Field(default=False, description="Whether a new object may take the place of an old one.")
    skip_unreadable: bool = Field(
        default=False, description="Whether what cannot be read, and what depends on it, is left out."
    )


class KindInUse(SealedPart):
    """A kind as it was when the plan was made."""

    version: str = Field(description="Version of the kind, as in v1.")
    digest: Digest = Field(description="Of its definition and its system's, for the parameters of the target.")


# mypy reads no `Literal` that is made of an enum; written out, the two could come apart.


class ApprovedField(SealedPart):
    """One field change, as it was shown. `before` and `after` stand there only where they may be shown."""

    path: str = Field(description="JSON Pointer inside spec.")
    operation: Literal[tuple(o.value for o in Operation)]  # type: ignore[valid-type]
    before: Any = Field(default=None, description="The value before; not there for secrets and added fields.")
    after: Any = Field(default=None, description="The value after; not there for secrets, or when not known yet.")
    sensitive: bool = Field(description="Whether the values are secret.")
    known: bool = Field(description="Whether the value after was known, or depends on another change.")
    cause: Literal[tuple(c.value for c in Cause)] = Field(  # type: ignore[valid-type]
        description="What moved since the last apply; empty when nobody knows."
    )


class ApprovedRequest(SealedPart):
    """A request that the change sends. Names in braces stand for what was not known yet."""

    method: str
    path: str
    only_if: str = Field(description="The condition under which it is sent; empty: always.")


class ApprovedChange(SealedPart):
    """One change."""

    address: AddressText
    action: Literal[tuple(a.value for a in Action if a is not Action.UNCHANGED)]  # type: ignore[valid-type]
    reason: str
    source: str = Field(description="Where the manifest stood: path:line:column; for people.")
    fields: list[ApprovedField]
    requests: list[ApprovedRequest]
    waits_for: list[AddressText] = Field(description="Changes that must be done first.")
    live_digest: str = Field(description="Of the managed fields that the plan was made on; empty: no object.")
    desired_digest: str = Field(description="Of the fields as wanted; empty for a delete.")
    secrets: str = Field(
        description="Keyed digest of the secrets that the manifest states; empty without a key, or without secrets."
    )
    digest: Digest = Field(description="Of address, action, fields, both digests, methods and paths.")


class ApprovedFollowUp(SealedPart):
    """A call that is made once, after the changes that it waits for."""

    key: str = Field(description="What tells it from others.")
    system: str
    title: str
    request: ApprovedRequest
    waits_for: list[AddressText]


class Approval(SealedPart):
    """A plan that a person can approve, and that `apply --plan` performs."""

    format: Literal[1] = Field(description="Number of this form.")
    kind: Literal["approval"]
    target: str = Field(description="Target in the configuration.")
    made_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")] = Field(
        description="When it was made, in UTC."
    )
    revision: str = Field(description="Git revision of the manifests, for the audit only; empty without Git.")
    dirty: bool = Field(default=False, description="Whether files in use differed from that revision.")
    tool: Tool
    selection: Chosen
    policy: dict[str, Any] = Field(description="Limits that the plan was made under; for the audit.")
    systems: dict[str, Digest] = Field(description="Digest of each system's URL and parameters, without secrets.")
    kinds: dict[str, KindInUse] = Field(description="The kinds of the planned resources, by system.Kind.")
    secrets_bound: bool = Field(description="Whether changed secrets are noticed: the plan was made with the key.")
    unchanged: Annotated[int, Field(ge=0)] = Field(description="How many resources were as declared.")
    changes: list[ApprovedChange]
    follow_ups: list[ApprovedFollowUp]
    plan_digest: Digest = Field(description="Digest of the plan as a whole, which outputs and reports show.")
    digest: Digest = Field(description="SHA-256 of this document without this member, as canonical JSON.")


_FILE = SealedFile(
    form=Approval,
    kind="approval",
    format=FORMAT,
    words="saved plan",
    again="make it again with `reconciler plan --out FILE`",
)


def read_approval(document: Json, name: str) -> Approval:
    """Return the approval in `document`, which is called `name`.

    Raises UsageError for something else than an approval, and Refused when its seal does not fit.
    """
    return _FILE.read(document, name)


def approval_schema() -> JsonObject:
    """Return the JSON Schema 2020-12 of the file."""
    return _FILE.schema("A plan saved by `reconciler plan --out`")


def in_camel_case(values: JsonObject) -> JsonObject:
    """Return `values` under names as they stand in files."""
    return {to_camel(name): value for name, value in values.items()}
