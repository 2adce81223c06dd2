"""The states of skin look as their physics says, and skin without one as before."""

from dataclasses import fields

import cv2
import numpy as np
import pytest

from drawn import skin
from drawn.anatomy import Field
from drawn.identity import DrawnPalm, identity
from drawn.skin import Sheet
from drawn.sprite import Skin, albedo
from drawn.state import State, coat, shine, worn
from palm.hand.landmarks import Side
from tests.support.posed import drawn

BLUE, GREEN, RED = range(3)


@pytest.fixture(scope="module")
def bare() -> Sheet:
    """Returns a palm at a millimetre a pixel."""
    return skin.palm(np.random.default_rng(1), identity(4, Side.LEFT).build, 1.0)


def laid(bare: Sheet, state: State | None) -> tuple[DrawnPalm, Sheet, Field]:
    """Returns somebody in a state, their palm, and its (n, 3) reflectance."""
    palm = identity(4, Side.LEFT, state)
    sheet = bare if state is None else worn(bare, state, np.random.default_rng(2), 1.0)
    shape = sheet.relief.shape
    on = Skin(
        sheet.relief, sheet.stain, sheet.blood, sheet.nail, sheet.vein, np.ones(shape), sheet.coat
    )
    return palm, sheet, albedo(palm, on, np.ones(shape, np.bool))


@pytest.mark.parametrize(
    ("state", "darker"),
    [
        (State.DRY, False),
        (State.WET, True),
        (State.WARM, True),
        (State.COLD, False),
        (State.GREASY, True),
        (State.INKED, True),
        (State.FLOURED, False),
    ],
)
def test_a_state_makes_skin_darker_or_lighter(bare: Sheet, state: State, darker: bool) -> None:
    usual, changed = (laid(bare, each)[2][:, GREEN].mean() for each in (None, state))
    assert bool(changed < usual) is darker


def test_warm_skin_is_redder_and_cold_skin_bluer(bare: Sheet) -> None:
    cold, usual, warm = (
        laid(bare, each)[2].mean(axis=0) for each in (State.COLD, None, State.WARM)
    )
    assert cold[RED] / cold[GREEN] < usual[RED] / usual[GREEN] < warm[RED] / warm[GREEN]
    assert cold[RED] / cold[BLUE] < usual[RED] / usual[BLUE]
    veins = [laid(bare, each)[1].vein.mean() for each in (State.COLD, None, State.WARM)]
    assert veins == sorted(veins)


def test_lines_of_dry_skin_are_fainter(bare: Sheet) -> None:
    line = bare.stain.ravel() > 0.5

    def contrast(state: State | None) -> float:
        seen = laid(bare, state)[2][:, GREEN]
        return float(np.log(seen[~line].mean() / seen[line].mean()))

    assert contrast(State.DRY) < 0.8 * contrast(None)


def test_wet_skin_shines_most_and_dry_skin_least() -> None:
    assert shine(State.DRY) < shine(State.COLD) < shine(State.WARM) < shine(State.WET)


def test_near_infrared_sees_grease_and_no_ink() -> None:
    skin_there, covered = np.full(1, 0.58, np.float32), np.full(1, 0.8, np.float32)
    seen: dict[State, float] = {}
    for state in (State.GREASY, State.INKED, State.FLOURED):
        lying = coat(state)
        assert lying is not None
        seen[state] = float(lying.over_infrared(skin_there, covered)[0])
    assert seen[State.GREASY] < 0.25
    assert seen[State.INKED] == pytest.approx(0.58, abs=0.05)
    assert seen[State.FLOURED] > 0.7


@pytest.mark.parametrize("state", State)
def test_a_state_is_the_same_for_the_same_seed(bare: Sheet, state: State) -> None:
    one, other = (worn(bare, state, np.random.default_rng(5), 1.0) for _ in range(2))
    for each in fields(Sheet):
        np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name))


def test_a_hand_without_a_state_is_drawn_as_before() -> None:
    """Weights and thresholds were learnt from it. Each number is the mean of ten thousand pixels
    and more, which differs by less than a hundredth between machines."""
    blocks = cv2.resize(drawn().astype(np.float64), (4, 3), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(blocks.ravel(), BEFORE, atol=0.02)


BEFORE = [
    74.663, 73.832, 72.303, 103.798, 108.051, 118.673, 105.981, 109.11, 117.778,
    79.733, 78.165, 75.785, 66.677, 65.54, 63.73, 117.284, 130.989, 160.195,
    123.98, 133.975, 154.849, 83.456, 81.847, 79.464, 63.656, 62.392, 60.507,
    98.943, 106.277, 120.696, 107.854, 114.551, 128.079, 88.812, 87.073, 84.472,
]  # fmt: skip
"""Blue, green and red of twelve blocks."""
