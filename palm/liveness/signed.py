"""Compares what a palm has beside its lines with what it had when it was enrolled: its relief, and
its picture in near infrared.

A print, a tattoo or a screen shows a palm's lines to a camera. To pass here as well it needs the
furrows of that palm, and its veins and lines at 850 nm, neither of which is in a photograph. Both
are signed and compared by the extractors and matchers that sign and compare lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from palm.hand.align import align
from palm.liveness.infrared import Still
from palm.liveness.relief import relief
from palm.liveness.response import Lamps, LitFrame, register_burst
from palm.template import current
from palm.template.interfaces import Template
from palm.template.linefield import LineFieldExtractor, LineFieldMatcher

RELIEF_AT_LEAST = 0.33
"""The least score of two reliefs of one palm."""
INFRARED_AT_LEAST = 14.0
"""The least score of one palm in near infrared, twice. Another palm reaches 2; one that shows the
right lines by ink, 13."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What one burst shows of a palm beside its lines in colour."""

    relief: Template
    infrared: Template | None
    """None without a near-infrared camera."""


class Signer:
    """Makes and compares signs. Raises ModelMissing when the encoder does not exist."""

    def __init__(self) -> None:
        self._furrows, self._likeness = LineFieldExtractor(), LineFieldMatcher()
        self._lines, self._matcher = current.pair()

    def sign(self, frames: Sequence[LitFrame], lamps: Lamps, infrared: Sequence[Still]) -> Signs:
        """Signs a burst under a challenge, and the near-infrared pictures of the same moment."""
        picture = relief(register_burst(frames, lamps), frames[0].hand.side)
        seen = [align(each.image, each.hand) for each in infrared]
        return Signs(
            self._furrows.extract([picture]), self._lines.extract(seen) if seen else None
        )

    def relief_score(self, enrolled: Signs, shown: Signs) -> float:
        """Returns how much two reliefs are alike; RELIEF_AT_LEAST or more is the same palm."""
        return self._likeness.score(enrolled.relief, shown.relief)

    def infrared_score(self, enrolled: Signs, shown: Signs) -> float:
        """Returns the log-likelihood ratio of two palms in near infrared; INFRARED_AT_LEAST or more
        is the same. Minus infinity where either was not seen in it."""
        if enrolled.infrared is None or shown.infrared is None:
            return float("-inf")
        return self._matcher.score(enrolled.infrared, shown.infrared)
