"""Whether the revision that is to be applied comes after the one that was applied last.

Reads: the repository of the manifests, and its remote where a shallow clone does not hold the history.
"""

from __future__ import annotations

from reconciler.core.errors import Refused
from reconciler.core.memory.ledger import Ledger
from reconciler.shell.git.revision import Revision, comes_after, git_revision
from reconciler.shell.options import Options
from reconciler.shell.settings.values import GitLedger, Settings

_ON_PURPOSE = "to go back on purpose, revert in Git and apply that commit, or use --allow-older"


def revision_in_use(settings: Settings, options: Options) -> Revision:
    """Return the revision of what the configuration names, dirty where files differ from it."""
    paths = (settings.config, *settings.manifest_paths, *settings.schema_paths)
    return git_revision(settings.root, options.environ, paths)


def refuse_older(ledger: Ledger, settings: Settings, options: Options) -> None:
    """Raise Refused where what is checked out does not come after the revision that the ledger knows as the last."""
    last = ledger.revision.removesuffix("-dirty")
    if not last or options.allow_older or options.destroy:
        return
    now = git_revision(settings.root, options.environ).id
    if now == last:
        return
    which = f"{last[:12]}, which was applied to {settings.target} last"
    if not now:
        raise Refused(
            f"nothing was applied: here is no Git revision that could come after {which}",
            hint="run it in a clone of the repository, or use --allow-older",
        )
    remote = settings.ledger.remote if isinstance(settings.ledger, GitLedger) else "origin"
    after = comes_after(settings.root, options.environ, last, remote)
    if after is None:
        raise Refused(
            f"nothing was applied: this shallow clone does not show whether {now[:12]} comes after {which}",
            hint="check out the whole history (`fetch-depth: 0` in GitHub Actions, `GIT_DEPTH: 0` in GitLab CI), or "
            "use --allow-older",
        )
    if not after:
        raise Refused(
            f"nothing was applied: {now[:12]} does not come after {which}, and could undo what has been changed since",
            hint=f"apply the newest commit; {_ON_PURPOSE}",
        )
