"""What an attacker works with: a palm that was photographed, their own hand, and a kiosk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import cv2
import numpy as np

from drawn.anatomy import Field, array
from drawn.attack import Stolen, unit
from drawn.burst import Film, Glow, Shot, film
from drawn.circumstances import Circumstances, alive
from drawn.heart import Heart, Recording, Shining, record
from drawn.identity import DrawnPalm, identity
from drawn.lit import GRID, Specimen, living
from palm.hand.landmarks import Side
from palm.liveness import Light

OWN = 45_000
"""The seed of the attacker's own hands; no victim has it."""


@dataclass(frozen=True, slots=True)
class Presented:
    """An attack as the cameras saw it."""

    film: Film
    recorded: Callable[[], Recording]
    """Returns a pulse recording; drawing it takes longer than all the rest."""
    palm: DrawnPalm
    """The palm whose pose it has."""
    specimen: Specimen | None = None
    """What was in front of the cameras; None where the pictures were put together."""


def _steady(_: object) -> float:
    return 1.0


@dataclass(frozen=True, slots=True)
class Staging:
    """One presentation that is being prepared."""

    victim: DrawnPalm
    shot: Shot
    lights: Sequence[Light]
    """The light of each frame; the attacker does not know it beforehand."""
    rng: np.random.Generator

    @property
    def own(self) -> DrawnPalm:
        """The attacker's own palm, of the victim's side."""
        return identity(OWN, self.victim.side)

    def stolen(self) -> Stolen:
        """Returns the victim's palm as a good photograph shows it."""
        wet = float(self.rng.uniform(0, 0.6))
        palm = living(self.victim, self.shot.shown, wet=wet).palm_alone()
        return Stolen(self.victim, palm, self.rng)

    def own_hand(self) -> Specimen:
        """Returns the attacker's living palm in the same gesture."""
        return living(self.own, self.shot.shown, wet=float(self.rng.uniform(0, 0.4))).palm_alone()

    def heart(self) -> Heart:
        return Heart.of(self.rng)

    def presented(
        self,
        specimen: Specimen,
        *,
        palm: DrawnPalm | None = None,
        shot: Shot | None = None,
        glow: Glow = _steady,
        heart: Heart | None = None,
        shining: Shining = _steady,
        lamp: Shining = _steady,
    ) -> Presented:
        """Shows a specimen to both cameras. `palm` is the one whose pose it has, the victim's
        unless another is given; `heart` is what beats beneath it, and `lamp` the brightness of the
        room's light in time."""
        palm, shot = palm or self.victim, shot or self.shot
        aside = self.rng.spawn(1)[0]
        seen = film(palm, specimen, shot, self.lights, self.rng, glow=glow)
        return Presented(
            seen,
            lambda: record(palm, specimen, shot, aside, heart, glow=shining, lamp=lamp),
            palm,
            specimen,
        )


Recipe: TypeAlias = Callable[[Staging], Presented]
"""Makes an instrument and presents it."""


def staging(seed: int, within: Circumstances, lights: Sequence[Light], what: str) -> Staging:
    """Returns what is at hand for one recipe against one person; always the same."""
    rng = np.random.default_rng([seed, *what.encode()])
    # An attacker may hold the instrument at any angle that helps.
    shot = replace(within, lean=2 * within.lean).shot(rng)
    return Staging(identity(seed, list(Side)[seed % 2]), shot, lights, rng)


def enrolment(seed: int, within: Circumstances) -> Film:
    """Returns the burst with which a person was enrolled, on another day than they are attacked."""
    rng = np.random.default_rng([seed, 8])
    return alive(identity(seed, list(Side)[seed % 2]), within.shot(rng), rng).film


def pictured(stolen: Stolen, onto: Specimen) -> Field:
    """Returns the (n, 3) photograph of the stolen palm at the places of another specimen, linear, 0
    to 1: both palms lie upon each other at their centres."""
    (x, y), (there_x, there_y) = onto.centre, stolen.victim.centre
    shift = np.array(((1, 0, there_x - x), (0, 1, there_y - y)))
    seen = cv2.warpAffine(
        stolen.photograph()[0],
        shift,
        onto.alpha.shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return array(seen)[onto.covered]


def lines(picture: Field, onto: Specimen, wide: float = 4.0) -> Field:
    """Returns the (n,) darkness of a photograph's lines, as factors of reflectance: shading wider
    than `wide` mm is removed."""
    lying = np.zeros((*onto.alpha.shape, 2), np.float32)
    lying[onto.covered, 0] = np.log(np.maximum(picture[:, 1], 0.01))
    lying[onto.covered, 1] = 1
    around = cv2.GaussianBlur(lying, (0, 0), wide * GRID)
    shade = around[..., 0] / np.maximum(around[..., 1], 1e-3)
    return array(np.exp((lying[..., 0] - shade)[onto.covered]))


def guessed_relief(factors: Field, onto: Specimen, depth: float) -> Field:
    """Returns the (n, 3) normals of a surface whose dark lines are taken for furrows: `depth` mm
    for a line of half the reflectance. The rest of its shape is that of `onto`."""
    height = np.zeros(onto.alpha.shape, np.float32)
    height[onto.covered] = depth * np.log2(np.clip(factors, 0.25, 1.5))
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=GRID / 8)[onto.covered]
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=GRID / 8)[onto.covered]
    normal = onto.facet + np.stack([-slope_x, slope_y, np.zeros_like(slope_x)], axis=1)
    return unit(normal)
