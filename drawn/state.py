"""The state of a hand's skin on one day: dry, wet, warm, cold, or dirty.

A state changes the sheets of skin (`drawn.skin`) before anything is drawn of them, and may lay a
coat over them: scale, water, or dirt. Skin without a state is drawn as if this module were not
there.

- Dry skin sheds scale, which scatters light of all colours at the surface: it is whiter and matt,
  most along its lines, which are fainter so (Jiang and DeLaCruz, "Appearance benefits of skin
  moisturization", Skin Research and Technology 17, 2011).
- A film of water sends part of the scattered light back into the skin, so wet skin is darker
  (Lekner and Dorf, "Why some things are darker when wet", Applied Optics 27, 1988). It fills the
  furrows and mirrors light, and drops stand on it.
- Warm skin holds up to ten times the blood of cool skin, and cold skin hardly any (Charkoudian,
  "Skin blood flow in adult human thermoregulation", Mayo Clinic Proceedings 78, 2003). The blood
  that stays in the cold has given off its oxygen, and absorbs red light several times as much
  (Prahl, "Optical absorption of hemoglobin", 1999): cold skin is pale and bluish.
- Grease with soot is dark in all light; the dye of a pen is not seen in near infrared (see
  `drawn.spectra`); flour scatters all light.

How much of each there is on a hand is not measured; these are hands of which a shopper would say
so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from drawn.anatomy import Field, array
from drawn.noise import clouds
from drawn.skin import SCALE, Sheet, Tone


class State(StrEnum):
    DRY = "dry"
    WET = "wet"
    WARM = "warm"
    COLD = "cold"
    GREASY = "greasy"
    """With smudges of used grease, as of a bicycle's chain."""
    INKED = "inked"
    """With lines of a pen."""
    FLOURED = "floured"


@dataclass(frozen=True, slots=True)
class Coat:
    """What lies on the skin. Its share of each place is in the sheets."""

    colour: Field | None
    """(3,) linear blue, green, red; None for clear water."""
    infrared: float
    """The reflectance at 850 nm; of no account for water."""

    def over(self, skin: Field, share: Field) -> Field:
        """Returns (n, channels) reflectance of skin that is covered by `share`, (n,)."""
        covered = _wetted(skin) if self.colour is None else self.colour
        return array(skin + share[:, None] * (covered - skin))

    def over_infrared(self, skin: Field, share: Field) -> Field:
        """Returns (n,) reflectance at 850 nm, as `over`."""
        covered = _wetted(skin) if self.colour is None else self.infrared
        return array(skin + share * (covered - skin))


_ENTERS = 0.98
"""The share of light that enters water from above (Fresnel, at a refractive index of 1.33)."""
_TURNED_BACK = 0.48
"""The share of diffuse light that water turns back from below."""
_BARE_TURNS_BACK = 0.5
"""The share of that loss that bare skin has by itself: it is smooth and moist beneath its scale."""


def _wetted(skin: Field) -> Field:
    """Returns the reflectance of skin beneath a film of water."""
    wet = _ENTERS * (1 - _TURNED_BACK) * skin / (1 - _TURNED_BACK * skin)
    return array(_BARE_TURNS_BACK * skin + (1 - _BARE_TURNS_BACK) * wet)


Change = Callable[[Sheet, np.random.Generator, float], Sheet]
"""Returns a sheet of so many pixels per mm in a state."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one state is drawn."""

    change: Change
    wet: float
    """How much the skin shines, as in `drawn.lit.living`: 0 is dry, 1 wet."""
    coat: Coat | None = None
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The absorbance that is added in blue, green and red."""


def worn(sheet: Sheet, state: State, rng: np.random.Generator, scale: float = SCALE) -> Sheet:
    """Returns a sheet of skin, of `scale` pixels per mm, in a state."""
    return _KINDS[state].change(sheet, rng, scale)


def toned(tone: Tone, state: State) -> Tone:
    """Returns the colours of a person's skin in a state."""
    let_through = array(np.exp(-array(_KINDS[state].tint)))
    return replace(tone, palmar=tone.palmar * let_through, dorsal=tone.dorsal * let_through)


def coat(state: State) -> Coat | None:
    return _KINDS[state].coat


def shine(state: State) -> float:
    """Returns how much skin shines, as `wet` in `drawn.lit.living`."""
    return _KINDS[state].wet


def _dry(sheet: Sheet, rng: np.random.Generator, scale: float) -> Sheet:
    shape = sheet.relief.shape
    lines = array(cv2.GaussianBlur(array(np.clip(sheet.stain, 0, 1)), (0, 0), 0.25 * scale))
    flakes = np.clip(clouds(rng, shape, 1.4 * scale, 2) - 0.4, 0, 1)
    where = np.clip(0.7 + 0.5 * clouds(rng, shape, 22 * scale), 0.1, 1.3)
    share = where * (0.10 + 0.45 * lines + 0.35 * flakes)
    rough = 0.02 * clouds(rng, shape, 0.5 * scale, 2)
    return replace(sheet, relief=array(sheet.relief + rough), coat=array(np.clip(share, 0, 0.75)))


