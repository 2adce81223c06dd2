"""A fine cast of the victim's hand, coloured with iron oxides as prostheses are.

It has the true relief down to 0.1 mm, its colour was matched under the ring itself, its lines were
painted in, and in near infrared it is as bright as skin.
"""

from dataclasses import replace

import numpy as np

from drawn import spectra
from drawn.anatomy import array
from drawn.attack import smoothed
from drawn.heart import Heart
from drawn.lit import REACH
from lab.attacks.staging import Presented, Recipe, Staging, lines

NAME = "fine cast with oxide pigment"

_DETAIL = 0.1
"""The deviation in mm by which the cast smooths the relief."""
_MATCHED = 0.04
"""The deviation of the log of each colour under the diodes that is left after matching."""
_SHOWS = 0.3
"""The share of the pulse that shows through a thin cast."""


def _cast(painted: float, kept: float, *, worn: bool = False) -> Recipe:
    """`painted` is the share of the contrast of the skin's colour that was painted, and `kept` that
    of the lines at 850 nm. A thin one is `worn` on a living hand."""

    def present(staged: Staging) -> Presented:
        rng, victim = staged.rng, staged.stolen().victim
        drawn = lines(victim.colour, victim)
        middle = np.median(victim.colour, axis=0)
        paint = (victim.colour / middle) ** painted
        skin = spectra.under_diodes(array(middle), spectra.SKIN)
        seen = skin * rng.lognormal(0, _MATCHED, 3)
        detail = smoothed(victim, victim.facet, _DETAIL)
        spread = [smoothed(victim, detail, r * rng.uniform(1.0, 1.6)) for r in REACH]
        heart: Heart | None = None
        if worn:
            heart = staged.heart()
            heart = replace(heart, depth=heart.depth * _SHOWS)
        return staged.presented(
            replace(
                victim,
                normal=array(spread),
                facet=detail,
                colour=array(middle * paint),
                diode_colour=array(np.clip(middle * paint * seen, 0, 0.95)),
                infrared=array(rng.uniform(0.5, 0.65) * drawn**kept),
                infrared_normal=array(spread[2]),
                wrap=np.full(3, rng.uniform(0.1, 0.25), np.float32),
                gloss=float(rng.uniform(0.02, 0.05)),
                polish=float(rng.uniform(12, 50)),
            ),
            heart=heart,
        )

    return present


RECIPES = {
    "solid": _cast(0.6, 0.3),
    "solid, painted by an artist": _cast(0.95, 0.5),
    "thin, worn on a living hand": _cast(0.95, 0.5, worn=True),
}
