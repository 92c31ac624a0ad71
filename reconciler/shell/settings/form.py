"""The form of `reconciler.yaml`: what may stand where. Pure.

Strict, with unknown keys refused, except below a system, where every unknown key is a parameter of it. The
same form serves twice: for the configuration as written, where texts with a `${` pass the rules about their
content, and for a target with its environment filled in. No message ever holds a value, only keys.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from reconciler.core.model import Json
from reconciler.core.pointer import Path
from reconciler.core.strict_form import StrictForm
from reconciler.shell.network.route import DIRECT

AS_WRITTEN = {"as_written": True}
"""The validation context in which texts with a `${` are not judged by their content."""


class RuleError(ValueError):
    """A value that breaks a rule; the message goes on after the name of its key."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


# --------------------------------------------------------------------------- rules


def _still_open(text: str, info: ValidationInfo) -> bool:
    """Tell whether the content of `text` cannot be judged yet."""
    return bool(info.context) and "${" in text


def _text_rule(pattern: str, message: str, hint: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str, info: ValidationInfo) -> str:
        if not _still_open(text, info) and not compiled.fullmatch(text):
            raise RuleError(message, hint)
        return text

    return AfterValidator(check)


def _name_rule(pattern: str, message: str, hint: str) -> AfterValidator:
    """Return the rule for names, in which nothing is ever filled in."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise RuleError(message, hint)
        return text

    return AfterValidator(check)


def _url_rule(*, userinfo: bool, or_word: str = "") -> AfterValidator:
    def check(text: str, info: ValidationInfo) -> str:
        if _still_open(text, info) or (or_word and text == or_word):
            return text
        try:
            parts = urlsplit(text)
            whole = bool(parts.hostname) and parts.scheme in ("http", "https")
            _ = parts.port  # raises when it is no number
        except ValueError:
            whole = False
        if not whole or re.search(r"[\x00-\x20\x7f]", text):
            raise RuleError("must be a URL", "write it as https://host or https://host:port/path")
        if parts.query or parts.fragment:
            raise RuleError("may not hold a query or a fragment", "end it after the path")
        if "@" in parts.netloc and not userinfo:
            raise RuleError("may not hold a user name or password", "put them under `auth`")
        return text

    return AfterValidator(check)


def _scalar(value: Json) -> Json:
    if isinstance(value, (dict, list)):
        raise RuleError("must be a single value, not a list or a mapping", "write text, a number or a boolean")
    return value


def _not_authorization(name: str) -> str:
    if name.lower() == "authorization":
        raise RuleError(
            "may not be a fixed header", "use `auth`, for example {header: {name: Authorization, value: …}}"
        )
    return name


def _none_as_null(value: Json) -> Json:
    return None if value == "none" else value


_NAME = _name_rule(
    r"[A-Za-z][A-Za-z0-9_-]*", "is no valid name here", "use letters, digits, `-` and `_`, a letter first"
)
Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, _NAME]
EnvironmentName = Annotated[
    str,
    _name_rule(
        r"[A-Za-z_][A-Za-z0-9_]*",
        "must be the name of an environment variable",
        "write the name only, as in TOKEN",
    ),
]
# Source: RFC 9110, sections 5.1 and 5.5.
HeaderName = Annotated[
    str,
    _name_rule(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "is no header name", "use letters, digits and hyphens, no colon"),
]
FixedHeaderName = Annotated[HeaderName, AfterValidator(_not_authorization)]
HeaderText = Annotated[
    Text,
    _text_rule(
        r"[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?",
        "holds a line break, a control character or outer blanks, which no header can",
        "remove them; a final line break often comes from writing a secret with `echo`",
    ),
]
Url = Annotated[Text, _url_rule(userinfo=False)]
ProxyUrl = Annotated[Text, _url_rule(userinfo=True, or_word=DIRECT)]
Pointer = Annotated[str, _name_rule(r"/.*", "is no pointer into spec", "write it as in /team")]
Scalar = Annotated[Any, AfterValidator(_scalar)]
GitRef = Annotated[
    Text,
    # Source: git-check-ref-format(1).
    _text_rule(
        r"refs(?:/(?!\.)(?!.*\.lock(?:/|\Z))(?:(?!\.\.|@\{)[^\x00-\x20\x7f~^:?*\[\\/])+(?<!\.))+",
        "must be a full Git ref",
        "write it as refs/reconciler/production",
    ),
]
GitUrl = Annotated[
    Text,
    _text_rule(
        r"(?!-)(?!\w*::)[^\x00-\x20\x7f]+",
        "must be the address of a Git repository",
        "write it as https://host/path, ssh://git@host/path or git@host:path",
    ),
    _text_rule(
        r"(?![^/]*://[^/@]*:[^/@]*@).*",
        "may not hold a password",
        "leave it out: a user name and a password do not count when addresses are compared",
    ),
]
RemoteName = Annotated[
    Text,
    _text_rule(
        r"(?!-)[^\x00-\x20\x7f~^:?*\[\\]+",
        "must be the name of a Git remote",
        "write a name that `git remote` shows, such as origin, not a URL",
    ),
]


# --------------------------------------------------------------------------- form


class BasicForm(StrictForm):
    """`auth: {basic: …}`."""

    username: str
    password: str


class HeaderForm(StrictForm):
    """`auth: {header: …}`."""

    name: HeaderName
    value: HeaderText


class JwtForm(StrictForm):
    """`auth: {jwt: …}`."""

    secret: Text
    claims: dict[str, Any] = Field(default_factory=dict)
    ttl_seconds: Annotated[int, Field(gt=0)] | None = None


class OAuth2Form(StrictForm):
    """`auth: {oauth2: …}`."""

    token_url: Url
    client_id: Text
    client_secret: Text
    scopes: list[Text] = Field(default_factory=list)
    audience: str | None = None
    style: Literal["body", "basic"] = "body"


class SignInForm(StrictForm):
    """Exactly one way to sign in."""

    bearer: HeaderText | None = None
    basic: BasicForm | None = None
    header: HeaderForm | None = None
    jwt: JwtForm | None = None
    oauth2: Annotated[OAuth2Form | None, Field(alias="oauth2")] = None

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        """Refuse none and several."""
        _exactly_one(self, *SignInForm.model_fields)
        return self


class AuthForm(SignInForm):
    """`auth`: one way to sign in for everything, or one that plans and another that applies."""

    plan: SignInForm | None = None
    apply: SignInForm | None = None

    @model_validator(mode="after")
    def exactly_one(self, info: ValidationInfo) -> Self:
        """Refuse one stage without the other as written, and stages next to a way for everything."""
        if self.plan is None and self.apply is None:
            _exactly_one(self, *SignInForm.model_fields)
            return self
        for name in ("plan", "apply"):
            if info.context and getattr(self, name) is None:
                raise RuleError(f"has no `{name}`", "name both `plan` and `apply`, or one way to sign in for both")
        given = [name for name in SignInForm.model_fields if getattr(self, name) is not None]
        if given:
            raise RuleError("has `plan` and `apply`, which excludes other keys", f"remove {' and '.join(given)}")
        return self


class TimeoutsForm(StrictForm):
    """`timeouts`, in seconds."""

    connect: Annotated[float, Field(gt=0)] = 10.0
    read: Annotated[float, Field(gt=0)] = 60.0


class SystemForm(StrictForm):
    """One of `systems`; any other key is a parameter."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Scalar] = Field(init=False)

    url: Url
    auth: Annotated[AuthForm | None, BeforeValidator(_none_as_null)] = None
    ca_file: Text | None = None
    proxy: ProxyUrl | None = None
    insecure_skip_verify: bool = False
    timeouts: TimeoutsForm = Field(default_factory=TimeoutsForm)
    requests_per_second: Annotated[float, Field(gt=0)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=100)] | None = None
    headers: dict[FixedHeaderName, HeaderText] = Field(default_factory=dict)


