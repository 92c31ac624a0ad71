"""Which repository at which hosting service: from the pipeline's own variables, or as a person says. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from reconciler.core.errors import UsageError
from reconciler.core.records import dataclass

TOKENS = {"github": ("GITHUB_TOKEN", "GH_TOKEN"), "gitlab": ("GITLAB_TOKEN",)}
_URLS = {
    "github": ("GITHUB_API_URL", "https://api.github.com"),
    "gitlab": ("CI_API_V4_URL", "https://gitlab.com/api/v4"),
}
_REPOSITORIES = {"github": ("GITHUB_REPOSITORY",), "gitlab": ("CI_PROJECT_ID", "CI_PROJECT_PATH")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the command line says about the place; "" and 0 where it says nothing."""

    hosting: str = ""
    api_url: str = ""
    repository: str = ""
    number: int = 0
    ca_file: str = ""
    proxy: str = field(default="", repr=False)  # may hold credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository, and how to reach it."""

    hosting: str
    api_url: str
    repository: str
    token: str = field(repr=False)
    ca_file: str = ""  # instead of the public authorities
    proxy: str = field(default="", repr=False)


def find_place(said: Said, environ: Mapping[str, str]) -> Place:
    """Return the place. What is said wins over the variables of GitHub Actions and GitLab CI.

    Raises UsageError when something is missing.
    """
    hosting = said.hosting or ("gitlab" if environ.get("GITLAB_CI") else "github")
    variable, usual = _URLS[hosting]
    repository = said.repository or _first(environ, _REPOSITORIES[hosting])
    if not repository:
        raise UsageError(
            "it is not known which repository this is about",
            hint=f"set {_REPOSITORIES[hosting][0]}, as a pipeline does, or give --repository",
        )
    token = _first(environ, TOKENS[hosting])
    if not token:
        raise UsageError(
            f"there is no token for {hosting}: set {' or '.join(TOKENS[hosting])}",
            hint="in a workflow: `env: {GITHUB_TOKEN: ${{ github.token }}}`"
            if hosting == "github"
            else "make a project access token with the scope `api`, and store it as the masked variable GITLAB_TOKEN",
        )
    if not token.isascii():
        raise UsageError(f"the token for {hosting} has characters that a token cannot have", hint="store it anew")
    return Place(
        hosting=hosting,
        api_url=said.api_url or environ.get(variable) or usual,
        repository=repository,
        token=token,
        ca_file=said.ca_file or (environ.get("CI_SERVER_TLS_CA_FILE", "") if hosting == "gitlab" else ""),
        proxy=said.proxy,
    )


def find_number(said: Said, hosting: str, environ: Mapping[str, str]) -> int:
    """Return the number of the pull or merge request that this run is about. Raises UsageError when it is unknown."""
    if said.number:
        return said.number
    if hosting == "gitlab":
        found = re.fullmatch(r"(\d+)", environ.get("CI_MERGE_REQUEST_IID", ""))
    else:
        found = re.fullmatch(r"refs/pull/(\d+)/(?:merge|head)", environ.get("GITHUB_REF", ""))
    if found is None:
        raise UsageError(
            "it is not known which pull request this is about",
            hint="run it for a pull or merge request, or give --pull-request N",
        )
    return int(found[1])


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")
