"""Conditions that hold always or never, and rules about answers that nothing can reach. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.core.canonical import strictly_equal
from reconciler.core.kinds.checks.calls import calls_of
from reconciler.core.kinds.checks.finding import Bound, Finding, Findings, doubt
from reconciler.core.kinds.definition import AnswerRule, Condition, KindDefinition
from reconciler.core.model import Json
from reconciler.core.pointer import Path
from reconciler.core.strict_form import StrictForm

_TESTS = ("present", "equals", "one_of", "matches")


def conditions_of(part: Any, path: Path = ()) -> Iterator[tuple[Path, Condition]]:
    """Yield every condition in a part of a definition, which stands at `path`, with its own path."""
    if isinstance(part, Condition):
        yield path, part
    if isinstance(part, StrictForm):
        for name, field in type(part).model_fields.items():
            yield from conditions_of(getattr(part, name), (*path, field.alias or name))
    elif isinstance(part, list):
        for index, item in enumerate(part):
            yield from conditions_of(item, (*path, index))


def check_conditions(definition: StrictForm) -> Findings:
    """Yield the conditions of a system or kind that test nothing, or contradict themselves."""
    for path, condition in conditions_of(definition):
        tests = [name for name in _TESTS if name in condition.model_fields_set and not _is_unset(condition, name)]
        if not tests:
            if isinstance(condition, AnswerRule):
                continue  # a rule may go by status and content type alone
            message = "nothing is tested, so this always holds"
            yield Finding(path, message, "state one of equals, oneOf, matches and present")
        if condition.present is False and len(tests) > 1:
            other = _key(next(name for name in tests if name != "present"))
            yield Finding((*path, other), f"what is not present has nothing that {other} could fit", at_key=True)
        if condition.one_of == []:
            yield Finding((*path, "oneOf"), "oneOf is empty, so this never holds")
        if "equals" in tests and condition.one_of and not _contains(condition.one_of, condition.equals):
            yield Finding((*path, "equals"), "equals is none of oneOf, so this never holds")


def _is_unset(condition: Condition, name: str) -> bool:
    return name != "equals" and getattr(condition, name) is None


def _key(name: str) -> str:
    return Condition.model_fields[name].alias or name


def _contains(values: Sequence[Json], value: Json) -> bool:
    return any(strictly_equal(one, value) for one in values)


# --------------------------------------------------------------------------- answers


def check_answers(rules: Sequence[AnswerRule], path: Path = ("answers",)) -> Findings:
    """Yield rules about answers that an earlier one always takes the answers from."""
    for index, rule in enumerate(rules):
        for before, earlier in enumerate(rules[:index]):
            if _covers(earlier, rule):
                message = f"never reached: rule {before + 1} takes all of its answers"
                yield doubt(
                    (*path, index), message, "the first rule that fits decides: put the more particular one first"
                )
                break


def _covers(earlier: AnswerRule, later: AnswerRule) -> bool:
    tests = [name for name in _TESTS if name in earlier.model_fields_set]
    if tests and any(getattr(earlier, name) != getattr(later, name) for name in (*_TESTS, "at")):
        return False
    if earlier.content_type is not None and earlier.content_type != later.content_type:
        return False
    if not earlier.status:
        return True
    return bool(later.status) and all(_is_among(str(status), earlier.status) for status in later.status)


def _is_among(status: str, statuses: Sequence[int | str]) -> bool:
    return any(status == str(one) or (str(one)[1:] == "xx" and status[0] == str(one)[0]) for one in statuses)


def check_kind_conditions(bound: Bound) -> Findings:
    """Yield what `check_conditions` and `check_answers` find in a kind."""
    definition: KindDefinition = bound.definition
    yield from check_conditions(definition)
    yield from check_answers(definition.answers)
    for path, _, call in calls_of(bound):
        yield from check_answers(call.answers, (*path, "answers"))


CHECKS = (check_kind_conditions,)
