"""A screen with an anti-reflection coating that sees the ring and shows the relit photograph.

What counts is how late it is. A picture is exposed for a part of a step, and the kiosk does not
tell which: what is exposed before the screen has followed shows the step before.
"""

from dataclasses import replace

import numpy as np

from drawn.anatomy import Field, array
from drawn.attack import screen
from drawn.burst import FRAME
from drawn.lit import WHITE, response_of
from lab.attacks.staging import Presented, Recipe, Staging, guessed_relief, lines

NAME = "anti-reflection screen that follows"

_BEGINS_MS = 33.0
"""The latest beginning of an exposure, from the beginning of its step."""
_EXPOSURE_MS = 20.0
_REFLECTS = 0.15
"""The share of a plain screen's reflections that the coating leaves."""


def _following(late_ms: float) -> Recipe:
    def present(staged: Staging) -> Presented:
        rng, stolen = staged.rng, staged.stolen()
        picture = stolen.photograph()[0]
        plain = screen(stolen, picture)
        shape = stolen.wrapped(4.0)
        seen = stolen.photographed(shape)
        relief = guessed_relief(lines(seen, shape), shape, float(rng.uniform(0.1, 0.4)))
        hand = replace(
            shape,
            facet=relief,
            normal=array(np.broadcast_to(relief, (3, *relief.shape))),
            colour=seen,
            diode_colour=seen,
        )
        relit = response_of(hand, staged.victim.side, staged.shot.shown, staged.shot.room, FRAME)
        white = np.maximum(relit.under(WHITE), 0.01)
        onto = plain.covered & hand.covered
        from_hand, on_screen = onto[hand.covered], onto[plain.covered]
        steps = list(staged.lights)
        begins = rng.uniform(0, _BEGINS_MS, len(steps))

        def glow(k: int) -> Field:
            before = float(np.clip((late_ms - begins[k]) / _EXPOSURE_MS, 0, 1))
            light = steps[k] * (1 - before) + steps[max(k - 1, 0)] * before
            ratio = np.ones((len(plain.at), 3), np.float32)
            ratio[on_screen] = (relit.under(array(light)) / white)[from_hand]
            return ratio

        return staged.presented(
            replace(
                plain,
                gloss=plain.gloss * _REFLECTS,
                colour=plain.colour * _REFLECTS,
                diode_colour=plain.diode_colour * _REFLECTS,
                glow=array(plain.glow * 2),
            ),
            glow=glow,
        )

    return present


RECIPES = {f"{late:.0f} ms late": _following(late) for late in (0.0, 16.0, 33.0, 66.0)}
