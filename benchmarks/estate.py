"""What is measured: manifests of about thirty fields, the objects that a server holds for them, and a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE_SIZE = 100
PATHS = {"Widget": "widgets", "Gadget": "gadgets", "Gizmo": "gizmos"}
HERE = Path(__file__).parent
COLORS = ("red", "green", "blue")

CONFIG = """\
manifests: [manifests]
schemas: [{schemas}]
targets:
  bench:
    systems:
      bench: {{url: "{url}"}}
"""


def name_of(index: int) -> str:
    return f"item-{index:06d}"


def manifest(index: int, kind: str, *, chained: bool = False, changed: bool = False) -> str:
    """Return one manifest; a chained one refers to another in the same row of ten, a changed one differs in a field."""
    after = f"  after: ${{ref:Widget/{name_of(index - 1)}}}\n" if chained and index % 10 else ""
    timeout = 600 if changed else 10 + index % 50
    return f"""\
apiVersion: bench/v1
kind: {kind}
metadata:
  name: {name_of(index)}
  labels: {{team: team-{index % 17}, tier: gold}}
spec:
{after}  title: Item number {index}
  description: "An item: made for measuring, number {index}"
  enabled: {"true" if index % 3 else "false"}
  size: {index % 1000}
  ratio: {index % 97}.5
  color: {COLORS[index % 3]}
  region: eu-west-{index % 4}
  endpoint:
    url: https://host-{index % 50}.example.com/api/{index}
    timeoutSeconds: {timeout}
    retries: {index % 5}
    tls:
      verify: true
      minVersion: "1.2"
  limits:
    requestsPerMinute: {100 + index}
    burst: {index % 20}
    maxBodyKb: 512
  owner:
    name: Team {index % 17}
    email: team-{index % 17}@example.com
  headers:
    x-request-source: bench
    x-number: "{index}"
  tags: [alpha, beta-{index % 7}, gamma]
  notes:
    - {{text: first, rank: {index % 11}}}
    - {{text: second, rank: 2}}
"""


def live_object(index: int, kind: str, *, chained: bool = False) -> dict[str, Any]:
    """Return what the server holds for the unchanged manifest."""
    found: dict[str, Any] = {
        "id": id_of(index, kind),
        "createdAt": "2024-01-01T00:00:00Z",
        "name": name_of(index),
        "title": f"Item number {index}",
        "description": f"An item: made for measuring, number {index}",
        "enabled": bool(index % 3),
        "size": index % 1000,
        "ratio": index % 97 + 0.5,
        "color": COLORS[index % 3],
        "region": f"eu-west-{index % 4}",
        "endpoint": {
            "url": f"https://host-{index % 50}.example.com/api/{index}",
            "timeoutSeconds": 10 + index % 50,
            "retries": index % 5,
            "tls": {"verify": True, "minVersion": "1.2"},
        },
        "limits": {"requestsPerMinute": 100 + index, "burst": index % 20, "maxBodyKb": 512},
        "owner": {"name": f"Team {index % 17}", "email": f"team-{index % 17}@example.com"},
        "headers": {"x-request-source": "bench", "x-number": str(index)},
        "tags": ["gamma", "alpha", f"beta-{index % 7}"],
        "notes": [{"text": "first", "rank": index % 11}, {"text": "second", "rank": 2}],
        "extra": {"unmanaged": index},
    }
    if chained and index % 10:
        found["after"] = id_of(index - 1, kind)
    return found


def id_of(index: int, kind: str) -> str:
    return name_of(index) if kind == "Gizmo" else f"id-{index:06d}"


def write_manifests(folder: Path, count: int, kind: str, *, per_file: int = 1, chained: bool = False) -> None:
    """Write `count` manifests below `folder`, so many in each file."""
    folder.mkdir(parents=True)
    for begin in range(0, count, per_file):
        texts = [manifest(i, kind, chained=chained) for i in range(begin, min(begin + per_file, count))]
        (folder / f"{kind.lower()}-{begin:06d}.yaml").write_text("---\n".join(texts), encoding="utf-8")


def change(folder: Path, count: int, kind: str, share: float) -> int:
    """Change one field in a share of the manifests, one in each file; return how many."""
    step = round(1 / share)
    for index in range(0, count, step):
        path = folder / f"{kind.lower()}-{index:06d}.yaml"
        path.write_text(manifest(index, kind, changed=True), encoding="utf-8")
    return len(range(0, count, step))


def write_config(folder: Path, url: str) -> None:
    text = CONFIG.format(schemas=HERE / "schemas", url=url)
    (folder / "reconciler.yaml").write_text(text, encoding="utf-8")
