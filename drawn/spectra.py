"""Predicts how colours seen in a room's light change under the ring's diodes, and at 850 nm.

Two materials of equal colour in the room need not look equal under the ring. Skin is coloured by
blood and melanin, a print by inks, a cast by pigments, and they absorb differently at the
wavelengths between. A material here has three absorbers, whose amounts follow from its colour in
the room.

Haemoglobin is from Prahl, "Optical absorption of hemoglobin" (1999), saturated with oxygen; melanin
from Jacques, "Skin optics" (1998). The camera, the ring's diodes, inks and pigments are bell and
step curves of typical centres and widths.

At 850 nm a few constants suffice. Skin: Cooksey, Allen and Tsai, "Reference data set of human skin
reflectance" (J. Res. NIST 122, 2017), where forearms of all complexions lie near 0.6. Cyan, magenta
and yellow inks and toners transmit near infrared, carbon black does not: Ziljak, Pap and Ziljak,
"CMYKIR security graphics separation in the infrared area" (2009). Red iron oxide has a weak band
there (Hunt, "Spectral signatures of particulate minerals", 1977). All are typical values; none was
measured here.
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
"""Relative to the peak in green."""


def _bell(centre: float, width: float) -> npt.NDArray[np.float64]:
    return np.exp(-0.5 * ((_NM - centre) / width) ** 2)


def _step(centre: float, width: float) -> npt.NDArray[np.float64]:
    """Returns a curve that absorbs below `centre`."""
    return 1 / (1 + np.exp((_NM - centre) / width))


# The root: light that is absorbed most has travelled least beneath the skin.
SKIN = np.stack([np.ones_like(_NM), (_NM / 550) ** -3.33, _HAEMOGLOBIN**0.6])
"""Scattering loss, melanin, blood."""
INK = np.stack([
    _bell(640, 48) + 0.12 * _bell(540, 60),
    _bell(545, 36) + 0.25 * _bell(440, 40),
    _bell(435, 38) + 0.04,
])  # fmt: skip
"""Cyan, magenta, yellow, on white paper."""
PIGMENT = np.stack([np.ones_like(_NM), _step(580, 18), _step(515, 16)])
"""Black, red oxide, ochre, in a white base."""
PLASTIC = np.stack([_bell(600, 55), np.ones_like(_NM), _step(500, 20)])
"""The absorbers of a dyed glove: blue dye, black, yellowed rubber."""

SKIN_850 = 0.58
DARK_850 = (0.2, 0.02, 0.16)
"""The absorbance of a stain, a flush and a vein of 1 at 850 nm. Creases have little melanin; veins
hold blood without oxygen."""
PAPER_850 = (0.75, 0.92)
"""The range of reflectance from plain to coated paper."""
CARBON_850 = (0.0, 0.35, 1.0)
"""The share of its visible density that a print keeps: dye or coloured toner only, some black under
the colours, black only."""
PANEL_850 = (0.03, 0.4)
"""The range of a dark screen, from glass over metal to the white reflector of a liquid crystal
display, whose polarisers act on visible light only. It shows no picture."""
SILICONE_850 = (0.35, 0.75)
"""The range of tinted silicone, from much iron oxide to little."""
SILICONE_KEEPS = (0.1, 0.7)
"""The range of the share of visible density that painted lines keep."""
GLOVES_850 = (0.85, 0.7, 0.05, 0.75, 0.65)
"""White, nitrile blue, black, natural rubber, skin-coloured."""

_CAMERA = np.stack([_bell(455, 26), _bell(535, 38), _bell(605, 34)])
_DIODES = np.stack([_bell(462, 10), _bell(525, 15), _bell(625, 9)])


def _seen(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the (3, bands) weights of the camera's blue, green and red under a light; each row
    adds up to 1."""
    weights = _CAMERA * light
    return weights / weights.sum(axis=1, keepdims=True)


def crosstalk(rng: np.random.Generator | None = None) -> Field:
    """Returns how a diode's blue, green, red (rows) are seen as blue, green, red (columns), (3, 3),
    with the camera's white balance set to the ring's white.

    Without `rng` the device is average, with it random.
    """
    seen = _DIODES @ _CAMERA.T
    if rng is not None:
        seen = seen * rng.lognormal(0, 0.03, 3) * rng.lognormal(0, 0.1, (3, 3)).clip(0.8, 1.25)
        seen[np.diag_indices(3)] = (_DIODES * _CAMERA).sum(1) * rng.lognormal(0, 0.02, 3)
    return array(seen / (_DIODES @ _CAMERA.T).sum(axis=0))


def under_diodes(colour: Field, material: Spectra, warmth: float = 0.0) -> Field:
    """Returns the (3,) factors by which blue, green and red reflectance change from a room's light
    to the ring's.

    `warmth` is -1 (cold) to 1 (warm); `colour` is (3,), the material's colour in the room. The
    amounts of the absorbers are found by Newton's method.
    """
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
