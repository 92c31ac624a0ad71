"""The order of files, documents, keys, items of sets and list pages changes neither plans nor requests."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, is_write, make_bench
from ruamel.yaml import YAML

from reconciler.core.model import Plan
from reconciler.core.plan.sealing import digest_of_plan
from reconciler.render.machine import plan_document
from reconciler.render.text import render_plan
from reconciler.sandbox.estate import POOL, STATIC_PROVIDER
from reconciler.sandbox.http import EmulatedSystem, SandboxRequest, SandboxResponse, json_response
from reconciler.sandbox.vices import Attempt, Fault, requests_to

SEEDS = [1, 20]
SESSIONS = 4  # in the pool of the populated estate, those that nobody manages included

SETS = {
    *("tags", "methods", "allowed_hosts", "models", "retryableStatusCodes"),
    *("evaluationParams", "userGroupIds", "specificationIds", "metricGroupIds"),
}
"""Lists of the example manifests whose order means nothing."""

PREFIXED_ID = re.compile(r"[a-zA-Z]+_c[0-9a-z]{23}")

Shuffle = Callable[[random.Random, Path], None]
Face = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one plan and apply looked like from outside."""

    plan: Plan
    reads: list[str]
    writes: set[str]


def read(path: Path) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(path.read_text()))


def write(path: Path, documents: list[dict[str, Any]]) -> None:
    # JSON is YAML: nothing is lost, and the order is exactly the one given.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n---\n".join(json.dumps(document, indent=1) for document in documents))


def manifest_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.yaml"))


def other_files(rng: random.Random, folder: Path) -> None:
    """Put every document somewhere else: other file names, folders and numbers of documents in a file."""
    documents = [document for path in manifest_files(folder) for document in read(path)]
    for path in manifest_files(folder):
        path.unlink()
    rng.shuffle(documents)
    while documents:
        count = rng.randint(1, 6)
        write(folder / rng.choice("abc") / f"{rng.getrandbits(32)}.yaml", documents[:count])
        documents = documents[count:]


def other_documents(rng: random.Random, folder: Path) -> None:
    for path in manifest_files(folder):
        documents = read(path)
        rng.shuffle(documents)
        write(path, documents)


def other_keys(rng: random.Random, folder: Path) -> None:
    for path in manifest_files(folder):
        write(path, [shuffled_keys(rng, document) for document in read(path)])


def shuffled_keys(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict):
        names = list(value)
        rng.shuffle(names)
        return {name: shuffled_keys(rng, value[name]) for name in names}
    return [shuffled_keys(rng, item) for item in value] if isinstance(value, list) else value


def other_items(rng: random.Random, folder: Path) -> None:
    for path in manifest_files(folder):
        write(path, [shuffled_sets(rng, document) for document in read(path)])


