"""`python -m palm.liveness.fit [--people N]`: weighs the cues anew, and writes weights.py.

For each instrument of attack a logistic regression tells living palms from it by all cues; the
palm is as alive as the least of these says. A burst of the living counts as much as one of the
instrument's, weights are held small (ridge), and the threshold lies midway between the living
that look least alive and the attacks that look most alive, each person judged by weights that were
fitted without them. Everything is drawn (`palm.factory.circumstances`), and seeded.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from palm.factory.attack import Instrument
from palm.factory.circumstances import USUAL, cases
from palm.liveness.cues import Cues, cues
from palm.liveness.response import laid_together

FIRST = 20_000
"""Seed of the first person that the weights are fitted to."""
PEOPLE = 40

_LIVING_BURSTS = 4
_RIDGE = 0.02
_ROUNDS = 30
_FOLDS = 5
_REFUSED, _PASSED = 0.005, 0.975
"""Quantiles of living and of attacks between which the threshold lies."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    seed: int
    instrument: Instrument | None
    cues: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    mean: Floats
    """(cues,) of the living."""
    deviation: Floats
    by_instrument: dict[Instrument, Floats]
    """(1 + cues,) each, the constant first."""
    threshold: float

    def score(self, found: Floats) -> float:
        standard = np.append(1.0, np.clip((found - self.mean) / self.deviation, -REACH, REACH))
        return min(float(w @ standard) for w in self.by_instrument.values()) - self.threshold


REACH = 8.0
"""Deviations beyond which a cue counts no more."""


def samples(seed: int) -> list[Sample]:
    """All bursts of one person, as cues."""
    cv2.setNumThreads(1)
    return [
        Sample(seed, case.instrument, cues(laid_together(case.frames)).array())
        for case in cases(seed, USUAL, _LIVING_BURSTS)
    ]


def fitted(drawn: Sequence[Sample]) -> Weights:
    whole = _fitted(drawn)
    seeds = sorted({each.seed for each in drawn})
    living: list[float] = []
    attacks: dict[Instrument, list[float]] = {each: [] for each in Instrument}
    for fold in range(_FOLDS):
        out = set(seeds[fold::_FOLDS])
        others = _fitted([each for each in drawn if each.seed not in out])
        for each in drawn:
            if each.seed in out:
                scores = attacks[each.instrument] if each.instrument else living
                scores.append(others.score(each.cues))
    least = float(np.quantile(living, _REFUSED))
    most = max(float(np.quantile(scores, _PASSED)) for scores in attacks.values())
    return Weights(whole.mean, whole.deviation, whole.by_instrument, (least + most) / 2)


def _fitted(drawn: Sequence[Sample]) -> Weights:
    living = np.array([each.cues for each in drawn if each.instrument is None])
    mean, deviation = living.mean(axis=0), living.std(axis=0) + 1e-6

    def standard(found: Floats) -> Floats:
        clipped = np.clip((found - mean) / deviation, -REACH, REACH)
        return np.column_stack([np.ones(len(found)), clipped])

    by_instrument = {
        instrument: _logistic(
            standard(living),
            standard(np.array([each.cues for each in drawn if each.instrument is instrument])),
        )
        for instrument in Instrument
    }
    return Weights(mean, deviation, by_instrument, 0.0)


def _logistic(living: Floats, attacks: Floats) -> Floats:
    """(1 + cues,) by Newton's method; positive for the living."""
    rows = np.concatenate([living, attacks])
    alive = np.append(np.ones(len(living)), np.zeros(len(attacks)))
    share = np.append(
        np.full(len(living), 0.5 / len(living)), np.full(len(attacks), 0.5 / len(attacks))
    )
    ridge = np.diag(np.append(1e-6, np.full(rows.shape[1] - 1, _RIDGE)))
    weights = np.zeros(rows.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (share * (alive - chance)) - ridge @ weights
        bend = (rows * (share * chance * (1 - chance))[:, None]).T @ rows + ridge
        weights = weights + np.linalg.solve(bend, slope)
    return weights


def written(weights: Weights, people: int) -> str:
    """The module that holds weights."""
    names = [each.name for each in fields(Cues)]

    def row(values: Floats) -> str:
        return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"

    lines = [
        '"""Written by `python -m palm.liveness.fit`: do not edit.',
        "",
        f"{people} drawn people, seeds {FIRST} to {FIRST + people - 1}.",
        '"""',
        "",
        f"# {', '.join(names[:7])},",
        f"# {', '.join(names[7:])}",
        f"MEAN = {row(weights.mean)}",
        f"DEVIATION = {row(weights.deviation)}",
        f"REACH = {REACH}",
        "# The constant, then one for each cue.",
        "WEIGHTS = {",
        *(f'    "{each}": {row(weights.by_instrument[each])},' for each in Instrument),
        "}",
        f"THRESHOLD = {weights.threshold:.4g}",
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
        drawn = [each for many in pool.map(samples, seeds) for each in many]
    weights = fitted(drawn)
    Path(__file__).with_name("weights.py").write_text(
        written(weights, asked.people), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
