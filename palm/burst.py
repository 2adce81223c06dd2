"""Finds the palm in the pictures of one burst: once by searching, and from then on by its lines."""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from palm.hand.find import HandFinder
from palm.hand.landmarks import Hand
from palm.image import Colour
from palm.liveness.same_palm import Lines, followed

ENOUGH = 3
"""The number of good pictures that a template is made of: more of one moment add little and cost
time."""
ALIKE = 0.9
"""The likeness (`palm.liveness.same_palm`) from which two pictures of a burst show the same palm
without further ado. It is 0.97 or more in 360 pairs of pictures, in white and under the steps, of
24 drawn hands held still, and 0.78 or less in 552 pairs of different hands."""

Seen: TypeAlias = tuple[Hand, Lines]
"""A hand whose palm was read, and the lines of that palm."""
T = TypeVar("T")


class BurstFinder:
    """Finds the hands in one picture of a burst after the other; belongs to one thread."""

    def __init__(self, finder: HandFinder) -> None:
        self._finder = finder
        self._searches = True
        self._follows = False

    def begin(self) -> None:
        """Begins another burst."""
        self._finder.forget()
        self._searches, self._follows = True, False

    def find(self, image: Colour, before: Seen | None) -> list[Hand]:
        """Returns the hands in the next picture; `before` is what was read last."""
        if before is not None and (hand := still_there(before, image)) is not None:
            return [hand]
        hands = self._finder.follow(image)
        detected, self._follows = bool(hands) and not self._follows, bool(hands)
        hands = hands or self._search(image)
        # The detector places a hand less exactly than the hand's own landmarks do.
        settled = self._finder.settled(image, hands) if detected and len(hands) == 1 else hands
        return settled or hands

    def _search(self, image: Colour) -> list[Hand]:
        """Tries every way of searching, unless that has been in vain before in this burst: it takes
        as long as finding ten hands."""
        hands = self._finder.find(image) if self._searches else []
        self._searches = bool(hands)
        return hands


def still_there(before: Seen, image: Colour) -> Hand | None:
    """Returns the hand in another picture, found by its lines, or None where they are not clearly
    the same. Then the hand has to be found anew."""
    there, alike = followed(*before, image)
    return there if alike >= ALIKE else None


def spread(among: Sequence[T], count: int = ENOUGH) -> list[T]:
    """Returns at most `count` of them in their order: the first, the last, and those evenly
    between. Pictures of different moments tell more of a palm than those of one."""
    if len(among) <= count:
        return list(among)
    return [among[round(number * (len(among) - 1) / (count - 1))] for number in range(count)]
