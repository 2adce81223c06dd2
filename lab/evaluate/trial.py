"""Evaluates one folder of images."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lab.evaluate import comparison, dataset, extraction, pairing
from lab.evaluate.acquisition import Acquisition, acquire
from lab.evaluate.algorithm import Algorithm
from lab.evaluate.dataset import Sample, Unmeasurable
from lab.evaluate.differential import differentials
from lab.evaluate.extraction import Extracted
from lab.evaluate.pairing import Indices, Pairing
from lab.evaluate.processes import progress
from lab.evaluate.report import DIFFERENTIAL_FMR, FMRS, EvaluationReport, Experiment, Measured
from palm.hand.roi import Roi
from palm.rates import Comparisons, curve, estimate, share


def measure(
    folder: Path,
    algorithms: Sequence[Algorithm],
    *,
    roi: bool = False,
    frames: int | None = None,
    same: Mapping[str, str] | None = None,
    workers: int = 1,
) -> EvaluationReport:
    """Measures all algorithms on the palms of a folder; the first is the product.

    With `roi`, every image is taken for an aligned ROI. With `frames`, templates of so many samples
    are measured as well. `same` is passed to `dataset.read`.

    Raises Unmeasurable where the folder has nothing to compare.
    """
    samples = dataset.read(folder, same)
    tried = acquire(samples, roi, workers)
    acquisitions = list(progress("finding palms", tried, len(samples)))
    palmar = [
        (sample, each)
        for sample, each in zip(samples, acquisitions, strict=True)
        if not sample.dorsal
    ]
    if not palmar:
        raise Unmeasurable("all images show the backs of hands")
    shown = [(sample, each.palm) for sample, each in palmar if each.palm is not None]
    if not shown:
        reasons = Counter(each.failure for _, each in palmar).most_common(1)
        raise Unmeasurable(f"no template could be made of any palm: {reasons[0][0]}")

    of_palms = _Palms([sample for sample, _ in shown], [palm for _, palm in shown], workers)
    everyone = [sample for sample, _ in palmar]
    plan = pairing.singles(of_palms.samples)
    lost = _lost(plan, of_palms.samples, pairing.singles(everyone), everyone)
    single, scores = of_palms.experiment(algorithms, plan, lost)
    probe, reference = plan.pairs()
    bursts = [] if frames is None else _bursts(of_palms, algorithms, frames)

    subjects = {name: number for number, name in enumerate(sorted({s.subject for s in samples}))}
    backs = [
        (subjects[sample.subject], each.palm is None)
        for sample, each in zip(samples, acquisitions, strict=True)
        if sample.dorsal
    ]
    return EvaluationReport(
        folder=folder.name,
        subjects=len({sample.subject for sample in everyone}),
        hands=len({sample.hand for sample in everyone}),
        images=len(samples),
        threads=workers,
        joined=dict(same or {}),
        alone=dataset.alone(samples),
        failure_to_acquire=share(
            np.array([each.palm is None for _, each in palmar]),
            np.array([subjects[sample.subject] for sample in everyone], np.intp),
        ),
        failures={
            f"{sample.path.parent.name}/{sample.path.name}": each.failure
            for sample, each in palmar
            if each.failure is not None
        },
        dorsal=len(backs),
        dorsal_refused=share(
            np.array([refused for _, refused in backs]),
            np.array([number for number, _ in backs], np.intp),
        )
        if backs
        else None,
        ms=_steps(acquisitions),
        single=single,
        differentials=differentials(
            of_palms.samples,
            scores,
            probe,
            reference,
            curve(scores).threshold_at(DIFFERENTIAL_FMR),
        ),
        bursts=bursts,
    )


class _Palms:
    """The palms that were acquired."""

    def __init__(self, samples: list[Sample], palms: list[Roi], workers: int) -> None:
        self.samples = samples
        self.hand = np.unique([sample.hand for sample in samples], return_inverse=True)[1]
        self._subject = np.unique([sample.subject for sample in samples], return_inverse=True)[1]
        self._palms = palms
        self._workers = workers

    def experiment(
        self, algorithms: Sequence[Algorithm], plan: Pairing, lost: int = 0
    ) -> tuple[Experiment, Comparisons]:
        """Runs all algorithms on one plan; returns the comparisons of the first of them too.

        Raises Unmeasurable where the plan has no genuine or no impostor comparison.
        """
        genuine = plan.genuine(self.hand)
        if not genuine.any():
            raise Unmeasurable("no hand has two samples that can be compared")
        if genuine.all():
            raise Unmeasurable("there is only one hand: it has no impostors")
        bursts = sorted({*plan.references, *plan.probes})
        place = {burst: number for number, burst in enumerate(bursts)}
        shown = [[self._palms[each] for each in burst] for burst in bursts]
        tried = extraction.extract(algorithms, shown, self._workers)
        extracted = list(progress("extracting", tried, len(bursts)))
        of_algorithms = [
            self._measured(
                algorithm,
                plan,
                genuine,
                [extracted[place[burst]][which] for burst in plan.references],
                [extracted[place[burst]][which] for burst in plan.probes],
            )
            for which, algorithm in enumerate(algorithms)
        ]
        return Experiment(
            enrolled_from=len(plan.references[0]),
            probed_by=len(plan.probes[0]),
            genuine=int(genuine.sum()),
            impostor=int((~genuine).sum()),
            lost=lost,
            algorithms=[measured for measured, _ in of_algorithms],
        ), of_algorithms[0][1]

    def _measured(
        self,
        algorithm: Algorithm,
        plan: Pairing,
        genuine: npt.NDArray[np.bool_],
        references: list[Extracted],
        probes: list[Extracted],
    ) -> tuple[Measured, Comparisons]:
        rows = comparison.compare(
            algorithm,
            [each.template for each in references],
            [each.template for each in probes],
            plan.counts,
            self._workers,
        )
        met = list(progress(f"comparing by {algorithm.name}", rows, len(probes)))
        probe, reference = plan.pairs()
        comparisons = Comparisons(
            scores=np.concatenate([row.scores for row in met]),
            genuine=genuine,
            probe=self._subjects(plan.probes)[probe],
            reference=self._subjects(plan.references)[reference],
        )
        whole = curve(comparisons)
        reachable = [fmr for fmr in FMRS if fmr * int((~genuine).sum()) >= 1]
        hits, whose = _first_ranks(comparisons, probe, reference, plan.mutual)
        template = probes[0].template
        return Measured(
            algorithm=algorithm.name,
            version=template.version,
            size=len(template.data),
            errors=estimate(comparisons, reachable),
            thresholds={fmr: whole.threshold_at(fmr) for fmr in reachable},
            rank1=share(hits, self._subjects(plan.probes)[whose]),
            curve=whole,
            extract_ms=1e3 * float(np.median([each.seconds for each in [*references, *probes]])),
            match_ms=1e3 * sum(row.seconds for row in met) / len(genuine),
        ), comparisons

    def _subjects(self, bursts: Sequence[pairing.Burst]) -> Indices:
        return self._subject[[burst[0] for burst in bursts]]


def _bursts(of_palms: _Palms, algorithms: Sequence[Algorithm], frames: int) -> list[Experiment]:
    fusing = [algorithm for algorithm in algorithms if algorithm.fuses]
    return [
        of_palms.experiment(fusing, pairing.bursts(of_palms.samples, frames, probed_by))[0]
        for probed_by in dict.fromkeys((1, frames))
    ]


def _lost(made: Pairing, shown: list[Sample], possible: Pairing, everyone: list[Sample]) -> int:
    """Returns the number of genuine comparisons that failures to acquire made impossible."""

    def genuine(plan: Pairing, samples: list[Sample]) -> int:
        hands = np.unique([sample.hand for sample in samples], return_inverse=True)[1]
        return int(plan.genuine(hands).sum())

    return genuine(possible, everyone) - genuine(made, shown)


def _first_ranks(
    comparisons: Comparisons, probe: Indices, reference: Indices, mutual: bool
) -> tuple[npt.NDArray[np.bool_], Indices]:
    """Returns whether a mate has the highest score, for each probe with a mate, and those probes.

    Where pairs are mutual, every sample is a probe to all others.
    """
    best = np.full((2, int(max(probe.max(), reference.max())) + 1), -np.inf, np.float32)
    for genuine in (False, True):
        these = comparisons.genuine == genuine
        np.maximum.at(best[int(genuine)], probe[these], comparisons.scores[these])
        if mutual:
            np.maximum.at(best[int(genuine)], reference[these], comparisons.scores[these])
    mated = np.flatnonzero(np.isfinite(best[1]))
    return best[1, mated] > best[0, mated], mated


def _steps(acquisitions: list[Acquisition]) -> dict[str, float | None]:
    """Returns the median processor time of each step in milliseconds."""
    steps: dict[str, float | None] = {}
    for step in ("find", "align"):
        took = [each.seconds[step] for each in acquisitions if step in each.seconds]
        steps[step] = 1e3 * float(np.median(took)) if took else None
    return steps
