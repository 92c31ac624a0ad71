"""The form of ledgers as JSON. Loaded when there is one to read: most targets have none. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from reconciler.core.strict_form import StrictForm


class _Form(StrictForm):
    model_config = ConfigDict(alias_generator=None)  # in snake case in the file, too


class RemovalForm(_Form):
    """What must be known of an object to delete it."""

    protect: bool = False
    place: dict[str, Any] = Field(default_factory=dict)
    parents: list[str] = Field(default_factory=list)


class RecordForm(_Form):
    """What is remembered of one resource."""

    id: str
    fields: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    applied_at: str = ""
    revision: str = ""
    named: str = ""
    removal: RemovalForm | None = None  # format 2
    owed: list[str] = Field(default_factory=list)  # format 2


class LedgerForm(_Form):
    """The whole file."""

    format: int
    target: str
    salt: str
    keyed: bool = False
    key_check: str = ""
    revision: str = ""  # format 3
    plans: dict[str, str] = Field(default_factory=dict)  # format 3
    records: dict[str, RecordForm] = Field(default_factory=dict)
