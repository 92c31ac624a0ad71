"""The files of a new repository: configuration, folders, pipeline, editor, hooks. Nothing that exists is overwritten.

Reads: the definitions that ship. Writes: new files below one folder, all or none. Sends: nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from reconciler.core.errors import UsageError
from reconciler.core.kinds.catalog import Catalog, check_parameters
from reconciler.core.manifests.manifest_schema import manifests_schema
from reconciler.core.records import dataclass
from reconciler.shell.files.definitions import load_kinds
from reconciler.shell.files.disk import display_path, write_together
from reconciler.shell.files.value_text import block_lines
from reconciler.shell.settings.mistakes import check_form

AUTHENTICATIONS = ("bearer", "basic", "header", "jwt", "oauth2", "none")
EDITOR_SCHEMA = "manifests.schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSystem:
    """One system of the new configuration."""

    name: str
    url: str
    auth: str = "bearer"  # one of AUTHENTICATIONS; a header as header:X-Api-Key, oauth2 as oauth2:TOKEN-URL
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a new repository is to hold."""

    folder: Path
    target: str
    systems: Sequence[NewSystem]
    ledger: str = "git"  # or file, none
    hosting: str = "none"  # or github, gitlab
    tool: str = ""  # where pipelines get the program: OWNER/REPOSITORY@COMMIT, or on GitLab a URL of Git with @COMMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The files that were written, those that were there, and the names of the secrets to set."""

    written: tuple[Path, ...]
    left: tuple[Path, ...]
    secrets: tuple[str, ...]


def start(wanted: Start) -> Started:
    """Write the files. Raises UsageError for what cannot be, before anything is written."""
    configuration, secrets = _configuration(wanted)
    catalog, _ = load_kinds([])
    _check(wanted, configuration, catalog)
    folder = wanted.folder
    texts = {
        folder / "reconciler.yaml": _HEAD + "\n".join(block_lines(configuration)) + "\n",
        folder / "manifests" / ".gitkeep": "",
        folder / ".env.example": "# Secrets of the target, one NAME=VALUE each. Never commit values.\n"
        + "".join(f"{name}=\n" for name in secrets),
        folder / ".gitignore": _IGNORED,
        folder / ".vscode" / "settings.json": json.dumps(
            {"yaml.schemas": {f"./{EDITOR_SCHEMA}": "manifests/**/*.yaml"}}, indent=2
        )
        + "\n",
        folder / ".pre-commit-config.yaml": _HOOK,
        folder / EDITOR_SCHEMA: json.dumps(manifests_schema(_kinds(wanted, catalog)), indent=2) + "\n",
    }
    if any(one.name not in catalog.systems for one in wanted.systems):
        texts[folder / "schemas" / ".gitkeep"] = ""
    texts |= {folder / name: text for name, text in _pipeline(wanted).items()}
    if (folder / "reconciler.yaml").exists():
        raise UsageError(
            f"{display_path(folder / 'reconciler.yaml')} is there already, and nothing is overwritten",
            hint="name another folder, or add the system to that file",
        )
    left = tuple(path for path in texts if path.exists())
    new = {path: text for path, text in texts.items() if path not in left}
    write_together({}, new)
    return Started(written=tuple(new), left=left, secrets=tuple(secrets))


def variable(system: str, what: str) -> str:
    """Return the name of an environment variable, as in SHOP_TOKEN."""
    return re.sub(r"[^A-Z0-9]+", "_", f"{system}_{what}".upper())


def _configuration(wanted: Start) -> tuple[dict[str, Any], list[str]]:
    systems: dict[str, Any] = {}
    secrets: list[str] = []
    for one in wanted.systems:
        auth, names = _auth(one)
        systems[one.name] = {"url": one.url, **({"auth": auth} if auth else {}), **one.parameters}
        secrets += [name for name in names if name not in secrets]
    target: dict[str, Any] = {"systems": systems}
    if secrets:
        target["secrets"] = secrets
    if wanted.ledger == "git":
        target["ledger"] = {"git": f"refs/reconciler/{wanted.target}"}
    elif wanted.ledger == "file":
        target["ledger"] = {"file": f".reconciler/{wanted.target}.json"}
    configuration: dict[str, Any] = {"manifests": ["manifests"], "targets": {wanted.target: target}}
    shipped, _ = load_kinds([])
    if any(one.name not in shipped.systems for one in wanted.systems):
        configuration = {"manifests": ["manifests"], "schemas": ["schemas"], "targets": {wanted.target: target}}
    return configuration, secrets


def _auth(system: NewSystem) -> tuple[dict[str, Any], list[str]]:
    """Return the `auth` block of a system and the names of the secrets in it. Raises UsageError."""
    form, _, rest = system.auth.partition(":")

    def secret(what: str) -> str:
        name = variable(system.name, what)
        names.append(name)
        return "${env:" + name + "}"

    names: list[str] = []
    match form:
        case "none":
            return {}, []
        case "bearer":
            return {"bearer": secret("token")}, names
        case "basic":
            return {"basic": {"username": secret("username"), "password": secret("password")}}, names
        case "jwt":
            return {"jwt": {"secret": secret("secret")}}, names
        case "header" if rest:
            return {"header": {"name": rest, "value": secret("key")}}, names
        case "oauth2" if rest:
            client = {"clientId": secret("client_id"), "clientSecret": secret("client_secret")}
            return {"oauth2": {"tokenUrl": rest, **client}}, names
    raise UsageError(
        f"cannot read --auth {system.name}={system.auth}",
        hint="write bearer, basic, jwt, none, header:X-Api-Key or oauth2:https://login.example.com/token",
    )


