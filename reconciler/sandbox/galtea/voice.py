"""Phone and WebRTC connections: how the platform reaches a voice agent (section 6 of the facts). Pure."""

from __future__ import annotations

import re

from reconciler.sandbox.galtea.collection import Collection
from reconciler.sandbox.galtea.fields import Field, boolean, text
from reconciler.sandbox.galtea.state import State
from reconciler.sandbox.rows import Row

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_NUMBER = Field(lambda value: isinstance(value, str) and _E164.fullmatch(value) is not None, "a number in E.164 format")


def _settle_phone(state: State, row: Row, _before: Row | None) -> None:
    PHONE_CONNECTIONS.check_name(state, row)


def _settle_web_rtc(state: State, row: Row, _before: Row | None) -> None:
    WEB_RTC_CONNECTIONS.check_name(state, row)


def _without_key(_state: State, row: Row) -> Row:
    return {**{n: v for n, v in row.items() if n != "apiKey"}, "hasApiKey": row["apiKey"] is not None}


PHONE_CONNECTIONS = Collection(
    name="phoneConnections",
    what="Phone connection",
    prefix="phoneConnection",
    scope="productId",
    writable={"name": text(blank=False), "phoneNumber": _NUMBER, "agentSpeaksFirst": boolean()},
    only_on_create={"productId": text(blank=False)},
    required=("productId", "name", "phoneNumber"),
    defaults={"phoneNumber": "+10000000000", "agentSpeaksFirst": False},
    settle=_settle_phone,
)
WEB_RTC_CONNECTIONS = Collection(
    name="webRtcConnections",
    what="WebRTC connection",
    prefix="webRtcConnection",
    scope="productId",
    writable={
        "name": text(blank=False),
        "agentName": text(blank=False),
        "agentSpeaksFirst": boolean(),
        # [unknown] null: taken as refused. The facts say only that leaving it out keeps it.
        "apiKey": text(blank=False),
    },
    only_on_create={"productId": text(blank=False)},
    read_only=frozenset({"hasApiKey"}),
    required=("productId", "name", "agentName", "apiKey"),
    defaults={"agentName": "agent", "agentSpeaksFirst": False, "apiKey": None},
    settle=_settle_web_rtc,
    shown=_without_key,
)
