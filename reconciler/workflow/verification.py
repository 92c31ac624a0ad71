"""`kinds verify` as a function: the claims of a kind put to the test on a scratch object.

Reads and writes: one object of a live system, through `shell`.
"""

from __future__ import annotations

from reconciler.core.conformance.claims import Conformance
from reconciler.core.conformance.variation import Trial, Trials, refuse_what_cannot_be_verified
from reconciler.core.errors import Refused, UsageError
from reconciler.core.manifests.references import Known
from reconciler.core.manifests.selection import with_parents
from reconciler.shell.conformance.scratch import Scratch
from reconciler.shell.conformance.walk import Walk, settling
from reconciler.shell.connections import Connections, run_all
from reconciler.shell.live.fresh_lists import FreshLists
from reconciler.shell.live.matching import refresh
from reconciler.shell.live.refresh import LiveReader
from reconciler.shell.options import Options
from reconciler.workflow.commands import Loaded


def verify(loaded: Loaded, connections: Connections, options: Options, trial: Trial, patience_s: float) -> Conformance:
    """Put the claims of a kind to the test on a scratch object, and take it away again.

    Raises Refused when it is there already or could not be taken away, ApiError when the system cannot be read.
    """
    started, before = options.timing.clock(), connections.attempts
    resource = loaded.resources[trial.address]
    kind = loaded.catalog.kinds[trial.address.system, trial.address.kind]
    refuse_what_cannot_be_verified(kind)
    reader = LiveReader(
        catalog=loaded.catalog,
        send=connections.send,
        run_all=run_all(options.parallelism, connections.waits),
        run_apart=run_all(options.parallelism),
        waits=connections.waits,
        fresh=FreshLists(options.timing.clock),
    )
    parents = with_parents({trial.address}, loaded.resources) - {trial.address}
    state = refresh(reader, [loaded.resources[address] for address in sorted(parents)])
    if state.failures:
        raise next(iter(state.failures.values()))
    spec, unknown = Known(resources=loaded.resources, live=state.objects).spec_of(resource)
    if unknown:
        missing = ", ".join(str(a) for a in sorted(resource.depends_on - state.objects.keys()))
        raise Refused(f"{trial.address} refers to what does not exist: {missing}", hint="apply that first")
    create = kind.definition.write.create
    lacking = [name for name in (create.required if create is not None else ()) if name not in spec]
    if lacking:
        raise UsageError(
            f"to create {trial.address}, {', '.join(lacking)} must be stated", hint="add it to its manifest"
        )
    scratch = Scratch(
        kind=kind,
        spec=spec,
        reader=reader,
        send=connections.send,
        clock=options.timing.clock,
        sleep=options.timing.sleep,
        patience_s=max(patience_s, 1.5 * kind.definition.read.settle_seconds),
    )
    walk = Walk(scratch=scratch, trials=Trials(kind=kind, spec=spec, given=trial.given), resource=resource, spec=spec)
    left = walk.run()
    return Conformance(
        claims=(*walk.claims, settling(walk)),
        requests=connections.attempts - before,
        seconds=options.timing.clock() - started,
        left_behind=left,
    )
