"""The base of all documents that pydantic checks: definitions, configuration, ledgers, saved plans, snapshots. Pure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class StrictForm(BaseModel):
    """Strict, closed and frozen: a misspelt key is an error, `"12"` is not 12. Names are in camel case in the file."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
        defer_build=True,  # with the document that it is a part of, once
    )
