"""What a settings block of an API proxy is, as a value. Pure.

Source: the Apinizer sheet, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.sandbox.apinizer.answers import Edition
from reconciler.sandbox.apinizer.shapes import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Fields that must be filled in a request where the field `when` is `value` and `unless` isn't sent or false.

    Whether a value stored earlier would do is [unknown]; the inconvenient reading is that it doesn't.
    """

    when: str
    fields: tuple[str, ...]
    value: Any = True
    unless: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One settings block.

    `place`: where the full document has it; the names are [unknown] (section 3). `stored`: the key of its own
    object in the proxy's row; "" when its fields are the row's own. `wrapper`: the object around the fields in
    E3. `edition`: the only one that has it. `whole`: what isn't sent goes back to its default (R?), otherwise
    only sent fields change (P). `only`: the type of proxy it is for. `routing`: not for proxies of type AI.
    `deploys`: takes `deploy` (E3). `immediate`: reaches the gateways without a deployment. `any_of`: one of
    these must be filled. `conflict`: what is wrong with a request, or "". `imposes`: what `enabled` does to
    other blocks, by `stored`.
    """

    slug: str
    fields: Fields
    place: tuple[str, ...]
    stored: str = ""
    wrapper: str = ""
    edition: Edition | None = None
    whole: bool = False
    only: str = ""
    routing: bool = False
    deploys: bool = True
    immediate: bool = False
    needs: tuple[Needs, ...] = ()
    any_of: tuple[str, ...] = ()
    conflict: Callable[[Mapping[str, Any]], str] = lambda sent: ""
    imposes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
