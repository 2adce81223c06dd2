"""Fits the weights of the liveness judge: writes weights.py and infrared_weights.py.

`python -m lab.liveness [--people N]`

For each attack instrument, a logistic regression with a ridge penalty separates living palms from
the instrument by all cues; both classes have the same weight. The liveness of a palm is the lowest
of these scores. Each constant is then set from the scores of people who were left out of the fit:
midway between living palms and attacks where they are apart, otherwise so low that almost no living
palm is refused. All bursts are drawn (`drawn.circumstances`) and seeded.

The cues of near infrared are fitted separately, in the same way, without injected recordings: a
recording shows a hand in near infrared as well, so these cues cannot tell it from one. There the
living are also those whose skin is dry, wet, warm, cold or dirty (`drawn.state`). The light is not
fitted to them: it would let more prints through, and refuses few of them as it is.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from drawn.attack import Instrument
from drawn.circumstances import UNUSUAL, USUAL, Case, cases, worn
from drawn.lit import LAMPS
from lab import logistic
from lab.evaluate.processes import processes
from palm import liveness
from palm.liveness.cues import Cues, cues
from palm.liveness.infrared import InfraredCues, Still, infrared_cues
from palm.liveness.response import register_burst

FIRST = 20_000
"""The seed of the first person that the weights are fitted to."""
PEOPLE = 50

WEIGHTS = Path(liveness.__file__).parent
"""The folder that the weights are written to: they ship with the judge."""

_LIVING_BURSTS = 4
_RIDGE = 0.02
_ROUNDS = 30
_FOLDS = 5
_SURE, _SURE_IN_INFRARED = 3.5, 3.0
"""Standard deviations below the mean score of living palms, where almost none is refused; fewer in
near infrared, where the living vary more, since their skin is in every state."""
_PASSED = 0.975
"""The quantile of the attacks' scores that counts as their highest."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CueSample:
    """One burst as (cues,) of one kind; living where there is no instrument."""

    seed: int
    instrument: Instrument | None
    cues: Floats


@dataclass(frozen=True, slots=True)
class BurstCues:
    """One burst as both kinds of cues."""

    lit: CueSample
    infrared: CueSample
    worn: bool = False
    """Whether its skin was in a state."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The fitted numbers of a judge."""

    mean: Floats
    """(cues,) means over living palms."""
    deviation: Floats
    """(cues,) standard deviations over living palms."""
    by_instrument: dict[Instrument, Floats]
    """(1 + cues,) weights for each instrument, the constant first."""

    def scores(self, found: Floats) -> dict[Instrument, float]:
        """Returns the score of (cues,) against each instrument: 0 or more is alive."""
        standard = np.append(1.0, np.clip((found - self.mean) / self.deviation, -REACH, REACH))
        return {each: float(w @ standard) for each, w in self.by_instrument.items()}


REACH = 8.0
"""Standard deviations at which a standardised cue is clipped."""


def samples(seed: int) -> list[BurstCues]:
    """Returns all bursts of one person, in usual and in unusual circumstances, and in usual ones
    with their skin in each state."""
    clean = [
        _seen(case) for within in (USUAL, UNUSUAL) for case in cases(seed, within, _LIVING_BURSTS)
    ]
    return clean + [replace(_seen(case), worn=True) for case in worn(seed, USUAL)]


def _seen(case: Case) -> BurstCues:
    lit, white = case.film.lit, case.film.lit[1]
    infrared = infrared_cues(Still(white.image, white.hand), case.film.infrared)
    return BurstCues(
        CueSample(case.seed, case.instrument, cues(register_burst(lit, LAMPS)).array()),
        CueSample(case.seed, case.instrument, infrared.array()),
    )


def fitted(drawn: Sequence[CueSample], sure: float) -> Weights:
    """Returns weights whose constants are set by cross-validation over people: `sure` standard
    deviations below the mean score of living palms at most."""
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
        least = float(np.mean(living[instrument]) - sure * np.std(living[instrument]))
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
    """Returns the text of the module that holds the weights."""
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
    parser = argparse.ArgumentParser(
        prog="fit", description="Fits the weights of the liveness judge."
    )
    parser.add_argument(
        "--people", type=int, default=PEOPLE, metavar="N", help="drawn people (%(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes"
    )
    asked = parser.parse_args()
    seeds = range(FIRST, FIRST + asked.people)
    with processes(asked.workers) as pool:
        seen = [each for many in pool.map(samples, seeds) for each in many]
    infrared = [
        each.infrared for each in seen if each.infrared.instrument is not Instrument.INJECTED
    ]
    lit = [each.lit for each in seen if not each.worn]
    _write("weights.py", written(fitted(lit, _SURE), asked.people, Cues))
    near = fitted(infrared, _SURE_IN_INFRARED)
    _write("infrared_weights.py", written(near, asked.people, InfraredCues))
    return 0


def _write(name: str, text: str) -> None:
    (WEIGHTS / name).write_text(text, encoding="utf-8")


def _instruments(drawn: Iterable[CueSample]) -> list[Instrument]:
    shown = {each.instrument for each in drawn}
    return [each for each in Instrument if each in shown]


if __name__ == "__main__":
    sys.exit(main())
