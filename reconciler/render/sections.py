"""The comments of several targets as one, with a section for each target that has something to say. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.render.escapes import markdown_code, markdown_mark, markdown_url
from reconciler.render.markdown import LIMIT, QUIET

_FOOTER = 1_000  # bytes kept for the last lines


def render_sections(
    comments: Iterable[tuple[str, str]], *, configuration: str, commit: str, details_url: str = "", limit: int = LIMIT
) -> str:
    """Return one comment for the `comments` of targets, given with their names; at most `limit` bytes.

    What does not fit is replaced by its title.
    """
    mark = markdown_mark("", configuration=configuration).replace("reconciler:target=", "reconciler:plans=")
    told, quiet, left_out = [], [], 0
    room = limit - _FOOTER - len(markdown_url(details_url))
    parted = [(name, text.strip().partition("\n")[2].strip()) for name, text in comments]  # without their own marks
    titles = sum(len(text.split("\n", 1)[0].encode()) + 2 for _, text in parted)
    for name, text in sorted(parted):
        title = text.split("\n", 1)[0]
        if title.startswith(QUIET) and "```" not in text:
            quiet.append(name)
        elif len(text.encode()) + titles > room:
            told.append(title)
            left_out += 1
        else:
            told.append(text)
            room -= len(text.encode()) + 2
    blocks = [mark, *told]
    if quiet:
        blocks.append(f"{QUIET} Nothing to do: {_few(quiet)}")
    url = markdown_url(details_url)
    everything = f"[the full output]({url})" if url else "the full output among the artifacts of this run"
    if left_out:
        blocks.append(f"**The details of {left_out} of these do not fit here:** see {everything}.")
    blocks.append(f"<sub>Planned for commit {markdown_code(commit)}.{f' See also {everything}.' if url else ''}</sub>")
    return "\n\n".join(blocks) + "\n"


def _few(names: list[str]) -> str:
    shown = ", ".join(markdown_code(name) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"
