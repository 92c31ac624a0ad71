"""Something goes wrong at any request of a replacement; then it is run until all is quiet.

At no moment is there an object of ours that neither ledger nor journal knows, and in the end none is left over.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response
from odd_shop import LEDGER, PRODUCT, SHELF, PowerCut, Shop, product, shelf, together

from reconciler.core.memory.journal import fold
from reconciler.core.model import Action, Plan
from reconciler.core.report import Report, Status
from reconciler.render.text import render_plan
from reconciler.sandbox.vices import ConnectionDropped
from reconciler.shell.memory.file_store import read_ledger
from reconciler.shell.memory.journal_text import read_journal
from reconciler.shell.memory.ledger_text import Owner

TAG = PRODUCT.replace("kind: Product", "kind: Tag").replace("products", "tags").replace(
    "shelf: {type: string, x-ref: Shelf}", "product: {type: string, x-ref: Product}"
).replace("required: [shelf, name]", "required: [product, name]")  # fmt: skip
BY_ROOM = SHELF.replace("identity: {key: [name], name: name}", "identity: {key: [name, room], name: name}")
CHILDREN = {"shelves": ("products", "shelf"), "products": ("tags", "product")}
KINDS = {"shelves": "Shelf", "products": "Product", "tags": "Tag"}


def tag(name: str, product: str) -> str:
    spec = f"\n  product: ${{ref:Product/{product}}}"
    return f"apiVersion: odd/v1\nkind: Tag\nmetadata:\n  name: {name}\nspec:{spec}\n"


BEFORE = together(
    shelf("left", room="a", note="n"), product("tea", "left", price=1), product("mug", "left", price=2),
    tag("hot", "tea"), tag("new", "mug"),
)  # fmt: skip
AFTER = BEFORE.replace("room: a", "room: b")
WANTED = {"shelves": ["left"], "products": ["mug", "tea"], "tags": ["hot", "new"]}


class Depot(Shop):
    """What a deleted object is referred to by goes with it (`cascade`), is emptied, or stays as it is."""

    def __init__(self, way: str) -> None:
        super().__init__(rows={"shelves": {}, "products": {}, "tags": {}})
        self.way = way

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        _, collection, *rest = request.path.split("/")
        if request.method == "DELETE" and rest and rest[0] in self.rows[collection]:
            self._let_go(collection, rest[0])
        elif request.method == "POST" and self.way == "first":  # names are unique in a room only
            body = body_of(request)
            if collection != "shelves" or not self._is_there(body):
                self.made += 1
                remote_id = f"{collection[0]}{self.made}"
                self.rows[collection][remote_id] = {"id": remote_id, **body}
                return json_response(201, self.rows[collection][remote_id])
        return super()._answer(request)

    def _is_there(self, body: dict[str, Any]) -> bool:
        return any((r["name"], r["room"]) == (body["name"], body["room"]) for r in self.rows["shelves"].values())

    def _let_go(self, collection: str, gone: str) -> None:
        below, name = CHILDREN.get(collection, ("", ""))
        for row in [row for row in self.rows.get(below, {}).values() if row.get(name) == gone]:
            if self.way == "cascade":
                self._let_go(below, row["id"])
                del self.rows[below][row["id"]]
            elif self.way == "emptied":
                row[name] = ""
            elif self.way == "stays":
                row[name] = f"was {gone}"  # so that nothing is in the way of the delete


@dataclass
class Scene:
    shop: Depot
    api: OddApi
    at: int = -1  # of the requests after the plan
    vice: Callable[[Scene, SandboxRequest], SandboxResponse | None] = lambda scene, request: None
    came: int = 0
    planned: bool = False
    dead: bool = False  # nothing that still runs reaches the server
    files: dict[str, bytes | None] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def before(self, request: SandboxRequest) -> SandboxResponse | None:
        if self.dead:
            raise PowerCut
        if not self.planned:
            return None
        self.lost += unknown(self)
        at, self.came = self.came, self.came + 1
        return self.vice(self, request) if at == self.at else None

    def run(self) -> Report | None:
        """Plan and apply; None when it was killed, and the disk is as it was at that moment then."""
        self.came = 0

        def start() -> None:
            self.planned = True

        try:
            return self.api.apply(between=start, allow_replace=True, parallelism=1)
        except PowerCut:
            for name, content in self.files.items():
                path = self.api.folder / name
                path.unlink(missing_ok=True)
                if content is not None:
                    path.write_bytes(content)
            self.dead = False
            return None
        finally:
            self.planned = False
            self.lost += unknown(self)

    def cut(self) -> None:
        self.dead = True
        for name in ("ledger.json", "ledger.json.journal"):
            path = self.api.folder / name
            self.files[name] = path.read_bytes() if path.exists() else None
        raise PowerCut


def unknown(scene: Scene) -> list[str]:
    """Return the objects that neither ledger nor journal knows, those aside that a write in flight may have made."""
    folder = scene.api.folder
    ledger, _ = read_ledger(folder / "ledger.json", Owner(target="test"))
    journal = folder / "ledger.json.journal"
    entries = read_journal(journal.read_bytes(), "j") if journal.exists() else []
    folded = fold(ledger, entries)
    ids = {record.id for record in folded.ledger.records.values()}
    begun = {str(intent.address) for intent in folded.open if intent.method}
    return [
        f"{collection} {row}"
        for collection, rows in scene.shop.rows.items()
        for row in rows.values()
        if row["id"] not in ids and f"odd.{KINDS[collection]}/{row['name']}" not in begun
    ]


# --------------------------------------------------------------------------- what goes wrong


def refused(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    return json_response(422, {"message": "no"})


def broken(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    return json_response(500, {"message": "trouble"})


def done_and_broken(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    scene.shop._answer(request)
    return json_response(500, {"message": "trouble"})


def reset(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    raise ConnectionDropped


def done_and_reset(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    scene.shop._answer(request)
    raise ConnectionDropped


def not_kept(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    """What is written becomes something else: in a field that can change, and in one that cannot."""
    answer = scene.shop._answer(request)
    if request.method in ("POST", "PATCH") and answer.status < 300:
        remote_id = json.loads(answer.body)["id"]
        row = next(rows[remote_id] for rows in scene.shop.rows.values() if remote_id in rows)
        row.update({"note": "x", "price": 9, "room": "c"} if "room" in row else {"price": 9})
        return json_response(answer.status, row)
    return answer


def unreadable(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    scene.shop._answer(request)
    return json_response(200, {"id": [1], "name": {}})


def killed(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    scene.cut()
    raise AssertionError


def done_and_killed(scene: Scene, request: SandboxRequest) -> SandboxResponse:
    scene.shop._answer(request)
    return killed(scene, request)


Vice = Callable[[Scene, SandboxRequest], SandboxResponse]
VICES: list[Vice] = [
    refused, broken, done_and_broken, reset, done_and_reset, not_kept, unreadable, killed, done_and_killed,
]  # fmt: skip
SHARE_OF_A_WAY = 125  # of the usual number of cases: sixteen, which is a few seconds
WAYS = ["first", "cascade", "emptied", "stays"]


def scene_of(folder: Path, way: str) -> Scene:
    shop = Depot(way)
    api = OddApi(folder=folder, handle=shop.handle)
    kinds = (BY_ROOM if way == "first" else SHELF) + "---" + PRODUCT + "---" + TAG
    api.define(kinds, BEFORE, target=LEDGER)
    api.apply()
    api.manifests(AFTER)
    scene = Scene(shop=shop, api=api)
    shop.before = scene.before
    return scene


def check_end(scene: Scene) -> None:
    shop, folder = scene.shop, scene.api.folder
    assert {name: sorted(row["name"] for row in rows.values()) for name, rows in shop.rows.items()} == WANTED
    (left,) = shop.rows["shelves"].values()
    assert left["room"] == "b"
    assert {row["shelf"] for row in shop.rows["products"].values()} == {left["id"]}
    products = {row["name"]: row["id"] for row in shop.rows["products"].values()}
    assert {row["name"]: row["product"] for row in shop.rows["tags"].values()} == {
        "hot": products["tea"], "new": products["mug"],
    }  # fmt: skip
    records = json.loads((folder / "ledger.json").read_text())["records"]
    assert {name: record["id"] for name, record in records.items()} == {
        f"odd.{KINDS[c]}/{row['name']}": row["id"] for c, rows in shop.rows.items() for row in rows.values()
    }
    assert not (folder / "ledger.json.journal").exists()


@pytest.mark.parametrize("way", WAYS)
def test_whatever_fails_at_whichever_request_nothing_is_forgotten(
    memory_folder: Path, fault_cases: int, way: str
) -> None:
    """Vices at requests of the apply, all of them where enough cases are asked for, and a third of them in pairs."""
    whole = scene_of(fresh(memory_folder, "whole"), way)
    report = whole.run()
    assert report is not None
    assert {o.status for o in report.outcomes} <= {Status.APPLIED, Status.UNCHANGED}
    check_end(whole)
    requests = whole.came
    assert requests > 8
    every = [(vice, at) for vice in VICES for at in range(requests)]
    chosen = random.Random(way).sample(every, min(len(every), fault_cases // SHARE_OF_A_WAY))
    for number, (vice, at) in enumerate(chosen):
        scene = scene_of(fresh(memory_folder, str(number)), way)
        faults = [(vice, at)]
        if number % 3 == 0:  # and something else in the run that would put it right
            faults.append((VICES[number % len(VICES)], number % 5))
        for scene.vice, scene.at in faults:
            scene.run()
        scene.at, runs = -1, 0
        while scene.api.plan(allow_replace=True).has_work or runs == 0:
            assert runs < 4, f"{shown(faults)}: it does not come to an end"
            scene.run()
            runs += 1
        assert scene.lost == [], shown(faults)
        try:
            check_end(scene)
        except AssertionError as error:
            raise AssertionError(shown(faults)) from error


def shown(faults: list[tuple[Vice, int]]) -> str:
    return "; ".join(f"{vice.__name__} at {at}" for vice, at in faults)


def fresh(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


# --------------------------------------------------------------------------- what goes with the old object


def told(report: Report | None) -> dict[str, str]:
    assert report is not None
    return {o.address.name: f"{o.action.value} {o.status.value}" for o in report.outcomes}


def test_what_the_server_deletes_with_the_old_object_is_made_again_in_the_same_run(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, "cascade")
    made = scene.api.plan(allow_replace=True)
    text = render_plan(made)
    note = "if the server deletes it together with the old odd.Shelf/left, it is made again as its manifest states it"
    assert text.count(note) == 4
    shown = announced(made)
    report = scene.run()
    assert told(report) == {
        "left": "replace applied", "left (replaced)": "delete applied", "mug": "update applied",
        "tea": "update applied", "hot": "update applied", "new": "update applied",
    }  # fmt: skip
    assert report is not None
    made_again = {o.address.name for o in report.outcomes if "made again" in o.detail}
    assert made_again == {"mug", "tea", "hot", "new"}
    sent = Counter(f"{method} {path}" for method, path, _ in scene.api.writes())
    assert sent - shown == Counter(), "nothing is sent that the plan did not show"
    check_end(scene)


def announced(made: Plan) -> Counter[str]:
    """Return the requests of a plan, with those that stand under a condition."""
    return Counter(f"{request.method} {request.path}" for change in made.changes for request in change.requests)


@pytest.mark.parametrize("way", ["emptied", "stays"])
def test_what_stays_is_led_to_the_new_object_and_the_rest_is_left_alone(tmp_path: Path, way: str) -> None:
    scene = scene_of(tmp_path, way)
    report = scene.run()
    assert told(report) == {
        "left": "replace applied", "left (replaced)": "delete applied", "mug": "update applied",
        "tea": "update applied", "hot": "update unchanged", "new": "update unchanged",
    }  # fmt: skip
    methods = Counter(method for method, _, _ in scene.api.writes())
    assert methods == {"DELETE": 1, "POST": 1, "PATCH": 2}
    check_end(scene)


def test_an_approved_plan_makes_again_what_it_announced(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, "cascade")
    made = scene.api.plan(allow_replace=True)
    assert {c.address.name for c in made.pending if c.taken_with is not None} == {"mug", "tea", "hot", "new"}
    assert all(c.digest and c.action is Action.UPDATE for c in made.pending if c.taken_with is not None)


def test_without_leave_a_replacement_that_was_cut_short_is_told_of_and_not_forgotten(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, "first")
    scene.shop.before = lambda request: refused(scene, request) if request.method == "DELETE" else None
    scene.run()
    assert len(scene.shop.rows["shelves"]) == 2
    notes = [d for d in scene.api.plan().diagnostics if "was cut short" in d.message]
    assert len(notes) == 1
    scene.shop.before = lambda request: None
    scene.api.apply(allow_replace=True)
    check_end(scene)
