"""The truth after writing: what reading shows, compared with what was asked.

Reads: one live system, through the functions of the work. Writes: nothing.

What reading cannot tell stays in doubt, and says so. A success of which reading shows nothing is a failure.
"""

from __future__ import annotations

from typing import Any

from reconciler.core.canonical import canonical_json
from reconciler.core.errors import ApiError, ReconcilerError
from reconciler.core.lookalikes import told_apart
from reconciler.core.model import Action, LiveObject
from reconciler.core.plan.leftovers import find_leftovers
from reconciler.core.plan.moved import moved_fields
from reconciler.core.pointer import MISSING, format_pointer
from reconciler.core.report import Leftover, Status
from reconciler.core.wire.answers import NothingFound
from reconciler.core.wire.judge import all_hold, holds
from reconciler.core.wire.said import reason_in
from reconciler.shell.apply.work import Stop, Work

MIN_LOOKS = 3  # reads before a lost write counts as not done, also where reads are said to agree at once
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0


def read_back(
    work: Work,
    remote_id: str | None,
    *,
    lost: str = "",
    sent: frozenset[str] = frozenset(),
    before: LiveObject | None = None,
) -> LiveObject:
    """Return the object as it is now, read until it agrees with what was asked or the kind's patience ends.

    `lost` says what happened to the write's answer when it was lost, `sent` which fields an update carried, and
    `before` how the object was until then. Raises Stop when the object is not there, or when reading cannot tell what
    became of a lost write.
    """
    read = work.kind.definition.read
    deadline = work.clock() + read.settle_seconds
    ready_by = work.clock() + max(read.settle_seconds, read.ready_seconds)
    pause, looks = FIRST_PAUSE_S, 0
    while True:
        live = _look(work, remote_id, lost)
        if live is not None:
            remote_id = live.id  # found once by its key, it has an id, and `get` knows more than a list
        looks += 1
        settled = live is not None and not _awaited(work, live, sent)
        if live is not None and any(holds(condition, live.body) for condition in read.failed):
            raise Stop(Status.FAILED, f"the server took it, and reports a failure: {reason_in(work.kind, live.body)}")
        if settled and live is not None and not all_hold(read.ready, live.body):
            if work.clock() >= ready_by:
                raise Stop(Status.FAILED, f"written, and not ready after {read.ready_seconds:g} s", "plan again")
        elif settled or (work.clock() >= deadline and looks >= (MIN_LOOKS if lost else 1)):
            break
        work.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)
    if live is None and _sees_more(work):
        return read_back(work, remote_id, lost=lost, sent=sent, before=before)
    if live is None:
        if lost:
            raise Stop(Status.FAILED, f"{lost}; reading shows that it is not there", "apply again")
        raise Stop(
            Status.FAILED,
            "the server reported success, but the object cannot be found",
            "plan again; if this repeats, check identity and settleSeconds of the kind",
        )
    if lost and not settled:
        raise _otherwise(work, live, before, sent, lost)
    if lost and sent and not sent & _comparable(work, live):
        raise Stop(
            Status.IN_DOUBT,
            f"{lost}; what was sent cannot be read back: {', '.join(sorted(sent))}",
            "apply again with --resend",
        )
    return live


def _awaited(work: Work, live: LiveObject, sent: frozenset[str]) -> frozenset[str]:
    """Return the fields that a write was to set and that `live` does not hold: of an update, those that it sent.

    After a create these are all, fields aside that only a later update can set.
    """
    if sent:
        return work.outstanding(live) & sent
    later = {n for n, f in work.kind.fields.properties.items() if f.update_only}
    creating = work.change.action is Action.CREATE
    return work.outstanding(live) - (later if creating else set())


def _otherwise(work: Work, live: LiveObject, before: LiveObject | None, sent: frozenset[str], lost: str) -> Stop:
    """Return what is to be said of a lost write when `live` is not as asked: not done, or nobody can tell."""
    moved = moved_fields(work.considered, before, live)
    if before is not None and not any(not sent or one.path[0] in sent for one in moved):
        return Stop(Status.FAILED, f"{lost}; reading shows that it was not done", "plan again")
    names = ", ".join(f"/{name}" for name in sorted(_awaited(work, live, sent)))
    seen = "it is there" if before is None else "it has changed"
    return Stop(
        Status.IN_DOUBT,
        f"{lost}; reading shows that {seen}, and not as asked: {names}",
        "somebody else may have changed it as well: plan again and look at the difference",
        moved=moved,
    )


def _comparable(work: Work, live: LiveObject) -> frozenset[str]:
    hidden = {str(path[0]) for path in work.after.compared_with(live).incomparable}
    return frozenset(work.considered.spec) - hidden


def _look(work: Work, remote_id: str | None, lost: str) -> LiveObject | None:
    try:
        return work.reader.read_one(work.kind, work.considered.spec, remote_id)
    except NothingFound as error:
        raise Stop(
            Status.IN_DOUBT if lost else Status.FAILED,
            f"{lost or 'the write was accepted'}; reading shows nothing of it: {error}",
            "check the parameters of the system in reconciler.yaml: body and place of reading depend on them",
        ) from None
    except ApiError as error:
        raise Stop(
            Status.IN_DOUBT,
            f"{lost or 'the write was accepted'}; reading back failed: {error.message}",
            "plan again when the system can be read: the object is found by its natural key",
        ) from None


def verified(work: Work, live: LiveObject, before: LiveObject | None, kept: frozenset[str] = frozenset()) -> LiveObject:
    """Return the object once it holds what was asked. Raises Stop with the fields that the server did not keep.

    `before` is the object as it was before the write, and `kept` are fields that it held right after their call.
    """
    ready = all_hold(work.kind.definition.read.ready, live.body)
    if work.kind.unreadable or (ready and not work.outstanding(live)):
        return live
    # An answer may be older, or poorer, than what reading shows.
    live = read_back(work, live.id)
    leftovers = find_leftovers(work.after, live, before, kept)
    if leftovers and _sees_more(work):
        live = read_back(work, live.id)
        leftovers = find_leftovers(work.after, live, before, kept)
    if not leftovers:
        return live
    there = "" if before is not None else f"; {_existence(work, live)}"
    raise Stop(
        Status.FAILED,
        f"the server answered with success but did not keep: {'; '.join(_kept(one) for one in leftovers)}{there}",
        "state the values that it keeps"
        + (", or describe in the kind how it treats these fields" if any(one.line for one in leftovers) else ""),
        leftovers=leftovers,
    )


def _sees_more(work: Work) -> bool:
    """Sign in anew where an object of this run may be seen only with rights that came with it; tell whether it did."""
    try:
        return work.change.action is Action.CREATE and work.renew()
    except ReconcilerError:
        return False


def _existence(work: Work, live: LiveObject) -> str:
    """Say what a create has made, since the next run may not find it by its natural key."""
    shown = [canonical_json(live.spec[n]) for n in work.kind.key if n in live.spec and not work.considered.hides((n,))]
    return f"the object exists{' as ' + ', '.join(shown) if shown else ''}, id {live.id}"


def _kept(one: Leftover) -> str:
    place = format_pointer(one.path)
    if one.sensitive:
        return f"{place} (secret)"
    wanted, held = told_apart(_shown(one.wanted), _shown(one.held))
    return f"{place}: wanted {wanted}, is {held}"


def _shown(value: Any) -> str:
    return "not set" if value is MISSING else canonical_json(value)
