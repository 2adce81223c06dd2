"""The victim's lines as a transfer tattoo on the attacker's own living hand.

The hand beneath is alive in everything: shape, relief, colour, blood. Only the lines are the
victim's, in ink on a film that is thinner than a hair and hides the attacker's own lines in part.
"""

from dataclasses import replace

import numpy as np

from drawn.anatomy import array
from drawn.attack import smoothed
from lab.attacks.staging import Presented, Recipe, Staging, lines, pictured

NAME = "transfer tattoo"

_FILM = 0.08
"""The deviation in mm by which the film levels the relief beneath it."""


_BROWN = array((1.2, 1.0, 0.55))
"""The density of the ink in blue, green and red: that of the lines of skin, whose red is filled
from beneath."""


def _tattoo(carbon: float, hides: float) -> Recipe:
    """`carbon` is the share of the ink's density in green that it has at 850 nm, and `hides` how
    much of the contrast of the hand's own lines the film takes away."""

    def present(staged: Staging) -> Presented:
        rng, hand = staged.rng, staged.own_hand()
        drawn = lines(pictured(staged.stolen(), hand), hand) ** rng.uniform(0.7, 1.2)
        ink = np.clip(drawn * lines(hand.colour, hand) ** -hides, 0.1, 1.6)
        inked = ink[:, None] ** _BROWN
        veiled = (hand.infrared / np.median(hand.infrared)) ** -hides
        return staged.presented(
            replace(
                hand,
                facet=smoothed(hand, hand.facet, _FILM),
                colour=array(np.clip(hand.colour * inked, 0, 0.95)),
                diode_colour=array(np.clip(hand.diode_colour * inked, 0, 0.95)),
                infrared=array(hand.infrared * veiled * drawn**carbon),
                gloss=float(rng.uniform(0.01, 0.04)),
            ),
            palm=staged.own,
            heart=staged.heart(),
        )

    return present


RECIPES = {
    "dye on a clear film": _tattoo(0.0, 0.0),
    "carbon on a clear film": _tattoo(0.4, 0.0),
    "carbon on a tinted film": _tattoo(0.4, 0.7),
}
