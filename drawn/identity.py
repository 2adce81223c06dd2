"""The hand of a generated person."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from drawn import skin
from drawn.anatomy import FINGERS, Build, build
from drawn.skin import Sheet, Tone
from palm.hand.landmarks import Side


@dataclass(frozen=True, eq=False)
class DrawnPalm:
    """One hand of a generated person. Each part of its skin is generated when it is first used."""

    seed: int
    side: Side
    build: Build
    tone: Tone

    @cached_property
    def palm(self) -> Sheet:
        return skin.palm(self._rng(0), self.build)

    @cached_property
    def back(self) -> Sheet:
        return skin.back(self._rng(1), self.build)

    @cached_property
    def fingers(self) -> tuple[Sheet, ...]:
        rng = self._rng(2)
        return tuple(skin.finger(rng, self.build, which) for which in range(len(FINGERS)))

    def _rng(self, part: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, 1 + list(Side).index(self.side), part))


@lru_cache(maxsize=4)
def identity(seed: int, side: Side) -> DrawnPalm:
    """Returns the `side` hand of person `seed`, 0 or more; always the same.

    Both hands of a person share build and skin colour; the lines differ.
    """
    rng = np.random.default_rng((seed, 0))
    return DrawnPalm(seed, side, build(rng), skin.tone(rng))
