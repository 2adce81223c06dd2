"""Judges whether a palm that was held still in even light has a pulse (camera plethysmography).

With every beat more blood enters the skin, which then reflects a few thousandths less green light.
Flickering light and a moving hand change all colours alike; they are removed by projecting the
colours on a plane in which neither shows (POS: Wang, den Brinker, Stuijk and de Haan, "Algorithmic
principles of remote PPG", 2017). What is left must be rhythmic, alike all over the palm, and in the
colours in which blood beats: mostly in green, less in blue, least in red (de Haan and van Leest,
"Improved motion robustness of remote-PPG by using the blood volume pulse signature", 2014). A lamp
that beats in a room, to give a print a pulse, changes all colours nearly alike.

A video of a living palm has a pulse as well. So this judgement is made in addition to the light
challenge (`palm.liveness.judge`), never in place of it.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.align import pixels_of, standard_pose
from palm.hand.landmarks import Hand
from palm.image import Colour

SECONDS = 4.0
"""The duration of a recording, in seconds."""
FRAMES = 60
"""The fewest frames of a full recording; a busy machine records for longer."""
_ENOUGH = 0.85
"""The share of SECONDS and of FRAMES that a recording needs to be judged."""
BEATS_AT_LEAST = 6.0
"""The threshold in dB for `PulseVerdict.signal` plus ALIKE_WEIGHT times `PulseVerdict.alike`."""
ALIKE_WEIGHT = 13.0
"""The dB that 1.0 of `PulseVerdict.alike` adds. This and BEATS_AT_LEAST were chosen on 13 drawn
people (seeds 35,000 to 35,012, in usual and in unusual circumstances): of 26 living recordings all
but one reach 8.0 dB and more, 50 of casts, prints and gloves 4.4 dB at the most."""
ALIKE_AT_LEAST = 0.1
"""The least `PulseVerdict.alike`, however strong the rhythm. What beats in one place only is not a
palm."""
RATIO_AT_MOST = 0.7
"""The highest `PulseVerdict.ratio` of blood. It is 0.56 in the spectrum of blood, and 0.71 at most
in 21 drawn living recordings with a pulse; white lamps beside the ring have 0.72 to 0.89
(docs/liveness.md). There is no least one, so what beats in green alone is not refused."""
PAUSE_AT_MOST = 0.6
"""The longest time between two frames of a recording, in seconds."""

Floats = npt.NDArray[np.float64]

_BAND = (0.7, 3.5)
"""The range of heart rates in Hz: 42 to 210 beats per minute."""
_LINE_WIDTH = 0.4
"""The width in Hz of a spectral line in a recording of four seconds."""
_RATE = 30.0
_WINDOW = 1.6
"""The window in seconds over which a colour's mean is taken."""
_PATCH = 256
_STEADY = 0.25
"""The share of the landmarks' movement that the recorder follows in each frame. Landmarks jitter
more than a steady hand moves."""
_GAMMA = 2.2


class NoRecording(ValueError):
    """The recording is too short, has too few frames or has a gap, so that it cannot be judged."""


class PulseRecorder:
    """Records the mean colours of a palm's cells frame by frame, and nothing else of the palm."""

    def __init__(self, side: int) -> None:
        """`side` is the number of cells per side."""
        self._side = side
        self._hand: Hand | None = None
        self.at: list[float] = []
        """The time stamps in seconds."""
        self.cells: list[npt.NDArray[np.uint16]] = []
        """The cells of each frame, (side, side, 3), see `cells_of`."""

    def add(self, image: Colour, hand: Hand, at: float) -> None:
        before = self._hand or hand
        moved = hand.landmarks - before.landmarks
        self._hand = replace(hand, landmarks=before.landmarks + _STEADY * moved)
        self.at.append(at)
        self.cells.append(cells_of(image, self._hand, self._side))

    @property
    def progress(self) -> float:
        """The share of a full recording that has been made, 0 to 1."""
        passed = self.at[-1] - self.at[0] if self.at else 0.0
        return min(passed / SECONDS, len(self.at) / FRAMES, 1.0)

    def wipe(self) -> None:
        for each in self.cells:
            each.fill(0)


