"""Near infrared against colour: skin is bright there and keeps its lines, and hardly any attack
does both."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from drawn.attack import Instrument, attack
from drawn.burst import Film, Shot, challenge, film, played
from drawn.identity import identity
from drawn.lit import living
from drawn.presentation import Presentation
from palm.hand.landmarks import Side
from palm.liveness import InfraredVerdict, Still, judge_infrared

pytestmark = pytest.mark.slow

SHOT = Shot(Presentation(span=0.45, y=0.55, blur=0.3))
PLAYED = played(challenge(np.random.default_rng(1)))
LIGHT_SKIN, DARK_SKIN = 3, 4
SHOWN_IN_COLOUR_ALONE = [Instrument.PHONE, Instrument.TABLET, Instrument.ECHO]


def rng(seed: int = 2) -> np.random.Generator:
    return np.random.default_rng(seed)


@cache
def hand(seed: int) -> Film:
    palm = identity(seed, Side.RIGHT)
    return film(palm, living(palm, SHOT.shown).palm_alone(), SHOT, PLAYED, rng())


@cache
def imitation(instrument: Instrument, seed: int) -> Film:
    return attack(instrument, identity(LIGHT_SKIN, Side.RIGHT), SHOT, PLAYED, rng(seed))


def judged(colour: Film, infrared: Sequence[Still]) -> InfraredVerdict:
    white = colour.lit[1]
    return judge_infrared(Still(white.image, white.hand), infrared)


@pytest.fixture(scope="module")
def alive() -> Film:
    return hand(LIGHT_SKIN)


def test_a_living_palm_passes(alive: Film) -> None:
    assert judged(alive, alive.infrared).live


def test_a_living_palm_of_dark_skin_passes_and_is_as_bright(alive: Film) -> None:
    dark = hand(DARK_SKIN)
    verdict = judged(dark, dark.infrared)
    assert verdict.live
    assert abs(verdict.cues.bright - judged(alive, alive.infrared).cues.bright) < 0.25


@pytest.mark.parametrize("instrument", [i for i in Instrument if i is not Instrument.INJECTED])
def test_attack_instruments_fail(instrument: Instrument) -> None:
    shown = imitation(instrument, 2)
    assert not judged(shown, shown.infrared).live


@pytest.mark.parametrize("instrument", SHOWN_IN_COLOUR_ALONE)
def test_a_screen_shows_no_lines_in_near_infrared(instrument: Instrument) -> None:
    shown = imitation(instrument, 2)
    assert judged(shown, shown.infrared).cues.alike < 0.3


def test_dye_vanishes_and_carbon_stays() -> None:
    prints = [imitation(Instrument.MATT_PRINT, seed) for seed in range(6)]
    kept = [judged(each, each.infrared).cues.kept for each in prints]
    assert min(kept) < 0.1
    assert max(kept) > 0.5


def test_the_lines_of_another_palm_do_not_agree(alive: Film) -> None:
    """An attack with a picture for one camera and the attacker's own hand for the other."""
    own = hand(DARK_SKIN)
    assert judged(alive, own.infrared).cues.alike < 0.5 < judged(alive, alive.infrared).cues.alike


def test_a_recording_of_a_hand_passes_in_near_infrared() -> None:
    """So near infrared is judged in addition to the light, and not in place of it."""
    shown = imitation(Instrument.INJECTED, 2)
    assert judged(shown, shown.infrared).live
