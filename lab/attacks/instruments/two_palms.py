"""Two palms in one burst: the victim's picture in some frames, the attacker's living hand in the
others, or both in one frame by a half-silvered mirror."""

from dataclasses import replace

import cv2
import numpy as np

from drawn.attack import Instrument, prepare_attack
from drawn.burst import Film
from drawn.lit import WHITE
from lab.attacks.staging import Presented, Recipe, Staging
from palm.liveness import LitFrame

NAME = "two palms mixed in a burst"


def _filmed(staged: Staging) -> tuple[Film, Presented]:
    """Returns the victim as a print shows it, and the attacker's own hand."""
    shown = prepare_attack(
        Instrument.MATT_PRINT, staged.victim, staged.shot, staged.lights, staged.rng
    ).filmed(staged.lights, staged.rng)
    own = staged.presented(staged.own_hand(), palm=staged.own, heart=staged.heart())
    return shown, own


def _in_white(staged: Staging) -> Presented:
    """The victim in white, where templates are made, the attacker's own hand under the steps."""
    shown, own = _filmed(staged)
    white = [np.array_equal(light, WHITE) for light in staged.lights]
    lit = [v if w else o for w, v, o in zip(white, shown.lit, own.film.lit, strict=True)]
    return replace(own, film=replace(own.film, lit=lit), specimen=None)


def _mirrored(share: float) -> Recipe:
    """`share` is that of the victim's picture in the light of each frame."""

    def present(staged: Staging) -> Presented:
        shown, own = _filmed(staged)
        lit = [_both(v, o, share) for v, o in zip(shown.lit, own.film.lit, strict=True)]
        return replace(own, film=replace(own.film, lit=lit), specimen=None)

    return present


def _both(shown: LitFrame, own: LitFrame, share: float) -> LitFrame:
    mixed = cv2.addWeighted(shown.image, share, own.image, 1 - share, 0)
    return replace(own, image=np.asarray(mixed, np.uint8))


RECIPES = {
    "the victim in white, the own hand under the steps": _in_white,
    "a half-silvered mirror": _mirrored(0.5),
}
