"""A photograph of the victim, relit: its dark lines are taken for furrows.

Injected into a kiosk that was taken over, the picture is computed for each step of the light as
soon as that is known. Embossed, the photograph is printed on paper that has the relief pressed into
it, on a support of a hand's shape.
"""

from dataclasses import replace

import numpy as np

from drawn.anatomy import Field, array
from drawn.attack import Stolen, printed, smoothed
from drawn.lit import INFRARED_REACH, REACH, Specimen
from drawn.spectra import SKIN_850
from lab.attacks.staging import Presented, Staging, guessed_relief, lines

NAME = "relit photograph"

_COARSE = 4.0
"""The size in mm of the details of a hand's shape that an attacker knows without the hand."""
_PAPER = 0.25
"""The deviation in mm by which paper smooths what is pressed into it."""


def _injected(staged: Staging) -> Presented:
    rng, stolen = staged.rng, staged.stolen()
    victim = stolen.victim
    shape = replace(victim, facet=smoothed(victim, victim.facet, _COARSE))
    guessed, picture = _guessed(stolen, shape)
    near = np.median(picture, axis=0)
    # The colour of skin under these diodes is known from a kiosk's own pictures.
    colour = picture / near * np.median(victim.diode_colour, axis=0) * rng.lognormal(0, 0.03, 3)
    spread = [smoothed(guessed, guessed.facet, reach) for reach in REACH]
    return staged.presented(
        replace(
            guessed,
            normal=array(spread),
            colour=array(colour),
            diode_colour=array(np.clip(colour, 0, 0.95)),
            # No picture in near infrared was stolen: the red of the photograph stands in for it.
            infrared=array(SKIN_850 * (picture[:, 2] / near[2])),
            infrared_normal=smoothed(guessed, guessed.facet, INFRARED_REACH),
            gloss=0.03,
            polish=20.0,
        ),
        heart=staged.heart(),
    )


def _embossed(staged: Staging) -> Presented:
    stolen = staged.stolen()
    guessed, picture = _guessed(stolen, stolen.wrapped(_COARSE))
    facet = smoothed(guessed, guessed.facet, _PAPER)
    gloss = float(staged.rng.uniform(0.0, 0.02))
    sheet = printed(staged.rng, guessed, picture, gloss=gloss, polish=12.0)
    flat = array(np.broadcast_to(facet, (3, *facet.shape)))
    return staged.presented(replace(sheet, normal=flat, facet=facet, infrared_normal=facet))


def _guessed(stolen: Stolen, shape: Specimen) -> tuple[Specimen, Field]:
    """Returns a shape with the relief that the photograph suggests, and the photograph on it."""
    picture = stolen.photographed(shape)
    depth = float(stolen.rng.uniform(0.1, 0.4))
    return replace(shape, facet=guessed_relief(lines(picture, shape), shape, depth)), picture


RECIPES = {"injected": _injected, "embossed": _embossed}
