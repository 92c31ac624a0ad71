"""`comment`, `issue` and `pull-request`: what a run found, where people look for it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.console import Console
from reconciler.core.errors import ExitCode, UsageError
from reconciler.hosting.forge import Branches, Forge, Post
from reconciler.hosting.place import Said, find_number, find_place
from reconciler.hosting.posting import Posted, close_issue, put_comment, put_issue, put_merge
from reconciler.hosting.runs import REASONS
from reconciler.hosting.sending import approved_run, open_forge
from reconciler.render.sections import render_sections
from reconciler.shell.files.reading import TooLargeError, display_path, read_bounded, reason_for

LARGEST = 1024 * 1024
_WORDS = {
    "posted": "posted",
    "changed": "changed in place",
    "unchanged": "already says so",
    "closed": "closed",
    "nothing": "is not open",
}


def run_hosting(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    """Post or change one comment, issue or pull request, and say where it is."""
    post = Post(body=_text(options), title=getattr(options, "title", ""))
    post.mark  # noqa: B018  refuses a text that could not be found again, before anything is sent
    said = _said(options)
    place = find_place(said, environ)
    number = find_number(said, place.hosting, environ) if options.command == "comment" else 0
    with open_forge(place, console.redactor, environ) as forge:
        posted = _put(options, forge, number, post)
    console.result(f"{options.command} {_WORDS[posted.what]}{': ' + posted.url if posted.url else ''}")
    return ExitCode.DONE


def run_approved(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    """Print the run that left the plan which was merged with a commit, and the artifact; or why there is none."""
    place = find_place(replace(_said(options), hosting="github"), environ)
    found = approved_run(place, (options.commit, options.artifact), options.wait, console.redactor, environ)
    console.result(f"run-id={found.run_id or ''}\nartifact={found.artifact}\nreason={REASONS.get(found.reason, '')}")
    return ExitCode.DONE


def _said(options: argparse.Namespace) -> Said:
    return Said(
        hosting=getattr(options, "hosting", None) or "",
        api_url=options.api_url or "",
        repository=options.repository or "",
        number=getattr(options, "pull_request", None) or 0,
        ca_file=options.ca_file or "",
        proxy=options.proxy or "",
    )


def _put(options: argparse.Namespace, forge: Forge, number: int, post: Post) -> Posted:
    match options.command:
        case "comment":
            return put_comment(forge, number, post)
        case "issue":
            return close_issue(forge, post) if options.close else put_issue(forge, post)
        case _:
            return put_merge(forge, Branches(head=options.branch, base=options.into), post)


def _text(options: argparse.Namespace) -> str:
    sections = getattr(options, "section", [])
    if bool(sections) == bool(options.body):
        raise UsageError("there is nothing to post, or too much", hint="give either --body or --section, not both")
    if not sections:
        return _body(Path(options.body))
    parted = [one.partition("=") for one in sections]
    if not all(name and path for name, _, path in parted):
        raise UsageError("a section is not TARGET=FILE", hint="write --section production=plan.md")
    comments = [(name, _body(Path(path))) for name, _, path in parted]
    return render_sections(
        comments, configuration=options.config, commit=options.commit, details_url=options.details_url
    )


def _body(path: Path) -> str:
    try:
        return read_bounded(path, LARGEST).decode("utf-8")
    except OSError as error:
        raise UsageError(f"{display_path(path)} {reason_for(error)}", hint="name a file that can be read") from None
    except (TooLargeError, UnicodeDecodeError):
        raise UsageError(
            f"{display_path(path)} is no text of at most 1 MiB in UTF-8", hint="name another file"
        ) from None
