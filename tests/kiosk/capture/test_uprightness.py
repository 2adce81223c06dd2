"""A hand that is shown as asked tells how the camera is mounted."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from drawn import Presentation
from hardware.camera import Mounting
from kiosk.capture.uprightness import AGREE, Uprightness, correction_for
from palm.hand.find import HandFinder
from palm.hand.landmarks import Shown, Side
from palm.hand.observation import Observation
from palm.hand.observe import observe
from palm.image import Colour
from palm.models import ModelMissing
from tests.support.posed import GOOD, NOBODY, drawn, hand

MOUNTINGS = [Mounting(*each) for each in product((0, 90, 180, 270), (False, True))]


@pytest.fixture(scope="module")
def finder() -> HandFinder:
    try:
        return HandFinder()
    except ModelMissing as missing:
        pytest.skip(str(missing))


def mounted(picture: Colour, mounting: Mounting) -> Colour:
    """Returns what a camera that needs this mounting delivers of a scene."""
    back = np.rot90(picture, mounting.rotate // 90)
    return np.ascontiguousarray(back[:, ::-1] if mounting.mirror else back)


@pytest.mark.slow
@pytest.mark.parametrize("mounting", MOUNTINGS, ids=str)
def test_a_right_palm_with_its_fingers_up_tells_every_mounting(
    finder: HandFinder, mounting: Mounting
) -> None:
    picture = drawn(Presentation(span=0.3), side=Side.RIGHT)[:, 280:1000]
    delivered = mounted(picture, mounting)
    seen = observe(delivered, finder.find(delivered), 0.0, None)
    assert correction_for(seen) == mounting


@pytest.mark.parametrize(
    "seen",
    [
        NOBODY,
        Observation(at=0.0, hands=2),
        replace(GOOD, turn=45.0),
        replace(GOOD, turn=180.0, openness=0.3),
        replace(GOOD, turn=180.0, hand=hand(shown=Shown.BACK)),
        replace(GOOD, turn=180.0, hand=hand(shown=Shown.FIST)),
    ],
)
def test_what_is_not_shown_as_asked_tells_nothing(seen: Observation) -> None:
    assert correction_for(seen) is None


@pytest.mark.parametrize(
    ("turn", "side", "needs"),
    [
        (8.0, Side.RIGHT, Mounting()),
        (-172.0, Side.RIGHT, Mounting(180)),
        (174.0, Side.RIGHT, Mounting(180)),
        (95.0, Side.RIGHT, Mounting(270)),
        (-80.0, Side.RIGHT, Mounting(90)),
        (0.0, Side.LEFT, Mounting(0, True)),
        (180.0, Side.LEFT, Mounting(180, True)),
        (90.0, Side.LEFT, Mounting(90, True)),
    ],
)
def test_the_hands_turn_and_side_tell_what_the_picture_needs(
    turn: float, side: Side, needs: Mounting
) -> None:
    assert correction_for(replace(GOOD, turn=turn, hand=hand(side))) == needs


def test_one_odd_observation_tells_nothing_and_the_last_word_stays() -> None:
    uprightness = Uprightness()
    over = replace(GOOD, turn=180.0)
    for seen in [over] * (AGREE - 1) + [GOOD] + [over] * (AGREE - 1):
        uprightness.see(seen)
        assert uprightness.correction is None
    uprightness.see(over)
    assert uprightness.correction == Mounting(180)
    for _ in range(2 * AGREE):
        uprightness.see(NOBODY)
    assert uprightness.correction == Mounting(180)
    for _ in range(AGREE):
        uprightness.see(GOOD)
    assert uprightness.correction == Mounting()
