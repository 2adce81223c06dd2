"""A kiosk that was taken over has one recording of the victim, and asks for challenges until one
fits it.

It answers only that one, so that none of the others is counted as failed. The recording is sent as
it is, each step's picture for the step whose light is nearest.
"""

from dataclasses import replace

import numpy as np

from drawn.burst import challenge
from drawn.lit import WHITE
from lab.attacks.staging import Presented, Recipe, Staging

NAME = "a device that shops for challenges"


def _shopped(among: int) -> Recipe:
    """`among` is the number of challenges that are asked for."""

    def present(staged: Staging) -> Presented:
        rng = staged.rng
        recorded = staged.presented(staged.stolen().victim, heart=staged.heart())
        lit = recorded.film.lit
        under = [k for k, f in enumerate(lit) if not np.array_equal(f.light, WHITE)]
        have = np.array([lit[k].light for k in under])
        offered = [np.array(challenge(rng)) for _ in range(among)]
        apart = [np.square(each[:, None] - have[None]).sum(axis=(2, 3)) for each in offered]
        best = int(np.argmin([each.min(axis=1).sum() for each in apart]))
        sent = list(lit)
        for place, light, which in zip(
            under, offered[best], apart[best].argmin(axis=1), strict=True
        ):
            sent[place] = replace(lit[under[int(which)]], light=light)
        return replace(recorded, film=replace(recorded.film, lit=sent), specimen=None)

    return present


RECIPES = {f"the best of {among}": _shopped(among) for among in (1, 20, 600)}
