"""The scenes that are measured, each a few programs in turns on the same folder and server."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from estate import change, write_config, write_manifests
from measure import Server, Subject, take_turns

HERE = Path(__file__).parent
PARALLELISM = 10  # requests at once, as the program does without being told
NAIVE_AT_MOST = 100  # objects; each costs the same, so a larger number is told by multiplication


@dataclass(slots=True, kw_only=True)
class Bench:
    """Where things lie and how often they run."""

    folder: Path
    repeats: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    def program(self) -> list[str]:
        """Return the command as current installers write it: a script that imports nothing but the entry point."""
        script = self.folder / "reconciler-script.py"
        script.write_text("import sys\nfrom reconciler.cli.main import entry_point\nsys.exit(entry_point())\n")
        return [sys.executable, str(script)]

    def row(self, scene: str, subject: Subject, base: Subject | None, **more: Any) -> None:
        """Keep the medians of one subject, with its ratio of CPU and wall seconds to `base`."""
        found: dict[str, Any] = {"scene": scene, "program": subject.name}
        for what in ("wall_s", "cpu_s", "peak_mb", "requests", "writes", "server_cpu_s"):
            found[what] = round(subject.median(what), 4)
        if base is not None:
            found["against"] = base.name
            found["cpu_ratio"] = round(subject.median("cpu_s") / base.median("cpu_s"), 3)
            found["wall_ratio"] = round(subject.median("wall_s") / base.median("wall_s"), 3)
        self.rows.append({**found, **more})

    def place(self, name: str, count: int, kind: str, url: str, **how: Any) -> Path:
        """Return a folder with a configuration and so many manifests; it is made anew."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        write_manifests(folder / "manifests", count, kind, **how)
        write_config(folder, url)
        return folder


def start_up(bench: Bench) -> None:
    program, folder = bench.program(), bench.place("one", 1, "Widget", "http://127.0.0.1:9")
    subjects = [
        Subject(name="python -c pass", command=[sys.executable, "-c", "pass"], folder=folder),
        Subject(name="--version", command=[*program, "--version"], folder=folder),
        Subject(name="--help", command=[*program, "--help"], folder=folder),
        Subject(name="plan --help", command=[*program, "plan", "--help"], folder=folder),
        Subject(name="validate, one manifest", command=[*program, "validate"], folder=folder),
    ]
    take_turns(subjects, bench.repeats * 3)
    for subject in subjects:
        bench.row("start-up", subject, subjects[0])


def no_change(bench: Bench, count: int) -> None:
    """Validate and plan, cold and with what the last run remembered, against the straight-line script and naive use."""
    program, scene = bench.program(), f"{count:,} objects"
    with Server("Widget", count) as server:
        folder = bench.place("same", count, "Widget", server.url)
        straight = [sys.executable, str(HERE / "straight.py"), "manifests"]
        read = Subject(name="straight-line: read, parse, validate", command=straight, folder=folder)
        least = Subject(name="straight-line: the same, fetch, compare", command=[*straight, server.url], folder=folder)
        subjects = [
            read,
            Subject(name="validate, cold", command=[*program, "validate", "--no-cache"], folder=folder),
            Subject(name="validate, again", command=[*program, "validate"], folder=folder),
            least,
            Subject(name="plan, cold", command=[*program, "plan", "--no-cache"], folder=folder),
            Subject(name="plan, again", command=[*program, "plan"], folder=folder),
        ]
        take_turns(subjects, 1, server)  # what is remembered, and compiled, is remembered after this
        for subject in subjects:
            subject.runs.clear()
        take_turns(subjects, bench.repeats, server)
        for subject in subjects:
            base = read if "plan" not in subject.name else least
            bench.row(scene, subject, None if subject in (read, least) else base)
        bench.row(scene, subjects[2], subjects[1], note="nothing changed since the last run")
        bench.row(scene, subjects[5], subjects[4], note="nothing changed since the last run")
        against_naive(bench, scene, count, subjects[4], server)


def no_change_from_afar(bench: Bench, count: int, latency_ms: float) -> None:
    """Plan where each answer takes its time, against the straight-line script and naive use. Wall seconds matter."""
    program, scene = bench.program(), f"{count:,} objects, {latency_ms:g} ms"
    with Server("Widget", count, latency_ms=latency_ms) as server:
        folder = bench.place("afar", count, "Widget", server.url)
        straight = [sys.executable, str(HERE / "straight.py"), "manifests", server.url]
        subjects = [
            Subject(name="straight-line, one page after the other", command=straight, folder=folder),
            Subject(name="plan, cold", command=[*program, "plan", "--no-cache"], folder=folder),
            Subject(name="plan, again", command=[*program, "plan"], folder=folder),
        ]
        take_turns(subjects, 1, server)
        for subject in subjects:
            subject.runs.clear()
        take_turns(subjects, bench.repeats, server)
        for subject in subjects:
            bench.row(scene, subject, None if subject is subjects[0] else subjects[0])
        against_naive(bench, scene, count, subjects[1], server, what="wall_s")


def against_naive(bench: Bench, scene: str, count: int, plan: Subject, server: Server, *, what: str = "cpu_s") -> None:
    """Tell how many times faster than naive use a cold plan is; of many objects naive use is measured with a few."""
    few = min(count, NAIVE_AT_MOST)
    folder = bench.place("naive", few, "Widget", server.url)
    naive = Subject(
        name="naive", command=[sys.executable, str(HERE / "naive.py"), "manifests", server.url], folder=folder
    )
    take_turns([naive], min(bench.repeats, 3), server)
    times = count / few * naive.median(what) / plan.median(what)
    note = f"with {few:,} of them; a cold plan of all is {times:.0f} times faster, by multiplication"
    bench.row(scene, naive, None, note=note, times_faster=round(times, 1))


