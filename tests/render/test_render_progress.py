"""The line that tells how far a run is: what stands in it, and that it stays one line."""

from __future__ import annotations

import pytest

from reconciler.render.progress import Progress, Wait, render_progress

BUSY = Progress(done=12, total=40, requests=48, per_second=19.6, under_way=("shop.Product/tea", "shop.Product/rice"))


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        pytest.param(Progress(), "  reading · 0 requests, 0/s", id="reading"),
        pytest.param(BUSY, "  12/40 done · 48 requests, 20/s · shop.Product/tea, shop.Product/rice", id="busy"),
        pytest.param(
            Progress(done=1, total=2, waits=(Wait(system="shop", seconds=12.3), Wait(system="bank", rate=4.5))),
            "  1/2 done · 0 requests, 0/s · shop asks to wait 12 s · bank takes 4.5/s",
            id="waiting",
        ),
    ],
)
def test_a_line(progress: Progress, line: str) -> None:
    assert render_progress(progress, 200) == line


@pytest.mark.parametrize("columns", [1, 2, 10, 30, 80])
def test_it_never_needs_a_second_line(columns: int) -> None:
    long = Progress(done=1, total=2, under_way=("shop.Product/茶葉茶葉茶葉茶葉茶葉茶葉茶葉", "shop.Product/é" * 9))
    text = render_progress(long, columns)
    wide = sum(2 if character > "\u2e80" else 1 for character in text)
    assert wide < max(columns, 1) or text == ""
    assert text == "" or text.endswith("…")


def test_nothing_in_it_is_a_command_to_the_terminal() -> None:
    text = render_progress(Progress(total=1, under_way=("shop.Product/\x1b[2J\r\n",)), 200)
    assert text.isprintable()
