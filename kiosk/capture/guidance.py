"""What the shopper is told to do with their hand.

`advise` is a pure function of one observation and of the advice before it. It gives one instruction
at a time, in an order that a person can follow: first show one open palm of the hand asked for,
then bring it to the right place, then correct its pose and the light, then hold it still.

Left and right are the shopper's. The camera faces the shopper, so the right edge of its frame is on
the shopper's left, and a palm found there has to move right. The live view is mirrored: its arrow
and the hand in it move the same way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import hypot
from typing import NamedTuple

from palm.hand.landmarks import Hand, Shown, Side
from palm.hand.observation import Observation


class Instruction(StrEnum):
    """One thing to do; the order is that in which a person can follow."""

    TAKE_AWAY = "take_away"
    """Given by `kiosk.capture.reader` before another try: the hand has to leave first."""
    SHOW_PALM = "show_palm"
    ONE_HAND = "one_hand"
    TURN_OVER = "turn_over"
    OPEN_HAND = "open_hand"
    OTHER_HAND = "other_hand"
    MOVE_CLOSER = "move_closer"
    MOVE_AWAY = "move_away"
    MOVE_LEFT = "move_left"
    MOVE_RIGHT = "move_right"
    MOVE_UP = "move_up"
    MOVE_DOWN = "move_down"
    FLATTEN = "flatten"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    WIPE = "wipe"
    """The hand is held right and its lines stay blurred: something is on it, or on the window in
    front of the camera."""
    HOLD_STILL = "hold_still"
    HOLD_LONGER = "hold_longer"
    """Given by `kiosk.capture.reader` while it records a pulse, after the hand was held still."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Guidance:
    """One instruction and the progress of the capture."""

    instruction: Instruction
    progress: float = 0.0
    """The progress, 0 to 1: above 0 only with HOLD_STILL and HOLD_LONGER, 1 with DONE."""
    points: tuple[tuple[float, float], ...] = ()
    """The 21 landmarks of the hand as (x, y) in shares of the frame, not mirrored. They lie outside
    0 to 1 where the frame cuts the hand off. Empty unless exactly one hand is seen."""


class Bound(NamedTuple):
    """A limit with hysteresis: a value beyond `wrong` is wrong until it is within `right` again."""

    wrong: float
    right: float

    def above(self, value: float, told: bool) -> bool:
        return value > (self.right if told else self.wrong)

    def below(self, value: float, told: bool) -> bool:
        return value < (self.right if told else self.wrong)


# Units are those of `Observation`. Flat palms of public sets of photographs measure 0 to 27
# degrees of tilt, 0.97 to 1 of openness, 0.26 to 0.87 of brightness and 0.5 to 1 of sharpness.
OPENNESS = Bound(wrong=0.6, right=0.7)
FAR = Bound(wrong=0.30, right=0.33)
NEAR = Bound(wrong=0.60, right=0.57)
ASIDE = Bound(wrong=0.50, right=0.40)
HIGH_OR_LOW = Bound(wrong=0.45, right=0.35)
CENTRED = 0.2
"""The offset below which a palm that is cut off is too near to fit into the frame."""
TILT = Bound(wrong=48.0, right=42.0)
DARK = Bound(wrong=0.20, right=0.24)
BRIGHT = Bound(wrong=0.94, right=0.90)
BURNT = Bound(wrong=0.30, right=0.20)
MOTION = Bound(wrong=0.7, right=0.5)
BLUR = Bound(wrong=0.2, right=0.3)

HOLD = 0.4
"""Seconds for which a hand is held still before it is captured."""
HOLD_FRAMES = 4
"""The least number of good frames in a hold."""

WIPE_AFTER = 1.5
"""Seconds for which a hand that does not move must have been blurred: longer than a camera takes to
focus."""

GLITCH = 0.2
"""Seconds without a good frame that do not end a hold: a detection may fail for a moment."""
MISSED = 1
"""The number of frames in a row that may fail however long they take: a camera may deliver five
frames a second, or all of them in clumps."""
SILENCE = 1.0
"""Seconds between two frames after which it may be another hand, whatever they show. A camera that
is silent for about as long is lost (`hardware.camera.feed.FeedTimeouts`)."""

SETTLE = 0.12
"""Seconds for which something must be wrong before the shopper is told."""
DWELL = 0.7
"""Seconds for which an instruction is shown at least, so that it can be read."""

JUMP = 0.5
"""The distance in palm lengths between two good frames from which it may be another hand."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The current guidance and the state that the next advice builds on."""

    guidance: Guidance
    told_at: float
    """When this instruction was first given, on the clock of the observations."""
    wish: Instruction
    """What this frame alone would advise, before the dwell time."""
    wish_at: float
    """Since when every frame has advised the same."""
    held_since: float | None = None
    """When the current hold began; another value means another hold."""
    good_frames: int = 0
    """The number of good frames in this hold."""
    good: Observation | None = None
    """The last good frame of this hold."""
    missed: int = 0
    """The number of frames seen since then."""
    blurred_since: float | None = None
    """Since when every frame has shown a hand that is held right, does not move, and is blurred."""
    fit_to_keep: bool = False
    """Whether the frame just observed is a good frame, which may be captured."""


