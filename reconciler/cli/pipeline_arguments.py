"""Arguments of what pipelines need: runs without secrets, snapshots, comments. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from reconciler.cli.output_arguments import add_output
from reconciler.cli.parser import duration

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing`

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Add: TypeAlias = Callable[..., argparse.ArgumentParser]
    AddTo: TypeAlias = Callable[..., None]


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
    add_live(parser, writes=False)
    add_output(parser, formats=())


def add_hosting(commands: Any, add: Add) -> None:
    """Add the commands that post to a hosting service."""
    comment = add(commands, "comment", "post the result to a pull request, or change the comment that is there")
    _add_sections(comment)
    comment.add_argument(
        "--pull-request", metavar="N", type=_number, help="its number (default: the one that the pipeline runs for)"
    )
    issue = add(commands, "issue", "open the one issue about a target, or change the one that is open")
    issue.add_argument("--title", metavar="TEXT", required=True, help="title of the issue")
    issue.add_argument("--close", action="store_true", help="close it if it is open, with the text as the last word")
    merge = add(
        commands, "pull-request", "open the one pull request for a pushed branch, or change the one that is open"
    )
    merge.add_argument("--title", metavar="TEXT", required=True, help="title of the pull request")
    merge.add_argument("--branch", metavar="NAME", required=True, help="the branch with the changes, already pushed")
    merge.add_argument("--into", metavar="NAME", default="main", help="the branch to merge into (default: main)")
    run = add(commands, "approved-run", "print which run of a GitHub workflow left the plan that was merged")
    run.add_argument("--commit", metavar="SHA", required=True, help="the commit that the merge made")
    run.add_argument("--artifact", metavar="NAME", required=True, help="name of the artifact, before .HEAD")
    run.add_argument(
        "--wait",
        metavar="DURATION",
        type=duration,
        default=0.0,
        help="how long to wait for pull requests and artifacts that the host does not report yet, as 30s",
    )
    for parser in (comment, issue, merge, run):
        group = parser.add_argument_group("hosting")
        if parser is not run:
            parser.add_argument(
                "--body",
                metavar="FILE",
                required=parser is not comment,
                help="the text, from `--output markdown=FILE`; by the mark in its first line it is found again",
            )
            group.add_argument(
                "--hosting", choices=("github", "gitlab"), help="the service (default: the one whose pipeline this is)"
            )
        gitlab = ", or GitLab's project" if parser is not run else ""
        group.add_argument("--repository", metavar="NAME", help=f"owner/name{gitlab} (default: the pipeline's)")
        group.add_argument("--api-url", metavar="URL", help="root of the API (default: the pipeline's)")
        group.add_argument(
            "--ca-file",
            metavar="FILE",
            help="certificate authority of the service, in PEM form (default: SSL_CERT_FILE)",
        )
        group.add_argument(
            "--proxy",
            metavar="URL",
            help="proxy on the way to the service, or `none` (default: as HTTPS_PROXY and NO_PROXY say)",
        )
        parser.epilog = "the token comes from GITHUB_TOKEN or GH_TOKEN" + (
            ", or from GITLAB_TOKEN" if parser is not run else ""
        )
        add_output(parser, formats=())


def _add_sections(comment: argparse.ArgumentParser) -> None:
    comment.add_argument(
        "--section",
        metavar="TARGET=FILE",
        action="append",
        default=[],
        help="instead of --body: the text about a target, a section of one comment about all of them; repeatable",
    )
    comment.add_argument("--commit", metavar="SHA", default="", help="with --section: the commit that was planned")
    comment.add_argument(
        "--config", metavar="FILE", default="", help="with --section: the configuration of the targets"
    )
    comment.add_argument("--details-url", metavar="URL", default="", help="with --section: where all of it can be seen")


def _number(text: str) -> int:
    value = int(text) if text.isdecimal() and text.isascii() else 0
    if value < 1:
        raise argparse.ArgumentTypeError("a number from 1")
    return value
