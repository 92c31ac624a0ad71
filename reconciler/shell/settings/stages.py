"""The two stages of a target, planning and applying, which may have credentials of their own. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

from reconciler.core.model import Json

Stage: TypeAlias = Literal["plan", "apply"]


def with_credentials_of(stage: Stage, target: Json) -> Json:
    """Return the `target` as written, where `auth` has stages with that of `stage` alone.

    The other stage's credentials are then never looked up, and the run does not need them.
    """
    systems = target.get("systems") if isinstance(target, dict) else None
    if not isinstance(systems, dict):
        return target
    return {**target, "systems": {name: _of_stage(stage, system) for name, system in systems.items()}}


def _of_stage(stage: Stage, system: Json) -> Json:
    auth = system.get("auth") if isinstance(system, dict) else None
    if not isinstance(auth, dict) or stage not in auth:
        return system
    return {**system, "auth": {stage: auth[stage]}}
