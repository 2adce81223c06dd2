"""A palm from the hand in place to the name on the screen, window and service on one machine."""

import statistics

import numpy as np

from bench.figure import Figure
from bench.regular import regular

PURCHASES = 15


def measure() -> list[Figure]:
    with regular() as shopper:
        shopper.until(lambda: len(shopper.taken) >= PURCHASES)
        taken, gaps = shopper.taken, shopper.gaps
    how = f"drawn hand before a simulated camera, {PURCHASES} purchases, window under Xvfb"
    return [
        Figure("hand in place to answer, median", statistics.median(taken), "s", how, 1.2),
        Figure("hand in place to answer, slowest", max(taken), "s", how),
        Figure(
            "window's thread busy at most",
            max(gaps) * 1000,
            "ms",
            f"gaps of a 2 ms pulse while palms are read, {len(gaps)} beats",
            50,
        ),
        Figure(
            "window's thread busy, 99th percentile",
            float(np.percentile(gaps, 99)) * 1000,
            "ms",
            "the same",
        ),
    ]
