"""Arguments of the command that shows what moved live. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from reconciler.cli.output_arguments import FORMATS, add_output

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing`

if TYPE_CHECKING:
    from typing import Any

_EPILOG = """\
Drift is what moved in a live system while its manifest did not; the ledger tells. Values are shown as in a plan: what
lives → what the manifest states. With --write, expressions and secrets stay as they are and are listed.

"""


def add_drift(
    commands: Any,
    add: Callable[..., argparse.ArgumentParser],
    add_input: Callable[[argparse.ArgumentParser], None],
    add_live: Callable[..., None],
    exit_codes: str,
) -> None:
    """Add the command."""
    summary = "show what moved in the live systems; changes nothing there"
    parser = add(commands, "drift", summary, epilog=_EPILOG + exit_codes)
    add_input(parser)
    add_live(parser, writes=False)
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 when there is drift")
    group = parser.add_argument_group("accepting")
    group.add_argument("--write", action="store_true", help="write the live values into the manifests, in place")
    group.add_argument("--dry-run", action="store_true", help="with --write: show the diff, and write nothing")
    group.add_argument(
        "--remove-deleted",
        action="store_true",
        help="with --write: remove the documents whose objects are gone; otherwise they are only listed",
    )
    add_output(parser, formats=FORMATS)
