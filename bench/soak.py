"""`./run soak [--visits N] [--hours H]`: whether the memory of each process grows with the visits.

A simulated regular buys, again and again, in a real window of a kiosk with an embedded service.
One visit follows the other at once, and does all that a visit does: a hand is held, lit, read and
searched for. Only what people and devices need time for is left out (`hurry`), and for the limits
that the service sets to one person and one kiosk, an hour passes now and then.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from bench.process_tree import anonymous_kb, below, children, processor_s, words
from bench.regular import regular
from kiosk.capture import light_challenge, reader

BATCHES = 20
"""Into so many batches the visits are put, of which each gives its mean: two visits that follow
each other tell the same thing twice."""
STUDENT = 2.101
"""The quantile 0.975 of Student's distribution for BATCHES - 2 degrees of freedom."""
WINDOW = (320, 200)
"""Its width and height: the processor draws it, and what a screen keeps does not depend on it."""
HOUR = 25
"""After so many visits an hour passes for the service's limits."""
WARM_UP = 300
"""The number of visits that are not counted. The screens are compiled in the first twenty; after
300 SQLite has filled the pages that each connection keeps (2 MB at most), which looks like growth
until then."""
FLAT_KB = 4.0
"""Growth in kB for each visit that counts as none: 40 MB in 10,000 visits."""
TOLD = 500
"""After so many visits it is told how much each process has grown, so that a run that is stopped
still tells."""
FPS = 40.0
"""The number of pictures a second. Each step of a light challenge takes one, and the vault takes
nothing for steps that come faster than one in 20 ms (`protocol.binding`)."""


@dataclass(frozen=True)
class Slope:
    """Growth in kB for each visit, with the bounds of its 95 % confidence interval."""

    kb: float
    low: float
    high: float

    @override
    def __str__(self) -> str:
        return f"{self.kb:+.2f} ({self.low:+.2f} to {self.high:+.2f})"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("--visits", type=int, default=1000, help="number of visits (default: 1000)")
    parser.add_argument("--hours", type=float, default=np.inf, help="ends it before, if need be")
    asked = parser.parse_args()
    if asked.visits < 2 * BATCHES:
        parser.error(f"fewer than {2 * BATCHES} visits tell nothing")
    hurry()
    measured: dict[str, list[float]] = {}
    visits, began, used_s = 0, 0.0, 0.0
    ends = time.monotonic() + asked.hours * 3600
    with regular(buys=True, pause_ms=0, fps=FPS, size=WINDOW) as shopper:
        for visit in range(WARM_UP + asked.visits):
            shopper.until(lambda visit=visit: len(shopper.taken) > visit)
            # This one keeps nothing either.
            shopper.gaps.clear()
            if visit % HOUR == 0:
                shopper.let_an_hour_pass()
            if visit < WARM_UP:
                began, used_s = time.monotonic(), _used_s()
                continue
            visits += 1
            for name, kb in memory(os.getpid()):
                measured.setdefault(name, []).append(kb)
            if visits % TOLD == 0:
                told = ", ".join(f"{name} {growth(kbs)}" for name, kbs in measured.items())
                print(f"{visits:>7} visits, kB a visit: {told}", flush=True)
            if time.monotonic() > ends and visits >= 2 * BATCHES:
                break
        took_s, used_s = time.monotonic() - began, _used_s() - used_s
    print(
        f"{visits} visits in {took_s / 3600:.2f} hours, {took_s / visits:.2f} s each,"
        f" and {used_s / visits:.2f} s of processor time"
    )
    grows = False
    for name, kbs in measured.items():
        slope = growth(kbs)
        # The simulated payment provider keeps all that it is told.
        grows |= name != "payments" and slope.low > FLAT_KB
        print(f"{name:<10}{statistics.median(kbs) / 1024:>8.1f} MB, kB a visit: {slope}")
    return 1 if grows else 0


def hurry() -> None:
    """Takes away, in this process, the waits of a visit in which nothing is done: what keeps
    flashes apart for people's eyes, what a real camera's pictures lag behind its light, and the
    time to read a word."""
    light_challenge.APART = light_challenge.LAG = 0.0
    reader.DONE_SHOWN = 0.0


def _used_s() -> float:
    """Returns the processor time of this process and of all that it has started, in seconds."""
    return sum(map(processor_s, below(os.getpid())))


def memory(kiosk: int) -> Iterator[tuple[str, float]]:
    """Yields each process that stays, by what it is, with its anonymous memory in kB. The readers
    of the vault live for one capture each, and are left out."""
    yield "kiosk", anonymous_kb(kiosk)
    for child in children(kiosk):
        if "cloud" not in words(child):
            continue
        yield "service", anonymous_kb(child)
        for its in children(child):
            if "cloud.vault" in words(its):
                yield "vault", anonymous_kb(its)
                yield from (("nursery", anonymous_kb(each)) for each in children(its))
            else:
                yield "payments", anonymous_kb(its)


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
