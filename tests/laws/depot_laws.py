"""What holds whatever goes wrong: checked after each run of a world."""

from __future__ import annotations

from collections.abc import Iterator

from depot_estates import APPLIED_ONCE, WANTED, Thing
from depot_faults import THEIRS, Fault, Line
from depot_world import ENVIRON, Tried, World
from depots import PARENTS, Deed, Row

from reconciler.core.model import Action
from reconciler.core.report import Outcome, Status

MOST_FURTHER_RUNS = 2


def broken_laws(world: World, faults: tuple[Fault, ...]) -> list[str]:
    """Try one case, and return what did not hold: nothing, if all is well."""
    world.again(faults)
    tried = world.run()
    found = [*of_every_run(world, tried), *truth(world, tried)]
    further = 0
    while True:
        world.mend()
        made = world.plan()
        if made.blockers:
            found.append(f"blocked after {further} further runs: {[one.message for one in made.blockers]}")
            break
        if not made.has_work and not (world.way.ledger and "ledger.json.journal" in world.files()):
            break
        if further == MOST_FURTHER_RUNS:
            found.append(f"still at work: {[(str(c.address), c.action.value, c.fields) for c in made.pending]}")
            break
        further += 1
        again = world.run()
        found += [f"run {further + 1}: {law}" for law in of_every_run(world, again)]
        if again.error is not None:
            found.append(f"run {further + 1} failed: {again.error.message}")
    return [*found, *at_the_end(world)]


# --------------------------------------------------------------------------- of every run


def of_every_run(world: World, tried: Tried) -> Iterator[str]:
    """Yield what a run did that no run may ever do."""
    for line in world.lines.values():
        alive = {row["name"]: 0 for _, row in line.depot.every()}
        for _, row in line.depot.every():
            alive[row["name"]] += 1
        for name, count in alive.items():
            if count > 1:
                yield f"{name} is there {count} times"
        for deed in line.depot.deeds:
            if deed.ours:
                yield from _of_deed(world, deed)
                yield from _over_what_moved(world, line, deed)
    for name, value in ENVIRON.items():
        if any(value in text for text in tried.said):
            yield f"{name} is told"
        if any(value.encode() in content for content in world.files().values()):
            yield f"{name} stands in a file"


def _of_deed(world: World, deed: Deed) -> Iterator[str]:
    thing = world.things[deed.name]
    may_go = thing.fate == "replaced" or (thing.fate == "left" and world.prunes(thing.system))
    if deed.op == "take" and not may_go:
        yield f"{deed.name} was deleted"
    if deed.op != "take" and thing.fate not in WANTED:
        yield f"{deed.name} was touched: {deed.op}"
    if deed.op == "change" and deed.before is not None and deed.after is not None:
        ours = {*thing.values(before=False), "peer" if thing.peer else "", "version"}
        moved = {n for n in {*deed.before, *deed.after} if deed.before.get(n) != deed.after.get(n)}
        if deed.name in world.lines[thing.system].ignored:  # a PUT without a field empties it, and who left it out?
            ours |= {"size", "label", "pin"}
        if moved - ours:
            yield f"{deed.name}: unmanaged fields were changed: {sorted(moved - ours)}"


def _over_what_moved(world: World, line: Line, deed: Deed) -> Iterator[str]:
    """Yield that something was written over what somebody else had changed since the plan.

    Where the API has no guard, what happens between the last read and the write cannot be told, nor can what a stale
    read does not show.
    """
    if line.name == "quarry" and line.stale_until:
        return
    if deed.before is None or "size" not in world.things[deed.name].states:
        return
    if deed.after is not None and deed.after.get("size") == deed.before.get("size"):
        return
    until = deed.at if line.name == "quarry" or deed.op == "take" else deed.at + 1
    moved = [d for d in line.depot.deeds[: line.depot.deeds.index(deed)] if d.name == deed.name and not d.ours]
    if any(line.planned <= one.at < until and _is_edit(one) for one in moved):
        yield f"{deed.name} was written although it had moved since the plan"


def _is_edit(deed: Deed) -> bool:
    return (
        deed.op == "change" and deed.after is not None and deed.after["size"] == THEIRS != (deed.before or {})["size"]
    )


# --------------------------------------------------------------------------- the truth of the report


