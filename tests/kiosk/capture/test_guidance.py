from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawn import Presentation
from hardware.camera.capture import fit
from kiosk.capture.guidance import (
    DWELL,
    GLITCH,
    HOLD,
    HOLD_FRAMES,
    SETTLE,
    SILENCE,
    WIPE_AFTER,
    Advice,
    Instruction,
    advise,
)
from lab.sets import PALM_SETS
from palm.hand.find import HandFinder
from palm.hand.landmarks import Shown, Side
from palm.hand.observation import Observation
from palm.hand.observe import observe
from palm.image import Colour
from tests.support.posed import FRAME, GOOD, NOBODY, drawn, hand
from tests.support.real_palms import needs_palm_sets

RATE = 30


def advised(
    seen: Iterable[Observation], wanted: Side | None = None, before: Advice | None = None
) -> Iterator[Advice]:
    """Yields the advice on each of these observations, 30 a second, after `before`."""
    start = 0.0 if before is None else max(before.told_at, before.wish_at) + 10
    for number, each in enumerate(seen):
        before = advise(replace(each, at=start + number / RATE), before, wanted, FRAME)
        yield before


def for_a_while(seen: Observation, seconds: float = 1.0) -> Iterable[Observation]:
    return repeat(seen, round(seconds * RATE))


def told(seen: Observation, wanted: Side | None = None) -> Instruction:
    """Returns the instruction after an observation has stayed the same for a while."""
    return list(advised(for_a_while(seen, 0.3), wanted))[-1].guidance.instruction


# One thing at a time


WRONG: list[tuple[dict[str, Any], Instruction]] = [
    ({"hands": 0, "hand": None}, Instruction.SHOW_PALM),
    ({"hands": 2, "hand": None}, Instruction.ONE_HAND),
    ({"hand": hand(shown=Shown.BACK)}, Instruction.TURN_OVER),
    ({"hand": hand(shown=Shown.FIST)}, Instruction.OPEN_HAND),
    ({"openness": 0.4}, Instruction.OPEN_HAND),
    ({"span": 0.2}, Instruction.MOVE_CLOSER),
    ({"span": 0.7}, Instruction.MOVE_AWAY),
    ({"tilt": 55.0}, Instruction.FLATTEN),
    ({"brightness": 0.08}, Instruction.MORE_LIGHT),
    ({"brightness": 0.97}, Instruction.LESS_LIGHT),
    ({"brightness": 0.7, "clipped": 0.5}, Instruction.LESS_LIGHT),
    ({"motion": 2.0}, Instruction.HOLD_STILL),
    ({"sharpness": 0.05}, Instruction.HOLD_STILL),
    ({}, Instruction.HOLD_STILL),
]


@pytest.mark.parametrize(("wrong", "instruction"), WRONG)
def test_what_is_wrong_is_what_is_told(wrong: dict[str, Any], instruction: Instruction) -> None:
    assert told(replace(GOOD, **wrong)) is instruction


BLURRED = replace(GOOD, sharpness=0.1)


def test_a_hand_that_is_held_right_and_stays_blurred_is_to_be_wiped() -> None:
    seen = chain(for_a_while(BLURRED, 2.2), for_a_while(GOOD))
    instructions = [advice.guidance.instruction for advice in advised(seen)]
    wiping = [number / RATE for number, one in enumerate(instructions) if one is Instruction.WIPE]
    assert WIPE_AFTER <= wiping[0] <= WIPE_AFTER + 2 * SETTLE
    assert wiping[-1] <= 2.2 + 2 * SETTLE
    assert instructions[-1] is Instruction.DONE


@pytest.mark.parametrize("wrong", [{"motion": 2.0}, {"span": 0.2}, {"hands": 0, "hand": None}])
def test_a_hand_that_moves_or_is_held_wrong_is_not_to_be_wiped(wrong: dict[str, Any]) -> None:
    seen = for_a_while(replace(BLURRED, **wrong), 3.0)
    assert Instruction.WIPE not in [advice.guidance.instruction for advice in advised(seen)]


