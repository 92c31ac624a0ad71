"""Options of the tests. Laws are tried with the same cases on every run, and leave no folder behind."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("laws", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("laws")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the expected files anew (tests/golden, published schemas) instead of comparing with them",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are written instead of compared."""
    return bool(request.config.getoption("--update-golden"))
