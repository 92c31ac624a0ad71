"""Objects from answers: pages of lists, single objects, archives, ids."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest
from core_builders import answer, archive, kind_of, page_answer, thing
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import GetCall, ListCall, Paging, WriteCall
from reconciler.core.model import Response
from reconciler.core.wire.answers import (
    AnswerError,
    NothingFound,
    answered_id,
    answered_object,
    first_page,
    live_object,
    read_id,
    read_object,
    read_page,
)
from reconciler.core.wire.requests import Subject, context

TEXT = {"type": "string"}


def list_call(**more: Any) -> ListCall:
    return ListCall.model_validate({"method": "GET", "path": "/things", **more})


def get_call(**more: Any) -> GetCall:
    return GetCall.model_validate({"method": "GET", "path": "/things/{id}", **more})


def write_call(**more: Any) -> WriteCall:
    return WriteCall.model_validate({"method": "POST", "path": "/things", **more})


# --------------------------------------------------------------------------- lists


def items_of(call: ListCall, body: Any) -> list[Any]:
    return read_page(call, first_page(call), answer(body), 0).items


@pytest.mark.parametrize(
    ("call", "body", "items"),
    [
        pytest.param({}, [1, 2], [1, 2], id="the-answer-itself"),
        pytest.param({}, [], [], id="empty"),
        pytest.param({"items": "/data/rows"}, {"data": {"rows": [1]}}, [1], id="anywhere"),
        pytest.param({"items": "/data", "optional": True}, {}, [], id="left-out-when-empty"),
        pytest.param({"items": "/data"}, {"data": None}, [], id="null-when-empty"),
        pytest.param({}, {}, None, id="an-object-instead"),
        pytest.param({"items": "/data"}, {"data": {"a": 1}}, None, id="an-object-inside-instead"),
        pytest.param({"items": "/data"}, {"data": "text"}, None, id="text-instead"),
        pytest.param({"items": "/data"}, [1], None, id="no-envelope"),
        pytest.param(
            {"keyAs": "name"}, {"a": {"x": 1}, "b": {}}, [{"x": 1, "name": "a"}, {"name": "b"}], id="objects-by-key"
        ),
        pytest.param({"keyAs": "name"}, {}, [], id="no-objects-by-key"),
        pytest.param({"keyAs": "name"}, {"a": {"name": "old"}}, [{"name": "a"}], id="the-key-wins"),
        pytest.param({"keyAs": "name"}, [{"name": "a"}], [{"name": "a"}], id="a-list-after-all"),
        pytest.param({"keyAs": "name"}, {"a": {"x": 1}, "error": "text"}, None, id="not-only-objects-by-key"),
    ],
)
def test_items(call: Any, body: Any, items: list[Any] | None) -> None:
    if items is None:
        with pytest.raises(AnswerError, match=r"of the answer"):
            items_of(list_call(**call), body)
    else:
        assert items_of(list_call(**call), body) == items


@pytest.mark.parametrize(
    ("response", "words"),
    [
        pytest.param(page_answer("<html>"), "an HTML page", id="html"),
        pytest.param(answer(content=b"{"), "not JSON", id="broken"),
        pytest.param(answer(), "is empty", id="nothing"),
        pytest.param(answer(content=b"\xff\xfe"), "not JSON", id="bytes"),
    ],
)
def test_a_list_that_is_not_json(response: Response, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        read_page(list_call(), {}, response, 0)


def serve(call: ListCall, pages: list[list[Any]], *, total: bool) -> list[Any]:
    """Return what is read from a server that gives these pages in its own way, following it to the end."""
    paging = call.paging
    assert paging is not None
    everything = [item for items in pages for item in items]
    page, asked, index = first_page(call), 0, 0
    collected: list[Any] = []
    while True:
        asked += 1
        assert asked <= len(everything) + len(pages) + 2, "asks for more pages than there are"
        size = paging.size or 0
        headers: dict[str, Any] = {}
        body: dict[str, Any] = {}
        match paging.style:
            case "offset":
                body["items"] = everything[page["offset"] : page["offset"] + size]
            case "page":
                start = (page["number"] - paging.first) * size
                body["items"] = everything[start : start + size]
            case _:
                body["items"] = pages[index]
                index += 1
                if index < len(pages):
                    body["next"] = f"p{index}"
                    headers["link"] = f'<https://x.example/?p=0>; rel="prev", </things?p={index}>; rel="next"'
        if total:
            body["total"] = len(everything)
        found = read_page(call, page, answer(body, **headers), len(collected))
        collected += found.items
        if found.next is None:
            return collected
        page = found.next


@pytest.mark.parametrize("total", [True, False], ids=["with-total", "without-total"])
@pytest.mark.parametrize("style", ["offset", "page", "cursor", "url", "link"])
@given(items=st.lists(st.integers(), max_size=12), size=st.integers(1, 5), first=st.integers(0, 1), data=st.data())
def test_all_items_come_once_however_they_are_split(
    style: str, total: bool, items: list[int], size: int, first: int, data: st.DataObject
) -> None:
    paging: dict[str, Any] = {"style": style, "size": size, "first": first}
    if style in ("cursor", "url"):
        paging["next"] = "/next"
    if total:
        paging["total"] = "/total"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(items)), max_size=4)))
    pages = [items[start:end] for start, end in zip([0, *cuts], [*cuts, len(items)], strict=True)]
    assert serve(list_call(items="/items", paging=paging), pages, total=total) == items


@pytest.mark.parametrize(
    ("paging", "page"),
    [
        pytest.param(None, {}, id="none"),
        pytest.param({"style": "offset", "size": 50}, {"offset": 0, "size": 50}, id="offset"),
        pytest.param({"style": "page", "size": 50}, {"number": 1, "size": 50}, id="page"),
        pytest.param({"style": "page", "size": 50, "first": 0}, {"number": 0, "size": 50}, id="page-from-zero"),
        pytest.param({"style": "cursor", "next": "/n"}, {}, id="cursor"),
        pytest.param({"style": "link", "size": 9}, {"size": 9}, id="link"),
    ],
)
def test_first_page(paging: Any, page: Any) -> None:
    assert first_page(list_call(paging=paging)) == page


def next_of(paging: Any, body: Any, seen: int = 0, **headers: Any) -> Any:
    call = list_call(items="/items", paging=paging)
    page = first_page(call)
    found = read_page(call, page, answer(body, **headers), seen)
    assert (found.next is None) >= (found.next_address is None) or paging["style"] in ("offset", "page", "cursor")
    return found.next_address if found.next_address is not None else found.next


OFFSET = {"style": "offset", "size": 2}
TOTAL = {**OFFSET, "total": "/total"}


@pytest.mark.parametrize(
    ("paging", "body", "following"),
    [
        pytest.param(OFFSET, {"items": [1, 2]}, {"offset": 2, "size": 2}, id="full-page"),
        pytest.param(OFFSET, {"items": [1]}, None, id="short-page"),
        pytest.param(OFFSET, {"items": []}, None, id="empty-page"),
        pytest.param(TOTAL, {"items": [1], "total": 3}, {"offset": 1, "size": 2}, id="short-page-that-is-not-the-last"),
        pytest.param(TOTAL, {"items": [1, 2], "total": 2}, None, id="total-reached"),
        pytest.param(TOTAL, {"items": [], "total": 9}, None, id="empty-page-before-the-total"),
        pytest.param(TOTAL, {"items": [1]}, None, id="total-left-out"),
        pytest.param(TOTAL, {"items": [1], "total": "3"}, {"offset": 1, "size": 2}, id="total-that-is-no-number"),
        pytest.param(TOTAL, {"items": [1], "total": True}, {"offset": 1, "size": 2}, id="total-that-is-true"),
        pytest.param({"style": "cursor", "next": "/n"}, {"items": [1], "n": "c"}, {"cursor": "c"}, id="cursor"),
        pytest.param({"style": "cursor", "next": "/n"}, {"items": [1], "n": 7}, {"cursor": 7}, id="number-as-cursor"),
        pytest.param(
            {"style": "cursor", "next": "/n"}, {"items": [], "n": "c"}, {"cursor": "c"}, id="empty-page-with-a-cursor"
        ),
        pytest.param({"style": "cursor", "next": "/n"}, {"items": [1], "n": ""}, None, id="empty-cursor"),
        pytest.param({"style": "cursor", "next": "/n"}, {"items": [1], "n": None}, None, id="null-cursor"),
        pytest.param({"style": "url", "next": "/n"}, {"items": [1], "n": "/more"}, "/more", id="url"),
        pytest.param({"style": "url", "next": "/n"}, {"items": [1], "n": None}, None, id="no-url"),
        pytest.param({"style": "url", "next": "/n"}, {"items": [1], "n": ""}, None, id="empty-url"),
    ],
)
def test_what_the_next_request_needs(paging: Any, body: Any, following: Any) -> None:
    assert next_of(paging, body) == following


@pytest.mark.parametrize(
    ("header", "address"),
    [
        pytest.param('</b>; rel="next"', "/b", id="quoted"),
        pytest.param("</b>; rel=next", "/b", id="bare"),
        pytest.param('</b>; REL="NEXT"', "/b", id="case"),
        pytest.param('</a>; rel="prev", </b>; rel="next"', "/b", id="second"),
        pytest.param("</a>; rel=prev, </b>; rel=next, </c>; rel=last", "/b", id="bare-among-others"),
        pytest.param('</b>; title="a page"; rel="last next"', "/b", id="among-relations"),
        pytest.param('</b?x=1,2;y>; rel="next"', "/b?x=1,2;y", id="separators-in-the-address"),
        pytest.param('</a>; rel="next-archive"', None, id="a-longer-relation"),
        pytest.param('</a>; rel="prev"; title="next"', None, id="next-in-a-title"),
        pytest.param('</a>; rel=prev; title="the next"', None, id="next-in-a-title-after-a-bare-relation"),
        pytest.param("", None, id="no-header"),
        pytest.param("nonsense", None, id="nonsense"),
    ],
)
def test_link_headers(header: str, address: str | None) -> None:
    assert next_of({"style": "link"}, {"items": [1]}, link=header) == address


def test_the_grammar_refuses_paging_that_cannot_end() -> None:
    with pytest.raises(ValueError, match="needs `size`"):
        Paging.model_validate({"style": "offset"})
    with pytest.raises(ValueError, match="needs `next`"):
        Paging.model_validate({"style": "cursor"})


# --------------------------------------------------------------------------- one object

KIND = kind_of(
    {
        "properties": {"name": TEXT, "size": {"x-response": "how_big"}, "shop": TEXT, "tags": {}},
        "read": {"list": {"method": "GET", "path": "/shops/{spec.shop}/things"}},
    }
)


def read(call: GetCall, response: Response, kind: Kind = KIND) -> Any:
    return read_object(kind, call, response, context(kind, Subject(spec={"name": "n"}, id="t-1")))


@pytest.mark.parametrize(
    ("call", "body", "found"),
    [
        pytest.param({}, {"id": 1}, {"id": 1}, id="the-answer-itself"),
        pytest.param({"object": "/data/0"}, {"data": [{"id": 1}]}, {"id": 1}, id="anywhere"),
        pytest.param({"object": "/data"}, {"data": None}, None, id="null"),
        pytest.param({"object": "/data"}, {"data": [1]}, None, id="a-list"),
        pytest.param({}, [], None, id="a-list-itself"),
    ],
)
def test_object(call: Any, body: Any, found: Any) -> None:
    if found is None:
        with pytest.raises(AnswerError, match="no object at"):
            read(get_call(**call), answer(body))
    else:
        assert read(get_call(**call), answer(body)) == found


def find(body: Any, with_fields: int = 2, named: str | None = None) -> Any:
    return read(get_call(object={"withFields": with_fields, "named": named}), answer(body))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param({"name": "a", "tags": 1}, {"name": "a", "tags": 1}, id="the-answer-itself"),
        pytest.param(
            {"x": {"name": "a", "how_big": 1, "inner": {"name": "b", "tags": 1}}},
            {"name": "a", "how_big": 1, "inner": {"name": "b", "tags": 1}},
            id="outermost-first",
        ),
        pytest.param([{"name": "a"}, [{"name": "b", "tags": 1}]], {"name": "b", "tags": 1}, id="inside-lists"),
    ],
)
def test_an_object_is_found_by_its_fields(body: Any, found: Any) -> None:
    assert find(body) == found


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({"x": {"name": "a"}}, None, id="too-few-fields"),
        pytest.param({"x": {"name": "a", "size": 1}}, None, id="the-answers-spelling-counts"),
        pytest.param({"x": {"name": "a", "shop": "s"}}, None, id="the-scope-tells-nothing"),
        pytest.param({"x": {"name": "a"}}, "^settings$", id="another-name"),
        pytest.param({"settings": [1]}, "settings", id="named-but-no-object"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_nothing_is_found(body: Any, named: str | None) -> None:
    with pytest.raises(NothingFound):
        find(body, named=named)


def test_failing_its_fields_an_object_is_found_by_the_name_it_stands_under() -> None:
    body = {"a": {"Settings": {}}, "b": {"settings": {"name": "x"}}, "c": {"other": {"name": "x"}}}
    assert find(body, named="^settings$") == {"name": "x"}
    assert find({"a": {"mySettings": {}}}, named="settings$") == {}
    assert find({"settings": {}, "x": {"name": "a", "tags": 1}}, named="settings") == {"name": "a", "tags": 1}


ZIPPED = get_call(archive={"zip": "{spec.name}/thing.json"})


def test_an_object_in_an_archive() -> None:
    content = archive({"other.json": b"[]", "n/thing.json": b'{"id": 1}'})
    assert read(ZIPPED, answer(content=content, content_type="application/zip")) == {"id": 1}


def damaged() -> bytes:
    """Return an archive whose member does not decompress."""
    content = bytearray(archive({"n/thing.json": json.dumps({"id": "x" * 200}).encode()}))
    start = content.index(b"n/thing.json") + len(b"n/thing.json")
    content[start : start + 4] = b"\xff\xff\xff\xff"
    return bytes(content)


def encrypted() -> bytes:
    """Return an archive whose member says that it is encrypted (APPNOTE 4.4.4, bit 0)."""
    content = bytearray(archive({"n/thing.json": b'{"id": 1}'}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def oversized() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target, target.open("n/thing.json", "w") as member:
        block = b" " * (1024 * 1024)
        for _ in range(65):
            member.write(block)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(lambda: b"PK not really", "no JSON file 'n/thing.json'", id="no-archive"),
        pytest.param(lambda: b"", "no JSON file", id="nothing"),
        pytest.param(lambda: archive({"thing.json": b"{}"}), "no JSON file 'n/thing.json'", id="no-such-member"),
        pytest.param(lambda: archive({"n/thing.json": b"<xml>"}), "no JSON file", id="member-is-not-json"),
        pytest.param(lambda: archive({"n/thing.json": b"\xff\xfe\x00"}), "no JSON file", id="member-is-not-text"),
        pytest.param(lambda: archive({"n/thing.json": b"[]"}), "no object at", id="member-is-no-object"),
        pytest.param(damaged, "no JSON file", id="damaged"),
        pytest.param(encrypted, "no JSON file", id="encrypted"),
        pytest.param(oversized, "larger than 64 MiB", id="larger-than-it-looks"),
    ],
)
def test_an_archive_without_the_object(content: Any, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        read(ZIPPED, answer(content=content(), content_type="application/zip"))


# --------------------------------------------------------------------------- live objects and ids


def test_a_live_object_has_the_manifests_spelling_and_the_scope_it_was_read_in() -> None:
    live = live_object(KIND, {"id": 7, "how_big": 3, "x": 1}, Subject(spec={"shop": "s-1", "name": "n"}))
    assert live.id == "7"
    assert live.spec == {"id": 7, "size": 3, "x": 1, "shop": "s-1"}
    assert live.body == {"id": 7, "how_big": 3, "x": 1}


def test_the_scope_that_an_answer_states_itself_wins() -> None:
    live = live_object(KIND, {"id": "1", "shop": "theirs"}, Subject(spec={"shop": "ours"}))
    assert live.spec["shop"] == "theirs"


def test_nothing_of_a_live_object_is_ever_printed() -> None:
    live = live_object(KIND, {"id": "1", "token": "fake-token-not-real"}, Subject(spec={}))
    assert "fake-token-not-real" not in repr(live)


@pytest.mark.parametrize(
    ("identity", "body", "spec", "found"),
    [
        pytest.param("/id", {"id": "a"}, {}, "a", id="pointer"),
        pytest.param("/id", {"id": 0}, {}, "0", id="zero"),
        pytest.param("/meta/uid", {"meta": {"uid": "u"}}, {}, "u", id="deep"),
        pytest.param("/id", {"id": ""}, {}, None, id="empty"),
        pytest.param("/id", {"id": None}, {}, None, id="null"),
        pytest.param("/id", {"id": {"a": 1}}, {}, None, id="an-object"),
        pytest.param("/id", {}, {"id": "x"}, None, id="not-there"),
        pytest.param("{spec.shop}/{spec.name}", {}, {"shop": "s", "name": "n"}, "s/n", id="composite"),
        pytest.param("{spec.shop}/{spec.name}", {}, {"shop": "s"}, None, id="composite-with-a-hole"),
        pytest.param("{live.uid}@{system.space}", {"uid": 5}, {}, "5@s1", id="live-and-system"),
        pytest.param("{spec.size}", {}, {"size": 5}, "5", id="number"),
    ],
)
def test_remote_ids(identity: str, body: Any, spec: Any, found: str | None) -> None:
    kind = kind_of(
        {"properties": {"name": TEXT, "shop": TEXT, "size": {}}, "identity": {"id": identity, "key": ["name"]}},
        system={"parameters": {"properties": {"space": TEXT}}},
        parameters={"space": "s1"},
    )
    assert read_id(kind, body, spec) == found
    if found is None and identity.startswith("/"):
        with pytest.raises(AnswerError, match="no id at"):
            live_object(kind, body, Subject(spec=spec))


def test_an_id_made_of_fields_is_the_same_before_and_after_the_create() -> None:
    """What answers hold is in the form of the wire already; what they leave out stands for `x-absent`."""
    kind = thing(
        {"name": {"type": "string", "x-form": "base64-text"}, "end": {"x-form": "base64-text", "x-absent": ""}},
        identity={"id": "{spec.name}-{spec.end}", "key": ["name"]},
    )
    live = live_object(kind, {"name": "YQ=="}, Subject(spec={}))
    assert live.id == "YQ==-"
    assert answered_id(kind, kind.definition.write.create, answer(), {"name": "a"}) == live.id  # type: ignore[arg-type]


def test_a_scope_that_the_answer_does_not_repeat_is_in_the_form_of_the_wire() -> None:
    kind = thing(
        {"shop": {"type": "string", "x-form": "base64-text"}, "name": TEXT},
        read={"list": {"method": "GET", "path": "/things", "query": {"shop": "{spec.shop}"}}},
    )
    live = live_object(kind, {"id": "1"}, Subject(spec={"shop": "a", "name": "n"}))
    assert live.spec["shop"] == "YQ=="


POINTED = thing({"name": TEXT})
COMPOSED = thing({"name": TEXT}, identity={"id": "{spec.name}", "key": ["name"]})


@pytest.mark.parametrize(
    ("call", "response", "found"),
    [
        pytest.param({}, answer({"id": "1", "a": 2}), {"id": "1", "a": 2}, id="the-answer-itself"),
        pytest.param({"object": "/data"}, answer({"data": {"id": "1"}}), {"id": "1"}, id="anywhere"),
        pytest.param({"object": "/data"}, answer({"id": "1"}), None, id="not-there"),
        pytest.param({"returns": "nothing"}, answer({"id": "1"}), None, id="never-trusted"),
        pytest.param({}, answer({"ok": True}), None, id="without-its-id"),
        pytest.param({}, answer([{"id": "1"}]), None, id="a-list"),
        pytest.param({}, answer(status=204), None, id="nothing"),
        pytest.param({}, answer(content=b"created"), None, id="text"),
    ],
)
def test_the_object_that_a_write_answered(call: Any, response: Response, found: Any) -> None:
    assert answered_object(POINTED, write_call(**call), response) == found


def test_an_object_with_a_composite_id_needs_no_id_in_the_answer() -> None:
    assert answered_object(COMPOSED, write_call(), answer({"a": 1})) == {"a": 1}


@pytest.mark.parametrize(
    ("kind", "call", "response", "found"),
    [
        pytest.param(POINTED, {}, answer({"id": 7}), "7", id="in-the-object"),
        pytest.param(POINTED, {"object": "/data"}, answer({"data": {"id": "7"}}), "7", id="in-the-object-anywhere"),
        pytest.param(POINTED, {"idAt": "/result"}, answer({"result": "7"}), "7", id="id-only"),
        pytest.param(POINTED, {"idAt": ""}, answer("7"), "7", id="the-answer-is-the-id"),
        pytest.param(POINTED, {"idAt": "/result"}, answer({"result": ""}), None, id="empty-id"),
        pytest.param(POINTED, {"returns": "nothing"}, answer({"id": "7"}), None, id="an-untrusted-body"),
        pytest.param(
            POINTED, {"returns": "nothing", "idAt": "/id"}, answer({"id": "7"}), "7", id="the-id-of-an-untrusted-body"
        ),
        pytest.param(
            POINTED, {"returns": "nothing"}, answer({"id": "7"}, location="/things/8"), "8", id="location-alone"
        ),
        pytest.param(POINTED, {}, answer(status=201, location="/things/7"), "7", id="location"),
        pytest.param(POINTED, {}, answer(status=201, location="https://x.example/a/7/?b=c"), "7", id="whole-location"),
        pytest.param(POINTED, {}, answer(status=201, location="/things/a%2Fb"), "a/b", id="encoded-location"),
        pytest.param(POINTED, {}, answer(status=201, location="https://x.example"), None, id="location-without-a-path"),
        pytest.param(POINTED, {}, answer({"id": "7"}, location="/things/8"), "7", id="body-over-location"),
        pytest.param(POINTED, {}, answer(content=b"ok", location="/things/8"), "8", id="location-beside-text"),
        pytest.param(POINTED, {}, answer(status=204), None, id="nothing"),
        pytest.param(COMPOSED, {}, answer(status=204), "n", id="known-beforehand"),
        pytest.param(COMPOSED, {}, answer({"any": 1}), "n", id="known-beforehand-whatever-is-answered"),
        pytest.param(COMPOSED, {}, answer(status=201, location="/x/other"), "n", id="known-beforehand-over-location"),
    ],
)
def test_the_id_that_a_create_answered(kind: Kind, call: Any, response: Response, found: str | None) -> None:
    assert answered_id(kind, write_call(**call), response, {"name": "n"}) == found
