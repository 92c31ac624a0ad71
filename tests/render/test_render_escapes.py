"""Laws of foreign text: whatever a name or a value is, each format shows it as text and nothing else."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from large_plan import change, large_plan, plan_of
from markdown_it import MarkdownIt

from reconciler.core.model import JsonObject
from reconciler.render import escapes
from reconciler.render.findings import Findings, issues
from reconciler.render.github import render_github
from reconciler.render.html.page import render_html
from reconciler.render.junit import render_junit
from reconciler.render.markdown import LIMIT, render_markdown
from reconciler.render.sarif import sarif_document

NASTY = (
    *("\x1b[31m", "\x9b2J", "\x1b]8;;https://evil.example\x07", "\u202e", "\u2066", "\u200b", "\r\n", "\x00", "\x7f"),
    *(
        "::error::x",
        "##vso[task.x]y",
        "##[group]",
        "##teamcity[x]",
        "%0A",
        "%250A",
        "\ud800",
        "\ufffe",
        "😀",
        " ",
        "\t",
    ),
    *("<!-- reconciler:target=x -->", "-->", "</details>", "</script>", "<img src=x onerror=alert(1)>", "]]>", "&lt;"),
    *("`", "```", "|", "\\", "@all", "#1", "[a](https://e.example)", "www.evil.example", "{0}"),
)
TEXTS = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=8)), max_size=6).map("".join)


@given(TEXTS)
def test_a_terminal_gets_one_harmless_line(text: str) -> None:
    shown = escapes.printable(text)
    assert shown.isprintable()
    assert not re.search(r"##[A-Za-z]*\[", shown)
    assert not shown.lstrip().startswith("::")
    assert escapes.printable(shown) == shown
    if text.isprintable() and "##" not in text and "::" not in text:
        assert shown == text


@given(st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)))
def test_json_means_the_same_and_is_harmless(value: object) -> None:
    text = escapes.json_text(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == json.loads(json.dumps(value))
    assert text.isprintable()
    assert not re.search(r"##[A-Za-z]*\[", text)


@given(TEXTS)
def test_a_code_span_ends_where_it_is_meant_to_end(text: str) -> None:
    span = escapes.markdown_code(text)
    fence = re.match("`+", span)
    assert fence is not None
    inside = span[len(fence[0]) : -len(fence[0])]
    assert inside
    assert len(fence[0]) not in {len(run) for run in re.findall("`+", inside)}
    assert not inside.startswith("`")
    assert not inside.endswith("`")
    assert "|" not in span
    assert "\n" not in span


@given(st.lists(TEXTS, max_size=4))
def test_a_block_of_code_ends_where_it_is_meant_to_end(lines: list[str]) -> None:
    block = escapes.markdown_fence(lines)
    first, *inside, last = block.split("\n")
    assert first == last
    assert len(inside) == len(lines)
    assert all(first not in line for line in inside)
    assert "<!--" not in block


@given(TEXTS)
def test_text_between_marks_has_no_markup(text: str) -> None:
    shown = escapes.markdown_text(text)
    assert not re.search(r"[\\`*_\[\]<>|~@!]", shown)
    assert "://" not in shown
    assert unescape(shown).isprintable()


def test_the_mark_is_closed_by_itself_only() -> None:
    assert escapes.markdown_mark("production") == "<!-- reconciler:target=production -->"
    assert escapes.markdown_mark("production", drift=True) == "<!-- reconciler:drift=production -->"
    assert escapes.markdown_mark("a --> b") == "<!-- reconciler:target=a%20--%3E%20b -->"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", ""])
def test_only_web_addresses_are_linked(url: str) -> None:
    assert escapes.markdown_url(url) == ""


def test_an_address_cannot_leave_its_link() -> None:
    assert (
        escapes.markdown_url("https://ci.example/run/1?a=b#c) [x](y")
        == "https://ci.example/run/1?a=b#c%29%20%5Bx%5D%28y"
    )


# --------------------------------------------------------------------------- whole outputs


def with_text(text: str) -> Findings:
    """Return a plan in which `text` stands wherever foreign text may stand."""
    one = change(f"shop.Product/{text}", "update", "shop.Store/main", value=text)
    one["fields"][0]["path"] = f"/{text}"
    one |= {"path": f"dir/{text}.yaml", "notes": [text], "caveats": [text], "reason": text, "guard": text}
    one["requests"] = [{"method": "PATCH", "path": f"/{text}", "onlyIf": text, "body": {text: text}}]
    plan = plan_of([one, change("shop.Store/main", "create")])
    plan["blockers"] = [
        {"severity": "error", "code": "blocked", "message": text, "hint": text, "address": one["address"],
         "path": f"{text}.yaml", "line": 1, "column": 2}
    ]  # fmt: skip
    plan["followUps"] = [
        {"system": "shop", "title": text, "request": {"method": "POST", "path": text}, "waitsFor": [], "overdue": True}
    ]
    return Findings(target="shop", plan=plan)


class Outline(HTMLParser):
    """The elements of a page and the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[object] = []
        self.comments = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)

    def handle_comment(self, data: str) -> None:
        self.comments += 1


