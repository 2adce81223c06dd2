"""Finds hands in frames, and tells left from right and palm from back from fist.

Two networks of MediaPipe Hands (Zhang et al. 2020, "MediaPipe Hands: On-device Real-time Hand
Tracking") place a square around each hand and read 21 landmarks from it. This module adds what they
lack: hands that fill the frame, cameras without colour, and whether the palm, the back or a fist is
shown.
"""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from palm.hand.align import PALM as STANDARD
from palm.hand.align import aligned
from palm.hand.crop import Crop, Points
from palm.hand.landmarks import Hand, Shown, Side, straightness, turn_of_fingers
from palm.hand.line_layout import palmness
from palm.image import Colour
from palm.models.landmark_reader import LandmarkReader, Reading
from palm.models.palm_detector import PalmDetector
from palm.models.picture import darkened, is_burnt, is_colourless, tinted

FILLS = (0.6, 1.0, 0.4)
"""The sizes at which the detector is shown the frame, as shares of its input's side. The detector
was made for hands that are small in the frame: it finds 97 % of those that are 30 % of the frame's
side, and 8 % of those that fill it."""

READ_AGAIN = 2
"""The most times that landmarks are read again in the crop around the previous reading."""

SETTLED = 0.05
"""The distance, in palm lengths, up to which a landmark of the palm may move between two readings
for the hand to count as settled. Of the hands in ../shared/palms one in eight moves more, most of
them with the wrist outside the frame; reading the others again does not improve them."""

WHOLE_FRAME = (1.4, 1.0, 1.8)
"""The sides of the squares that are searched when the detector finds nothing, as multiples of the
frame's longer side. They find a palm without its fingers, or one that is burnt out to white."""

BURNT_OUT = (1.0, 0.8)
"""The sides of the squares that are searched in a darkened picture when an over-exposed frame shows
nothing, as WHOLE_FRAME."""

DARKER = 2.5
"""The exponent of the curve that darkens an over-exposed frame: what is left of the hand lies
between the brightest levels."""

PRESENT = 0.5
"""The presence from which a reading counts as a hand."""

LOOK_AGAIN = 15
"""The number of frames after which the detector looks for another hand while one is followed."""

FIST = 0.35
"""The mean straightness of the four fingers below which a hand is a fist."""

LINES = 5.0
"""The most that the layout of lines may add to the logarithm of the odds that it is a palm, or take
from it. The network's own odds reach as far: it is sure of whole hands, and guesses where the
fingertips lie outside the frame."""

SUREST = 0.99
"""The highest probability that the network's word is taken for, and one less the lowest."""

SIDE_ON = 0.05
"""The width of the logistic curve that turns the order of the fingers into a probability, as the
sine of the angle at the wrist between index and little knuckle. Below this angle the hand is seen
too much from the edge for the order to tell much."""

_DIRECTIONS = [np.array(up, np.float32) for up in ((0, -1), (1, 0), (0, 1), (-1, 0))]


class HandFinder:
    """Finds hands in still images and follows them in live video.

    An instance belongs to one thread. The constructor raises ModelMissing when the models have not
    been built.
    """

    def __init__(self) -> None:
        self._detector = PalmDetector()
        self._reader = LandmarkReader()
        self._followed: list[Hand] = []
        self._looks = 0
        self._rest = 0
        """The number of frames after which the detector looks for another hand."""

    def find(self, image: Colour) -> list[Hand]:
        """Returns the hands in a still image. Tries one way of searching after the other until one
        finds a hand."""
        colourless = is_colourless(image)
        for tint in (colourless, not colourless):
            for fill in FILLS:
                hands = self._settled(image, self._detector.detect(image, fill, tint))
                if hands:
                    return self._with_another(image, hands, _other(fill), tint)
        for view, crops in _whole_frames(image):
            # Squares that hold the whole frame show the same hand, some of them upside down.
            if hands := self._settled(view, crops)[:1]:
                return hands
        return []

    def _settled(self, image: Colour, crops: list[Crop]) -> list[Hand]:
        """Returns the hands in these crops, read again until they stay in place."""
        hands = self._read(image, crops)
        for _ in range(READ_AGAIN):
            before, hands = hands, self._read_twice(image, _crops_around(hands))
            if _are_settled(before, hands):
                break
        return hands

    def _with_another(
        self, image: Colour, hands: list[Hand], fill: float, tint: bool
    ) -> list[Hand]:
        """Returns the hands, and a second one of another size where only one was found."""
        if len(hands) > 1:
            return hands
        new = _elsewhere(self._detector.detect(image, fill, tint), hands)
        found = self._settled(image, new)
        return [*hands, *(each for each in found if _are_apart(each, hands[0]))]

    def follow(self, image: Colour) -> list[Hand]:
        """Returns the hands in the newest frame of a video.

        A hand is searched for where it was in the previous frame, which costs one run of the
        landmark model. The detector runs while no hand is followed, once more in the next frame,
        and then every LOOK_AGAIN frames to find another. In an over-exposed frame the detector
        sees nothing, and the whole frame is read instead.
        """
        hands = self._read(image, _crops_around(self._followed))
        if not hands or self._rest == 0:
            fill = FILLS[self._looks % len(FILLS)]
            self._looks += 1
            self._rest = LOOK_AGAIN if hands else 1
            crops = self._detector.detect(image, fill, is_colourless(image))
            hands = _distinct([*hands, *self._read(image, _elsewhere(crops, hands))])
        if not hands and is_burnt(image):
            view = darkened(image, DARKER)
            crops = [*_crops_around(self._followed), _whole_frame(image, 1.0, _DIRECTIONS[0])]
            hands = self._read(view, crops)[:1]
        self._rest -= 1
        self._followed = hands
        return hands

    def settled(self, image: Colour, hands: list[Hand]) -> list[Hand]:
        """Returns hands that were just found in this picture with their landmarks read once more,
        in it and in its mirror image. The mean of both is nearer to where they are."""
        return self._read_twice(image, _crops_around(hands))

    def forget(self) -> None:
        """Forgets the hands of the previous frame, so that the next one starts a new video."""
        self._followed = []
        self._looks = self._rest = 0

    def _read(self, image: Colour, crops: list[Crop]) -> list[Hand]:
        return _hands(image, [self._reader.read(image, crop) for crop in crops])

    def _read_twice(self, image: Colour, crops: list[Crop]) -> list[Hand]:
        return _hands(image, [self._reader.read_twice(image, crop) for crop in crops])


