"""`./run soak [--visits N] [--hours H]`: whether the memory of each process grows with the visits.

A simulated regular buys, again and again, in a real window of a kiosk with an embedded service. One
visit follows the other at once: a hand is held, lit, read and searched for in real time, because
camera, light and service go by their clocks, and nothing else is waited for. For the limits that
the service sets to one person and one kiosk, an hour passes now and then.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.process_tree import anonymous_kb, children, words
from bench.regular import regular

BATCHES = 20
"""Into so many batches the visits are put, of which each gives its mean: two visits that follow
each other tell the same thing twice."""
STUDENT = 2.101
"""The quantile 0.975 of Student's distribution for BATCHES - 2 degrees of freedom."""
WINDOW = (640, 400)
"""Its width and height: the processor draws it, and what a screen keeps does not depend on it."""
HOUR = 25
"""After so many visits an hour passes for the service's limits."""
WARM_UP = 300
"""The number of visits that are not counted. The screens are compiled in the first twenty; after
300 SQLite has filled the pages that each connection keeps (2 MB at most), which looks like growth
until then."""
FLAT_KB = 4.0
"""Growth in kB for each visit that counts as none: 40 MB in 10,000 visits."""


@dataclass(frozen=True)
class Slope:
    """Growth in kB for each visit, with the bounds of its 95 % confidence interval."""

    kb: float
    low: float
    high: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("--visits", type=int, default=1000, help="number of visits (default: 1000)")
    parser.add_argument("--hours", type=float, default=np.inf, help="ends it before, if need be")
    asked = parser.parse_args()
    if asked.visits < 2 * BATCHES:
        parser.error(f"fewer than {2 * BATCHES} visits tell nothing")
    measured: dict[str, list[float]] = {}
    began = time.monotonic()
    ends = began + asked.hours * 3600
    visits = 0
    with regular(buys=True, pause_ms=0, size=WINDOW) as shopper:
        for visit in range(WARM_UP + asked.visits):
            shopper.until(lambda visit=visit: len(shopper.taken) > visit)
            # This one keeps nothing either.
            shopper.gaps.clear()
            if visit % HOUR == 0:
                shopper.let_an_hour_pass()
            if visit < WARM_UP:
                began = time.monotonic()
                continue
            visits += 1
            for name, kb in memory(os.getpid()):
                measured.setdefault(name, []).append(kb)
            if visits % max(asked.visits // BATCHES, 1) == 0:
                now = ", ".join(f"{name} {kb[-1] / 1024:.1f}" for name, kb in measured.items())
                print(f"{visits:>7} visits  MB: {now}", flush=True)
            if time.monotonic() > ends and visits >= 2 * BATCHES:
                break
        took_s = time.monotonic() - began
    print(f"{visits} visits in {took_s / 3600:.2f} hours, {took_s / visits:.2f} s each")
    grows = False
    for name, kbs in measured.items():
        slope = growth(kbs)
        # The simulated payment provider keeps all that it is told.
        grows |= name != "payments" and slope.low > FLAT_KB
        print(
            f"{name:<10}{statistics.median(kbs) / 1024:>8.1f} MB {slope.kb:>+8.2f} kB a visit"
            f" (95 %: {slope.low:+.2f} to {slope.high:+.2f})"
        )
    return 1 if grows else 0


def memory(kiosk: int) -> Iterator[tuple[str, float]]:
    """Yields each process that stays, by what it is, with its anonymous memory in kB. The readers
    of the vault live for one capture each, and are left out."""
    yield "kiosk", anonymous_kb(kiosk)
    for child in children(kiosk):
        if "cloud" not in words(child):
            continue
        yield "service", anonymous_kb(child)
        for below in children(child):
            if "cloud.vault" in words(below):
                yield "vault", anonymous_kb(below)
                yield from (("nursery", anonymous_kb(each)) for each in children(below))
            else:
                yield "payments", anonymous_kb(below)


def growth(kbs: Sequence[float]) -> Slope:
    """Returns how much is added for each visit, of the memory after each of at least BATCHES * 2
    visits."""
    means = [float(batch.mean()) for batch in np.array_split(np.asarray(kbs), BATCHES)]
    middle = np.arange(BATCHES) * len(kbs) / BATCHES
    (slope, _), covariance = np.polyfit(middle, means, 1, cov=True)
    either_way = STUDENT * float(np.sqrt(covariance[0, 0]))
    return Slope(float(slope), float(slope) - either_way, float(slope) + either_way)


if __name__ == "__main__":
    sys.exit(main())
