"""Reads image files and aligns the palms in them, and times each step."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2
import numpy as np

from lab.evaluate.dataset import Sample, Unmeasurable
from lab.evaluate.processes import processes
from palm.hand.align import align
from palm.hand.find import HandFinder
from palm.hand.landmarks import Shown
from palm.hand.roi import SIZE, Roi
from palm.image import Colour
from palm.models import ModelMissing

BARE = 256
"""The largest side, in pixels, of a square image that is taken for an aligned ROI."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """The result for one sample: an aligned palm, or the reason why there is none."""

    palm: Roi | None
    failure: str | None = None
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    """The processor time of the steps `find` and `align`, as far as they were made."""


class Acquirer:
    """Finds and aligns the palm in an image, as the service does in a frame.

    With `roi`, every image is taken for an aligned ROI.
    """

    def __init__(self, roi: bool) -> None:
        self._roi = roi
        self._finder: HandFinder | None = None
        self._seconds: dict[str, float] = {}

    def acquire(self, sample: Sample) -> Acquisition:
        """Raises Unmeasurable where a hand has to be found and the models have not been built."""
        self._seconds = {}
        image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
        if image is None:
            return Acquisition(None, "unreadable")
        picture = np.asarray(image, np.uint8)
        height, width = picture.shape[:2]
        if self._roi or height == width <= BARE:
            return Acquisition(_bare(picture))
        finder = self._hand_finder()
        with self._timed("find"):
            hands = finder.find(picture)
        palms = [hand for hand in hands if hand.shown is Shown.PALM]
        if not palms:
            failure = f"shows a {hands[0].shown}" if hands else "no hand found"
            return Acquisition(None, failure, self._seconds)
        with self._timed("align"):
            palm = align(picture, max(palms, key=lambda hand: hand.presence))
        return Acquisition(palm, None, self._seconds)

    def _hand_finder(self) -> HandFinder:
        if self._finder is None:
            try:
                self._finder = HandFinder()
            except ModelMissing as missing:
                raise Unmeasurable(str(missing)) from missing
        return self._finder

    @contextmanager
    def _timed(self, step: str) -> Generator[None]:
        start = time.process_time()
        yield
        self._seconds[step] = time.process_time() - start


def acquire(samples: Sequence[Sample], roi: bool, workers: int) -> Iterator[Acquisition]:
    """Yields the result for each sample, in their order."""
    with processes(workers, _start, roi) as pool:
        yield from pool.map(_acquire, samples, chunksize=8)


_acquirer: Acquirer
"""The acquirer of this worker process."""


def _start(roi: bool) -> None:
    global _acquirer  # noqa: PLW0603 - a worker process keeps what it needs here
    _acquirer = Acquirer(roi)


def _acquire(sample: Sample) -> Acquisition:
    return _acquirer.acquire(sample)


def _bare(picture: Colour) -> Roi:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    if grey.shape != (SIZE, SIZE):
        shrinks = min(grey.shape) > SIZE
        grey = cv2.resize(
            grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        )
    return Roi(image=np.asarray(grey, np.uint8), side=None, quality=1.0)
