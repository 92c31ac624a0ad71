"""Dataclasses that are cheap to define and to make: a type checker sees those of the standard library. Pure.

There are two hundred of them, and a plan makes a handful for each of its objects. Of what the standard library compiles
for each class, only `__init__` is left here; comparing and showing is written once for all of them. `frozen` is left to
the type checker: to enforce it once more at run time would make each of them three times slower to make.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, kw_only: bool = False) -> Any:
        """Return the decorator that makes a class a dataclass; all of `dataclasses` works on it."""

        def decorate(cls: type) -> type:
            for name, method in (("__repr__", _shown), ("__eq__", _equal), ("__hash__", _hashed if frozen else None)):
                if name not in vars(cls):
                    setattr(cls, name, method)
            make = dataclasses.dataclass(repr=False, eq=False, slots=slots, kw_only=kw_only, match_args=not kw_only)
            return make(cls)

        return decorate


@functools.cache
def _compared(cls: Any) -> Callable[[Any], Any]:
    """Return the function that gives all values of an object that count when it is compared."""
    names = [one.name for one in dataclasses.fields(cls) if one.compare]
    return operator.attrgetter(*names) if names else lambda _: ()


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = _compared(self.__class__)
    return values(self) == values(other)


def _hashed(self: Any) -> int:
    return hash(_compared(self.__class__)(self))


def _shown(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
    return f"{self.__class__.__qualname__}({shown})"