def cells_of(image: Colour, hand: Hand, side: int) -> npt.NDArray[np.uint16]:
    """Returns the (side, side, 3) means of blue, green and red over the ROI, in 1/256 of a grey
    level, with the fingers up and the thumb to the right."""
    to_frame, _ = standard_pose(hand)
    cut = cv2.warpAffine(
        image,
        to_frame @ pixels_of(_PATCH),
        (_PATCH, _PATCH),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    mean = cv2.resize(cut.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    cut.fill(0)
    return np.asarray(mean * 256 + 0.5, np.uint16)


@dataclass(frozen=True, slots=True)
class PulseVerdict:
    """The judgement of a recording; `beats` tells whether it shows a pulse."""

    beats: bool
    rate: float
    """The strongest rhythm, in beats per minute."""
    signal: float
    """The power around the beat and its first overtone over the rest of the band, in dB."""
    alike: float
    """The correlation of a cell's pulse with that of all other cells, averaged over the palm, -1 to
    1."""
    ratio: float
    """The mean of the beat in blue and in red over that in green, each relative to the colour's
    level: 0.56 in blood, near 1 in a lamp."""


def judge_pulse(at: Floats, cells: npt.NDArray[np.uint16]) -> PulseVerdict:
    """Judges (T, side, side, 3) cells recorded at (T,) seconds.

    Raises NoRecording.
    """
    pauses = np.diff(at)
    if len(at) < _ENOUGH * FRAMES or at[-1] - at[0] < _ENOUGH * SECONDS:
        raise NoRecording("a pulse takes some seconds, and frames enough")
    if pauses.min() <= 0 or pauses.max() > PAUSE_AT_MOST:
        raise NoRecording("a recording without gaps")
    light = _resampled(at, (cells.reshape(len(at), -1, 3) / 256 / 255) ** _GAMMA)
    spread = _in_band(_pulses(light))
    whole = spread.sum(axis=1)
    signal, rate = _rhythm(whole)
    alike = float(np.mean([_correlation(cell, whole - cell) for cell in spread.T]))
    ratio = _ratio(light.mean(axis=1), whole, rate)
    rhythmic = alike >= ALIKE_AT_LEAST and signal + ALIKE_WEIGHT * alike >= BEATS_AT_LEAST
    beats = rhythmic and ratio <= RATIO_AT_MOST
    return PulseVerdict(beats=beats, rate=60 * rate, signal=signal, alike=alike, ratio=ratio)


def _resampled(at: Floats, light: Floats) -> Floats:
    """Returns (T, cells, 3) resampled to _RATE per second."""
    count = int((at[-1] - at[0]) * _RATE) + 1
    when = at[0] + np.arange(count) / _RATE
    flat = light.reshape(len(at), -1)
    even = np.stack([np.interp(when, at, column) for column in flat.T], axis=1)
    return even.reshape(count, -1, 3)


def _pulses(light: Floats) -> Floats:
    """Returns the (T, cells) pulse signals by POS. One projection, tuned on the whole palm, is used
    for all cells."""
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
    """Returns the part of the (T, n) signals that lies in the band."""
    spectrum = np.fft.rfft(signals - signals.mean(axis=0), axis=0)
    pace = np.fft.rfftfreq(len(signals), 1 / _RATE)
    spectrum[(pace < _BAND[0] - _LINE_WIDTH / 2) | (pace > 2 * _BAND[1])] = 0
    return np.fft.irfft(spectrum, len(signals), axis=0)


def _rhythm(signal: Floats) -> tuple[float, float]:
    """Returns the power around the strongest frequency of the band and its overtone over the rest,
    in dB, and that frequency in Hz (de Haan and Jeanne 2013)."""
    power = np.abs(np.fft.rfft(signal * np.hanning(len(signal)), 4096)) ** 2
    pace = np.fft.rfftfreq(4096, 1 / _RATE)
    within = (pace >= _BAND[0]) & (pace <= _BAND[1])
    beat = float(pace[within][power[within].argmax()])
    looked_at = (pace >= _BAND[0] - _LINE_WIDTH) & (pace <= 2 * _BAND[1])
    near = (np.abs(pace - beat) <= _LINE_WIDTH) | (np.abs(pace - 2 * beat) <= _LINE_WIDTH)
    mine, rest = power[looked_at & near].sum(), power[looked_at & ~near].sum()
    return float(10 * np.log10(max(mine, 1e-20) / max(rest, 1e-20))), beat


def _ratio(light: Floats, pulse: Floats, beat: float) -> float:
    """Returns `PulseVerdict.ratio` of (T, 3) blue, green and red with a (T,) pulse of `beat` Hz:
    what each colour has in common with the pulse, in time with the beat."""
    relative = _in_band(light / np.maximum(light.mean(axis=0), 1e-4))
    window = np.hanning(len(pulse))
    near = np.abs(np.fft.rfftfreq(4096, 1 / _RATE) - beat) <= _LINE_WIDTH / 2
    colours = np.fft.rfft(relative * window[:, None], 4096, axis=0)[near]
    blue, green, red = (colours.T @ np.fft.rfft(pulse * window, 4096)[near].conj()).real
    return float((blue + red) / 2 / max(green, 1e-20))


def _correlation(one: Floats, other: Floats) -> float:
    return float(one @ other / max(np.linalg.norm(one) * np.linalg.norm(other), 1e-12))
