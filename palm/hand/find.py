"""Where the hands are, whose they are, and what they show.

Two networks of MediaPipe Hands (Zhang et al. 2020, "MediaPipe Hands: On-device Real-time Hand
Tracking") place a square around each hand and read 21 landmarks from it. What they leave open is
settled here: a hand that fills the frame, a camera without colour, and palm from back from fist.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from palm.hand.align import PALM as STANDARD
from palm.hand.crop import Crop
from palm.hand.landmarks import Hand, Landmark, Shown, Side, straightness
from palm.image import Colour
from palm.models.landmark_reader import LandmarkReader, Reading
from palm.models.palm_detector import PalmDetector
from palm.models.picture import is_colourless

FILLS = (0.6, 1.0, 0.4)
"""Shares of the detector's view that the frame is shrunk to. It was made for hands small in the
frame: it finds 97 % of them at 30 % of the frame's side, 8 % at 100 %."""

READ_AGAIN = 2
"""Times at most that landmarks are read again in the square they ask for."""

SETTLED = 0.05
"""Palm lengths that the palm's landmarks may move when they are read again, to be left as they are:
of the hands in ../shared/palms one in eight moves more, most of them with the wrist out of the
frame. Read again all the same, the others are found no better."""

WHOLE_FRAME = (1.4, 1.0, 1.8)
"""Sides of squares about the whole frame, over the frame's longer side, to look for landmarks in
where the detector sees none: a palm without its fingers, or one burnt out to white."""

PRESENT = 0.5
"""Presence from which there is a hand."""

LOOK_AGAIN = 15
"""Frames between looks for another hand while one is followed."""

FIST = 0.35
"""Mean straightness of the four fingers below which a hand is a fist."""

PALM = 0.4
"""Probability from which what is seen is taken for a palm. With and without colour, palms read 0.43
and more, backs 0.30 and less."""

SIDE_ON = 0.05
"""Sine of the angle at the wrist between index and little knuckle, below which the hand is seen
too much from its edge for the order of its fingers to tell much."""

_WAYS_UP = [np.array(up, np.float32) for up in ((0, -1), (1, 0), (0, 1), (-1, 0))]


class HandFinder:
    """Finds hands in stills and follows them in live video.

    Belongs to the thread that uses it. Raises ModelMissing when the models have not been built.
    """

    def __init__(self) -> None:
        self._detector = PalmDetector()
        self._reader = LandmarkReader()
        self._followed: list[Hand] = []
        self._frame = 0

    def find(self, image: Colour) -> list[Hand]:
        """The hands in a still, looked for until one is found in every way there is."""
        for crops in self._places(image):
            hands = self._read(image, crops)
            for _ in range(READ_AGAIN):
                before, hands = hands, self._read_twice(image, _around(hands))
                if _are_settled(before, hands):
                    break
            if hands:
                return hands
        return []

    def _places(self, image: Colour) -> Iterator[list[Crop]]:
        """Where hands may be, the likeliest first."""
        colourless = is_colourless(image)
        for tint in (colourless, not colourless):
            for fill in FILLS:
                yield self._detector.detect(image, fill, tint)
        height, width = image.shape[:2]
        centre = np.array([width / 2, height / 2], np.float32)
        for share in WHOLE_FRAME:
            yield [Crop(centre, up, max(width, height) * share) for up in _WAYS_UP]

    def follow(self, image: Colour) -> list[Hand]:
        """The hands in the newest frame of a video.

        A hand is looked for where it was in the frame before, at the price of the landmark model
        alone. The detector looks on while there is none, and now and then for another.
        """
        hands = self._read(image, _around(self._followed))
        looks, due = divmod(self._frame, LOOK_AGAIN if hands else 1)
        if due == 0:
            fill = FILLS[looks % len(FILLS)]
            crops = self._detector.detect(image, fill, is_colourless(image))
            new = [each for each in crops if not any(_is_held(each, hand) for hand in hands)]
            hands = _distinct([*hands, *self._read(image, new)])
        self._frame += 1
        self._followed = hands
        return hands

    def forget(self) -> None:
        """The next frame has nothing to do with the last one."""
        self._followed = []
        self._frame = 0

    def _read(self, image: Colour, crops: list[Crop]) -> list[Hand]:
        return _hands(self._reader.read(image, crop) for crop in crops)

    def _read_twice(self, image: Colour, crops: list[Crop]) -> list[Hand]:
        return _hands(self._reader.read_twice(image, crop) for crop in crops)


def _hands(readings: Iterable[Reading]) -> list[Hand]:
    return _distinct([_judged(each) for each in readings if each.presence >= PRESENT])


def _are_settled(before: list[Hand], now: list[Hand]) -> bool:
    """Whether the same hands lie where they lay."""
    palm = list(STANDARD)
    return len(before) == len(now) and all(
        np.abs(one.landmarks[palm] - other.landmarks[palm]).max() <= SETTLED * other.palm_length
        for one, other in zip(before, now, strict=True)
    )


def _around(hands: list[Hand]) -> list[Crop]:
    return [Crop.around(hand.landmarks) for hand in hands]


def _is_held(crop: Crop, hand: Hand) -> bool:
    """Whether the square is drawn around this hand."""
    return float(np.hypot(*(crop.centre - hand.palm_centre))) < crop.side / 4


def _distinct(hands: list[Hand]) -> list[Hand]:
    """One of each, the surest of those that lie on one another."""
    kept: list[Hand] = []
    for hand in sorted(hands, key=lambda hand: -hand.presence):
        apart = (np.hypot(*(hand.palm_centre - other.palm_centre)) for other in kept)
        if all(distance > hand.palm_length / 2 for distance in apart):
            kept.append(hand)
    return kept


def _judged(reading: Reading) -> Hand:
    """What the hand shows, from whose it is and the order its fingers are seen in.

    Fingers up, a right palm has its thumb on the right, and so has a left hand's back. The network
    knows whose hand it is by its look, so the two together tell palm from back.
    """
    wrist = reading.landmarks[Landmark.WRIST]
    index, little = (
        reading.landmarks[knuckle] - wrist for knuckle in (Landmark.INDEX_MCP, Landmark.LITTLE_MCP)
    )
    across = (index[1] * little[0] - index[0] * little[1]) / (np.hypot(*index) * np.hypot(*little))
    right_palm = 1 / (1 + np.exp(-across / SIDE_ON))
    palm = reading.right * right_palm + (1 - reading.right) * (1 - right_palm)
    if straightness(reading.world)[1:].mean() < FIST:
        shown = Shown.FIST
    else:
        shown = Shown.PALM if palm >= PALM else Shown.BACK
    return Hand(
        landmarks=reading.landmarks,
        depth=reading.depth,
        world=reading.world,
        presence=reading.presence,
        side=Side.RIGHT if (across > 0) == (palm >= PALM) else Side.LEFT,
        shown=shown,
    )