def test_things_are_mended_in_the_order_a_person_can_follow() -> None:
    seen = replace(
        GOOD, hand=hand(Side.LEFT, Shown.BACK), openness=0.2, span=0.1, offset=(0.9, 0.0)
    )
    seen = replace(seen, tilt=80.0, brightness=0.05, motion=3.0)
    mended: list[dict[str, Any]] = [
        {"hand": hand(Side.LEFT)},
        {"openness": 1.0},
        {"hand": hand(Side.RIGHT)},
        {"span": 0.45},
        {"offset": (0.0, 0.0)},
        {"tilt": 10.0},
        {"brightness": 0.6},
    ]
    order = [told(seen, Side.RIGHT)]
    for each in mended:
        seen = replace(seen, **each)
        order.append(told(seen, Side.RIGHT))
    assert order == [
        Instruction.TURN_OVER,
        Instruction.OPEN_HAND,
        Instruction.OTHER_HAND,
        Instruction.MOVE_CLOSER,
        Instruction.MOVE_RIGHT,
        Instruction.FLATTEN,
        Instruction.MORE_LIGHT,
        Instruction.HOLD_STILL,
    ]


@pytest.mark.parametrize("asked", Side)
@pytest.mark.parametrize("shown", Side)
def test_the_other_hand_is_asked_for_only_when_it_matters(asked: Side, shown: Side) -> None:
    seen = replace(GOOD, hand=hand(shown))
    assert told(seen, wanted=None) is Instruction.HOLD_STILL
    right = Instruction.HOLD_STILL if asked is shown else Instruction.OTHER_HAND
    assert told(seen, wanted=asked) is right


@pytest.mark.parametrize(
    ("offset", "instruction"),
    [
        ((0.7, 0.0), Instruction.MOVE_RIGHT),
        ((-0.7, 0.0), Instruction.MOVE_LEFT),
        ((0.0, 0.7), Instruction.MOVE_UP),
        ((0.0, -0.7), Instruction.MOVE_DOWN),
        ((0.6, 0.9), Instruction.MOVE_UP),
        ((-0.9, 0.6), Instruction.MOVE_LEFT),
    ],
)
def test_the_way_to_move_is_the_shoppers_own_who_faces_the_camera(
    offset: tuple[float, float], instruction: Instruction
) -> None:
    assert told(replace(GOOD, offset=offset)) is instruction


def test_a_palm_that_is_cut_off_is_brought_in_even_when_its_centre_is_near() -> None:
    assert told(replace(GOOD, offset=(0.1, 0.3), cut_off=True)) is Instruction.MOVE_UP


def test_a_palm_in_the_middle_that_does_not_fit_is_moved_away() -> None:
    assert told(replace(GOOD, offset=(0.1, 0.1), cut_off=True)) is Instruction.MOVE_AWAY


# Without flicker


def test_a_single_odd_frame_changes_nothing() -> None:
    still = [*for_a_while(replace(GOOD, motion=2.0))]
    still[15] = NOBODY
    assert {a.guidance.instruction for a in list(advised(still))[5:]} == {Instruction.HOLD_STILL}


@pytest.mark.parametrize(
    ("field", "wrong", "between", "right"),
    [
        ("span", 0.25, 0.315, 0.35),
        ("span", 0.65, 0.585, 0.55),
        ("tilt", 60.0, 45.0, 30.0),
        ("openness", 0.4, 0.65, 0.9),
        ("brightness", 0.1, 0.22, 0.3),
        ("brightness", 0.97, 0.92, 0.8),
        ("offset", (0.6, 0.0), (0.45, 0.0), (0.3, 0.0)),
        ("offset", (0.0, -0.6), (0.0, -0.4), (0.0, -0.3)),
    ],
)
def test_what_was_told_is_told_until_it_is_mended_for_good(
    field: str, wrong: Any, between: Any, right: Any
) -> None:
    borderline = replace(GOOD, motion=2.0, **{field: between})
    assert told(borderline) is Instruction.HOLD_STILL, "not wrong enough to be told at first"
    wrong_first = replace(GOOD, motion=2.0, **{field: wrong})
    correction, *_, still = (
        a.guidance.instruction
        for a in list(advised(chain(for_a_while(wrong_first), for_a_while(borderline))))[RATE:]
    )
    assert correction is still
    assert still is not Instruction.HOLD_STILL
    mended = replace(GOOD, motion=2.0, **{field: right})
    seen = chain(for_a_while(wrong_first), for_a_while(mended))
    assert list(advised(seen))[-1].guidance.instruction is Instruction.HOLD_STILL


