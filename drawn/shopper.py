"""A shopper's hand in front of the camera, moving by itself or as it is told."""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from drawn.anatomy import Field, array
from drawn.card import hold_up
from drawn.heart import SIGNATURE, Heart
from drawn.identity import DrawnPalm, identity
from drawn.lit import WHITE, LitHand, light_of
from drawn.presentation import Presentation, background, expose, gesture, show
from drawn.sprite import Gesture, Sprite, sprite
from palm.hand.landmarks import Side
from palm.image import Colour
from protocol.ring import Levels

Lights: TypeAlias = Callable[[float], Levels]
"""Returns the levels of the light ring at a time in seconds, on the clock of the frames."""

AWAY_SECONDS, SHOWN_SECONDS = 2.0, 7.0
"""The durations of the shopper's own rhythm."""

_EAGERNESS = 5.0
"""The rate in 1/s at which the hand follows; it arrives after about a second."""
_LONGEST = 0.1
"""The longest time between frames, in seconds, that the hand moves for; it does not jump after a
longer pause."""
_EXPOSURE = 0.008
"""The shutter time in seconds."""
_MOVING = [f.name for f in fields(Presentation) if f.type == "float" or f.type is float]


@dataclass(frozen=True, slots=True)
class Wish:
    """The pose that the hand is told to take. It moves there as a hand does."""

    pose: Presentation = field(default_factory=Presentation)
    seed: int = 7
    """The person whose hand it is."""
    side: Side = Side.LEFT
    present: bool | None = None
    """Whether the hand is shown. None follows the shopper's own rhythm: a few seconds shown, then a
    pause."""
    recording: bool = False
    """Whether a film of the hand is shown instead. It looks as in plain white light, whatever the
    ring plays."""
    card: str | None = None
    """What the code of the membership card says that is held up instead; None without one."""


class Shopper:
    """A scene for a simulated camera: an empty view into which a hand comes and holds still.

    `draw` belongs to one thread; `wish` may be set from any thread. Drawing a hand's sprite takes
    about a second and happens in the background. Until then the view is empty, or shows the last
    gesture.
    """

    def __init__(self, seed: int = 7, side: Side = Side.LEFT, light: Lights | None = None) -> None:
        """`light` returns what the light ring shows. Without it there is no ring, and the room is
        bright enough."""
        self.wish = Wish(seed=seed, side=side)
        self._light = light
        self._is_seen_in_infrared = False
        self._painter = ThreadPoolExecutor(1, "palm-painter")
        self._painting: Future[_Painted] | None = None
        self._painted: _Painted | None = None
        self._pose = _withdrawn(self.wish.pose)
        self._speed = np.zeros(len(_MOVING), np.float32)
        self._began: float | None = None
        self._at = 0.0
        self._seen: tuple[_Painted, Presentation] | None = None
        self._rng = np.random.default_rng(seed)

    def prepare(self) -> None:
        """Waits until the sprite of the wished pose is drawn."""
        self._painted = self._paint(self.wish, self.wish.pose)

    def draw(self, out: Colour, at: float) -> None:
        """Draws the scene at time `at` over all of `out`, (height, width, 3).

        `at` is in seconds on a clock that does not run back.
        """
        wish = self.wish
        if self._began is None:
            self._began = self._at = at
        passed = min(at - self._at, _LONGEST)
        self._at = at
        within = (at - self._began) % (AWAY_SECONDS + SHOWN_SECONDS)
        present = within >= AWAY_SECONDS if wish.present is None else wish.present
        # While no hand has been asked for, the processor is left to whatever starts meanwhile.
        wanted = wish.card is None and (present or self._painted is not None)
        hand = self._hand(wish) if wanted else None
        if hand is None:
            self._pose, self._speed[:] = _withdrawn(wish.pose), 0
            self._seen = None
            np.copyto(out, background(*out.shape[:2]))
            if wish.card is not None:
                hold_up(out, wish.card)
            expose(out, wish.pose, self._rng)
            return
        self._move(wish.pose if present else _withdrawn(wish.pose), passed)
        speed = dict(zip(_MOVING, self._speed.tolist(), strict=True))
        moved = (
            wish.pose.smear[0] + speed["x"] * out.shape[1] * _EXPOSURE,
            wish.pose.smear[1] + speed["y"] * out.shape[0] * _EXPOSURE,
        )
        shown = replace(_trembling(self._pose, at), smear=moved, flush=_flush(at))
        self._seen = hand, shown
        show(hand.palm, hand.at(at), shown, self._rng, out)

    def in_infrared(self) -> "InInfrared":
        """Returns the scene of a near-infrared camera beside this one."""
        self._is_seen_in_infrared = True
        return InInfrared(self)

    @property
    def seen(self) -> "tuple[_Painted, Presentation] | None":
        """The hand and the pose that were drawn last; None while there is no hand."""
        return self._seen

    def _hand(self, wish: Wish) -> "_Painted | None":
        """Returns the wished palm in its last gesture that was drawn, or None."""
        if self._painting is not None and self._painting.done():
            self._painted, self._painting = self._painting.result(), None
        if self._painting is None:
            self._painting = self._painter.submit(
                self._paint, wish, replace(self._pose, back=wish.pose.back)
            )
        if self._painted is None:
            return None
        palm = self._painted.palm
        return self._painted if (palm.seed, palm.side) == (wish.seed, wish.side) else None

    def _paint(self, wish: Wish, pose: Presentation) -> "_Painted":
        palm = identity(wish.seed, wish.side)
        painted = gesture(palm, pose)
        if self._light is None and not self._is_seen_in_infrared:
            still = sprite(palm, painted)
            return _Painted(
                palm, lambda _: still, lambda shown: _lit(palm, painted).in_infrared(shown)
            )
        light, lit = self._light, _lit(palm, painted)

        def seen(at: float) -> Sprite:
            if light is None or self.wish.recording:
                return lit.under(WHITE)
            return lit.under(light_of(light(at)))

        return _Painted(palm, seen, lit.in_infrared)

    def _move(self, goal: Presentation, passed: float) -> None:
        """Moves toward the goal like a critically damped spring."""
        here, there = _numbers(self._pose), _numbers(goal)
        decay = math.exp(-_EAGERNESS * passed)
        pull = self._speed + _EAGERNESS * (here - there)
        here = there + (here - there + pull * passed) * decay
        self._speed = array((self._speed - _EAGERNESS * pull * passed) * decay)
        self._pose = replace(goal, **dict(zip(_MOVING, here.tolist(), strict=True)))


