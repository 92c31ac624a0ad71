"""Sealed files: documents that carry the digest of everything else in them, checked strictly by pydantic. Pure.

The seal finds accidents and edits by hand, not forgery: whoever can write the file can seal it anew.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import ConfigDict, ValidationError

from reconciler.core.canonical import digest
from reconciler.core.errors import Refused, UsageError
from reconciler.core.model import Json, JsonObject
from reconciler.core.records import dataclass
from reconciler.core.strict_form import StrictForm

SEAL = "digest"  # the member that holds it


class SealedPart(StrictForm):
    """A part of a sealed file. It is made by names in snake case, and written in camel case."""

    model_config = ConfigDict(populate_by_name=True)


Form = TypeVar("Form", bound=SealedPart)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFile(Generic[Form]):
    """One sort of sealed file: its `kind` and `format` stand in it under these names."""

    form: type[Form]
    kind: str
    format: int
    words: str  # what a person calls it
    again: str  # how to make one

    def read(self, document: Json, name: str) -> Form:
        """Return what is in `document`, which is called `name`.

        Raises UsageError for another sort of document, and Refused when its seal does not fit.
        """
        if not isinstance(document, dict) or document.get("kind") != self.kind:
            raise UsageError(f"{name} is no {self.words}", hint=self.again)
        number = document.get("format")
        if isinstance(number, int) and number > self.format:
            raise UsageError(f"{name} was written by a newer reconciler", hint="upgrade this one")
        if document.get(SEAL) != digest({key: value for key, value in document.items() if key != SEAL}):
            raise Refused(f"{name} was changed after it was made: its own digest does not fit", hint=self.again)
        try:
            return self.form.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = "/" + "/".join(map(str, first["loc"]))
            raise UsageError(f"{name} is no {self.words}: {place}: {first['msg']}", hint=self.again) from None

    def schema(self, title: str) -> JsonObject:
        """Return the JSON Schema 2020-12 of the file."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **self.form.model_json_schema(by_alias=True),
            "title": title,
        }


def seal(parts: JsonObject) -> JsonObject:
    """Return a document with its seal; `parts` is all of it but the seal."""
    return {**parts, SEAL: digest(parts)}
