"""The arguments of the commands about the ledger, and of those that take its lock. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from reconciler.cli.output_arguments import add_output
from reconciler.cli.parser import duration

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing`

if TYPE_CHECKING:
    from typing import Any


def add_deadline(parser: argparse._ActionsContainer) -> None:
    """Add the time limit of a run."""
    parser.add_argument(
        "--deadline",
        metavar="DURATION",
        type=duration,
        help="time limit of the run, as in 10m: afterwards nothing more begins, and what has begun is finished",
    )


def add_lock_timeout(parser: argparse.ArgumentParser) -> None:
    """Add the option to wait for the lock of the target."""
    parser.add_argument(
        "--lock-timeout",
        metavar="DURATION",
        type=duration,
        default=0.0,
        help="wait so long for another run that holds the target's lock, as in 90s (default: 0)",
    )


def add_ledger(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands about the ledger; `add` makes a command."""
    parser = add(commands, "ledger", "look into a target's ledger, and correct what it remembers", epilog=_LEDGER)
    sub = parser.add_subparsers(dest="ledger_command", metavar="COMMAND", title="commands", required=True)
    show = add(sub, "show", "show what the ledger holds, who holds its lock, and what is still open", epilog=_PATTERN)
    show.add_argument("addresses", metavar="ADDRESS", nargs="*", help="only these, in full")
    history = add(sub, "history", "show what was done, by whom, newest first; -v with every outcome")
    history.add_argument("--limit", metavar="N", type=_count, default=20, help="how many (default: 20)")
    forget = add(sub, "forget", "remember nothing of an address any more; no live object is touched", epilog=_PATTERN)
    forget.add_argument("addresses", metavar="ADDRESS", nargs="+", help="what to forget")
    move = add(sub, "move", "let a renamed manifest keep its object", epilog=_MOVE)
    move.add_argument("old", metavar="OLD", help="address that the ledger knows")
    move.add_argument("new", metavar="NEW", help="address, or only the new name")
    rekey = add(
        sub, "rekey", "write the digests of secrets anew by another key; no live system is asked", epilog=_REKEY
    )
    rekey.add_argument(
        "--trust-secrets",
        action="store_true",
        help="take the secrets of the manifests for applied where nothing tells, as when the old key is lost",
    )
    unlock = add(sub, "unlock", "take the lock away from a run that is surely dead", epilog=_UNLOCK)
    unlock.add_argument("token", metavar="TOKEN", nargs="?", help="token of the run that holds it")
    unlock.add_argument("--force", action="store_true", help="whoever holds it")
    for one in (show, history, forget, move, rekey, unlock):
        group = one.add_argument_group("input")
        group.add_argument(
            "--config", metavar="FILE", default="reconciler.yaml", help="configuration (default: reconciler.yaml)"
        )
        group.add_argument("--target", metavar="NAME", help="target in the configuration (default: the only one)")
        if one in (forget, move, rekey):
            add_lock_timeout(one)
        add_output(one)


def _count(text: str) -> int:
    value = int(text) if text.isdigit() else 0
    if not 1 <= value <= 100_000:
        raise argparse.ArgumentTypeError("a number from 1 to 100000")
    return value


_LEDGER = "The ledger is what `ledger` in the configuration names: a file, or a ref of the Git repository."
_PATTERN = "An address is system.Kind/name, Kind/name or a name; * and ? stand for any characters."
_MOVE = """\
Needed where the name is part of the natural key; otherwise the plan notices a renamed manifest by itself."""
_REKEY = """\
RECONCILER_LEDGER_KEY holds the new key, RECONCILER_LEDGER_OLD_KEY the one that the ledger was written with; either may
be missing, for a ledger without one. All secrets of the manifests are needed: a digest is only written anew for a
secret that is the one that was applied."""
_UNLOCK = """\
The message about the lock says who holds it and names the token. The next apply settles by reading what the
run has left open. A run that is still alive loses nothing: its records are laid over those of the next one."""
