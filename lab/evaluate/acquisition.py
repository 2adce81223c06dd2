"""Reads image files and aligns the palms in them, and times each step."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from lab.evaluate.dataset import Sample, Unmeasurable
from lab.evaluate.processes import processes
from palm.hand.align import align
from palm.hand.find import HandFinder
from palm.hand.landmarks import Hand, Landmark, Shown, Side
from palm.hand.roi import SIZE, Roi
from palm.image import Colour
from palm.models import ModelMissing

BARE = 256
"""The largest side, in pixels, of a square image that is taken for an aligned ROI."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of the images, and therefore not judged in them."""

    roi: bool = False
    """Every image is an aligned ROI, whatever its size."""
    palmar: bool = False
    """Every image shows a palm, but for those that are named backs."""
    side: Side | None = None
    """The side of all hands; None where it is read in each image."""

    @property
    def told(self) -> list[str]:
        """Returns what was not judged, in words."""
        known = {
            "every image taken for an aligned palm": self.roi,
            "every hand taken for a palm": self.palmar,
            f"every hand taken for a {self.side} one": self.side is not None,
        }
        return [words for words, holds in known.items() if holds]

    def of(self, hand: Hand, dorsal: bool) -> Hand:
        """Returns a hand as it is read with what is known; `dorsal` is one that is named a back.

        A right hand whose palm is shown has the order of fingers of a left hand whose back is
        shown: who knows one of side and palm has the other.
        """
        index, little = (
            hand.landmarks[knuckle] - hand.landmarks[Landmark.WRIST]
            for knuckle in (Landmark.INDEX_MCP, Landmark.LITTLE_MCP)
        )
        as_palm = Side.RIGHT if index[1] * little[0] > index[0] * little[1] else Side.LEFT
        if self.palmar and not dorsal:
            return replace(hand, side=self.side or as_palm, shown=Shown.PALM)
        if self.side and hand.shown is not Shown.FIST:
            shown = Shown.PALM if self.side is as_palm else Shown.BACK
            return replace(hand, side=self.side, shown=shown)
        return hand


@dataclass(frozen=True, slots=True)
class Acquisition:
    """The result for one sample: an aligned palm, or the reason why there is none."""

    palm: Roi | None
    failure: str | None = None
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    """The processor time of the steps `find` and `align`, as far as they were made."""


class Acquirer:
    """Finds and aligns the palm in an image, as the service does in a frame."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._finder: HandFinder | None = None
        self._seconds: dict[str, float] = {}

    def acquire(self, sample: Sample) -> Acquisition:
        """Raises Unmeasurable where a hand has to be found and the models have not been built, and
        where an image that is to be an ROI is not square."""
        self._seconds = {}
        image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
        if image is None:
            return Acquisition(None, "unreadable")
        picture = np.asarray(image, np.uint8)
        height, width = picture.shape[:2]
        if self._reading.roi and height != width:
            raise Unmeasurable(
                f"{sample.path} has {width} x {height} pixels, and an ROI is square: cut it as the "
                "others are, or measure without --roi"
            )
        if self._reading.roi or height == width <= BARE:
            return Acquisition(replace(_bare(picture), side=self._reading.side))
        finder = self._hand_finder()
        with self._timed("find"):
            hands = finder.find(picture)
        hands = [self._reading.of(hand, sample.dorsal) for hand in hands]
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


def acquire(samples: Sequence[Sample], reading: Reading, workers: int) -> Iterator[Acquisition]:
    """Yields the result for each sample, in their order. Raises Unmeasurable."""
    with processes(workers, _start, reading) as pool:
        yield from pool.map(_acquire, samples, chunksize=8)


_acquirer: Acquirer
"""The acquirer of this worker process."""


def _start(reading: Reading) -> None:
    global _acquirer  # noqa: PLW0603 - a worker process keeps what it needs here
    _acquirer = Acquirer(reading)


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
