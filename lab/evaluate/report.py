"""The report of an evaluation, as text and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.evaluate.decisions import Decided, Rates, Result, Verified
from lab.evaluate.differential import Differential
from lab.evaluate.pairs import Scored
from palm.hand.roi import Roi
from palm.rates import Curve, Errors, Estimate

FMRS = (1e-3, 1e-4, 1e-5, 1e-6)
"""The false-match rates at which FNMR is reported."""

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Measured:
    """The error rates and times of one algorithm."""

    algorithm: str
    version: int
    size: int
    """The size of a template in bytes."""
    errors: Errors
    thresholds: dict[float, float]
    """The lowest score that matches, by FMR."""
    rank1: Estimate
    curve: Curve
    extract_ms: float
    """The median processor time to make a template, in milliseconds."""
    match_ms: float
    """The mean processor time of one comparison in a batch, in milliseconds."""

    def json(self) -> Json:
        fnmr = {fmr: self.errors.fnmr_at_fmr.get(fmr) for fmr in FMRS}
        return {
            "code": self.algorithm,
            "template_version": self.version,
            "template_bytes": self.size,
            **rate("eer", self.errors.eer),
            "fnmr_at_fmr": {named(fmr): e and e.rate for fmr, e in fnmr.items()},
            "fnmr_at_fmr_ci95": {named(fmr): e and ends(e) for fmr, e in fnmr.items()},
            "threshold_at_fmr": {named(fmr): self.thresholds.get(fmr) for fmr in FMRS},
            **rate("rank1", self.rank1),
            "ms": {"sign": self.extract_ms, "match": self.match_ms},
            "det": self.curve.thinned(),
        }


@dataclass(frozen=True, slots=True)
class Experiment:
    """What several algorithms make of the same comparisons."""

    enrolled_from: int
    """The number of samples in a reference."""
    probed_by: int
    """The number of samples in a probe."""
    genuine: int
    impostor: int
    lost: int
    """The number of genuine comparisons that are not made, because a palm was not acquired or read
    as one of the other side."""
    algorithms: list[Measured]
    scored: Scored
    """The comparisons themselves."""

    def with_failures(self, fnmr: float) -> float:
        """Returns the FNMR where a comparison that could not be made counts as not matching."""
        return (fnmr * self.genuine + self.lost) / (self.genuine + self.lost)

    def unreachable(self, fmr: float) -> str | None:
        """Returns why there is no FNMR at this FMR, or None where there is one."""
        if self.impostor * fmr >= 1:
            return None
        return f"needs {round(1 / fmr):,} impostor comparisons, there are {self.impostor:,}"

    def trust(self, fmr: float) -> str:
        """Returns how sure the FMR is by its number of comparisons (ISO/IEC 19795-1)."""
        if self.impostor * fmr >= 30:
            return "rule of 30 met: the FMR is within 30 % of this, were comparisons independent"
        if self.impostor * fmr >= 3:
            return "rule of 3 met: enough to claim this FMR, too few to know it within 30 %"
        return "observed, yet fewer impostor comparisons than the rule of 3 asks for a claim"

    def json(self) -> Json:
        return {
            "enrolled_from": self.enrolled_from,
            "probed_by": self.probed_by,
            "genuine": self.genuine,
            "impostor": self.impostor,
            "genuine_lost": self.lost,
            "codes": [measured.json() for measured in self.algorithms],
        }


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the policy decides where each hand is enrolled once."""

    enrolled_from: int
    """The number of samples in a reference."""
    probed_by: int
    """The number of samples in a presentation."""
    unread: int
    """The number of presentations of people who are enrolled in which no palm was found."""
    sizes: list[Decided]
    """By size of the gallery."""
    verified: Verified

    def json(self) -> Json:
        return {
            "enrolled_from": self.enrolled_from,
            "probed_by": self.probed_by,
            "unread": self.unread,
            "sizes": [each.json() for each in self.sizes],
            "verified": self.verified.json(),
        }


