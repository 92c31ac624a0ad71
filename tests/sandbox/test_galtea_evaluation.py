"""What evaluates a product in Galtea: models, user groups, metrics, specifications, versions, monitors, voice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from galtea_calls import Api, message

ALL = (
    *("models", "userGroups", "metrics", "specifications"),
    *("phoneConnections", "webRtcConnections", "versions", "monitors"),
)
SOFT = tuple(name for name in ALL if name != "userGroups")


@pytest.fixture
def api() -> Api:
    return Api()


def body(api: Api, collection: str, **changes: Any) -> dict[str, Any]:
    """Return a body that a create accepts; `...` takes a member away."""
    product = api.product
    starts: dict[str, dict[str, Any]] = {
        "models": {"name": "one", "inputCostPerToken": 1e-6},
        "userGroups": {"name": "one"},
        "metrics": {"name": "one", "source": "SELF_HOSTED"},
        "specifications": {"productId": product, "name": "one", "description": "d", "type": "CAPABILITY"},
        "phoneConnections": {"productId": product, "name": "one", "phoneNumber": "+14155550123"},
        "webRtcConnections": {"productId": product, "name": "one", "agentName": "a", "apiKey": "fake-key"},
        "versions": {"productId": product, "name": "one"},
        "monitors": {"productId": product, "name": "one", "specificationIds": []},
    }
    start = {**starts[collection], **changes}
    if collection == "monitors" and not start["specificationIds"] and "metricGroupIds" not in changes:
        number = len(api.system.stored("metrics"))
        start["metricGroupIds"] = [make(api, "metrics", name=f"metric {number}")["metricGroupId"]]
    return {name: value for name, value in start.items() if value is not ...}


def make(api: Api, collection: str, *, status: int = 201, **changes: Any) -> Any:
    return api.json("POST", f"/{collection}", body(api, collection, **changes), status=status)


def refused(api: Api, method: str, path: str, sent: Any = None, *, status: int = 400) -> str:
    answer = api.ask(method, path, sent)
    assert answer.status == status, answer.body
    return message(answer)


# --------------------------------------------------------------------------- what all have in common


@pytest.mark.parametrize("collection", ALL)
def test_create_read_list_and_update(api: Api, collection: str) -> None:
    row = make(api, collection)
    path = f"/{collection}/{row['id']}"
    assert row["id"].startswith(f"{collection.removesuffix('s')}_c")
    assert api.json("GET", path) == row
    assert row in api.json("GET", f"/{collection}")
    changed = api.json("PATCH", path, {"name": "another"})
    assert changed == {**row, "name": "another"}
    assert api.json("GET", path) == changed


@pytest.mark.parametrize("collection", ALL)
def test_a_second_one_of_the_name_is_a_400(api: Api, collection: str) -> None:
    make(api, collection)
    more = {"specifications": {"description": "d"}}.get(collection, {})
    assert "with the same" in refused(api, "POST", f"/{collection}", body(api, collection, **more))


@pytest.mark.parametrize("collection", SOFT)
def test_deleting_is_soft(api: Api, collection: str) -> None:
    row = make(api, collection)
    assert api.ask("DELETE", f"/{collection}/{row['id']}").status == 204
    assert row["id"] not in [one["id"] for one in api.json("GET", f"/{collection}")]
    assert api.json("GET", f"/{collection}/{row['id']}")["deletedAt"] is not None
    assert "not found" in refused(api, "PATCH", f"/{collection}/{row['id']}", {"name": "x"}, status=404)
    assert make(api, collection, **{"metricGroupIds": row["metricGroupIds"]} if collection == "monitors" else {})


def test_the_name_of_a_deleted_one_may_be_blocked() -> None:
    api = Api(deleted_names_block=True)
    row = make(api, "models")
    api.ask("DELETE", f"/models/{row['id']}")
    assert "with the same" in refused(api, "POST", "/models", body(api, "models"))


@pytest.mark.parametrize("collection", ALL)
@pytest.mark.parametrize("sent", [{"id": "x"}, {"createdAt": "x"}, {"unheardOf": 1}, {"name": None}, {"name": 5}])
def test_what_may_not_be_sent(api: Api, collection: str, sent: dict[str, Any]) -> None:
    row = make(api, collection)
    answer = api.ask("PATCH", f"/{collection}/{row['id']}", sent)
    if collection == "specifications" and sent == {"name": None}:
        assert answer.status == 200  # a name is younger than specifications are
    else:
        assert answer.status == 400


@pytest.mark.parametrize(
    "collection", ["specifications", "phoneConnections", "webRtcConnections", "versions", "monitors"]
)
def test_a_child_stays_with_its_product(api: Api, collection: str) -> None:
    row = make(api, collection)
    refused(api, "PATCH", f"/{collection}/{row['id']}", {"productId": api.product})
    assert api.json("GET", f"/{collection}?productIds[]={api.product}") == [row]
    assert api.json("GET", f"/{collection}?productIds[]=product_unknown") == []
    refused(api, "POST", f"/{collection}", {**body(api, collection), "productId": "product_unknown"}, status=404)
    assert "in use" in refused(api, "DELETE", f"/products/{api.product}")


@pytest.mark.parametrize("collection", ALL)
def test_lists_come_in_pages_and_refuse_what_they_do_not_know(api: Api, collection: str) -> None:
    more: list[dict[str, Any]] = [{"description": f"d{n}"} if collection == "specifications" else {} for n in range(3)]
    made = [make(api, collection, name=f"n{n}", **more[n])["id"] for n in range(3)]
    pages = [api.json("GET", f"/{collection}?sort[]=createdAt&sort[]=asc&limit=2&offset={n}") for n in (0, 2)]
    assert [one["id"] for page in pages for one in page] == made
    assert "Accepted parameters" in refused(api, "GET", f"/{collection}?nmae=x")
    assert [one["name"] for one in api.json("GET", f"/{collection}?names[]=n1")] == ["n1"]


@pytest.mark.parametrize("collection", ALL)
def test_answers_may_leave_the_object_out(collection: str) -> None:
    api = Api(empty_answers=True)
    if collection == "monitors":
        family = api.system.stored("metrics") or [{"metricGroupId": "family"}]
        api.system.seed("metrics", {"name": "m", "metricGroupId": family[0]["metricGroupId"]})
        created = api.ask("POST", "/monitors", body(api, "monitors", metricGroupIds=["family"]))
        assert json.loads(created.body).keys() == {"id"}
        row_id = json.loads(created.body)["id"]
    else:
        created = api.ask("POST", f"/{collection}", body(api, collection))
        assert created.body == b""
        row_id = created.headers["location"].rpartition("/")[2]
    assert created.status == 201
    updated = api.ask("PATCH", f"/{collection}/{row_id}", {"name": "other"})
    assert (updated.status, updated.body) == ((200, created.body) if collection == "monitors" else (204, b""))
    assert api.json("GET", f"/{collection}/{row_id}")["name"] == "other"


# --------------------------------------------------------------------------- models


def test_predefined_models_share_the_list_unless_left_out(api: Api) -> None:
    own = make(api, "models")
    theirs = api.system.seed("models", {"name": "gpt", "organizationId": None, "isDefault": True})
    assert {one["id"] for one in api.json("GET", "/models")} == {own["id"], theirs}
    assert [one["id"] for one in api.json("GET", "/models?includeDefaultEntities=false")] == [own["id"]]
    refused(api, "GET", "/models?includeDefaultEntities=False")  # booleans are lower-case
    refused(api, "PATCH", f"/models/{theirs}", {"inputCostPerToken": 0}, status=403)


@pytest.mark.parametrize(("value", "status"), [(0, 200), (1e-7, 200), (None, 200), (-1, 400), ("1", 400), (True, 400)])
def test_prices(api: Api, value: Any, status: int) -> None:
    row = make(api, "models")
    answer = api.ask("PATCH", f"/models/{row['id']}", {"cacheReadInputTokenCost": value})
    assert answer.status == status


def test_a_model_in_use_is_not_deleted(api: Api) -> None:
    model = make(api, "models")
    version = make(api, "versions", modelId=model["id"])
    assert "in use by versions" in refused(api, "DELETE", f"/models/{model['id']}")
    api.json("PATCH", f"/versions/{version['id']}", {"modelId": None})
    assert api.ask("DELETE", f"/models/{model['id']}").status == 204


# --------------------------------------------------------------------------- user groups


def test_groups_are_for_owners_and_are_deleted_for_good() -> None:
    api = Api()
    row = make(api, "userGroups")
    api.system.role = "MEMBER"
    refused(api, "PATCH", f"/userGroups/{row['id']}", {"name": "x"}, status=403)
    refused(api, "POST", "/userGroups", {"name": "x"}, status=403)
    assert api.json("GET", "/userGroups") == [row]
    api.system.role = "ADMIN"
    assert api.ask("DELETE", f"/userGroups/{row['id']}").status == 204
    assert api.system.stored("userGroups") == []


def test_links_of_a_group_have_calls_of_their_own(api: Api) -> None:
    group, metric = make(api, "userGroups"), make(api, "metrics")
    refused(api, "PATCH", f"/userGroups/{group['id']}", {"metricIds": [metric["id"]]})
    assert api.ask("POST", f"/userGroups/{group['id']}/metrics", {"metricIds": [metric["id"]]}).status == 204
    assert api.json("GET", f"/metrics/{metric['id']}")["userGroupIds"] == [group["id"]]
    assert api.ask("DELETE", f"/userGroups/{group['id']}/metrics", {"metricIds": [metric["id"]]}).status == 204
    assert api.json("GET", f"/metrics/{metric['id']}")["userGroupIds"] == []
    assert api.ask("POST", f"/userGroups/{group['id']}/users", {"userIds": ["user_1"]}).status == 204


# --------------------------------------------------------------------------- metrics

JUDGE: dict[str, Any] = {
    "source": "PARTIAL_PROMPT",
    "judgePrompt": "p",
    "evaluatorModelName": "GPT-4.1",
    "evaluationParams": ["input", "actual_output"],
}


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "FULL_PROMPT"},
        {"source": "GEVAL"},
        {"source": ...},
        {**JUDGE, "judgePrompt": ...},
        {**JUDGE, "evaluatorModelName": ...},
        {**JUDGE, "evaluationParams": ["input"]},
        {"source": "SELF_HOSTED", "judgePrompt": "p"},
        {"source": "HUMAN_EVALUATION"},
        {"source": "HUMAN_EVALUATION", "userGroupIds": ["userGroup_unknown"]},
        {"name": "x" * 201},
        {"specificationIds": ["specification_unknown"]},
    ],
)
def test_metrics_that_cannot_be_created(api: Api, changes: dict[str, Any]) -> None:
    make(api, "metrics", status=400, **changes)
    assert api.system.stored("metrics") == []


@pytest.mark.parametrize("name", ["judgePrompt", "source", "evaluatorModelName", "evaluationParams", "passThreshold"])
def test_how_a_metric_judges_is_fixed(api: Api, name: str) -> None:
    row = make(api, "metrics", **JUDGE)
    assert "immutable" in refused(api, "PATCH", f"/metrics/{row['id']}", {name: "x"})


def test_a_revision_turns_its_parent_into_a_legacy_one(api: Api) -> None:
    old = make(api, "metrics", **JUDGE)
    new = make(api, "metrics", **{**JUDGE, "judgePrompt": "better"}, parentMetricId=old["id"])
    assert (new["name"], new["metricGroupId"]) == (old["name"], old["metricGroupId"])
    assert {one["id"] for one in api.json("GET", "/metrics")} == {old["id"], new["id"]}
    assert [one["id"] for one in api.json("GET", "/metrics?includeLegacy=false")] == [new["id"]]
    refused(api, "GET", f"/metrics?metricGroupIds[]={new['metricGroupId']}")


def test_the_last_group_of_a_human_evaluation_stays(api: Api) -> None:
    groups = sorted(make(api, "userGroups", name=name)["id"] for name in ("a", "b"))
    row = make(api, "metrics", source="HUMAN_EVALUATION", userGroupIds=groups)
    assert api.json("PATCH", f"/metrics/{row['id']}", {"userGroupIds": groups[:1]})["userGroupIds"] == groups[:1]
    assert api.json("PATCH", f"/metrics/{row['id']}", {"description": "d"})["userGroupIds"] == groups[:1]
    assert "at least one user group" in refused(api, "PATCH", f"/metrics/{row['id']}", {"userGroupIds": []})
    refused(api, "DELETE", f"/userGroups/{groups[0]}/metrics", {"metricIds": [row["id"]]})


# --------------------------------------------------------------------------- specifications


@pytest.mark.parametrize(
    ("changes", "status", "test_type"),
    [
        ({"type": "CAPABILITY"}, 201, "SCENARIOS"),
        ({"type": "CAPABILITY", "testType": "QUALITY"}, 400, None),
        ({"type": "INABILITY"}, 201, None),
        ({"type": "INABILITY", "testType": "QUALITY"}, 400, None),
        ({"type": "POLICY", "testType": "RED_TEAMING"}, 201, "RED_TEAMING"),
        ({"type": "POLICY"}, 400, None),
    ],
)
def test_the_test_type_follows_from_the_type(
    api: Api, changes: dict[str, Any], status: int, test_type: str | None
) -> None:
    row = make(api, "specifications", status=status, **changes)
    if status == 201:
        assert row["testType"] == test_type


def test_the_same_expectation_twice(api: Api) -> None:
    make(api, "specifications")
    assert "with the same description and type" in refused(
        api, "POST", "/specifications", body(api, "specifications", name="other")
    )
    make(api, "specifications", type="INABILITY")  # names are not unique here


def test_links_to_metrics_count_on_create_only(api: Api) -> None:
    one, two = (make(api, "metrics", name=name)["id"] for name in ("a", "b"))
    row = make(api, "specifications", metricIds=[one])
    assert row["metricIds"] == [one]
    path = f"/specifications/{row['id']}"
    assert api.json("PATCH", path, {"metricIds": [two]})["metricIds"] == [one]
    assert api.ask("POST", f"{path}/metrics", {"metricIds": [two]}).status == 204
    assert {metric["id"] for metric in api.json("GET", f"{path}/metrics")} == {one, two}
    assert api.ask("DELETE", f"{path}/metrics", {"metricIds": [one]}).status == 204
    assert api.json("GET", path)["metricIds"] == [two]
    assert api.json("GET", f"/metrics/{two}")["specificationIds"] == [row["id"]]
    assert api.json("GET", f"/metrics/{one}")["specificationIds"] == []


# --------------------------------------------------------------------------- voice


def test_the_key_of_an_agent_never_comes_back(api: Api) -> None:
    row = make(api, "webRtcConnections")
    assert "apiKey" not in row
    assert row["hasApiKey"] is True
    path = f"/webRtcConnections/{row['id']}"
    api.json("PATCH", path, {"agentName": "b"})
    assert api.system.stored("webRtcConnections")[0]["apiKey"] == "fake-key"
    api.json("PATCH", path, {"apiKey": "fake-other-key"})
    assert api.system.stored("webRtcConnections")[0]["apiKey"] == "fake-other-key"
    refused(api, "PATCH", path, {"hasApiKey": False})
    make(api, "webRtcConnections", status=400, name="other", apiKey=...)


@pytest.mark.parametrize("number", ["14155550123", "+0123", "+1 415", "", None, "+1234567890123456"])
def test_phone_numbers(api: Api, number: Any) -> None:
    make(api, "phoneConnections", status=400, phoneNumber=number)


# --------------------------------------------------------------------------- versions


def test_labels_are_the_servers(api: Api) -> None:
    first, second = make(api, "versions", name=...), make(api, "versions", name=...)
    assert [(one["name"], one["number"]) for one in (first, second)] == [("v1", 1), ("v2", 2)]
    for name in ("v7", "V7", "v01"):
        assert "reserved" in refused(api, "POST", "/versions", body(api, "versions", name=name))
    assert make(api, "versions", name="v1.0")["name"] == "v1.0"
    assert api.json("PATCH", f"/versions/{first['id']}", {"name": "v1"})["name"] == "v1"


def test_facts_tell_versions_apart(api: Api) -> None:
    row = make(api, "versions", facts={" commit ": " a ", "region": "eu"})
    assert row["facts"] == {"commit": "a", "region": "eu"}
    again = body(api, "versions", name="two", facts={"region": "eu", "commit": "a"})
    assert "with the same facts" in refused(api, "POST", "/versions", again)
    make(api, "versions", status=400, name="many", facts={str(n): "x" for n in range(33)})
    make(api, "versions", status=400, name="long", facts={"x": "y" * 2000})
    make(api, "versions", status=400, name="typed", facts={"x": 1})
    make(api, "versions", name="none", facts={})
    make(api, "versions", name="none either", facts={})


def test_get_or_create(api: Api) -> None:
    asked = {"productId": api.product, "facts": {"commit": "a"}}
    row = api.json("POST", "/versions/get-or-create", asked)
    assert api.json("POST", "/versions/get-or-create", asked) == row
    refused(api, "POST", "/versions/get-or-create", {**asked, "description": "d"})
    refused(api, "POST", "/versions/get-or-create", {**asked, "name": "other"}, status=409)


@pytest.mark.parametrize("name", ["productId", "number", "parentVersionId", "unheardOf"])
def test_what_a_version_keeps(api: Api, name: str) -> None:
    row = make(api, "versions")
    refused(api, "PATCH", f"/versions/{row['id']}", {name: "x"})


def test_a_fact_may_choose_the_model(api: Api) -> None:
    model = make(api, "models", name="llm")
    assert make(api, "versions", facts={"model": "llm"})["modelId"] == model["id"]
    assert make(api, "versions", name="two", facts={"model": "unheard of"})["modelId"] is None


def test_connections_of_a_version_have_to_fit(api: Api) -> None:
    chat = api.connect()
    row = make(api, "versions", conversationEndpointConnectionId=chat["id"])
    path = f"/versions/{row['id']}"
    refused(api, "PATCH", path, {"initializationEndpointConnectionId": chat["id"]})
    refused(api, "PATCH", path, {"phoneConnectionId": "phoneConnection_unknown"})
    assert (
        api.json("PATCH", path, {"conversationEndpointConnectionId": None})["conversationEndpointConnectionId"] is None
    )


# --------------------------------------------------------------------------- monitors


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"samplingPercentage": 0}, 400),
        ({"samplingPercentage": 0.5}, 200),
        ({"samplingPercentage": 100.5}, 400),
        ({"samplingPercentage": None}, 400),
        ({"monthlyCreditCap": 0}, 400),
        ({"monthlyCreditCap": None}, 200),
        ({"messageConditions": []}, 200),
        ({"messageConditions": [{"count": "messages"}]}, 400),
        ({"messageConditions": None}, 400),
        ({"status": "PAUSED"}, 200),
        ({"status": "CAPPED"}, 400),
        ({"metricGroupIds": []}, 400),
        ({"metricGroupIds": ["metricGroup_unknown"]}, 400),
        ({"versionId": "version_unknown"}, 400),
        ({"versionId": None}, 200),
    ],
)
def test_updates_of_a_monitor(api: Api, sent: dict[str, Any], status: int) -> None:
    row = make(api, "monitors")
    assert (row["samplingPercentage"], row["status"], len(row["messageConditions"])) == (10, "ACTIVE", 1)
    answer = api.ask("PATCH", f"/monitors/{row['id']}", sent)
    assert answer.status == status, answer.body


def test_a_monitor_takes_its_status_from_updates_only(api: Api) -> None:
    make(api, "monitors", status=201)
    refused(api, "POST", "/monitors", {**body(api, "monitors", name="two"), "status": "PAUSED"})


def test_pause_and_resume(api: Api) -> None:
    row = make(api, "monitors")
    assert api.json("POST", f"/monitors/{row['id']}/pause")["status"] == "PAUSED"
    assert api.json("POST", f"/monitors/{row['id']}/resume")["status"] == "ACTIVE"


def test_only_some_specifications_can_be_bound(api: Api) -> None:
    good = make(api, "specifications")["id"]
    bad = make(api, "specifications", type="INABILITY")["id"]
    row = make(api, "monitors", specificationIds=[good])
    refused(api, "PATCH", f"/monitors/{row['id']}", {"specificationIds": [good, bad]})
    assert "in use by monitors" in refused(api, "DELETE", f"/specifications/{good}")


def test_a_dropped_metric_takes_its_alert_rules_along(api: Api) -> None:
    families = [make(api, "metrics", name=name)["metricGroupId"] for name in ("a", "b")]
    row = make(api, "monitors", metricGroupIds=families)
    api.system.edit("monitors", row["id"], {"alertRules": [{"metricGroupId": family} for family in families]})
    api.json("PATCH", f"/monitors/{row['id']}", {"metricGroupIds": families[:1]})
    (stored,) = api.system.stored("monitors")
    assert stored["alertRules"] == [{"metricGroupId": families[0]}]
