"""The live view's rate while vision runs on the same frames."""

import time

from bench.figure import Figure
from bench.regular import regular

PALMS = 12


def measure() -> list[Figure]:
    drawn, seconds = 0, 0.0
    with regular() as shopper:
        for palm in range(1, PALMS + 1):
            shopper.until(lambda: shopper.reading)
            view = shopper.live_view()
            shopper.until(lambda view=view: view.drawn > 0)
            first, start = view.drawn, time.perf_counter()
            last, at = first, start
            while shopper.reading and len(shopper.taken) < palm:
                shopper.until(lambda view=view, last=last: view.drawn > last or not shopper.reading)
                if view.drawn > last:
                    last, at = view.drawn, time.perf_counter()
            drawn, seconds = drawn + last - first, seconds + at - start
            shopper.until(lambda: not shopper.reading)
    return [
        Figure(
            "live view while vision runs",
            drawn / seconds,
            "fps",
            f"{drawn} pictures of 1280x720 at 30 a second, {seconds:.0f} s, window under Xvfb",
            29,
            at_least=True,
        )
    ]
