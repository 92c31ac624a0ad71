"""Reading YAML and JSON with positions, finding manifests, and writing atomically: on real files."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from reconciler.core.errors import UsageError
from reconciler.core.model import Diagnostic, Document, Json
from reconciler.shell.files.disk import (
    LARGEST_DOCUMENT_FILE,
    LARGEST_TEXT_FILE,
    TextFileError,
    display_path,
    find_manifests,
    read_documents,
    read_text_inside,
    write_atomically,
    write_together,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(tmp_path: Path, text: str | bytes, name: str = "m.yaml") -> tuple[list[Document], list[Diagnostic]]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_documents(path, name)


def data(tmp_path: Path, text: str, name: str = "m.yaml") -> Json:
    documents, diagnostics = read(tmp_path, text, name)
    assert diagnostics == []
    assert len(documents) == 1
    return documents[0].data


def found(tmp_path: Path, text: str | bytes, name: str = "m.yaml") -> list[tuple[str, int, int]]:
    """The code, line and column of every diagnostic, each of which must help."""
    _, diagnostics = read(tmp_path, text, name)
    assert all(d.message and d.hint and "\n" not in d.message for d in diagnostics)
    return [(d.code, d.source.line, d.source.column) for d in diagnostics if d.source is not None]


# --------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("true", True, id="true"),
        pytest.param("False", False, id="false-capital"),
        pytest.param("no", "no", id="no-is-text"),
        pytest.param("on", "on", id="on-is-text"),
        pytest.param("y", "y", id="y-is-text"),
        pytest.param("12:30:45", "12:30:45", id="sexagesimal-is-text"),
        pytest.param("0123", 123, id="leading-zero-is-decimal"),
        pytest.param("0o17", 15, id="octal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("0b1", "0b1", id="binary-is-text"),
        pytest.param("1_000", "1_000", id="underscores-are-text"),
        pytest.param("+5", 5, id="plus"),
        pytest.param("-0", 0, id="minus-zero"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param(".5", 0.5, id="no-leading-digit"),
        pytest.param("1.", 1.0, id="no-trailing-digit"),
        pytest.param("1.2.3", "1.2.3", id="version-is-text"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="nothing"),
        pytest.param("Null", None, id="null-capital"),
        pytest.param("nUll", "nUll", id="odd-case-is-text"),
        pytest.param('"2020-01-01"', "2020-01-01", id="quoted-date"),
        pytest.param("'1'", "1", id="quoted-number"),
        pytest.param("=", "=", id="equals"),
        pytest.param("<<", "<<", id="merge-sign-as-value"),
        pytest.param("!!str 12", "12", id="tag-str"),
        pytest.param('!!int "12"', 12, id="tag-int"),
        pytest.param("!!float 1", 1.0, id="tag-float"),
        pytest.param("!!seq [1]", [1], id="tag-seq"),
        pytest.param('"\\ud83d\\ude00"', "😀", id="two-halves-of-a-character"),
        pytest.param("|\n  x\n  y\n", "x\ny\n", id="literal"),
    ],
)
def test_plain_scalars_follow_yaml_1_2(tmp_path: Path, text: str, value: Json) -> None:
    result = data(tmp_path, f"a: {text}\n")["a"]
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        pytest.param("a: 2020-01-01", "date-not-quoted", 1, 4, id="date"),
        pytest.param("a: 2020-01-01T00:00:00Z", "date-not-quoted", 1, 4, id="timestamp"),
        pytest.param("a: 2020-1-1 1:00:00 +02:00", "date-not-quoted", 1, 4, id="timestamp-with-blanks"),
        pytest.param("a: [1, 2020-01-01T00:00:00.5+02:00]", "date-not-quoted", 1, 8, id="timestamp-in-list"),
        pytest.param("2020-01-01: x", "date-not-quoted", 1, 1, id="date-as-key"),
        pytest.param("a: .inf", "not-a-json-number", 1, 4, id="infinity"),
        pytest.param("a: -.Inf", "not-a-json-number", 1, 4, id="minus-infinity"),
        pytest.param("a: .nan", "not-a-json-number", 1, 4, id="nan"),
        pytest.param("a: 1e999", "not-a-json-number", 1, 4, id="float-overflow"),
        pytest.param("a: " + "9" * 5000, "not-a-json-number", 1, 4, id="endless-integer"),
        pytest.param("a: 0x" + "f" * 5000, "not-a-json-number", 1, 4, id="endless-hexadecimal"),
        pytest.param("a: 1\nb:\n  a: 1\n  a: 2", "duplicate-key", 4, 3, id="duplicate-key"),
        pytest.param("a: 1\n'a': 2", "duplicate-key", 2, 1, id="duplicate-key-quoted"),
        pytest.param("{<<: {a: 1}, <<: {b: 1}}", "duplicate-key", 1, 14, id="duplicate-merge"),
        pytest.param("1: x", "key-not-text", 1, 1, id="number-as-key"),
        pytest.param("true: x", "key-not-text", 1, 1, id="boolean-as-key"),
        pytest.param("~: x", "key-not-text", 1, 1, id="null-as-key"),
        pytest.param("? [a]\n: x", "key-not-text", 1, 3, id="list-as-key"),
        pytest.param("a: {{ x }}", "key-not-text", 1, 5, id="unquoted-template"),
        pytest.param("a: !foo 1", "unknown-tag", 1, 4, id="own-tag"),
        pytest.param("a: !!set {b}", "unknown-tag", 1, 4, id="set"),
        pytest.param("a: !!binary aGk=", "unknown-tag", 1, 4, id="binary"),
        pytest.param("a: !!python/object:os.system x", "unknown-tag", 1, 4, id="python-object"),
        pytest.param("a: !!int x", "tag-mismatch", 1, 4, id="tag-does-not-fit"),
        pytest.param("a: !!float 1x", "tag-mismatch", 1, 4, id="tag-float-does-not-fit"),
        pytest.param("a: &a [*a]", "alias-recursive", 1, 4, id="recursive-list"),
        pytest.param("a: &a {<<: *a}", "alias-recursive", 1, 4, id="recursive-merge"),
        pytest.param("a: {<<: 1}", "merge-key", 1, 9, id="merge-of-number"),
        pytest.param("a: {<<: [{b: 1}, 2]}", "merge-key", 1, 9, id="merge-of-mixed-list"),
        pytest.param('a: "\\ud83d"', "half-character", 1, 4, id="lone-surrogate"),
        pytest.param("%YAML 1.1\n---\na: yes", "yaml-version", 1, 1, id="yaml-1.1"),
        pytest.param("a:\n\tb: 1", "yaml-syntax", 2, 1, id="tab-indentation"),
        pytest.param("a: 'x\nb: 1\n", "yaml-syntax", 1, 4, id="open-quote"),
        pytest.param("a: [1, 2\nb: 1\n", "yaml-syntax", 1, 4, id="open-bracket"),
        pytest.param("a: b: c", "yaml-syntax", 1, 5, id="two-colons"),
        pytest.param("a:\n  - b\n c: 1", "yaml-syntax", 3, 2, id="indentation"),
        pytest.param("a: *nope", "yaml-syntax", 1, 4, id="unknown-alias"),
        pytest.param("a: @x", "yaml-syntax", 1, 4, id="reserved-character"),
        pytest.param('a: "\\U00110000"', "yaml-syntax", 1, 7, id="no-such-character"),
        pytest.param("a: \x07", "control-character", 1, 4, id="control-character"),
        pytest.param("a: 1\r\nb: \x00", "control-character", 2, 4, id="null-character"),
        pytest.param("a: 1\nb: \ud800".encode("utf-8", "surrogatepass"), "not-utf8", 2, 4, id="surrogate-bytes"),
        pytest.param("a: é".encode("latin-1"), "not-utf8", 1, 4, id="latin-1"),
        pytest.param("a: 1".encode("utf-16"), "not-utf8", 1, 1, id="utf-16"),
        pytest.param("[" * 101 + "]" * 101, "too-deep", 1, 101, id="too-deep"),
        pytest.param("[" * 100_000, "too-deep", 1, 102, id="far-too-deep"),
        pytest.param("- " * 5000, "too-deep", 1, 203, id="far-too-deep-in-blocks"),
    ],
)
def test_what_is_not_plain_json_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, code: str, line: int, column: int
) -> None:
    assert found(tmp_path, text) == [(code, line, column)]


def test_a_hundred_levels_are_allowed(tmp_path: Path) -> None:
    assert found(tmp_path, "[" * 100 + "1" + "]" * 100) == []


def test_all_mistakes_of_a_file_come_at_once_and_in_order(tmp_path: Path) -> None:
    text = "a: 2020-01-01\n1: x\nb: [1\n---\nok: 1\n---\nc: 'x\n---\nd: !x 1\nd: 2\n"
    documents, diagnostics = read(tmp_path, text)
    places = [(d.code, d.source.line) for d in diagnostics if d.source]
    # The first document cannot be read to its end, so only its syntax counts.
    assert places == [("yaml-syntax", 3), ("yaml-syntax", 7), ("unknown-tag", 9), ("duplicate-key", 10)]
    assert [d.data for d in documents] == [{"ok": 1}]
    assert "first on line 9" in diagnostics[-1].message


def test_an_endless_row_of_broken_documents_ends_early(tmp_path: Path) -> None:
    assert len(found(tmp_path, "---\na: 'x\n" * 5000)) == 20


# --------------------------------------------------------------------------- documents and positions


def test_documents_keep_their_order_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    documents, diagnostics = read(tmp_path, "# only a comment\n---\na: 1\n---\n# nothing\n---\n- x\n...\n---\nnull\n")
    assert diagnostics == []
    assert [d.data for d in documents] == [{"a": 1}, ["x"], None]
    assert [str(d.source) for d in documents] == ["m.yaml:3:1", "m.yaml:7:1", "m.yaml:10:1"]


def test_every_value_and_key_has_a_position(tmp_path: Path) -> None:
    documents, _ = read(tmp_path, "\ufeffspec:\n  names:\n    - {first: é, second: 2}\n  'odd/key': x\n")
    locate = documents[0].locate
    assert str(locate(())) == "m.yaml:1:1"
    assert str(locate(("spec",), key=True)) == "m.yaml:1:1"
    assert str(locate(("spec",))) == "m.yaml:2:3"
    assert str(locate(("spec", "names", 0))) == "m.yaml:3:7"
    assert str(locate(("spec", "names", "0", "second"), key=True)) == "m.yaml:3:18"
    assert str(locate(("spec", "names", 0, "second"))) == "m.yaml:3:26"
    assert str(locate(("spec", "odd/key"))) == "m.yaml:4:14"


@pytest.mark.parametrize(
    "path",
    [("a", "x"), ("a", "b", "c"), ("a", 0), ("a", "l", 7), ("a", "l", -1), ("a", "l", "x"), ("a", "l", "١")],
    ids=str,
)
def test_a_path_that_does_not_exist_is_at_the_nearest_enclosing_value(
    tmp_path: Path, path: tuple[str | int, ...]
) -> None:
    documents, _ = read(tmp_path, "a:\n  b: 1\n  l:\n    - 1\n")
    places = {"b": "m.yaml:2:6", "l": "m.yaml:4:5"}
    expected = places.get(str(path[1]), "m.yaml:2:3")
    assert str(documents[0].locate(path)) == expected
    assert str(documents[0].locate(path, key=True)) == expected


def test_windows_line_ends_do_not_move_positions(tmp_path: Path) -> None:
    documents, _ = read(tmp_path, "a: 1\r\nb:\r\n  c: 2\r\n")
    assert str(documents[0].locate(("b", "c"))) == "m.yaml:3:6"


# --------------------------------------------------------------------------- aliases and merges


def test_aliases_and_merge_keys_follow_yaml_1_1(tmp_path: Path) -> None:
    text = (
        "base: &base {a: 1, b: 2}\n"
        "more: &more {b: 3, c: 4}\n"
        "same: *base\n"
        "one: {<<: *base, b: own}\n"
        "own-first: {b: own, <<: *base}\n"
        "two: {<<: [*base, *more]}\n"
        "nested: &nested {<<: *more, d: 5}\n"
        "deep: {<<: *nested}\n"
        "quoted: {'<<': 1}\n"
    )
    assert data(tmp_path, text) == {
        "base": {"a": 1, "b": 2},
        "more": {"b": 3, "c": 4},
        "same": {"a": 1, "b": 2},
        "one": {"a": 1, "b": "own"},
        "own-first": {"a": 1, "b": "own"},
        "two": {"a": 1, "b": 2, "c": 4},
        "nested": {"b": 3, "c": 4, "d": 5},
        "deep": {"b": 3, "c": 4, "d": 5},
        "quoted": {"<<": 1},
    }


def test_what_a_merge_or_alias_brought_in_is_found_where_it_is_written(tmp_path: Path) -> None:
    documents, _ = read(tmp_path, "base: &b\n  x: 1\n  y: 2\nuse:\n  <<: *b\n  y: 3\nsame: *b\n")
    locate = documents[0].locate
    assert str(locate(("use", "x"))) == "m.yaml:2:6"
    assert str(locate(("use", "y"))) == "m.yaml:6:6"
    assert str(locate(("same", "y"), key=True)) == "m.yaml:3:3"


def test_an_anchor_counts_for_its_own_document_and_may_be_used_again(tmp_path: Path) -> None:
    documents, diagnostics = read(tmp_path, "a: &x 1\nb: *x\nc: &x 2\nd: *x\n---\na: *x\n")
    assert [d.data for d in documents] == [{"a": 1, "b": 1, "c": 2, "d": 2}]
    assert [(d.code, d.source and d.source.line) for d in diagnostics] == [("yaml-syntax", 6)]


def _bomb(levels: int) -> str:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * 9) + "]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(_bomb(40), "alias-limit", id="nine-to-the-fortieth"),
        pytest.param(
            "a: &a [" + "x," * 1000 + "]\n" + "".join(f"b{i}: *a\n" for i in range(101)),
            "alias-limit",
            id="many-uses-of-one-list",
        ),
        pytest.param(
            "a: &a {" + ",".join(f"k{i}: 1" for i in range(500)) + "}\n"
            + "".join(f"b{i}: {{<<: *a}}\n" for i in range(250)),
            "alias-limit",
            id="many-merges",
        ),
        pytest.param(
            "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 200)),
            "too-deep",
            id="ladder-of-aliases",
        ),
        pytest.param(
            "a: &a [" + "x," * 500 + "]\n---\n"
            + "".join("a: &a [" + "x," * 500 + "]\nb: [" + "*a," * 30 + "]\n---\n" for _ in range(8)),
            "alias-limit",
            id="limit-is-per-file",
        ),
    ],
)  # fmt: skip
def test_alias_bombs_are_refused_without_being_expanded(tmp_path: Path, text: str, code: str) -> None:
    _, diagnostics = read(tmp_path, text)
    assert [d.code for d in diagnostics] == [code]


def test_aliases_below_the_limit_are_fine(tmp_path: Path) -> None:
    value = data(tmp_path, _bomb(5))
    assert len(json.dumps(value)) > 9**4


# --------------------------------------------------------------------------- JSON


def test_json_gives_the_same_values_and_positions(tmp_path: Path) -> None:
    text = '{\n\t"a": [1, -0, 2.5e1, true, null, "\\ud83d\\ude00\\/"],\n\t"2020-01-01": "no", "<<": {"x": 1}\n}\n'
    documents, diagnostics = read(tmp_path, text, "m.json")
    assert diagnostics == []
    assert documents[0].data == json.loads(text)
    assert str(documents[0].locate(("a", 3))) == "m.json:2:22"
    assert str(documents[0].locate(("<<", "x"), key=True)) == "m.json:3:29"


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        pytest.param("", "json-syntax", 1, 1, id="empty"),
        pytest.param('{"a": 1,\n}', "json-syntax", 2, 1, id="trailing-comma"),
        pytest.param("[1,]", "json-syntax", 1, 4, id="trailing-comma-in-list"),
        pytest.param("{a: 1}", "json-syntax", 1, 2, id="yaml"),
        pytest.param('{"a" 1}', "json-syntax", 1, 6, id="no-colon"),
        pytest.param("[1 2]", "json-syntax", 1, 4, id="no-comma"),
        pytest.param('{"a": NaN}', "json-syntax", 1, 7, id="nan"),
        pytest.param('{"a": 01}', "json-syntax", 1, 7, id="leading-zero"),
        pytest.param("[1] [2]", "json-syntax", 1, 5, id="two-values"),
        pytest.param("// x\n1", "json-syntax", 1, 1, id="comment"),
        pytest.param('["a\nb"]', "json-syntax", 1, 4, id="line-break-in-text"),
        pytest.param('["\\q"]', "json-syntax", 1, 3, id="unknown-escape"),
        pytest.param('["abc', "json-syntax", 1, 2, id="open-quote"),
        pytest.param("[[1]", "json-syntax", 1, 5, id="open-bracket"),
        pytest.param('{"a": 1, "a": 2}', "duplicate-key", 1, 10, id="duplicate-key"),
        pytest.param('["\\ud83d"]', "half-character", 1, 2, id="lone-surrogate"),
        pytest.param("[1e999]", "not-a-json-number", 1, 2, id="overflow"),
        pytest.param("[" * 100_000, "too-deep", 1, 101, id="too-deep"),
    ],
)
def test_json_is_strict(tmp_path: Path, text: str, code: str, line: int, column: int) -> None:
    assert found(tmp_path, text, "m.json") == [(code, line, column)]


# --------------------------------------------------------------------------- files that cannot be read


def test_files_that_cannot_be_read_are_diagnostics(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("missing.yaml", "pipe.yaml", "folder.yaml", "x" * 300 + ".yaml"):
        documents, diagnostics = read_documents(tmp_path / name, name)
        assert documents == []
        assert [(d.code, str(d.source)) for d in diagnostics] == [("file-unreadable", name)]


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "big.yaml").open("wb") as stream:
        stream.truncate(LARGEST_DOCUMENT_FILE + 1)
    _, diagnostics = read_documents(tmp_path / "big.yaml", "big.yaml")
    assert [d.code for d in diagnostics] == ["file-too-large"]


# --------------------------------------------------------------------------- finding manifests


def _write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a: 1\n")


def _names(folder: Path, *roots: str) -> tuple[list[str], list[tuple[str, str]]]:
    files, diagnostics = find_manifests([Path(root) for root in roots], folder)
    assert all(d.hint and d.source is not None for d in diagnostics)
    assert [found.display for found in files] == [display_path(Path(found.path)) for found in files]
    names = [str(Path(found.path).relative_to(folder)) for found in files]
    return names, [(d.code, str(d.source)) for d in diagnostics]


def test_manifests_are_found_in_order_without_hidden_and_other_files(folder: Path) -> None:
    _write(
        folder,
        "m/b.yaml",
        "m/a/z.yml",
        "m/a/c.JSON",
        "m/.hidden.yaml",
        "m/.git/x.yaml",
        "m/readme.md",
        "n/a.yaml",
    )
    assert _names(folder, "n", "m") == (["n/a.yaml", "m/a/c.JSON", "m/a/z.yml", "m/b.yaml"], [])


def test_a_root_may_be_a_file_and_nothing_is_found_twice(folder: Path) -> None:
    _write(folder, "m/a.yaml", "m/b.yaml")
    assert _names(folder, "m/b.yaml", "m", "m") == (["m/b.yaml", "m/a.yaml"], [])


def test_roots_that_are_missing_or_hold_nothing_are_errors(folder: Path) -> None:
    _write(folder, "text/readme.md", "only-hidden/.a.yaml")
    (folder / "loop").symlink_to("loop")
    roots = ["missing", "text", "only-hidden", "text/readme.md", "loop", "x" * 300]
    paths, diagnostics = _names(folder, *roots)
    assert paths == []
    assert diagnostics == [
        ("root-unreadable", "missing"),
        ("no-manifests", "text"),
        ("no-manifests", "only-hidden"),
        ("no-manifests", "text/readme.md"),
        ("root-unreadable", "loop"),
        ("root-unreadable", "x" * 300),
    ]


def test_links_are_followed_inside_their_root_only(folder: Path) -> None:
    _write(folder, "m/real/a.yaml", "m/..data/b.yaml", "outside/c.yaml")
    (folder / "m/b.yaml").symlink_to("..data/b.yaml")  # as in a mounted Kubernetes ConfigMap
    (folder / "m/again").symlink_to("real")
    (folder / "m/real/up").symlink_to("..")
    (folder / "m/out.yaml").symlink_to(folder / "outside/c.yaml")
    (folder / "m/out").symlink_to(folder / "outside")
    (folder / "m/broken.yaml").symlink_to("nowhere")
    (folder / "rooted").symlink_to("outside")
    (folder / "left").symlink_to(folder.parent)
    (folder / "left.yaml").symlink_to(os.devnull)
    paths, diagnostics = _names(folder, "m", "rooted", "left", "left.yaml")
    assert paths == ["m/again/a.yaml", "m/b.yaml", "rooted/c.yaml"]
    assert sorted(diagnostics) == [
        ("link-broken", "m/broken.yaml"),
        ("link-leaves-root", "left"),
        ("link-leaves-root", "left.yaml"),
        ("link-leaves-root", "m/out"),
        ("link-leaves-root", "m/out.yaml"),
    ]


def test_a_pipe_among_the_manifests_is_refused(folder: Path) -> None:
    (folder / "m").mkdir()
    os.mkfifo(folder / "m/a.yaml")
    assert _names(folder, "m") == ([], [("file-unreadable", "m/a.yaml")])


def test_paths_are_shown_relative_to_the_current_folder_when_inside(folder: Path) -> None:
    assert display_path(folder / "m" / "a.yaml") == "m/a.yaml"
    assert display_path(Path("m/../b.yaml")) == "b.yaml"
    assert display_path(Path("/elsewhere/a.yaml")) == "/elsewhere/a.yaml"
    assert display_path(Path("a.yaml"), Path("/base")) == "a.yaml"
    assert display_path(folder.parent / "a.yaml") == str(folder.parent / "a.yaml")


# --------------------------------------------------------------------------- text files


def test_text_inside_the_root_is_returned_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "root" / "sub").mkdir(parents=True)
    (tmp_path / "root" / "sub" / "a.txt").write_bytes("é\r\n ".encode())
    (tmp_path / "root" / "link").symlink_to("sub")
    assert read_text_inside(tmp_path / "root", "sub/a.txt") == "é\r\n "
    assert read_text_inside(tmp_path / "root", "link/../sub/a.txt") == "é\r\n "


def test_nothing_else_is_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("fake-secret-not-real")
    (tmp_path / "root-beside").mkdir()
    (tmp_path / "root-beside" / "a.txt").write_text("fake-secret-not-real")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "folder-link").symlink_to(tmp_path)
    (root / "loop").symlink_to("loop")
    (root / "latin.txt").write_bytes(b"fake-secret-not-real \xff")
    (root / "big.txt").write_bytes(b"x" * (LARGEST_TEXT_FILE + 1))
    os.mkfifo(root / "pipe")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("fake-secret-not-real")
    (root / "config").symlink_to(".git/config")
    refused = {}
    for name in (
        "", "\0", "folder", ".", "missing.txt", "latin.txt", "big.txt", "pipe", "loop",
        str(tmp_path / "secret.txt"), "../secret.txt", "../missing.txt", "../root-beside/a.txt",
        "link.txt", "folder-link/secret.txt", "folder/../../secret.txt", ".git/config", "config",
    ):  # fmt: skip
        with pytest.raises(TextFileError) as caught:
            read_text_inside(root, name)
        assert caught.value.hint
        assert "fake-secret" not in caught.value.message
        refused[name] = caught.value.message
    # What exists outside must not be told from what does not.
    assert "outside" in refused["../secret.txt"]
    assert "outside" in refused["../missing.txt"]
    assert "outside" in refused["link.txt"]


# --------------------------------------------------------------------------- writing


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    write_atomically(path, "old", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_atomically(path, "new é\r\n")
    assert path.read_bytes() == "new é\r\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    write_atomically(path, "private from now on", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.json"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.json").symlink_to("real/ledger.json")
    write_atomically(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real" / "ledger.json").read_text() == "new"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "kept").mkdir(parents=True)
    with pytest.raises(UsageError) as caught:
        write_atomically(target, "new")
    assert caught.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    with pytest.raises(UsageError, match="does not exist"):
        write_atomically(tmp_path / "missing" / "a", "new")


def test_readers_see_the_old_or_the_new_content_and_nothing_between(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    versions = {"a" * 100_000, "b" * 100_000}
    write_atomically(path, "a" * 100_000)
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.add(path.read_text())

    watcher = threading.Thread(target=watch)
    watcher.start()
    for version in sorted(versions) * 10:
        write_atomically(path, version)
    done.set()
    watcher.join()
    assert seen <= versions


# --------------------------------------------------------------------------- several files together


def test_files_are_written_together_with_their_permissions(tmp_path: Path) -> None:
    one, two, gone = (tmp_path / name for name in ("one", "two", "gone"))
    for path in (one, two, gone):
        path.write_text("old")
    one.chmod(0o640)
    (tmp_path / "link").symlink_to("two")
    write_together({one: "new", tmp_path / "link": "newer", gone: None})
    assert (one.read_text(), one.stat().st_mode & 0o777, two.read_text()) == ("new", 0o640, "newer")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "one", "two"]


@pytest.mark.parametrize("trouble", ["missing", "folder", "dangling"])
def test_no_file_is_written_where_one_cannot_be(tmp_path: Path, trouble: str) -> None:
    (tmp_path / "one").write_text("old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "gone").write_text("old")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(UsageError, match=f"{trouble} cannot be written"):
        write_together({tmp_path / "one": "new", tmp_path / "gone": None, tmp_path / trouble: "new"})
    assert (tmp_path / "one").read_text() == (tmp_path / "gone").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_the_folder_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"nowhere/plan\.json cannot be written: its folder nowhere does not exist"):
        write_atomically(Path("nowhere/plan.json"), "text")
