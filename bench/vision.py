"""The time of one vision pass: the hand in a frame of 1280x720 is followed and observed."""

import statistics
import time

import numpy as np

from bench.figure import Figure
from drawn import Shopper
from palm.hand.find import HandFinder
from palm.hand.observation import Observation
from palm.hand.observe import observe

FRAMES = 300


def measure() -> list[Figure]:
    shopper, finder = Shopper(seed=7), HandFinder()
    shopper.prepare()
    frame = np.empty((720, 1280, 3), np.uint8)
    seen: Observation | None = None
    taken: list[float] = []
    for number in range(FRAMES):
        at = number / 30
        shopper.draw(frame, at)
        start = time.perf_counter()
        seen = observe(frame, finder.follow(frame), at, seen)
        taken.append((time.perf_counter() - start) * 1000)
    how = f"{FRAMES} frames of a drawn hand that comes, stays and leaves, one thread, alone"
    return [
        Figure("vision pass, median", statistics.median(taken), "ms", how, 40),
        Figure("vision pass, 95th percentile", float(np.percentile(taken, 95)), "ms", how, 40),
    ]
