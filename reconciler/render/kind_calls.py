"""The calls that a kind makes and what protects its writes, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.kinds.catalog import Kind, send_mode
from reconciler.core.kinds.definition import Call, Condition, ListCall, Paging, WriteCall
from reconciler.core.kinds.template import as_text
from reconciler.core.plan.removal.leaving import removing_calls
from reconciler.core.records import dataclass
from reconciler.core.wire.guards import compared_values

_SENDS = {
    "stated": "carries all stated fields",
    "changed": "carries changed fields",
    "full": "carries the whole object as it was read, with the stated fields laid over it",
    "mergePatch": "carries a merge patch",
    "jsonPatch": "carries a JSON Patch",
    "nothing": "carries no field",
}
_STYLES = {
    "offset": "by offset",
    "page": "by number",
    "cursor": "by cursor",
    "link": "by Link header",
    "url": "by the address of the next one",
}
_ITEMS = {"objects": "", "summaries": "parts of each object, which is then read", "ids": "ids only; each is then read"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCall:
    """One call as people see it."""

    name: str
    request: str  # method and path
    says: str  # what else there is to know


def calls_of(kind: Kind) -> Iterator[ShownCall]:
    """Yield all calls of a kind, and in their place why there is none."""
    read, write = kind.definition.read, kind.definition.write
    for listing in read.lists:
        yield _shown("list", listing, _list_words(listing))
    if read.find is not None:
        yield _shown("find", read.find, "narrowed to one natural key")
    if read.get is not None:
        yield _shown("get", read.get, "from an archive" if read.get.archive is not None else "")
    for part in read.parts:
        yield _shown("part", part, f"read after each get, into {part.into or 'the object'}")
    if write.inside is not None:
        yield _shown("document", write.inside.read, f"the object is an item at {write.inside.at or 'its root'}")
        yield _shown("create, update", write.inside.write, "writes the document back with the object in it")
    elif write.create is None:
        yield ShownCall(name="create", request="none", says="the API offers no way: existing objects are adopted")
    else:
        yield _shown("create", write.create, _write_words(write.create, creating=True))
    for call in write.update:
        yield _shown("update", call, _write_words(call, creating=False))
    yield from _deletes(kind)
    for follow_up in write.after:
        each = f", for each of {follow_up.each}" if follow_up.each else ""
        yield _shown("afterwards", follow_up, f"{follow_up.title}: once after all changes{each}")


def _shown(name: str, call: Call, says: str) -> ShownCall:
    return ShownCall(name=name, request=f"{call.method} {call.path}", says=says)


def _list_words(call: ListCall) -> str:
    return "; ".join(words for words in (_ITEMS[call.items_are], _paging_words(call.paging)) if words)


def _paging_words(paging: Paging | None) -> str:
    if paging is None:
        return "in one answer"
    size = f", {paging.size} each" if paging.size is not None else ""
    return f"in pages {_STYLES[paging.style]}{size}"


def _write_words(call: WriteCall, *, creating: bool) -> str:
    words = [_SENDS[send_mode(call, creating=creating)]]
    if call.fields is not None and call.send == "nothing":
        words = [f"for {', '.join(call.fields)}; carries no field"]
    elif call.fields is not None:
        words = [f"carries {', '.join(call.fields)} only"]
    if call.when:
        words.append(f"only when {' and '.join(map(_condition_words, call.when))}")
    if call.fields_at:
        words.append(f"inside {call.fields_at}")
    if call.required:
        words.append(f"needs {', '.join(call.required)} as well")
    if call.wait is not None:
        words.append(f"then asks {call.wait.method} {call.wait.path} until it is done")
    return "; ".join(words)


def _condition_words(condition: Condition) -> str:
    place = condition.at or "it"
    if condition.one_of is not None:
        return f"{place} is one of {', '.join(map(as_text, condition.one_of))}"
    if condition.matches is not None:
        return f"{place} matches {condition.matches}"
    if condition.present is not None:
        return f"{place} is {'there' if condition.present else 'not there'}"
    return f"{place} is {as_text(condition.equals)}"


def _deletes(kind: Kind) -> Iterator[ShownCall]:
    delete = kind.definition.write.delete
    if delete is None:
        return
    if delete.call is not None:
        yield _shown("delete", delete.call, "")
    elif delete.disable is not None:
        sets = ", ".join(f"{name}: {str(value).lower()}" for name, value in delete.disable.items())
        yield ShownCall(name="delete", request="none", says=f"switched off instead: {sets}")
    elif delete.forget:
        yield ShownCall(name="delete", request="none", says="the API cannot delete: the object stays, unmanaged")


def guard_of(kind: Kind) -> list[str]:
    """Return what protects a write from overwriting somebody else's, strongest last."""
    guard, read, write = kind.definition.guard, kind.definition.read, kind.definition.write
    if write.create is None and not write.update and write.inside is None:
        return ["nothing to protect: objects are only looked up"]
    if kind.unreadable:
        return ["nothing: the object cannot be read, so the ledger alone tells what was sent"]
    lines = ["reading the object again right before each write, and comparing it with what the plan was made on"]
    if guard.if_match:
        lines.append("If-Match with the ETag of that read: the server refuses what came too late")
    calls = [*write.update, *removing_calls(kind)]
    for text in dict.fromkeys(f"{name}={one}" for call in calls for name, one in compared_values(kind, call)):
        lines.append(f"check-and-set by {text}: the server refuses what came too late")
    if guard.version is not None:
        lines.append(f"sending back its version, {guard.version}: the server refuses what came too late")
    if read.settle_seconds:
        lines.append(f"note: reads may lag behind writes by up to {read.settle_seconds:g} s")
    if read.ready:
        lines.append(f"note: a write is done only once the object is in use, for up to {read.ready_seconds:g} s")
    return lines