@dataclass(frozen=True, slots=True)
class OtherHands:
    """The comparisons of a person's two hands, which the gallery does not make."""

    comparisons: int
    people: int
    median: float
    highest: float
    score: float
    """The score from which a 1:1 comparison is accepted."""
    verified: Estimate
    """The share that reaches it."""

    def json(self) -> Json:
        return {
            "comparisons": self.comparisons,
            "people": self.people,
            "median": self.median,
            "highest": self.highest,
            "score": self.score,
            **rate("verified", self.verified),
        }


@dataclass(frozen=True, slots=True)
class AtScore:
    """The error rates of the product at one score."""

    score: float
    fmr: Estimate
    fnmr: Estimate

    def json(self) -> Json:
        return {"score": self.score, **rate("fmr", self.fmr), **rate("fnmr", self.fnmr)}


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The figures of one evaluation of a folder."""

    folder: str
    subjects: int
    hands: int
    images: int
    threads: int
    joined: dict[str, str]
    """The folders that show the hand of another one, by name, and that other one."""
    chosen: list[str]
    """What was left out, drawn, or taken for granted: rates of chosen images are other rates."""
    alone: list[str]
    """The hands without two samples that can be compared."""
    alike: list[tuple[str, str]]
    """The pairs of hands that score as if they were one."""
    failure_to_acquire: Estimate
    failures: dict[str, str]
    """Why a sample could not be acquired, by sample."""
    misread: list[str]
    """The samples that were read as a hand of the other side than their names say."""
    dorsal: int
    dorsal_refused: Estimate | None
    ms: dict[str, float | None]
    """The median processor time to find and to align a hand, in milliseconds."""
    decisions: list[Decisions]
    """What the policy decides, by numbers of samples."""
    single: Experiment
    """One sample against one by all algorithms, the product first."""
    other_hands: OtherHands | None
    at_scores: list[AtScore]
    differentials: list[Differential]
    """The error rates of the product by groups of people."""
    bursts: list[Experiment]
    """Several samples in a template, by the algorithms that support it."""
    palms: list[Roi]
    """The aligned palms, in the order of the samples in `single.scored`."""

    @property
    def product(self) -> Measured:
        return self.single.algorithms[0]

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        return {measured.algorithm: measured.curve.thinned() for measured in self.single.algorithms}

    def json(self) -> Json:
        """Returns all figures: the product's at the top, those of all algorithms in `codes`."""
        single, product = self.single, self.product
        figures = product.json()
        figures.pop("det")
        return {
            "folder": self.folder,
            "subjects": self.subjects,
            "hands": self.hands,
            "images": self.images,
            "threads": self.threads,
            "joined": self.joined,
            "chosen": self.chosen,
            "hands_without_pair": self.alone,
            "hands_alike": [list(each) for each in self.alike],
            "decisions": [each.json() for each in self.decisions],
            **rate("failure_to_acquire", self.failure_to_acquire),
            "failures": self.failures,
            "sides_misread": self.misread,
            "dorsal": self.dorsal,
            **rate("dorsal_refused", self.dorsal_refused),
            **single.json(),
            **figures,
            "fnmr_with_failures_at_fmr": {
                named(fmr): found and single.with_failures(found.rate)
                for fmr, found in ((fmr, product.errors.fnmr_at_fmr.get(fmr)) for fmr in FMRS)
            },
            "other_hands": self.other_hands and self.other_hands.json(),
            "at_scores": [each.json() for each in self.at_scores],
            "fmr_trust": {named(fmr): single.unreachable(fmr) or single.trust(fmr) for fmr in FMRS},
            "differentials": [
                {
                    "by": each.by,
                    "fmr": DIFFERENTIAL_FMR,
                    "threshold": each.threshold,
                    "fnmr": each.fnmr,
                    "groups": [
                        {
                            "name": group.name,
                            "subjects": group.subjects,
                            "genuine": group.genuine,
                            "impostor": group.impostor,
                            **rate("fnmr", group.fnmr),
                            **rate("fmr", group.fmr),
                            "genuine_median": group.median,
                        }
                        for group in each.groups
                    ],
                    "worst": each.worst,
                    **rate("worst_over_all", each.ratio),
                    "verdict": each.verdict,
                }
                for each in self.differentials
            ],
            "bursts": [experiment.json() for experiment in self.bursts],
            "ms": {**self.ms, "sign": product.extract_ms, "match": product.match_ms},
        }

    def text(self) -> str:
        lines = [
            f"{self.folder}: {self.subjects} subjects, {self.hands} hands, {self.images} images, "
            f"template version {self.product.version}, {self.threads} processes",
        ]
        if self.joined:
            same = (f"{hand} = {other}" for hand, other in self.joined.items())
            lines.append(f"folders joined      {', '.join(same)}")
        lines += [f"images              {each}" for each in self.chosen]
        lines.append(f"failure to acquire  {said(self.failure_to_acquire)}")
        lines += [f"    {sample}: {why}" for sample, why in self.failures.items()]
        if self.dorsal_refused:
            lines.append(f"backs refused       {said(self.dorsal_refused)} of {self.dorsal}")
        if self.misread:
            lines.append(f"side misread        {', '.join(self.misread)}")
        if self.alone:
            lines.append(f"    no two samples to compare: {', '.join(self.alone)}")
        lines += self.warnings()
        for each in self.decisions:
            lines += ["", *_decided(each)]
        lines += ["", "one sample against one", *_detail(self.single, self.product)]
        for at in self.at_scores:
            lines.append(f"at score {at.score:g}: FMR {said(at.fmr)}, FNMR {said(at.fnmr)}")
        if hands := self.other_hands:
            lines.append(
                f"own other hand      {hands.comparisons:,} comparisons of {hands.people} people, "
                f"median score {hands.median:.3f}, highest {hands.highest:.3f}; "
                f"{said(hands.verified)} reach {hands.score:.3f}"
            )
        times = {**self.ms, "extract": self.product.extract_ms, "match": self.product.match_ms}
        took = [f"{step} {ms:.3g} ms" for step, ms in times.items() if ms]
        lines.append(f"processor time      {', '.join(took)}")
        lines += ["", *side_by_side(self.single.algorithms)]
        for experiment in self.bursts:
            lines += [
                "",
                f"enrolled from {experiment.enrolled_from}, probed by {experiment.probed_by}",
                *_detail(experiment, experiment.algorithms[0]),
            ]
        for differential in self.differentials:
            lines += ["", *_by_group(differential)]
        lines += [
            "",
            "95 % intervals: over subjects, and one more whom nobody has seen (`palm.rates`).",
        ]
        return "\n".join(lines)

    def warnings(self) -> list[str]:
        """Returns what to look at before the rates are believed."""
        return [
            f"warning: {one} and {other} look like one hand: the service would take half of their "
            "images for one person. Join them (--joined) or leave one out (--exclude)"
            for one, other in self.alike
        ]


