"""Measures how often drawn attacks pass as living hands, in the manner of ISO/IEC 30107-3.

`python -m lab.attacks [--people N] [--json FILE] [--pulse]`

Every presentation is judged by its light, by near infrared, by both, and as the service decides:
where the answer is alive but not sure, the pulse is asked for as well. That is done with and
without near infrared.

APCER is the share of an instrument's presentations that are judged alive, reported for each
instrument; BPCER is the share of living hands that are not. The threshold of the judge is fixed.
The people are not those that it was fitted to, and a third of the bursts are taken in circumstances
that were not used for fitting. Intervals are bootstrapped over people (`palm.rates`).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from drawn.attack import Instrument
from drawn.circumstances import EXTREME, UNUSUAL, USUAL, Case, Circumstances, cases
from drawn.identity import identity
from drawn.lit import LAMPS
from lab.evaluate.processes import processes
from palm.hand.landmarks import Side
from palm.liveness import SURE, Still, Unjudgeable, judge, judge_infrared
from palm.liveness.pulse import judge_pulse
from palm.rates import Estimate, share

FIRST = 41_000
"""The seed of the first person. `lab.liveness` fits the judge to people with lower seeds."""
PEOPLE = 60

_SETS = {
    "usual circumstances": USUAL,
    "unusual circumstances": UNUSUAL,
    "circumstances not fitted in": EXTREME,
}
_TONES = (("light", 0.42), ("medium", 0.30), ("dark", 0.0))
"""The names of thirds of the drawn skin tones, and the lowest green reflectance of their palms."""
_LIVING = "living"
LIGHT, INFRARED, BOTH, PULSE = "light", "near infrared", "light and near infrared", "pulse"
THEN_PULSE = ", then pulse"
"""Is appended to the name of the judgement that comes before the pulse."""


@dataclass(frozen=True, slots=True)
class JudgedBurst:
    """What the judges say of one burst."""

    seed: int
    what: str
    tone: str
    passed: dict[str, bool]
    """Whether it was judged alive, by judgement."""
    asked: dict[str, bool]
    """Whether a pulse was asked for, by judgement; only for those that end with the pulse."""
    ms: float
    """The processor time to judge its light, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate of one kind of presentation."""

    name: str
    presentations: int
    estimate: Estimate

    def text(self) -> str:
        low, high = self.estimate.ci95.low, self.estimate.ci95.high
        percent = f"{100 * self.estimate.rate:6.2f} % [{100 * low:.2f}, {100 * high:.2f}]"
        return f"  {self.name:<32}{self.presentations:>6}  {percent}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The error rates of one way to judge."""

    name: str
    bpcer: list[Rate]
    """The rate of all living hands, then the rates by skin tone."""
    apcer: list[Rate]
    """The rate of each instrument."""
    asked: Rate | None
    """The share of living hands that had to show a pulse; None where none is asked for."""

    def text(self) -> str:
        lines = [f" by {self.name}", "  BPCER", *(rate.text() for rate in self.bpcer)]
        if self.asked:
            lines += ["  asked for a pulse", self.asked.text()]
        return "\n".join([*lines, "  APCER", *(rate.text() for rate in self.apcer)])


@dataclass(frozen=True, slots=True)
class AttackReport:
    """The error rates in one set of circumstances."""

    name: str
    people: int
    judgements: list["Judgement"]
    ms: float
    """The median processor time to judge the light of a burst, in milliseconds."""

    def text(self) -> str:
        lines = [f"{self.name}: {self.people} people, {self.ms:.0f} ms a burst"]
        return "\n\n".join([*lines, *(each.text() for each in self.judgements)])


def outcomes(seed: int, within: Circumstances, *, pulse: bool = False) -> list[JudgedBurst]:
    """Judges all bursts of one person. With `pulse`, all are judged by the pulse alone as well."""
    green = float(identity(seed, list(Side)[seed % 2]).tone.palmar[1])
    tone = next(name for name, least in _TONES if green >= least)
    judged: list[JudgedBurst] = []
    for case in cases(seed, within):
        began = time.process_time()
        by_light = _by_light(case)
        ms = 1000 * (time.process_time() - began)
        white = case.film.lit[1]
        near = judge_infrared(Still(white.image, white.hand), case.film.infrared).score
        scores = {LIGHT: by_light, INFRARED: near, BOTH: min(by_light, near)}
        passed = {by: score >= 0 for by, score in scores.items()}
        asked = {by: 0 <= scores[by] < SURE for by in (LIGHT, BOTH)}
        beats = _beats(case) if pulse or any(asked.values()) else False
        passed |= {by + THEN_PULSE: passed[by] and (beats or not asked[by]) for by in asked}
        if pulse:
            passed[PULSE] = beats
        what = case.instrument or _LIVING
        asked = {by + THEN_PULSE: was for by, was in asked.items()}
        judged.append(JudgedBurst(seed, what, tone, passed, asked, ms))
    return judged


def _by_light(case: Case) -> float:
    try:
        return judge(case.film.lit, LAMPS).score
    except Unjudgeable:
        return float("-inf")


def _beats(case: Case) -> bool:
    recorded = case.recorded()
    return judge_pulse(recorded.at, recorded.cells).beats


def measure(
    name: str, within: Circumstances, seeds: Sequence[int], workers: int, *, pulse: bool = False
) -> AttackReport:
    """Judges the bursts of the people with these seeds, and counts the errors."""
    judge_all = partial(outcomes, within=within, pulse=pulse)
    with processes(workers) as pool:
        found = [each for many in pool.map(judge_all, seeds) for each in many]
    return AttackReport(
        name=name,
        people=len(seeds),
        judgements=[_judgement(by, found) for by in found[0].passed],
        ms=float(np.median([each.ms for each in found])),
    )


def _judgement(by: str, found: Sequence[JudgedBurst]) -> Judgement:
    living = [each for each in found if each.what == _LIVING]
    tones = [(tone, [each for each in living if each.tone == tone]) for tone, _ in _TONES]
    return Judgement(
        name=by,
        bpcer=[
            _rate("all", by, living, passed=False),
            *(_rate(f"{tone} skin", by, those, passed=False) for tone, those in tones if those),
        ],
        apcer=[
            _rate(each, by, [o for o in found if o.what == each], passed=True)
            for each in Instrument
        ],
        asked=_share("living", living, [each.asked[by] for each in living])
        if by in living[0].asked
        else None,
    )


def _rate(name: str, by: str, those: Iterable[JudgedBurst], *, passed: bool) -> Rate:
    those = list(those)
    return _share(str(name), those, [each.passed[by] is passed for each in those])


def _share(name: str, those: Sequence[JudgedBurst], events: Sequence[bool]) -> Rate:
    people = np.array([each.seed for each in those])
    return Rate(name, len(those), share(np.array(events), people))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="attacks",
        description="Measures how often drawn attacks are judged alive, and living hands are not.",
    )
    parser.add_argument(
        "--people", type=int, default=PEOPLE, metavar="N", help="drawn people (%(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes"
    )
    parser.add_argument(
        "--pulse",
        action="store_true",
        help="judge all presentations by the pulse alone as well (takes long to draw)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    asked = parser.parse_args()
    seeds = range(FIRST, FIRST + asked.people)
    reports = [
        measure(name, within, seeds, asked.workers, pulse=asked.pulse)
        for name, within in _SETS.items()
    ]
    print("\n\n".join(report.text() for report in reports))  # noqa: T201 - the output of this command
    if asked.json:
        figures = [asdict(report) for report in reports]
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
