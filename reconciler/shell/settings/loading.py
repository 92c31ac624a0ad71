"""Configuration and environment to frozen settings for one target.

Reads: `reconciler.yaml`; of the environment, only the names that the chosen target lists under `secrets` and
`environment`.
Writes: nothing.

Every mistake is reported at once, with its place. Values from the environment are in no message and in no repr.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.export.wanted import LeftAlone, Wanted, canonical_text
from reconciler.core.model import Diagnostic, Document, Severity, Source
from reconciler.core.pointer import Path as JsonPath
from reconciler.core.pointer import parse_pointer
from reconciler.core.suggest import did_you_mean
from reconciler.core.withheld import Withheld
from reconciler.shell.files.disk import display_path, read_documents
from reconciler.shell.network.authentication import (
    Auth,
    BasicAuth,
    BearerAuth,
    HeaderAuth,
    JwtAuth,
    NoAuth,
    OAuth2Auth,
)
from reconciler.shell.network.route import proxy_secrets
from reconciler.shell.settings.expressions import (
    expression_mistakes,
    fill_target,
    fill_withholding,
    is_utf8,
    not_allowed,
    not_set,
    with_environment_names,
)
from reconciler.shell.settings.form import (
    AS_WRITTEN,
    OPTIONAL_SYSTEM_KEYS,
    SYSTEM_KEYS,
    ConfigurationForm,
    LedgerForm,
    SignInForm,
    SystemForm,
    TargetForm,
    UnmanagedForm,
)
from reconciler.shell.settings.mistakes import SettingsProblem, check_form, check_part
from reconciler.shell.settings.stages import Stage, with_credentials_of
from reconciler.shell.settings.values import (
    Environment,
    FileLedger,
    GitLedger,
    LedgerSettings,
    PolicySettings,
    Settings,
    SystemSettings,
)

__all__ = [
    "SYSTEM_KEYS",
    "Environment",
    "FileLedger",
    "GitLedger",
    "LedgerSettings",
    "PolicySettings",
    "Settings",
    "SystemSettings",
    "environment_value",
    "load_settings",
    "schema_folders",
]

_EXAMPLE = """\
targets:
  production:
    systems:
      example: {url: "https://api.example.com", auth: {bearer: "${env:EXAMPLE_TOKEN}"}}
    secrets: [EXAMPLE_TOKEN]"""


def load_settings(
    config: Path,
    target: str | None,
    environ: Mapping[str, str],
    *,
    without_secrets: bool = False,
    without_ledger: bool = False,
    stage: Stage = "plan",
) -> Settings:
    """Read the configuration and return the settings of `target`, or of the only target when it is None.

    Raises UsageError when there is no configuration or no such target, and InvalidInput with every mistake.
    Of other targets, and of the credentials of the other stage, nothing need be there. A run `without_secrets` can send
    nothing: what the environment does not hold is withheld, and where the systems are may be a stand-in.
    """
    document = _read(config)
    mistakes = [*check_form(document.data), *expression_mistakes(document.data)]
    chosen = _choose(document, target, mistakes)
    written, at = with_credentials_of(stage, document.data["targets"][chosen]), ("targets", chosen)
    if without_ledger and isinstance(written, dict):
        written = {key: value for key, value in written.items() if key != "ledger"}
    filled = (
        fill_withholding(written, at, environ, mistakes, OPTIONAL_SYSTEM_KEYS)
        if without_secrets
        else fill_target(written, at, environ, mistakes)
    )
    if not mistakes:
        mistakes = [
            with_environment_names(mistake, document.data)
            for mistake in check_part(TargetForm, filled, ("targets", chosen))
        ]
    if not mistakes:
        configuration = ConfigurationForm.model_validate(document.data, context=AS_WRITTEN)
        form = TargetForm.model_validate(filled)
        settings = _settings(document, (config, chosen), configuration, form, environ)
        mistakes = [] if without_secrets else list(_missing_files(settings))
        if not mistakes:
            warnings = tuple(_literal_secrets(document, settings))
            return replace(settings, without_secrets=without_secrets, warnings=warnings)
    raise InvalidInput(_diagnostics(document, mistakes))


def schema_folders(config: Path) -> list[Path]:
    """Return where the configuration keeps own kinds, whatever its targets; none without a configuration.

    Raises InvalidInput with every mistake against the form.
    """
    if not config.exists():
        return []
    document = _read(config)
    mistakes = list(check_form(document.data))
    if mistakes:
        raise InvalidInput(_diagnostics(document, mistakes))
    form = ConfigurationForm.model_validate(document.data, context=AS_WRITTEN)
    return [config.absolute().parent / path for path in form.schemas]


def environment_value(settings: Settings, name: str) -> str | Withheld:
    """Return what `${env:name}` means. Raises ExpressionError when it may not be read or is not set."""
    allowed = settings.allowed_environment
    if name not in allowed:
        raise not_allowed(name, allowed, settings.target)
    problem = not_set(name, settings.environment)
    if problem is not None and settings.without_secrets:
        return Withheld(f"env:{name}")
    if problem is not None:
        raise problem
    return settings.environment[name]


# --------------------------------------------------------------------------- document and target


def _read(config: Path) -> Document:
    shown = display_path(config)
    if not config.exists():
        raise UsageError(
            f"there is no configuration {shown}",
            hint="`reconciler sandbox --dir DIR` makes a folder to try everything in. "
            f"The smallest configuration looks like this:\n{_EXAMPLE}",
        )
    documents, diagnostics = read_documents(config, shown)
    if not diagnostics and len(documents) != 1:
        message = "the configuration must be one document"
        source = documents[1].source if documents else Source(shown)
        hint = "remove the others" if documents else f"the smallest one looks like this:\n{_EXAMPLE}"
        diagnostics = [_error(source, "invalid-setting", message, hint)]
    if diagnostics:
        raise InvalidInput(diagnostics)
    return documents[0]


def _choose(document: Document, target: str | None, mistakes: list[SettingsProblem]) -> str:
    targets = document.data.get("targets") if isinstance(document.data, dict) else None
    if not isinstance(targets, dict) or not targets:
        raise InvalidInput(_diagnostics(document, mistakes))
    if target is None:
        if len(targets) == 1:
            return str(next(iter(targets)))
        raise UsageError("there are several targets", hint=f"choose one with --target: {', '.join(targets)}")
    if target in targets:
        return target
    suggestion = did_you_mean(target, targets)
    known = f"the targets are {', '.join(targets)}"
    raise UsageError(f"there is no target {target!r}", hint=f"{suggestion} {known}".strip())


def _diagnostics(document: Document, mistakes: list[SettingsProblem]) -> list[Diagnostic]:
    found = {_error(document.locate(m.path, key=m.on_key), m.code, m.message, m.hint): None for m in mistakes}
    return sorted(found, key=lambda diagnostic: diagnostic.source or document.source)


def _error(source: Source, code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, code=code, message=message, source=source, hint=hint)


# --------------------------------------------------------------------------- settings


def _settings(
    document: Document,
    place: tuple[Path, str],
    configuration: ConfigurationForm,
    form: TargetForm,
    environ: Mapping[str, str],
) -> Settings:
    config, target = place[0].absolute(), place[1]
    root = config.parent
    allowed = frozenset([*form.secrets, *form.environment])
    environment = Environment({name: environ[name] for name in sorted(allowed) if name in environ})
    systems = {name: _system(name, system, root, document, target) for name, system in form.systems.items()}
    own = {text for system in systems.values() for text in _credentials(system)}
    secrets = (environment.get(name, "") for name in form.secrets)
    return Settings(
        config=config,
        root=root,
        manifest_paths=tuple(root / path for path in configuration.manifests),
        schema_paths=tuple(root / path for path in configuration.schemas),
        target=target,
        systems=systems,
        variables=dict(form.vars),
        allowed_environment=allowed,
        open_environment=frozenset(form.environment),
        environment=environment,
        policy=PolicySettings(
            prune=form.policy.prune,
            max_deletes=form.policy.max_deletes,
            max_change_share=form.policy.max_change_share,
            approval_required=form.policy.approval == "required",
            secrets=form.policy.secrets,
        ),
        ledger=_ledger(form.ledger, root),
        unmanaged=tuple(map(_left_alone, form.unmanaged)),
        secret_values=frozenset(text for text in (*secrets, *own) if text and is_utf8(text)),
    )


def _left_alone(form: UnmanagedForm) -> LeftAlone:
    where = tuple((parse_pointer(pointer), canonical_text(value)) for pointer, value in form.where.items())
    return LeftAlone(objects=Wanted(patterns=(f"{form.kind}/{form.name or '*'}",), where=where), reason=form.reason)


def _system(name: str, form: SystemForm, root: Path, document: Document, target: str) -> SystemSettings:
    at: JsonPath = ("targets", target, "systems", name)
    parameters = form.model_extra or {}
    return SystemSettings(
        name=name,
        url=form.url,
        auth=_auth(form.auth and (form.auth.plan or form.auth.apply or form.auth)),
        ca_file=None if form.ca_file is None else root / form.ca_file,
        proxy=form.proxy,
        insecure_skip_verify=form.insecure_skip_verify,
        connect_timeout_s=form.timeouts.connect,
        read_timeout_s=form.timeouts.read,
        requests_per_second=form.requests_per_second,
        concurrency=form.concurrency,
        headers=tuple(form.headers.items()),
        parameters=dict(parameters),
        parameter_sources={key: document.locate((*at, key), key=True) for key in parameters},
        source=document.locate(at, key=True),
    )


def _auth(form: SignInForm | None) -> Auth:
    if form is None:
        return NoAuth()
    if form.bearer is not None:
        return BearerAuth(token=form.bearer)
    if form.basic is not None:
        return BasicAuth(username=form.basic.username, password=form.basic.password)
    if form.header is not None:
        return HeaderAuth(name=form.header.name, value=form.header.value)
    if form.jwt is not None:
        claims = tuple(form.jwt.claims.items())
        return JwtAuth(secret=form.jwt.secret, claims=claims, ttl_s=form.jwt.ttl_seconds)
    if form.oauth2 is not None:
        return OAuth2Auth(
            token_url=form.oauth2.token_url,
            client_id=form.oauth2.client_id,
            client_secret=form.oauth2.client_secret,
            scopes=tuple(form.oauth2.scopes),
            audience=form.oauth2.audience or "",
            style=form.oauth2.style,
        )
    raise AssertionError("the form lets exactly one way to sign in through")


def _ledger(form: LedgerForm | None, root: Path) -> LedgerSettings | None:
    if form is None:
        return None
    if form.file is not None:
        return FileLedger(path=root / form.file)
    return GitLedger(ref=form.git or "", remote=form.remote or "origin", url=form.url or "")


def _credentials(system: SystemSettings) -> Iterator[str]:
    """Yield the secrets of a system, which may stand in the configuration itself."""
    match system.auth:
        case BearerAuth(token=secret) | BasicAuth(password=secret) | HeaderAuth(value=secret):
            yield secret
        case JwtAuth(secret=secret) | OAuth2Auth(client_secret=secret):
            yield secret
        case NoAuth():
            pass
    yield from proxy_secrets(system.proxy)


_SECRETS_OF_A_WAY: tuple[JsonPath, ...] = (
    ("bearer",),
    ("basic", "password"),
    ("header", "value"),
    ("jwt", "secret"),
    ("oauth2", "clientSecret"),
)
_SECRETS_OF_A_SYSTEM: tuple[JsonPath, ...] = (
    *(("auth", *stage, *steps) for stage in ((), ("plan",), ("apply",)) for steps in _SECRETS_OF_A_WAY),
    ("proxy",),
)


def _literal_secrets(document: Document, settings: Settings) -> Iterator[Diagnostic]:
    """Yield a warning for each secret that stands in the configuration itself, where everybody who reads it sees it."""
    for name in settings.systems:
        for steps in _SECRETS_OF_A_SYSTEM:
            path: JsonPath = ("targets", settings.target, "systems", name, *steps)
            written = document.data
            for step in path:
                written = written.get(step) if isinstance(written, dict) else None
            if not isinstance(written, str) or "${" in written:
                continue
            if steps != ("proxy",) or proxy_secrets(written):
                yield Diagnostic(
                    severity=Severity.WARNING,
                    code="literal-secret",
                    message=f"`{steps[-1]}` of {name} holds a secret as plain text",
                    source=document.locate(path),
                    hint="state it as ${env:NAME}, list NAME under `secrets`, and change a secret that was committed",
                )


def _missing_files(settings: Settings) -> Iterator[SettingsProblem]:
    for system in settings.systems.values():
        if system.ca_file is not None and not system.ca_file.is_file():
            yield SettingsProblem(
                path=("targets", settings.target, "systems", system.name, "caFile"),
                message="`caFile` names no file",
                hint="write its path relative to the folder of the configuration",
            )