DIFFERENTIAL_FMR = FMRS[0]
"""The FMR of all comparisons together that sets the common threshold of all groups."""


def _detail(experiment: Experiment, measured: Measured) -> list[str]:
    lines = [
        f"comparisons         {experiment.genuine:,} genuine, {experiment.impostor:,} impostor",
        f"EER                 {said(measured.errors.eer)}",
    ]
    for fmr in FMRS:
        if why := experiment.unreachable(fmr):
            lines.append(f"FNMR at FMR {named(fmr)}    {why}")
            continue
        fnmr = measured.errors.fnmr_at_fmr[fmr]
        lines.append(
            f"FNMR at FMR {named(fmr)}    {said(fnmr)}, score {measured.thresholds[fmr]:.3f}"
        )
        if experiment.lost:
            lines.append(f"    {experiment.with_failures(fnmr.rate):.3%} with failures to acquire")
        lines.append(f"    {experiment.trust(fmr)}")
    lines.append(f"rank 1              {said(measured.rank1)}")
    return lines


def _decided(decisions: Decisions) -> list[str]:
    verified = decisions.verified
    lines = [
        f"what the policy decides, enrolled from {decisions.enrolled_from}, shown "
        f"{decisions.probed_by} at a time"
    ]
    if decisions.unread:
        lines.append(
            f"  presentations in which no palm was found, which count as not found: "
            f"{decisions.unread:,}"
        )
    for each in decisions.sizes:
        lines += by_policy(each)
    lines.append(
        f"  by number, from {verified.score:.3f}: missed {said(verified.missed)} of presentations, "
        f"{said(verified.missed_visits)} of visits; {said(verified.false_matches)} of "
        f"{verified.comparisons:,} other palms accepted"
    )
    return lines


