"""Compares what a palm has beside its lines with what it had when it was enrolled: its relief, and
what near infrared shows beneath its lines.

A print, a tattoo or a screen shows a palm's lines to a camera. To pass here as well it needs the
furrows of that palm and its veins, neither of which is in a photograph; and a cast, which has the
furrows, needs the veins. Both are signed as line fields (`palm.template.linefield`). They are
fainter than lines, so they are not searched for: the lines of both palms, which are signed with
them, tell how the one palm lies upon the other, and there they are compared.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from palm.hand.roi import Roi
from palm.image import Colour
from palm.liveness.infrared import Still, veins
from palm.liveness.relief import relief
from palm.liveness.response import Palm
from palm.template.compact import BYTES, FieldWriter
from palm.template.linefield import Code, Field, LineFieldExtractor, LineFieldMatcher

VERSION = 1
"""The version of signs. Signs of different versions are not compared."""

RELIEF_AT_LEAST, RELIEF_BESIDE_VEINS = 0.1, 0.0
"""The least agreement of a palm with itself in relief: where nothing else is compared, and where
veins are compared as well, which tell more."""
VEINS_AT_LEAST = 0.55
"""The least agreement in veins."""
SKIN_COUNTS, SUREST = 0.1, 3.0
"""How much a near-infrared score counts beside the correlation of veins, and up to where. Fisher's
discriminant between drawn living palms and plain silicone casts (seeds 20,000 to 20,015) has
0.14."""

_GAMMA = 2.2


@dataclass(frozen=True, slots=True)
class Signs:
    """What one burst shows of a palm, as line fields of BYTES bytes (`palm.template.compact`).

    Raises ValueError when one has another length.
    """

    lines: bytes = field(repr=False)
    """Its lines in colour, where the other two lie."""
    relief: bytes | None = field(repr=False)
    """None without a light challenge."""
    veins: bytes | None = field(repr=False)
    """None without a near-infrared camera."""
    skin: float = 0.0
    """The near-infrared score (`palm.liveness.infrared`) of what was shown: how surely it is
    skin."""

    def __post_init__(self) -> None:
        written = (self.lines, self.relief, self.veins)
        if any(each is not None and len(each) != BYTES for each in written):
            raise ValueError("not the signs of a palm")
        if not math.isfinite(self.skin):
            raise ValueError("not a score")

    def complete(self, other: "Signs | None") -> bool:
        """Returns whether these have a sign that others of the same palm lack, and lack none that
        the others have."""
        if other is None:
            return True
        own, others = (
            [each is not None for each in (signs.relief, signs.veins)] for signs in (self, other)
        )
        return own != others and all(has >= had for has, had in zip(own, others, strict=True))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How much two bursts of one palm agree beside their lines; None where either burst has no such
    sign."""

    relief: float | None
    """The correlation of the reliefs' line fields, -1 to 1."""
    veins: float | None
    """The correlation of the veins' line fields, -1 to 1, and more the surer it is that skin was
    shown."""

    @property
    def agrees(self) -> bool:
        return self.relief_agrees and self.veins_agree

    @property
    def relief_agrees(self) -> bool:
        least = RELIEF_AT_LEAST if self.veins is None else RELIEF_BESIDE_VEINS
        return self.relief is None or self.relief >= least

    @property
    def veins_agree(self) -> bool:
        return self.veins is None or self.veins >= VEINS_AT_LEAST


class Signer:
    """Makes and compares signs. Raises ModelMissing when the axes of `palm.template.compact` do not
    exist."""

    def __init__(self) -> None:
        self._extractor, self._matcher = LineFieldExtractor(), LineFieldMatcher()
        self._writer = FieldWriter()

    def sign(
        self, palm: Palm, infrared: Sequence[Still], skin: float = 0.0, *, lit: bool = True
    ) -> Signs:
        """Signs a burst, and the near-infrared pictures of the same moment, of which `skin` is the
        score. `lit` is whether the burst was taken under a light challenge."""
        seen = _seen(palm)
        grey = np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), np.uint8)
        return Signs(
            self._written(Roi(grey, None, quality=1.0)),
            self._written(relief(palm)) if lit else None,
            self._written(veins(seen, infrared)) if infrared else None,
            skin,
        )

    def compare(self, enrolled: Signs, shown: Signs) -> Agreement:
        """Compares what is shown with what was enrolled."""
        laid = self._matcher.overlay(self._read(shown.lines), self._read(enrolled.lines))

        def agreement(known: bytes | None, seen: bytes | None) -> float | None:
            if known is None or seen is None:
                return None
            return _correlation(self._read(known), laid(self._read(seen)))

        veins = agreement(enrolled.veins, shown.veins)
        if veins is not None:
            veins += SKIN_COUNTS * min(max(shown.skin, 0.0), SUREST)
        return Agreement(agreement(enrolled.relief, shown.relief), veins)

    def _written(self, picture: Roi) -> bytes:
        return self._writer.write(self._extractor.extract_code([picture]))

    def _read(self, written: bytes) -> Code:
        return self._writer.read(np.frombuffer(written, np.uint8))[0]


def _seen(palm: Palm) -> Colour:
    """Returns the palm in all the light that it was seen in."""
    return np.asarray(255 * palm.seen.mean(axis=0) ** (1 / _GAMMA) + 0.5, np.uint8)


def _correlation(code: Code, laid: Field) -> float:
    """Returns how alike two fields are, cell by cell."""
    known = code.astype(np.float32)
    power = float(np.sum(known * known)) * float(np.sum(laid * laid))
    return float(np.sum(known * laid)) / max(power, 1e-9) ** 0.5
