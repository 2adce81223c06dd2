"""What a score means, and how often anything may be tried: every decision that is not arithmetic.

Scores of different matchers are made comparable by how rare they are among strangers: a score's
rarity is -log10 of the false-match rate at it, so that one stranger in 10**rarity comes as near. A
decision asks for a rarity. One palm held against N enrolled ones
is N chances to be wrong, so for 1:N the rate allowed to each comparison is the rate allowed to the
whole search divided by N (FPIR = N x FMR, ISO/IEC 19795-1).
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from cloud.recognition.gallery import Match
from palm.liveness import SURE
from protocol.messages import Outcome

FPIR_ACCEPT = 1e-4
"""How often a stranger's palm may be taken for somebody's, in a whole search."""
FPIR_STEP_UP = 5e-2
"""How often a stranger may be asked for digits; guessing four leaves one chance in 10,000."""
FMR_AT_MOST = 1e-5
"""Of a single comparison, however small the gallery."""
FMR_VERIFY = 1e-4
"""1:1, against the holder of a number that was claimed (NIST SP 800-63B-4)."""

ATTEMPTS = 3
"""Palms shown in one visit, codes tried, digits tried."""
CODE_ATTEMPTS = 5
PALMS = 2
"""At most, of one person."""

CODE_LIFE = timedelta(minutes=10)
CODES_PER_ENROLMENT = 4
RESEND_AFTER = timedelta(seconds=30)
ENROLMENT_LIFE = timedelta(minutes=30)
CLAIM_LIFE = timedelta(minutes=10)
IDENTIFICATION_LIFE = timedelta(minutes=5)
CHALLENGE_LIFE = timedelta(minutes=2)
"""Of a light challenge: the kiosk asks for it before the hand is there."""
ACTIVATION_LIFE = timedelta(hours=24)
ANSWER_LIFE = timedelta(hours=24)
"""How long a repeated request gets its first answer again."""
PURCHASE_PATIENCE = timedelta(minutes=2)
"""How long a purchase that was interrupted is still completed; later it is given up, since by then
the shopper has paid otherwise or left."""
BOOKKEEPING = timedelta(days=3653)
"""How long a merchant keeps sales."""


@dataclass(frozen=True, slots=True)
class Limit:
    """No more than `count` within `window`, for one subject."""

    kind: str
    count: int
    window: timedelta


class Limits:
    CODES_TO_PHONE = Limit("codes to phone", 6, timedelta(hours=1))
    CODES_BY_DEVICE = Limit("codes by device", 120, timedelta(hours=1))
    SEARCHES_BY_DEVICE = Limit("searches by device", 120, timedelta(minutes=10))
    FAILED_PROOFS = Limit("failed proofs", 10, timedelta(hours=1))
    """Wrong digits, codes and palms against one account, at all devices together."""
    CHALLENGES_BY_DEVICE = Limit("challenges by device", 600, timedelta(minutes=10))
    LIFELESS_IN_ENROLMENT = Limit("lifeless palms in an enrolment", ATTEMPTS, ENROLMENT_LIFE)
    PURCHASES = Limit("purchases", 30, timedelta(hours=1))
    WRONG_ACTIVATIONS = Limit("wrong activation codes", 10, timedelta(minutes=10))


LONGEST_WINDOW = timedelta(hours=1)


class Calibration:
    """A matcher's false-match rates by score, measured: points of (FMR, score)."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        """At least two, with FMR falling as scores rise. Raises ValueError."""
        self._rarities = [-math.log10(fmr) for fmr, _ in points]
        self._scores = [score for _, score in points]
        rising = all(a < b for line in (self._rarities, self._scores) for a, b in pairwise(line))
        if len(points) < 2 or not rising:
            raise ValueError("a calibration's rates fall as its scores rise")

    def rarity(self, score: float) -> float:
        """Of a score among strangers: linear between the points, and on along the last two beyond
        them."""
        right = min(max(bisect_left(self._scores, score), 1), len(self._scores) - 1)
        x0, x1 = self._scores[right - 1 : right + 1]
        y0, y1 = self._rarities[right - 1 : right + 1]
        return y0 + (score - x0) * (y1 - y0) / (x1 - x0)


FUSED_2 = ((1e-3, 5.27), (1e-4, 6.72), (1e-5, 7.72), (1e-6, 8.72))
"""Of `palm.template.fused`, version 2 of the signature, on whole hands: the 38,806 impostor
comparisons within hands-rgb and hands-rgb-dark together, one hand of which stands under three names
and is taken for one. Observed down to 1e-4; below that rising by one a tenth, as in the 804,600
comparisons of roi-contactless from 1e-3 to 1e-4 (docs/decisions/0012-encoder.md)."""

LINE_FIELD_1 = ((1e-3, 0.393), (1e-4, 0.418), (1e-5, 0.438), (1e-6, 0.458))
"""Of `palm.template.linefield`, version 1, on the same and in the same way, by 0.02 a tenth."""


@dataclass(frozen=True, slots=True)
class Policy:
    calibrations: Mapping[int, Calibration]
    """By template version."""

    def rarity(self, version: int, score: float) -> float:
        return self.calibrations[version].rarity(score)

    def accept(self, gallery_size: int) -> float:
        return -math.log10(min(FMR_AT_MOST, FPIR_ACCEPT / max(gallery_size, 1)))

    def step_up(self, gallery_size: int) -> float:
        return -math.log10(min(100 * FMR_AT_MOST, FPIR_STEP_UP / max(gallery_size, 1)))

    def verify(self) -> float:
        return -math.log10(FMR_VERIFY)

    def is_sure(self, score: float | None) -> bool:
        """Whether a palm that was judged to be alive needs nothing more; one that was not judged
        is the operator's to allow."""
        return score is None or score >= SURE

    def decide(self, near: Sequence[Match], gallery_size: int) -> Outcome:
        """`near` are those who reached `step_up`, the best first. Who is certain is accepted; two
        who both are may be twins of the matcher's making, and the digits tell them apart."""
        certain = [match for match in near if match.rarity >= self.accept(gallery_size)]
        if len(certain) == 1:
            return Outcome.ACCEPTED
        return Outcome.STEP_UP if near else Outcome.ASK_AGAIN
