"""A capture under a light challenge holds the pictures that the kiosk told of, in order and in
time."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256

import pytest

from protocol.binding import (
    PULSE_MS_AT_MOST,
    SEED_MS_AT_MOST,
    STEP_MS_AT_LEAST,
    STEP_MS_AT_MOST,
    STEPS_MS_AT_MOST,
    WHITE_MS_AT_MOST,
    answer_of,
    commitment_of,
    digest,
    is_bound,
)
from protocol.capture import PULSE_SIDE, Burst, Frame, Pulse, Spectrum
from protocol.challenge import STEPS

WHITE = (0, 33, 66)
LIT = tuple(range(200, 200 + 60 * STEPS, 60))
LAST = LIT[-1]
OVER = LAST + 60


def jpeg(of: str) -> bytearray:
    return bytearray(b"\xff\xd8\xff" + of.encode() + b"\xff\xd9")


def white(at_ms: int, of: str = "") -> Frame:
    return Frame(at_ms, jpeg(of or f"white {at_ms}"))


def lit(at_ms: int, step: int) -> Frame:
    return Frame(at_ms, jpeg(f"step {step}"), step)


def infrared(at_ms: int) -> Frame:
    return Frame(at_ms, jpeg(f"infrared {at_ms}"), None, Spectrum.INFRARED)


def burst(frames: Iterable[Frame], pulse: Pulse | None = None) -> Burst:
    return Burst(sorted(frames, key=lambda frame: frame.at_ms), "challenge-1", pulse)


def taken(
    whites: Iterable[int] = WHITE,
    steps: Iterable[int] = LIT,
    more: Iterable[Frame] = (),
    pulse: Pulse | None = None,
) -> Burst:
    """Returns a burst with pictures at these times, under one step after another."""
    answers = [lit(at_ms, step) for step, at_ms in enumerate(steps)]
    return burst([*map(white, whites), *answers, *more], pulse)


def pulse(*at_ms: int) -> Pulse:
    return Pulse(list(at_ms), bytearray(len(at_ms) * PULSE_SIDE**2 * 6))


def holds(shown: Burst) -> bool:
    """Returns whether a burst is bound whose digests are its own."""
    return is_bound(shown, commitment_of(shown), answer_of(shown))


def test_a_digest_is_that_of_the_digests_of_the_pictures_in_order():
    one, other = sha256(b"one").digest(), sha256(b"other").digest()
    assert digest([b"one", bytearray(b"other")]) == sha256(one + other).digest()
    assert digest([b"other", b"one"]) != digest([b"one", b"other"])
    assert digest([b"oneother"]) != digest([b"one", b"other"])


def test_the_commitment_is_the_same_before_and_after_the_challenge():
    assert commitment_of(Burst([white(at_ms) for at_ms in WHITE])) == commitment_of(taken())


@pytest.mark.parametrize(
    "shown",
    [
        taken(),
        taken(WHITE[:1]),
        taken(more=[infrared(190), infrared(LAST + 10)]),
        taken(more=[white(OVER + 4000)], pulse=pulse(OVER, OVER + 4000)),
    ],
    ids=["three in white", "one in white", "near infrared", "pulse"],
)
def test_a_capture_as_a_kiosk_takes_it_is_bound(shown: Burst):
    assert holds(shown)


@pytest.mark.parametrize(
    ("at_the_limit", "beyond_it"),
    [
        (taken(steps=(200, 220, 280, 340, 400)), taken(steps=(200, 219, 280, 340, 400))),
        (taken(steps=(200, 950, 1010, 1070, 1130)), taken(steps=(200, 951, 1010, 1070, 1130))),
        (taken(steps=(200, 700, 1200, 1700, 2200)), taken(steps=(200, 700, 1200, 1700, 2201))),
        (taken((0, 33, 2000), range(2100, 2400, 60)), taken((0, 33, 2001), range(2100, 2400, 60))),
        (taken(steps=range(3066, 3366, 60)), taken(steps=range(3067, 3367, 60))),
        (
            taken(more=[white(9000)], pulse=pulse(LAST + 3000, 9000)),
            taken(more=[white(9000)], pulse=pulse(LAST + 3001, 9000)),
        ),
    ],
    ids=["steps close", "steps apart", "steps together", "white", "seed", "pulse"],
)
def test_the_pace_has_limits(at_the_limit: Burst, beyond_it: Burst):
    assert holds(at_the_limit)
    assert not holds(beyond_it)


def test_these_are_the_limits():
    assert (STEP_MS_AT_LEAST, STEP_MS_AT_MOST, STEPS_MS_AT_MOST) == (20, 750, 2000)
    assert (WHITE_MS_AT_MOST, SEED_MS_AT_MOST, PULSE_MS_AT_MOST) == (2000, 3000, 3000)


def reordered(*steps: int) -> Burst:
    pictures = [lit(at_ms, step) for at_ms, step in zip(LIT, steps, strict=False)]
    return burst([*map(white, WHITE), *pictures])


@pytest.mark.parametrize(
    "shown",
    [
        reordered(4, 3, 2, 1, 0),
        reordered(0, 1, 3, 2, 4),
        reordered(1, 2, 3, 4, 0),
        reordered(0, 1, 2, 3),
        reordered(0, 1, 2, 3, 3),
        burst([*map(white, WHITE), *(lit(200 + 30 * n, n // 2) for n in range(2 * STEPS))]),
        burst([*map(white, WHITE), *(lit(200 + 30 * n, n % STEPS) for n in range(2 * STEPS))]),
        burst(map(white, WHITE)),
    ],
    ids=[
        "reversed",
        "two exchanged",
        "turned round",
        "one missing",
        "one twice and one missing",
        "every step twice",
        "all steps twice",
        "no steps",
    ],
)
def test_steps_in_another_order_or_number_are_refused(shown: Burst):
    assert not holds(shown)


@pytest.mark.parametrize(
    "shown",
    [
        taken(steps=range(200, 200 + 20_000 * STEPS, 20_000)),
        taken(steps=(200, 260, 320, 380, 20_380)),
        taken(steps=(20_200, 20_260, 20_320, 20_380, 20_440)),
        taken(steps=(200, 200, 260, 320, 380)),
        taken(steps=(200, 200, 200, 200, 200)),
        taken((0, 0, 33)),
        taken((0, 33, 200)),
        taken(more=[infrared(200), Frame(200, jpeg("another"), None, Spectrum.INFRARED)]),
        taken((210, 240, 270)),
        taken((0, 33, 230)),
        taken((0, 33, OVER)),
        taken((), LIT),
    ],
    ids=[
        "20 s apart",
        "the last step 20 s later",
        "20 s after the pictures in white",
        "two steps at one time",
        "all steps at one time",
        "two in white at one time",
        "white and a step at one time",
        "two in near infrared at one time",
        "white begins after the first step",
        "white between the steps",
        "white after the steps",
        "no white",
    ],
)
def test_times_that_a_kiosk_does_not_take_are_refused(shown: Burst):
    assert not holds(shown)


@pytest.mark.parametrize(
    "shown",
    [
        taken(pulse=pulse(OVER, OVER + 4000)),
        taken(more=[white(OVER + 3999)], pulse=pulse(OVER, OVER + 4000)),
        taken(more=[white(OVER), white(OVER + 4000)], pulse=pulse(OVER, OVER + 4000)),
        taken(more=[white(5000)], pulse=pulse(LAST, 5000)),
        taken(more=[white(5000)], pulse=pulse(0, 5000)),
    ],
    ids=["no picture after", "picture before its end", "two pictures", "too early", "before"],
)
def test_a_pulse_that_does_not_follow_the_steps_is_refused(shown: Burst):
    assert not holds(shown)


Change = Callable[[list[Frame]], list[Frame]]


@pytest.mark.parametrize(
    "change",
    [
        lambda frames: [frames[0], white(10, "slipped in"), *frames[1:]],
        lambda frames: frames[1:],
        lambda frames: [replace(frames[0], jpeg=jpeg("another")), *frames[1:]],
        lambda frames: [
            replace(frames[0], jpeg=frames[1].jpeg),
            replace(frames[1], jpeg=frames[0].jpeg),
            *frames[2:],
        ],
        lambda frames: [*frames[:-1], replace(frames[-1], jpeg=jpeg("another"))],
        lambda frames: [
            *frames[:3],
            replace(frames[3], jpeg=frames[4].jpeg),
            replace(frames[4], jpeg=frames[3].jpeg),
            *frames[5:],
        ],
        lambda frames: [*frames, infrared(LAST + 10)],
    ],
    ids=[
        "one more in white",
        "one fewer in white",
        "another in white",
        "two in white exchanged",
        "another under a step",
        "two steps exchanged",
        "near infrared added",
    ],
)
def test_other_pictures_than_those_told_of_are_refused(change: Change):
    told = taken()
    shown = replace(told, frames=change(told.frames))
    assert holds(shown), "it would be bound, had the kiosk told of these pictures"
    assert not is_bound(shown, commitment_of(told), answer_of(told))
