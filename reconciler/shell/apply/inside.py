"""An object inside another object's document: put into its list or map, and the document written back.

Reads and writes: one live system, through the functions of the work.
"""

from __future__ import annotations

from reconciler.core.kinds.definition import Inside
from reconciler.core.model import Action, LiveObject, Request
from reconciler.core.wire.documents import document_request, document_unguarded, read_document
from reconciler.core.wire.guards import uncompressed
from reconciler.core.wire.requests import Subject, call_request, context
from reconciler.shell.apply.guarding import TRIES, appeared, gone, refuse_if_moved
from reconciler.shell.apply.truth import read_back, verified
from reconciler.shell.apply.work import Refusal, Work
from reconciler.shell.apply.writing import Answer, write


def write_inside(work: Work, inside: Inside) -> LiveObject:
    """Read the document, put the object into its list or map, and write the document back."""
    kind, change = work.kind, work.change
    subject = Subject(
        spec=work.considered.spec, id=None if change.live is None else change.live.id, hides=work.considered.hides
    )
    reading = call_request(kind, inside.read, context(kind, subject))
    # Others of this run may be about to write the same document: one after the other, each on a fresh read.
    with work.locks.of(reading.identity):
        for tries_left in reversed(range(TRIES)):
            try:
                mine, answer = _write_once(work, inside, subject, reading)
                work.carried.update(work.considered.spec)
                break
            except Refusal:
                # Somebody else wrote the document meanwhile, perhaps other objects in it: the next read tells.
                if not tries_left or not kind.definition.guard.if_match:
                    raise
    live = read_back(work, None if mine is None else mine.id, lost=answer.lost, before=mine)
    if mine is None:
        work.on_created(live)
    return verified(work, live, mine)


def _write_once(work: Work, inside: Inside, subject: Subject, reading: Request) -> tuple[LiveObject | None, Answer]:
    """Return the object as it was in the document, and what came back from writing the document with it."""
    kind, change = work.kind, work.change
    response = work.reader.ask(kind, inside.read, uncompressed(kind, reading))
    assert response is not None
    document = read_document(kind, inside, response, subject)
    mine = document.find(kind, subject)
    if change.action is Action.CREATE and mine is not None:
        raise appeared(work, mine)
    if change.action is Action.UPDATE:
        if mine is None or change.live is None:
            raise gone()
        refuse_if_moved(work, change.live, mine)
    work.unguarded.update(document_unguarded(kind, document))
    request = document_request(kind, inside, document, mine, context(kind, subject))
    return mine, write(work, inside.write, request)