def test_a_correction_stays_long_enough_to_be_read() -> None:
    far, tilted = replace(GOOD, span=0.2), replace(GOOD, tilt=70.0)
    restless = chain.from_iterable(repeat([*[far] * 6, *[tilted] * 6], 20))
    changes: list[float] = []
    before: Instruction | None = None
    for number, advice in enumerate(advised(restless)):
        if advice.guidance.instruction is not before:
            changes.append(number / RATE)
            before = advice.guidance.instruction
    assert len(changes) > 3
    assert min(np.diff(changes[1:])) >= DWELL - 1e-6


def test_good_news_does_not_wait_until_the_correction_could_be_read() -> None:
    seen = chain(for_a_while(replace(GOOD, span=0.2), 0.3), for_a_while(GOOD, SETTLE + 0.1))
    assert list(advised(seen))[-1].guidance.instruction is Instruction.HOLD_STILL


# Holding still


def test_holding_still_makes_progress_until_it_is_done() -> None:
    progress = [a.guidance.progress for a in advised(for_a_while(GOOD))]
    assert progress == sorted(progress)
    last = list(advised(for_a_while(GOOD)))[-1].guidance
    assert (last.instruction, last.progress) == (Instruction.DONE, 1.0)


def test_a_hold_takes_both_its_time_and_its_frames() -> None:
    def done(frames: int, apart: float) -> bool:
        advice: Advice | None = None
        for number in range(frames):
            advice = advise(replace(GOOD, at=number * apart), advice, None, FRAME)
        return advice is not None and advice.guidance.instruction is Instruction.DONE

    assert not done(frames=30, apart=HOLD / 40)
    assert not done(frames=HOLD_FRAMES - 1, apart=0.9 * GLITCH)
    assert done(frames=HOLD_FRAMES, apart=0.9 * GLITCH)


def test_progress_is_shown_only_while_the_hand_is_told_to_be_still() -> None:
    for advice in advised(chain(for_a_while(NOBODY, 0.2), for_a_while(GOOD))):
        if advice.guidance.instruction is Instruction.SHOW_PALM:
            assert advice.guidance.progress == 0


def test_a_missed_detection_does_not_end_a_hold() -> None:
    seen = [*for_a_while(GOOD, 1.0)]
    seen[5] = NOBODY
    holds = {a.held_since for a in advised(seen)} - {None}
    assert len(holds) == 1


@pytest.mark.parametrize(
    "interruption",
    [
        [NOBODY] * (round(GLITCH * RATE) + 1),
        [replace(GOOD, hands=2, hand=None)],
        [replace(GOOD, hand=hand(Side.LEFT))],
        [replace(GOOD, hand=hand(centre=(300, 360)))],
        [replace(GOOD, motion=2.0)] * (round(GLITCH * RATE) + 1),
        [replace(GOOD, hand=hand(shown=Shown.BACK))] * (round(GLITCH * RATE) + 1),
    ],
    ids=["gone", "a second hand", "the other hand", "jumped", "moved", "turned over"],
)
def test_what_may_be_another_palm_begins_another_hold(interruption: list[Observation]) -> None:
    seen = [*for_a_while(GOOD, 0.2), *interruption, *for_a_while(GOOD, 0.2)]
    advices = list(advised(seen))
    assert advices[5].held_since is not None
    assert advices[-1].held_since is not None
    assert advices[-1].held_since > advices[5].held_since
    assert Instruction.DONE not in {a.guidance.instruction for a in advices}


@pytest.mark.parametrize("spoilt", [{"motion": 2.0}, {"sharpness": 0.05}, {"span": 0.1}])
def test_a_spoilt_frame_within_a_hold_is_not_kept(spoilt: dict[str, Any]) -> None:
    seen = [GOOD, GOOD, GOOD, replace(GOOD, **spoilt), GOOD]
    assert [a.fit_to_keep for a in advised(seen)] == [True, True, True, False, True]


