"""What was measured, as a person and as a program read it."""

from dataclasses import dataclass

from palm.evaluate.rates import Errors, Estimate

FMRS = (1e-3, 1e-4, 1e-5, 1e-6)
"""False-match rates at which FNMR is reported."""

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Group:
    """Genuine comparisons within one group; `fnmr` at the threshold where all comparisons
    together have an FMR of 1e-3, None where there are too few to say."""

    by: str
    name: str
    genuine: int
    fnmr: Estimate | None


@dataclass(frozen=True, slots=True)
class Report:
    folder: str
    subjects: int
    hands: int
    images: int
    threads: int
    template_version: int
    alone: list[str]
    """Hands without two samples that can be compared."""
    failure_to_acquire: Estimate
    failures: dict[str, str]
    """Why, by sample."""
    dorsal: int
    dorsal_refused: Estimate | None
    genuine: int
    impostor: int
    lost: int
    """Genuine comparisons that failures to acquire made impossible."""
    errors: Errors
    thresholds: dict[float, float]
    """Score from which on comparisons match, by FMR."""
    rank1: Estimate
    groups: list[Group]
    ms: dict[str, float | None]

    def with_failures(self, fnmr: float) -> float:
        """FNMR when a comparison that could not be made counts as one that did not match."""
        return (fnmr * self.genuine + self.lost) / (self.genuine + self.lost)

    def unreachable(self, fmr: float) -> str | None:
        """Why there is no FNMR at this FMR."""
        if fmr in self.thresholds:
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
        fnmr = {fmr: self.errors.fnmr_at_fmr.get(fmr) for fmr in FMRS}
        return {
            "folder": self.folder,
            "subjects": self.subjects,
            "hands": self.hands,
            "images": self.images,
            "threads": self.threads,
            "template_version": self.template_version,
            "hands_without_pair": self.alone,
            **_rate("failure_to_acquire", self.failure_to_acquire),
            "failures": self.failures,
            "dorsal": self.dorsal,
            **_rate("dorsal_refused", self.dorsal_refused),
            "genuine": self.genuine,
            "impostor": self.impostor,
            "genuine_lost": self.lost,
            **_rate("eer", self.errors.eer),
            "fnmr_at_fmr": {_name(fmr): e and e.rate for fmr, e in fnmr.items()},
            "fnmr_at_fmr_ci95": {_name(fmr): e and _ends(e) for fmr, e in fnmr.items()},
            "fnmr_with_failures_at_fmr": {
                _name(fmr): e and self.with_failures(e.rate) for fmr, e in fnmr.items()
            },
            "fmr_trust": {_name(fmr): self.unreachable(fmr) or self.trust(fmr) for fmr in FMRS},
            "threshold_at_fmr": {_name(fmr): self.thresholds.get(fmr) for fmr in FMRS},
            **_rate("rank1", self.rank1),
            "groups": [
                {
                    "by": group.by,
                    "name": group.name,
                    "genuine": group.genuine,
                    **_rate("fnmr", group.fnmr),
                }
                for group in self.groups
            ],
            "ms": self.ms,
        }

    def text(self) -> str:
        lines = [
            f"{self.folder}: {self.subjects} subjects, {self.hands} hands, {self.images} images, "
            f"template version {self.template_version}, {self.threads} processes",
            f"failure to acquire  {_said(self.failure_to_acquire)}",
        ]
        lines += [f"    {sample}: {why}" for sample, why in self.failures.items()]
        if self.dorsal_refused:
            lines.append(f"backs refused       {_said(self.dorsal_refused)} of {self.dorsal}")
        if self.alone:
            lines.append(f"    no two samples to compare: {', '.join(self.alone)}")
        lines += [
            f"comparisons         {self.genuine:,} genuine, {self.impostor:,} impostor",
            f"EER                 {_said(self.errors.eer)}",
        ]
        for fmr in FMRS:
            if why := self.unreachable(fmr):
                lines.append(f"FNMR at FMR {_name(fmr)}    {why}")
                continue
            fnmr = self.errors.fnmr_at_fmr[fmr]
            lines.append(
                f"FNMR at FMR {_name(fmr)}    {_said(fnmr)}, score {self.thresholds[fmr]:.3f}"
            )
            if self.lost:
                lines.append(f"    {self.with_failures(fnmr.rate):.3%} with failures to acquire")
            lines.append(f"    {self.trust(fmr)}")
        lines.append(f"rank 1              {_said(self.rank1)}")
        for group in self.groups:
            rate = _said(group.fnmr) if group.fnmr else "too few to say"
            lines.append(
                f"    {group.by} {group.name}: FNMR at FMR {_name(FMRS[0])} {rate}, "
                f"{group.genuine:,} genuine"
            )
        took = [f"{step} {ms:.3g} ms" for step, ms in self.ms.items() if ms is not None]
        lines.append(f"time                {', '.join(took)}")
        lines.append(
            "Intervals hold 95 %: bootstrap over subjects; the rule of 3 where no error was seen."
        )
        return "\n".join(lines)


def _rate(name: str, estimate: Estimate | None) -> Json:
    return {
        name: estimate and estimate.rate,
        f"{name}_ci95": estimate and _ends(estimate),
    }


def _ends(estimate: Estimate) -> list[float]:
    return [estimate.ci95.low, estimate.ci95.high]


def _said(estimate: Estimate) -> str:
    return f"{estimate.rate:.3%} [{estimate.ci95.low:.3%}, {estimate.ci95.high:.3%}]"


def _name(fmr: float) -> str:
    """1e-3, not 0.001 nor 1e-03."""
    mantissa, exponent = f"{fmr:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"
