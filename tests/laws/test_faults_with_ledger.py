"""Any fault, and any pair, at any request of an apply with a ledger; then runs without faults until all is quiet."""

from __future__ import annotations

from pathlib import Path

import pytest
from depot_world import Way
from fault_law import hold


@pytest.mark.parametrize("prune", [True, False], ids=["pruning", "keeping"])
def test_what_goes_wrong_is_told_and_the_next_runs_put_it_right(
    memory_folder: Path, fault_cases: int, prune: bool
) -> None:
    hold(memory_folder, Way(ledger=True, prune=prune), fault_cases // 4)
