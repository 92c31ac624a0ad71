"""Reading YAML quickly and reading it carefully give the same documents, places and mistakes.

The careful path (ruamel.yaml) is the reference. Texts are collected from the repository, written here for their
oddity, and made up by hypothesis from what YAML is made of.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.core.model import Document, Json
from reconciler.shell.files import parsing
from reconciler.shell.files.parsing import parse, parse_carefully, quick_reader

ROOT = Path(__file__).parents[2]


def paths(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from paths(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def exact(value: Json) -> object:
    """The value with its types and the order of its members, which `==` does not tell."""
    if isinstance(value, dict):
        return [(name, exact(item)) for name, item in value.items()]
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value).__name__, repr(value)


def described(document: Document) -> object:
    asked = [*paths(document.data), ("no such field",), (0,)][:200]
    places = [(path, document.locate(path), document.locate(path, key=True)) for path in asked]
    return exact(document.data), document.source, places


def compare(text: str) -> None:
    documents, problems = parse(text, "m.yaml", json=False)
    expected, mistakes = parse_carefully(text, "m.yaml", json=False)
    assert problems == mistakes
    assert [described(one) for one in documents] == [described(one) for one in expected]


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "schemas").glob("*/*.yaml"))[::4], *sorted((ROOT / "manifests").rglob("*.yaml"))],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_what_ships_is_read_alike_and_quickly(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    compare(text)
    quick = quick_reader()
    assert quick is not None
    assert quick(text) is not None


ODD = [
    "",
    "# nothing\n",
    "---\n---\n...\n---\na: 1\n",
    "--- a\n...\n--- b",
    "--- |\n literal\n--- >-\n folded\n text\n",
    "a: 1\n---\nb: 2020-01-01\n---\nc: 3\n",
    "a: 1\n--- # c\nb: {b: 1, b: 2}\n---\nc: [\n---\nd: 4\n",
    "a: 'x\n---\nb: 1\n",
    "%YAML 1.2\n---\na: yes\n",
    "%YAML 1.1\n---\na: yes\n",
    "%TAG ! tag:yaml.org,2002:\n---\na: !str 1\n",
    "a: !!str 1\nb: !!int '2'\nc: ! 3\nd: ! 'x'\n",
    "a: !!foo tag:yaml.org,2002:foo\nb: !foo '!foo'\nc: !<foo> foo\n",
    "a: &a [1, 2]\nb: *a\nc: {<<: {d: 1}, d: 2}\n",
    "base: &b {x: 1, y: 2}\nmore: &m {y: 3}\nall: {<<: [*b, *m], z: 4}\none:\n  <<: *b\n  y: 9\n",
    "a: &a [*a]\n",
    "a: *nothing\n",
    "? a\n: b\n? [c]\n: d\n",
    "a:\nb:\n  - \n  - ''\n  - ~\nc: null\n",
    "- - - 1\n    - 2\n- {a: [b, {c: d}]}\n",
    '"\\ud83d\\ude00": "\\ud800"\n',
    'a: "\\U00110000"\n',
    "tab:\t1\n",
    "a: b: c\n",
    "a\r\nb\r\n",
    "a: 1\rb: 2\r",
    "a: 1\r\n---\r\nb: 2\r\n---\r\nb: 3\r\nb: 4\r\n",
    "a: x\x85y\nb: 'p\u2028q'\n",
    "\ufeffa: 1\n",
    "ключ: значение\n---\n😀: {b: 😀😀}\n---\n漢字: [字, 1, 字]\n",
    "<<: {a: 1}\n<<: {b: 1}\n",
    "'<<': 1\n\"<<\": 2\n",
    "a: <<\nb: [<<]\n",
    "a: |\n  x\n\n  y\n\nb: >+\n  z\n\n",
    "a: 0o17\nb: 0x1F\nc: 1e999\n",
    "a: 99999999999999999999999\nb: -.5\nc: +1\nd: 1_000\ne: 0b1\n",
    "a: https://example.com/?a=1&b=2 *x !y\n",
    "url: &not-an-anchor-in-text x\nb: x &y\n",
    "[" * 101 + "]" * 101,
    "[" * 100 + "]" * 100,
    "- " * 101 + "x",
    "[" * 5000,
    "a: {b: c}}\n",
    "a: [b, c,]\nd: {e: f,}\n",
    "a: 'it''s'\nb: \"line\n  two\"\n",
    "{a: 1, b}\n",
    "a: ,\n",
    "@a: 1\n",
    "a: %x\n",
    "a: - b\n",
    "a:    # comment\n  b\n",
    "x: " + "9" * 1500,
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_texts_are_read_alike(text: str) -> None:
    compare(text)


def test_an_alias_bomb_is_refused_alike() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 8)]
    compare("\n".join(rows))


PIECES = st.sampled_from(
    [
        *(
            "a",
            "b",
            "c: ",
            "a: ",
            "b:\n",
            "  a: ",
            "  ",
            "    ",
            "- ",
            "  - ",
            "\n",
            "\n\n",
            "\n---\n",
            "\n--- ",
            "\n...\n",
        ),
        *("1", "1.5", "true", "no", "~", "null", "0x1f", "1e3", "2020-01-01", ".inf", "<<", "<<: ", "<<: *x\n", "x y"),
        *("[", "]", "{", "}", ", ", "'", '"', "''", '"x"', "'y z'", "|\n", ">-\n", "&x ", "*x", "!!str ", "! ", "!t "),
        *("? ", ": ", "# c\n", " # c", "\\n", "\\u00e9", "é", "😀", "\t", "%", "@", "`", "-", ":", "=", "\r\n", "é: "),
    ]
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(PIECES, min_size=1, max_size=14).map("".join))
@example("a: &x {b: 1}\n---\nc: *x")
def test_made_up_texts_are_read_alike(text: str) -> None:
    compare(text)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        ["plain", "two words", '"quoted"', "'single'", "&x shared", "*x", "|-\n        text", "é😀", "1.50", "on"]
    ),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcdé"), inner, max_size=4)
)


def written(value: object, indent: int) -> str:
    space = " " * indent
    if isinstance(value, dict) and value:
        return "".join(f"\n{space}{name}: {written(item, indent + 2)}" for name, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{space}- {written(item, indent + 2)}" for item in value)
    return {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else str(value or "{}")


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.lists(VALUES, min_size=1, max_size=3))
def test_made_up_documents_are_read_alike(values: list[object]) -> None:
    compare("\n---".join(written(value, 0) for value in values))


def test_without_the_compiled_parser_the_careful_path_reads_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reconciler.shell.files.quick_yaml", None)
    monkeypatch.setattr(parsing, "quick_reader", parsing.quick_reader.__wrapped__)
    assert parsing.quick_reader() is None
    compare("a: 1\n---\nb: 2\n")
