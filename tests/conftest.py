"""Options of the tests. Laws are tried with the same cases on every run, and leave no folder behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import USUAL_FAULT_CASES
from hypothesis import settings
from hypothesis.internal.conjecture import providers

settings.register_profile("laws", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("laws")
# No constants are drawn out of the modules that are loaded: an example that loads one more would change the next.
providers._get_local_constants = lambda: providers._local_constants


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the expected files anew (tests/golden, published schemas) instead of comparing with them",
    )
    parser.addoption(
        "--fault-cases",
        type=int,
        default=USUAL_FAULT_CASES,
        metavar="N",
        help="how many cases of faults to try in all (tests/laws/test_faults_*.py); with more than the default, every "
        "request of the runs that are killed for real, too",
    )
    parser.addoption(
        "--hostile-files",
        type=int,
        default=30,
        metavar="N",
        help="how many damaged inputs each reader is given (tests/laws/test_hostile_files.py)",
    )


@pytest.fixture
def hostile_files(request: pytest.FixtureRequest) -> int:
    """How many damaged inputs each reader is given."""
    return int(request.config.getoption("--hostile-files"))


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def fault_cases(request: pytest.FixtureRequest) -> int:
    """How many cases of faults are to be tried in all."""
    return int(request.config.getoption("--fault-cases"))


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the machine has one: waiting for a disk would take most of the time."""
    shm = Path("/dev/shm")
    if not os.access(shm, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="reconciler-tests-", dir=shm) as folder:
        yield Path(folder)
