"""`python -m lab.liveness [--people N]`: weighs the cues anew, and writes weights.py and
infrared_weights.py.

For each instrument of attack a logistic regression tells living palms from it by all cues; the
palm is as alive as the least of these says. A burst of the living counts as much as one of the
instrument's, and weights are held small (ridge). Each constant is then set by scores of people
that the weights were fitted without: midway between the living and the attacks where they lie
apart, and where they do not, so that next to nobody living is refused. Everything is drawn
(`drawn.circumstances`), and seeded.

The cues of near infrared are weighed by themselves, in the same way. Of an injected recording they
say nothing: what was recorded was a hand in near infrared as well.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from drawn.attack import Instrument
from drawn.circumstances import UNUSUAL, USUAL, Case, cases
from drawn.lit import LAMPS
from lab import logistic
from palm import liveness
from palm.liveness.cues import Cues, cues
from palm.liveness.infrared import InfraredCues, Still, infrared_cues
from palm.liveness.response import register_burst

FIRST = 20_000
"""Seed of the first person that the weights are fitted to."""
PEOPLE = 50

WEIGHTS = Path(liveness.__file__).parent
"""Where the weights are written: they ship with the judge."""

_LIVING_BURSTS = 4
_RIDGE = 0.02
_ROUNDS = 30
_FOLDS = 5
_SURE = 3.5
"""Deviations below the mean score of the living at which next to nobody living is refused."""
_PASSED = 0.975
"""Quantile of attacks that may lie no higher than the threshold where both lie apart."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CueSample:
    """One burst, as cues of one kind."""

    seed: int
    instrument: Instrument | None
    cues: Floats


@dataclass(frozen=True, slots=True)
class BurstCues:
    """The same burst by what each judgement looks at."""

    lit: CueSample
    infrared: CueSample


@dataclass(frozen=True, slots=True)
class Weights:
    mean: Floats
    """(cues,) of the living."""
    deviation: Floats
    by_instrument: dict[Instrument, Floats]
    """(1 + cues,) each, the constant first: 0 or more is alive."""

    def scores(self, found: Floats) -> dict[Instrument, float]:
        """How much more alive than each instrument."""
        standard = np.append(1.0, np.clip((found - self.mean) / self.deviation, -REACH, REACH))
        return {each: float(w @ standard) for each, w in self.by_instrument.items()}


REACH = 8.0
"""Deviations beyond which a cue counts no more."""


def samples(seed: int) -> list[BurstCues]:
    """All bursts of one person, in usual and in unusual circumstances."""
    cv2.setNumThreads(1)
    return [
        _seen(case) for within in (USUAL, UNUSUAL) for case in cases(seed, within, _LIVING_BURSTS)
    ]


def _seen(case: Case) -> BurstCues:
    lit, white = case.film.lit, case.film.lit[1]
    infrared = infrared_cues(Still(white.image, white.hand), case.film.infrared)
    return BurstCues(
        CueSample(case.seed, case.instrument, cues(register_burst(lit, LAMPS)).array()),
        CueSample(case.seed, case.instrument, infrared.array()),
    )


def fitted(drawn: Sequence[CueSample]) -> Weights:
    seeds = sorted({each.seed for each in drawn})
    instruments = _instruments(drawn)
    living: dict[Instrument, list[float]] = {each: [] for each in instruments}
    attacks: dict[Instrument, list[float]] = {each: [] for each in instruments}
    for fold in range(_FOLDS):
        out = set(seeds[fold::_FOLDS])
        others = _fitted([each for each in drawn if each.seed not in out])
        for each in drawn:
            if each.seed not in out:
                continue
            scores = others.scores(each.cues)
            if each.instrument:
                attacks[each.instrument].append(scores[each.instrument])
            else:
                for instrument, score in scores.items():
                    living[instrument].append(score)
    whole = _fitted(drawn)
    for instrument, weights in whole.by_instrument.items():
        least = float(np.mean(living[instrument]) - _SURE * np.std(living[instrument]))
        most = float(np.quantile(attacks[instrument], _PASSED))
        weights[0] -= min(least, (least + most) / 2)
    return whole


def _fitted(drawn: Sequence[CueSample]) -> Weights:
    living = np.array([each.cues for each in drawn if each.instrument is None])
    mean, deviation = living.mean(axis=0), living.std(axis=0) + 1e-6

    def standard(found: Floats) -> Floats:
        clipped = np.clip((found - mean) / deviation, -REACH, REACH)
        return np.column_stack([np.ones(len(found)), clipped])

    ridge = [1e-6, *[_RIDGE] * living.shape[1]]
    by_instrument: dict[Instrument, Floats] = {}
    for instrument in _instruments(drawn):
        attacks = np.array([each.cues for each in drawn if each.instrument is instrument])
        rows = standard(np.concatenate([living, attacks]))
        alive = np.arange(len(rows)) < len(living)
        by_instrument[instrument] = logistic.fit(rows, alive, ridge, _ROUNDS)
    return Weights(mean, deviation, by_instrument)


def written(weights: Weights, people: int, kind: type[Cues | InfraredCues]) -> str:
    """The module that holds weights."""
    names = [each.name for each in fields(kind)]
    half = len(names) // 2 + len(names) % 2

    def row(values: Floats) -> str:
        numbers = [f"{value:.4g}" for value in values]
        half = len(numbers) // 2
        return f"({', '.join(numbers[:half])},\n    {', '.join(numbers[half:])})"

    lines = [
        '"""Written by `python -m lab.liveness`: do not edit.',
        "",
        f"{people} drawn people, seeds {FIRST} to {FIRST + people - 1}.",
        '"""',
        "",
        "# fmt: off",
        f"# {', '.join(names[:half])},",
        f"# {', '.join(names[half:])}",
        f"MEAN = {row(weights.mean)}",
        f"DEVIATION = {row(weights.deviation)}",
        f"REACH = {REACH}",
        "# The constant, then one for each cue.",
        "WEIGHTS = {",
        *(f'    "{each}": {row(weights.by_instrument[each])},' for each in weights.by_instrument),
        "}",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="fit", description="Weighs the cues of liveness anew.")
    parser.add_argument("--people", type=int, default=PEOPLE, metavar="N")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    asked = parser.parse_args()
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    seeds = range(FIRST, FIRST + asked.people)
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        seen = [each for many in pool.map(samples, seeds) for each in many]
    told_in_infrared = [
        each.infrared for each in seen if each.infrared.instrument is not Instrument.INJECTED
    ]
    _write("weights.py", written(fitted([each.lit for each in seen]), asked.people, Cues))
    _write("infrared_weights.py", written(fitted(told_in_infrared), asked.people, InfraredCues))
    return 0


def _write(name: str, text: str) -> None:
    (WEIGHTS / name).write_text(text, encoding="utf-8")


def _instruments(drawn: Iterable[CueSample]) -> list[Instrument]:
    shown = {each.instrument for each in drawn}
    return [each for each in Instrument if each in shown]


if __name__ == "__main__":
    sys.exit(main())
