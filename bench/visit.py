"""A palm from the hand in place to the name on the screen, window and service on one machine."""

import statistics

import numpy as np

from bench.figure import Figure
from bench.regular import regular

PURCHASES = 15


def measure() -> list[Figure]:
    figures: list[Figure] = []
    for light, ring in (("sim:", "under the ring"), ("none:", "without a ring")):
        with regular(light=light) as shopper:
            shopper.until(lambda: len(shopper.taken) >= PURCHASES)
            taken, gaps = shopper.taken, shopper.gaps
        how = f"drawn hand before a simulated camera, {PURCHASES} purchases, window under Xvfb"
        figures += [
            Figure(f"palm to answer {ring}, median", statistics.median(taken), "s", how, 0.8),
            Figure(f"palm to answer {ring}, slowest", max(taken), "s", how),
            Figure(
                "  window's thread busy at most",
                max(gaps) * 1000,
                "ms",
                f"gaps of a 2 ms pulse while palms are read, {len(gaps)} beats",
                50,
            ),
            Figure(
                "  window's thread busy, 99th percentile",
                float(np.percentile(gaps, 99)) * 1000,
                "ms",
                "the same",
            ),
        ]
    added = figures[0].value - figures[len(figures) // 2].value
    return [
        *figures,
        Figure("what the ring adds, median", added * 1000, "ms", "of the two medians", 400),
    ]