class PolicyForm(StrictForm):
    """`policy`."""

    prune: bool = False
    max_deletes: Annotated[int, Field(ge=0)] = 5
    max_change_share: Annotated[
        Annotated[float, Field(ge=0, le=1)] | None, Field(description="a share from 0 to 1, as 0.3")
    ] = None
    approval: Literal["optional", "required"] = "optional"
    secrets: Literal["keep", "resend"] = "keep"


class LedgerForm(StrictForm):
    """`ledger`: exactly one place."""

    file: Text | None = None
    git: GitRef | None = None
    remote: RemoteName | None = None
    url: GitUrl | None = None

    @model_validator(mode="after")
    def exactly_one(self) -> LedgerForm:
        """Refuse none and several, and what says where a ref is for a file."""
        _exactly_one(self, "file", "git")
        for name in ("remote", "url"):
            if getattr(self, name) is not None and self.git is None:
                raise RuleError(f"may name a `{name}` only beside `git`", f"remove `{name}`")
        return self


class UnmanagedForm(StrictForm):
    """One of `unmanaged`: objects that nobody means to manage, and why."""

    kind: Text
    name: Text | None = None
    where: dict[Pointer, Scalar] = Field(default_factory=dict)
    reason: Text


class TargetForm(StrictForm):
    """One of `targets`."""

    systems: Annotated[dict[Name, SystemForm], Field(min_length=1)]
    vars: dict[Name, Scalar] = Field(default_factory=dict)
    secrets: list[EnvironmentName] = Field(default_factory=list)
    environment: list[EnvironmentName] = Field(default_factory=list)
    policy: PolicyForm = Field(default_factory=PolicyForm)
    ledger: LedgerForm | None = None
    unmanaged: list[UnmanagedForm] = Field(default_factory=list)

    @model_validator(mode="after")
    def resends_what_is_remembered(self) -> TargetForm:
        """Refuse to send in every run what only a ledger could tell was sent."""
        if self.policy.secrets == "resend" and self.ledger is None:
            raise RuleError(
                "may have `policy: {secrets: resend}` only beside a `ledger`",
                "add a ledger, which remembers what was sent; without one every plan would send all secrets again",
            )
        return self

    @model_validator(mode="after")
    def secret_or_not(self) -> TargetForm:
        """Refuse a name that is listed both as a secret and as none."""
        both = sorted({*self.secrets} & {*self.environment})
        if both:
            names = ", ".join(both)
            raise RuleError(f"lists {names} under `secrets` and under `environment`", "leave it in one of them")
        return self


