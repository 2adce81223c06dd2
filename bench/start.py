"""The time from `python -m ui` to the welcome screen."""

import re
import statistics
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

from bench.figure import Figure
from ui.tour import display

STARTS = 5
OPEN = re.compile("is open")


def measure() -> list[Figure]:
    with display(), TemporaryDirectory() as state:
        _start(state)
        taken = [_start(state) for _ in range(STARTS)]
    how = f"{STARTS} starts after a first one, window under Xvfb, with an embedded service"
    return [
        Figure("start to welcome screen, median", statistics.median(taken), "s", how, 3),
        Figure("start to welcome screen, slowest", max(taken), "s", how, 3),
    ]


def _start(state: str) -> float:
    """Returns the seconds until the kiosk reports that it is open."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "ui", "--windowed", "--state", state],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as kiosk:
        assert kiosk.stderr
        for line in kiosk.stderr:
            if OPEN.search(line):
                break
        taken = time.perf_counter() - start
        kiosk.terminate()
        kiosk.stderr.read()
    return taken
