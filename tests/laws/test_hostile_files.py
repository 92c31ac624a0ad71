"""No file and no answer ends in a traceback, a hang or unbounded memory, whatever its bytes are.

Each reader is given what seeded damage makes of valid input. It may take it, or refuse it with the errors that it
documents; where there are two ways to read, both say the same; what it takes it can write and read again.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hostile_bytes import hostile
from ruamel.yaml.error import YAMLError

from reconciler.core import json_decoding
from reconciler.core.errors import ReconcilerError, UsageError
from reconciler.core.kinds.catalog import load_catalog
from reconciler.core.kinds.definition import ListCall
from reconciler.core.model import Json, Response
from reconciler.core.saved_plans.planfile import FORMAT, read_approval
from reconciler.core.sealed import seal
from reconciler.core.snapshots.snapshot import read_snapshot
from reconciler.core.wire.answers import AnswerError, first_page, promise, read_page
from reconciler.core.wire.judge import usual_meaning
from reconciler.drafts.definitions import Origin, draft_definitions
from reconciler.shell.files.disk import read_documents
from reconciler.shell.files.foreign import read_foreign
from reconciler.shell.files.json_document import read_document
from reconciler.shell.files.parsing import as_text, parse, parse_carefully
from reconciler.shell.memory.journal_text import (
    holder_text,
    journal_text,
    read_history,
    read_holder_text,
    read_journal,
)
from reconciler.shell.memory.ledger_text import Owner, ledger_text, read_ledger_text
from reconciler.shell.settings.loading import load_settings

SLOWEST_S = 8.0  # for one input; a loaded machine needs some of it
MOST_MEMORY = 200 * 1024 * 1024

ROOT = Path(__file__).parents[2]
RECORD = {"id": "t1", "fields": {"/size": "ab12"}, "secrets": {}, "removal": {"place": {"x": 1}}, "owed": ["m"]}
LEDGER = {"format": 2, "target": "test", "salt": "00" * 16, "records": {"shop.Thing/one": RECORD}}
HOLDER = {"is": "run", "format": 1, "token": "t", "pid": 12, "user": "u", "host": "h", "since": "2026-01-01T00:00:00Z"}
JOURNAL = [
    HOLDER,
    {"is": "begin", "run": "t", "address": "shop.Thing/one", "action": "create", "at": "2026-01-01T00:00:00Z"},
    {"is": "end", "run": "t", "address": "shop.Thing/one", "status": "applied", "at": "x", "record": RECORD},
    {"what": "apply", "at": "x", "by": "y", "outcomes": [["applied", "create", "shop.Thing/one"]]},
]
KIND_IN_USE = {"version": "v1", "digest": "0" * 64}
SNAPSHOT = seal(
    {
        "format": 1, "kind": "snapshot", "target": "test", "takenAt": "2026-01-01T00:00:00Z", "revision": "",
        "tool": {"name": "reconciler", "version": "0"}, "kinds": {"shop.Thing": KIND_IN_USE},
        "objects": {"shop.Thing/one": {"id": "t1", "spec": {"size": 1}, "body": {"size": {"$leftOut": "secret"}}}},
        "absent": [], "unreadable": {}, "ledger": {},
    }
)  # fmt: skip
CONFIGURATION = b"""\
manifests: [manifests]
targets:
  test:
    systems: {shop: {url: "https://shop.example/v1", auth: {bearer: "${env:TOKEN}"}, timeouts: {connect: 10}}}
    secrets: [TOKEN]
    vars: {size: 1, names: "a, b"}
    policy: {maxDeletes: 5, maxChangeShare: 0.3}
    ledger: {file: ledger.json}
"""
OPENAPI = b"""\
{"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": {
  "/things": {
    "get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema":
      {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}}}},
    "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
      "responses": {"201": {"description": ""}}}},
  "/things/{id}": {"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
    "patch": {"responses": {"200": {"description": ""}}}}},
 "components": {"schemas": {"Thing": {"type": "object", "properties":
   {"id": {"type": "string", "readOnly": true}, "name": {"type": "string"}, "size": {"type": "number"}}}}}}
