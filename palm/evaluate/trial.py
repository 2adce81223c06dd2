"""One evaluation, from a folder to its report."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from palm.evaluate import comparison, dataset
from palm.evaluate.acquisition import Acquisition, acquire
from palm.evaluate.dataset import Sample, Unmeasurable
from palm.evaluate.rates import Comparisons, Curve, curve, estimate, share
from palm.evaluate.report import FMRS, Group, Report
from palm.linefield import VERSION

FEW = 30
"""Genuine comparisons below which a group's rate says nothing."""

T = TypeVar("T")


def measure(folder: Path, roi: bool, workers: int) -> tuple[Report, Curve]:
    """Raises Unmeasurable where the folder does not allow an answer."""
    samples = dataset.read(folder)
    tried = acquire(samples, roi, workers)
    acquisitions = list(_progress("making templates", tried, len(samples)))
    palmar = [
        (sample, each)
        for sample, each in zip(samples, acquisitions, strict=True)
        if not sample.dorsal
    ]
    if not palmar:
        raise Unmeasurable("all images show the backs of hands")
    made = [(sample, each.template) for sample, each in palmar if each.template is not None]
    if not made:
        reasons = Counter(each.failure for _, each in palmar).most_common(1)
        raise Unmeasurable(f"no template could be made of any palm: {reasons[0][0]}")

    subjects = {name: number for number, name in enumerate(sorted({s.subject for s in samples}))}
    probes = [sample for sample, _ in made]
    counts = comparison.earlier([sample.session for sample in probes])
    rows = comparison.compare([template for _, template in made], counts, workers)
    scores: list[npt.NDArray[np.float32]] = []
    seconds = 0.0
    for row in _progress("comparing", rows, len(made)):
        scores.append(row.scores)
        seconds += row.seconds

    hand = np.unique([sample.hand for sample in probes], return_inverse=True)[1]
    subject = np.array([subjects[sample.subject] for sample in probes], np.intp)
    probe = np.repeat(np.arange(len(probes)), counts)
    reference = np.concatenate([np.arange(count) for count in counts]).astype(np.intp)
    comparisons = Comparisons(
        scores=np.concatenate(scores),
        genuine=hand[probe] == hand[reference],
        probe=subject[probe],
        reference=subject[reference],
    )
    genuine = int(comparisons.genuine.sum())
    impostor = len(comparisons.scores) - genuine
    if not genuine:
        raise Unmeasurable("no hand has two samples that can be compared")
    if not impostor:
        raise Unmeasurable("there is only one hand: nobody to tell it from")

    whole = curve(comparisons)
    reachable = [fmr for fmr in FMRS if fmr * impostor >= 1]
    errors = estimate(comparisons, reachable)
    hits, whose = _first_ranks(comparisons, probe, reference, both_ways=probes[0].session is None)
    possible = _genuine_pairs([sample for sample, _ in palmar])
    backs = [
        (subjects[sample.subject], each.template is None)
        for sample, each in zip(samples, acquisitions, strict=True)
        if sample.dorsal
    ]
    return Report(
        folder=folder.name,
        subjects=len({sample.subject for sample, _ in palmar}),
        hands=len({sample.hand for sample, _ in palmar}),
        images=len(samples),
        threads=workers,
        template_version=VERSION,
        alone=dataset.alone(samples),
        failure_to_acquire=share(
            np.array([each.template is None for _, each in palmar]),
            np.array([subjects[sample.subject] for sample, _ in palmar], np.intp),
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
        genuine=genuine,
        impostor=impostor,
        lost=possible - genuine,
        errors=errors,
        thresholds={fmr: whole.threshold_at(fmr) for fmr in reachable},
        rank1=share(hits, subject[whose]),
        groups=_groups(probes, comparisons, probe, reference, whole),
        ms=_steps(acquisitions) | {"match": 1e3 * seconds / len(comparisons.scores)},
    ), whole


def _genuine_pairs(samples: list[Sample]) -> int:
    """How many there would be had no acquisition failed."""
    per_hand = Counter(sample.hand for sample in samples)
    per_session = Counter((sample.hand, sample.session) for sample in samples)
    pairs = sum(n * (n - 1) // 2 for n in per_hand.values())
    if samples[0].session is None:
        return pairs
    return pairs - sum(n * (n - 1) // 2 for n in per_session.values())


def _first_ranks(
    comparisons: Comparisons,
    probe: npt.NDArray[np.intp],
    reference: npt.NDArray[np.intp],
    both_ways: bool,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """Whether each probe that has a mate is most like one, and which samples those probes are.

    Where there are sessions the earlier ones are the gallery; else, `both_ways`, all other
    samples are.
    """
    best = np.full((2, int(max(probe.max(), reference.max())) + 1), -np.inf, np.float32)
    for genuine in (False, True):
        these = comparisons.genuine == genuine
        np.maximum.at(best[int(genuine)], probe[these], comparisons.scores[these])
        if both_ways:
            np.maximum.at(best[int(genuine)], reference[these], comparisons.scores[these])
    mated = np.flatnonzero(np.isfinite(best[1]))
    return best[1, mated] > best[0, mated], mated


def _groups(
    samples: list[Sample],
    comparisons: Comparisons,
    probe: npt.NDArray[np.intp],
    reference: npt.NDArray[np.intp],
    whole: Curve,
) -> list[Group]:
    """FNMR of each group at the threshold that all have together."""
    threshold = whole.threshold_at(FMRS[0])
    pairs = np.flatnonzero(comparisons.genuine)
    missed = comparisons.scores[pairs] < threshold
    groups: list[Group] = []
    for by in dataset.GROUPS:
        value = np.array([sample.groups.get(by, "") for sample in samples])
        shared = np.where(
            value[probe[pairs]] == value[reference[pairs]], value[probe[pairs]], "mixed"
        )
        for name in sorted(set(value.tolist()) - {""}):
            these = shared == name
            fnmr = (
                share(missed[these], comparisons.probe[pairs][these])
                if these.sum() >= FEW
                else None
            )
            groups.append(Group(by, name, int(these.sum()), fnmr))
    return groups


def _steps(acquisitions: list[Acquisition]) -> dict[str, float | None]:
    """Milliseconds a step takes, at the median."""
    steps: dict[str, float | None] = {}
    for step in ("find", "align", "sign"):
        took = [each.seconds[step] for each in acquisitions if step in each.seconds]
        steps[step] = 1e3 * float(np.median(took)) if took else None
    return steps


def _progress(doing: str, of: Iterable[T], total: int) -> Iterator[T]:
    """Says on a terminal how far it is."""
    for done, each in enumerate(of, 1):
        if sys.stderr.isatty():
            print(f"\r{doing} {done}/{total}", end="", file=sys.stderr, flush=True)  # noqa: T201 - progress is this command's to print
        yield each
    if sys.stderr.isatty():
        print(file=sys.stderr)  # noqa: T201 - as above
