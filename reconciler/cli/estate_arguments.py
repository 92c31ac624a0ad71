"""Arguments of the commands about everything that is live. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from reconciler.cli.output_arguments import FORMATS, add_output

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing`

if TYPE_CHECKING:
    from typing import Any

_INIT = """\
Writes reconciler.yaml, manifests/, .env.example, .gitignore, a JSON Schema and settings for editors, a pre-commit hook,
and the pipeline that --hosting names. Files that exist are left alone. Where the secrets are set already, one list of
each system is read, to see that it can be reached; nothing is ever written there.

"""
_INVENTORY = """\
Every kind of the target's systems is read by its lists. A kind below a parent is read for each live parent; where a
list needs a value that no parent gives, name it with --in.

"""
_EXPORT = """\
Objects that a manifest declares already are left out, and files that exist are left alone. Ids of other objects become
references, secrets become ${env:NAME}: their names go into `secrets` of the configuration and into .env.example,
no value is written. At the end the manifests are planned: nothing to do, or what is left with its reason. Nothing is
written to a live system or the ledger; `apply` records the objects once the manifests are merged.

"""


def add_estate(
    commands: Any,
    add: Callable[..., argparse.ArgumentParser],
    add_live: Callable[..., None],
    exit_codes: str,
) -> None:
    """Add the commands."""
    parser = add(commands, "init", "start a repository: configuration, folders, pipeline", epilog=_INIT + exit_codes)
    _add_start(parser)
    add_output(parser, formats=())

    parser = add(
        commands, "inventory", "show what is live, and who manages it; writes nothing", epilog=_INVENTORY + exit_codes
    )
    _add_choice(parser)
    add_live(parser, writes=False)
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 when something is unmanaged")
    add_output(parser, formats=FORMATS)

    parser = add(
        commands, "export", "write manifests for what is live and not declared yet", epilog=_EXPORT + exit_codes
    )
    _add_choice(parser)
    add_live(parser, writes=False)
    group = parser.add_argument_group("files")
    group.add_argument("--output", metavar="DIR", required=True, help="folder for the manifests; made when missing")
    group.add_argument(
        "--all", action="store_true", help="also what manifests declare already, into a folder without manifests"
    )
    group.add_argument(
        "--layout",
        choices=("object", "kind", "parent"),
        default="object",
        help="one file for each object, kind, or parent object (default: object)",
    )
    group.add_argument(
        "--ids",
        action="store_true",
        help="write the ids of objects that are not exported; otherwise a lookup manifest finds each of them",
    )
    group.add_argument("--dry-run", action="store_true", help="show the files, and write nothing")
    add_output(parser, formats=())


def _add_start(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", nargs="?", default=".", help="where (default: this folder)")
    group = parser.add_argument_group("systems")
    group.add_argument(
        "--system",
        metavar="NAME=URL",
        action="append",
        default=[],
        help="a system and where it is, as in shop=https://api.example.com; may be repeated; asked for when left out",
    )
    group.add_argument(
        "--auth",
        metavar="NAME=HOW",
        action="append",
        default=[],
        help="how to sign in: bearer, basic, jwt, none, header:X-Api-Key or oauth2:TOKEN-URL (default: bearer)",
    )
    group.add_argument(
        "--set",
        metavar="NAME.PARAMETER=VALUE",
        action="append",
        default=[],
        help="a parameter of a system, as in shop.workspace=…; may be repeated",
    )
    group = parser.add_argument_group("repository")
    group.add_argument(
        "--target", metavar="NAME", default="production", help="name of the target (default: production)"
    )
    group.add_argument(
        "--ledger",
        choices=("git", "file", "none"),
        help="where the target remembers what it applied (default: git inside a work tree of Git, else file)",
    )
    group.add_argument(
        "--hosting", choices=("github", "gitlab", "none"), default="none", help="write a pipeline (default: none)"
    )
    group.add_argument(
        "--tool",
        metavar="PLACE@COMMIT",
        default="",
        help="where the pipeline takes reconciler from: OWNER/REPOSITORY@COMMIT, on GitLab URL@COMMIT",
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input")
    group.add_argument(
        "what",
        metavar="KIND|ADDRESS",
        nargs="*",
        help="only these, as in Product, shop.Product, 'shop.*' or 'shop.Product/tea*' (default: everything)",
    )
    group.add_argument(
        "--where",
        metavar="/FIELD=VALUE",
        action="append",
        default=[],
        help="only objects whose field has this value; may be repeated",
    )
    group.add_argument(
        "--in",
        dest="given",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="a value for a field that lists need and no parent gives, as in project=web; may be repeated",
    )
    group.add_argument(
        "--config", metavar="FILE", default="reconciler.yaml", help="configuration (default: reconciler.yaml)"
    )
    group.add_argument("--target", metavar="NAME", help="target in the configuration (default: the only one)")
