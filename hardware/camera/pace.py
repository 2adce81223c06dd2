"""How often a camera delivers new pictures."""

from collections import deque
from itertools import pairwise

ENOUGH = 10.0
"""Pictures a second from which a palm is read without delay. With fewer, holding a hand takes
longer; a hold needs four pictures, an answer to the light ring five and a pulse sixty."""

WINDOW = 4.0
"""Seconds over which the rate is measured."""


class Pace:
    """Measures the rate of pictures from their time stamps."""

    def __init__(self) -> None:
        self._came: deque[float] = deque()

    def add(self, at: float) -> None:
        """Counts a picture that came at `at`, in seconds; times never decrease."""
        self._came.append(at)
        # One picture from before the window stays: a rate is measured between pictures.
        while len(self._came) > 2 and self._came[1] < at - WINDOW:
            self._came.popleft()

    @property
    def rate(self) -> float | None:
        """The pictures a second, None until they have come for half the window.

        Pictures that come together, as over Wi-Fi, are of no more use than one: this is the rate of
        evenly spaced pictures for the next of which one waits as long, on average.
        """
        gaps = [after - before for before, after in pairwise(tuple(self._came))]
        passed = sum(gaps)
        return passed / sum(gap**2 for gap in gaps) if passed >= WINDOW / 2 else None