def _wet(sheet: Sheet, rng: np.random.Generator, scale: float) -> Sheet:
    shape = sheet.relief.shape
    film = array(np.clip(0.55 + 0.45 * clouds(rng, shape, 14 * scale, 2), 0, 1))
    drops = np.zeros(shape, np.float32)
    high, wide = shape
    for _ in range(rng.poisson(high * wide / scale**2 / 90)):
        radius = float(np.clip(rng.lognormal(-0.1, 0.5), 0.4, 2.6)) * scale
        x, y = rng.uniform(0, wide), rng.uniform(0, high)
        left, top = (max(int(at - radius), 0) for at in (x, y))
        patch = drops[top : int(y + radius) + 1, left : int(x + radius) + 1]
        rows, columns = np.ogrid[: patch.shape[0], : patch.shape[1]]
        off = ((columns + left - x) ** 2 + (rows + top - y) ** 2) / radius**2
        # A cap as flat as drops on skin are, about a quarter of its radius high.
        np.maximum(patch, array(0.25 * radius / scale * np.clip(1 - off, 0, None)), out=patch)
    share = np.maximum(film, drops > 0)
    relief = sheet.relief * (1 - 0.5 * film) + drops
    return replace(sheet, relief=array(relief), coat=array(share))


def _perfused(blood: float, vein: float) -> Change:
    """Returns the change to more or less blood in the skin, and fuller or thinner veins."""

    def change(sheet: Sheet, rng: np.random.Generator, scale: float) -> Sheet:
        mottled = 0.15 * clouds(rng, sheet.blood.shape, 8 * scale, 2)
        return replace(
            sheet,
            blood=array(sheet.blood + blood * (1 + mottled)),
            vein=array(np.clip(vein * sheet.vein, 0, 1)),
        )

    return change


def _smudged(sheet: Sheet, rng: np.random.Generator, scale: float) -> Sheet:
    """Returns a sheet with smears that a dirty thing left where it was gripped; most stays in the
    lines."""
    shape = sheet.relief.shape
    smears = _strokes(rng, shape, scale, per_1000_mm2=0.9, width=(4.0, 11.0), length=(8.0, 40.0))
    smears = array(cv2.GaussianBlur(smears, (0, 0), 1.3 * scale))
    uneven = np.clip(0.75 + 0.35 * clouds(rng, shape, 2.5 * scale, 3), 0.1, 1.2)
    share = smears * uneven * (0.5 + 0.4 * np.clip(sheet.stain, 0, 1))
    return replace(sheet, coat=array(np.clip(share, 0, 0.9)))


def _written(sheet: Sheet, rng: np.random.Generator, scale: float) -> Sheet:
    strokes = _strokes(
        rng, sheet.relief.shape, scale, per_1000_mm2=0.9, width=(0.45, 0.8), length=(5.0, 22.0)
    )
    strokes = array(cv2.GaussianBlur(strokes, (0, 0), 0.15 * scale))
    return replace(sheet, coat=array(0.75 * strokes))


def _powdered(sheet: Sheet, rng: np.random.Generator, scale: float) -> Sheet:
    shape = sheet.relief.shape
    where = np.clip(0.55 + 0.6 * clouds(rng, shape, 12 * scale, 2), 0, 1)
    grains = np.clip(0.6 + 0.4 * clouds(rng, shape, 0.8 * scale, 2), 0, 1.2)
    return replace(sheet, coat=array(np.clip(0.7 * where * grains, 0, 0.9)))


def _strokes(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    scale: float,
    *,
    per_1000_mm2: float,
    width: tuple[float, float],
    length: tuple[float, float],
) -> Field:
    """Returns strokes of so many mm, 0 or 1."""
    high, wide = shape
    drawn = np.zeros((high, wide), np.uint8)
    for _ in range(rng.poisson(per_1000_mm2 * high * wide / scale**2 / 1000)):
        turn = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.35, 6))
        step = rng.uniform(*length) / 6 * scale
        steps = np.stack((np.cos(turn), np.sin(turn)), axis=1) * step
        at = rng.uniform((0, 0), (wide, high)) + np.cumsum(steps, axis=0)
        thick = max(round(float(rng.uniform(*width)) * scale), 1)
        cv2.polylines(drawn, [np.round(at).astype(np.int32)], False, 255, thick, cv2.LINE_AA)
    return array(drawn) / 255


_KINDS: Mapping[State, _Kind] = {
    State.DRY: _Kind(_dry, 0.0, Coat(array((0.58, 0.62, 0.68)), 0.72)),
    State.WET: _Kind(_wet, 0.9, Coat(None, 0.0)),
    State.WARM: _Kind(_perfused(0.9, 1.6), 0.5),
    State.COLD: _Kind(_perfused(-0.9, 0.4), 0.05, tint=(0.0, 0.10, 0.12)),
    State.GREASY: _Kind(_smudged, 0.5, Coat(array((0.025, 0.03, 0.04)), 0.08)),
    State.INKED: _Kind(_written, 0.2, Coat(array((0.30, 0.06, 0.04)), 0.55)),
    State.FLOURED: _Kind(_powdered, 0.0, Coat(array((0.78, 0.84, 0.86)), 0.85)),
}