"""
ANSWER = b'{"items": [{"id": "t1", "size": 1.5, "on": true}, {"id": 2}], "next": "/things?page=2", "total": 7}'
CALL = ListCall.model_validate(
    {"method": "GET", "path": "/things", "items": "/items", "paging": {"style": "url", "next": "/next"}}
)

Reader = Callable[[bytes, Path], None]


def configuration(content: bytes, folder: Path) -> None:
    (folder / "reconciler.yaml").write_bytes(content)
    load_settings(folder / "reconciler.yaml", None, {"TOKEN": "fake-token-not-real"})


def manifests(content: bytes, folder: Path) -> None:
    (folder / "m.yaml").write_bytes(content)
    found = read_documents(folder / "m.yaml", "m.yaml")
    try:
        text = as_text(content)
        careful = parse_carefully(text, "m.yaml", json=False)[1]
    except (UnicodeDecodeError, YAMLError):  # no text, or none that YAML may hold: refused before
        assert found[1]
    else:
        assert parse(text, "m.yaml", json=False)[1] == careful
    for document in found[0]:
        json.dumps(document.data, allow_nan=False)  # what is taken can be sent


def manifests_in_json(content: bytes, folder: Path) -> None:
    (folder / "m.json").write_bytes(content)
    for document in read_documents(folder / "m.json", "m.json")[0]:
        json.dumps(document.data, allow_nan=False)


def kinds(content: bytes, folder: Path) -> None:
    (folder / "k.yaml").write_bytes(content)
    load_catalog(read_documents(folder / "k.yaml", "k.yaml")[0])


def _decoded(response: Response) -> object:
    try:
        return repr(response.json())
    except ValueError as error:
        return type(error).__name__ if isinstance(error, json_decoding.UnusableError) else "no JSON"


def answers(content: bytes, folder: Path) -> None:
    del folder
    response = Response(status=200, headers={"location": content[:80].decode("latin-1")}, content=content)
    quickly = _decoded(response)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_decoding, "quick_decoder", lambda: None)
        assert _decoded(Response(status=200, content=content)) == quickly
    with suppress(AnswerError):
        json.dumps(read_page(CALL, first_page(CALL), response, 0).items, allow_nan=False)
    promise(response)
    usual_meaning(response)


def ledger(content: bytes, folder: Path) -> None:
    del folder
    owner = Owner(target="test")
    found, _ = read_ledger_text(content, "ledger.json", owner)
    text = ledger_text(found)
    assert ledger_text(read_ledger_text(text.encode(), "ledger.json", owner)[0]) == text


def lock(content: bytes, folder: Path) -> None:
    del folder
    found = read_holder_text(content)
    assert found is None or read_holder_text(holder_text(found).encode()) == found


def journal(content: bytes, folder: Path) -> None:
    del folder
    found = read_journal(content, "journal")
    assert read_journal(journal_text(found).encode(), "journal") == found


def history(content: bytes, folder: Path) -> None:
    del folder
    read_history(content)


def _sealed(read: Callable[[Json, str], object]) -> Reader:
    def reader(content: bytes, folder: Path) -> None:
        (folder / "sealed.json").write_bytes(content)
        document = read_document(folder / "sealed.json", "saved file", "make it again")
        json.dumps(document, allow_nan=False)
        with suppress(ReconcilerError):
            read(document, "sealed.json")
        if isinstance(document, dict):  # whoever can write the file can seal it anew
            read(seal({name: value for name, value in document.items() if name != "digest"}), "sealed.json")

    return reader


def openapi(content: bytes, folder: Path) -> None:
    path = folder / "api.json"
    path.write_bytes(content)
    document, _ = read_foreign(path, "api.json")

    def retrieve(uri: str) -> Json:
        raise ValueError(uri)

    if document is not None:
        draft_definitions(document, Origin(uri=path.as_uri(), retrieve=retrieve))


MANIFESTS = b"""\
apiVersion: shop/v1
kind: Thing
metadata: {name: one, labels: {a: b}}
spec:
  size: 1.5
  names: [a, 'b', "c"]
  text: |
    two
    lines
  other: &x {a: 1}
---
apiVersion: shop/v1
kind: Thing
metadata:
  name: two
spec: {on: true, none: null}
"""
KIND = b"""\
apiVersion: shop/v1
kind: Thing
schema:
  type: object
  additionalProperties: false
  properties: {name: {type: string}, size: {type: integer, minimum: 1}, id: {type: string, readOnly: true}}
