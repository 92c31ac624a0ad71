"""From settings to memory: which place a target remembers in. Reads nothing yet; the environment is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.core.memory.journal import Holder, rfc3339
from reconciler.shell.memory.file_store import FileStore
from reconciler.shell.memory.holder import as_text, this_run
from reconciler.shell.memory.ledger_text import KEY_NAME, Owner, read_key
from reconciler.shell.memory.memory import Memory
from reconciler.shell.memory.store import Store
from reconciler.shell.options import Options
from reconciler.shell.settings.loading import FileLedger, GitLedger, Settings

if TYPE_CHECKING:
    from reconciler.shell.memory.git_ref import GitRef


def open_memory(settings: Settings, options: Options, key_name: str = KEY_NAME) -> Memory:
    """Return the memory of the target, unread and unlocked. The key of its digests is redacted from now on."""
    key = read_key(options.environ, key_name)
    options.redactor.add([key.decode()] if key else [])
    owner = Owner(target=settings.target, key=key)
    run = this_run(options.environ, rfc3339(options.timing.wall_clock()))
    store: Store | None = None
    match settings.ledger:
        case FileLedger(path=path):
            store = FileStore(path, owner)
        case GitLedger(ref=ref, remote=remote, url=url):
            # Here, because other targets need no Git.
            from reconciler.shell.git.command import Git
            from reconciler.shell.memory.git_ref import GitRef
            from reconciler.shell.memory.git_store import GitStore

            place = GitRef(Git(settings.root, options.environ), ref, remote, url)

            def pause(attempt: int) -> None:
                options.timing.sleep(options.timing.jitter(min(0.1 * 2**attempt, 5.0)))

            store = GitStore(place, owner, lambda: _author(options.environ, place, run), pause)
        case None:
            pass
    return Memory(settings.target, store, run, options.timing)


def _author(environ: Mapping[str, str], place: GitRef, run: Holder) -> tuple[str, str]:
    """Return in whose name commits are made: Git's own settings, else whoever the pipeline says, else the user."""
    names = (f"{owner}_{what}" for owner in ("GIT_AUTHOR", "GITLAB_USER") for what in ("NAME", "EMAIL"))
    environ = {name: as_text(environ[name]) for name in (*names, "GITHUB_ACTOR") if name in environ}
    given = environ.get("GIT_AUTHOR_NAME", ""), environ.get("GIT_AUTHOR_EMAIL", "")
    if not all(given):
        given = place.identity()
    if not all(given):
        actor = environ.get("GITHUB_ACTOR", "")
        given = actor, f"{actor}@users.noreply.github.com" if actor else ""
    if not all(given):
        given = environ.get("GITLAB_USER_NAME", ""), environ.get("GITLAB_USER_EMAIL", "")
    return given if all(given) else (run.user or "reconciler", f"{run.user or 'reconciler'}@{run.host or 'localhost'}")