@given(TEXTS)
def test_html_has_the_same_elements_whatever_the_text(text: str) -> None:
    page = Outline(render_html(with_text("x" + text)))  # what is empty is left out
    assert page.seen == Outline(render_html(with_text("x"))).seen
    assert page.comments == 0


@given(TEXTS)
def test_an_annotation_is_one_line_and_its_own(text: str) -> None:
    findings = with_text(text)
    lines = render_github(findings).split("\n")
    assert len(lines) == len(issues(findings, each_field=False)) + 1
    for line in lines:
        assert line.isprintable()
        assert re.match(r"::(error|warning|notice) title=[a-z-]+(,file=[^,:]*(,line=\d+,col=\d+)?)?::", line)


@given(TEXTS)
def test_xml_is_well_formed_and_says_the_same(text: str) -> None:
    root = ElementTree.fromstring(render_junit(with_text(text)))
    names = [case.get("name") for case in root.iter("testcase")]
    assert escapes.printable(text) in names
    assert root.get("failures") == "1"


@given(TEXTS)
def test_sarif_has_no_links_and_no_placeholders(text: str) -> None:
    document = sarif_document(with_text(text))
    for result in document["runs"][0]["results"]:
        message = result["message"]["text"]
        assert message.isprintable()
        assert not re.search(r"(?<!\\)[\[\]]", message)
        assert not re.search(r"(?<!\{)\{(\{\{)*(?!\{)", message)
        for location in result["locations"]:
            assert re.fullmatch(r"[A-Za-z0-9/%._~-]+", location["physicalLocation"]["artifactLocation"]["uri"])


MARKDOWN = MarkdownIt("gfm-like")  # with tables, HTML and links out of bare addresses


def outline(comment: str) -> list[object]:
    """Return what a comment is made of, as a reader of Markdown sees it: no text, but all elements."""
    found: list[object] = []
    for token in MARKDOWN.parse(comment):
        found.append((token.type, Outline(token.content).seen if token.type == "html_block" else None))
        found += [child.type for child in token.children or []]
    return found


@given(TEXTS)
def test_markdown_has_the_same_elements_whatever_the_text(text: str) -> None:
    comment = render_markdown(with_text("x" + text))
    assert outline(comment) == outline(render_markdown(with_text("x")))
    assert comment.startswith("<!-- reconciler:target=shop -->\n")
    assert comment.count("<!--") == 1


@given(TEXTS)
def test_an_error_in_markdown_has_the_same_elements_whatever_the_text(text: str) -> None:
    def comment(message: str) -> str:
        error = {"message": message, "hint": message, "exitCode": 1, "diagnostics": []}
        return render_markdown(Findings(target="shop", error=error))

    assert outline(comment("x" + text)) == outline(comment("x"))


# --------------------------------------------------------------------------- limits


@pytest.mark.parametrize("limit", [2000, 10_000, LIMIT])
@pytest.mark.parametrize("stores", [1, 20, 200])
def test_a_comment_is_never_too_long(limit: int, stores: int) -> None:
    findings = Findings(target="shop", plan=large_plan(stores, 5))
    url = "https://ci.example/" + "a" * 700
    comment = render_markdown(findings, limit=limit, details_url=url)
    assert len(comment.encode()) <= limit
    assert comment.count("<details>") == comment.count("</details>")
    if stores == 200:
        assert "not fit here" in comment
        assert url in comment
        assert "among the artifacts of this run" in render_markdown(findings, limit=limit)


def test_a_comment_with_one_huge_value_is_never_too_long() -> None:
    one = change("shop.Product/tea", "update", fields=4000, value="ü" * 100_000)
    assert len(render_markdown(Findings(target="shop", plan=plan_of([one]))).encode()) <= LIMIT


def test_what_is_deleted_comes_first() -> None:
    plan = plan_of([change(f"shop.Product/p{n}", "update") for n in range(9)] + [change("shop.Product/z", "delete")])
    comment = render_markdown(Findings(target="shop", plan=plan))
    assert comment.index("Product/z`") < comment.index("Product/p0`")
    assert "**delete**" in comment


def test_sarif_results_keep_their_fingerprint_when_lines_move() -> None:
    def prints(plan: JsonObject) -> list[str]:
        results = sarif_document(Findings(target="shop", plan=plan))["runs"][0]["results"]
        return sorted(result["partialFingerprints"]["reconciler/v1"] for result in results)

    plan = large_plan(2, 2)
    moved = json.loads(json.dumps(plan))
    for one in moved["changes"]:
        for field in one["fields"]:
            field["line"] += 7
    assert prints(plan) == prints(moved)
    assert len(set(prints(plan))) == len(prints(plan)) == 12
