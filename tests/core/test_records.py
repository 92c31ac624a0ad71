"""Our dataclasses do at run time what those of the standard library do, but for being frozen."""

from __future__ import annotations

import dataclasses
from dataclasses import field, replace

import pytest

from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One with a default, a secret, and something that does not count."""

    name: str
    secret: str = field(default="", repr=False)
    source: int = field(default=0, compare=False)
    parts: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pair:
    one: int
    other: int = 2


@dataclass(slots=True)
class Changing:
    seen: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    pass


def test_equal_by_what_counts() -> None:
    assert Leaf(name="a", source=1) == Leaf(name="a", source=2)
    assert Leaf(name="a", secret="x") != Leaf(name="a")
    assert Pair(1) == Pair(1, other=2)
    assert (Pair(1) == (1, 2)) is False  # type: ignore[comparison-overlap]
    assert Empty() == Empty()


def test_frozen_ones_can_be_keys_and_others_cannot() -> None:
    assert len({Pair(1), Pair(1), Pair(2)}) == 2
    assert len({Empty(), Empty()}) == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(Changing())


def test_what_must_not_be_shown_is_not_shown() -> None:
    assert repr(Leaf(name="a", secret="s3cret", parts=[1])) == "Leaf(name='a', source=0, parts=[1])"


def test_all_of_dataclasses_works_on_them() -> None:
    assert replace(Pair(1), other=3) == Pair(1, 3)
    assert [one.name for one in dataclasses.fields(Leaf)] == ["name", "secret", "source", "parts"]
    assert dataclasses.asdict(Pair(1)) == {"one": 1, "other": 2}
    assert dataclasses.is_dataclass(Leaf)


def test_each_has_values_of_its_own() -> None:
    one, other = Changing(), Changing()
    one.seen["a"] = 1
    assert other.seen == {}


def test_no_name_that_is_none_can_be_set() -> None:
    with pytest.raises(AttributeError):
        Pair(1).another = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        Leaf("a")  # type: ignore[call-arg]
