"""The times from `python -m ui` to the window, and from there until sign-up can be pressed."""

import statistics
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

from bench.figure import Figure
from ui.tour import display

STARTS = 5
READY = "shoppers can sign up"
"""What the kiosk logs when it first offers to sign up."""


def measure() -> list[Figure]:
    with display(), TemporaryDirectory() as state:
        _start(state)
        taken = [_start(state) for _ in range(STARTS)]
    windows, ready = zip(*taken, strict=True)
    how = f"{STARTS} starts after a first one, window under Xvfb, with an embedded service"
    return [
        Figure("start to window, median", statistics.median(windows), "s", how, 3),
        Figure("start to window, slowest", max(windows), "s", how, 3),
        Figure("window to sign-up, median", statistics.median(ready), "s", how, 5),
        Figure("window to sign-up, slowest", max(ready), "s", how, 5),
    ]


def _start(state: str) -> tuple[float, float]:
    """Returns the seconds until the window is shown, and from then until sign-up can be pressed."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "ui", "--windowed", "--state", state],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as kiosk:
        assert kiosk.stdout
        assert kiosk.stderr
        # The greeting is printed when the window is shown.
        kiosk.stdout.readline()
        window = time.perf_counter()
        for line in kiosk.stderr:
            if READY in line:
                break
        ready = time.perf_counter()
        kiosk.terminate()
        kiosk.communicate()
    return window - start, ready - window
