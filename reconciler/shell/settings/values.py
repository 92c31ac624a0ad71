"""The frozen values that the configuration becomes. Pure.

No repr shows what came from the environment, or could have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal, TypeAlias

from reconciler.core.export.wanted import LeftAlone
from reconciler.core.model import Diagnostic, Json, Source
from reconciler.core.records import dataclass
from reconciler.shell.network.authentication import Auth, NoAuth


class Environment(Mapping[str, str]):
    """The environment variables that may be read and are set; shows names, never values."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Environment({', '.join(sorted(self._values))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSettings:
    """How to reach and treat one system. Whatever may come from the environment stays out of the repr."""

    name: str
    url: str = field(repr=False)
    auth: Auth = field(default=NoAuth(), repr=False)
    ca_file: Path | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    insecure_skip_verify: bool = False
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    requests_per_second: float | None = None
    concurrency: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    parameters: Mapping[str, Json] = field(default_factory=dict, repr=False)  # checked by the kinds
    parameter_sources: Mapping[str, Source] = field(default_factory=dict, repr=False)  # of their keys
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """What an apply may do at most."""

    prune: bool = False
    max_deletes: int = 5
    max_change_share: float | None = None  # 0 to 1; None: not stated
    approval_required: bool = False  # only saved plans are performed
    secrets: Literal["keep", "resend"] = "keep"  # whether those that were never sent from here are planned


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLedger:
    """The ledger in a file."""

    path: Path = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLedger:
    """The ledger in a ref of the repository that holds the configuration."""

    ref: str = field(repr=False)
    remote: str = "origin"
    url: str = ""  # what the remote must be; "" when it may be any


LedgerSettings: TypeAlias = FileLedger | GitLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the configuration says for one target; paths are absolute."""

    config: Path
    root: Path  # the folder of the configuration
    manifest_paths: tuple[Path, ...]
    schema_paths: tuple[Path, ...]
    target: str
    systems: Mapping[str, SystemSettings]
    variables: Mapping[str, Json] = field(default_factory=dict, repr=False)
    without_secrets: bool = False  # what is not there is withheld: fit for checking and offline plans only
    allowed_environment: frozenset[str] = frozenset()
    open_environment: frozenset[str] = frozenset()  # those of them that are not secret
    environment: Environment
    policy: PolicySettings = PolicySettings()
    ledger: LedgerSettings | None = None
    unmanaged: tuple[LeftAlone, ...] = ()  # live objects that nobody means to manage
    warnings: tuple[Diagnostic, ...] = ()  # about what the configuration says and had better not
    secret_values: frozenset[str] = field(default=frozenset(), repr=False)  # never empty text; for masking
