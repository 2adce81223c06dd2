"""Telling how the camera is mounted from a hand that is shown to it as asked.

A picture alone does not tell: a hand may point anywhere, and a mirrored right hand looks like a
left one. So staff are asked for a right palm with its fingers up; whatever is then seen instead is
the camera's doing.
"""

from hardware.camera import Mounting
from palm.hand.landmarks import Shown, Side
from palm.hand.observation import Observation

OPEN = 0.7
"""The least openness of a hand whose direction counts."""
ASKEW = 25.0
"""Degrees by which the fingers may point away from a quarter turn."""
AGREE = 5
"""The number of observations in a row that have to agree: one may mistake a hand for the other."""


class Uprightness:
    """Collects what is seen of the hand, newest last."""

    def __init__(self) -> None:
        self._seen: Mounting | None = None
        self._times = 0
        self.correction: Mounting | None = None
        """What makes the pictures upright: nothing to do when they are; None until a hand has been
        shown as asked."""

    def see(self, seen: Observation) -> None:
        """Takes in one observation."""
        correction = correction_for(seen)
        self._times = self._times + 1 if correction == self._seen else 1
        self._seen = correction
        if correction is not None and self._times >= AGREE:
            self.correction = correction


def correction_for(seen: Observation) -> Mounting | None:
    """Returns what makes upright the picture of a right palm that has its fingers up, None when no
    open palm is seen that points up, down or sideways."""
    hand = seen.hand
    if hand is None or hand.shown is not Shown.PALM or seen.openness < OPEN:
        return None
    quarter = 90 * round(seen.turn / 90)
    if abs(seen.turn - quarter) > ASKEW:
        return None
    mirror = hand.side is Side.LEFT
    # A mirror image is flipped first, which turns it the other way round.
    return Mounting((quarter if mirror else -quarter) % 360, mirror)
