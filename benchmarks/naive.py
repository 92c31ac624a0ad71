"""(b) The naive way: the same packages, each used as its first example shows.

    python naive.py FOLDER URL

Round-trip YAML, `jsonschema.validate` for each manifest, one GET for each object, DeepDiff on everything.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema
from deepdiff import DeepDiff
from estate import HERE, PATHS
from ruamel.yaml import YAML


def main() -> None:
    yaml = YAML()
    folder, url = Path(sys.argv[1]), sys.argv[2]
    documents: list[Any] = [one for path in sorted(folder.iterdir()) for one in yaml.load_all(path)]
    kind = documents[0]["kind"]
    schema = yaml.load(HERE / "schemas" / "bench" / f"{kind.lower()}.yaml")["schema"]
    different = 0
    with httpx.Client(base_url=url) as client:
        for number, document in enumerate(documents):
            spec = json.loads(json.dumps({"name": document["metadata"]["name"], **document["spec"]}))
            jsonschema.validate(spec, schema)
            live = client.get(f"/{PATHS[kind]}/id-{number:06d}").json()
            managed = {name: live[name] for name in spec}
            different += bool(DeepDiff(managed, spec, ignore_order=True))
    sys.stdout.write(f"{len(documents)} read, {different} different\n")


if __name__ == "__main__":
    main()