def truth(world: World, tried: Tried) -> Iterator[str]:
    """Yield what the report says and is not so."""
    if tried.report is None:
        if not tried.killed and any(line.writes for line in world.lines.values()):
            yield f"writes, and no report: {tried.error}"
        return
    for outcome in tried.report.outcomes:
        for law in _truth_of(world, outcome):
            yield f"{outcome.address} {outcome.action.value} {outcome.status.value} ({outcome.detail}): {law}"


def _truth_of(world: World, outcome: Outcome) -> Iterator[str]:
    name = outcome.address.name.removesuffix(" (replaced)")
    thing, line = world.things[name], world.lines[outcome.address.system]
    sent = [method for method, about in line.writes if about == name]
    ours = [deed for deed in line.depot.deeds if deed.ours and deed.name == name]
    if thing.fate == "replaced":  # the old object and the new one have an outcome each
        old = name != outcome.address.name
        sent = [method for method in sent if (method == "DELETE") == old]
        ours = [deed for deed in ours if (deed.op == "take") == old]
    if outcome.status is not Status.APPLIED and not outcome.detail and outcome.status is not Status.UNCHANGED:
        yield "nothing says why"
    match outcome.status:
        case Status.UNCHANGED | Status.SKIPPED:
            if sent:
                yield f"{sent} were sent"
        case Status.APPLIED if outcome.action is Action.DELETE:
            if world.rows(thing) and not any(deed.op == "take" and deed.name == name for deed in line.depot.deeds):
                yield "it was never taken away"
        case Status.APPLIED:
            held = [deed.after for deed in line.depot.deeds if deed.name == name] if not ours else [ours[-1].after]
            if not any(row is not None and not _missing(world, thing, row) for row in held) and held:
                yield f"what it was left with is not what was asked: {held}"
        case Status.FAILED | Status.CONFLICT:
            if (
                "was not done" in outcome.detail
                and ours
                and ours[-1].after is not None
                and not _missing(world, thing, ours[-1].after)
            ):
                yield "it was done"
            if outcome.status is Status.CONFLICT and ours and "written before that" not in outcome.detail:
                yield f"something was written all the same: {ours}"
        case Status.IN_DOUBT:
            accepted = "accepted; reading back failed" in outcome.detail
            if name not in line.lost and not accepted:
                yield "no answer was lost"


def _missing(world: World, thing: Thing, row: Row) -> set[str]:
    """Return the stated fields that a row does not hold as wanted, references aside."""
    wanted = thing.values(before=False)
    for field, value in wanted.items():
        if isinstance(value, str) and value.startswith("${env:"):
            wanted[field] = ENVIRON[value[6:-1]]
    return {field for field, value in wanted.items() if row.get(field) != value}


# --------------------------------------------------------------------------- the end


def at_the_end(world: World) -> Iterator[str]:
    """Yield what is not as declared."""
    harbor = world.lines["harbor"].depot
    if world.way.ledger and harbor.unpublished and any(t.system == "harbor" for t in world.estate.of(WANTED)):
        yield "what was changed in the harbor was never published"
    for thing in world.estate.things:
        rows = world.rows(thing)
        if thing.fate in WANTED:
            if len(rows) != 1:
                yield f"{thing.name} is there {len(rows)} times in the end"
                continue
            yield from _as_declared(world, thing, rows[0])
        elif thing.fate == "left" and world.prunes(thing.system):
            if rows:
                yield f"{thing.name} is still there"
        elif not rows and not _gone_otherwise(world, thing):
            yield f"{thing.name} is gone"


def _as_declared(world: World, thing: Thing, row: Row) -> Iterator[str]:
    missing = _missing(world, thing, row)
    if missing:
        yield f"{thing.name} is not as declared: {sorted(missing)}"
    if thing.parent and row[PARENTS[thing.system].lower()] != world.rows(world.things[thing.parent])[0]["id"]:
        yield f"{thing.name} stands in something else"
    if thing.peer and row.get("peer") != world.rows(world.things[thing.peer])[0]["id"]:
        yield f"{thing.name} refers to something else"


def _gone_otherwise(world: World, thing: Thing) -> bool:
    """Tell whether somebody else took it away, which nobody undoes where it is not wanted."""
    deeds = [*world.past, *world.lines[thing.system].depot.deeds]
    went_along = thing.fate in APPLIED_ONCE and thing.parent != "" and world.things[thing.parent].fate == "vanished"
    return went_along or any(deed.op == "take" and deed.name == thing.name and not deed.ours for deed in deeds)
