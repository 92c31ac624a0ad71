"""Arguments about what goes away: pruning, replacing, and the command that destroys. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from reconciler.cli.ledger_arguments import add_deadline, add_lock_timeout
from reconciler.cli.output_arguments import FORMATS, add_output

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing`

if TYPE_CHECKING:
    from typing import Any


def add_removal(group: argparse._ArgumentGroup) -> None:
    """Add what says whether objects may be deleted."""
    group.add_argument(
        "--prune",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="delete what is ours and no manifest states any more (default: `policy.prune` of the target)",
    )
    group.add_argument(
        "--allow-replace",
        action="store_true",
        help="where a field cannot change, create a new object and delete the old one",
    )
    group.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out what cannot be read and what depends on it, with a warning for each",
    )
    add_trust_list(group)


def add_trust_list(group: argparse._ArgumentGroup) -> None:
    """Add what says whose lists are taken for whole."""
    group.add_argument(
        "--trust-list",
        metavar="KIND",
        action="append",
        default=[],
        help="in this run, take lists of this kind as complete although they contradict themselves; may be repeated",
    )


def add_destroy(
    commands: Any, add: Callable[..., argparse.ArgumentParser], parallelism: Callable[[str], int], epilog: str
) -> None:
    """Add the command that deletes the objects of some addresses."""
    summary = "delete the objects of some addresses, stated in manifests or known to the ledger"
    parser = add(commands, "destroy", summary, epilog=epilog)
    parser.add_argument(
        "addresses",
        metavar="ADDRESS",
        nargs="+",
        help="as in shop.Product/tea; may hold *, ? and [...], as after --address",
    )
    group = parser.add_argument_group("input")
    group.add_argument(
        "--config", metavar="FILE", default="reconciler.yaml", help="configuration (default: reconciler.yaml)"
    )
    group.add_argument("--target", metavar="NAME", help="target in the configuration (default: the only one)")
    group = parser.add_argument_group("live systems")
    group.add_argument(
        "--parallelism", metavar="N", type=parallelism, default=10, help="requests in flight per system (default: 10)"
    )
    add_deadline(group)
    add_trust_list(group)
    group.add_argument(
        "--show-requests", action="store_true", help="show bodies and guards of the requests, secrets left out"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--report", metavar="FILE", help="write what became of each change into this file, as JSON, however it ends"
    )
    add_lock_timeout(parser)
    add_output(parser, formats=FORMATS)
