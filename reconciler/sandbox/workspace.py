"""A folder to try everything in: configuration, example manifests, their schema and fake secrets for a running sandbox.

Reads: the example manifests and their schema. Writes: the folder that it is given, nothing that is there already.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.sandbox.estate import POOL, ROTATING_PROVIDER, SECRETS, STATIC_PROVIDER, WORKSPACE

SCHEMA = "manifests.schema.json"

NEEDS: Mapping[str, tuple[str, str]] = {"newer-managers.yaml": ("apinizer.edition", "wrapped")}
"""Example manifests by file name that fit one value of a variant only: with another they would be refused."""

CONFIGURATION = """\
# Made by `reconciler sandbox`: points at emulations on this machine. The secrets in `env` are fake.
manifests: [manifests]
targets:
  sandbox:
    systems:
      apinizer:
        url: {apinizer}
        auth: {{bearer: "${{env:APINIZER_TOKEN}}"}}
        edition: {edition}
        settingsRead: {settings_read}
      trustgate:
        url: {trustgate}
        auth: {{jwt: {{secret: "${{env:TRUSTGATE_SECRET}}"}}}}
        era: {era}
      galtea:
        url: {galtea}
        auth: {{bearer: "${{env:GALTEA_API_KEY}}"}}
      goldmine:
        url: {goldmine}
        auth: {{bearer: "${{env:GOLDMINE_API_KEY}}"}}
        workspaceId: {workspace}
    vars:
      region: eu
      residentialPool: {pool}
      staticProvider: {static_provider}
      rotatingProvider: {rotating_provider}
    secrets:
{secrets}
    ledger: {{file: ledger.json}}
"""


class WorkspaceError(Exception):
    """The folder cannot be used."""


def write_workspace(
    folder: Path,
    shipped: Callable[[str], Path],
    urls: Mapping[str, str],
    variants: Mapping[str, str],
    *,
    again: bool = True,
) -> None:
    """Write `reconciler.yaml`, `manifests/`, `schemas/` and `env` into `folder`.

    `shipped` returns where the folders `manifests` and `schemas` of the package are. Editors find the schema where the
    first line of each manifest says that it is.

    With `again`, the configuration of an earlier sandbox is replaced, since its URLs are gone; manifests that are
    there stay as they are, so that nobody's edits are lost. Raises WorkspaceError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "reconciler.yaml"
        if configuration.exists() and not (again and configuration.read_text().startswith("# Made by")):
            raise WorkspaceError(f"{configuration} is there already and was not made by the sandbox")
        configuration.write_text(configuration_text(urls, variants))
        if not (folder / "manifests").exists():
            unfit = [name for name, (variant, value) in NEEDS.items() if variants.get(variant, value) != value]
            shutil.copytree(shipped("manifests"), folder / "manifests", ignore=shutil.ignore_patterns("*.md", *unfit))
        (folder / "schemas").mkdir(exist_ok=True)
        shutil.copyfile(shipped("schemas") / SCHEMA, folder / "schemas" / SCHEMA)
        (folder / "env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
        # The ledger of an earlier sandbox, its journal and history speak of objects that are gone with it.
        for path in folder.glob("ledger.json*"):
            path.unlink()
    except OSError as error:
        raise WorkspaceError(f"cannot write to {folder}: {error.strerror}") from None


def configuration_text(urls: Mapping[str, str], variants: Mapping[str, str]) -> str:
    """Return the configuration for a sandbox with these URLs."""
    return CONFIGURATION.format(
        **urls,
        edition=variants.get("apinizer.edition", "wrapped"),
        settings_read=variants.get("apinizer.settingsRead", "full"),
        era=variants.get("trustgate.era", "L"),
        workspace=WORKSPACE,
        pool=POOL,
        static_provider=STATIC_PROVIDER,
        rotating_provider=ROTATING_PROVIDER,
        secrets="\n".join(f"      - {name}" for name in SECRETS),
    )
