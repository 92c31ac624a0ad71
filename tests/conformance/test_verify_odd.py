"""`kinds verify` on odd servers, right and wrong kinds, slow and unsteady answers: nobody is blamed wrongly."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from bench import USUAL_FAULT_CASES
from fake_time import FakeTime
from shop_api import KIND, MANIFEST, SYSTEM, Shop, Walked, Ways, walk
from test_verify import PARTED, WRONG, Parted

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response
from reconciler.sandbox.http import empty_response as empty

Handler = Callable[[SandboxRequest], SandboxResponse]


@dataclass
class Unsteady:
    """A shop whose answers take their time, and sometimes more; now and then it asks to come back later."""

    shop: Shop
    chance: random.Random
    refuses: float = 0.0  # how often
    name: str = SYSTEM

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        self.shop.time.now += self.chance.choice((0.0, 0.02, 0.4, 1.5, 3.0))
        if self.chance.random() < self.refuses:
            return replace(json_response(429, {"message": "slow down"}), headers={"Retry-After": "1"})
        answer = self.shop.handle(request)
        self.shop.time.now += self.chance.choice((0.0, 0.02, 0.4, 1.5))
        return answer


@dataclass
class Nested(Shop):
    """Objects hold an object in which the server writes down every change."""

    def _kept(self, body: Any) -> dict[str, Any]:
        kept = super()._kept(body)
        return {**kept, "meta": {**body["meta"], "at": self.time.now}} if "meta" in body else kept

    def _update(self, name: str, body: dict[str, Any], request: SandboxRequest) -> SandboxResponse:
        answer = super()._update(name, body, request)
        self.rows[name]["meta"] = {**self.rows[name].get("meta", {}), "at": self.time.now}
        return answer


@dataclass
class Later(Shop):
    """Writes are jobs: they are answered at once, and carried out while the job is asked for."""

    jobs: dict[str, tuple[float, SandboxRequest]] = field(default_factory=dict)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.path.startswith("/jobs/"):
            self.seen.append(request)
            due, waiting = self.jobs[request.path]
            if self.time.now < due:
                return json_response(200, {"state": "running"})
            if waiting is not None:
                self.jobs[request.path] = (due, None)  # type: ignore[assignment]
                super().handle(waiting)
            return json_response(200, {"state": "done"})
        if request.method == "GET":
            return super().handle(request)
        if request.method == "POST" and any(r["name"] == json.loads(request.body)["name"] for r in self.rows.values()):
            return json_response(409, {"message": "there is one already"})
        path = f"/jobs/{len(self.jobs)}"
        self.jobs[path] = (self.time.now + 4, request)
        return json_response(202, {"job": path.rpartition("/")[2]})


@dataclass
class Named(Shop):
    """Objects are addressed by name and made by PUT."""

    refuses_second: bool = True

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        _, _, name = request.path.removeprefix("/widgets").partition("/")
        if request.method == "PUT" and request.headers.get("x-make"):
            self.seen.append(request)
            if name in self.rows and self.refuses_second:
                return json_response(412, {"message": "it is there"})
            self.rows[name] = {**json.loads(request.body), "name": name, "id": name, "version": 1}
            return self._answer(201, self.rows[name])
        return super().handle(request)


@dataclass
class Doubled(Shop):
    """Names are not unique, deleted objects are shown for a while, and an object is found by its name."""

    gone: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        before = dict(self.rows)
        answer = super().handle(request)
        for name in before.keys() - self.rows.keys():
            self.gone[name] = (self.time.now + 2, before[name])
        if request.method == "GET" and request.path == "/widgets":
            shown = [row for until, row in self.gone.values() if self.time.now < until]
            return json_response(200, {"items": [self._masked(r) for r in [*self.rows.values(), *shown]]})
        return answer


@dataclass
class Starting(Shop):
    """What was written is there at once, and not ready for a while."""

    ready_at: dict[str, float] = field(default_factory=dict)

    def _masked(self, row: dict[str, Any]) -> dict[str, Any]:
        at = self.ready_at.setdefault(f"{row['id']}-{row['version']}", self.time.now + 3)
        return {**super()._masked(row), "state": "ready" if self.time.now >= at else "starting"}


@dataclass
class Switching(Shop):
    """A colour asks for other fields beside it."""

    def _update(self, name: str, body: dict[str, Any], request: SandboxRequest) -> SandboxResponse:
        if body.get("color", "red") != "red":
            return json_response(422, {"message": "green and blue need a shade"})
        return super()._update(name, body, request)


def kind(*changes: tuple[str, str]) -> str:
    found = KIND
    for old, new in changes:
        assert old in found, old
        found = found.replace(old, new)
    return found


STATE = ("    id: {type: string", "    state: {type: string, readOnly: true}\n    id: {type: string")
WAIT = 'wait: {method: GET, path: "/jobs/{answer.job}", until: {at: /state, equals: done}}'
JOBS = kind(
    ("create: {method: POST, path: /widgets}", f"create: {{method: POST, path: /widgets, returns: nothing, {WAIT}}}"),
    (
        'update: {method: PATCH, path: "/widgets/{id}"}',
        f'update: {{method: PATCH, path: "/widgets/{{id}}", returns: nothing, {WAIT}}}',
    ),
    (
        'delete: {call: {method: DELETE, path: "/widgets/{id}"}}',
        f'delete: {{call: {{method: DELETE, path: "/widgets/{{id}}"}}, {WAIT}}}',
    ),
)
BY_NAME = kind(
    (
        "create: {method: POST, path: /widgets}",
        'create: {method: PUT, path: "/widgets/{spec.name}", headers: {X-Make: y}}',
    )
)
META = (
    "    note: {type",
    "    meta: {type: object, properties: {by: {type: string}, at: {readOnly: true}}}\n    note: {type",
)

# A server, and a kind that is right about it.
RIGHT: dict[str, tuple[Callable[[FakeTime], Shop], str]] = {
    "plain": (lambda t: Shop(ways=Ways(), time=t), KIND),
    "silent": (
        lambda t: Shop(ways=Ways(silent=True), time=t),
        kind(
            ("path: /widgets}", "path: /widgets, returns: nothing}"),
            ('/{id}"}\n  delete', '/{id}", returns: nothing}\n  delete'),
        ),
    ),
    "wrapped": (
        lambda t: Shop(ways=Ways(wrapped=True), time=t),
        kind(
            ("path: /widgets}", "path: /widgets, object: /widget}"),
            ('/{id}"}\n  delete', '/{id}", object: /widget}\n  delete'),
        ),
    ),
    "sets": (
        lambda t: Shop(ways=Ways(sorts=True), time=t),
        kind(("tags: {type: array,", "tags: {type: array, x-list: set,")),
    ),
    "lower-case": (
        lambda t: Shop(ways=Ways(lowers=True), time=t),
        kind(("note: {type: string}", "note: {type: string, x-form: lower}")),
    ),
    "lag": (lambda t: Shop(ways=Ways(lag_s=3), time=t), kind(("read:\n", "read:\n  settleSeconds: 4\n"))),
    "masked": (
        lambda t: Shop(ways=Ways(shows_token="••••1234"), time=t),
        kind(("x-sensitive: true, x-present: hasToken", 'x-sensitive: true, x-present: hasToken, x-mask: "•+.*"')),
    ),
    "summaries": (
        lambda t: Shop(ways=Ways(poor_list=True), time=t),
        kind(("items: /items}", "items: /items, itemsAre: summaries}")),
    ),
    "no-null": (
        lambda t: Shop(ways=Ways(no_null=True), time=t),
        kind(('price: {type: [integer, "null"]}', "price: {type: integer}")),
    ),
    "immutable": (
        lambda t: Shop(ways=Ways(refuses="color"), time=t),
        kind(("color: {enum: [red, green, blue]}", "color: {enum: [red, green, blue], x-immutable: true}")),
    ),
    "etag": (lambda t: Shop(ways=Ways(etag="checked"), time=t), kind(("write:\n", "guard: {ifMatch: true}\nwrite:\n"))),
    "bare-404": (
        lambda t: Shop(ways=Ways(bare_404=True), time=t),
        kind(("write:\n", "answers: [{status: 404, class: notFound}]\nwrite:\n")),
    ),
    "odd-conflict": (
        lambda t: Shop(ways=Ways(doubles="badly refused"), time=t),
        kind(("write:\n", "answers: [{status: 400, matches: one already, class: conflict}]\nwrite:\n")),
    ),
    "doubles": (lambda t: Shop(ways=Ways(doubles="taken"), time=t), KIND),
    "doubles-shown-after-their-end": (
        lambda t: Doubled(ways=Ways(doubles="taken"), time=t),
        kind(('  get: {method: GET, path: "/widgets/{id}"}\n', "  settleSeconds: 3\n")),
    ),
    "nested-read-only": (lambda t: Nested(ways=Ways(), time=t), kind(META)),
    "jobs": (lambda t: Later(ways=Ways(), time=t), JOBS),
    "put-creates-once": (lambda t: Named(ways=Ways(), time=t), BY_NAME),
    "put-creates-again": (lambda t: Named(ways=Ways(), time=t, refuses_second=False), BY_NAME),
    "starting": (
        lambda t: Starting(ways=Ways(), time=t),
        kind(STATE, ("read:\n", "read:\n  ready: {at: /state, equals: ready}\n  readySeconds: 20\n")),
    ),
    "switching": (
        lambda t: Switching(ways=Ways(), time=t),
        kind(
            (
                "  required: [name]\n",
                "  required: [name]\n  if: {properties: {color: {const: blue}}}\n  then: {required: [price]}\n",
            )
        ),
    ),
    "parts": (lambda t: Parted(ways=Ways(), time=t), PARTED),
}


def verified(folder: Path, shop: Shop, definition: str, seed: str, refuses: float = 0.0) -> Walked:
    chance = random.Random(seed)
    unsteady = Unsteady(shop=shop, chance=chance, refuses=refuses)
    manifest = MANIFEST + "  meta: {by: me}\n" if "meta:" in definition else MANIFEST
    return walk(folder, kind=definition, shop=shop, manifest=manifest, front=unsteady)


def seeds(request: pytest.FixtureRequest, few: int) -> range:
    """Return as many runs as are asked for: few, or a hundredth of `--fault-cases` where these are more than usual."""
    asked = int(request.config.getoption("--fault-cases"))
    return range(few if asked <= USUAL_FAULT_CASES else asked // 100)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_kind_is_not_blamed(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    make, definition = RIGHT[name]
    for seed in seeds(request, 2):
        refuses = 0.02 * (seed % 2)
        walked = verified(tmp_path / str(seed), make(FakeTime()), definition, f"{name} {seed}", refuses)
        assert walked.failed() == {}
        assert walked.found.left_behind == ""
        assert walked.shop.rows == {}
        assert len(walked.held()) > 8


CALM = [param for param in WRONG if param.id not in ("reads-that-lag-behind",)]


@pytest.mark.parametrize("param", [pytest.param(one.values, id=one.id) for one in CALM])
def test_a_wrong_kind_is_blamed_for_what_is_wrong(param: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    ways, wrong, title, cure, _ = param
    definition = kind(*wrong.items())
    calm = walk(tmp_path / "calm", ways, definition)
    for seed in seeds(request, 1):
        walked = verified(tmp_path / str(seed), Shop(ways=ways, time=FakeTime()), definition, f"{title} {seed}")
        assert title in walked.failed()
        assert cure in walked.failed()[title].cure
        assert walked.failed().keys() == calm.failed().keys()


def test_lag_is_told_from_slow_answers(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for seed in seeds(request, 5):
        shop = Shop(ways=Ways(lag_s=9), time=FakeTime())
        found = verified(tmp_path / f"lag{seed}", shop, KIND, str(seed)).failed()
        assert list(found) == ["reads agree with writes within 0 s"]
        assert 2 <= int(found["reads agree with writes within 0 s"].cure.partition(" ")[2]) <= 20


def test_what_is_left_behind_is_named_with_the_request_that_removes_it(tmp_path: Path) -> None:
    walked = walk(tmp_path, Ways(keeps_deleted=True))
    assert walked.found.left_behind.endswith("it is still there; remove it with DELETE /widgets/w1")


def test_one_careless_call_is_blamed_once(tmp_path: Path) -> None:
    walked = walk(tmp_path, Ways(replaces=True))
    assert [title for title in walked.failed() if "leaves everything else" in title] == [
        "an update of color leaves everything else as it was"
    ]


def test_a_field_that_create_does_not_keep_is_not_blamed_again(tmp_path: Path) -> None:
    walked = walk(tmp_path, Ways(ignores="note"))
    assert list(walked.failed()) == ["create keeps what is stated"]


def test_trouble_of_the_system_is_no_mistake_of_the_kind(tmp_path: Path) -> None:
    class Busy(Shop):
        def _update(self, name: str, body: dict[str, Any], request: SandboxRequest) -> SandboxResponse:
            return empty(503) if "color" in body else super()._update(name, body, request)

    walked = walk(tmp_path, shop=Busy(ways=Ways(), time=FakeTime()))
    assert walked.failed() == {}
