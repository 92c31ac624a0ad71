"""Arguments of what pipelines need: snapshots, and runs without secrets. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from reconciler.cli.output_arguments import add_output

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing`

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Add: TypeAlias = Callable[..., argparse.ArgumentParser]
    AddTo: TypeAlias = Callable[[argparse.ArgumentParser], None]


def add_without_secrets(parser: argparse.ArgumentParser) -> None:
    """Add what lets a check do without secrets."""
    parser.add_argument(
        "--without-secrets",
        action="store_true",
        help="do without environment variables and files of secrets that are not there: their values count as unknown",
    )


def add_from_snapshot(parser: argparse.ArgumentParser) -> None:
    """Add what makes a plan an offline one."""
    parser.add_argument(
        "--snapshot",
        metavar="FILE",
        help="plan on this file from `snapshot --out`: needs no secrets, reaches no live system, cannot be performed",
    )


def add_snapshot(commands: Any, add: Add, add_input: AddTo, add_live: AddTo) -> None:
    """Add the command that takes a snapshot."""
    parser = add(
        commands,
        "snapshot",
        "write the live state that manifests are about into a file, without secrets",
        epilog="`plan --snapshot FILE` makes a plan of it without reaching a live system",
    )
    parser.add_argument("--out", metavar="FILE", required=True, help="the file")
    add_input(parser)
    add_live(parser)
    add_output(parser, formats=())
