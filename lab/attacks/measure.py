"""Judges the presentations of drawn people, and counts the errors, see `lab.attacks`."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from cloud.policy import FMR_VERIFY
from cloud.vault.palms import ALIKE_IN_INFRARED, SAME
from drawn.attack import Instrument
from drawn.burst import Film, challenge, played
from drawn.circumstances import EXTREME, UNUSUAL, USUAL, Circumstances, cases
from drawn.identity import identity
from drawn.lit import LAMPS
from lab.attacks.instruments import species
from lab.attacks.staging import Presented, enrolment, staging
from lab.evaluate.processes import processes
from palm.burst import ALIKE
from palm.calibration import CALIBRATIONS
from palm.hand.align import align
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.liveness import (
    SURE,
    Cues,
    InfraredCues,
    Still,
    Unjudgeable,
    infrared_weights,
    judge,
    judge_infrared,
    weights,
)
from palm.liveness.judge import unexplained_score
from palm.liveness.pulse import judge_pulse
from palm.liveness.response import register_burst
from palm.liveness.same_palm import likeness, lines
from palm.liveness.signed import Signer, Signs
from palm.rates import Estimate, share
from palm.template import current
from palm.template.interfaces import Template
from palm.template.levelled import LevelledExtractor, LevelledMatcher

FIRST = 41_000
"""The seed of the first person. `lab.liveness` fits the judge to people with lower seeds."""
PEOPLE = 60
MATCHED = CALIBRATIONS[LevelledMatcher.version].score(-np.log10(FMR_VERIFY))
"""The score from which a palm is the enrolled one, where it is compared 1:1."""

SETS = {
    "usual circumstances": USUAL,
    "unusual circumstances": UNUSUAL,
    "circumstances not fitted in": EXTREME,
}
_TONES = (("light", 0.42), ("medium", 0.30), ("dark", 0.0))
"""The names of thirds of the drawn skin tones, and the lowest green reflectance of their palms."""
_LIVING = "living"
LIGHT, INFRARED, BOTH, PULSE = "light", "near infrared", "light and near infrared", "pulse"
LIGHT_SIGNED, BOTH_SIGNED = "light, relief signed", "light and near infrared, both signed"
"""What was signed at enrolment is compared as well (`palm.liveness.signed`)."""
THEN_PULSE = ", then pulse"
"""Is appended to the name of the judgement that comes before the pulse."""


@dataclass(frozen=True, slots=True)
class JudgedBurst:
    """What the judges say of one burst."""

    seed: int
    what: str
    recipe: str
    """How the instrument was made; empty for a living hand, and where there is one way only."""
    tone: str
    passed: dict[str, bool]
    """Whether it was judged alive, by judgement."""
    asked: dict[str, bool]
    """Whether a pulse was asked for, by judgement; only for those that end with the pulse."""
    left_out: dict[str, bool]
    """Whether it was judged alive by weights to which its own instrument was not fitted; only for
    judgements without the pulse."""
    matched: bool
    """Whether its palm was found to be the victim's, at the policy's threshold for 1:1."""
    ms: float
    """The processor time to judge its light, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate of one kind of presentation."""

    name: str
    presentations: int
    estimate: Estimate
    recipe: str = ""
    """The recipe that it is the rate of, where an instrument has several: the worst."""

    def text(self) -> str:
        low, high = self.estimate.ci95.low, self.estimate.ci95.high
        percent = f"{100 * self.estimate.rate:6.2f} % [{100 * low:.2f}, {100 * high:.2f}]"
        return f"  {self.name:<36}{self.presentations:>6}  {percent}  {self.recipe}".rstrip()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The error rates of one way to judge."""

    name: str
    bpcer: list[Rate]
    """The rate of all living hands, then the rates by skin tone."""
    apcer: list[Rate]
    """The rate of each instrument, by its worst recipe."""
    left_out: list[Rate]
    """Their rates by weights that were fitted without the instrument; empty with the pulse."""
    iapmr: list[Rate]
    """The share of each instrument's presentations that are judged alive and matched, by its worst
    recipe."""
    asked: Rate | None
    """The share of living hands that had to show a pulse; None where none is asked for."""

    def text(self) -> str:
        lines = [f" by {self.name}", "  BPCER", *(rate.text() for rate in self.bpcer)]
        if self.asked:
            lines += ["  asked for a pulse", self.asked.text()]
        for title, rates in (
            ("APCER", self.apcer),
            ("APCER, the instrument left out of the fit", self.left_out),
            ("IAPMR", self.iapmr),
        ):
            lines += [f"  {title}", *(rate.text() for rate in rates)] if rates else []
        return "\n".join(lines)


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


