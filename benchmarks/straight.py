"""(a) The straight-line script: only the work that nobody can avoid, with the fastest packages there are.

    python straight.py FOLDER [URL]

Reads and parses every manifest, validates it, fetches the same pages, and compares the stated fields. No positions, no
references, no secrets, no second page at once, no retries, no messages: the least that such a tool could cost.
"""

from __future__ import annotations

import gc
import http.client
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
from estate import HERE, PAGE_SIZE, PATHS
from yaml._yaml import CParser
from yaml.nodes import MappingNode, ScalarNode

gc.disable()
CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Nodes(CParser):
    def descend_resolver(self, parent: Any, index: Any) -> None: ...

    def ascend_resolver(self) -> None: ...

    def resolve(self, kind: type, text: str, implicit: Any) -> Any:
        if kind is not ScalarNode or not implicit[0]:
            return None
        if text in CONSTANTS:
            return CONSTANTS[text]
        if text[0] in "-+.0123456789":
            for number in (int, float):
                try:
                    return number(text)
                except ValueError:
                    pass
        return text


def plain(node: Any) -> Any:
    if node.__class__ is ScalarNode:
        return node.value if node.style else node.tag
    if node.__class__ is MappingNode:
        return {key.value: plain(value) for key, value in node.value}
    return [plain(item) for item in node.value]


def read(path: Path) -> list[Any]:
    parser = Nodes(path.read_text(encoding="utf-8"))
    found = []
    while parser.check_node():
        found.append(plain(parser.get_node()))
    return found


def fetch(url: str, kind: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    live: dict[str, Any] = {}
    number, total = 1, 1
    while len(live) < total:
        connection.request("GET", f"/{PATHS[kind]}?page={number}&size={PAGE_SIZE}")
        body = json.loads(connection.getresponse().read())
        live.update((item["name"], item) for item in body["items"])
        number, total = number + 1, body["total"]
    return live


def same(wanted: Any, live: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(same(value, live.get(name)) for name, value in wanted.items())
    return bool(wanted == live)


def main() -> None:
    documents = [one for path in sorted(Path(sys.argv[1]).iterdir()) for one in read(path)]
    kind = documents[0]["kind"]
    schema = read(HERE / "schemas" / "bench" / f"{kind.lower()}.yaml")[0]["schema"]
    is_valid = jsonschema_rs.Draft202012Validator(schema).is_valid
    bad = 0
    for document in documents:
        document["spec"].setdefault("name", document["metadata"]["name"])
        bad += not is_valid(document["spec"])
    different = 0
    if len(sys.argv) > 2:
        live = fetch(sys.argv[2], kind)
        for document in documents:
            spec, found = document["spec"], live[document["metadata"]["name"]]
            spec["tags"].sort()
            found["tags"].sort()
            different += not same(spec, found)
    sys.stdout.write(f"{len(documents)} read, {bad} bad, {different} different\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
