"""The examiner in use: finds the palm in a burst, and judges its frames and its liveness."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from cloud.vault.examiner import Flaw, Presentation, Unusable
from palm.hand.align import align
from palm.hand.find import HandFinder
from palm.hand.landmarks import Hand, Shown
from palm.hand.observation import Observation
from palm.hand.observe import observe
from palm.hand.roi import Roi
from palm.image import Colour
from palm.liveness import LitFrame, Still, Unjudgeable, judge, judge_infrared
from palm.liveness.pulse import NoRecording, cells_of, judge_pulse
from palm.liveness.same_palm import likeness
from protocol.capture import PULSE_SIDE, Burst, Frame, Pulse, Spectrum
from protocol.ring import DARK, PLACES, WHITE, Levels

ENOUGH = 3
"""The number of good frames that a template is made of: more of one moment add little and cost
time."""
SHARP_ENOUGH = 0.15
"""The lowest sharpness of a good frame (`palm.hand.observation.Observation`)."""
CLIPPED_AT_MOST = 0.35
"""The largest share of clipped pixels in a good frame."""
QUALITY_AT_LEAST = 0.6
"""The lowest quality of a usable ROI: a corner of the palm may lie outside the frame."""
ALIKE = 0.7
"""The likeness (`palm.liveness.same_palm`) from which a palm under a step of the light challenge is
the palm that the template is made of."""
ALIKE_IN_INFRARED = 0.45
"""The correlation of lines (`palm.liveness.InfraredCues.alike`) from which a palm in near infrared
is the palm that the template is made of. It is 0.51 or more in 96 bursts of 24 drawn hands, and
0.37 or less in 84 pairs of different hands."""
SAME_MOMENT_MS = 250
"""The longest time between a near-infrared frame and the nearest colour frame."""
SAME_POSE = 0.12
"""The largest distance between the landmarks of a near-infrared and a colour frame, root mean
square, in palm lengths."""
SAME_LIGHT = 16.0
"""The largest difference between the end of a pulse recording and the frame after it: grey levels,
mean over the palm's cells."""


@dataclass(frozen=True, slots=True)
class _Palm:
    """The palm in one good frame."""

    at_ms: int
    image: Colour
    hand: Hand
    roi: Roi


