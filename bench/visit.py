"""The time from the hand in place to the name, with window and service on one machine."""

import statistics

import numpy as np

from bench.figure import Figure
from bench.regular import regular
from ui.tour import display

PURCHASES = 15


def measure() -> list[Figure]:
    figures: list[Figure] = []
    # One display for both: a Qt application cannot change its display.
    with display():
        taken_with_and_without = [_purchases(light) for light in ("sim:", "none:")]
    for ring, (taken, gaps) in zip(
        ("under the ring", "without a ring"), taken_with_and_without, strict=True
    ):
        gaps_how = f"gaps of a 2 ms timer while palms are read, {len(gaps)} beats"
        how = f"drawn hand before a simulated camera, {PURCHASES} purchases, window under Xvfb"
        figures += [
            Figure(f"palm to answer {ring}, median", statistics.median(taken), "s", how, 0.8),
            Figure(f"palm to answer {ring}, slowest", max(taken), "s", how),
            Figure(
                "  window's thread busy at most",
                max(gaps) * 1000,
                "ms",
                gaps_how,
                50,
            ),
            Figure(
                "  window's thread busy, 99th percentile",
                float(np.percentile(gaps, 99)) * 1000,
                "ms",
                gaps_how,
            ),
        ]
    added = figures[0].value - figures[len(figures) // 2].value
    return [
        *figures,
        Figure(
            "what the ring adds, median", added * 1000, "ms", "difference of the two medians", 400
        ),
    ]


def _purchases(light: str) -> tuple[list[float], list[float]]:
    """Returns the seconds from palm to answer for each purchase, and between the timer's beats."""
    with regular(light=light) as shopper:
        shopper.until(lambda: len(shopper.taken) >= PURCHASES)
        return shopper.taken, shopper.gaps
