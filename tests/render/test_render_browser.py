"""The HTML page in a real browser: it renders, filters, opens, loads nothing and complains of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, find_browser, open_browser
from large_plan import large_plan

from reconciler.render.findings import Findings
from reconciler.render.html.page import render_html

GOLDEN = Path(__file__).parents[1] / "golden"
PROGRAM = find_browser()

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium or Chrome on this machine")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of the file: starting it is what costs."""
    assert PROGRAM is not None
    with open_browser(PROGRAM, tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def page_of(case: str) -> Path:
    return GOLDEN / case / "expected" / "output.html"


def shown(browser: Browser) -> list[str]:
    """Return the names of the changes that can be seen."""
    found: list[str] = browser.evaluate(
        "[...document.querySelectorAll('.change')].filter(c => c.offsetHeight > 0)"
        ".map(c => c.querySelector('.address').textContent)"
    )
    return found


def complaints(browser: Browser, page: Path) -> list[Any]:
    """Return everything that went wrong since the last call: errors, refusals, and requests for anything else."""
    wrong: list[Any] = [*browser.of("Runtime.exceptionThrown"), *browser.of("Log.entryAdded")]
    wrong += [e for e in browser.of("Runtime.consoleAPICalled") if e["type"] in ("error", "warning", "assert")]
    requested = {event["request"]["url"] for event in browser.of("Network.requestWillBeSent")}
    wrong += [
        url for url in sorted(requested) if url.partition("#")[0] != page.as_uri() and not url.startswith("data:")
    ]
    browser.events.clear()
    return wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("case", sorted(path.name for path in GOLDEN.iterdir() if (path / "expected").exists()))
def test_pages_load_nothing_and_complain_of_nothing(browser: Browser, case: str, scheme: str) -> None:
    browser.open(page_of(case), scheme=scheme)
    assert browser.evaluate("document.querySelector('h1').offsetHeight > 0")
    # What is read must stand out from what it stands on (WCAG 2.1, 1.4.3: 4.5 to 1).
    assert browser.evaluate(CONTRAST) >= 4.5
    assert complaints(browser, page_of(case)) == []


CONTRAST = """
(() => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((n) => n / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const under = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour.startsWith("rgb(")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  let worst = 21;
  for (const node of document.querySelectorAll("h1, h2, p, span, b, code, td, th, button, footer, .word, .place")) {
    if (!node.offsetHeight) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(under(node))];
    worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return worst;
})()
"""


def test_the_filter_the_search_and_the_keys_work(browser: Browser) -> None:
    page = page_of("all-sorts")
    browser.open(page)
    pending = ["shop.Product/coffee", "shop.Product/tea", "shop.Store/second"]
    assert shown(browser) == pending
    browser.evaluate("document.querySelector('.chip[value=unchanged]').click()")
    assert shown(browser) == [*pending[:2], "shop.Store/main", "shop.Store/second"]
    browser.evaluate("document.querySelector('.chip[value=create]').click()")
    assert shown(browser) == ["shop.Product/tea", "shop.Store/main"]
    browser.evaluate("document.querySelector('.chip[value=create]').click()")
    browser.press("/")
    assert browser.evaluate("document.activeElement.id") == "search"
    browser.call("Input.insertText", text="GREEN tea")
    assert shown(browser) == ["shop.Product/tea"]
    assert browser.evaluate("document.getElementById('shown').textContent") == "1 of 4"
    browser.evaluate("document.getElementById('search').value = 'nothing like it'")
    browser.evaluate("document.getElementById('search').dispatchEvent(new Event('input'))")
    assert browser.evaluate("document.getElementById('none').offsetHeight > 0")
    browser.press("Escape")
    assert len(shown(browser)) == 4
    browser.press("e")
    assert browser.evaluate("[...document.querySelectorAll('.change')].every(c => c.open)")
    browser.press("e")
    assert browser.evaluate("[...document.querySelectorAll('.change')].every(c => !c.open)")
    browser.press("j")
    browser.press("j")
    assert "tea" in browser.evaluate("document.activeElement.textContent")
    browser.evaluate("document.querySelector('.change a').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert browser.evaluate("document.querySelector('.change:target').open")
    assert complaints(browser, page) == []


def test_hostile_values_are_text(browser: Browser) -> None:
    page = page_of("hostile")
    browser.open(page)
    text = browser.evaluate("document.querySelector('main').textContent")
    assert "<script>alert(1)</script><img src=https://evil.example/x>" in text
    assert browser.evaluate("document.querySelectorAll('img, iframe, object, embed, form').length") == 0
    assert browser.evaluate("document.scripts.length") == 1
    links = browser.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert all(link.startswith("#c") for link in links)
    assert complaints(browser, page) == []


def test_a_large_plan_stays_usable(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "large.html"
    page.write_text(render_html(Findings(target="shop", plan=large_plan(60, 5))), encoding="utf-8")
    browser.open(page)
    assert len(shown(browser)) == 360
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    started = browser.evaluate("performance.now()")
    browser.evaluate("document.getElementById('search').value = 'product-59-4'")
    browser.evaluate("document.getElementById('search').dispatchEvent(new Event('input'))")
    assert browser.evaluate("performance.now()") - started < 2000
    assert shown(browser) == ["shop.Product/product-59-4"]
    assert complaints(browser, page) == []
