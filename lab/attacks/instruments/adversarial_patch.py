"""A printed patch of the victim's lines in the middle of the attacker's own living palm.

A patch that was optimised against the encoder itself (arXiv 2604.06987) is not drawn: this one
exaggerates the lines, which is what any of them has to do for the lines' own matcher.
"""

from dataclasses import replace

import numpy as np

from drawn.anatomy import array
from drawn.attack import printed, smoothed
from lab.attacks.staging import Presented, Recipe, Staging, lines, pictured

NAME = "printed adversarial patch"

_SHEET = 0.3
"""The details in mm that the sheet of the patch levels."""


def _patch(radius: float, exaggerated: float) -> Recipe:
    """`radius` is in mm; `exaggerated` is the exponent of the lines' contrast."""

    def present(staged: Staging) -> Presented:
        rng, hand = staged.rng, staged.own_hand()
        picture = pictured(staged.stolen(), hand)
        picture = picture * lines(picture, hand)[:, None] ** (exaggerated - 1)
        facet = smoothed(hand, hand.facet, _SHEET)
        flat = array(np.broadcast_to(facet, (3, *facet.shape)))
        gloss = float(rng.uniform(0.0, 0.02))
        bright = array(np.clip(picture, 0, 1))
        sheet = printed(rng, hand, bright, gloss=gloss, polish=12.0, carbon=0.7)
        inside = np.hypot(hand.at[:, 0], hand.at[:, 1]) < radius

        def both(own: np.ndarray, on_patch: np.ndarray) -> np.ndarray:
            return array(np.where(inside.reshape(-1, *[1] * (own.ndim - 1)), on_patch, own))

        return staged.presented(
            replace(
                hand,
                facet=both(hand.facet, facet),
                normal=array([both(hand.normal[k], flat[k]) for k in range(3)]),
                colour=both(hand.colour, sheet.colour),
                diode_colour=both(hand.diode_colour, sheet.diode_colour),
                infrared=both(hand.infrared, sheet.infrared),
                infrared_normal=both(hand.infrared_normal, facet),
            ),
            palm=staged.own,
            heart=staged.heart(),
        )

    return present


RECIPES = {
    "25 mm, lines as they are": _patch(25.0, 1.0),
    "40 mm, lines exaggerated": _patch(40.0, 1.8),
}
