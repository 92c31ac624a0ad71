"""Posts and changes in place: one comment, one issue, one request to merge for each mark.

Reads and writes: the hosting API, through the forge that it is given.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.core.errors import ApiError
from reconciler.core.records import dataclass
from reconciler.hosting.forge import Branches, Forge, Note, Post, find_again


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of it."""

    what: str  # posted, changed, unchanged, closed, nothing
    url: str = ""


def put_comment(forge: Forge, number: int, post: Post) -> Posted:
    """Let the comment with the mark of `post` say what it says; a comment that was deleted meanwhile is posted anew."""
    found = find_again(forge.comments(number), post.mark)
    changed = _first_changed(found, post, lambda note: forge.change_comment(number, note, post.body))
    return changed or Posted(what="posted", url=forge.add_comment(number, post.body).url)


def _first_changed(found: list[Note], post: Post, change: Callable[[Note], Note]) -> Posted | None:
    """Change the first note that can be; None when there is none: another bot's, which refuses, or it is gone."""
    for note in found:
        if _same(note, post):
            return Posted(what="unchanged", url=note.url)
        try:
            return Posted(what="changed", url=change(note).url)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
    return None


def put_issue(forge: Forge, post: Post) -> Posted:
    """Let one open issue with the mark of `post` say what it says."""
    found = find_again(forge.open_issues(), post.mark)
    changed = _first_changed(found, post, lambda note: forge.change_issue(note, post, close=False))
    return changed or Posted(what="posted", url=forge.add_issue(post).url)


def close_issue(forge: Forge, post: Post) -> Posted:
    """Close the open issue with the mark of `post`, with what it says as the last word, if there is one."""
    found = next(iter(find_again(forge.open_issues(), post.mark)), None)
    if found is None:
        return Posted(what="nothing")
    return Posted(what="closed", url=forge.change_issue(found, post, close=True).url)


def put_merge(forge: Forge, branches: Branches, post: Post) -> Posted:
    """Let one open request to merge these branches say what `post` says. A branch has one request at most."""
    found = next(iter(forge.open_merges(branches)), None)
    if found is None:
        return Posted(what="posted", url=forge.add_merge(branches, post).url)
    if _same(found, post):
        return Posted(what="unchanged", url=found.url)
    return Posted(what="changed", url=forge.change_merge(found, post).url)


def _same(note: Note, post: Post) -> bool:
    """Tell whether nothing would change; services store text with line ends of their own."""
    bodies = [text.replace("\r\n", "\n").strip() for text in (note.body, post.body)]
    return bodies[0] == bodies[1] and note.title == post.title