class ConfigurationForm(StrictForm):
    """The whole of `reconciler.yaml`."""

    manifests: Annotated[list[Text], Field(min_length=1)] = Field(default_factory=lambda: ["manifests"])
    schemas: list[Text] = Field(default_factory=list)
    targets: Annotated[dict[Name, TargetForm], Field(min_length=1)]


def keys_of(form: type[BaseModel]) -> list[str]:
    """Return the keys that `form` knows, as they are written."""
    return [field.alias or name for name, field in form.model_fields.items()]


def _exactly_one(form: BaseModel, *names: str) -> None:
    """Refuse a form in which not exactly one of `names` is given; of all fields when none is named."""
    chosen = names or tuple(type(form).model_fields)
    given = [name for name in chosen if getattr(form, name) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        keys = names or tuple(keys_of(type(form)))
        raise RuleError(f"must name exactly one of {', '.join(keys)}", f"found {found}")


SYSTEM_KEYS = tuple(keys_of(SystemForm))
"""The keys of a system that are not parameters."""

OPTIONAL_SYSTEM_KEYS = frozenset(key for key in SYSTEM_KEYS if key != "url")

_FORMS: dict[str, type[BaseModel]] = {
    "policy": PolicyForm,
    "unmanaged": UnmanagedForm,
    "ledger": LedgerForm,
    "auth": AuthForm,
    "plan": SignInForm,
    "apply": SignInForm,
    "timeouts": TimeoutsForm,
    "basic": BasicForm,
    "header": HeaderForm,
    "jwt": JwtForm,
    "oauth2": OAuth2Form,
}


def form_at(path: Path) -> type[BaseModel]:
    """Return the form of the mapping at `path`, one of those that refuse unknown keys."""
    if not path:
        return ConfigurationForm
    # A target may have any name, also that of a setting.
    if len(path) == 2:
        return TargetForm
    return _FORMS[str(next(step for step in reversed(path) if not isinstance(step, int)))]
