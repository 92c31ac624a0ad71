"""What a hosting API is asked for, whichever it is. Pure.

A thing of ours is found again by the mark in its first line, and by its author: anybody may write a mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol, TypeAlias

from reconciler.core.errors import UsageError
from reconciler.core.model import Json, Request
from reconciler.core.records import dataclass

_MARK = re.compile(r"<!-- reconciler:(?:target|drift|plans)=\S*(?: config=\S+)? -->")

Ask: TypeAlias = Callable[[Request], Json]
"""Sends one request and returns the decoded answer, an object. Raises ApiError with what to do for anything else."""

AskAll: TypeAlias = Callable[[Request], list[Json]]
"""Sends one request for a list and returns the items of all its pages, all of them objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How to send: one request, all pages of a list, and a request that may be refused, which None tells."""

    ask: Ask
    ask_all: AskAll
    try_: Callable[[Request], Json | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment, an issue or a request to merge that stands there already."""

    id: str
    body: str
    url: str
    mine: bool  # written by whom the token stands for, as far as can be told
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What shall stand there. The mark is the first line of the body."""

    body: str
    title: str = ""

    @property
    def mark(self) -> str:
        return mark_of(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """Which branch is to be merged into which one."""

    head: str
    base: str


class Forge(Protocol):
    """One repository at a hosting service."""

    def comments(self, number: int) -> list[Note]:
        """Return all comments of a pull or merge request, in order."""
        ...

    def add_comment(self, number: int, body: str) -> Note: ...
    def change_comment(self, number: int, note: Note, body: str) -> Note: ...
    def open_issues(self) -> list[Note]: ...
    def add_issue(self, post: Post) -> Note: ...
    def change_issue(self, note: Note, post: Post, *, close: bool) -> Note: ...
    def open_merges(self, branches: Branches) -> list[Note]: ...
    def add_merge(self, branches: Branches, post: Post) -> Note: ...
    def change_merge(self, note: Note, post: Post) -> Note: ...


def mark_of(body: str) -> str:
    """Return the hidden mark in the first line of `body`. Raises UsageError when there is none."""
    first = body.lstrip("\ufeff").split("\n", 1)[0].strip()
    if not _MARK.fullmatch(first):
        raise UsageError(
            "the text does not begin with a mark of reconciler, by which it would be found again",
            hint="write it with `--output markdown=FILE` of plan, drift or apply",
        )
    return first


def is_marked(body: str, mark: str) -> bool:
    """Tell whether `body` begins with `mark`."""
    return body.lstrip("\ufeff").split("\n", 1)[0].strip() == mark


def find_again(notes: list[Note], mark: str) -> list[Note]:
    """Return those of `notes` that seem ours and have the mark: of bots it cannot be told which one wrote them."""
    return [note for note in notes if note.mine and is_marked(note.body, mark)]
