"""The report of an evaluation, as text and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.evaluate.differential import Differential
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
    """The number of genuine comparisons that failures to acquire made impossible."""
    algorithms: list[Measured]

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
class EvaluationReport:
    """The figures of one evaluation of a folder."""

    folder: str
    subjects: int
    hands: int
    images: int
    threads: int
    joined: dict[str, str]
    """The folders that show the hand of another one, by name, and that other one."""
    alone: list[str]
    """The hands without two samples that can be compared."""
    failure_to_acquire: Estimate
    failures: dict[str, str]
    """Why a sample could not be acquired, by sample."""
    dorsal: int
    dorsal_refused: Estimate | None
    ms: dict[str, float | None]
    """The median processor time to find and to align a hand, in milliseconds."""
    single: Experiment
    """One sample against one by all algorithms, the product first."""
    differentials: list[Differential]
    """The error rates of the product by groups of people."""
    bursts: list[Experiment]
    """Several samples in a template, by the algorithms that support it."""

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
            "hands_without_pair": self.alone,
            **rate("failure_to_acquire", self.failure_to_acquire),
            "failures": self.failures,
            "dorsal": self.dorsal,
            **rate("dorsal_refused", self.dorsal_refused),
            **single.json(),
            **figures,
            "fnmr_with_failures_at_fmr": {
                named(fmr): found and single.with_failures(found.rate)
                for fmr, found in ((fmr, product.errors.fnmr_at_fmr.get(fmr)) for fmr in FMRS)
            },
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
        lines.append(f"failure to acquire  {said(self.failure_to_acquire)}")
        lines += [f"    {sample}: {why}" for sample, why in self.failures.items()]
        if self.dorsal_refused:
            lines.append(f"backs refused       {said(self.dorsal_refused)} of {self.dorsal}")
        if self.alone:
            lines.append(f"    no two samples to compare: {', '.join(self.alone)}")
        lines += _detail(self.single, self.product)
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
            "95 % intervals: bootstrap over subjects; the rule of 3 where no error was seen.",
        ]
        return "\n".join(lines)


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
