"""Measures Reconciler against the least work that could be done and against naive use of the same packages.

    python benchmarks/run.py              # 100, 1,000 and 10,000 objects, and growth to 100,000: five minutes
    python benchmarks/run.py --quick      # 100 and 1,000 objects, and growth to 10,000

It prints a table in Markdown and writes it, and the same as JSON, into the folder of `--output`. Ratios of CPU seconds
are what to look at: programs run in turns, so a busy machine is busy for all of them. The server counts what it is
asked and the CPU that this takes; as long as that is a small part of the wall time, it holds nobody up.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from measure import Server
from scenes import SCENES, Bench

COLUMNS = (
    ("scene", "Scene"),
    ("program", "Program"),
    ("cpu_s", "CPU s"),
    ("wall_s", "Wall s"),
    ("peak_mb", "Peak MB"),
    ("requests", "Requests"),
    ("server_cpu_s", "Server CPU s"),
    ("cpu_ratio", "CPU ÷ base"),
    ("wall_ratio", "Wall ÷ base"),
    ("against", "Base"),
)

FORMATS = {"cpu_s": "{:.3f}", "wall_s": "{:.3f}", "peak_mb": "{:.0f}", "requests": "{:.0f}", "server_cpu_s": "{:.3f}"}
MORE = {
    "note": "{}",
    "writes_per_s": "{} writes a second",
    "waiting_s": "{} s more than without latency",
    "share_of_ideal": "{:.0%} of what ten requests at once can reach",
}
OF_NO_SIZE = ("start-up", "waiting")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller numbers of objects")
    parser.add_argument("--scene", action="append", choices=SCENES, help="only this scene; may be repeated")
    parser.add_argument("--sizes", metavar="N,N", default="", help="objects (100,1000,10000; quick: 100,1000)")
    parser.add_argument("--repeats", metavar="N", type=int, default=3, help="runs of each program (3)")
    parser.add_argument(
        "--output", metavar="DIR", default="benchmark-results", help="for table.md and table.json (benchmark-results)"
    )
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",") if size] or (
        [100, 1_000] if options.quick else [100, 1_000, 10_000]
    )
    with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        bench = Bench(folder=Path(folder), repeats=options.repeats)
        target = Path(options.output)
        target.mkdir(exist_ok=True)
        rate = server_rate()
        for name, scene in SCENES.items():
            if options.scene and name not in options.scene:
                continue
            for size in sizes if name in ("no-change", "changed") else sizes[-1:]:
                sys.stderr.write(f"{name} …\n" if name in OF_NO_SIZE else f"{name}, {size:,} objects …\n")
                scene(bench, size)
                save(bench.rows, rate, target)  # after each scene: one that is cut short leaves the others
        sys.stdout.write((target / "table.md").read_text())


def save(rows: list[dict[str, Any]], rate: float, target: Path) -> None:
    """Write what was measured until now as JSON and as Markdown."""
    (target / "table.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    (target / "table.md").write_text(as_table(rows, rate))


def machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def server_rate(seconds: float = 1.0) -> float:
    """Return how many list pages a second the server gives to a bare socket: the most that a client can be held to."""
    with (
        Server("Widget", 1_000) as server,
        socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0)) as line,
    ):
        request = b"GET /widgets?page=1&size=100 HTTP/1.1\r\nHost: x\r\n\r\n"
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            line.sendall(request)
            head = line.recv(65536)
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            got = len(head.partition(b"\r\n\r\n")[2])
            while got < length:
                got += len(line.recv(1 << 20))
            count += 1
        return count / (time.perf_counter() - began)


def as_table(rows: list[dict[str, Any]], rate: float) -> str:
    told = ", ".join(f"{name} {value}" for name, value in machine().items())
    lines = [
        f"Measured with {told}. Medians. The server gives {rate:,.0f} pages of 100 objects a second to a bare socket.",
        "What the README wants of the ratios, it wants for 10,000 objects. Of fewer than 200 files nothing is kept.",
        "",
        "| " + " | ".join(title for _, title in COLUMNS) + " | More |",
        "|" + " --- |" * (len(COLUMNS) + 1),
    ]
    for row in rows:
        more = "; ".join(text.format(row[name]) for name, text in MORE.items() if name in row)
        cells = [FORMATS.get(name, "{}").format(row[name]) if name in row else "" for name, _ in COLUMNS]
        lines.append("| " + " | ".join(cells) + f" | {more} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
