"""What is read out of a document, what is guessed, and how the guesses are marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drafting import DOCUMENTS, SAMPLES, answer, api, asked, draft, kinds, members, read_back, takes, text_of, widgets

from reconciler.core.kinds.catalog import load_catalog
from reconciler.core.kinds.checks.definitions import check_definitions


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_draft_is_in_order(sample: str, tmp_path: Path) -> None:
    drafts = draft(DOCUMENTS / sample)
    documents = read_back(drafts, tmp_path)
    assert load_catalog(documents)[1] == []
    assert check_definitions(documents, []) == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_draft_asks_for_decisions(sample: str) -> None:
    for one in draft(DOCUMENTS / sample):
        assert one.questions > 0
        assert text_of(one).count("# DECIDE: ") == one.questions
        assert max(len(line) for line in text_of(one).splitlines()) <= 120


@pytest.mark.parametrize(
    ("sample", "file", "said"),
    [
        ("catalog-3.0.yaml", "system", "`url: https://eu.catalog.example.com/v2`"),
        ("catalog-3.0.yaml", "system", "#   POST /products/{productId}/restock: an action"),
        ("catalog-3.0.yaml", "system", 'auth: {bearer: "${env:BEARER_AUTH_TOKEN}"}'),
        ("catalog-3.0.yaml", "product", "# DECIDE: the natural key, guessed: is name unique?"),
        ("catalog-3.0.yaml", "product", "erased unless a manifest states it: webhookSecret"),
        ("catalog-3.0.yaml", "product", "# DECIDE: guessed (the answer has a Link header)"),
        ("incidents-3.1.yaml", "monitor", "# cut here: Rule holds itself; anything is accepted below"),
        ("incidents-3.1.yaml", "monitor", "# DECIDE: secrets were guessed by name: api_key;"),
        ("incidents-3.1.yaml", "system", "auth: {header: {name: X-Api-Key, value: "),
        ("forge.json", "system", "https://HOST/api"),
        ("forge.json", "environment", "# a number: write it as ${ref:Project/name#/id}"),
        ("forge.json", "environment", "# DECIDE: the document shows no paging"),
        ("buckets.yaml", "bucket", "# DECIDE: the document gives a 404 no body"),
        ("directory.yaml", "system", "tokenUrl: https://sso.example.com/token"),
        ("mailer.yaml", "domain", "# DECIDE: no kind has this id;"),
    ],
)
def test_comments_say_what_is_guessed(sample: str, file: str, said: str) -> None:
    text = next(text_of(one) for one in draft(DOCUMENTS / sample) if one.name == file)
    unwrapped = " ".join(line.strip().removeprefix("# ") if i else line for i, line in enumerate(text.splitlines()))
    assert said in text or said.removeprefix("# ") in unwrapped


def test_only_the_paths_asked_for(tmp_path: Path) -> None:
    names = [one.name for one in draft(DOCUMENTS / "mailer.yaml", "/accounts/{accountId}/domains", system="post")]
    assert names == ["system", "domain", "tracking"]


# --------------------------------------------------------------------------- fields


def fields_of(stored: Any, given: Any, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = kinds(widgets(stored, given), folder)["widget"]["schema"]["properties"]
    return found


NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "drafted"),
    [
        pytest.param({"type": "string", "nullable": True}, {"type": ["string", "null"]}, id="nullable"),
        pytest.param({"type": ["integer", "null"]}, {"type": ["integer", "null"]}, id="type-array"),
        pytest.param({"anyOf": [{"type": "integer"}, NULL]}, {"type": ["integer", "null"]}, id="anyOf-null"),
        pytest.param(
            {"enum": ["a", "b"], "type": "string", "nullable": True},
            {"type": ["string", "null"], "enum": ["a", "b", None]},
            id="nullable-enum",
        ),
        pytest.param({"const": 3}, {"enum": [3]}, id="const"),
        pytest.param(
            {"type": "number", "maximum": 5, "exclusiveMaximum": True},
            {"type": "number", "exclusiveMaximum": 5},
            id="exclusive-as-boolean",
        ),
        pytest.param(
            {"type": "number", "maximum": 5, "exclusiveMaximum": False},
            {"type": "number", "maximum": 5},
            id="inclusive-as-boolean",
        ),
        pytest.param({"type": "string", "pattern": "\\p{L}+"}, {"type": "string", "description": ""}, id="bad-pattern"),
        pytest.param(
            {"type": "string", "format": "int64"},
            {"type": "string", "format": "int64", "x-form": "int64"},
            id="int64-as-text",
        ),
        pytest.param(
            {"allOf": [{"type": "string"}, {"maxLength": 3}], "description": "D."},
            {"type": "string", "maxLength": 3, "description": "D."},
            id="allOf",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"type": "object", "additionalProperties": {"type": "integer"}},
            id="map",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": True},
            {"type": "object", "additionalProperties": True},
            id="free",
        ),
        pytest.param(
            {"type": "string", "description": "First\nline.\n\nSecond paragraph."},
            {"type": "string", "description": "First line."},
            id="first-paragraph",
        ),
        pytest.param(
            {"type": "string", "x-vendor": 1, "example": "e", "minLength": "1"}, {"type": "string"}, id="noise"
        ),
    ],
)
def test_a_schema_is_translated(schema: Any, drafted: Any, tmp_path: Path) -> None:
    stored = members("id", "name", field=schema)
    assert fields_of(stored, stored, tmp_path)["field"] == drafted


@pytest.mark.parametrize(
    ("stored", "given", "drafted"),
    [
        pytest.param({}, None, {"type": "string", "readOnly": True}, id="only-in-answers"),
        pytest.param(None, {}, {"type": "string", "writeOnly": True}, id="only-in-requests"),
        pytest.param(
            {"readOnly": True}, {"readOnly": True}, {"type": "string", "readOnly": True}, id="marked-readOnly"
        ),
        pytest.param({"writeOnly": True}, {}, {"type": "string", "writeOnly": True}, id="marked-writeOnly"),
        pytest.param({}, {}, {"type": "string"}, id="both"),
    ],
)
def test_requests_and_answers_are_merged(stored: Any, given: Any, drafted: Any, tmp_path: Path) -> None:
    sides = [members("id", "name", **({} if s is None else {"x": {"type": "string", **s}})) for s in (stored, given)]
    assert fields_of(sides[0], sides[1], tmp_path)["x"] == drafted


def test_members_inside_are_merged_too(tmp_path: Path) -> None:
    stored = members("id", "name", inner=members("a", "made"), rows={"type": "array", "items": members("k", "id")})
    given = members("name", inner=members("a", "token"), rows={"type": "array", "items": members("k")})
    fields = fields_of(stored, given, tmp_path)
    assert fields["inner"]["properties"] == {
        "a": {"type": "string"},
        "token": {"type": "string", "x-sensitive": True, "writeOnly": True},
        "made": {"type": "string", "readOnly": True},
    }
    assert fields["rows"]["items"]["properties"]["id"] == {"type": "string", "readOnly": True}


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *(
            (name, True)
            for name in ("password", "clientSecret", "api_key", "APIKey", "authToken", "private-key", "dsn")
        ),
        *((name, False) for name in ("tokenUrl", "secretName", "maxTokens", "key", "passwordPolicy", "publicKey")),
    ],
)
def test_secrets_are_guessed_by_name(name: str, secret: bool, tmp_path: Path) -> None:
    stored = members("id", "name", name)
    assert ("x-sensitive" in fields_of(stored, stored, tmp_path)[name]) == secret


def test_a_number_is_no_secret(tmp_path: Path) -> None:
    stored = members("id", "name", token={"type": "integer"})
    assert "x-sensitive" not in fields_of(stored, stored, tmp_path)["token"]


def test_variants_of_an_object_become_one(tmp_path: Path) -> None:
    variants = [members("id", "name", type={"const": kind}, **{kind: {"type": "integer"}}) for kind in ("a", "b")]
    stored = {"oneOf": variants}
    fields = fields_of(stored, stored, tmp_path)
    assert fields["type"]["enum"] == ["a", "b"]
    assert {"a", "b"} <= fields.keys()


def test_fields_that_hold_ids_are_named_after_their_kind(tmp_path: Path) -> None:
    stored = members("id", "name", "teamId")
    document = widgets(stored)
    document["paths"]["/teams/{id}"] = {"get": answer(members("id", "name"))}
    document["paths"]["/teams"] = {"get": answer({"type": "array", "items": members("id", "name")})}
    found = kinds(document, tmp_path)
    assert found["widget"]["schema"]["properties"]["team"] == {"type": "string", "x-name": "teamId", "x-ref": "Team"}
    assert "write" not in found["team"], "a kind that is only looked up"


# --------------------------------------------------------------------------- lists


PLAIN = members("id", "name")
ROWS = {"type": "array", "items": PLAIN}


@pytest.mark.parametrize(
    ("query", "listed", "drafted"),
    [
        pytest.param((asked("limit"), asked("offset")), None, {"style": "offset", "size": 100}, id="offset"),
        pytest.param((asked("$top", maximum=50), asked("$skip")), None, {"style": "offset", "size": 50}, id="odata"),
        pytest.param((asked("page"),), None, {"style": "page", "size": 1}, id="page-of-unknown-size"),
        pytest.param(
            (asked("page[number]"), asked("page[size]", default=20)), None, {"style": "page", "size": 20}, id="brackets"
        ),
        pytest.param(
            (asked("page", default=0), asked("size")),
            members(content=ROWS, totalElements={"type": "integer"}),
            {"style": "page", "total": "/totalElements", "first": 0, "size": 100},
            id="from-zero",
        ),
        pytest.param(
            (asked("pageToken"), asked("maxResults", maximum=5000, default=25)),
            members("nextPageToken", items=ROWS),
            {"style": "cursor", "next": "/nextPageToken", "size": 25},
            id="token",
        ),
        pytest.param(
            (asked("after"),),
            members(data=ROWS, paging=members(cursors=members("after"))),
            None,
            id="cursor-too-deep",
        ),
        pytest.param(
            (asked("limit"), asked("offset")),
            members(results=ROWS, count={"type": "integer"}, next={"type": "string", "format": "uri"}),
            {"style": "url", "next": "/next", "size": 100},
            id="next-address",
        ),
        pytest.param(
            (),
            members(items=ROWS, _links=members(next=members("href"))),
            {"style": "url", "next": "/_links/next/href"},
            id="hal",
        ),
        pytest.param((), None, None, id="none"),
    ],
)
def test_paging_is_guessed(query: Any, listed: Any, drafted: Any, tmp_path: Path) -> None:
    call = kinds(widgets(PLAIN, query=query, listed=listed), tmp_path)["widget"]["read"]["list"]
    assert call.get("paging") == drafted


@pytest.mark.parametrize(
    ("listed", "drafted"),
    [
        pytest.param(ROWS, {}, id="bare"),
        pytest.param(members("next", warnings={"type": "array"}, widgets=ROWS), {"items": "/widgets"}, id="by-name"),
        pytest.param(members(data=members(items=ROWS)), {"items": "/data/items"}, id="nested"),
        pytest.param({"type": "object", "additionalProperties": PLAIN}, {"keyAs": "name"}, id="by-key"),
        pytest.param({"type": "array", "items": {"type": "string"}}, {"itemsAre": "ids"}, id="ids"),
        pytest.param({"type": "array", "items": members("id")}, {"itemsAre": "summaries"}, id="summaries"),
    ],
)
def test_items_are_found(listed: Any, drafted: Any, tmp_path: Path) -> None:
    call = kinds(widgets(PLAIN, listed=listed), tmp_path)["widget"]["read"]["list"]
    assert {key: call[key] for key in ("items", "keyAs", "itemsAre") if key in call} == drafted


# --------------------------------------------------------------------------- calls


@pytest.mark.parametrize(
    ("method", "media", "send"),
    [
        ("patch", "application/json", "changed"),
        ("patch", "application/merge-patch+json", "mergePatch"),
        ("patch", "application/json-patch+json", "jsonPatch"),
        ("put", "application/json", "full"),
        ("post", "application/json", "changed"),
    ],
)
def test_verbs_say_what_is_sent(method: str, media: str, send: str, tmp_path: Path) -> None:
    document = widgets(PLAIN)
    item = document["paths"]["/widgets/{id}"]
    del item["patch"]
    item[method] = {**takes(PLAIN, media), **answer(PLAIN)}
    update = kinds(document, tmp_path)["widget"]["write"]["update"]
    assert (update["method"], update["send"]) == (method.upper(), send)


def test_items_may_be_addressed_without_their_parent(tmp_path: Path) -> None:
    document = widgets(PLAIN)
    document["paths"]["/widgets/{id}/gears"] = {"get": answer(ROWS), "post": {**takes(PLAIN), **answer(PLAIN)}}
    document["paths"]["/gears/{id}"] = {"get": answer(PLAIN), "patch": {**takes(PLAIN), **answer(PLAIN)}}
    gear = kinds(document, tmp_path)["gear"]
    assert gear["read"]["list"]["path"] == "/widgets/{spec.widget}/gears"
    assert gear["read"]["get"]["path"] == "/gears/{id}"
    assert gear["identity"]["key"] == ["widget", "name"]


def test_the_same_name_under_two_parents(tmp_path: Path) -> None:
    inner = {"get": answer(ROWS), "post": {**takes(PLAIN), **answer(PLAIN)}}
    item = {"get": answer(PLAIN), "delete": {"responses": {}}}
    paths = {}
    for parent in ("teams", "boxes"):
        paths[f"/{parent}/{{id}}/members"] = inner
        paths[f"/{parent}/{{id}}/members/{{member_id}}"] = item
    assert set(kinds(api(paths), tmp_path)) == {"system", "team-member", "box-member"}


def test_what_a_call_cannot_do_without_comes_from_somewhere(tmp_path: Path) -> None:
    document = widgets(members("id", "name", "space"))
    document["paths"]["/widgets"]["get"]["parameters"] = [
        {"name": "space", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "view", "in": "query", "required": True, "schema": {"enum": ["full"]}},
        {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string"}},
    ]
    found = kinds(document, tmp_path)
    call = found["widget"]["read"]["list"]
    assert call["query"] == {"space": "{spec.space}", "view": "full"}
    assert call["headers"] == {"X-Tenant": "{system.X-Tenant}"}
    assert found["system"]["parameters"]["required"] == ["X-Tenant"]


def test_an_answer_of_work_to_come_is_pointed_out(tmp_path: Path) -> None:
    document = widgets(PLAIN)
    document["paths"]["/widgets"]["post"]["responses"] = {"202": {"description": "later"}}
    kinds(document, tmp_path)
    text = (tmp_path / "widget.yaml").read_text()
    assert "202 promises only" in text
    assert "returns: nothing" in text


def test_an_object_without_a_list_is_found_by_what_the_client_calls_it(tmp_path: Path) -> None:
    paths = {
        "/repos/{owner}/{repo}": {"get": answer(members("id")), "put": {**takes(members("topic")), **answer(PLAIN)}}
    }
    repo = kinds(api(paths), tmp_path)["repo"]
    assert repo["identity"] == {"id": "{spec.repo}", "key": ["owner", "repo"]}
    assert repo["read"]["get"]["path"] == "/repos/{spec.owner}/{spec.repo}"
    assert repo["write"]["create"]["method"] == "PUT"


def test_what_fits_no_pattern_is_listed_with_the_reason(tmp_path: Path) -> None:
    document = widgets(PLAIN)
    document["paths"]["/files/{name}.json"] = {"get": answer(PLAIN), "put": takes(PLAIN)}
    document["paths"]["/status"] = {"get": answer(PLAIN)}
    kinds(document, tmp_path)
    text = (tmp_path / "system.yaml").read_text()
    assert "#   GET /files/{name}.json: a parameter is only part of a segment of its path" in text
    assert "#   GET /status: nothing is written here" in text
