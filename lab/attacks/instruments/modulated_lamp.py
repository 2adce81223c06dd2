"""A print under a lamp of the attacker's that beats: it gives the print a pulse.

The lamp changes by half a hundredth. A white one changes all colours alike; of a lamp of three
colours each can have the share that blood has.
"""

import numpy as np

from drawn.anatomy import Field, array
from drawn.attack import printed
from drawn.heart import SIGNATURE
from lab.attacks.staging import Presented, Recipe, Staging

NAME = "print under a modulated lamp"

_DEPTH = 0.005


def _lamp(colours: Field) -> Recipe:
    """`colours` is (3,): how much the lamp's blue, green and red beat."""

    def present(staged: Staging) -> Presented:
        rng, stolen = staged.rng, staged.stolen()
        cover = stolen.wrapped(float(np.exp(rng.uniform(0.4, 2.5))))
        picture = stolen.photographed(cover)
        gloss = float(rng.uniform(0.0, 0.04))
        sheet = printed(rng, cover, picture, gloss=gloss, polish=30.0)
        rate, room = float(rng.uniform(0.9, 1.8)), max(staged.shot.room.strength, 0.1)
        # The ring's light does not beat, so the lamp has to beat the more, the weaker it is.
        depth = _DEPTH * colours * (1 + 1 / room)
        return staged.presented(
            sheet, lamp=lambda at: array(1 + depth * np.sin(2 * np.pi * rate * at))
        )

    return present


RECIPES = {"white": _lamp(np.ones(3)), "in the colours of blood": _lamp(SIGNATURE)}
