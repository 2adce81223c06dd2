"""The vault's eyes: finds the palm in a burst, judges each frame again, keeps the good ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from cloud.vault.examiner import Flaw, Presentation, Unusable
from palm.align import align
from palm.find import HandFinder
from palm.hand import Hand, Shown
from palm.image import Colour
from palm.liveness import LitFrame, Unjudgeable, judge
from palm.observation import Observation
from palm.observe import observe
from palm.roi import Roi
from palm.same import likeness
from protocol.capture import Burst, Frame
from protocol.challenge import DARK, WHITE, Step

ENOUGH = 3
"""Good frames a template is made from: more of the same moment add little and cost time."""
SHARP_ENOUGH = 0.15
CLIPPED_AT_MOST = 0.35
QUALITY_AT_LEAST = 0.6
"""Of the ROI. A palm of which a corner lies outside the frame can still be signed."""
ALIKE = 0.7
"""Likeness (`palm.same`) from which a palm under a step is the one that is signed."""


@dataclass(frozen=True, slots=True)
class _Palm:
    """One good frame."""

    at_ms: int
    image: Colour
    hand: Hand
    roi: Roi


class PalmExaminer:
    def __init__(self) -> None:
        self._finder = HandFinder()

    def examine(self, burst: Burst, shown: Sequence[Step]) -> Presentation:
        self._finder.forget()
        white = [frame for frame in burst.frames if frame.light is None]
        palms: list[_Palm] = []
        flaws: Counter[Flaw] = Counter()
        for frame in white:
            found = self._look(frame)
            if isinstance(found, Flaw):
                flaws[found] += 1
            else:
                palms.append(found)
            if len(palms) == ENOUGH:
                break
        if not palms:
            raise Unusable(flaws.most_common(1)[0][0] if flaws else Flaw.NOT_A_CAPTURE)
        if shown and not self._is_alive(burst, palms, shown):
            raise Unusable(Flaw.NOT_LIVE)
        # One frame may mistake a left hand for a right one; most do not.
        side, _ = Counter(palm.hand.side for palm in palms).most_common(1)[0]
        return Presentation(side, tuple(p.roi for p in palms if p.hand.side is side))

    def _is_alive(self, burst: Burst, palms: list[_Palm], shown: Sequence[Step]) -> bool:
        """Whether the very palm that is signed was there under every step, and answered to it."""
        lit = [(f, _decode(f), shown[f.light]) for f in burst.frames if f.light is not None]
        bright = [(frame, image) for frame, image, step in lit if step != DARK]
        if {frame.light for frame, _, _ in lit} != set(range(len(shown))):
            return False
        frames = [LitFrame(palm.image, palm.hand, _light(WHITE)) for palm in palms]
        first, (last, image) = palms[-1], bright[-1]
        hands = [] if image is None else self._finder.follow(image)
        if len(hands) != 1:
            return False
        for frame, image, step in lit:
            # It is held still; and in the dark, where the camera may see nothing, it is as well.
            share = (frame.at_ms - first.at_ms) / max(last.at_ms - first.at_ms, 1)
            hand = _between(first.hand, hands[0], share)
            if image is None:
                return False
            if step != DARK and likeness(first.roi, align(image, hand)) < ALIKE:
                return False
            frames.append(LitFrame(image, hand, _light(step)))
        try:
            return judge(frames).live
        except Unjudgeable:
            return False

    def _look(self, frame: Frame) -> _Palm | Flaw:
        image = _decode(frame)
        if image is None:
            return Flaw.NOT_A_CAPTURE
        hands = self._finder.follow(image) or self._finder.find(image)
        seen = observe(image, hands, frame.at_ms / 1000, None)
        flaw = _flaw(seen)
        if flaw is not None or seen.hand is None:
            return flaw or Flaw.NO_HAND
        palm = align(image, seen.hand)
        if palm.quality < QUALITY_AT_LEAST:
            return Flaw.CUT_OFF if seen.cut_off else Flaw.UNCLEAR
        return _Palm(frame.at_ms, image, seen.hand, palm)


def _between(one: Hand, other: Hand, share: float) -> Hand:
    """A hand on its straight way from one place to another."""
    return replace(one, landmarks=one.landmarks + (other.landmarks - one.landmarks) * share)


def _light(step: Step) -> npt.NDArray[np.float32]:
    return np.array(step, np.float32) / np.float32(255)


def _decode(frame: Frame) -> Colour | None:
    try:
        image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        # Larger than OpenCV was told to believe.
        return None
    return None if image is None else np.asarray(image, np.uint8)


def _flaw(seen: Observation) -> Flaw | None:
    if seen.hands == 0:
        return Flaw.NO_HAND
    if seen.hands > 1:
        return Flaw.MANY_HANDS
    if seen.hand is None or seen.hand.shown is not Shown.PALM:
        return Flaw.NOT_A_PALM
    if seen.sharpness < SHARP_ENOUGH or seen.clipped > CLIPPED_AT_MOST:
        return Flaw.UNCLEAR
    return None