def _check(wanted: Start, configuration: dict[str, Any], catalog: Catalog) -> None:
    """Refuse what `reconciler.yaml` may not hold, everything at once."""
    found = [f"{'.'.join(str(step) for step in one.path)}: {one.message}" for one in check_form(configuration)]
    for system in wanted.systems:
        if system.name in catalog.systems:
            mistakes = check_parameters(catalog.systems[system.name], system.parameters)
            found += [f"{system.name}: {message} (--set {system.name}.{name}=VALUE)" for name, message, _ in mistakes]
    if found:
        raise UsageError("\n".join(found), hint="`reconciler init --help` shows how each is written")


def _kinds(wanted: Start, catalog: Catalog) -> list[Any]:
    systems = {one.name for one in wanted.systems}
    return [kind for kind in catalog.ordered() if kind.definition.system in systems] or catalog.ordered()


def _pipeline(wanted: Start) -> dict[str, str]:
    """Return the files of the pipeline by path."""
    if wanted.hosting == "none" or not wanted.tool:
        return {}
    if wanted.hosting == "gitlab":
        return {".gitlab-ci.yml": _GITLAB.replace("TOOL", wanted.tool).replace("TARGET", wanted.target)}
    repository, at, commit = wanted.tool.partition("@")
    if not at or not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or not re.fullmatch(r"[\w./-]+", commit):
        raise UsageError(
            f"cannot read --tool {wanted.tool}", hint="write OWNER/REPOSITORY@COMMIT, where reconciler is taken from"
        )
    text = _GITHUB.replace("TOOL", repository).replace("COMMIT", commit).replace("TARGET", wanted.target)
    return {".github/workflows/reconciler.yml": text}


_HEAD = """\
# What is declared in `manifests` is compared with these systems: `reconciler plan`, `reconciler apply`.
# Secrets are read from the environment, and only those that are listed.
"""
_IGNORED = """\
.env
.venv/
*.tmp
plan.json
report.json
"""
_HOOK = """\
# `pre-commit install` runs this before each commit: manifests that are not valid are refused. It needs no secret.
repos:
  - repo: local
    hooks:
      - id: reconciler-validate
        name: reconciler validate
        entry: reconciler validate --without-secrets
        language: system
        pass_filenames: false
        files: ^(manifests|schemas)/|^reconciler\\.ya?ml$
"""
_GITHUB = """\
# Plan in the pull request, apply after the merge, look for drift once an hour.
# The secret RECONCILER_ENVIRONMENT holds the lines NAME=VALUE of .env.example.
name: reconciler
on:
  pull_request:
  push: {branches: [main]}
  schedule: [{cron: "17 * * * *"}]
permissions: {}
jobs:
  plan:
    if: github.event_name == 'pull_request'
    uses: TOOL/.github/workflows/plan.yml@COMMIT
    permissions: {contents: read, pull-requests: write}
    with: {targets: '["TARGET"]', tool-repository: TOOL, tool-ref: COMMIT}
    secrets: {RECONCILER_ENVIRONMENT: "${{ secrets.RECONCILER_ENVIRONMENT }}"}
  apply:
    if: github.event_name == 'push'
    uses: TOOL/.github/workflows/apply.yml@COMMIT
    permissions: {actions: read, contents: write, pull-requests: read}
    with: {targets: '["TARGET"]', tool-repository: TOOL, tool-ref: COMMIT}
    secrets: {RECONCILER_ENVIRONMENT: "${{ secrets.RECONCILER_ENVIRONMENT }}"}
  drift:
    if: github.event_name == 'schedule'
    uses: TOOL/.github/workflows/drift.yml@COMMIT
    permissions: {contents: write, issues: write, pull-requests: write}
    with: {targets: '["TARGET"]', tool-repository: TOOL, tool-ref: COMMIT, answer: pull-request}
    secrets: {RECONCILER_ENVIRONMENT: "${{ secrets.RECONCILER_ENVIRONMENT }}"}
"""
_GITLAB = """\
# Plan in the merge request, apply on the default branch. The variables of .env.example are set in the project, masked.
image: python:3.13
before_script: [pip install --quiet "git+TOOL"]
plan:
  rules: [{if: '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
  script:
    - code=0; reconciler plan --out plan.json --output markdown=plan.md || code=$?
    - reconciler comment --body plan.md
    - exit $code
  artifacts: {paths: [plan.json, plan.md], when: always}
apply:
  rules: [{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'}]
  resource_group: reconciler-TARGET
  script: [reconciler apply --yes --lock-timeout 10m --report report.json]
  artifacts: {paths: [report.json], when: always}
"""
