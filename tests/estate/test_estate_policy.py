"""A policy that could not be honoured is refused, not ignored."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import make_bench

from reconciler.core.errors import UsageError


def test_pruning_is_refused_as_long_as_nothing_is_deleted(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.config.write_text(bench.config.read_text() + "    policy: {prune: true}\n")
    with pytest.raises(UsageError, match="prune"):
        bench.plan()
