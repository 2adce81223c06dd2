"""Whether a palm that was held still in even light has a pulse: plethysmography by camera.

With every beat blood comes into the skin and takes a little more green light, some thousandths.
Light that flickers and a hand that moves change all colours alike, and are taken out by projecting
the colours on a plane where neither shows (POS: Wang, den Brinker, Stuijk and de Haan, "Algorithmic
principles of remote PPG", 2017). What is left must be rhythmic, and the same all over the palm.

A video of a living palm has a pulse as well: this judgement stands beside that of the light
challenge (`palm.liveness.judge`), never in its place.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.align import pixels_of, standard_pose
from palm.hand.landmarks import Hand
from palm.image import Colour

SECONDS = 4.0
"""How long a palm is recorded."""
FRAMES = 60
"""How many are recorded of it at least: a machine that is busy records for longer."""
_ENOUGH = 0.85
"""Share of either without which nothing is said."""
BEATS_AT_LEAST = 6.0
"""dB of `PulseVerdict.signal`, where what cells have in common counts as ALIKE says."""
ALIKE = 13.0
"""dB for each 1 of `PulseVerdict.alike`. Both numbers were chosen on 13 drawn people (seeds 35,000
to 35,012, in usual and in unusual circumstances): of 26 living recordings all but one have 8.0 dB
and more, 50 of casts, prints and gloves 4.4 at the most."""
ALIKE_AT_LEAST = 0.1
"""However strong the rhythm is: what beats in one place alone is no palm."""
PAUSE_AT_MOST = 0.6
"""Seconds between two frames beyond which it is no recording of one beat after another."""

Floats = npt.NDArray[np.float64]

_BAND = (0.7, 3.5)
"""Beats a second: 42 to 210 a minute."""
_ABOUT = 0.4
"""Hz by which four seconds blur a line of the spectrum."""
_RATE = 30.0
_WINDOW = 1.6
"""Seconds over which a colour's mean is taken."""
_CUT = 256
_STEADY = 0.25
"""Share of what a hand's landmarks moved that is followed at once: they jitter more than it."""
_GAMMA = 2.2


class NoRecording(ValueError):
    """Too short, or with too few frames, to say anything."""


class PulseRecorder:
    """Collects the means of a palm's cells, frame by frame, and nothing else of it."""

    def __init__(self, side: int) -> None:
        """`side` is how many cells there are a side."""
        self._side = side
        self._hand: Hand | None = None
        self.at: list[float] = []
        """Seconds."""
        self.cells: list[npt.NDArray[np.uint16]] = []
        """(side, side, 3) each, see `cells_of`."""

    def add(self, image: Colour, hand: Hand, at: float) -> None:
        before = self._hand or hand
        moved = hand.landmarks - before.landmarks
        self._hand = replace(hand, landmarks=before.landmarks + _STEADY * moved)
        self.at.append(at)
        self.cells.append(cells_of(image, self._hand, self._side))

    @property
    def progress(self) -> float:
        """0 to 1, when enough is recorded."""
        passed = self.at[-1] - self.at[0] if self.at else 0.0
        return min(passed / SECONDS, len(self.at) / FRAMES, 1.0)

    def wipe(self) -> None:
        for each in self.cells:
            each.fill(0)