class PalmExaminer:
    def __init__(self) -> None:
        self._finder = HandFinder()

    def examine(self, burst: Burst, shown: Sequence[Levels]) -> Presentation:
        self._finder.forget()
        white = [f for f in _white(burst) if not burst.pulse or f.at_ms < burst.pulse.at_ms[0]]
        palms: list[_Palm] = []
        flaws: Counter[Flaw] = Counter()
        for frame in white:
            found = self._find_palm(frame)
            if isinstance(found, Flaw):
                flaws[found] += 1
            else:
                palms.append(found)
            if len(palms) == ENOUGH:
                break
        if not palms:
            raise Unusable(flaws.most_common(1)[0][0] if flaws else Flaw.NOT_A_CAPTURE)
        scores = [self._answer(burst, palms, shown)] if shown else []
        scores += self._in_infrared(burst, palms[-1])
        if any(score < 0 for score in scores):
            raise Unusable(Flaw.NOT_LIVE)
        if burst.pulse and not self._beats(burst, burst.pulse, palms[-1]):
            raise Unusable(Flaw.NOT_LIVE)
        # One frame may mistake a left hand for a right one; most do not.
        side, _ = Counter(palm.hand.side for palm in palms).most_common(1)[0]
        return Presentation(
            side,
            tuple(p.roi for p in palms if p.hand.side is side),
            score=min(scores, default=None),
            pulse=burst.pulse is not None,
        )

    def _answer(self, burst: Burst, palms: list[_Palm], shown: Sequence[Levels]) -> float:
        """Returns the liveness score of the answer to a light challenge.

        It is 0 or more when the palm that the template is made of was there in every step, and
        reflected the light as a living hand does.
        """
        lit = [(f, _decode(f), shown[f.light]) for f in burst.frames if f.light is not None]
        bright = [(frame, image) for frame, image, step in lit if step != DARK]
        if {frame.light for frame, _, _ in lit} != set(range(len(shown))):
            return _NOT_AT_ALL
        frames = [LitFrame(palm.image, palm.hand, _light(WHITE)) for palm in palms]
        first, (last, image) = palms[-1], bright[-1]
        hands = [] if image is None else self._finder.follow(image)
        if len(hands) != 1:
            return _NOT_AT_ALL
        for frame, image, step in lit:
            # The hand is held still, so its place in between is interpolated. This holds in the
            # dark as well, where it cannot be found.
            share = (frame.at_ms - first.at_ms) / max(last.at_ms - first.at_ms, 1)
            hand = _between(first.hand, hands[0], share)
            if image is None:
                return _NOT_AT_ALL
            if step != DARK and likeness(first.roi, align(image, hand)) < ALIKE:
                return _NOT_AT_ALL
            frames.append(LitFrame(image, hand, _light(step)))
        try:
            return judge(frames, _LAMPS).score
        except Unjudgeable:
            return _NOT_AT_ALL

    def _in_infrared(self, burst: Burst, palm: _Palm) -> list[float]:
        """Returns the liveness score of the near-infrared frames in a list; an empty list without
        such frames. They must show the same palm, moment and pose as the colour frames."""
        taken = [frame for frame in burst.frames if frame.spectrum is Spectrum.INFRARED]
        if not taken:
            return []
        in_colour = [f.at_ms for f in burst.frames if f.spectrum is Spectrum.COLOUR]
        stills: list[Still] = []
        for frame in taken:
            image = _decode(frame)
            hands = [] if image is None else self._finder.find(image)
            if image is None or len(hands) != 1 or _apart(palm.hand, hands[0]) > SAME_POSE:
                return [_NOT_AT_ALL]
            if min(abs(frame.at_ms - at_ms) for at_ms in in_colour) > SAME_MOMENT_MS:
                return [_NOT_AT_ALL]
            # Without colour, left and right hands are easily mistaken for each other.
            stills.append(Still(image, replace(hands[0], side=palm.hand.side)))
        verdict = judge_infrared(Still(palm.image, palm.hand), stills)
        return [verdict.score if verdict.cues.alike >= ALIKE_IN_INFRARED else _NOT_AT_ALL]

    def _beats(self, burst: Burst, pulse: Pulse, palm: _Palm) -> bool:
        """Returns whether the recording shows a pulse, and the palm that the template is made of
        was still there after it."""
        after = next((f for f in _white(burst) if f.at_ms >= pulse.at_ms[-1]), None)
        still_there = None if after is None else self._find_palm(after)
        if not isinstance(still_there, _Palm) or likeness(palm.roi, still_there.roi) < ALIKE:
            return False
        shape = (len(pulse.at_ms), PULSE_SIDE, PULSE_SIDE, 3)
        cells = np.frombuffer(pulse.cells, "<u2").reshape(shape)
        last = cells_of(still_there.image, still_there.hand, PULSE_SIDE).astype(np.float64)
        if float(np.abs(last - cells[-1]).mean()) / 256 > SAME_LIGHT:
            return False
        try:
            return judge_pulse(np.array(pulse.at_ms) / 1000, cells).beats
        except NoRecording:
            return False

    def _find_palm(self, frame: Frame) -> _Palm | Flaw:
        image = _decode(frame)
        if image is None:
            return Flaw.NOT_A_CAPTURE
        hands = self._finder.follow(image) or self._finder.find(image)
        observation = observe(image, hands, frame.at_ms / 1000, None)
        flaw = _flaw(observation)
        if flaw is not None or observation.hand is None:
            return flaw or Flaw.NO_HAND
        palm = align(image, observation.hand)
        if palm.quality < QUALITY_AT_LEAST:
            return Flaw.CUT_OFF if observation.cut_off else Flaw.UNCLEAR
        return _Palm(frame.at_ms, image, observation.hand, palm)


_NOT_AT_ALL = float("-inf")
_LAMPS = np.array(PLACES)


def _white(burst: Burst) -> list[Frame]:
    return [f for f in burst.frames if f.light is None and f.spectrum is Spectrum.COLOUR]


def _apart(one: Hand, other: Hand) -> float:
    """Returns how much two poses differ: the distance between the landmarks after the best
    similarity transform, root mean square, in palm lengths."""
    here, there = (
        (hand.landmarks - hand.landmarks.mean(axis=0)).astype(np.float64) @ (1, 1j)
        for hand in (one, other)
    )
    left = here - there * ((here @ there.conj()) / (there @ there.conj()))
    return float(np.sqrt((np.abs(left) ** 2).mean())) / one.palm_length


def _between(one: Hand, other: Hand, share: float) -> Hand:
    """Returns the hand at a share of the straight way from one place to another."""
    return replace(one, landmarks=one.landmarks + (other.landmarks - one.landmarks) * share)


def _light(step: Levels) -> npt.NDArray[np.float32]:
    return np.array(step, np.float32) / np.float32(255)


def _decode(frame: Frame) -> Colour | None:
    try:
        image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        # The image claims to be larger than OpenCV accepts.
        return None
    return None if image is None else np.asarray(image, np.uint8)


def _flaw(observation: Observation) -> Flaw | None:
    if observation.hands == 0:
        return Flaw.NO_HAND
    if observation.hands > 1:
        return Flaw.MANY_HANDS
    if observation.hand is None or observation.hand.shown is not Shown.PALM:
        return Flaw.NOT_A_PALM
    if observation.sharpness < SHARP_ENOUGH or observation.clipped > CLIPPED_AT_MOST:
        return Flaw.UNCLEAR
    return None