def at_moments(*seen: tuple[float, Observation]) -> list[Advice]:
    """Returns the advice on observations that were made at these moments."""
    advices: list[Advice] = []
    for at, each in seen:
        before = advices[-1] if advices else None
        advices.append(advise(replace(each, at=at), before, None, FRAME))
    return advices


@pytest.mark.parametrize("fps", [2.5, 5, 8, 15])
@pytest.mark.parametrize("late", [0.0, 0.03])
def test_a_palm_is_captured_by_a_slow_camera_even_if_every_other_frame_is_late(
    fps: float, late: float
) -> None:
    advices = at_moments(*((n / fps + late * (n % 2), GOOD) for n in range(HOLD_FRAMES + 4)))
    assert advices[-1].guidance.instruction is Instruction.DONE
    assert len({a.held_since for a in advices} - {None}) == 1


def test_one_failed_detection_does_not_end_the_hold_of_a_slow_camera() -> None:
    kinds = [GOOD, GOOD, NOBODY, GOOD, replace(GOOD, motion=2.0), GOOD]
    advices = at_moments(*((n / 5, kind) for n, kind in enumerate(kinds)))
    assert advices[-1].guidance.instruction is Instruction.DONE
    assert len({a.held_since for a in advices} - {None}) == 1


def test_two_failed_detections_end_the_hold_of_a_slow_camera() -> None:
    kinds = [GOOD, GOOD, NOBODY, NOBODY, GOOD, GOOD]
    advices = at_moments(*((n / 5, kind) for n, kind in enumerate(kinds)))
    assert advices[-1].held_since == pytest.approx(4 / 5)


@pytest.mark.parametrize("apart", [0.25, 0.5, 0.8])
def test_a_palm_is_captured_when_frames_come_in_clumps(apart: float) -> None:
    stamps = [clump * apart + n * 0.02 for clump in range(4) for n in range(2)]
    advices = at_moments(*((at, GOOD) for at in stamps))
    assert advices[-1].guidance.instruction is Instruction.DONE


def test_after_a_long_silence_it_may_be_another_hand() -> None:
    advices = at_moments((0.0, GOOD), (0.03, GOOD), (0.06, GOOD), (0.06 + SILENCE + 0.01, GOOD))
    assert advices[-1].held_since == advices[-1].good.at if advices[-1].good else False
    assert advices[-1].good_frames == 1


def test_nothing_follows_after_done() -> None:
    *_, done = advised(for_a_while(GOOD))
    assert next(advised([NOBODY], before=done)) == done


def test_the_hands_landmarks_come_in_shares_of_the_frame() -> None:
    advice = next(advised([GOOD]))
    assert GOOD.hand is not None
    points = np.array(advice.guidance.points)
    assert np.allclose(points * (FRAME[1], FRAME[0]), GOOD.hand.landmarks, atol=1e-3)
    assert next(advised([NOBODY])).guidance.points == ()


observations = st.builds(
    lambda kind, **fields: (
        replace(GOOD, hands=1, hand=kind, **fields) if kind is not None else NOBODY
    ),
    kind=st.one_of(
        st.none(), st.builds(hand, side=st.sampled_from(Side), shown=st.sampled_from(Shown))
    ),
    span=st.floats(0, 1),
    tilt=st.floats(0, 90),
    openness=st.floats(0, 1),
    brightness=st.floats(0, 1),
    motion=st.floats(0, 3),
    sharpness=st.floats(0, 1),
)


@given(st.lists(st.one_of(st.just(GOOD), observations), max_size=60))
def test_whatever_is_seen_a_palm_is_captured_only_from_frames_of_one_hold(
    seen: list[Observation],
) -> None:
    kept: dict[float | None, int] = {}
    for advice in advised(seen):
        kept[advice.held_since] = kept.get(advice.held_since, 0) + advice.fit_to_keep
        assert 0 <= advice.guidance.progress <= 1
        if advice.guidance.instruction is Instruction.DONE:
            assert kept[advice.held_since] >= HOLD_FRAMES
            break


# From pictures


@pytest.fixture(scope="module")
def finder() -> HandFinder:
    return HandFinder()


