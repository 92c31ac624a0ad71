"""What answers say about limits, in every form of the fields, and what is no such thing."""

from __future__ import annotations

import pytest

from reconciler.core.wire.rate_limits import NOTHING, Advertised, Budget, Quota, read_limits

NOW = 1_900_000_000.0


def left(remaining: float, reset_s: float, name: str = "") -> Budget:
    return Budget(name=name, remaining=remaining, reset_s=reset_s)


def at_most(requests: float, window_s: float) -> Quota:
    return Quota(requests=requests, window_s=window_s)


@pytest.mark.parametrize(
    ("headers", "budgets", "quotas"),
    [
        pytest.param({}, [], [], id="nothing"),
        pytest.param({"retry-after": "3", "content-type": "text/html"}, [], [], id="other-fields"),
        pytest.param(
            {"ratelimit-limit": "100", "ratelimit-remaining": "50", "ratelimit-reset": "30"},
            [left(50, 30)],
            [],
            id="draft-00-three-fields",
        ),
        pytest.param(
            {"ratelimit-limit": '10, 10;w=1;comment="a, b;w=9", 50;w=60', "ratelimit-remaining": "0"},
            [],
            [at_most(10, 1), at_most(50, 60)],
            id="draft-02-quotas-in-the-limit",
        ),
        pytest.param(
            {"ratelimit-policy": "10;w=1, 50;w=60"}, [], [at_most(10, 1), at_most(50, 60)], id="draft-03-policy"
        ),
        pytest.param(
            {"ratelimit": "limit=100, remaining=50, reset=5", "ratelimit-policy": "100;w=10"},
            [left(50, 5)],
            [at_most(100, 10)],
            id="draft-07-dictionary",
        ),
        pytest.param(
            {
                "ratelimit": '"burst";r=4;t=1, "daily";r=900;t=36000',
                "ratelimit-policy": '"burst";q=10;w=1, "daily";q=1000;w=86400;pk=:cHNkZg==:',
            },
            [left(4, 1, "burst"), left(900, 36000, "daily")],
            [at_most(10, 1), at_most(1000, 86400)],
            id="draft-10-lists",
        ),
        pytest.param({"ratelimit": "default;r=5;t=7"}, [left(5, 7, "default")], [], id="token-for-a-name"),
        pytest.param(
            {"ratelimit-policy": '"b";q=65535;w=10;qu="content-bytes", "r";q=5;w=1;qu="requests"'},
            [],
            [at_most(5, 1)],
            id="only-requests-are-counted",
        ),
        pytest.param({"ratelimit-policy": '"open";q=100'}, [], [], id="a-quota-without-window"),
        pytest.param(
            {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"},
            [left(0, 12)],
            [],
            id="x-seconds",
        ),
        pytest.param(
            {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "1900000090"}, [left(3, 90)], [], id="x-epoch-seconds"
        ),
        pytest.param(
            {"x-rate-limit-remaining": "3", "x-rate-limit-reset": "1900000001500"},
            [left(3, 1.5)],
            [],
            id="x-epoch-milliseconds",
        ),
        pytest.param(
            {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "1899999999"}, [left(3, 0)], [], id="x-gone-by"
        ),
        pytest.param({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "12"}, [], [], id="word"),
        pytest.param({"x-ratelimit-remaining": "-1", "x-ratelimit-reset": "12"}, [], [], id="negative"),
        pytest.param({"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "inf"}, [], [], id="no-finite-number"),
        pytest.param({"x-ratelimit-remaining": "1"}, [], [], id="no-reset"),
        pytest.param({"ratelimit": '"unclosed;r=1;t=2'}, [left(1, 2, "unclosed")], [], id="a-quote-that-is-not-closed"),
        pytest.param({"ratelimit": ",,;;=,", "ratelimit-policy": ";q=;w="}, [], [], id="rubbish"),
    ],
)
def test_reads_limits(headers: dict[str, str], budgets: list[Budget], quotas: list[Quota]) -> None:
    assert read_limits(headers, NOW) == Advertised(budgets=tuple(budgets), quotas=tuple(quotas))


def test_answers_without_such_fields_cost_nothing() -> None:
    assert read_limits({"content-type": "application/json", "date": "now"}, NOW) is NOTHING
