"""When another hand has come, and when the one before has only left."""

import pytest

from kiosk.capture.succession import Succession
from palm.hand.landmarks import Side
from palm.hand.observation import Observation
from tests.support.posed import hand

FRAME_S = 1 / 30
LEFT, RIGHT = (hand(side=side) for side in (Side.LEFT, Side.RIGHT))

SEEN = {
    "it stays": ("LLLLLLLLLLLL", False),
    "it leaves": ("LLL" + 30 * ".", False),
    "it is lost for a moment": ("LLL..LLL..LL", False),
    "it leaves and another comes": ("LLL" + 12 * "." + "L", True),
    "another comes though none was seen before": (12 * "." + "L", True),
    "one of the other side comes": ("LLLRRR", True),
    "its side is misread": ("LLLRLLRRLL", False),
    "another comes beside it": ("LLL222", True),
    "two are seen once": ("LLL2LLL2LLL", False),
}


@pytest.mark.parametrize("seen", SEEN)
def test_another_hand_is_told_from_one_that_leaves(seen: str) -> None:
    frames, another = SEEN[seen]
    hands = Succession()
    for number, frame in enumerate(frames):
        there = {"L": LEFT, "R": RIGHT}.get(frame)
        count = {".": 0, "2": 2}.get(frame, 1)
        hands.consider(Observation(number * FRAME_S, count, there))
    assert hands.another is another
    hands.restart()
    assert not hands.another
