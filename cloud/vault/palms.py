"""The vault's eyes: finds the palm in a burst, judges each frame again, signs the good ones."""

from collections import Counter

import cv2
import numpy as np

from cloud.vault.examiner import Flaw, Presentation, Unusable
from palm.align import align
from palm.find import HandFinder
from palm.hand import Shown
from palm.image import Colour
from palm.linefield import LineFieldSigner
from palm.observation import Observation
from palm.observe import observe
from palm.recognition import Signer
from palm.roi import Roi
from protocol.capture import Burst, Frame

ENOUGH = 3
"""Good frames a template is made from: more of the same moment add little and cost time."""
SHARP_ENOUGH = 0.15
CLIPPED_AT_MOST = 0.35
QUALITY_AT_LEAST = 0.6
"""Of the ROI. A palm of which a corner lies outside the frame can still be signed."""


class PalmExaminer:
    def __init__(self) -> None:
        self._finder = HandFinder()
        self._signer: Signer = LineFieldSigner()

    def examine(self, burst: Burst) -> Presentation:
        self._finder.forget()
        palms: list[Roi] = []
        flaws: Counter[Flaw] = Counter()
        for frame in burst.frames:
            found = self._look(frame)
            if isinstance(found, Flaw):
                flaws[found] += 1
            else:
                palms.append(found)
            if len(palms) == ENOUGH:
                break
        if not palms:
            raise Unusable(flaws.most_common(1)[0][0])
        # One frame may mistake a left hand for a right one; most do not.
        side, _ = Counter(palm.side for palm in palms).most_common(1)[0]
        assert side is not None
        return Presentation(side, self._signer.sign([p for p in palms if p.side is side]))

    def _look(self, frame: Frame) -> Roi | Flaw:
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
        return palm


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