def outcomes(
    seed: int, within: Circumstances, *, pulse: bool = False, only: str | None = None
) -> list[JudgedBurst]:
    """Judges all bursts of one person. With `pulse`, all are judged by the pulse alone as well.
    `only` is the name of the one instrument that is judged beside living hands."""
    green = float(identity(seed, list(Side)[seed % 2]).tone.palmar[1])
    tone = next(name for name, least in _TONES if green >= least)
    enrolled = _Enrolled.by(enrolment(seed, within))
    return [
        _Judged(seen, what, enrolled).burst(seed, recipe, tone, pulse=pulse)
        for what, recipe, seen in _presented(seed, within, only)
    ]


@dataclass(frozen=True, slots=True)
class _Enrolled:
    """What is kept of a palm."""

    template: Template
    signs: Signs

    @classmethod
    def by(cls, film: Film) -> "_Enrolled":
        palms = [align(frame.image, frame.hand) for frame in film.lit[:2]]
        signs = _signer().sign(register_burst(film.lit, LAMPS), film.infrared)
        return cls(_pair()[0].extract(palms), signs)


def _presented(
    seed: int, within: Circumstances, only: str | None
) -> Iterator[tuple[str, str, Presented]]:
    """Yields all bursts of one person: what was shown, by what recipe, and what was seen. Living
    hands come first."""
    palm = identity(seed, list(Side)[seed % 2])
    for case in cases(seed, within):
        if case.instrument and only not in (None, *Instrument):
            # Those of the fit are drawn one after another.
            break
        if case.instrument is None or only in (None, case.instrument):
            yield case.instrument or _LIVING, "", Presented(case.film, case.recorded, palm)
    for each in species():
        if only in (None, each.name):
            for recipe, present in each.recipes.items():
                rng = np.random.default_rng([seed, 7])
                staged = staging(seed, within, played(challenge(rng)), each.name + recipe)
                yield each.name, recipe, present(staged)


class _Judged:
    """The judgements of one burst."""

    def __init__(self, seen: Presented, what: str, enrolled: _Enrolled) -> None:
        self._seen = seen
        self._what = what
        began = time.process_time()
        lit = _by_light(seen.film, what)
        self._ms = 1000 * (time.process_time() - began)
        near = _near(seen.film, what)
        self._scores = {LIGHT: lit, INFRARED: near, BOTH: _Scores(*map(min, lit, near))}
        shown = _Enrolled.by(seen.film)
        self._matched = _pair()[1].score(shown.template, enrolled.template) >= MATCHED
        skin = max(near.whole, 0.0)
        signed = _signer().compare(enrolled.signs, replace(shown.signs, skin=skin))
        by_relief = replace(signed, veins=None)
        self._signed = {
            LIGHT_SIGNED: lit.whole >= 0 and by_relief.agrees,
            BOTH_SIGNED: self._scores[BOTH].whole >= 0 and signed.agrees,
        }

    def burst(self, seed: int, recipe: str, tone: str, *, pulse: bool) -> JudgedBurst:
        passed = {by: score.whole >= 0 for by, score in self._scores.items()} | self._signed
        asked = {by: 0 <= self._scores[by].whole < SURE for by in (LIGHT, BOTH)}
        beats = self._beats() if pulse or any(asked.values()) else False
        for by, signed in ((LIGHT, LIGHT_SIGNED), (BOTH, BOTH_SIGNED)):
            asked[signed] = asked[by]
        passed |= {by + THEN_PULSE: passed[by] and (beats or not asked[by]) for by in asked}
        if pulse:
            passed[PULSE] = beats
        return JudgedBurst(
            seed,
            self._what,
            recipe,
            tone,
            passed,
            asked={by + THEN_PULSE: was for by, was in asked.items()},
            left_out={by: score.without >= 0 for by, score in self._scores.items()},
            matched=self._matched,
            ms=self._ms,
        )

    def _beats(self) -> bool:
        recorded = self._seen.recorded()
        return judge_pulse(recorded.at, recorded.cells).beats


