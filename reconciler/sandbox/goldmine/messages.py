"""The messages of the emulated procedures: declared request fields, and objects as answers show them. Pure.

Invariants: an answer never holds a password or provider credentials; 64-bit integers are decimal strings;
fields without presence are left out at their default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.sandbox.goldmine.proto_json import Field, int64, without_defaults

_ID: Final = Field(kind="id")
_REQUIRED_ID: Final = Field(kind="id", required=True)
_STRING: Final = Field(kind="string")
_REQUIRED_STRING: Final = Field(kind="string", required=True)
_INT32: Final = Field(kind="int32")
_BOOL: Final = Field(kind="bool")
_BYTES: Final = Field(kind="bytes")
_REQUIRED_BYTES: Final = Field(kind="bytes", required=True)
_WORKSPACE: Final = {"workspaceId": _REQUIRED_ID}
_PAGE: Final = {"limit": _INT32, "cursor": _STRING}
_SESSION_ID: Final = {**_WORKSPACE, "sessionId": _REQUIRED_ID}
_PROVIDER_ID: Final = {**_WORKSPACE, "providerId": _REQUIRED_ID}
_ASSIGNMENT_ID: Final = {**_WORKSPACE, "assignmentId": _REQUIRED_ID}
_POOL_AND_PROVIDER: Final = {**_WORKSPACE, "poolId": _REQUIRED_ID, "providerId": _REQUIRED_ID}
# Section 4: `enabled` isn't part of the create example, so strict parsing refuses it there.
_NEW_SESSION: Final = {
    "token": _REQUIRED_STRING,
    "scheme": _STRING,
    "host": _STRING,
    "port": _INT32,
    "username": _STRING,
    "password": _STRING,
}

REQUESTS: Final[Mapping[str, Mapping[str, Field]]] = {
    "CreateSession": {**_POOL_AND_PROVIDER, **_NEW_SESSION},
    "GetSession": _SESSION_ID,
    # Section 4: `scheme` is "possible [inferred]" here; the inconvenient reading is that it's no field.
    "UpdateSession": {
        **_SESSION_ID,
        "host": _STRING,
        "port": _INT32,
        "username": _STRING,
        "password": _STRING,
        "enabled": _BOOL,
    },
    "ListSessions": {**_WORKSPACE, "poolId": _ID, **_PAGE},
    "DeleteSession": _SESSION_ID,
    # Section 4: the shape is [unknown]; this one follows from "one pool, one provider" and CreateSession.
    "BulkCreateSessions": {
        **_POOL_AND_PROVIDER,
        "sessions": Field(kind="messages", required=True, message=_NEW_SESSION),
    },
    # Section 5: the shape is [unknown]; this is the least that connecting a vendor's account can need.
    "ConnectProvider": {**_WORKSPACE, "type": _REQUIRED_STRING, "credentials": _REQUIRED_BYTES, "targetPoolId": _ID},
    "GetProvider": _PROVIDER_ID,
    "ListProviders": {**_WORKSPACE, **_PAGE},
    "UpdateProvider": {**_PROVIDER_ID, "credentials": _BYTES, "enabled": _BOOL, "targetPoolId": _ID},
    "RefreshProviderState": _PROVIDER_ID,
    "DeleteProvider": _PROVIDER_ID,
    "GetAssignment": _ASSIGNMENT_ID,
    # Section 6: filters by pool, session or account name.
    "ListAssignments": {**_WORKSPACE, "poolId": _ID, "sessionId": _ID, "accountName": _STRING, **_PAGE},
    "UpdateAssignment": {**_ASSIGNMENT_ID, "sessionId": _ID, "pinned": _BOOL},
    "RebindAssignment": _ASSIGNMENT_ID,
    "DeleteAssignment": _ASSIGNMENT_ID,
}

_SESSION_FIELDS: Final = (
    *("id", "workspaceId", "poolId", "providerId", "token", "scheme", "host", "port", "username", "enabled"),
    *("version", "createdAt", "updatedAt"),
)
_ASSIGNMENT_FIELDS: Final = (
    *("id", "workspaceId", "poolId", "sessionId", "accountName", "pinned"),
    *("version", "createdAt", "updatedAt"),
)
_COUNTERS: Final = ("bandwidthLimitBytes", "bandwidthUsedBytes")


def session_answer(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored session as answers carry it."""
    shown: dict[str, Any] = {name: session[name] for name in _SESSION_FIELDS}
    return without_defaults({**shown, "version": int64(session["version"])})


def assignment_answer(assignment: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored assignment as answers carry it."""
    shown: dict[str, Any] = {name: assignment[name] for name in _ASSIGNMENT_FIELDS}
    return without_defaults({**shown, "version": int64(assignment["version"])})


def provider_answer(provider: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored provider as answers carry it."""
    state = provider["state"]
    shown = {
        "id": provider["id"],
        "workspaceId": provider["workspaceId"],
        "type": provider["type"],
        "targetPoolId": provider["targetPoolId"],
        "capabilities": without_defaults(provider["capabilities"]),
        "enabled": provider["enabled"],
        "version": int64(provider["version"]),
        "createdAt": provider["createdAt"],
        "updatedAt": provider["updatedAt"],
    }
    if state is not None:
        counters = {name: int64(int(state.get(name, 0))) for name in _COUNTERS}
        shown["state"] = without_defaults({**state, **counters})
        shown["stateRefreshedAt"] = provider["stateRefreshedAt"]
    return without_defaults(shown)
