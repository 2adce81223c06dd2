"""What the shopper is told to do with their hand.

`advise` is a pure function of one observation and of what was advised before it. It tells one
thing at a time, in the order a person can follow: first that there be one open palm of the right
hand, then where it is held, then how, and then to hold it still.

Left and right are the shopper's own. The camera looks back at the shopper, so the right edge of
its frame lies to the shopper's left; a palm found there has to move right. The live view is
mirrored, so the arrow on it points, and the picture of the hand moves, the same way. Up and down
are what they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import hypot
from typing import NamedTuple

from palm.hand.landmarks import Hand, Shown, Side
from palm.hand.observation import Observation


class Instruction(StrEnum):
    """One thing to do, in the order a person can follow."""

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
    HOLD_STILL = "hold_still"
    HOLD_LONGER = "hold_longer"
    """Told by whoever records a pulse, once the hand has been held still."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Guidance:
    """One instruction, and how far the capture has come while the hand is held still."""

    instruction: Instruction
    progress: float = 0.0
    """0 to 1; above 0 only while `HOLD_STILL` or `HOLD_LONGER`, 1 with `DONE`."""
    points: tuple[tuple[float, float], ...] = ()
    """The hand's 21 landmarks in shares of the frame (x, y, 0 to 1, unmirrored; beyond that where
    the frame cuts the hand off), for the live view to draw over; empty when there is not one
    hand."""


class Bound(NamedTuple):
    """A limit with hysteresis: what is wrong beyond `wrong` is right again only within `right`."""

    wrong: float
    right: float

    def above(self, value: float, told: bool) -> bool:
        return value > (self.right if told else self.wrong)

    def below(self, value: float, told: bool) -> bool:
        return value < (self.right if told else self.wrong)


# Units as in `Observation`. Flat palms of the sets in ../shared/palms measure 10 to 36 degrees of
# tilt, 0.97 to 1 of openness, 0.26 to 0.87 of brightness and 0.5 to 1 of sharpness.
OPENNESS = Bound(wrong=0.6, right=0.7)
FAR = Bound(wrong=0.30, right=0.33)
NEAR = Bound(wrong=0.60, right=0.57)
ASIDE = Bound(wrong=0.50, right=0.40)
HIGH_OR_LOW = Bound(wrong=0.45, right=0.35)
TILT = Bound(wrong=48.0, right=42.0)
DARK = Bound(wrong=0.20, right=0.24)
BRIGHT = Bound(wrong=0.94, right=0.90)
BURNT = Bound(wrong=0.30, right=0.20)
MOTION = Bound(wrong=0.7, right=0.5)
BLUR = Bound(wrong=0.2, right=0.3)

HOLD = 0.4
"""Seconds a hand is held still to be captured, and the frames that must show it so."""
HOLD_FRAMES = 4

GLITCH = 0.2
"""Seconds without a good frame that do not end a hold: one missed detection is nobody's fault."""

SETTLE = 0.12
"""Seconds something must have been wrong before it is told, and those it is told at least, so
that the text can be read."""
DWELL = 0.7

JUMP = 0.5
"""Palm lengths between two good frames from which it may be another hand."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is told now, and what the next advice has to remember."""

    guidance: Guidance
    told_at: float
    """When this instruction was first told, on the clock of the observations."""
    wish: Instruction
    """What would be told if everything were told at once, and since when."""
    wish_at: float
    held_since: float | None = None
    """When the hold began that is going on; another value is another hold."""
    good_frames: int = 0
    """Of this hold."""
    good: Observation | None = None
    """The last of them."""
    fit_to_keep: bool = False
    """The frame just observed is one of them, to be captured."""


def advise(
    seen: Observation,
    before: Advice | None,
    wanted: Side | None,
    frame: tuple[int, int],
    hold: float = HOLD,
) -> Advice:
    """Advises on one observation of a frame of this (height, width).

    `before` is the advice on the observation before it, None at the first; `wanted` is the hand
    asked for, None when either will do; `hold` is how many seconds it is to be held still. Nothing
    follows after DONE.
    """
    if before is None:
        before = Advice(Guidance(Instruction.SHOW_PALM), seen.at, Instruction.SHOW_PALM, seen.at)
    told = before.guidance.instruction
    if told is Instruction.DONE:
        return before
    wish = next(_faults(seen, told, wanted), Instruction.HOLD_STILL)
    steady = wish is Instruction.HOLD_STILL and _is_still(seen, before)

    held_since, good_frames, good = before.held_since, before.good_frames, before.good
    if good is not None and not _goes_on(good, seen):
        held_since, good_frames, good = None, 0, None
    if steady:
        held_since = seen.at if held_since is None else held_since
        good_frames, good = good_frames + 1, seen

    progress = 0.0
    if held_since is not None and good is not None:
        wish = Instruction.HOLD_STILL
        progress = min((good.at - held_since) / hold, good_frames / HOLD_FRAMES, 1.0)
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
        fit_to_keep=steady,
    )


def _faults(seen: Observation, told: Instruction, wanted: Side | None) -> Iterator[Instruction]:
    """Everything that is wrong, in the order it can be mended."""
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


def _is_still(seen: Observation, before: Advice) -> bool:
    """A hold has begun within the inner bounds and goes on within the outer ones."""
    beginning = before.held_since is None
    return not (MOTION.above(seen.motion, beginning) or BLUR.below(seen.sharpness, beginning))


def _goes_on(good: Observation, seen: Observation) -> bool:
    """Whether what is seen may be the hand of the last good frame, still being held."""
    if seen.at - good.at > GLITCH or seen.hands > 1:
        return False
    if seen.hand is None or good.hand is None:
        return True
    moved = hypot(*(seen.hand.palm_centre - good.hand.palm_centre))
    return seen.hand.side is good.hand.side and moved < JUMP * good.hand.palm_length


def _told_next(now: float, before: Advice, wish: Instruction) -> Instruction:
    """The wish, once it has settled and, unless it is good news, what was told could be read."""
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