@dataclass(frozen=True, slots=True)
class _Painted:
    """A palm in one gesture, and its sprite at a time in seconds."""

    palm: DrawnPalm
    at: Callable[[float], Sprite]
    in_infrared: Callable[[Presentation], tuple[Sprite, Presentation]]


class InInfrared:
    """A scene for a near-infrared camera: the hand that the shopper drew last in colour.

    A film of a hand is shown on a screen, which is dark in near infrared.
    """

    def __init__(self, shopper: Shopper) -> None:
        self._shopper = shopper
        self._rng = np.random.default_rng(shopper.wish.seed)

    def draw(self, out: Colour, at: float) -> None:
        """Draws the scene over all of `out`, see `Shopper.draw`."""
        del at
        seen = self._shopper.seen
        if seen is None or self._shopper.wish.recording:
            np.copyto(out, background(*out.shape[:2]))
        else:
            hand, shown = seen
            sprite, there = hand.in_infrared(shown)
            show(hand.palm, sprite, replace(there, flush=(0.0, 0.0, 0.0)), self._rng, out)
        out[:] = out[..., 1:2]


@lru_cache(maxsize=4)
def _lit(palm: DrawnPalm, painted: Gesture) -> LitHand:
    """Takes about half a second; cached because a gesture is kept for many frames."""
    light = painted.light if palm.side is Side.LEFT else -painted.light
    return LitHand(
        palm,
        Presentation(spread=painted.spread, curl=painted.curl, back=painted.back, light=light),
    )


_HEART = Heart(rate=1.15, depth=0.01)
_GREY = 110.0
"""The grey level of a well exposed palm."""


def _flush(at: float) -> tuple[float, float, float]:
    taken = (1 - _HEART(at)) * SIGNATURE * (_GREY / 2.2)
    return float(taken[0]), float(taken[1]), float(taken[2])


def _numbers(pose: Presentation) -> Field:
    return array([getattr(pose, name) for name in _MOVING])


def _withdrawn(pose: Presentation) -> Presentation:
    """Returns the pose moved out of view along the arm."""
    turn, far = math.radians(pose.turn), 1.1 + 1.6 * pose.span
    return replace(
        pose, x=pose.x - far * math.sin(turn), y=pose.y + far * math.cos(turn), pitch=-15.0
    )


def _trembling(pose: Presentation, at: float) -> Presentation:
    """Adds the small movements of a hand that is held still."""

    def sway(size: float, pace: float) -> float:
        waves = ((1.0, 1.0, 0.0), (0.6, 2.3, 1.0), (0.2, 7.1, 2.0))
        return size * sum(share * math.sin(k * pace * at + phase) for share, k, phase in waves)

    return replace(
        pose,
        x=pose.x + sway(0.0012, 1.9),
        y=pose.y + sway(0.0016, 1.6),
        span=pose.span * (1 + sway(0.003, 1.1)),
        turn=pose.turn + sway(0.35, 1.3),
        pitch=pose.pitch + sway(0.8, 0.9),
        yaw=pose.yaw + sway(0.8, 1.2),
    )