def _other(fill: float) -> float:
    """Returns the fill at which to look for a second hand, of another size."""
    return FILLS[1] if fill == FILLS[0] else FILLS[0]


def _whole_frames(image: Colour) -> Iterator[tuple[Colour, list[Crop]]]:
    """Yields pictures to read from, with the squares to read."""
    # A faint hand is seen where its contrast is stretched, and a grey one where it is painted.
    for view in (image, tinted(image)):
        for share in WHOLE_FRAME:
            yield view, [_whole_frame(image, share, up) for up in _DIRECTIONS]
    if is_burnt(image):
        dark = darkened(image, DARKER)
        for share in BURNT_OUT:
            yield dark, [_whole_frame(image, share, up) for up in _DIRECTIONS]


def _whole_frame(image: Colour, share: float, up: Points) -> Crop:
    height, width = image.shape[:2]
    centre = np.array([width / 2, height / 2], np.float32)
    return Crop(centre, up, max(width, height) * share)


def _hands(image: Colour, readings: list[Reading]) -> list[Hand]:
    return _distinct([_to_hand(image, each) for each in readings if each.presence >= PRESENT])


def _are_settled(before: list[Hand], now: list[Hand]) -> bool:
    """Returns whether both readings found the same hands in the same places."""
    palm = list(STANDARD)
    return len(before) == len(now) and all(
        np.abs(one.landmarks[palm] - other.landmarks[palm]).max() <= SETTLED * other.palm_length
        for one, other in zip(before, now, strict=True)
    )


def _crops_around(hands: list[Hand]) -> list[Crop]:
    return [Crop.around(hand.landmarks) for hand in hands]


def _elsewhere(crops: list[Crop], hands: list[Hand]) -> list[Crop]:
    """Returns the crops that are not drawn around one of these hands."""
    return [crop for crop in crops if not any(_is_around(crop, hand) for hand in hands)]


def _is_around(crop: Crop, hand: Hand) -> bool:
    """Returns whether the crop is drawn around this hand."""
    return float(np.hypot(*(crop.centre - hand.palm_centre))) < crop.side / 4


def _distinct(hands: list[Hand]) -> list[Hand]:
    """Returns the hands without duplicates: of those that overlap, the one with the highest
    presence."""
    kept: list[Hand] = []
    for hand in sorted(hands, key=lambda hand: -hand.presence):
        if all(_are_apart(hand, other) for other in kept):
            kept.append(hand)
    return kept


def _are_apart(hand: Hand, other: Hand) -> bool:
    """Returns whether two readings are of two hands. A small one among the fingers of a large one
    is not."""
    if float(np.hypot(*(hand.palm_centre - other.palm_centre))) <= hand.palm_length / 2:
        return False
    small, large = sorted((hand, other), key=lambda each: each.palm_length)
    x, y = small.palm_centre.tolist()
    return cv2.pointPolygonTest(cv2.convexHull(large.landmarks), (x, y), measureDist=False) < 0


def _to_hand(image: Colour, reading: Reading) -> Hand:
    """Decides which side the hand is and what it shows.

    With the fingers up, a right palm has its thumb on the right, and so has the back of a left
    hand. The network tells the side from the look of the hand, so the two together tell palm from
    back. It knows the look of whole hands, so the lines of the palm are asked as well.
    """
    turn = turn_of_fingers(reading.landmarks)
    as_palm = Hand(
        landmarks=reading.landmarks,
        depth=reading.depth,
        world=reading.world,
        presence=reading.presence,
        side=Side.RIGHT if turn > 0 else Side.LEFT,
        shown=Shown.PALM,
    )
    lines, _ = aligned(image, as_palm)
    odds = _log_odds(_palm_by_look(reading.right, turn)) + LINES * palmness(lines)
    is_palm = odds > 0
    if straightness(reading.world)[1:].mean() < FIST:
        shown = Shown.FIST
    else:
        shown = Shown.PALM if is_palm else Shown.BACK
    other = Side.LEFT if as_palm.side is Side.RIGHT else Side.RIGHT
    return replace(as_palm, side=as_palm.side if is_palm else other, shown=shown)


def _palm_by_look(right: float, turn: float) -> float:
    """Returns the probability of a palm, from that of a right hand and the order of its fingers."""
    right_palm = 1 / (1 + np.exp(-turn / SIDE_ON))
    return float(right * right_palm + (1 - right) * (1 - right_palm))


def _log_odds(probability: float) -> float:
    within = min(max(probability, 1 - SUREST), SUREST)
    return float(np.log(within / (1 - within)))
