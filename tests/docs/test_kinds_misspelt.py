"""Each key that the examples of `schemas/README.md` use: misspelt, misplaced, with a value of the wrong type.

All of these are refused where they stand, with a suggestion.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from readme_blocks import blocks

from reconciler.core.kinds.catalog import load_catalog
from reconciler.core.kinds.definition import KindDefinition, SystemDefinition
from reconciler.core.kinds.fields import KEYWORDS
from reconciler.core.kinds.grammar_mistakes import keys_at
from reconciler.core.model import Document
from reconciler.core.pointer import Path as Place
from reconciler.core.pointer import get
from reconciler.shell.files.disk import read_documents

SHOP = "system: shop\nparameters: {type: object, properties: {edition: {default: new}, region: {default: eu}}}\n"
FREE = ("body", "query", "headers", "equals", "oneOf", "disable", "evidence", "examples")  # any names may stand in it
ANYTHING = ("body", "equals", "x-absent", "query", "headers")
NAMES = {KindDefinition: ("kind",), SystemDefinition: ("system",)}  # they tell one sort of document from the other


def documents(folder: Path, text: str, suffix: str) -> list[Document]:
    path = folder / f"example.{suffix}"
    path.write_text(text, encoding="utf-8")
    found, problems = read_documents(path, path.name)
    assert problems == []
    return found


def examples(folder: Path) -> Iterator[tuple[type[BaseModel], Any]]:
    """Yield every definition of the page, parts of one put into the kind that they share."""
    data = {
        mark: [documents(folder, block.text, "yaml")[0].data for block in blocks("yaml", mark)]
        for mark in ("kind", "part", "fields", "system")
    }
    shared = data["kind"][0]
    yield from ((KindDefinition, kind) for kind in data["kind"])
    yield from ((KindDefinition, shared | part) for part in data["part"])
    yield from ((KindDefinition, shared | {"schema": {"properties": fields}}) for fields in data["fields"])
    yield from ((SystemDefinition, system) for system in data["system"])


def keys_in(model: type[BaseModel], data: Any, path: Place = ()) -> Iterator[Place]:
    """Yield the path of every key of the grammar in a definition; what is free data has none."""
    value = get(data, path)
    if isinstance(value, list):
        for index in range(len(value)):
            yield from keys_in(model, data, (*path, index))
    elif isinstance(value, dict) and "$by" not in value:
        in_schema = path[:1] in (("schema",), ("parameters",))
        known = [key for key in value if key.startswith("x-")] if in_schema else keys_at(model, path)
        for key in value:
            if key in known and not (len(path) == 0 and key in NAMES[model]):
                yield (*path, key)
            if in_schema or (key in known and key not in FREE):
                yield from keys_in(model, data, (*path, key))


def misspelt(key: str) -> str:
    """Return `key` as somebody in a hurry would write it: two letters change places, or one is doubled."""
    swapped = key[:-2] + key[-1] + key[-2]
    return swapped if len(key) > 4 and swapped != key else key + key[-1]


def renamed(data: Any, path: Place, name: str) -> Any:
    changed = deepcopy(data)
    holder = get(changed, path[:-1])
    members = [(name if key == path[-1] else key, value) for key, value in holder.items()]
    holder.clear()
    holder.update(members)
    return changed


def each_key(folder: Path) -> Iterator[tuple[type[BaseModel], Any, Place]]:
    """Yield a definition and the path of a key in it, once for each part of the grammar that the key stands in."""
    tried: set[tuple[Any, ...]] = set()
    for model, data in examples(folder):
        for path in keys_in(model, data):
            holders = ("schema",) if path[0] in ("schema", "parameters") else path[:-1]
            place = (model, *(step for step in (*holders, path[-1]) if isinstance(step, str)))
            if place not in tried:
                tried.add(place)
                yield model, data, path
    assert len(tried) > 150
    assert {place[-1] for place in tried} >= set(KEYWORDS)


def hints_at(folder: Path, model: type[BaseModel], data: Any, path: Place, *, key: bool) -> list[str]:
    """Return the hints of what is said of one place in a definition."""
    system = documents(folder, SHOP, "yaml") if model is KindDefinition else []
    (document,) = documents(folder, json.dumps(data, indent=1), "json")
    there = document.locate(path, key=key)
    return [problem.hint for problem in load_catalog([*system, document])[1] if problem.source == there]


def test_every_key_is_missed_when_it_is_misspelt(tmp_path: Path) -> None:
    for model, data, path in each_key(tmp_path):
        key, wrong = str(path[-1]), misspelt(str(path[-1]))
        hints = hints_at(tmp_path, model, renamed(data, path, wrong), (*path[:-1], wrong), key=True)
        assert [f"did you mean {key!r}?" in hint for hint in hints] == [True], (path, hints)


def test_every_key_is_sent_home_when_it_is_misplaced(tmp_path: Path) -> None:
    for model, data, path in each_key(tmp_path):
        key = str(path[-1])
        if len(path) > 1 and key not in data and key not in keys_at(model, ()):
            hints = hints_at(tmp_path, model, {**data, key: get(data, path)}, (key,), key=True)
            assert [f"{key!r} belongs " in hint for hint in hints] == [True], (path, hints)


def test_every_value_of_the_wrong_type_is_refused(tmp_path: Path) -> None:
    for model, data, path in each_key(tmp_path):
        if path[-1] in ANYTHING:
            continue
        changed = deepcopy(data)
        value = get(data, path)
        get(changed, path[:-1])[path[-1]] = 7 if isinstance(value, (str, dict, list)) else {"wrong": []}
        hints = hints_at(tmp_path, model, changed, path, key=False)
        assert hints, path
        assert all(hints), path
