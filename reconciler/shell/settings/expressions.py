"""The `${env:NAME}` of `reconciler.yaml`: which may stand where, and what they are filled in with. Pure.

Only names that a target lists under `secrets` or `environment` are ever looked up. Messages hold names, never values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from reconciler.core.manifests.expressions import ExpressionError, split
from reconciler.core.model import Json
from reconciler.core.pointer import Path, get
from reconciler.core.suggest import did_you_mean
from reconciler.core.withheld import Withheld
from reconciler.shell.settings.mistakes import SettingsProblem

_LISTS = ("secrets", "environment")  # of a target: the names that may be read, and whether their values are secret


def _texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text with a `${` in `value`, which stands at `path`, but not the names of secrets."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not (key in _LISTS and len(path) == 2):
                yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    elif isinstance(value, str) and "${" in value:
        yield path, value


def expression_mistakes(data: Json) -> Iterator[SettingsProblem]:
    """Yield what is wrong with the `${…}` of all targets, whatever the environment holds."""
    for path, text in _texts(data, ()):
        if len(path) < 3 or path[0] != "targets":
            yield _expression_mistake(
                path, ExpressionError("`${…}` is not filled in here", "it may stand below a target only")
            )
            continue
        try:
            parts = split(text)
        except ExpressionError as error:
            yield _expression_mistake(path, error)
            continue
        allowed = _allowed(data["targets"][path[1]])
        for part in parts:
            if isinstance(part, str):
                continue
            sort, name = part
            if sort != "env":
                problem = ExpressionError(
                    f"`${{{sort}:…}}` is not filled in here", "the configuration may hold ${env:NAME} only"
                )
                yield _expression_mistake(path, problem)
            elif allowed is not None and name not in allowed:
                yield _expression_mistake(path, not_allowed(name, allowed, str(path[1])))


def _expression_mistake(path: Path, error: ExpressionError) -> SettingsProblem:
    hint = error.hint or "correct it; `$${` means the characters themselves"
    return SettingsProblem(path=path, code="bad-expression", message=str(error), hint=hint)


def _allowed(target: Json) -> frozenset[str] | None:
    """Return the names that `target` lists; None where the list itself is wrong."""
    if not isinstance(target, dict):
        return None
    lists = [target.get(key, []) for key in _LISTS]
    if not all(isinstance(names, list) and all(isinstance(n, str) for n in names) for names in lists):
        return None
    return frozenset(name for names in lists for name in names)


def not_allowed(name: str, allowed: frozenset[str], target: str) -> ExpressionError:
    """Return the refusal to read a variable that `target` does not list."""
    suggestion = did_you_mean(name, allowed)
    advice = f"list {name} under `secrets` of target {target} in the configuration"
    return ExpressionError(
        f"the environment variable {name} may not be read",
        f"{suggestion} Otherwise {advice}" if suggestion else advice,
    )


def is_utf8(text: str) -> bool:
    """Return whether `text` is text: bytes of the environment that are not UTF-8 come as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def not_set(name: str, environ: Mapping[str, str]) -> ExpressionError | None:
    """Return what is wrong with the value of a variable; None when it has one."""
    value = environ.get(name)
    if value and is_utf8(value):
        return None
    if value:
        return ExpressionError(
            f"the environment variable {name} is not UTF-8 text",
            "encode it as UTF-8, or as base64 where the system takes that",
        )
    state = "empty" if name in environ else "not set"
    return ExpressionError(f"the environment variable {name} is {state}", f"set {name} before the run")


def fill_target(value: Json, path: Path, environ: Mapping[str, str], mistakes: list[SettingsProblem]) -> Json:
    """Return the target `value` with its environment filled in, adding to `mistakes` what is not set.

    A text that cannot be filled stays as it is. Only names that the target lists are looked up.
    """
    allowed = _allowed(value) or frozenset()

    def fill(item: Json, at: Path) -> Json:
        if isinstance(item, dict):
            return {
                key: member if at == path and key in _LISTS else fill(member, (*at, key))
                for key, member in item.items()
            }
        if isinstance(item, list):
            return [fill(member, (*at, index)) for index, member in enumerate(item)]
        if not isinstance(item, str) or "${" not in item:
            return item
        try:
            parts = split(item)
        except ExpressionError:
            return item
        texts = []
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
            elif part[0] == "env" and part[1] in allowed:
                problem = not_set(part[1], environ)
                if problem is not None:
                    mistakes.append(_expression_mistake(at, problem))
                texts.append(environ.get(part[1], ""))
        return "".join(texts)

    return fill(value, path)


WITHHELD_URL = "https://withheld.invalid"


def fill_withholding(
    value: Json, path: Path, environ: Mapping[str, str], mistakes: list[SettingsProblem], optional: Collection[str]
) -> Json:
    """Return the target `value` as `fill_target` does, for a run that does without what is not set.

    It sends nothing, so it does without the `optional` settings of systems; variables are withheld.
    Parameters of systems, such as an edition, are still required: they decide about the kinds.
    """
    if not isinstance(value, dict):
        return value
    lacking = {name for name in _allowed(value) or frozenset() if not_set(name, environ) is not None}

    def needs(part: Json) -> bool:
        texts = (text for _, text in _texts(part, ()))
        return any(("env", name) in _parts(text) for text in texts for name in lacking)

    kept = dict(value)
    if isinstance(kept.get("vars"), dict):
        kept["vars"] = {k: Withheld(f"var:{k}") if needs(v) else v for k, v in kept["vars"].items()}
    if isinstance(kept.get("systems"), dict):
        kept["systems"] = {
            name: {
                k: WITHHELD_URL if k == "url" and needs(v) else v
                for k, v in system.items()
                if k not in optional or not needs(v)
            }
            if isinstance(system, dict)
            else system
            for name, system in kept["systems"].items()
        }
    return fill_target(kept, path, environ, mistakes)


def _parts(text: str) -> list[str | tuple[str, str]]:
    try:
        return split(text)
    except ExpressionError:
        return []


def with_environment_names(mistake: SettingsProblem, data: Json) -> SettingsProblem:
    """Return `mistake` with the environment variables that its value came from."""
    text = get(data, mistake.path)
    if not isinstance(text, str):
        return mistake
    names = [part[1] for part in split(text) if not isinstance(part, str)]
    return replace(mistake, hint=f"{mistake.hint} (it comes from {', '.join(names)})") if names else mistake
