"""The hand of a generated person."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from drawn import skin, state
from drawn.anatomy import FINGERS, Build, build
from drawn.skin import Sheet, Tone
from drawn.state import Coat, State
from palm.hand.landmarks import Side


@dataclass(frozen=True, eq=False)
class DrawnPalm:
    """One hand of a generated person. Each part of its skin is generated when it is first used."""

    seed: int
    side: Side
    build: Build
    tone: Tone
    state: State | None = None
    """The state of its skin today; None for skin of which nobody would say anything."""

    @cached_property
    def palm(self) -> Sheet:
        return self._worn(skin.palm(self._rng(0), self.build), 0)

    @cached_property
    def back(self) -> Sheet:
        return self._worn(skin.back(self._rng(1), self.build), 1)

    @cached_property
    def fingers(self) -> tuple[Sheet, ...]:
        rng = self._rng(2)
        fingers = [skin.finger(rng, self.build, which) for which in range(len(FINGERS))]
        return tuple(self._worn(finger, 2 + which) for which, finger in enumerate(fingers))

    @property
    def coat(self) -> Coat | None:
        """What lies on its skin."""
        return None if self.state is None else state.coat(self.state)

    @property
    def shine(self) -> float | None:
        """How much its skin shines, as `wet` in `drawn.lit.living`; None where that is left
        open."""
        return None if self.state is None else state.shine(self.state)

    def _worn(self, sheet: Sheet, part: int) -> Sheet:
        if self.state is None:
            return sheet
        return state.worn(sheet, self.state, self._rng(part, 1 + list(State).index(self.state)))

    def _rng(self, part: int, *more: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, 1 + list(Side).index(self.side), part, *more))


@lru_cache(maxsize=4)
def identity(seed: int, side: Side, worn: State | None = None) -> DrawnPalm:
    """Returns the `side` hand of person `seed`, 0 or more; always the same. `worn` is the state of
    its skin.

    Both hands of a person share build and skin colour; the lines differ.
    """
    rng = np.random.default_rng((seed, 0))
    proportions, tone = build(rng), skin.tone(rng)
    if worn is not None:
        tone = state.toned(tone, worn)
    return DrawnPalm(seed, side, proportions, tone, worn)
