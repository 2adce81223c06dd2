"""What was measured, as a person and as a program read it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.evaluate.differential import Differential
from lab.evaluate.rates import Curve, Errors, Estimate

FMRS = (1e-3, 1e-4, 1e-5, 1e-6)
"""False-match rates at which FNMR is reported."""

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Measured:
    """How one code fared."""

    algorithm: str
    version: int
    size: int
    """Bytes of a template."""
    errors: Errors
    thresholds: dict[float, float]
    """Score from which on comparisons match, by FMR."""
    rank1: Estimate
    curve: Curve
    extract_ms: float
    """The median time of a core to make a template."""
    match_ms: float
    """The mean time of a core for one comparison within a batch."""

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
    """Some codes on the same comparisons."""

    enrolled_from: int
    """Samples in a reference."""
    probed_by: int
    genuine: int
    impostor: int
    lost: int
    """Genuine comparisons that failures to acquire made impossible."""
    algorithms: list[Measured]

    def with_failures(self, fnmr: float) -> float:
        """FNMR when a comparison that could not be made counts as one that did not match."""
        return (fnmr * self.genuine + self.lost) / (self.genuine + self.lost)

    def unreachable(self, fmr: float) -> str | None:
        """Why there is no FNMR at this FMR."""
        if self.impostor * fmr >= 1:
            return None
        return f"needs {round(1 / fmr):,} impostor comparisons, there are {self.impostor:,}"

    def trust(self, fmr: float) -> str:
        """What the number of impostor comparisons says of the FMR itself (ISO/IEC 19795-1)."""
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
    folder: str
    subjects: int
    hands: int
    images: int
    threads: int
    joined: dict[str, str]
    """Folders counted as another one, whose hand they show too."""
    alone: list[str]
    """Hands without two samples that can be compared."""
    failure_to_acquire: Estimate
    failures: dict[str, str]
    """Why, by sample."""
    dorsal: int
    dorsal_refused: Estimate | None
    ms: dict[str, float | None]
    """Of a core, before any code comes in, at the median."""
    single: Experiment
    """One sample against one, by all codes, the product's first."""
    differentials: list[Differential]
    """Of the product's code."""
    bursts: list[Experiment]
    """Several samples to a template, by the codes that can."""

    @property
    def product(self) -> Measured:
        return self.single.algorithms[0]

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        return {measured.algorithm: measured.curve.thinned() for measured in self.single.algorithms}

    def json(self) -> Json:
        """The product's own figures lie at the top, all codes' side by side in `codes`."""
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
        lines.append(f"time of a core      {', '.join(took)}")
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
            "Intervals hold 95 %: bootstrap over subjects; the rule of 3 where no error was seen.",
        ]
        return "\n".join(lines)


DIFFERENTIAL_FMR = FMRS[0]
"""Of all comparisons together, at whose threshold groups are set beside each other."""


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
    return {name: estimate and estimate.rate, f"{name}_ci95": estimate and ends(estimate)}


def ends(estimate: Estimate) -> list[float]:
    return [estimate.ci95.low, estimate.ci95.high]


def said(estimate: Estimate | None) -> str:
    if estimate is None:
        return "too few to say"
    return f"{estimate.rate:.3%} [{estimate.ci95.low:.3%}, {estimate.ci95.high:.3%}]"


def named(fmr: float) -> str:
    """1e-3, not 0.001 nor 1e-03."""
    mantissa, exponent = f"{fmr:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"
