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

RELIEF_AT_LEAST = 0.31
INFRARED_AT_LEAST = 13.0
"""The least agreement of a palm with itself. Of 36 drawn living bursts against an enrolled one
(seeds 20,000 to 20,011) one is refused by the second and none by the first; of other palms the
agreement is 0.34 and 1.4 at most, of their lines on a living hand 0.35 and 11.4."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What one burst shows of a palm beside its lines in colour."""

    relief: Template
    infrared: Template | None
    """None without a near-infrared camera."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How much two bursts of one palm agree beside its lines in colour."""

    relief: float
    """The score of `palm.template.linefield`, about 0 to 1."""
    infrared: float
    """A log-likelihood ratio; minus infinity where either was not seen in near infrared."""

    @property
    def relief_agrees(self) -> bool:
        return self.relief >= RELIEF_AT_LEAST

    @property
    def infrared_agrees(self) -> bool:
        return self.infrared >= INFRARED_AT_LEAST


class Signer:
    """Makes and compares signs. Raises ModelMissing when the encoder does not exist."""

    def __init__(self) -> None:
        self._furrows, self._likeness = LineFieldExtractor(), LineFieldMatcher()
        self._lines, self._matcher = current.pair()

    def sign(self, frames: Sequence[LitFrame], lamps: Lamps, infrared: Sequence[Still]) -> Signs:
        """Signs a burst under a challenge, and the near-infrared pictures of the same moment."""
        picture = relief(register_burst(frames, lamps), frames[0].hand.side)
        seen = [align(each.image, each.hand) for each in infrared]
        return Signs(self._furrows.extract([picture]), self._lines.extract(seen) if seen else None)

    def compare(self, enrolled: Signs, shown: Signs) -> Agreement:
        """Compares what is shown with what was enrolled."""
        infrared = float("-inf")
        if enrolled.infrared is not None and shown.infrared is not None:
            infrared = self._matcher.score(enrolled.infrared, shown.infrared)
        return Agreement(self._likeness.score(enrolled.relief, shown.relief), infrared)