def cells_of(image: Colour, hand: Hand, side: int) -> npt.NDArray[np.uint16]:
    """(side, side, 3) means of blue, green and red over the ROI's square, 256ths of a grey level;
    fingers up and thumb to the right."""
    to_frame, _ = standard_pose(hand)
    cut = cv2.warpAffine(
        image,
        to_frame @ pixels_of(_CUT),
        (_CUT, _CUT),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    mean = cv2.resize(cut.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    cut.fill(0)
    return np.asarray(mean * 256 + 0.5, np.uint16)


@dataclass(frozen=True, slots=True)
class PulseVerdict:
    beats: bool
    rate: float
    """Beats a minute, if any."""
    signal: float
    """Power about the beat and its first overtone over all other of the band, dB."""
    alike: float
    """Correlation of a cell's pulse with that of all others, mean over the palm, -1 to 1."""


def judge_pulse(at: Floats, cells: npt.NDArray[np.uint16]) -> PulseVerdict:
    """Judges (T, side, side, 3) cells recorded at (T,) seconds. Raises NoRecording."""
    pauses = np.diff(at)
    if len(at) < _ENOUGH * FRAMES or at[-1] - at[0] < _ENOUGH * SECONDS:
        raise NoRecording("a pulse takes some seconds, and frames enough")
    if pauses.min() <= 0 or pauses.max() > PAUSE_AT_MOST:
        raise NoRecording("a recording without gaps")
    spread = _pulses(_evenly(at, (cells.reshape(len(at), -1, 3) / 256 / 255) ** _GAMMA))
    spread = _in_band(spread)
    whole = spread.sum(axis=1)
    signal, rate = _rhythm(whole)
    alike = float(np.mean([_alike(cell, whole - cell) for cell in spread.T]))
    beats = alike >= ALIKE_AT_LEAST and signal + ALIKE * alike >= BEATS_AT_LEAST
    return PulseVerdict(beats=beats, rate=60 * rate, signal=signal, alike=alike)


def _evenly(at: Floats, light: Floats) -> Floats:
    """(T, cells, 3) at _RATE a second."""
    count = int((at[-1] - at[0]) * _RATE) + 1
    when = at[0] + np.arange(count) / _RATE
    flat = light.reshape(len(at), -1)
    even = np.stack([np.interp(when, at, column) for column in flat.T], axis=1)
    return even.reshape(count, -1, 3)


def _pulses(light: Floats) -> Floats:
    """(T, cells) by POS, with the one projection for all cells that the whole palm asks for."""
    length = round(_WINDOW * _RATE)
    pulses = np.zeros(light.shape[:2])
    for start in range(len(light) - length + 1):
        window = light[start : start + length]
        relative = window / np.maximum(window.mean(axis=0), 1e-4)
        blue, green, red = np.moveaxis(relative, 2, 0)
        one, other = green - blue, green + blue - 2 * red
        tuned = one.mean(axis=1).std() / max(float(other.mean(axis=1).std()), 1e-9)
        part = one + tuned * other
        pulses[start : start + length] += part - part.mean(axis=0)
    return pulses


def _in_band(signals: Floats) -> Floats:
    """(T, n) what of them lies in the band."""
    spectrum = np.fft.rfft(signals - signals.mean(axis=0), axis=0)
    pace = np.fft.rfftfreq(len(signals), 1 / _RATE)
    spectrum[(pace < _BAND[0] - _ABOUT / 2) | (pace > 2 * _BAND[1])] = 0
    return np.fft.irfft(spectrum, len(signals), axis=0)


def _rhythm(signal: Floats) -> tuple[float, float]:
    """How much of the power lies about the strongest pace of the band and its overtone, dB over
    the rest, and that pace in Hz (de Haan and Jeanne 2013)."""
    power = np.abs(np.fft.rfft(signal * np.hanning(len(signal)), 4096)) ** 2
    pace = np.fft.rfftfreq(4096, 1 / _RATE)
    within = (pace >= _BAND[0]) & (pace <= _BAND[1])
    beat = float(pace[within][power[within].argmax()])
    looked_at = (pace >= _BAND[0] - _ABOUT) & (pace <= 2 * _BAND[1])
    near = (np.abs(pace - beat) <= _ABOUT) | (np.abs(pace - 2 * beat) <= _ABOUT)
    mine, rest = power[looked_at & near].sum(), power[looked_at & ~near].sum()
    return float(10 * np.log10(max(mine, 1e-20) / max(rest, 1e-20))), beat


def _alike(one: Floats, other: Floats) -> float:
    return float(one @ other / max(np.linalg.norm(one) * np.linalg.norm(other), 1e-12))
