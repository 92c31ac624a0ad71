"""An answer in words for people, whatever it is written in, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest
from core_builders import answer, kind_of, page_answer

from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call
from reconciler.core.model import Request, Response
from reconciler.core.wire.answers import AnswerError, read_page
from reconciler.core.wire.judge import judge

KIND = kind_of(
    {
        "properties": {"name": {"type": "string"}, "size": {}, "pin": {"type": "string", "x-sensitive": True}},
        "read": {"list": {"method": "GET", "path": "/things"}, "get": {"method": "GET", "path": "/things/{id}"}},
    }
)
READ, WRITE = KIND.definition.read, KIND.definition.write


def text(content: str, content_type: str = "text/plain", status: int = 400, charset: str = "utf-8") -> Response:
    return answer(content=content.encode(charset), status=status, content_type=content_type)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        pytest.param(answer(status=400), "an empty answer", id="empty"),
        pytest.param(text(" \n"), "an empty answer", id="blank"),
        pytest.param(text("size must be\nless than 5"), "size must be less than 5", id="text"),
        pytest.param(text("größer", "text/plain; charset=iso-8859-1", charset="latin-1"), "größer", id="charset"),
        pytest.param(text("größer", "text/plain; charset=nonsense"), "größer", id="unknown-charset"),
        pytest.param(text("größer", "text/plain; charset=zlib"), "größer", id="no-charset-of-text"),
        pytest.param(
            text('{"message": "größer"}', 'application/json; charset="windows-1252"', charset="cp1252"),
            "größer",
            id="charset-of-json",
        ),
        pytest.param(text('{"message": "größer"}', "application/json; charset=utf-16", charset="utf-16"), "größer"),
        pytest.param(text('{"message": "cut', "application/json"), 'broken JSON: {"message": "cut', id="broken"),
        pytest.param(
            answer(content=bytes(range(256)), status=400, content_type="image/png"),
            "256 bytes that are neither JSON nor text",
            id="bytes",
        ),
        pytest.param(text("<error><message>too big</message></error>", "application/xml"), "too big", id="xml"),
        pytest.param(
            text('<?xml version="1.0"?><errors><error field="size">too big</error></errors>'),
            "size: too big",
            id="xml-without-its-type",
        ),
        pytest.param(
            text(
                "<s:Envelope><s:Body><s:Fault><faultcode>c</faultcode><faultstring>bad size</faultstring></s:Fault>"
                "</s:Body></s:Envelope>",
                "text/xml",
            ),
            "bad size",
            id="soap",
        ),
        pytest.param(text("<a><b>what</b><c>else</c></a>", "text/xml"), "the answer is what else", id="xml-without"),
        pytest.param(
            page_answer("<html><title>500 Oops</title><h1>Null at X</h1>", 400),
            "an HTML page instead of JSON: 500 Oops; Null at X",
            id="html",
        ),
        pytest.param(page_answer("<html><body>x", 400), "an HTML page instead of JSON", id="html-without-a-title"),
        pytest.param(
            page_answer("<form><input type=password>", 400),
            "an HTML page that asks to sign in, instead of JSON",
            id="html-login-form",
        ),
        pytest.param(
            page_answer("<title>Log in to Shop</title>", 400),
            "an HTML page that asks to sign in, instead of JSON: Log in to Shop",
            id="html-login-title",
        ),
        pytest.param(answer({"code": "TAKEN"}, 400), 'the answer is {"code": "TAKEN"}', id="nothing-found"),
        pytest.param(
            answer({"code": 7, "pin": "1234", "newPassword": "abcd", "apiToken": "efgh", "none": None}, 400),
            'the answer is {"code": 7, "pin": "(sensitive)", "newPassword": "(sensitive)", "apiToken": "(sensitive)", '
            '"none": null}',
            id="nothing-found-and-secrets",
        ),
        pytest.param(
            answer({"code": "s" * 100, "list": [1, 2, 3, 4, 5, 6], "words": "word " * 30}, 400),
            'the answer is {"code": " …", "list": [1, 2, 3, 4, 5, "…"], "words": "' + "word " * 15 + 'word …"}',
            id="nothing-found-and-long",
        ),
    ],
)
def test_what_is_said(response: Response, said: str) -> None:
    assert judge(KIND, response).message == f"status 400: {said}"


def test_what_was_shortened_is_there_in_full() -> None:
    assert judge(KIND, answer({"code": "TAKEN"}, 400)).body == ""
    found = judge(KIND, answer({"code": "s" * 100, "pin": "1234"}, 400))
    assert found.body == '{"code": "' + "s" * 100 + '", "pin": "(sensitive)"}'
    page = page_answer("<title>Oops</title><p>" + "why " * 400, 500)
    assert judge(KIND, page).body.endswith("why why")


@pytest.mark.parametrize(
    ("pointers", "body", "said"),
    [
        pytest.param("/why", {"message": "usual", "why": "because"}, "because", id="above-the-search"),
        pytest.param("/none", {"message": "usual"}, "usual", id="nothing-there"),
        pytest.param("", "bare", "bare", id="root"),
        pytest.param("", ["one", {"message": "two"}], "one; two", id="root-of-a-list"),
        pytest.param("/*/m", [{"m": "one"}, {"m": "two"}, {"x": 1}, {"m": "one"}], "one; two", id="each-item"),
        pytest.param("/e/*/*/t", {"e": {"a": [{"t": "one"}], "b": [{"t": "two"}]}}, "one; two", id="each-member"),
        pytest.param("/e/*", {"e": ["one", "two"]}, "one; two", id="each-text"),
        pytest.param("/*", {"*": "literal", "other": "x"}, "literal", id="a-member-of-that-name"),
        pytest.param("/in", {"in": {"error": "found there"}, "message": "usual"}, "found there", id="an-object"),
    ],
)
def test_a_rule_says_where_the_words_are(pointers: str, body: Any, said: str) -> None:
    kind = kind_of({"answers": [{"status": 400, "class": "invalid", "message": pointers}]})
    assert judge(kind, answer(body, 400)).message == f"status 400: {said}"


def test_a_rule_reaches_text_and_xml() -> None:
    kind = kind_of({"answers": [{"status": 400, "class": "invalid", "message": ["/odd/place", ""]}]})
    assert judge(kind, text("plain words")).message == "status 400: plain words"
    xml = text("<odd><place>words</place></odd>", "application/xml")
    assert judge(kind, xml).message == "status 400: words"


@pytest.mark.parametrize(
    ("response", "words"),
    [
        pytest.param(answer(), "is empty", id="empty"),
        pytest.param(page_answer("<title>Sign in</title>"), "an HTML page that asks to sign in: Sign in", id="login"),
        pytest.param(text("<a/>", "text/xml"), "XML instead of JSON", id="xml"),
        pytest.param(text("maintenance until noon"), "not JSON: maintenance until noon", id="text"),
        pytest.param(text('[{"token": "abc"'), "something that is not JSON$", id="nothing-that-may-be-secret"),
        pytest.param(text('["ü"]', "application/json", charset="latin-1"), "names no other charset", id="charset"),
        pytest.param(text("[" * 3000 + "]" * 3000), "more than 200 levels deep", id="deep"),
    ],
)
def test_a_list_that_is_no_list(response: Response, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        read_page(READ.lists[0], {}, response, 0)


# --------------------------------------------------------------------------- what to do


def hint(status: int, call: Call, body: Any = None, path: str = "/things", **headers: Any) -> str:
    writes = call.method != "GET"
    sent = tuple(call.headers.items())
    request = Request(system="shop", method=call.method, path=path, headers=sent, writes=writes)
    return judge(KIND, answer(body, status, **headers), call, request).hint


def kind_with(**update: Any) -> Kind:
    call = {"method": "PATCH", "path": "/things/{id}", **update}
    return kind_of({"write": {"create": {"method": "POST", "path": "/things"}, "update": call}})


LIST, (UPDATE,) = READ.lists[0], WRITE.update
CREATE = WRITE.create
assert CREATE is not None


@pytest.mark.parametrize(
    ("status", "call", "more", "words"),
    [
        pytest.param(401, LIST, {"www_authenticate": 'Basic realm="x"'}, "asks for Basic", id="401-scheme"),
        pytest.param(403, LIST, {"body": {"message": "API rate limit exceeded"}}, "class: rateLimited", id="403-limit"),
        pytest.param(403, LIST, {"x_ratelimit_remaining": "0"}, "class: rateLimited", id="403-limit-by-header"),
        pytest.param(403, UPDATE, {"body": "CSRF token missing"}, "headers", id="403-forgery"),
        pytest.param(403, UPDATE, {"body": "read only"}, "may lack a right or role, or nobody may", id="403"),
        pytest.param(404, LIST, {}, "check the system's url", id="404-list"),
        pytest.param(404, LIST, {"body": {"message": "no"}}, "`path` of this call in the kind", id="404-list-json"),
        pytest.param(404, CREATE, {}, "reading works", id="404-create"),
        pytest.param(404, UPDATE, {}, "the object is gone (plan again), or", id="404-update"),
        pytest.param(404, CREATE, {"body": {"message": "no"}}, "refer to is not there", id="404-create-json"),
        pytest.param(405, UPDATE, {"allow": "GET, PUT"}, "takes GET, PUT: set `method`", id="405-allow"),
        pytest.param(405, UPDATE, {}, "`method` and `path` of this call", id="405"),
        pytest.param(406, LIST, {}, "Accept: application/json", id="406"),
        pytest.param(415, UPDATE, {}, "Content-Type: application/json", id="415"),
        pytest.param(
            415, UPDATE, {"accept_patch": "application/json-patch+json, x/y"}, "{Content-Type: application/json-patch"
        ),
        pytest.param(428, UPDATE, {}, "guard: {ifMatch: true}", id="428"),
        pytest.param(301, LIST, {"location": "/things/"}, "add the slash to the end of `path`", id="add-the-slash"),
        pytest.param(
            308, LIST, {"location": "/things", "path": "/things/"}, "take the slash from", id="drop-the-slash"
        ),
        pytest.param(
            308, LIST, {"location": "https://x.example/api/things?a=1"}, "to https://x.example/api$", id="url"
        ),
        pytest.param(302, LIST, {"location": "/oauth/authorize?client=1"}, "asks to sign in", id="login"),
        pytest.param(302, LIST, {"location": "/elsewhere"}, "`path` of this call in the kind", id="elsewhere"),
    ],
)
def test_what_is_likely_here_is_advised(status: int, call: Call, more: dict[str, Any], words: str) -> None:
    found = hint(status, call, **more)
    assert found.endswith(words[:-1]) if words.endswith("$") else words in found


def test_the_header_of_the_call_is_named() -> None:
    (update,) = kind_with(headers={"Content-Type": "text/json"}).definition.write.update
    assert "does not take Content-Type: text/json" in hint(415, update)


def test_a_redirect_shows_no_secret() -> None:
    found = judge(KIND, answer(status=302, location="https://user:pw@x.example/a?token=abc#frag"))
    assert found.message == "status 302: a redirect to https://x.example/a, which is never followed"
