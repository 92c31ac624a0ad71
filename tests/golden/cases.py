"""The golden cases: a folder each with manifests and live state, and what every format is expected to say.

A case whose name starts with `apply-` is applied, the others are planned. A case with `drift-` is applied first, then
the rows of `later` move (or go, where it says null), and the drift is accepted. `live.json` holds what the shop has:
`stores` and `products`; under `refuse` the messages with which it refuses to write objects, by their name; under
`meanwhile` what somebody else changes in products after the plan, and under `ignore` the fields that it does not keep.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_time import FakeTime

from reconciler.cli.arguments import build_parser
from reconciler.cli.drift import run_drift
from reconciler.cli.output_arguments import FORMATS
from reconciler.cli.outputs import Result, deliver
from reconciler.console import Console
from reconciler.core.errors import ReconcilerError
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, empty_response
from reconciler.sandbox.in_process import in_process_transport
from reconciler.workflow.commands import Connections, Options, apply, load, plan

HERE = Path(__file__).parent
CASES = sorted(path.name for path in HERE.iterdir() if (path / "live.json").exists())
SUFFIXES = {"text": "txt", "json": "json", "markdown": "md", "html": "html", "sarif": "sarif", "github": "log",
            "junit": "xml"}  # fmt: skip
SECRET = "fake-token-not-real"

_CONFIG = """\
schemas: [schemas]
targets:
  shop:
    systems:
      shop: {url: http://shop.test}
    secrets: [SHOP_TOKEN]
"""


@dataclass
class Shop:
    """Stores and products in memory."""

    live: dict[str, Any]
    name: str = "shop"
    made: int = 0
    refuse: dict[str, str] = field(default_factory=dict)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        steps = request.path.strip("/").split("/")
        body = json.loads(request.body) if request.body else {}
        rows = self.live.setdefault(steps[-1] if request.method == "POST" else steps[0], [])
        known = next((row for row in rows if row["id"] == steps[-1]), None)
        refused = self.live.get("refuse", {}).get(body.get("name") or (known or {}).get("name"))
        if refused is not None and request.method != "GET":
            return _answer(422, {"message": refused})
        match request.method:
            case "GET" if len(steps) == 1:
                return _answer(200, {"items": rows})
            case "GET" if known is not None:
                return _answer(200, known)
            case "POST" if steps[-1] == "publish":
                return empty_response(204)
            case "POST":
                self.made += 1
                where = {"store": steps[1]} if steps[-1] == "products" else {}
                rows.append({**body, **where, "id": f"new-{self.made}"})
                return _answer(201, rows[-1])
            case "PATCH" if known is not None:
                ignored = self.live.get("ignore", {}).get(known["name"], ())
                known.update({name: value for name, value in body.items() if name not in ignored})
                return _answer(200, known)
        return _answer(404, {"message": "no such thing"})


def _answer(status: int, value: Any) -> SandboxResponse:
    """Answer in ASCII, in which halves of characters can be written too."""
    return SandboxResponse(
        status=status, headers={"content-type": "application/json"}, body=json.dumps(value).encode("ascii")
    )


def outputs_of(case: str, folder: Path, *, secret: str = SECRET, refusal: str = "") -> dict[str, str]:
    """Run a case in `folder`, which is the current one, and return what each format says.

    `refusal` is the message with which the shop refuses to write the product `tea`.
    """
    shutil.copytree(HERE / case / "manifests", folder / "manifests")
    (folder / "schemas").mkdir()
    shutil.copy(HERE / "kinds.yaml", folder / "schemas")
    (folder / "reconciler.yaml").write_text(_CONFIG)
    shop = Shop(live=json.loads((HERE / case / "live.json").read_text()))
    if refusal:
        shop.live["refuse"] = {"tea": refusal}
    command = next((name for name in ("apply", "drift") if case.startswith(f"{name}-")), "plan")
    files = {name: folder / f"out.{suffix}" for name, suffix in SUFFIXES.items()}
    asked = [part for name, path in files.items() for part in ("--output", f"{name}={path}")]
    console = Console(out=io.StringIO(), err=io.StringIO())
    if command == "drift":
        (folder / "reconciler.yaml").write_text(_CONFIG + "    ledger: {file: ledger.json}\n")
        _run_drift(build_parser().parse_args([command, "--write", *asked]), console, shop, secret)
    else:
        _run(command, build_parser().parse_args([command, "--show-requests", *asked]), console, shop, secret)
    assert set(files) == set(FORMATS)
    return {name: path.read_text() for name, path in files.items()}


def _options(console: Console, shop: Shop, secret: str) -> Options:
    return Options(
        config=Path("reconciler.yaml"),
        environ={"SHOP_TOKEN": secret},
        timing=FakeTime().timing(),
        redactor=console.redactor,
        transport=lambda name: in_process_transport({"http://shop.test": shop}),
    )


def _run_drift(parsed: argparse.Namespace, console: Console, shop: Shop, secret: str) -> None:
    options = _options(console, shop, secret)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        apply(plan(loaded, connections, options), loaded, connections, options)
    for name, moved in shop.live["later"].items():
        for rows in (shop.live["stores"], shop.live["products"]):
            for row in [row for row in rows if row["name"] == name]:
                rows.remove(row) if moved is None else row.update(moved)
    run_drift(parsed, console, options)


def _run(command: str, parsed: argparse.Namespace, console: Console, shop: Shop, secret: str) -> None:
    options = _options(console, shop, secret)
    try:
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            planned = plan(loaded, connections, options)
            for row in shop.live.get("products", ()):
                row.update(shop.live.get("meanwhile", {}).get(row["name"], {}))
            report = apply(planned, loaded, connections, options) if command == "apply" else None
    except ReconcilerError as error:
        deliver(Result(target="shop", error=error), parsed, console)
    else:
        deliver(Result(target="shop", plan=planned.plan, report=report), parsed, console)
