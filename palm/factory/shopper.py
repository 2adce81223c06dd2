"""A shopper's hand before the camera, moving by itself or as it is told."""

from dataclasses import dataclass, field, fields, replace

import numpy as np

from palm.factory.identity import identity
from palm.factory.presentation import Presentation, background, draw, expose
from palm.hand import Side
from palm.image import Colour

_AWAY = 1.75
"""Where the hand waits beneath the frame, in frame heights."""
_SETTLE = 0.22
"""Seconds in which two thirds of a movement are done."""
_SCRIPT = ((2.0, False), (8.0, True))
"""The shopper's own rhythm: seconds, and whether the hand is there."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the hand is told to do."""

    pose: Presentation = field(default_factory=Presentation)
    seed: int = 7
    side: Side = Side.LEFT
    present: bool | None = None
    """None follows the shopper's own rhythm."""


class Shopper:
    """A scene for the simulated camera."""

    def __init__(self, seed: int = 7, side: Side = Side.LEFT) -> None:
        self.wish = Wish(seed=seed, side=side)
        self._pose = replace(self.wish.pose, y=_AWAY)
        self._at: float | None = None
        self._rng = np.random.default_rng(seed)

    def draw(self, out: Colour, at: float) -> None:
        """Draws the moment `at`, seconds on any clock that does not run back, into `out`
        (height, width, 3)."""
        wish = self.wish
        passed = 0.0 if self._at is None else max(at - self._at, 0.0)
        self._at = at
        target = wish.pose
        if not (_present(at) if wish.present is None else wish.present):
            target = replace(target, y=_AWAY)
        before = self._pose
        self._pose = _toward(before, target, 1 - float(np.exp(-passed / _SETTLE)))
        if self._pose.y > _AWAY - 0.05:
            np.copyto(out, background(*out.shape[:2]))
            expose(out, self._pose, self._rng)
            return
        shown = _trembling(self._pose, at)
        exposure = 0.25 if passed else 0.0
        height, width = out.shape[:2]
        smear = (
            (self._pose.x - before.x) * width * exposure + wish.pose.smear[0],
            (self._pose.y - before.y) * height * exposure + wish.pose.smear[1],
        )
        draw(identity(wish.seed, wish.side), replace(shown, smear=smear), self._rng, out=out)


def _present(at: float) -> bool:
    within = at % sum(length for length, _ in _SCRIPT)
    for length, present in _SCRIPT:
        if within < length:
            return present
        within -= length
    return False


def _toward(here: Presentation, there: Presentation, share: float) -> Presentation:
    """Moves every number of a pose a share of its way."""
    moved = {
        f.name: getattr(here, f.name) + share * (getattr(there, f.name) - getattr(here, f.name))
        for f in fields(Presentation)
        if isinstance(getattr(there, f.name), float)
    }
    return replace(there, **moved)


def _trembling(pose: Presentation, at: float) -> Presentation:
    """No hand is ever quite still."""

    def sway(size: float, pace: float) -> float:
        return size * float(
            np.sin(pace * at)
            + 0.6 * np.sin(2.3 * pace * at + 1)
            + 0.3 * np.sin(7.1 * pace * at + 2)
        )

    return replace(
        pose,
        x=pose.x + sway(0.0012, 1.9),
        y=pose.y + sway(0.0016, 1.6),
        span=pose.span * (1 + sway(0.003, 1.1)),
        turn=pose.turn + sway(0.35, 1.3),
        pitch=pose.pitch + sway(0.8, 0.9),
        yaw=pose.yaw + sway(0.8, 1.2),
    )