def by_policy(decided: Decided) -> list[str]:
    """Returns what the policy decides in one gallery, a line for each kind of search."""
    compared = "" if decided.compared == decided.size else f", {decided.compared:,} compared"
    lines = [
        f"  as in a gallery of {decided.size:,}{compared}: accepted from "
        f"{decided.scores['accept']:.3f}, digits from {decided.scores['step_up']:.3f}"
    ]
    for name, found in (
        ("presentations", decided.presentations),
        ("visits", decided.visits),
        ("strangers' presentations", decided.strangers),
        ("strangers' visits", decided.strangers_visits),
    ):
        if found:
            lines.append(f"    {name}: {_shares(found)}")
    return lines


def _shares(found: Rates) -> str:
    seen = [
        f"{result.value.replace('_', ' ')} {said(estimate)}"
        for result, estimate in found.share.items()
        if estimate.rate or result in (Result.NOT_FOUND, Result.FALSE_ACCEPT)
    ]
    return f"{found.count:,} of {found.people} people: {', '.join(seen)}"


def side_by_side(algorithms: Sequence[Measured]) -> list[str]:
    """Returns the lines of a table with a row for each algorithm."""
    heads = ["EER", *(f"FNMR {named(fmr)}" for fmr in FMRS), "rank 1", "bytes", "extract", "match"]
    lines = [f"{'':<20}" + "".join(f"{head:>11}" for head in heads)]
    for each in algorithms:
        fnmrs = (each.errors.fnmr_at_fmr.get(fmr) for fmr in FMRS)
        cells = [
            f"{each.errors.eer.rate:.3%}",
            *(f"{fnmr.rate:.3%}" if fnmr else "-" for fnmr in fnmrs),
            f"{each.rank1.rate:.2%}",
            f"{each.size:,}",
            f"{each.extract_ms:.1f} ms",
            f"{1e3 * each.match_ms:.0f} µs",
        ]
        lines.append(f"{each.algorithm:<20}" + "".join(f"{cell:>11}" for cell in cells))
    return lines


def _by_group(differential: Differential) -> list[str]:
    lines = [
        f"by {differential.by}, where all together have an FMR of {named(DIFFERENTIAL_FMR)}: "
        f"{differential.verdict}"
    ]
    for group in differential.groups:
        lines.append(
            f"    {group.name}: FNMR {said(group.fnmr)} of {group.genuine:,} genuine, "
            f"FMR {said(group.fmr)} of {group.impostor:,} impostor, {group.subjects} subjects"
        )
    return lines


def rate(name: str, estimate: Estimate | None) -> Json:
    """Returns the two JSON entries of an estimate: the rate and its interval."""
    return {name: estimate and estimate.rate, f"{name}_ci95": estimate and ends(estimate)}


def ends(estimate: Estimate) -> list[float]:
    return [estimate.ci95.low, estimate.ci95.high]


def said(estimate: Estimate | None) -> str:
    if estimate is None:
        return "too few to say"
    return f"{estimate.rate:.3%} [{estimate.ci95.low:.3%}, {estimate.ci95.high:.3%}]"


def named(fmr: float) -> str:
    """Returns a rate as `1e-3`, instead of `0.001` or `1e-03`."""
    mantissa, exponent = f"{fmr:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"
