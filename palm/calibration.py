"""How rare the score of a matcher is among comparisons of different palms.

Scores of different matchers become comparable as rarities: the rarity of a score is -log10 of the
false-match rate at that score, so one impostor in 10**rarity scores as high.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise


class Calibration:
    """The measured false-match rates of a matcher by score."""

    def __init__(
        self,
        points: Sequence[tuple[float, float]],
        observed: float = 0.0,
        intervals: Sequence[tuple[float, float]] = (),
    ) -> None:
        """`points` are at least two pairs of FMR and score; the rates fall as the scores rise.
        `observed` is the lowest rate whose score was read off comparisons that were made.
        `intervals` holds the lowest and the highest score that each point may as well have, in the
        same order, where they are known. Raises ValueError."""
        self.points = tuple(points)
        self._rarities = [-math.log10(fmr) for fmr, _ in points]
        self._scores = [score for _, score in points]
        rising = all(a < b for line in (self._rarities, self._scores) for a, b in pairwise(line))
        if len(points) < 2 or not rising:
            raise ValueError("a calibration's rates fall as its scores rise")
        self._seen = -math.log10(observed) if observed else math.inf
        self._intervals = intervals

    def rarity(self, score: float) -> float:
        """Returns the rarity of a score: interpolated between calibration points, extrapolated
        from the first or last two."""
        right = min(max(bisect_left(self._scores, score), 1), len(self._scores) - 1)
        x0, x1 = self._scores[right - 1 : right + 1]
        y0, y1 = self._rarities[right - 1 : right + 1]
        return y0 + (score - x0) * (y1 - y0) / (x1 - x0)

    def is_extrapolated(self, score: float) -> bool:
        """Returns whether the rarity of a score is higher than any that was observed. Then it is
        an assumption about scores that few pairs of different palms have reached, or none."""
        return self.rarity(score) > self._seen + 1e-9

    def score(self, rarity: float) -> float:
        """Returns the score that has a rarity."""
        return self._at(rarity, self._scores)

    def interval(self, rarity: float) -> tuple[float, float] | None:
        """Returns the 95 % confidence interval of the score that has a rarity; None where none was
        measured."""
        if not self._intervals:
            return None
        low, high = ([each[end] for each in self._intervals] for end in (0, 1))
        return self._at(rarity, low), self._at(rarity, high)

    def _at(self, rarity: float, values: Sequence[float]) -> float:
        """Returns a value at a rarity, given the values at the calibration points."""
        right = min(max(bisect_left(self._rarities, rarity), 1), len(self._rarities) - 1)
        x0, x1 = self._rarities[right - 1 : right + 1]
        y0, y1 = values[right - 1 : right + 1]
        return y0 + (rarity - x0) * (y1 - y0) / (x1 - x0)


FUSED_2 = ((1e-3, 5.27), (1e-4, 6.72), (1e-5, 7.72), (1e-6, 8.72))
"""The calibration of `palm.template.fused` (template version 2) on whole hands: FMR and score, from
the 38,806 impostor comparisons within hands-rgb and hands-rgb-dark together. One hand in these sets
has three names and is counted as one. Rates down to 1e-4 were observed; below, the score rises by 1
for each tenth of the rate, as it does from 1e-3 to 1e-4 in the 804,600 comparisons of
roi-contactless (docs/decisions/0012-encoder.md)."""

LINE_FIELD_1 = ((1e-3, 0.393), (1e-4, 0.418), (1e-5, 0.438), (1e-6, 0.458))
"""The calibration of `palm.template.linefield` (template version 1), from the same comparisons in
the same way; the score rises by 0.02 for each tenth of the rate."""

LEVELLED_3 = (
    (1e-3, 5.80),
    (1e-4, 7.83),
    (1e-5, 9.77),
    (1e-6, 11.70),
    (1e-7, 13.64),
    (1e-8, 15.57),
)
"""The calibration of `palm.template.levelled` (template version 3) on palms of the same side: of
roi-contactless, hands-rgb and hands-rgb-dark, where one hand has three names and is counted as one,
and of nine drawn devices. Down to 1e-4 a score is the highest that any of these sets reaches at
that rate, so it holds on each of them. Beyond, it rises as a generalised Pareto distribution that
is fitted to all sets together (`python -m lab.calibrate`, docs/decisions/0057-one-threshold.md)."""

LEVELLED_3_INTERVALS = (
    (5.08, 6.42),
    (6.74, 8.84),
    (8.54, 11.26),
    (9.96, 18.81),
    (11.51, 38.24),
    (13.08, 90.42),
)
"""The 95 % confidence interval of each score of LEVELLED_3: a bootstrap over people."""

CALIBRATIONS: Mapping[int, Calibration] = {
    1: Calibration(LINE_FIELD_1, observed=1e-4),
    2: Calibration(FUSED_2, observed=1e-4),
    3: Calibration(LEVELLED_3, observed=1e-4, intervals=LEVELLED_3_INTERVALS),
}
"""The calibration of each template version."""
