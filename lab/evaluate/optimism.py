"""Estimates how much better the measured sets look because choices were weighed on them.

`python -m lab.evaluate.optimism SET_DIR ...` repeats choices on half of the people of each set and
measures on the other half, many times over. What was chosen does better where it was chosen than
where it was not, and the difference is the optimism of the choice (Efron, "How biased is the
apparent error rate of a prediction rule?", 1986).

A choice is repeated here where a constant stands for it and the measurement is cheap. WEIGHED
counts all of them, from the pages that tell of them; the others are structural, and the code of
their alternatives was given up.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lab.evaluate import dataset, pairing
from lab.evaluate.acquisition import Acquirer, Reading, acquire
from lab.evaluate.collection import Palms
from lab.evaluate.dataset import Sample, Subset, Unmeasurable
from lab.evaluate.pairing import Kind
from lab.evaluate.processes import processes, progress
from lab.evaluate.report import Json
from palm.hand import align
from palm.template import current

SAMPLES = 4
"""The largest number of samples of a hand: one person must not make all pairs of a set."""
FEWEST = 8
"""The fewest people that are split in halves."""
SPLITS = 200
"""How often the people are split in halves."""
IMPOSTORS = 3
"""The number of impostor pairs that match at the threshold at which alternatives are compared: as
many as the rule of 3 asks for."""
FMR = 1e-3
"""The false-match rate whose threshold is read off half of the people."""

Floats = npt.NDArray[np.float64]
Value = float | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A choice that was made with the sets of real palms at hand."""

    what: str
    alternatives: int
    """The number of alternatives that were measured on real palms, with the one that was chosen."""
    told: str
    """The page of docs that tells of it."""


_LINES, _ENCODER = "decisions/0004-palm-signature.md", "decisions/0012-encoder.md"
_LEVEL, _FINDING = "decisions/0057-one-threshold.md", "decisions/0058-finding.md"
_HANDS, _REFUSED = "decisions/0060-both-hands.md", "decisions/0070-refused-hands.md"

WEIGHED = (
    Weighed("how a place is described: field, winner, signs or soft codes", 4, _LINES),
    Weighed("components of a cell: one, two or all six directions", 3, _LINES),
    Weighed("turning the code, or only where it is searched", 2, _LINES),
    Weighed("poses that are followed, on cells or between them", 6, _LINES),
    Weighed("range and step of rotations and scales", 3, _LINES),
    Weighed("search range of a block", 2, _LINES),
    Weighed(
        "second search: none, after an affine or quadratic map or a displacement field", 4, _LINES
    ),
    Weighed("third search along the displacement field", 2, _LINES),
    Weighed("fit of the affine map: as it is, interpolated, weighted or twice", 4, _LINES),
    Weighed("what is made of the blocks: mean, squares, cubes or the best 40", 4, _LINES),
    Weighed(
        "what is taken from a score: nothing, the mean or deviation over shifts, its own", 4, _LINES
    ),
    Weighed("normalisation of a field: none, half or whole", 3, _LINES),
    Weighed("black and burnt pixels, masked or not", 2, _LINES),
    Weighed("extent of the ROI", 4, _LINES),
    Weighed("wavelength, width and length of the filter", 6, _LINES),
    Weighed("weight of the encoder against the lines", 5, _ENCODER),
    Weighed("what the encoder reads: pictures or lines", 2, _ENCODER),
    Weighed("axes of the embedding: as they are, whitened or discriminant", 3, _ENCODER),
    Weighed("one embedding, or the mean of five shifted ones", 2, _ENCODER),
    Weighed("how a field is stored: codebook, 304 or 368 bits a block", 3, _ENCODER),
    Weighed("parts outside the frame: reflected or masked", 2, _ENCODER),
    Weighed("thresholds of version 1", 2, _LINES),
    Weighed("thresholds of version 2", 2, _ENCODER),
    Weighed(
        "level of a pair: none, of a cohort's mean, with its deviation, or of its most similar",
        5,
        _LEVEL,
    ),
    Weighed("closer comparison: none, more poses, laid over, or searched once more", 4, _LEVEL),
    Weighed("how a field is laid over: bilinear, bicubic or Lanczos", 3, _LEVEL),
    Weighed("the map by which it is: affine, quadratic, twice or weighted by the cube", 4, _LEVEL),
    Weighed("thresholds of version 3", 2, _LEVEL),
    Weighed("where the lines lie on a drawn palm", 2, "factory.md"),
    Weighed("reading the landmarks of a hand once more or not", 2, "../palm/hand/find.py"),
    Weighed(
        "beyond the edge of the picture: black, painted, grey and painted, or the edge continued, "
        "with or without paint",
        5,
        _FINDING,
    ),
    Weighed(
        "what tells a palm from a back: the network, on paint too, or the lines as well",
        3,
        _FINDING,
    ),
    Weighed("shrinkage of the discriminant of lines: little or much", 2, _FINDING),
    Weighed(
        "palms of one visit: each by itself, the mean of two, or a lower threshold for the second",
        3,
        _HANDS,
    ),
    Weighed("readings of the landmarks of a hand: up to two or up to eight", 2, _REFUSED),
)
"""All choices that decisions 4, 12, 57, 58, 60 and 70, the factory's page and the constants of
`palm` tell of. Those of liveness (decisions 10 and 13) were weighed on drawn people alone."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice for which a constant stands."""

    what: str
    """Its `Weighed.what`."""
    module: str
    constant: str
    others: tuple[Value, ...]
    """The values beside the one in use."""

    @property
    def values(self) -> list[Value]:
        """All values, the one in use first."""
        used: Value = getattr(import_module(self.module), self.constant)
        return [used, *(value for value in self.others if value != used)]


