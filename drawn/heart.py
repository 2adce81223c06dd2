"""The pulse of a drawn hand, and a recording of it as the kiosk makes one.

With every beat the skin absorbs a little more light: most in green, less in blue and red as in the
spectrum of blood (de Haan and van Leest, "Improved motion robustness of remote-PPG by using the
blood volume pulse signature", 2014). Delay and strength vary over the palm.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from drawn.anatomy import Field, array
from drawn.burst import FRAME, Shot, detected, exposure
from drawn.identity import DrawnPalm
from drawn.lit import WHITE, Specimen, response_of
from drawn.noise import clouds
from drawn.presentation import show
from palm.liveness.pulse import SECONDS, PulseRecorder

SIGNATURE = array((0.69, 1.0, 0.43))
"""The pulse in blue, green and red, relative to green."""
SIDE = 4
"""The cells per side of a recording."""

_BREATH = 0.25
"""The breathing rate in Hz."""
_WIDE = 64


@dataclass(frozen=True, slots=True)
class Heart:
    """The pulse of one person, as it shows in the palm."""

    rate: float = 1.2
    """The heart rate in Hz."""
    depth: float = 0.005
    """The relative change of green light over a beat."""
    phase: float = 0.0
    lag: float = 0.06
    """The delay in seconds between the first and the last place of the palm."""
    patchy: float = 0.3
    """The deviation of the log of the strength over the palm."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Heart":
        return cls(
            rate=float(rng.uniform(0.9, 1.8)),
            depth=float(np.exp(rng.uniform(*np.log((0.002, 0.01))))),
            phase=float(rng.uniform(0, 2 * np.pi)),
            lag=float(rng.uniform(0.02, 0.1)),
            patchy=float(rng.uniform(0.1, 0.5)),
        )

    def __call__(self, at: float | Field) -> Field:
        """Returns the share of green light that remains at a time in seconds, 1 between beats. The
        wave rises fast, falls slowly and has a second peak."""
        turn = 2 * np.pi * self.rate * np.asarray(at) + self.phase
        turn = turn + 0.25 * np.sin(2 * np.pi * _BREATH * np.asarray(at))
        wave = np.sin(turn) + 0.35 * np.sin(2 * turn - 0.9)
        return array(1 - self.depth * (0.5 + wave / 2.4))


@dataclass(frozen=True, slots=True)
class Recording:
    """The recording of a palm that is held still, see `palm.liveness.pulse`."""

    at: npt.NDArray[np.float64]
    """(T,) time stamps in seconds."""
    cells: npt.NDArray[np.uint16]
    """(T, SIDE, SIDE, 3), see `palm.liveness.pulse.cells_of`."""


Shining = Callable[[float], float | Field]
"""The brightness of a self-luminous specimen at a time in seconds, as a multiple of its usual one;
(3,) where its colour changes."""


def record(
    palm: DrawnPalm,
    specimen: Specimen,
    shot: Shot,
    rng: np.random.Generator,
    heart: Heart | None,
    *,
    glow: Shining = lambda _: 1.0,
    lamp: Shining = lambda _: 1.0,
    rate: float = 20.0,
) -> Recording:
    """Records a specimen for SECONDS in plain white light, at `rate` frames per second.

    The hand sways slightly. `heart` is None for a specimen without a pulse. `lamp` is the
    brightness of the room's light.
    """
    response = response_of(specimen, palm.side, shot.shown, shot.room, FRAME)
    gain = exposure(response, shot.level)
    base, dull = response.under(WHITE, 0.0) * gain, specimen.glow * gain
    strength, lag = _spread(specimen, heart, rng) if heart else (array(0), array(0))
    recorder = PulseRecorder(SIDE)
    out = np.empty((*FRAME, 3), np.uint8)
    sway = rng.normal(0, 1, (4, 2)) * (0.4, 0.25)
    pace, start = rng.uniform(0.15, 1.2, 4), rng.uniform(0, 2 * np.pi, (4, 2))
    hum, beat = rng.uniform(0, 0.004), rng.uniform(0.2, 14.0)
    for k in range(round(SECONDS * rate) + 1):
        at = k / rate
        linear = base + dull * glow(at)
        if heart:
            kept = heart(at - lag)
            linear = linear * (1 - (1 - kept) * strength)[:, None] ** SIGNATURE
        # Mains lamps hum, and the room's light varies.
        level = hum * np.sin(2 * np.pi * beat * at) + rng.normal(0, shot.flicker / 4)
        linear = linear + response.room * gain * (level + lamp(at) - 1)
        turn = 2 * np.pi * pace[:, None] * at + start
        moved = (sway[:, 0] * np.sin(turn[:, 0]), sway[:, 1] * np.sin(turn[:, 1]))
        millimetre = shot.shown.span / 95.6
        here = replace(
            shot.shown,
            x=shot.shown.x + millimetre * float(moved[0].sum()),
            y=shot.shown.y + millimetre * float(moved[0].sum() * 0.6 + moved[1].sum()),
            span=shot.shown.span * (1 + 0.004 * float(moved[1].sum())),
            pitch=shot.shown.pitch + float(moved[1].sum()),
            yaw=shot.shown.yaw + float(moved[0].sum()),
        )
        drawing = show(palm, response.picture(array(linear), 1.0), here, rng, out)
        recorder.add(out, detected(drawing.hand, shot.jitter, rng), at)
    return Recording(np.array(recorder.at), np.array(recorder.cells))


def _spread(specimen: Specimen, heart: Heart, rng: np.random.Generator) -> tuple[Field, Field]:
    """Returns the (n,) strength of the pulse relative to its mean, and its (n,) delay in
    seconds."""
    columns, rows = (
        np.clip(specimen.at[:, k] / 3 + _WIDE / 2, 0, _WIDE - 1).astype(np.intp) for k in (0, 1)
    )
    maps = [clouds(rng, (_WIDE, _WIDE), wide, 2)[rows, columns] for wide in (6.0, 10.0)]
    late = np.clip(0.5 - specimen.at[:, 1] / 120 + 0.2 * maps[1], 0, 1)
    return array(np.exp(heart.patchy * maps[0])), array(heart.lag * late)