class _Scores(NamedTuple):
    """A score by all weights, and without those against the instrument itself."""

    whole: float
    without: float


_NOT_AT_ALL = _Scores(float("-inf"), float("-inf"))


def _by_light(film: Film, what: str) -> _Scores:
    if not _show_one_palm(film):
        return _NOT_AT_ALL
    try:
        found = judge(film.lit, LAMPS)
    except Unjudgeable:
        return _NOT_AT_ALL
    others = _score_of_others(found.cues, weights.WEIGHTS, what)
    return _Scores(found.score, min(others, unexplained_score(found.cues)))


def _near(film: Film, what: str) -> _Scores:
    white = film.lit[1]
    found = judge_infrared(Still(white.image, white.hand), film.infrared)
    # Where a picture shows no line, this is not a number.
    if not found.alike >= ALIKE_IN_INFRARED:
        return _NOT_AT_ALL
    return _Scores(found.score, _score_of_others(found.cues, infrared_weights.WEIGHTS, what))


def _score_of_others(
    cues: Cues | InfraredCues, fitted: Mapping[str, tuple[float, ...]], what: str
) -> float:
    """Returns the lowest score against all instruments of the fit but one. Each was fitted by
    itself, so this is what a fit without that one decides."""
    by = weights if isinstance(cues, Cues) else infrared_weights
    standard = (cues.array() - np.array(by.MEAN)) / np.array(by.DEVIATION)
    row = np.append(1.0, np.clip(standard, -by.REACH, by.REACH))
    return min(float(np.array(each) @ row) for name, each in fitted.items() if name != what)


def _show_one_palm(film: Film) -> bool:
    """Returns whether all frames with light show the same palm, as the vault compares them."""
    seen = [align(f.image, f.hand) for f in film.lit if f.light.any()]
    white = seen[0]
    return all(_are_alike(white, each) for each in seen[1:])


def _are_alike(one: Roi, other: Roi) -> bool:
    if likeness(lines(one), lines(other)) >= ALIKE:
        return True
    extractor, matcher = _pair()
    return matcher.score(extractor.extract([one]), extractor.extract([other])) >= SAME


@cache
def _pair() -> tuple[LevelledExtractor, LevelledMatcher]:
    return current.pair()


@cache
def _signer() -> Signer:
    return Signer()


def measure(
    name: str,
    within: Circumstances,
    seeds: Sequence[int],
    workers: int,
    *,
    pulse: bool = False,
    only: str | None = None,
) -> AttackReport:
    """Judges the bursts of the people with these seeds, and counts the errors."""
    judge_all = partial(outcomes, within=within, pulse=pulse, only=only)
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
            _refused("all", by, living),
            *(_refused(f"{tone} skin", by, those) for tone, those in tones if those),
        ],
        apcer=worst(found, lambda each: each.passed[by]),
        left_out=worst(found, lambda each: each.left_out[by]) if by in living[0].left_out else [],
        iapmr=worst(found, lambda each: each.passed[by] and each.matched),
        asked=_share("living", living, [each.asked[by] for each in living])
        if by in living[0].asked
        else None,
    )


def worst(found: Sequence[JudgedBurst], event: Callable[[JudgedBurst], bool]) -> list[Rate]:
    """Returns the rate of each instrument, by the recipe with the highest."""
    by_recipe: dict[str, dict[str, list[JudgedBurst]]] = {}
    for each in found:
        if each.what != _LIVING:
            by_recipe.setdefault(each.what, {}).setdefault(each.recipe, []).append(each)
    return [
        max(
            (replace(_share(what, m, [event(o) for o in m]), recipe=r) for r, m in made.items()),
            key=lambda rate: rate.estimate.rate,
        )
        for what, made in by_recipe.items()
    ]


def _refused(name: str, by: str, those: Sequence[JudgedBurst]) -> Rate:
    return _share(name, those, [not each.passed[by] for each in those])


def _share(name: str, those: Sequence[JudgedBurst], events: Sequence[bool]) -> Rate:
    people = np.array([each.seed for each in those])
    return Rate(name, len(those), share(np.array(events), people))
