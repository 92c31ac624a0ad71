"""The command line as argparse sees it. Imports nothing heavy: help and version are answered from here alone."""

from __future__ import annotations

import argparse

from reconciler.cli.drift_arguments import add_drift
from reconciler.cli.estate_arguments import add_estate
from reconciler.cli.ledger_arguments import add_deadline, add_ledger, add_lock_timeout
from reconciler.cli.output_arguments import FORMATS, add_output
from reconciler.cli.parser import GroupedHelp, Parser, duration
from reconciler.cli.pipeline_arguments import add_from_snapshot, add_hosting, add_snapshot, add_without_secrets
from reconciler.cli.removal_arguments import add_destroy, add_removal

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing`, a third of the time that help takes

_DESCRIPTION = """\
Keep configuration behind HTTP APIs in Git: manifests are compared with the live systems,
`plan` shows the smallest set of requests that makes them match, `apply` performs exactly those."""

_EXIT_CODES = """\
exit codes:
  0    done, or nothing to do
  1    the API or an apply failed
  2    changes are pending (plan --exit-code), or drift (drift --exit-code)
  3    invalid input or usage
  4    refused: a blocker, a conflict
  70   a bug in reconciler
  130  interrupted"""
_OF_VALIDATE = """\
exit codes:
  0    all in order, warnings aside
  3    invalid input or usage
  70   a bug in reconciler
  130  interrupted"""


if TYPE_CHECKING:
    from typing import TypeAlias

    Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="reconciler",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=GroupedHelp,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_validate(commands)
    _add_plan(commands)
    add_drift(commands, _add, _add_input, _add_live, _EXIT_CODES)
    add_estate(commands, _add, _add_live, _EXIT_CODES)
    _add_apply(commands)
    add_destroy(commands, _add, _parallelism, _EXIT_CODES)
    add_snapshot(commands, _add, _add_input, _add_live)
    add_hosting(commands, _add)
    add_ledger(commands, _add)
    _add_kinds(commands)
    _add_sandbox(commands)
    _add_demo(commands)
    _add(commands, "version", "print the version")
    completion = _add(
        commands,
        "completion",
        "print a completion script for a shell",
        epilog='for bash: eval "$(reconciler completion bash)"',
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")
    return parser


def _add(
    commands: Commands,
    name: str,
    summary: str,
    *,
    epilog: str = "",
) -> Parser:
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_input(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input")
    group.add_argument(
        "--config", metavar="FILE", default="reconciler.yaml", help="configuration (default: reconciler.yaml)"
    )
    group.add_argument("--target", metavar="NAME", help="target in the configuration (default: the only one)")
    group.add_argument(
        "-l",
        "--selector",
        metavar="LABELS",
        action="append",
        default=[],
        help="only resources with these labels: team=support,stage!=dev,critical",
    )
    group.add_argument(
        "--address",
        metavar="PATTERN",
        action="append",
        default=[],
        help="only resources whose address fits, as in 'shop.Product/*'; may be repeated",
    )
    group.add_argument(
        "--no-cache",
        action="store_true",
        help="parse every manifest again, changed or not",
    )


def _parallelism(text: str) -> int:
    value = int(text) if text.isdigit() else 0
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError("a number from 1 to 100")
    return value


def _first_port(text: str) -> int:
    value = int(text) if text.isdigit() else -1
    if value != 0 and not 1024 <= value <= 65532:
        raise argparse.ArgumentTypeError("a number from 1024 to 65532, since three more follow; 0 for any free ones")
    return value


def _add_live(parser: argparse.ArgumentParser, *, writes: bool = True) -> None:
    group = parser.add_argument_group("live systems")
    group.add_argument(
        "--parallelism",
        metavar="N",
        type=_parallelism,
        default=10,
        help="requests in flight per system, unless its settings say otherwise (default: 10)",
    )
    if writes:
        group.add_argument(
            "--resend",
            action="store_true",
            help="send write-only and masked values even where nothing tells that they differ",
        )
        group.add_argument(
            "--take-over",
            action="store_true",
            help="manage objects from now on that bear the mark of another tool",
        )
    add_deadline(group)
    if writes:
        group.add_argument(
            "--show-requests",
            action="store_true",
            help="show bodies and guards of the requests, secrets left out",
        )
        add_removal(group)


def _add_validate(commands: Commands) -> None:
    parser = _add(
        commands, "validate", "check manifests, kinds and configuration; reads no live system", epilog=_OF_VALIDATE
    )
    _add_input(parser)
    add_without_secrets(parser)
    add_output(parser, formats=FORMATS)


def _add_plan(commands: Commands) -> None:
    parser = _add(commands, "plan", "show what would be changed; writes nothing", epilog=_EXIT_CODES)
    _add_input(parser)
    _add_live(parser)
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 when changes are pending")
    parser.add_argument(
        "--out", metavar="FILE", help="save the plan for approval; `apply --plan FILE` performs exactly this plan"
    )
    add_from_snapshot(parser)
    add_output(parser, formats=FORMATS)


def _add_apply(commands: Commands) -> None:
    parser = _add(commands, "apply", "plan, ask, and perform exactly the plan", epilog=_EXIT_CODES)
    _add_input(parser)
    _add_live(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--trust-secrets",
        action="store_true",
        help="let the ledger take secrets that were never sent from here for applied, without sending them",
    )
    parser.add_argument(
        "--report", metavar="FILE", help="write what became of each change into this file, as JSON, however it ends"
    )
    parser.add_argument(
        "--allow-older",
        action="store_true",
        help="apply a Git revision that does not come after the one that was applied last, as the ledger knows it",
    )
    group = parser.add_argument_group("approval")
    group.add_argument(
        "--plan",
        metavar="FILE",
        help="plan again, and perform exactly the changes of this plan, saved by `plan --out`; does not ask",
    )
    group.add_argument(
        "--only-approved",
        action="store_true",
        help="with --plan: perform what still is as approved, and leave out the rest instead of refusing",
    )
    group.add_argument(
        "--max-age",
        metavar="DURATION",
        type=duration,
        help="with --plan: refuse a plan that is older, as in 90m, 24h or 7d",
    )
    add_lock_timeout(parser)
    add_output(parser, formats=FORMATS)


def _add_kinds(commands: Commands) -> None:
    parser = _add(commands, "kinds", "list and explain the kinds of resources")
    sub = parser.add_subparsers(dest="kinds_command", metavar="COMMAND", title="commands", required=True)
    listing = _add(sub, "list", "list all kinds, those that ship and your own")
    show = _add(sub, "show", "explain a kind: fields, identity, calls, guards")
    show.add_argument("kind", metavar="KIND", help="as in Product, or shop.Product where several systems have one")
    check = _add(sub, "check", "find every mistake in definitions, and what in them is doubtful", epilog=_CHECK)
    check.add_argument("paths", metavar="PATH", nargs="*", help="files or folders (default: `schemas` as configured)")
    new = _add(sub, "new", "print a commented definition to start from", epilog=_NEW)
    new.add_argument("name", metavar="SYSTEM/KIND", help="as in shop/Product")
    schema = _add(sub, "schema", "print a JSON Schema for editors, of manifests or of definitions", epilog=_SCHEMA)
    schema.add_argument("--definitions", action="store_true", help="of definitions instead of manifests")
    _add_from_openapi(sub)
    _add_verify(sub)
    for one in (listing, show, check, new, schema):
        _add_own_kinds(one)
    for one in (show, schema):
        _add_parameters(one)
    for one in (new, schema):
        one.add_argument("--output", metavar="FILE", help="write into this file instead of printing")
        add_output(one, formats=())
    for one in (listing, show, check):
        add_output(one)


def _add_verify(commands: Commands) -> None:
    parser = _add(
        commands,
        "verify",
        "put what a kind claims to the test on a live system, with a scratch object",
        epilog=_VERIFY,
    )
    parser.add_argument("kind", metavar="KIND", help="as in Product, or shop.Product where several systems have one")
    parser.add_argument(
        "--scratch",
        metavar="FILE",
        required=True,
        help="a manifest of the object to make, change and delete; nothing may have its name yet",
    )
    parser.add_argument(
        "--change",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        dest="changes",
        help="change this field to this value (JSON, or text); may be repeated (default: values that are guessed)",
    )
    parser.add_argument(
        "--patience",
        metavar="DURATION",
        type=duration,
        default=10.0,
        help="how long reads may lag behind writes (default: 10s)",
    )
    group = parser.add_argument_group("input")
    group.add_argument(
        "--config", metavar="FILE", default="reconciler.yaml", help="configuration (default: reconciler.yaml)"
    )
    group.add_argument("--target", metavar="NAME", help="target in the configuration (default: the only one)")
    add_output(parser)


_VERIFY = """\
The object is created, read, changed field by field, reordered, cleared, written with a stale version, created a
second time, and deleted. Nothing else is touched, and an object that is there already is refused.
Exits with 1 when a claim of the definition did not hold; the place and the line to write are shown."""
_CHECK = "Exits with 3 when there is a mistake; warnings alone are shown and pass."
_NEW = "The system comes along unless it is defined already. The text passes `reconciler kinds check` as it is."
_SCHEMA = """\
In an editor that speaks to the YAML language server, this line at the top of a manifest file is enough:
  # yaml-language-server: $schema=manifests.schema.json"""


def _add_own_kinds(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input")
    group.add_argument(
        "--config",
        metavar="FILE",
        default="reconciler.yaml",
        help="configuration whose `schemas` are read too, when it exists (default: reconciler.yaml)",
    )
    group.add_argument(
        "--schemas", metavar="DIR", action="append", default=[], help="more definitions; may be repeated"
    )


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        metavar="SYSTEM.NAME=VALUE",
        action="append",
        default=[],
        dest="parameters",
        help="a parameter of a system that its kinds depend on, such as its edition; may be repeated",
    )


def _add_from_openapi(commands: Commands) -> None:
    parser = _add(
        commands,
        "from-openapi",
        "draft a system and its kinds from an OpenAPI 3.0 or 3.1 document, for a person to finish",
        epilog="what the document does not say is guessed, and marked with a comment that starts with DECIDE",
    )
    parser.add_argument("document", metavar="DOCUMENT", help="YAML or JSON file; nothing is fetched")
    parser.add_argument(
        "--path",
        metavar="PREFIX",
        action="append",
        default=[],
        help="only paths that start so, as in /api/v1/widgets; may be repeated",
    )
    parser.add_argument("--system", metavar="NAME", help="name of the system (default: from the document's title)")
    parser.add_argument("--output", metavar="DIR", help="write one file for each definition here (default: print them)")
    add_output(parser, formats=())


def _add_sandbox(commands: Commands) -> None:
    parser = _add(
        commands,
        "sandbox",
        "serve emulations of the systems that ship as kinds, on loopback, until interrupted",
    )
    parser.add_argument(
        "--dir", metavar="DIR", help="write a ready reconciler.yaml, manifests/ and env into this folder"
    )
    parser.add_argument(
        "--set",
        metavar="SYSTEM.NAME=VALUE",
        action="append",
        default=[],
        dest="variants",
        help="choose a variant of an emulated system, such as its edition; a wrong one lists them all",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=_first_port,
        default=0,
        help="first of four ports in a row (default: any free ones)",
    )
    add_output(parser, formats=())


def _add_demo(commands: Commands) -> None:
    parser = _add(commands, "demo", "tell the whole story on the sandbox: plan, apply, drift, mend")
    parser.add_argument("--keep", metavar="DIR", help="keep the files of the demo in this folder")
    add_output(parser, formats=())
