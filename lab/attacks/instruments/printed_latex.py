"""A glove of printed latex, 0.4 mm thick, on the attacker's own living hand.

It follows the hand's shape down to its own thickness, and shows the victim's lines in print. Light
spreads in rubber, and a part of the pulse beneath it shows through.
"""

from dataclasses import replace

import numpy as np

from drawn.anatomy import array
from drawn.attack import printed, smoothed
from lab.attacks.staging import Presented, Recipe, Staging, pictured

NAME = "thin printed latex"

_THICK = 0.4
_SHOWS = 0.3
"""The share of the pulse that shows through."""
_REACH = (0.4, 0.5, 0.7)
"""The deviation in mm by which blue, green and red light spreads in the rubber."""


def _glove(carbon: float) -> Recipe:
    """`carbon` is the share of the print's density that is left at 850 nm."""

    def present(staged: Staging) -> Presented:
        rng, hand = staged.rng, staged.own_hand()
        cover = replace(hand, facet=smoothed(hand, hand.facet, _THICK))
        spread = array([smoothed(cover, cover.facet, reach) for reach in _REACH])
        picture = pictured(staged.stolen(), cover)
        gloss = float(rng.uniform(0.0, 0.03))
        glove = printed(rng, cover, picture, gloss=gloss, polish=20.0, carbon=carbon)
        beat = staged.heart()
        return staged.presented(
            replace(
                glove,
                normal=spread,
                infrared_normal=spread[2],
                infrared=array(glove.infrared * rng.uniform(0.65, 0.85)),
                wrap=np.full(3, rng.uniform(0.05, 0.2), np.float32),
            ),
            palm=staged.own,
            heart=replace(beat, depth=beat.depth * _SHOWS),
        )

    return present


RECIPES = {
    "dye inks": _glove(0.0),
    "black under the colours": _glove(0.35),
    "black alone": _glove(0.9),
}
