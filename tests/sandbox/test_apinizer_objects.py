"""The emulated manager's endpoints and the objects of a project: keys, full and partial writes, hidden values."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from apinizer_calls import ORDERS, PROJECT, answer, call, full, manager, refused, rows, stored

Edition = Literal["flat", "wrapped"]
SECRET = "fake-secret-not-real"
ENDPOINTS = ORDERS + "endpoints/"
VARIABLES = PROJECT + "environmentVariables/"
IP_GROUPS = PROJECT + "ipGroups/"
CONNECTIONS = PROJECT + "connections/"
CREDENTIALS = PROJECT + "credentials/"
GROUPS = PROJECT + "apiProxyGroups/"

both = pytest.mark.parametrize("edition", ["flat", "wrapped"])


def missing(edition: Edition) -> int:
    return 404 if edition == "flat" else 400


def duplicate(edition: Edition) -> int:
    return 409 if edition == "flat" else 400


# Endpoints

ITEM = {"name": "/items", "httpMethod": "GET", "backendResourceUrl": "/v1/items", "backendHttpMethod": "GET"}


@both
def test_an_endpoint_is_created_changed_and_deleted_by_name_and_method(edition: Edition) -> None:
    system = manager(edition=edition)
    assert answer(system, "POST", ENDPOINTS, ITEM) == {"success": True}
    answer(system, "POST", ENDPOINTS, {**ITEM, "httpMethod": "POST", "description": "new"})
    [read, _] = rows(system, ENDPOINTS)
    assert read.pop("id")
    assert read == {
        "endpoint": "/items",
        "httpMethod": "GET",
        "backendResourceUrl": "/v1/items",
        "backendHttpMethod": "GET",
        "description": "",
        "active": True,
    }
    answer(system, "PATCH", ENDPOINTS, {"name": "/items", "httpMethod": "POST", "backendResourceUrl": "/v2/items"})
    identified = {"name": "/items", "httpMethod": "POST"}
    [one] = answer(system, "POST", ENDPOINTS + "details/", identified)["resultList"]
    assert (one["backendResourceUrl"], one["description"]) == ("/v2/items", "new")
    switched = {"identifierName": "/items", "identifierHttpMethod": "POST", "active": False}
    answer(system, "PATCH", ENDPOINTS + "status/", switched)
    document = full(system)
    assert [(row["endpoint"], row["active"]) for row in document["endpointList"]] == [
        ("/items", True),
        ("/items", False),
    ]
    answer(system, "POST", ENDPOINTS + "delete/", identified)
    assert [row["httpMethod"] for row in rows(system, ENDPOINTS)] == ["GET"]
    gone = "Endpoint (name: /items, httpMethod: POST) is not found!"
    assert refused(system, "POST", ENDPOINTS + "delete/", identified) == (missing(edition), gone)
    assert refused(system, "POST", ENDPOINTS, ITEM)[0] == duplicate(edition)


@pytest.mark.parametrize("left_out", ITEM)
def test_an_endpoint_needs_four_fields(left_out: str) -> None:
    sent = {name: value for name, value in ITEM.items() if name != left_out}
    assert refused(manager(), "POST", ENDPOINTS, sent) == (400, f"{left_out} value can not be empty!")


def test_endpoints_of_other_proxies_can_be_neither_added_nor_deleted() -> None:
    system = manager()
    path = f"{PROJECT}apiProxies/chat/endpoints/"
    assert refused(system, "POST", path, ITEM) == (400, "API Proxy type is not REST")
    assert refused(system, "POST", path + "delete/", ITEM) == (400, "API Proxy type is not REST")
    assert rows(system, path) == []


def test_endpoints_are_saved_with_their_proxy() -> None:
    system = manager()
    status = ORDERS + "environments/prod/deploy-status/"
    for method, path, body in (
        ("POST", ENDPOINTS, ITEM),
        ("PATCH", ENDPOINTS, {**ITEM, "description": "d"}),
        ("PATCH", ENDPOINTS + "status/", {**ITEM, "active": False}),
        ("POST", ENDPOINTS + "delete/", ITEM),
    ):
        answer(system, "POST", ORDERS + "environments/prod/")
        answer(system, method, path, body)
        assert answer(system, "GET", status)["redeployRequired"] is True


def test_an_endpoint_takes_its_policies_with_it() -> None:
    system = manager()
    policy = {"type": "policy-ip", "name": "ip", "description": "", "active": True}
    mine = {**policy, "targetEndpoint": "/items", "targetEndpointHTTPMethod": "GET"}
    system.edit("apiProxies", "orders", {"policies": [mine, {**policy, "name": "all"}]})
    answer(system, "POST", ENDPOINTS, ITEM)
    assert answer(system, "POST", ENDPOINTS + "policies/", ITEM)["resultList"] == [policy]
    answer(system, "POST", ENDPOINTS + "delete/", ITEM)
    assert [policy["name"] for policy in stored(system, "apiProxies", "orders")["policies"]] == ["all"]


def test_the_twin_of_the_list_is_new() -> None:
    system = manager()
    answer(system, "POST", ENDPOINTS, ITEM)
    assert rows(system, ORDERS + "methods/?withPolicies=true") == rows(system, ENDPOINTS)
    assert call(manager(edition="flat"), "GET", ORDERS + "methods/").status == 404


def test_deleting_a_proxy_deletes_its_endpoints_and_memberships() -> None:
    system = manager()
    answer(system, "POST", ENDPOINTS, ITEM)
    system.seed("apiProxyGroups", {"project": "shop", "name": "g", "apiProxies": ["chat", "orders"]})
    answer(system, "DELETE", ORDERS)
    assert system.stored("endpoints") == []
    assert stored(system, "apiProxyGroups", "g")["apiProxies"] == ["chat"]


# Environment variables


def variable(**fields: Any) -> dict[str, Any]:
    values = [
        {"environmentName": "prod", "value": "open", "visible": True},
        {"environmentName": "broken", "value": SECRET},
    ]
    return {"name": "HOST", "environmentValueList": values, **fields}


@both
def test_invisible_values_never_come_back(edition: Edition) -> None:
    system = manager(edition=edition)
    result = answer(system, "POST", VARIABLES + "HOST/", variable(globalValue=SECRET, globalVisible=False))
    assert result == {
        "status": "SUCCESS",
        "deploymentResult": {
            "deployed": False,
            "deployedEnvironments": ["prod"],
            "failedEnvironments": ["broken"],
        },
    }
    [read] = rows(system, VARIABLES)
    assert [read] == rows(system, VARIABLES + "HOST/")
    assert read == {
        "name": "HOST",
        "description": "",
        "global": False,
        "globalValue": None,
        "globalVisible": False,
        "environmentValueList": [
            {"environmentName": "prod", "value": "open", "visible": True},
            {"environmentName": "broken", "value": None, "visible": False},
        ],
    }
    taken = "EnvironmentVariable (name: HOST) is already exist!"
    assert refused(system, "POST", VARIABLES + "HOST/", variable()) == (duplicate(edition), taken)
    gone = "EnvironmentVariable (name: host) is not found!"
    assert refused(system, "PUT", VARIABLES + "host/", variable()) == (missing(edition), gone)


def test_values_that_are_not_sent_stay_and_empty_ones_clear() -> None:
    system = manager()
    answer(system, "POST", VARIABLES + "HOST/", variable(description="d", globalValue="g", globalVisible=False))
    answer(system, "PUT", VARIABLES + "HOST/", {})
    row = stored(system, "environmentVariables", "HOST")
    assert (row["globalValue"], row["globalVisible"], row["description"]) == ("g", True, "")
    assert [value["value"] for value in row["environmentValueList"]] == ["open", SECRET]
    values = [{"environmentName": "broken", "value": None}, {"environmentName": "prod", "value": ""}]
    answer(system, "PUT", VARIABLES + "HOST/", {"globalValue": "", "environmentValueList": values})
    row = stored(system, "environmentVariables", "HOST")
    assert row["globalValue"] is None
    assert row["environmentValueList"] == [
        {"environmentName": "broken", "value": SECRET, "visible": False},
        {"environmentName": "prod", "value": None, "visible": False},
    ]
    answer(system, "PUT", VARIABLES + "HOST/", {"environmentValueList": values[:1]})
    assert len(stored(system, "environmentVariables", "HOST")["environmentValueList"]) == 1
    answer(system, "DELETE", VARIABLES + "HOST/")
    assert rows(system, VARIABLES) == []


def test_variables_can_be_renamed_in_older_editions_only() -> None:
    newer, older = manager(), manager(edition="flat")
    for system in (newer, older):
        system.seed("environmentVariables", {"project": "shop", "name": "HOST"})
        system.seed("environmentVariables", {"project": "shop", "name": "PORT"})
    assert refused(newer, "PUT", VARIABLES + "HOST/", {"name": "NODE"})[0] == 400
    assert refused(older, "PUT", VARIABLES + "HOST/", {"name": "PORT"})[0] == 409
    answer(older, "PUT", VARIABLES + "HOST/", {"name": "NODE"})
    assert [row["name"] for row in rows(older, VARIABLES)] == ["NODE", "PORT"]


def test_a_value_for_an_unknown_environment_is_refused() -> None:
    system = manager()
    sent = {"environmentValueList": [{"environmentName": "nope"}]}
    assert refused(system, "POST", VARIABLES + "HOST/", sent) == (400, "Environment (name: nope) is not found!")
    assert system.stored("environmentVariables") == []


# IP groups


@both
def test_ip_groups_are_sets_and_readable_in_newer_editions_only(edition: Edition) -> None:
    system = manager(edition=edition)
    sent = {"name": "office", "ipList": ["198.51.100.7", "192.0.2.0/24", "198.51.100.7"]}
    answer(system, "POST", IP_GROUPS, sent)
    assert stored(system, "ipGroups", "office")["ipList"] == ["192.0.2.0/24", "198.51.100.7"]
    assert refused(system, "POST", IP_GROUPS, sent)[0] == duplicate(edition)
    if edition == "flat":
        assert call(system, "GET", IP_GROUPS).headers["allow"] == "POST"
        assert call(system, "GET", IP_GROUPS + "office/").status == 405
    else:
        read = {"name": "office", "description": "", "ipList": ["192.0.2.0/24", "198.51.100.7"]}
        assert rows(system, IP_GROUPS) == rows(system, IP_GROUPS + "office/") == [read]
    answer(system, "PUT", IP_GROUPS + "office/", {"description": "d"})
    row = stored(system, "ipGroups", "office")
    assert (row["description"], len(row["ipList"])) == ("d", 2 if edition == "flat" else 0)
    answer(system, "DELETE", IP_GROUPS + "office/")
    assert refused(system, "DELETE", IP_GROUPS + "office/")[0] == missing(edition)


def test_addresses_of_a_group_are_added_replaced_and_removed() -> None:
    system = manager()
    system.seed("ipGroups", {"project": "shop", "name": "office", "ipList": ["192.0.2.1"]})
    path = IP_GROUPS + "office/ips/"
    for method, sent, there in (
        ("POST", ["192.0.2.1", "192.0.2.2"], ["192.0.2.1", "192.0.2.2"]),
        ("DELETE", ["192.0.2.1", "192.0.2.9"], ["192.0.2.2"]),
        ("PUT", ["192.0.2.5"], ["192.0.2.5"]),
    ):
        assert answer(system, method, path, {"ipList": sent})["deploymentResult"]["failedEnvironments"] == ["broken"]
        assert stored(system, "ipGroups", "office")["ipList"] == there
    assert refused(system, "PUT", path, {"ipList": []}) == (400, "ipList value can not be empty!")
    assert refused(system, "POST", path, {"ipList": ["::1"]})[0] == 400
    assert refused(system, "PUT", IP_GROUPS + "office/", {"name": "other"})[0] == 400


# Connections

MAIL = {"type": "email", "host": "mail.example.com", "password": SECRET, "login": {"accessToken": SECRET, "user": "u"}}


@both
def test_connections_hide_secrets_in_the_list_and_show_them_in_the_read_of_one(edition: Edition) -> None:
    system = manager(edition=edition)
    result = answer(system, "POST", CONNECTIONS + "Mail/", MAIL)
    assert (result["status"], result["deploymentResult"]["success"]) == ("SUCCESS", False)
    read = {"name": "Mail", "description": "", "deployToWorker": True, "enabled": True, **MAIL}
    assert rows(system, CONNECTIONS + "mail/") == [read]
    hidden = {**read, "password": None, "login": {"accessToken": None, "user": "u"}}
    assert rows(system, CONNECTIONS + "?type=email") == [hidden]
    assert rows(system, CONNECTIONS + "?type=kafka") == []
    assert refused(system, "GET", CONNECTIONS) == (400, "type value can not be empty!")
    assert refused(system, "GET", CONNECTIONS + "?type=Email")[0] == 400
    assert refused(system, "POST", CONNECTIONS + "MAIL/", MAIL)[0] == duplicate(edition)
    assert refused(system, "GET", CONNECTIONS + "post/")[0] == missing(edition)


def test_a_changed_connection_is_a_whole_one_under_the_name_in_the_body() -> None:
    system = manager()
    answer(system, "POST", CONNECTIONS + "mail/", {**MAIL, "description": "d", "enabled": False})
    answer(system, "POST", CONNECTIONS + "other/", MAIL)
    assert refused(system, "PUT", CONNECTIONS + "mail/", {"type": "ftp"})[0] == 400
    assert refused(system, "PUT", CONNECTIONS + "mail/", {"host": "h"}) == (400, "type value can not be empty!")
    assert refused(system, "PUT", CONNECTIONS + "mail/", {"type": "email", "name": "Other"})[0] == 400
    sent = {"type": "email", "name": "MAIL", "deployToWorker": False}
    assert answer(system, "PUT", CONNECTIONS + "mail/", sent) == {"status": "SUCCESS"}
    assert rows(system, CONNECTIONS + "mail/") == [{**sent, "description": "", "enabled": True}]
    answer(system, "DELETE", CONNECTIONS + "Mail/")
    assert [row["name"] for row in system.stored("connections")] == ["other"]


# Credentials

ANN = {"email": "a@example.com", "fullName": "A", "username": "a", "password": SECRET}


@both
def test_credentials_are_listed_without_secrets(edition: Edition) -> None:
    system = manager(edition=edition)
    metadata = [{"name": "m", "value": SECRET, "secret": True}, {"name": "n", "value": "v"}]
    answer(system, "POST", CREDENTIALS, {**ANN, "metadata": metadata})
    assert rows(system, CREDENTIALS) == [
        {
            **ANN,
            "password": None,
            "description": "",
            "roleNameList": [],
            "enabled": True,
            "ipList": [],
            "expireDate": None,
            "metadata": [{"name": "m", "secret": True}, {"name": "n", "value": "v", "secret": False}],
        }
    ]
    assert call(system, "GET", CREDENTIALS + "a/").status == 405
    assert stored(system, "credentials", "a")["password"] == SECRET


@both
def test_a_username_exists_once_in_all_projects(edition: Edition) -> None:
    system = manager(edition=edition)
    system.seed("credentials", {"project": "desk", "username": "a"})
    assert refused(system, "POST", CREDENTIALS, ANN) == (
        duplicate(edition),
        "Credential (username: a) is already exist!",
    )
    assert refused(system, "PUT", CREDENTIALS, ANN) == (missing(edition), "Credential (username: a) is not found!")
    assert rows(system, CREDENTIALS) == []


def test_replacing_a_credential_takes_everything_and_the_password_again() -> None:
    system = manager()
    answer(system, "POST", CREDENTIALS, {**ANN, "roleNameList": ["r"], "enabled": False, "expireDate": "2027-01-01"})
    without = {name: value for name, value in ANN.items() if name != "password"}
    assert refused(system, "PUT", CREDENTIALS, without) == (400, "password value can not be empty!")
    answer(system, "PUT", CREDENTIALS, ANN)
    [row] = rows(system, CREDENTIALS)
    assert (row["roleNameList"], row["enabled"], row["expireDate"]) == ([], True, None)
    answer(system, "PATCH", CREDENTIALS + "a/", {"password": "fake-other-not-real", "email": "ignored"})
    row = stored(system, "credentials", "a")
    assert (row["password"], row["email"]) == ("fake-other-not-real", "a@example.com")
    answer(system, "DELETE", CREDENTIALS + "a/")
    assert system.stored("credentials") == []


def test_access_is_granted_once_and_revoked_by_a_list() -> None:
    system = manager()
    answer(system, "POST", CREDENTIALS, ANN)
    path = CREDENTIALS + "a/access/"
    orders = {"name": "orders", "type": "API_PROXY", "expireTime": "2027-01-01"}
    answer(system, "PUT", path, {"credentialAccessList": [orders]})
    assert rows(system, path) == [orders]
    chat = {"name": "chat", "type": "API_PROXY"}
    status, text = refused(system, "PUT", path, {"credentialAccessList": [chat, orders]})
    assert (status, "already exist" in text) == (400, True)
    nope = {"credentialAccessList": [{"name": "nope", "type": "API_PROXY_GROUP"}]}
    assert refused(system, "PUT", path, nope) == (400, "ApiProxyGroup (name: nope) is not found!")
    assert rows(system, path) == [orders]
    assert refused(system, "DELETE", path, {"credentialAccessList": [chat]})[0] == 400
    answer(system, "DELETE", path, {"credentialAccessList": [orders]})
    assert rows(system, path) == []


# API proxy groups

GROUP = {"name": "public", "description": "d", "clientRoute": {"relativePathList": ["/public"]}}


@both
def test_of_a_group_only_id_name_and_description_can_be_read(edition: Edition) -> None:
    system = manager(edition=edition)
    answer(system, "POST", GROUPS, GROUP)
    [read] = rows(system, GROUPS)
    assert read.pop("id") == stored(system, "apiProxyGroups", "public")["id"]
    assert read == {"name": "public", "description": "d"}
    assert refused(system, "POST", GROUPS, GROUP)[0] == duplicate(edition)
    assert refused(system, "PUT", GROUPS, {**GROUP, "name": "none"})[0] == missing(edition)
    assert call(system, "GET", GROUPS + "public/").status == 405
    answer(system, "DELETE", GROUPS + "public/")
    assert refused(system, "DELETE", GROUPS + "public/")[0] == missing(edition)


@pytest.mark.parametrize(
    ("route", "field"),
    [
        (None, "clientRoute"),
        ({}, "clientRoute.relativePathList"),
        ({"relativePathList": []}, "clientRoute.relativePathList"),
    ],
)
def test_a_group_needs_a_path(route: Any, field: str) -> None:
    sent = {**GROUP, "clientRoute": route}
    assert refused(manager(), "POST", GROUPS, sent) == (400, f"{field} value can not be empty!")


def test_membership_is_idempotent_and_survives_a_replacement() -> None:
    system = manager()
    answer(system, "POST", GROUPS, GROUP)
    for name in ("orders", "orders", "chat"):
        answer(system, "POST", f"{GROUPS}public/apiProxies/{name}/")
    answer(system, "PUT", GROUPS, {"name": "public", "clientRoute": {"relativePathList": ["/new"]}})
    row = stored(system, "apiProxyGroups", "public")
    assert (row["apiProxies"], row["description"]) == (["orders", "chat"], "")
    for _ in range(2):
        answer(system, "DELETE", f"{GROUPS}public/apiProxies/chat/")
    assert stored(system, "apiProxyGroups", "public")["apiProxies"] == ["orders"]
    status, text = refused(system, "POST", f"{GROUPS}public/apiProxies/nope/")
    assert (status, text) == (400, "ApiProxy (name: nope) was not found!")


def test_a_group_is_deployed_on_request() -> None:
    system = manager()
    answer(system, "POST", GROUPS, GROUP)
    path = GROUPS + "public/environments/"
    assert rows(system, path) == []
    assert answer(system, "PUT", GROUPS, {**GROUP, "environmentName": "prod"})["deploymentResult"]["success"] is True
    assert answer(system, "POST", path + "broken/")["deploymentResult"]["success"] is False
    assert [row["environmentName"] for row in rows(system, path)] == ["prod"]
    answer(system, "DELETE", path + "prod/")
    assert rows(system, path) == []
    assert refused(system, "DELETE", path + "prod/")[0] == 400


# Rights, names, and behind the back

CATEGORIES = {
    "GLOBAL_SETTINGS": [
        ("GET", VARIABLES, "VIEW"),
        ("GET", VARIABLES + "x/", "VIEW"),
        ("POST", VARIABLES + "x/", "MANAGE"),
        ("PUT", VARIABLES + "x/", "MANAGE"),
        ("DELETE", VARIABLES + "x/", "MANAGE"),
        ("GET", IP_GROUPS, "VIEW"),
        ("GET", IP_GROUPS + "x/", "VIEW"),
        ("POST", IP_GROUPS, "MANAGE"),
        ("PUT", IP_GROUPS + "x/", "MANAGE"),
        ("DELETE", IP_GROUPS + "x/", "MANAGE"),
        ("POST", IP_GROUPS + "x/ips/", "MANAGE"),
    ],
    "CONNECTIONS": [
        ("GET", CONNECTIONS, "VIEW"),
        ("GET", CONNECTIONS + "x/", "VIEW"),
        ("POST", CONNECTIONS + "x/", "MANAGE"),
        ("PUT", CONNECTIONS + "x/", "MANAGE"),
        ("DELETE", CONNECTIONS + "x/", "MANAGE"),
    ],
    "IDENTITY": [
        ("GET", CREDENTIALS, "VIEW"),
        ("POST", CREDENTIALS, "MANAGE"),
        ("PUT", CREDENTIALS, "MANAGE"),
        ("PATCH", CREDENTIALS + "x/", "MANAGE"),
        ("DELETE", CREDENTIALS + "x/", "MANAGE"),
        ("GET", CREDENTIALS + "x/access/", "VIEW"),
        ("PUT", CREDENTIALS + "x/access/", "MANAGE"),
        ("DELETE", CREDENTIALS + "x/access/", "MANAGE"),
    ],
    "API_MANAGEMENT": [
        ("GET", GROUPS, "VIEW"),
        ("POST", GROUPS, "MANAGE"),
        ("PUT", GROUPS, "MANAGE"),
        ("DELETE", GROUPS + "x/", "MANAGE"),
        ("POST", GROUPS + "x/apiProxies/orders/", "MANAGE"),
        ("DELETE", GROUPS + "x/apiProxies/orders/", "MANAGE"),
        ("GET", GROUPS + "x/environments/", "VIEW"),
        ("POST", GROUPS + "x/environments/prod/", "DEPLOY_UNDEPLOY"),
        ("DELETE", GROUPS + "x/environments/prod/", "DEPLOY_UNDEPLOY"),
        ("GET", ENDPOINTS, "VIEW"),
        ("POST", ENDPOINTS, "MANAGE"),
        ("PATCH", ENDPOINTS, "MANAGE"),
        ("PATCH", ENDPOINTS + "status/", "MANAGE"),
        ("POST", ENDPOINTS + "delete/", "MANAGE"),
        ("POST", ENDPOINTS + "details/", "VIEW"),
        ("POST", ENDPOINTS + "policies/", "VIEW"),
        ("GET", ORDERS + "trafficLogSettings/", "VIEW"),
        ("GET", ORDERS + "trafficLogSettings/prod/", "VIEW"),
        ("PUT", ORDERS + "trafficLogSettings/prod/", "MANAGE"),
    ],
}


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_operation_needs_the_right_of_its_category(category: str) -> None:
    actions = ("VIEW", "MANAGE", "DEPLOY_UNDEPLOY")
    others = [f"{other}+{action}" for other in CATEGORIES if other != category for action in actions]
    for method, path, action in CATEGORIES[category]:
        lesser = [f"{category}+{other}" for other in actions if other != action]
        system = manager(rights=frozenset([*others, *lesser]))
        expected = f"User does not have required permission! ({category} - {action})"
        assert refused(system, method, path, {}) == (400, expected)
        enough = call(manager(rights=frozenset([f"{category}+{action}"])), method, path, {})
        assert b"permission" not in enough.body


@pytest.mark.parametrize(
    "path", ["environmentVariables/", "ipGroups/", "connections/?type=email", "credentials/", "apiProxyGroups/"]
)
def test_objects_belong_to_a_project_that_has_to_exist(path: str) -> None:
    text = "Project (name: nope) is not found!"
    assert refused(manager(), "GET", f"/apiops/projects/nope/{path}") == (400, text)
    assert rows(manager(), f"/apiops/projects/desk/{path}") == []


def test_rows_can_be_seeded_edited_and_removed_behind_the_back() -> None:
    system = manager()
    endpoint = {"project": "shop", "proxy": "orders", "name": "/items", "httpMethod": "GET"}
    seeded = [
        ("endpoints", system.seed("endpoints", endpoint)),
        ("environmentVariables", system.seed("environmentVariables", {"project": "shop", "name": "x"})),
        ("ipGroups", system.seed("ipGroups", {"project": "shop", "name": "x"})),
        ("connections", system.seed("connections", {"project": "shop", "name": "x", "type": "ftp"})),
        ("credentials", system.seed("credentials", {"project": "shop", "username": "x"})),
        ("apiProxyGroups", system.seed("apiProxyGroups", {"project": "shop", "name": "x"})),
    ]
    with pytest.raises(ValueError, match="already has 'GET'"):
        system.seed("endpoints", endpoint)
    for table, row_id in seeded:
        name = "/items" if table == "endpoints" else "x"
        assert system.edit(table, name, {"description": "edited"}) == [row_id]
        assert system.remove(table, lambda row: row.get("description") == "edited") == [row_id]
        assert system.stored(table) == []
        with pytest.raises(KeyError):
            system.edit(table, name, {})
    assert stored(system, "apiProxies", "orders")["saves"] == 4
    with pytest.raises(KeyError, match="no collection 'nonsense'"):
        system.stored("nonsense")


@both
def test_no_refusal_repeats_a_secret(edition: Edition) -> None:
    system = manager(edition=edition)
    for method, path, body in (
        ("POST", CREDENTIALS, {**ANN, "password": {"p": SECRET}}),
        ("PUT", CREDENTIALS, ANN),
        ("POST", CONNECTIONS + "x/", {**MAIL, "type": "nope"}),
        ("POST", VARIABLES + "x/", {"globalValue": [SECRET]}),
        ("PATCH", ORDERS + "settings/keys/", {"secretKey": [SECRET]}),
    ):
        response = call(system, method, path, body)
        assert response.status >= 400
        assert SECRET not in json.dumps(json.loads(response.body))