def some_changed(bench: Bench, count: int, latency_ms: float = 0, share: float = 0.01) -> None:
    """Plan and apply with one object in a hundred changed, or another share."""
    program, scene = bench.program(), f"{count:,} objects, {share:.0%} changed"
    scene += f", {latency_ms:g} ms" if latency_ms else ""
    with Server("Widget", count, latency_ms=latency_ms) as server:
        folder = bench.place("changed", count, "Widget", server.url)
        same = Subject(name="plan, no change", command=[*program, "plan"], folder=folder)
        take_turns([same], 1, server)
        same.runs.clear()
        take_turns([same], bench.repeats, server)
        changed = change(folder / "manifests", count, "Widget", share)
        plan = Subject(name="plan", command=[*program, "plan"], folder=folder)
        apply = Subject(name="apply", command=[*program, "apply", "--yes"], folder=folder)
        take_turns([plan, apply], bench.repeats, server)
        bench.row(scene, same, None)
        bench.row(scene, plan, same)
        extra_s = apply.median("wall_s") - plan.median("wall_s")
        more = {"writes_per_s": round(changed / extra_s, 1)} if extra_s > 0 else {}
        if latency_ms and extra_s > 0:
            waits = (apply.median("requests") - plan.median("requests")) / PARALLELISM
            more["share_of_ideal"] = round(waits * latency_ms / 1000 / extra_s, 3)
        bench.row(scene, apply, plan, **more)


def pages_and_single_reads(bench: Bench) -> None:
    """What waiting for the network costs: 100 numbered pages, 100 pages by cursor, 500 single reads, 20 ms each."""
    program = bench.program()
    scenes = (
        ("Widget", 10_000, "100 numbered pages"),
        ("Gadget", 10_000, "100 pages by cursor, one after the other"),
        ("Gizmo", 500, "500 single reads"),
    )
    latency_ms = 20
    for kind, count, what in scenes:
        walls = []
        for latency in (0, latency_ms):
            with Server(kind, count, latency_ms=latency) as server:
                folder = bench.place("waiting", count, kind, server.url)
                subject = Subject(name=f"plan of {kind}", command=[*program, "plan"], folder=folder)
                take_turns([subject], 1, server)
                subject.runs.clear()
                take_turns([subject], bench.repeats, server)
                walls.append(min(run.wall_s for run in subject.runs))
        waiting_s = walls[1] - walls[0]
        requests = subject.median("requests")
        more = {
            "waiting_s": round(waiting_s, 3),
            "share_of_ideal": round(requests * latency_ms / 10_000 / waiting_s, 3),
        }
        bench.row(f"{what}, {latency_ms} ms each", subject, None, **more)


def growth(bench: Bench, small: int, large: int) -> None:
    """Ten times the objects, one hundred manifests in each file, in rows of ten that refer to one another."""
    program, straight = bench.program(), [sys.executable, str(HERE / "straight.py"), "manifests"]
    found: list[list[Subject]] = []
    for count in (small, large):
        with Server("Widget", count, chained=True) as server:
            folder = bench.place("growth", count, "Widget", server.url, per_file=100, chained=True)
            subjects = [
                Subject(name="straight-line: read, parse, validate", command=straight, folder=folder),
                Subject(name="validate", command=[*program, "validate", "--no-cache"], folder=folder),
                Subject(name="straight-line: fetch, compare", command=[*straight, server.url], folder=folder),
                Subject(name="plan", command=[*program, "plan", "--no-cache"], folder=folder),
            ]
            take_turns(subjects, bench.repeats if count == small else 1, server)  # the large ones take their time
            found.append(subjects)
    for less, more in zip(*found, strict=True):
        bench.row(f"{small:,} objects with references", less, None)
        bench.row(f"{large:,} objects with references", more, less)
    for place in (1, 3):
        bench.row(f"{large:,} objects with references", found[1][place], found[1][place - 1])


def without_accelerators(bench: Bench, count: int) -> None:
    """The same plan where none of PyYAML's compiled parser, jsonschema-rs and msgspec is installed."""
    program = bench.program()
    script = Path(program[1]).with_name("slow.py")
    blocked = "import sys\nsys.modules['yaml'] = sys.modules['jsonschema_rs'] = sys.modules['msgspec'] = None\n"
    script.write_text(blocked + Path(program[1]).read_text())
    with Server("Widget", count) as server:
        folder = bench.place("slow", count, "Widget", server.url)
        slow = Subject(name="plan", command=[program[0], str(script), "plan", "--no-cache"], folder=folder)
        take_turns([slow], 1, server)
        bench.row(f"{count:,} objects without the accelerators", slow, None)


SCENES: dict[str, Callable[[Bench, int], None]] = {
    "start-up": lambda bench, count: start_up(bench),
    "no-change": no_change,
    "no-change-50ms": lambda bench, count: no_change_from_afar(bench, count, 50),
    "changed": some_changed,
    "changed-50ms": lambda bench, count: some_changed(bench, min(count, 1_000), 50),
    "apply-50ms": lambda bench, count: some_changed(bench, min(count, 1_000), 50, 0.5),
    "waiting": lambda bench, count: pages_and_single_reads(bench),
    "growth": lambda bench, count: growth(bench, count, 10 * count),
    "without-accelerators": lambda bench, count: without_accelerators(bench, count),
}
