"""Situations move a hand with its picture, and outcomes are counted as what they are."""

from dataclasses import replace

import numpy as np
import pytest

from lab.finding import CHANGES, PARTS, Outcome, Shot, rates, turned, upright
from palm.hand.landmarks import KNUCKLES, Landmark, Shown, Side
from tests.support.posed import FRAME, hand

TIPS = [Landmark.INDEX_TIP, Landmark.MIDDLE_TIP, Landmark.RING_TIP, Landmark.LITTLE_TIP]


@pytest.fixture(scope="module")
def shot() -> Shot:
    """Returns a picture that is darkest at the wrist and brightest at the middle knuckle."""
    image = np.full((*FRAME, 3), (90, 110, 130), np.uint8)
    held = hand(centre=(640, 500))
    for mark, level in ((Landmark.WRIST, 0), (Landmark.MIDDLE_MCP, 255)):
        x, y = held.landmarks[mark].round().astype(int)
        image[y - 3 : y + 4, x - 3 : x + 4] = level
    return Shot(image, held)


def levels(shot: Shot) -> tuple[int, int]:
    """Returns how bright the picture is where wrist and middle knuckle are said to be."""
    at = shot.hand.landmarks[[Landmark.WRIST, Landmark.MIDDLE_MCP]].round().astype(int)
    wrist, knuckle = shot.image[at[:, 1], at[:, 0]].mean(axis=1)
    return int(wrist), int(knuckle)


@pytest.mark.parametrize("quarters", range(4))
def test_a_hand_is_turned_upright_with_its_landmarks(shot: Shot, quarters: int) -> None:
    image = upright(turned(shot, quarters))
    assert np.allclose(image.hand.landmarks, shot.hand.landmarks, atol=1.5)
    assert levels(image) == levels(shot) == (0, 255)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_keeps_the_palm_and_all_but_one_leave_the_fingertips_out(
    shot: Shot, part: str
) -> None:
    cut = PARTS[part](shot)
    height, width = cut.image.shape[:2]
    palm = cut.hand.landmarks[[Landmark.WRIST, *KNUCKLES]]
    assert np.all((palm >= 0) & (palm < (width, height)))
    assert np.all(cut.hand.landmarks[TIPS, 1] < 0) == (part != "whole hand")
    assert levels(cut) == (0, 255)


def test_in_a_mirror_a_right_hand_is_a_left_one(shot: Shot) -> None:
    mirrored = CHANGES["mirrored"](shot)
    assert (shot.hand.side, mirrored.hand.side) == (Side.RIGHT, Side.LEFT)
    assert levels(mirrored) == (0, 255)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_leaves_the_hand_where_its_landmarks_say(shot: Shot, change: str) -> None:
    wrist, knuckle = levels(CHANGES[change](shot))
    assert wrist + 30 < knuckle


def test_outcomes_are_counted_by_set_and_situation() -> None:
    def of(hand: str, *outcome: object) -> Outcome:
        return Outcome("a set", hand, ("a part", "a change"), *outcome)  # type: ignore[arg-type]

    outcomes = [
        (of("1", True, Shown.PALM, True), True),
        (of("2", True, Shown.PALM, False), True),
        (of("3", True, Shown.BACK, True), True),
        (of("4", False), True),
        (of("5", False, Shown.PALM, True), False),
        (of("6", True, Shown.BACK, True), False),
    ]
    rate, together = rates(outcomes)
    assert replace(together, situation=rate.situation) == rate, "there is one change only"
    assert (rate.palms, rate.unfound, rate.refused, rate.backs) == (4, 0.25, 0.25, 2)
    assert rate.failures is not None
    assert rate.failures.rate == 0.5
    assert rate.failures.ci95.low < 0.5 < rate.failures.ci95.high
    assert rate.wrong_side is not None
    assert rate.wrong_side.rate == 0.5, "of the two that were acquired"
    assert rate.passed is not None
    assert rate.passed.rate == 0.5, "wherever in the picture it was taken for one"
