"""A hand is found once in a burst, and then followed by its lines."""

import numpy as np

from drawn import Presentation
from palm.burst import BurstFinder, Seen, spread
from palm.hand.align import align
from palm.hand.find import HandFinder
from palm.hand.landmarks import Hand
from palm.image import Colour
from palm.liveness.same_palm import lines
from tests.support.posed import FRAME, drawn


class Counting(HandFinder):
    """Counts how often it is asked to look."""

    looks = 0

    def follow(self, image: Colour) -> list[Hand]:
        self.looks += 1
        return super().follow(image)

    def find(self, image: Colour) -> list[Hand]:
        self.looks += 1
        return super().find(image)


def test_a_hand_that_is_held_is_looked_for_once():
    finder = Counting()
    hands = BurstFinder(finder)
    hands.begin()
    before: Seen | None = None
    for moved in (0.0, 0.004, 0.008):
        image = drawn(Presentation(x=0.5 + moved))
        (hand,) = hands.find(image, before)
        before = hand, lines(align(image, hand))
    assert finder.looks == 1


def test_what_shows_no_hand_is_searched_in_every_way_once():
    finder = Counting()
    hands = BurstFinder(finder)
    blank = np.full((*FRAME, 3), 90, np.uint8)
    hands.begin()
    assert [hands.find(blank, None) for _ in range(3)] == [[], [], []]
    assert finder.looks == 4


def test_pictures_are_chosen_from_the_first_to_the_last():
    assert spread([1, 2]) == [1, 2]
    assert spread([1, 2, 3, 4, 5]) == [1, 3, 5]
    assert spread([1, 2, 3, 4], 2) == [1, 4]
