"""A palm from the hand in place to the name on the screen, window and service on one machine."""

import statistics

import numpy as np

from bench.figure import Figure
from bench.regular import regular
from ui.tour import display

PURCHASES = 15


def measure() -> list[Figure]:
    figures: list[Figure] = []
    # One display for both: an application keeps to the one it began on.
    with display():
        taken_with_and_without = [_purchases(light) for light in ("sim:", "none:")]
    for ring, (taken, gaps) in zip(
        ("under the ring", "without a ring"), taken_with_and_without, strict=True
    ):
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


def _purchases(light: str) -> tuple[list[float], list[float]]:
    """Seconds from palm to answer of each, and between two beats of the window's thread."""
    with regular(light=light) as shopper:
        shopper.until(lambda: len(shopper.taken) >= PURCHASES)
        return shopper.taken, shopper.gaps