identity: {key: [name], name: name}
read: {list: {method: GET, path: /things, items: /items, paging: {style: page, size: 10, first: 1}}}
write: {create: {method: POST, path: /things}, update: {method: PATCH, path: "/things/{id}"}}
"""
APPROVAL = seal(
    {
        "format": FORMAT, "kind": "approval", "target": "test", "madeAt": "2026-01-01T00:00:00Z", "revision": "",
        "tool": {"name": "reconciler", "version": "0"},
        "selection": {"labels": [], "addresses": [], "resend": False, "prune": False, "allowReplace": False},
        "policy": {}, "systems": {"shop": "0" * 64}, "kinds": {"shop.Thing": KIND_IN_USE}, "secretsBound": False,
        "unchanged": 0, "followUps": [], "planDigest": "0" * 64,
        "changes": [{
            "address": "shop.Thing/one", "action": "update", "reason": "", "source": "m.yaml:1:1", "waitsFor": [],
            "fields": [{"path": "/size", "operation": "change", "sensitive": False, "known": True, "cause": "drift",
                        "before": 1.5, "after": [1, {"a": None}]}],
            "requests": [{"method": "PATCH", "path": "/things/1", "onlyIf": ""}],
            "liveDigest": "0" * 64, "desiredDigest": "0" * 64, "secrets": "", "digest": "0" * 64,
        }],
    }
)  # fmt: skip
LINES = "".join(json.dumps(one) + "\n" for one in JOURNAL).encode()

READERS: dict[str, tuple[Reader, bytes]] = {
    "configuration": (configuration, CONFIGURATION),
    "manifests": (manifests, MANIFESTS),
    "manifests in JSON": (manifests_in_json, json.dumps({"apiVersion": "shop/v1", "spec": {"size": 1.5}}).encode()),
    "kinds": (kinds, KIND),
    "answers": (answers, ANSWER),
    "ledger": (ledger, json.dumps(LEDGER).encode()),
    "lock": (lock, json.dumps(HOLDER).encode()),
    "journal": (journal, LINES),
    "history": (history, LINES),
    "snapshot": (_sealed(read_snapshot), json.dumps(SNAPSHOT).encode()),
    "saved plan": (_sealed(read_approval), json.dumps(APPROVAL).encode()),
    "OpenAPI": (openapi, OPENAPI),
}


@pytest.mark.parametrize("name", READERS)
def test_what_is_valid_is_taken(name: str, tmp_path: Path) -> None:
    reader, valid = READERS[name]
    reader(valid, tmp_path)


@pytest.mark.parametrize("name", READERS)
def test_hostile_bytes_are_taken_or_refused_and_nothing_else(name: str, tmp_path: Path, hostile_files: int) -> None:
    reader, valid = READERS[name]
    for number in range(hostile_files):
        content = hostile(valid, Random(f"{name} {number}"))
        started = time.perf_counter()
        try:
            reader(content, tmp_path)
        except ReconcilerError:
            pass
        except BaseException as error:
            raise AssertionError(f"{name} {number}: {error!r} of {content[:2000]!r}") from error
        spent = time.perf_counter() - started
        assert spent < SLOWEST_S, f"{name} {number}: {spent:.1f} s of {content[:2000]!r}"


DEEP = [b"[" * 20_000, b'{"a":' * 20_000, b"[" * 5_000 + b"]" * 5_000, b"- " * 5_000, b"{a: " * 5_000]


@pytest.mark.parametrize("name", ["answers", "ledger", "lock", "journal", "history", "snapshot", "saved plan"])
def test_nesting_without_end_is_refused_in_bounded_memory(name: str, tmp_path: Path) -> None:
    reader, valid = READERS[name]
    for deep in DEEP:
        for content in (deep, valid.replace(b"1", deep, 1)):
            tracemalloc.start()
            with suppress(ReconcilerError):
                reader(content, tmp_path)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert most < MOST_MEMORY, (name, content[:40], most)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "[[1e999]]"])
def test_a_number_that_is_not_finite_is_refused_with_its_place(number: str, tmp_path: Path) -> None:
    with pytest.raises(json_decoding.NotFinite, match=r"the number at /items/0/size(/0/0)? is not finite"):
        json_decoding.decode_json(ANSWER.replace(b"1.5", number.encode()))
    with pytest.raises(AnswerError, match="is not finite"):
        read_page(CALL, {}, Response(status=200, content=ANSWER.replace(b"1.5", number.encode())), 0)
    for name in ("snapshot", "saved plan"):
        reader, valid = READERS[name]
        with pytest.raises(UsageError, match="is not finite"):
            reader(valid.replace(b"1", number.encode(), 1), tmp_path)


def test_a_long_journal_of_torn_lines_is_read_in_one_go() -> None:
    content = LINES + b'{"is":"begin"}\n' * 20_000 + b"x\n" * 100_000
    assert len(read_journal(content, "journal")) == 3


@pytest.mark.parametrize("name", ["ledger", "lock", "journal", "history", "snapshot", "saved plan"])
def test_no_flipped_bit_in_a_file_of_ours_ends_in_a_traceback(name: str, tmp_path: Path) -> None:
    reader, valid = READERS[name]
    for place in range(0, len(valid), 9):
        for bit in (0x80, 0x20, 0x01):
            flipped = bytearray(valid)
            flipped[place] ^= bit
            with suppress(ReconcilerError):
                reader(bytes(flipped), tmp_path)
