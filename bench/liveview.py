"""The frame rate of the live view while vision runs on the same frames."""

import time

from bench.figure import Figure
from bench.regular import regular

SECONDS = 15
TOO_FAR = 0.2
"""The span of a hand that is too far away, so that it is asked to come closer all the time."""


def measure() -> list[Figure]:
    with regular(TOO_FAR) as shopper:
        shopper.until(lambda: shopper.reading)
        view = shopper.live_view()
        shopper.until(lambda: view.drawn > 0)
        shopper.gaps.clear()
        first, start = view.drawn, time.perf_counter()
        shopper.until(lambda: time.perf_counter() - start >= SECONDS)
        drawn, seconds = view.drawn - first, time.perf_counter() - start
        gap = max(shopper.gaps)
    how = f"{seconds:.0f} s of 1280x720 at 30 a second, a hand followed, window under Xvfb"
    return [
        Figure("live view while vision runs", drawn / seconds, "fps", how, 29, at_least=True),
        Figure("window's thread busy at most, live view", gap * 1000, "ms", how, 50),
    ]
