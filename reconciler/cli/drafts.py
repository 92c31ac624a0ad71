"""`reconciler kinds from-openapi`: draft definitions from an OpenAPI document, for a person to finish."""

from __future__ import annotations

import argparse
from pathlib import Path

from reconciler.console import Console
from reconciler.core.errors import ExitCode, InvalidInput, UsageError


def run_from_openapi(options: argparse.Namespace, console: Console) -> ExitCode:
    """Print the drafts, or write them into a folder without replacing a file. Raises InvalidInput or UsageError."""
    from reconciler.drafts.definitions import Draft, Origin, draft_definitions
    from reconciler.render.text import plural
    from reconciler.shell.files.disk import display_path, write_atomically
    from reconciler.shell.files.foreign import files_beside, make_folder, read_foreign
    from reconciler.shell.files.yaml_text import yaml_text

    path = Path(options.document)
    document, problems = read_foreign(path, display_path(path))
    if document is None:
        raise InvalidInput(problems)
    origin = Origin(uri=path.resolve().as_uri(), retrieve=files_beside(path))
    drafts = draft_definitions(document, origin, prefixes=options.path, system=options.system)

    def text(draft: Draft) -> str:
        return yaml_text(draft.data, header=draft.header, footer=draft.footer)

    if options.output is None:
        console.result("---\n".join(text(draft) for draft in drafts).rstrip("\n"))
    else:
        folder = Path(options.output)
        files = {folder / f"{draft.name}.yaml": text(draft) for draft in drafts}
        _refuse_existing(list(files))
        make_folder(folder)
        for file, content in files.items():
            write_atomically(file, content)
            console.result(f"wrote {display_path(file)}")
    open_questions = sum(draft.questions for draft in drafts)
    console.say(
        f"drafted {plural(len(drafts) - 1, 'kind')} with {plural(open_questions, 'decision')} left to a person: "
        "look for DECIDE in the comments"
    )
    return ExitCode.DONE


def _refuse_existing(files: list[Path]) -> None:
    existing = [file for file in files if file.exists()]
    if existing:
        names = ", ".join(file.name for file in existing[:5]) + (", …" if len(existing) > 5 else "")
        raise UsageError(
            f"{existing[0].parent} already holds {names}",
            hint="a draft never replaces a file: name a new folder with --output, or move these away",
        )
