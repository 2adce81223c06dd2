"""What a colour that a camera sees in a room becomes under light of three narrow colours.

Two things of one colour in the room's light need not be so under the ring's: skin is coloured by
blood and melanin, a print by its inks, a cast by its pigments, and each absorbs otherwise between
the wavelengths where a camera looks. A material is three absorbers; how much of each there is
follows from its colour in the room.

Haemoglobin: Prahl, "Optical absorption of hemoglobin" (1999), saturated with oxygen. Melanin:
Jacques, "Skin optics" (1998). The camera, the ring's diodes, inks and pigments are bell and step
curves of typical centres and widths.

At 850 nm a handful of numbers does. Skin: Cooksey, Allen and Tsai, "Reference data set of human
skin reflectance" (J. Res. NIST 122, 2017), where forearms of all complexions lie near 0.6. Cyan,
magenta and yellow inks and toners let near infrared through, carbon black does not: Ziljak, Pap
and Ziljak, "CMYKIR security graphics separation in the infrared area" (2009). Red iron oxide
has a weak band there (Hunt, "Spectral signatures of particulate minerals", 1977). All are typical
values, none was measured here.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from drawn.anatomy import Field, array

Spectra = npt.NDArray[np.floating[Any]]
"""(3, 31) absorbance of three absorbers, 400 to 700 nm."""

_NM = np.arange(400.0, 701.0, 10.0)

_HAEMOGLOBIN = np.array([266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209, 26629, 23684,
    20932, 20035, 24202, 39957, 53236, 43016, 32613, 44496, 50104, 14400, 3200, 1506, 942, 610,
    442, 368, 320, 294, 277, 276, 290]) / 53236  # fmt: skip
"""Relative to its peak in the green."""


def _bell(centre: float, width: float) -> npt.NDArray[np.float64]:
    return np.exp(-0.5 * ((_NM - centre) / width) ** 2)


def _step(centre: float, width: float) -> npt.NDArray[np.float64]:
    """Absorbs what is shorter than `centre`."""
    return 1 / (1 + np.exp((_NM - centre) / width))


# What is absorbed most has been least far beneath the skin: hence the root.
SKIN = np.stack([np.ones_like(_NM), (_NM / 550) ** -3.33, _HAEMOGLOBIN**0.6])
"""Scattered away, melanin, blood."""
INK = np.stack([
    _bell(640, 48) + 0.12 * _bell(540, 60),
    _bell(545, 36) + 0.25 * _bell(440, 40),
    _bell(435, 38) + 0.04,
])  # fmt: skip
"""Cyan, magenta, yellow, on white paper."""
PIGMENT = np.stack([np.ones_like(_NM), _step(580, 18), _step(515, 16)])
"""Black, red oxide, ochre, in a white base."""
PLASTIC = np.stack([_bell(600, 55), np.ones_like(_NM), _step(500, 20)])
"""A dyed glove: blue dye, black, yellowed rubber."""

SKIN_850 = 0.58
DARK_850 = (0.2, 0.02, 0.16)
"""What a stain, a flush and a vein of one absorb there: creases have little melanin, veins hold
blood that gave its oxygen away."""
PAPER_850 = (0.75, 0.92)
"""Least and most, of plain and coated paper."""
CARBON_850 = (0.0, 0.35, 1.0)
"""How much of its visible density an image keeps: dye or coloured toner alone, some black under
the colours, black alone."""
PANEL_850 = (0.03, 0.4)
"""Of a dark screen: glass over metal to a liquid crystal display's white reflector, which its
polarisers hide in colour only. It shows no picture."""
SILICONE_850 = (0.35, 0.75)
"""Tinted silicone, from much iron oxide to little."""
SILICONE_KEEPS = (0.1, 0.7)
"""How much of their visible density painted lines keep."""
GLOVES_850 = (0.85, 0.7, 0.05, 0.75, 0.65)
"""White, nitrile blue, black, natural rubber, skin-coloured."""

_CAMERA = np.stack([_bell(455, 26), _bell(535, 38), _bell(605, 34)])
_DIODES = np.stack([_bell(462, 10), _bell(525, 15), _bell(625, 9)])


def _seen(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(3, bands) what blue, green and red of the camera weigh under a light, each adding to 1."""
    weights = _CAMERA * light
    return weights / weights.sum(axis=1, keepdims=True)


def crosstalk(rng: np.random.Generator | None = None) -> Field:
    """(3, 3) how much a diode's blue, green, red (rows) is seen as blue, green, red (columns),
    of a camera balanced to its white: of the average device, or of one of many."""
    seen = _DIODES @ _CAMERA.T
    if rng is not None:
        seen = seen * rng.lognormal(0, 0.03, 3) * rng.lognormal(0, 0.1, (3, 3)).clip(0.8, 1.25)
        seen[np.diag_indices(3)] = (_DIODES * _CAMERA).sum(1) * rng.lognormal(0, 0.02, 3)
    return array(seen / (_DIODES @ _CAMERA.T).sum(axis=0))


def under_diodes(colour: Field, material: Spectra, warmth: float = 0.0) -> Field:
    """(3,) by what blue, green and red reflectance change from a room's light, -1 cold to 1 warm,
    to the ring's, for a material that is (3,) `colour` in the room."""
    room = _seen(1 + 0.8 * warmth * (_NM - 550) / 150)
    amount = np.full(3, 0.3)
    goal = np.log(np.clip(colour, 0.01, 0.99).astype(np.float64))
    for _ in range(12):
        reflected = np.exp(-amount @ material)
        mean = room @ reflected
        slope = -((room * reflected) @ material.T) / mean[:, None]
        amount += np.clip(np.linalg.solve(slope, goal - np.log(mean)), -0.5, 0.5)
    reflected = np.exp(-amount @ material)
    return array((_seen_by_diode() @ reflected) / (room @ reflected))


def _seen_by_diode() -> npt.NDArray[np.float64]:
    weights = _CAMERA * _DIODES
    return weights / weights.sum(axis=1, keepdims=True)