def told_of_picture(finder: HandFinder, image: Colour, wanted: Side | None = None) -> Instruction:
    return told(observe(image, finder.find(image), 0.0, None), wanted)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pose", "instruction"),
    [
        (Presentation(), Instruction.HOLD_STILL),
        (Presentation(turn=170, light=140), Instruction.HOLD_STILL),
        (Presentation(y=3.0), Instruction.SHOW_PALM),
        (Presentation(back=True, span=0.45, y=0.5), Instruction.TURN_OVER),
        (Presentation(curl=1.0), Instruction.OPEN_HAND),
        (Presentation(span=0.2), Instruction.MOVE_CLOSER),
        (Presentation(span=0.75), Instruction.MOVE_AWAY),
        (Presentation(x=0.85), Instruction.MOVE_RIGHT),
        (Presentation(x=0.15), Instruction.MOVE_LEFT),
        (Presentation(y=0.85), Instruction.MOVE_UP),
        (Presentation(y=0.15), Instruction.MOVE_DOWN),
        (Presentation(yaw=-60), Instruction.FLATTEN),
        (Presentation(brightness=0.03), Instruction.MORE_LIGHT),
        (Presentation(brightness=3.0), Instruction.LESS_LIGHT),
    ],
    ids=lambda value: value.value if isinstance(value, Instruction) else "",
)
def test_a_drawn_hand_is_told_what_is_wrong_with_it(
    finder: HandFinder, pose: Presentation, instruction: Instruction
) -> None:
    assert told_of_picture(finder, drawn(pose)) is instruction


def test_a_drawn_hand_is_told_to_be_the_other_one(finder: HandFinder) -> None:
    assert told_of_picture(finder, drawn(), Side.RIGHT) is Instruction.OTHER_HAND


@needs_palm_sets("clips")
def test_a_clip_of_the_back_of_a_hand_never_gets_as_far_as_holding_still(
    finder: HandFinder,
) -> None:
    clip = cv2.VideoCapture(str(PALM_SETS / "clips" / "gestures.mp4"))
    finder.forget()
    frame: Colour = np.zeros((*FRAME, 3), np.uint8)
    seen: Observation | None = None
    advice: Advice | None = None
    instructions: list[Instruction] = []
    number = 0
    while clip.grab():
        number += 1
        if number % 5 == 0:  # a busy machine sees six frames a second
            fit(clip.retrieve()[1], frame)
            seen = observe(frame, finder.follow(frame), number / RATE, seen)
            advice = advise(seen, advice, None, FRAME)
            instructions.append(advice.guidance.instruction)
    clip.release()
    assert Instruction.DONE not in instructions
    assert instructions.count(Instruction.TURN_OVER) > len(instructions) / 2
    changes = sum(a is not b for a, b in pairwise(instructions))
    assert changes < number / RATE, "less than one change of text a second"


def told_in_the_middle(finder: HandFinder, path: Path) -> Instruction:
    """Returns the instruction for a photograph whose hand is moved to the middle of the frame."""
    frame: Colour = np.zeros((*FRAME, 3), np.uint8)
    fit(np.asarray(cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_2), np.uint8), frame)
    (found,) = finder.find(frame)
    shift = np.array([FRAME[1] / 2, FRAME[0] / 2], np.float32) - found.palm_centre
    moved = cv2.warpAffine(
        frame, np.column_stack([np.eye(2), shift]), FRAME[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    there = replace(found, landmarks=found.landmarks + shift)
    return told(observe(np.asarray(moved, np.uint8), [there], 0.0, None))


@needs_palm_sets("hands-rgb", "hands-rgb-dark")
@pytest.mark.parametrize(
    ("photographs", "instruction"),
    [
        ("hands-rgb/*/palmar*", Instruction.HOLD_STILL),
        ("hands-rgb/*/dorsal*", Instruction.TURN_OVER),
        ("hands-rgb-dark/*/1.jpg", Instruction.HOLD_STILL),
    ],
)
def test_photographed_hands_are_told_what_a_person_would_tell_them(
    finder: HandFinder, photographs: str, instruction: Instruction
) -> None:
    paths = sorted(PALM_SETS.glob(photographs))[::7][:12]
    assert {told_in_the_middle(finder, path) for path in paths} == {instruction}
