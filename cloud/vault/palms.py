"""The examiner in use: finds the palm in a burst, and judges its frames and its liveness."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np
import numpy.typing as npt

from cloud.vault.examiner import Flaw, Presentation, Unusable
from cloud.vault.pictures import BURST_PIXELS, decode, pixels
from palm.burst import ALIKE, ENOUGH, BurstFinder, Seen, spread, still_there
from palm.hand.align import align
from palm.hand.find import HandFinder
from palm.hand.landmarks import Hand, Shown, Side
from palm.hand.observation import Observation
from palm.hand.observe import observe
from palm.hand.roi import Roi
from palm.image import Colour
from palm.liveness import LitFrame, Still, Unjudgeable, Verdict, judge, judge_infrared
from palm.liveness.pulse import NoRecording, cells_of, judge_pulse
from palm.liveness.response import register_burst
from palm.liveness.same_palm import Lines, are_alike, lines, lines_of
from palm.liveness.signed import Signer, Signs
from palm.template import current
from protocol.capture import PULSE_SIDE, Burst, Frame, Pulse, Spectrum
from protocol.ring import DARK, PLACES, WHITE, Levels

HOPELESS = 4
"""The number of frames after which a burst is given up when no palm was read in any of them. The
kiosk has found one in each."""
INFRARED_AT_MOST = 4
"""The largest number of near-infrared frames; the kiosk takes two."""
SHARP_ENOUGH = 0.15
"""The lowest sharpness of a good frame (`palm.hand.observation.Observation`)."""
CLIPPED_AT_MOST = 0.35
"""The largest share of clipped pixels in a good frame."""
QUALITY_AT_LEAST = 0.6
"""The lowest quality of a usable ROI: a corner of the palm may lie outside the frame."""
SAME = 7.83
"""The score (`palm.template.levelled`) from which two frames show the same palm where they are less
than ALIKE: that of one pair of different hands in 10,000 (`palm.calibration.LEVELLED_3`)."""
ALIKE_IN_INFRARED = 0.45
"""The correlation of lines (`palm.liveness.InfraredVerdict.alike`) from which a palm in near
infrared is the palm that the template is made of. It is 0.59 or more in 192 pictures of 16 drawn
hands, 64 of them in unusual circumstances, and 0.40 or less in 64 pairs of different hands."""
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
    """The palm in one frame, where the hand is."""

    at_ms: int
    image: Colour
    hand: Hand
    roi: Roi
    lines: Lines

    @classmethod
    def of(cls, at_ms: int, image: Colour, hand: Hand) -> "_Palm":
        roi = align(image, hand)
        return cls(at_ms, image, hand, roi, lines(roi))

    @property
    def seen(self) -> Seen:
        return self.hand, self.lines


class PalmExaminer:
    """Judges every frame of a burst before a template is made of any.

    A frame in which no palm can be read is not used. All others must show the same palm: those in
    white with one another, and each of them with those under the steps of the light challenge, in
    near infrared and after the pulse. So no frame of another palm reaches the template, wherever
    it comes in the burst.
    """

    def __init__(self) -> None:
        self._finder = HandFinder()
        self._hands = BurstFinder(self._finder)
        self._extractor, self._matcher = current.pair()
        self._signer = Signer()

    def examine(self, burst: Burst, shown: Sequence[Levels]) -> Presentation:
        if pixels(burst) > BURST_PIXELS:
            raise Unusable(Flaw.TOO_LARGE)
        self._hands.begin()
        palms: list[_Palm] = []
        flaws: Counter[Flaw] = Counter()
        for frame in _white(burst):
            found = self._find_palm(frame, palms[-1] if palms else None)
            if isinstance(found, Flaw):
                flaws[found] += 1
            else:
                palms.append(found)
            if not palms and flaws.total() == HOPELESS:
                break
        begin = _begin(burst)
        before = [palm for palm in palms if palm.at_ms < begin]
        if not before:
            raise Unusable(flaws.most_common(1)[0][0] if flaws else Flaw.NOT_A_CAPTURE)
        # One frame may mistake a left hand for a right one; most do not.
        side, _ = Counter(palm.hand.side for palm in before).most_common(1)[0]
        palms = [_on(side, palm) for palm in palms]
        before, after = palms[: len(before)], palms[len(before) :]
        if not all(
            self._are_alike(one, other.lines, lambda other=other: other.roi)
            for one, other in combinations(palms, 2)
        ):
            raise Unusable(Flaw.NOT_LIVE)
        answered = self._answer(burst, before, shown) if shown else None
        scores = [answered.score if answered else _NOT_AT_ALL] if shown else []
        stills = self._in_infrared(burst, before)
        near = _judged_in_infrared(before, stills)
        scores += near
        # A score that is not a number is not live either.
        if not all(score >= 0 for score in scores):
            raise Unusable(Flaw.NOT_LIVE)
        if burst.pulse and not _beats(burst.pulse, after):
            raise Unusable(Flaw.NOT_LIVE)
        return Presentation(
            side,
            tuple(palm.roi for palm in spread(before)),
            score=min(scores, default=None),
            pulse=burst.pulse is not None,
            signs=self._signs(before, answered, stills or [], min(near, default=0.0)),
        )

    def _answer(self, burst: Burst, palms: list[_Palm], shown: Sequence[Levels]) -> Verdict | None:
        """Judges the answer to a light challenge. Returns None when it is none.

        `palms` are those in white before it. Each of them must be the palm that was there in every
        step.
        """
        lit = [(f, decode(f), shown[f.light]) for f in burst.frames if f.light is not None]
        bright = [(frame, image) for frame, image, step in lit if step != DARK]
        if {frame.light for frame, _, _ in lit} != set(range(len(shown))):
            return None
        frames = [LitFrame(each.image, each.hand, _light(WHITE)) for each in palms[:ENOUGH]]
        first, (last, image) = palms[-1], bright[-1]
        at_last = None if image is None else self._at_last(first, image)
        if at_last is None:
            return None
        for frame, image, step in lit:
            # The hand is held still, so its place in between is interpolated. This holds in the
            # dark as well, where it cannot be found.
            share = (frame.at_ms - first.at_ms) / max(last.at_ms - first.at_ms, 1)
            hand = _between(first.hand, at_last, share)
            if image is None:
                return None
            if step != DARK:
                seen, roi = lines_of(image, hand), partial(align, image, hand)
                if not all(self._are_alike(palm, seen, roi) for palm in palms):
                    return None
            frames.append(LitFrame(image, hand, _light(step)))
        try:
            return judge(frames, _LAMPS)
        except Unjudgeable:
            return None

    def _at_last(self, palm: _Palm, image: Colour) -> Hand | None:
        """Returns the hand in the last bright frame of a challenge, if it is the only one."""
        if (hand := still_there(palm.seen, image)) is not None:
            return hand
        hands = self._finder.follow(image)
        return hands[0] if len(hands) == 1 else None

    def _in_infrared(self, burst: Burst, palms: list[_Palm]) -> list[Still] | None:
        """Returns the near-infrared pictures; None when they do not show the palm in white, at the
        same moment and in the same pose as the colour frames."""
        taken = [frame for frame in burst.frames if frame.spectrum is Spectrum.INFRARED]
        if not taken:
            return []
        if len(taken) > INFRARED_AT_MOST:
            raise Unusable(Flaw.TOO_COSTLY)
        in_colour = [f.at_ms for f in burst.frames if f.spectrum is Spectrum.COLOUR]
        stills: list[Still] = []
        before: _Palm | None = None
        self._hands.begin()
        for frame in taken:
            image = decode(frame)
            hands = [] if image is None else self._find(image, before)
            if image is None or len(hands) != 1:
                return None
            (hand,) = hands
            if not all(_apart(palm.hand, hand) <= SAME_POSE for palm in palms):
                return None
            if min(abs(frame.at_ms - at_ms) for at_ms in in_colour) > SAME_MOMENT_MS:
                return None
            # Without colour, left and right hands are easily mistaken for each other.
            before = _Palm.of(
                frame.at_ms, image, replace(hand, side=palms[0].hand.side, shown=Shown.PALM)
            )
            stills.append(Still(image, before.hand))
        return stills

    def _signs(
        self, palms: list[_Palm], answered: Verdict | None, stills: list[Still], skin: float
    ) -> Signs | None:
        """Signs what was judged to be alive, `skin` being the score of near infrared; None when no
        more than colour was seen."""
        if answered is not None:
            return self._signer.sign(answered.palm, stills, skin)
        if not stills:
            return None
        white = [LitFrame(each.image, each.hand, _light(WHITE)) for each in palms[:ENOUGH]]
        return self._signer.sign(register_burst(white, _LAMPS), stills, skin, lit=False)

    def _find(self, image: Colour, before: _Palm | None) -> list[Hand]:
        """Returns the hands in a picture; `before` is the palm in the one before, of the same
        camera."""
        return self._hands.find(image, None if before is None else before.seen)

    def _find_palm(self, frame: Frame, before: _Palm | None) -> _Palm | Flaw:
        image = decode(frame)
        if image is None:
            return Flaw.NOT_A_CAPTURE
        return self._judged(frame, image, self._find(image, before))

    @staticmethod
    def _judged(frame: Frame, image: Colour, hands: list[Hand]) -> _Palm | Flaw:
        """Returns the palm if the frame is good enough."""
        observation = observe(image, hands, frame.at_ms / 1000, None)
        flaw = _flaw(observation)
        if flaw is not None or observation.hand is None:
            return flaw or Flaw.NO_HAND
        palm = _Palm.of(frame.at_ms, image, observation.hand)
        if palm.roi.quality < QUALITY_AT_LEAST:
            return Flaw.CUT_OFF if observation.cut_off else Flaw.UNCLEAR
        return palm

    def _are_alike(self, one: _Palm, other: Lines, roi: Callable[[], Roi]) -> bool:
        """Returns whether these are the lines of the same palm. `roi` gives the ROI with them,
        which is needed for a few only."""
        if are_alike(one.lines, other, ALIKE):
            return True
        score = self._matcher.score(*(self._extractor.extract([p]) for p in (one.roi, roi())))
        return score >= SAME


def _judged_in_infrared(palms: list[_Palm], stills: list[Still] | None) -> list[float]:
    """Returns a liveness score of the near-infrared pictures for each palm in white; an empty list
    without such pictures."""
    if stills is None:
        return [_NOT_AT_ALL]
    if not stills:
        return []
    verdicts = [judge_infrared(Still(palm.image, palm.hand), stills) for palm in palms]
    return [v.score if v.alike >= ALIKE_IN_INFRARED else _NOT_AT_ALL for v in verdicts]


def _beats(pulse: Pulse, after: list[_Palm]) -> bool:
    """Returns whether the recording shows a pulse, and the palm was still there after it.

    `after` are the palms in white after the burst's palms were taken, which are known to be alike.
    """
    still_there = next((palm for palm in after if palm.at_ms >= pulse.at_ms[-1]), None)
    if still_there is None:
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


_NOT_AT_ALL = float("-inf")
_LAMPS = np.array(PLACES)


def _white(burst: Burst) -> list[Frame]:
    return [f for f in burst.frames if f.light is None and f.spectrum is Spectrum.COLOUR]


def _begin(burst: Burst) -> float:
    """Returns the time, in the burst's milliseconds, at which the light challenge or the pulse
    begins. The template is made of palms from before."""
    lit = [frame.at_ms for frame in burst.frames if frame.light is not None]
    beats = burst.pulse.at_ms[:1] if burst.pulse else []
    return min([*lit, *beats], default=float("inf"))


def _on(side: Side, palm: _Palm) -> _Palm:
    """Returns the palm as one of this side."""
    if palm.hand.side is side:
        return palm
    return _Palm.of(palm.at_ms, palm.image, replace(palm.hand, side=side))


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