CHOICES = (
    Choice("extent of the ROI", "palm.hand.align", "EXTENT", (0.7, 0.8, 0.9, 1.0)),
    Choice(
        "wavelength, width and length of the filter",
        "palm.template.line_filter",
        "WAVELENGTH",
        (8.0, 10.0, 12.0, 14.0),
    ),
    Choice("search range of a block", "palm.template.linefield", "LEEWAY", (1, 2)),
    Choice(
        "range and step of rotations and scales",
        "palm.template.linefield",
        "TURNS",
        (tuple(range(-20, 21, 5)), tuple(range(-15, 16, 3))),
    ),
    Choice(
        "closer comparison: none, more poses, laid over, or searched once more",
        "palm.template.levelled",
        "CLOSE",
        # No line score is 9 above its level, so from there on no pair is compared once more.
        (9.0, -0.1, -0.18, -0.25),
    ),
    Choice(
        "weight of the encoder against the lines",
        "palm.template.levelled",
        "ENCODER",
        (0.0, 3.18, 6.36, 12.7, 19.1),
    ),
)


@dataclass(frozen=True, slots=True)
class Pairs:
    """The comparisons of one set that the gallery makes."""

    genuine: npt.NDArray[np.bool_]
    one: npt.NDArray[np.intp]
    other: npt.NDArray[np.intp]
    """The people of both sides, by their number."""
    people: int

    def within(self, some: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Returns which comparisons are of these people alone."""
        return some[self.one] & some[self.other]


def missed(scores: Floats, genuine: npt.NDArray[np.bool_]) -> float:
    """Returns the FNMR at the threshold that IMPOSTORS impostor pairs reach."""
    impostor = np.sort(scores[~genuine])
    least = impostor[-min(IMPOSTORS, len(impostor))]
    return float((scores[genuine] < least).mean())


@dataclass(frozen=True, slots=True)
class Alternative:
    value: Value
    error: float
    """The error of everybody: the mean FNMR of the sets, as `missed` counts it."""
    chosen: float
    """The share of the halves in which it is the best."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A choice that was made anew on half of the people, SPLITS times."""

    what: str
    constant: str
    alternatives: list[Alternative]
    """The one in use first."""
    apparent: float
    """The mean error of the best where it was chosen."""
    honest: float
    """The mean error of the same on the other half."""
    spread: tuple[float, float]
    """The middle 95 % of the differences."""

    @property
    def optimism(self) -> float:
        return self.honest - self.apparent


def halves(people: Sequence[int], seed: int = 0) -> Iterator[list[npt.NDArray[np.bool_]]]:
    """Yields SPLITS times which half of the people of each set are in the first half."""
    rng = np.random.default_rng(seed)
    for _ in range(SPLITS):
        yield [rng.permutation(number) < number / 2 for number in people]


def repeat(
    choice: Choice, sets: Sequence[Pairs], scores: Mapping[Value, Sequence[Floats]]
) -> Repeated:
    """Makes a choice anew on halves of the people; `scores` are those of each set, by value."""
    values = list(scores)

    def errors(halves: Sequence[npt.NDArray[np.bool_]]) -> Floats:
        """Returns the mean error over the sets by each value, of these people."""
        found = np.zeros(len(values))
        for which, (pairs, half) in enumerate(zip(sets, halves, strict=True)):
            these = pairs.within(half)
            for number, value in enumerate(values):
                one = missed(scores[value][which][these], pairs.genuine[these])
                found[number] += one / len(sets)
        return found

    chosen = np.zeros(len(values))
    apparent: list[float] = []
    honest: list[float] = []
    for half in halves([pairs.people for pairs in sets]):
        here, there = errors(half), errors([~each for each in half])
        best = np.flatnonzero(here == here.min())
        # Of equally good ones any may be chosen.
        chosen[best] += 1 / len(best)
        apparent.append(float(here.min()))
        honest.append(float(there[best].mean()))
    everybody = errors([np.ones(pairs.people, np.bool_) for pairs in sets])
    low, high = np.quantile(np.subtract(honest, apparent), (0.025, 0.975)).tolist()
    return Repeated(
        what=choice.what,
        constant=choice.constant,
        alternatives=[
            Alternative(value, float(error), float(count) / SPLITS)
            for value, error, count in zip(values, everybody, chosen, strict=True)
        ],
        apparent=float(np.mean(apparent)),
        honest=float(np.mean(honest)),
        spread=(low, high),
    )


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold that was read off half of the people, SPLITS times."""

    fmr: float
    """The false-match rate that it was to have."""
    mean: float
    """The mean false-match rate that it had on the other half."""
    spread: tuple[float, float]
    """The middle 95 % of these rates."""


def threshold(sets: Sequence[Pairs], scores: Sequence[Floats]) -> Threshold:
    """Reads the threshold of FMR off the impostors of half of the people of all sets together."""
    rates: list[float] = []
    for half in halves([pairs.people for pairs in sets]):
        read, met = (
            np.concatenate(
                [
                    each[pairs.within(some) & ~pairs.genuine]
                    for pairs, each, some in zip(sets, scores, these, strict=True)
                ]
            )
            for these in (half, [~each for each in half])
        )
        least = np.quantile(read, 1 - FMR, method="higher")
        rates.append(float((met >= least).mean()))
    low, high = np.quantile(rates, (0.025, 0.975)).tolist()
    return Threshold(FMR, float(np.mean(rates)), (low, high))


@dataclass(frozen=True, slots=True)
class OptimismReport:
    sets: list[str]
    repeated: list[Repeated]
    threshold: Threshold | None
    """None where no set is of whole hands, from which thresholds are read."""

    def json(self) -> Json:
        return {
            "sets": self.sets,
            "splits": SPLITS,
            "impostors": IMPOSTORS,
            "weighed": [asdict(each) for each in WEIGHED],
            "repeated": [{**asdict(each), "optimism": each.optimism} for each in self.repeated],
            "threshold": self.threshold and asdict(self.threshold),
        }

    def text(self) -> str:
        lines = [
            f"{len(WEIGHED)} choices among {sum(each.alternatives for each in WEIGHED)} "
            f"alternatives were weighed on real palms; {len(self.repeated)} are repeated on "
            f"{SPLITS} halves of the people of {', '.join(self.sets)}"
        ]
        for each in self.repeated:
            lines.append(
                f"{each.what}: {each.apparent:.3%} missed where it was chosen, {each.honest:.3%} "
                f"elsewhere, optimism {each.optimism:.3%} "
                f"[{each.spread[0]:.3%}, {each.spread[1]:.3%}]"
            )
            for one in each.alternatives:
                said = f"{each.constant} {one.value}"
                lines.append(f"    {said}: {one.error:.3%} of all, best in {one.chosen:.0%}")
        if self.threshold:
            lines.append(
                f"the threshold of FMR {self.threshold.fmr} has {self.threshold.mean:.2e} "
                f"elsewhere [{self.threshold.spread[0]:.2e}, {self.threshold.spread[1]:.2e}]"
            )
        return "\n".join(lines)


def measure(sets: Mapping[str, Sequence[Sample]], workers: int = 1) -> OptimismReport:
    """Repeats all CHOICES on these sets. Raises Unmeasurable."""
    palms: list[Palms] = []
    for name, samples in sets.items():
        tried = acquire(samples, Reading(), workers)
        found = list(progress(f"finding {name}", tried, len(samples)))
        both = [(one, at.palm) for one, at in zip(samples, found, strict=True) if at.palm]
        palms.append(Palms(name, True, [one for one, _ in both], [roi for _, roi in both]))
    # The values in use are those of one measurement.
    different = [(CHOICES[0], CHOICES[0].values[0])]
    different += [(choice, value) for choice in CHOICES for value in choice.values[1:]]
    # Modules keep what they have made of a constant, so each alternative has a process of its own.
    with processes(workers, once=True) as pool:
        tried = pool.map(partial(_scores, palms), different)
        told = list(progress("measuring alternatives", tried, len(different)))
    usual, *rest = told
    scores = {
        (choice.constant, value): each
        for (choice, value), each in zip(different[1:], rest, strict=True)
    }
    pairs = [_pairs(each) for each in palms]
    whole = [n for n, each in enumerate(palms) if each.rois[0].side is not None]
    return OptimismReport(
        sets=list(sets),
        repeated=[
            repeat(
                choice,
                [each for _, each in pairs],
                {
                    value: [
                        one[which]
                        for one, (which, _) in zip(
                            scores.get((choice.constant, value), usual), pairs, strict=True
                        )
                    ]
                    for value in choice.values
                },
            )
            for choice in CHOICES
        ],
        threshold=threshold([pairs[n][1] for n in whole], [usual[n][pairs[n][0]] for n in whole])
        if whole
        else None,
    )


def _pairs(palms: Palms) -> tuple[npt.NDArray[np.bool_], Pairs]:
    """Returns which comparisons the gallery makes, and what they are of. Raises Unmeasurable."""
    plan = pairing.singles(palms.samples)
    whose = pairing.whose(palms.samples, [roi.side for roi in palms.rois])
    kinds = plan.kinds(whose)
    counted = (kinds == Kind.GENUINE) | (kinds == Kind.IMPOSTOR)
    genuine = kinds[counted] == Kind.GENUINE
    one, other = (whose.subject[each[counted]] for each in plan.pairs())
    people = int(whose.subject.max()) + 1
    if len(np.unique(one[genuine])) < FEWEST:
        raise Unmeasurable(f"{palms.name} has fewer than {FEWEST} people with two pictures")
    return counted, Pairs(genuine, one, other, people)


def _scores(palms: Sequence[Palms], alternative: tuple[Choice, Value]) -> list[Floats]:
    """Returns the scores of all comparisons of each set, with one constant at another value.

    The process that calls it keeps the value.
    """
    choice, value = alternative
    setattr(import_module(choice.module), choice.constant, value)
    extractor, matcher = current.pair()
    found: list[Floats] = []
    for each in palms:
        rois = each.rois
        if choice.module == align.__name__ and each.rois[0].side is not None:
            acquirer = Acquirer(Reading())
            again = [acquirer.acquire(sample).palm for sample in each.samples]
            rois = [new or old for new, old in zip(again, rois, strict=True)]
        plan = pairing.singles(each.samples)
        templates = [extractor.extract([roi]) for roi in rois]
        gallery = matcher.prepare(templates[: len(plan.references)])
        rows = [
            matcher.compare(probe, gallery[:count])
            for probe, count in zip(templates, plan.counts.tolist(), strict=True)
        ]
        found.append(np.concatenate(rows).astype(np.float64))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="optimism",
        description="Estimates how much better sets look because choices were weighed on them.",
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="SET_DIR", help="sets of real palms"
    )
    parser.add_argument("--joined", type=Path, metavar="FILE", help="as in lab.evaluate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument(
        "--workers", type=int, metavar="N", default=os.cpu_count() or 1, help="as in lab.evaluate"
    )
    asked = parser.parse_args()
    try:
        sets = {
            folder.name: few(
                dataset.read(folder, dataset.joined(asked.joined, folder) if asked.joined else {})
            )
            for folder in asked.folders
        }
        report = measure(sets, asked.workers)
    except Unmeasurable as failure:
        print(f"optimism: {failure}", file=sys.stderr)  # noqa: T201 - the output of this command
        return 1
    print(report.text())  # noqa: T201 - as above
    if asked.json:
        asked.json.write_text(json.dumps(report.json(), indent=1) + "\n", encoding="utf-8")
    return 0


def few(samples: Sequence[Sample]) -> list[Sample]:
    """Returns SAMPLES palms of each hand, the same number from each session."""
    palmar = [each for each in samples if not each.dorsal]
    sessions = len({each.session for each in palmar})
    return Subset(samples=max(SAMPLES // sessions, 1)).of(palmar)


if __name__ == "__main__":
    sys.exit(main())
