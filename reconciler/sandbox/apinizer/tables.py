"""The tables of the emulated manager: what makes a row unique, what a new one holds, how texts name it.

Pure. Source: the Apinizer sheet, sections 1 (texts), 4, 7 and 8 (keys).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reconciler.sandbox.apinizer.blocks import untouched

Key: TypeAlias = tuple[str, ...]
_IN_PROJECT: Final = ("project", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    `word`: what the API calls a row. `new`: what is left out of a new one. `key`: fields that are unique
    together. `scope`: the field that tells where a row belongs. `any_case`: upper and lower case are the same
    in the last field of the key. `not_found`: how the API says so.
    """

    word: str
    new: Mapping[str, Any]
    key: tuple[str, ...] = _IN_PROJECT
    scope: str = "project"
    any_case: bool = False
    not_found: str = "is not found"

    def folded(self, values: Sequence[str]) -> Key:
        """Return the key for values of the key's fields."""
        return (*values[:-1], values[-1].casefold()) if self.any_case else tuple(values)

    def sentence(self, name: str, ending: str) -> str:
        """Return a text about a row, as the API writes them."""
        return f"{self.word} ({self.key[-1]}: {name}) {ending}!"


TABLES: Final[Mapping[str, Table]] = {
    "projects": Table(word="Project", key=("name",), scope="", new={"description": ""}),
    "environments": Table(
        word="Environment",
        key=("name",),
        scope="",
        # `failing`: the gateways of this environment take no deployment.
        new={"description": "", "failing": False},
    ),
    "apiProxies": Table(
        word="ApiProxy",
        not_found="was not found",  # section 2: the documented text
        new={
            "type": "WEBSOCKET",
            "policies": [],
            # Traffic log settings by environment.
            "trafficLogs": {},
            "deployments": {},
            "revision": 0,
            "saves": 1,
            # Of a settings block only fields that were set. None: the block was never touched at all.
            **untouched(),
            "relativePathList": [],
            "hostList": [],
        },
    ),
    "endpoints": Table(
        word="Endpoint",
        key=("proxyId", "name", "httpMethod"),
        scope="proxyId",
        new={"description": "", "active": True},
    ),
    "environmentVariables": Table(
        word="EnvironmentVariable",
        new={
            "description": "",
            "global": False,
            "globalValue": None,
            "globalVisible": True,
            "environmentValueList": [],
        },
    ),
    "ipGroups": Table(word="IpGroup", new={"description": "", "ipList": []}),
    "connections": Table(
        word="Connection",
        any_case=True,
        new={"description": "", "deployToWorker": True, "enabled": True},
    ),
    "credentials": Table(
        word="Credential",
        key=("username",),  # over all projects
        new={
            "email": "",
            "fullName": "",
            "password": "",
            "description": "",
            "roleNameList": [],
            "enabled": True,
            "ipList": [],
            "expireDate": None,
            "metadata": [],
            "credentialAccessList": [],
        },
    ),
    "apiProxyGroups": Table(
        word="ApiProxyGroup",
        # `apiProxies`: names of the members; `deployments`: times by environment.
        new={"description": "", "clientRoute": {}, "apiProxies": [], "deployments": {}},
    ),
}