def shuffled_sets(rng: random.Random, value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: shuffled_sets(rng, item, key) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    items = [shuffled_sets(rng, item) for item in value]
    if name in SETS:
        rng.shuffle(items)
    return items


SHUFFLES: dict[str, tuple[Shuffle, ...]] = {
    "files": (other_files,),
    "documents": (other_documents,),
    "keys": (other_keys,),
    "items-of-sets": (other_items,),
    "all": (other_keys, other_items, other_documents, other_files),
}


# --------------------------------------------------------------------------- what must stay the same


def face(plan: Plan, *, show_requests: bool = True) -> Face:
    """Return everything of a plan that a person or machine may keep: digest, text, JSON without line numbers."""
    document = plan_document(plan, show_requests=show_requests)
    for change in document["changes"]:
        del change["path"], change["line"], change["column"]
        for field in change["fields"]:
            del field["line"], field["column"]
    text = render_plan(plan, show_unchanged=True, show_requests=show_requests)
    return (
        digest_of_plan(plan),
        without_session_ids(text),
        without_session_ids(json.dumps(document, indent=1, sort_keys=True)),
    )


def without_session_ids(text: str) -> str:
    """Leave out the ids that hold the time at which the estate was built."""
    return re.sub(r'("sessionId": ?")[^"{}]+', r"\1(id)", text)


def sent(bench: Bench) -> set[str]:
    """Return all writes, with sets sorted and ids by the order of creation taken out."""
    return {
        json.dumps([system, r.method, path_shape(r.path), sorted_sets(body_shape(r.request))], sort_keys=True)
        for system, recording in bench.recordings.items()
        for r in recording.writes()
    }


def path_shape(path: str) -> str:
    return "/".join("(id)" if len(step) == 36 or PREFIXED_ID.fullmatch(step) else step for step in path.split("/"))


def body_shape(request: SandboxRequest) -> Any:
    body = json.loads(PREFIXED_ID.sub("(id)", request.body.decode()))
    made_by_server = ("upstream_id", "service_id", "productId", "sessionId", "createdAt")
    return {name: "(id)" if name in made_by_server else value for name, value in body.items()}


def sorted_sets(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: sorted_sets(item, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [sorted_sets(item) for item in value]
        return sorted(items) if name in SETS else items
    return value


def reads(bench: Bench) -> list[str]:
    return sorted(
        f"{system} {r} {r.query} {without_session_ids(r.request.body.decode())}"
        for system in bench.recordings
        for r in bench.requests(system)
        if not is_write(r.request)
    )


def seen(bench: Bench, **more: Any) -> Seen:
    plan = bench.plan(**more)
    asked = reads(bench)
    bench.apply(**more)
    return Seen(plan=plan, reads=asked, writes=sent(bench))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return seen(make_bench(tmp_path_factory.mktemp("usual")))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shuffles", SHUFFLES.values(), ids=SHUFFLES)
def test_the_order_of_manifests(tmp_path: Path, usual: Seen, shuffles: tuple[Shuffle, ...], seed: int) -> None:
    bench = make_bench(tmp_path)
    rng = random.Random(seed)
    before = {path: path.read_text() for path in manifest_files(bench.manifests)}
    for shuffle in shuffles:
        shuffle(rng, bench.manifests)
    assert {path: path.read_text() for path in manifest_files(bench.manifests)} != before
    now = seen(bench)
    # Bodies are sent, and shown on demand, with sets in the order in which the manifest has them.
    show_requests = other_items not in shuffles
    assert face(now.plan, show_requests=show_requests) == face(usual.plan, show_requests=show_requests)
    assert now.reads == usual.reads
    assert now.writes == usual.writes


def test_a_second_order_after_an_apply_is_quiet(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.apply()
    rng = random.Random(4)
    for shuffle in SHUFFLES["all"]:
        shuffle(rng, bench.manifests)
    assert bench.plan().pending == ()


# --------------------------------------------------------------------------- the server's order


class Disorder:
    """An emulated system whose lists come in another order."""

    def __init__(self, system: EmulatedSystem, rng: random.Random) -> None:
        self.name = system.name
        self._system = system
        self._rng = rng
        self.shuffled = 0

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        answer = self._system.handle(request)
        if is_write(request) or "json" not in answer.headers.get("content-type", ""):
            return answer
        body = json.loads(answer.body)
        lists = list(self._lists(body))
        for items in lists:
            self._rng.shuffle(items)
            self.shuffled += len(items) > 1
        return json_response(answer.status, body) if lists else answer

    def _lists(self, body: Any) -> Iterator[list[Any]]:
        if isinstance(body, list):
            yield body
        elif isinstance(body, dict):
            yield from (body[n] for n in ("gateways", "resultList", "sessionIds") if isinstance(body.get(n), list))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_lists_that_servers_answer(tmp_path: Path, usual: Seen, seed: int) -> None:
    bench = make_bench(tmp_path)
    rng = random.Random(seed)
    disorders = {name: Disorder(system, rng) for name, system in bench.estate.systems().items()}
    bench.wrapped = dict(disorders)
    now = seen(bench)
    assert all(disorder.shuffled for disorder in disorders.values())
    assert face(now.plan) == face(usual.plan)
    assert (now.reads, now.writes) == (usual.reads, usual.writes)


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_the_size_of_pages(tmp_path: Path, usual: Seen, size: int) -> None:
    bench = make_bench(tmp_path)
    bench.estate.goldmine.page_size = size
    now = seen(bench)
    assert sum("/ListSessions" in read for read in now.reads) == -(-SESSIONS // size)
    assert face(replace(now.plan, requests_made=0)) == face(replace(usual.plan, requests_made=0))
    assert now.writes == usual.writes


@pytest.mark.parametrize("size", [1, 2, 3])
def test_rows_that_are_added_while_pages_are_read(tmp_path: Path, usual: Seen, size: int) -> None:
    """The newest come first: with each new row the next page repeats what the one before has shown."""
    bench = make_bench(tmp_path)
    goldmine = bench.estate.goldmine
    goldmine.page_size = size
    number = itertools.count()

    def add(attempt: Attempt) -> SandboxResponse:
        answer = attempt.act(attempt.request)
        for _ in range(size):
            goldmine.seed("sessions", {"poolId": POOL, "providerId": STATIC_PROVIDER, "token": f"new-{next(number)}"})
        return answer

    faults = bench.wrap("goldmine", Fault(vice=add, when=requests_to(path=".*/ListSessions"), times=3))
    now = bench.plan()
    assert faults.hits >= 2
    assert face(replace(now, requests_made=0)) == face(replace(usual.plan, requests_made=0))


@pytest.mark.parametrize("parallelism", [1, 2, 10])
def test_the_number_of_workers(tmp_path: Path, usual: Seen, parallelism: int) -> None:
    now = seen(make_bench(tmp_path), parallelism=parallelism)
    assert face(now.plan) == face(usual.plan)
    assert (now.reads, now.writes) == (usual.reads, usual.writes)