def advise(
    seen: Observation,
    before: Advice | None,
    wanted: Side | None,
    frame: tuple[int, int],
    hold: float = HOLD,
) -> Advice:
    """Returns the advice on one observation of a frame of size (height, width).

    `before` is the advice on the observation before, None for the first; `wanted` is the hand asked
    for, None for either; `hold` is the number of seconds for which it has to be held still. After
    DONE the advice does not change any more.
    """
    if before is None:
        before = Advice(Guidance(Instruction.SHOW_PALM), seen.at, Instruction.SHOW_PALM, seen.at)
    told = before.guidance.instruction
    if told is Instruction.DONE:
        return before
    wish = next(_faults(seen, told, wanted), Instruction.HOLD_STILL)
    # A hold begins within the inner bounds and continues within the outer ones.
    beginning = before.held_since is None
    still = wish is Instruction.HOLD_STILL and not MOTION.above(seen.motion, beginning)
    blurred = BLUR.below(seen.sharpness, beginning)
    steady = still and not blurred
    blurred_since = None
    if still and blurred:
        blurred_since = seen.at if before.blurred_since is None else before.blurred_since

    held_since, good_frames, good = before.held_since, before.good_frames, before.good
    missed = before.missed
    if good is not None and not _goes_on(good, seen, missed):
        held_since, good_frames, good = None, 0, None
    if steady:
        held_since = seen.at if held_since is None else held_since
        good_frames, good, missed = good_frames + 1, seen, 0
    else:
        missed += 1

    progress = 0.0
    if held_since is not None and good is not None:
        wish = Instruction.HOLD_STILL
        progress = min((good.at - held_since) / hold, good_frames / HOLD_FRAMES, 1.0)
    elif blurred_since is not None and seen.at - blurred_since >= WIPE_AFTER:
        wish = Instruction.WIPE
    instruction = Instruction.DONE if progress == 1 else _told_next(seen.at, before, wish)
    return Advice(
        guidance=Guidance(
            instruction,
            progress if instruction in (Instruction.HOLD_STILL, Instruction.DONE) else 0.0,
            _points(seen.hand, frame),
        ),
        told_at=before.told_at if instruction is told else seen.at,
        wish=wish,
        wish_at=before.wish_at if wish is before.wish else seen.at,
        held_since=held_since,
        good_frames=good_frames,
        good=good,
        missed=missed,
        blurred_since=blurred_since,
        fit_to_keep=steady,
    )


def _faults(seen: Observation, told: Instruction, wanted: Side | None) -> Iterator[Instruction]:
    """Yields an instruction for everything that is wrong, in the order of correction."""
    hand = seen.hand
    if hand is None:
        yield Instruction.ONE_HAND if seen.hands > 1 else Instruction.SHOW_PALM
        return
    if hand.shown is Shown.BACK:
        yield Instruction.TURN_OVER
    if hand.shown is Shown.FIST or OPENNESS.below(seen.openness, told is Instruction.OPEN_HAND):
        yield Instruction.OPEN_HAND
    if wanted is not None and hand.side is not wanted:
        yield Instruction.OTHER_HAND
    if FAR.below(seen.span, told is Instruction.MOVE_CLOSER):
        yield Instruction.MOVE_CLOSER
    if NEAR.above(seen.span, told is Instruction.MOVE_AWAY):
        yield Instruction.MOVE_AWAY
    across, down = seen.offset
    if seen.cut_off and max(abs(across), abs(down)) < CENTRED:
        yield Instruction.MOVE_AWAY
    sideways = Instruction.MOVE_RIGHT if across > 0 else Instruction.MOVE_LEFT
    upright = Instruction.MOVE_UP if down > 0 else Instruction.MOVE_DOWN
    is_aside = ASIDE.above(abs(across), told is sideways)
    is_off = HIGH_OR_LOW.above(abs(down), told is upright)
    if is_aside or is_off or seen.cut_off:
        further = abs(across) / ASIDE.wrong > abs(down) / HIGH_OR_LOW.wrong
        yield sideways if further else upright
    if TILT.above(seen.tilt, told is Instruction.FLATTEN):
        yield Instruction.FLATTEN
    if DARK.below(seen.brightness, told is Instruction.MORE_LIGHT):
        yield Instruction.MORE_LIGHT
    glared = told is Instruction.LESS_LIGHT
    burnt = seen.brightness > 0.5 and BURNT.above(seen.clipped, glared)
    if burnt or BRIGHT.above(seen.brightness, glared):
        yield Instruction.LESS_LIGHT


def lost(apart: float, missed: int) -> bool:
    """Returns whether a hand has been out of sight for too long: for `apart` seconds, in which
    `missed` frames did not show it."""
    return apart > SILENCE or (apart > GLITCH and missed > MISSED)


def _goes_on(good: Observation, seen: Observation, missed: int) -> bool:
    """Returns whether the hand may be that of the last good frame, still being held; `missed`
    frames came between the two."""
    if seen.hands > 1 or lost(seen.at - good.at, missed):
        return False
    if seen.hand is None or good.hand is None:
        return True
    moved = hypot(*(seen.hand.palm_centre - good.hand.palm_centre))
    return seen.hand.side is good.hand.side and moved < JUMP * good.hand.palm_length


def _told_next(now: float, before: Advice, wish: Instruction) -> Instruction:
    """Returns the wish once it has settled and the instruction shown could be read; HOLD_STILL is
    shown without waiting for that."""
    told = before.guidance.instruction
    settled = wish is before.wish and now - before.wish_at >= SETTLE
    could_be_read = now - before.told_at >= DWELL or told in (
        Instruction.SHOW_PALM,
        Instruction.HOLD_STILL,
    )
    if settled and (could_be_read or wish is Instruction.HOLD_STILL):
        return wish
    return told


def _points(hand: Hand | None, frame: tuple[int, int]) -> tuple[tuple[float, float], ...]:
    if hand is None:
        return ()
    height, width = frame
    return tuple((float(x) / width, float(y) / height) for x, y in hand.landmarks)
