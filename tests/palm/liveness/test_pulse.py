"""The pulse of a palm is found where there is one, and nowhere else."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from drawn.attack import Instrument, prepare_attack
from drawn.burst import Shot, challenge, played
from drawn.heart import Heart, Recording, record
from drawn.identity import identity
from drawn.lit import Specimen, living
from drawn.presentation import Presentation
from palm.hand.landmarks import Side
from palm.liveness.pulse import FRAMES, RATIO_AT_MOST, SECONDS, NoRecording, judge_pulse

pytestmark = pytest.mark.slow

SHOT = Shot(Presentation(span=0.45, y=0.55))
PALM = identity(3, Side.RIGHT)
HEART = Heart(rate=1.3, depth=0.006)
FEWEST = FRAMES / SECONDS
"""The fewest frames a second that a kiosk takes."""


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def hand() -> Specimen:
    return living(PALM, SHOT.shown).palm_alone()


@pytest.fixture(scope="module")
def beating(hand: Specimen) -> Recording:
    return record(PALM, hand, SHOT, rng(), HEART)


def traces(signal: npt.NDArray[np.float64], at: npt.NDArray[np.float64]) -> Recording:
    """Returns a recording with this (T, 3) signal in every cell, on grey 120 with a little
    noise."""
    noise = rng().normal(0, 0.05, (len(at), 4, 4, 3))
    cells = 120 * (1 + signal[:, None, None]) + noise
    return Recording(at, (cells * 256).astype(np.uint16))


def test_a_living_palm_has_the_pulse_of_its_heart(beating: Recording) -> None:
    verdict = judge_pulse(beating.at, beating.cells)
    assert verdict.beats
    assert abs(verdict.rate - 60 * HEART.rate) < 8


def test_a_hand_without_blood_has_no_pulse(hand: Specimen) -> None:
    still = record(PALM, hand, SHOT, rng(), None, rate=FEWEST)
    assert not judge_pulse(still.at, still.cells).beats


def test_a_print_has_no_pulse(hand: Specimen) -> None:
    lights = played(challenge(rng()))
    shown = prepare_attack(Instrument.CURVED_PRINT, PALM, SHOT, lights, rng()).recorded(rng())
    assert not judge_pulse(shown.at, shown.cells).beats


def test_a_film_of_a_palm_has_a_pulse() -> None:
    """It is the light challenge that a film does not pass."""
    lights = played(challenge(rng()))
    it = prepare_attack(Instrument.INJECTED, PALM, SHOT, lights, rng())
    shown = record(PALM, it.specimen, it.shot, rng(), HEART, rate=FEWEST)
    assert judge_pulse(shown.at, shown.cells).beats


def test_pulsing_light_is_no_pulse() -> None:
    at = np.arange(81) / 20
    lamp = 0.01 * np.sin(2 * np.pi * 1.2 * at)
    pulsing = traces(np.repeat(lamp[:, None], 3, axis=1), at)
    assert not judge_pulse(pulsing.at, pulsing.cells).beats


def test_a_lamp_that_beats_beside_the_ring_is_no_pulse() -> None:
    """It gives a print all that a pulse has but its colours: a warm lamp is weakest in blue."""
    at = np.arange(81) / 20
    beat = 0.02 * np.sin(2 * np.pi * 1.2 * at)[:, None]
    lit, bled = (traces(beat * colours, at) for colours in ((0.84, 1.0, 0.7), (0.69, 1.0, 0.43)))
    assert judge_pulse(bled.at, bled.cells).beats
    verdict = judge_pulse(lit.at, lit.cells)
    assert verdict.ratio > RATIO_AT_MOST
    assert not verdict.beats


def test_a_pulse_in_one_corner_only_is_refused() -> None:
    at = np.arange(81) / 20
    signal = 0.02 * np.sin(2 * np.pi * 1.2 * at)[:, None] * (0.69, 1.0, 0.43)
    everywhere, nowhere = traces(signal, at), traces(0 * signal, at)
    assert judge_pulse(everywhere.at, everywhere.cells).beats
    nowhere.cells[:, 0, 0] = everywhere.cells[:, 0, 0]
    assert not judge_pulse(nowhere.at, nowhere.cells).beats


def test_a_recording_too_short_or_with_gaps_cannot_be_judged(beating: Recording) -> None:
    for some in (slice(40), slice(None, None, 4), np.r_[:30, 50:81]):
        with pytest.raises(NoRecording):
            judge_pulse(beating.at[some], beating.cells[some])


def test_a_faster_camera_gives_the_same_verdict(hand: Specimen) -> None:
    fast = record(PALM, hand, SHOT, rng(), replace(HEART, rate=1.0), rate=30)
    verdict = judge_pulse(fast.at, fast.cells)
    assert verdict.beats
    assert abs(verdict.rate - 60) < 8
