"""The options about what a command prints and writes. Imports nothing heavy."""

from __future__ import annotations

import argparse

FORMATS = ("text", "json", "markdown", "html", "sarif", "github", "junit")


def add_output(parser: argparse.ArgumentParser, *, formats: tuple[str, ...] = ("text", "json")) -> None:
    """Add the options; `--format` takes `formats`, and with all of them there are files as well."""
    group = parser.add_argument_group("output")
    if formats:
        group.add_argument(
            "--format", choices=formats, default="text", help="format of the result on stdout (default: text)"
        )
    if formats == FORMATS:
        group.add_argument(
            "--output",
            dest="outputs",  # other commands have one file or folder under this name
            metavar="FORMAT=FILE",
            action="append",
            default=[],
            type=_output,
            help="write the result into a file as well, as in markdown=plan.md; may be repeated; FILE - is stdout",
        )
        group.add_argument(
            "--details-url",
            metavar="URL",
            default="",
            help="where all of it can be seen; outputs that must be short point there",
        )
        group.add_argument(
            "--markdown-limit",
            metavar="BYTES",
            type=_bytes,
            default=60_000,
            help="the most that a comment takes (default: 60000)",
        )
    group.add_argument(
        "--no-color",
        action="store_true",
        help="no colours, also when NO_COLOR is set or output is no terminal",
    )
    group.add_argument("--timings", action="store_true", help="say at the end where the time went, on stderr")
    group.add_argument("-q", "--quiet", action="store_true", help="print results and errors only")
    group.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="say more: -v what is unchanged, -vv every request (never a secret)",
    )


def _output(text: str) -> tuple[str, str]:
    name, _, path = text.partition("=")
    if name not in FORMATS or not path:
        raise argparse.ArgumentTypeError(f"FORMAT=FILE, where FORMAT is one of {', '.join(FORMATS)}")
    return name, path


def _bytes(text: str) -> int:
    value = int(text) if text.isdecimal() and text.isascii() else 0
    if value < 2000:
        raise argparse.ArgumentTypeError("a number of bytes, at least 2000")
    return value
