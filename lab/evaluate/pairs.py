"""The pairs behind the rates: every score with what was compared, and the worst of them."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from lab.evaluate.dataset import Sample
from lab.evaluate.pairing import Burst, Kind, Kinds, Pairing
from lab.evaluate.pictures import InRepository, repository
from palm.hand.roi import Roi
from palm.image import Grey

KINDS = {
    Kind.IMPOSTOR: "impostor",
    Kind.GENUINE: "genuine",
    Kind.OTHER_HAND: "other hand",
    Kind.APART: "apart",
}
GAP = 4
"""The distance between two palms in a picture, in pixels."""

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scored:
    """All comparisons of a plan."""

    samples: Sequence[Sample]
    plan: Pairing
    kinds: Kinds
    scores: dict[str, Scores]
    """The scores of all comparisons, by algorithm."""

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Which comparisons the gallery makes, and the error rates are therefore of."""
        return (self.kinds == Kind.GENUINE) | (self.kinds == Kind.IMPOSTOR)

    def name(self, burst: Burst) -> str:
        return "+".join(self.samples[each].name for each in burst)


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison, and what one algorithm makes of it."""

    kind: Kind
    probe: Burst
    reference: Burst
    score: float


def alike(scored: Scored, algorithm: str, least: float) -> list[tuple[str, str]]:
    """Returns the pairs of hands of which at least half of the comparisons reach a score."""
    names, hand = np.unique([sample.hand for sample in scored.samples], return_inverse=True)
    shown = hand[[burst[0] for burst in scored.plan.probes]]
    enrolled = hand[[burst[0] for burst in scored.plan.references]]
    probe, reference = scored.plan.pairs()
    one, other = np.sort([shown[probe], enrolled[reference]], axis=0)
    apart = one != other
    both = (one * len(names) + other)[apart]
    high = scored.scores[algorithm][apart] >= least
    met, of = (np.bincount(each, minlength=len(names) ** 2) for each in (both, both[high]))
    found = np.flatnonzero((of > 0) & (2 * of >= met))
    return [(str(names[each // len(names)]), str(names[each % len(names)])) for each in found]


def worst(scored: Scored, algorithm: str, count: int) -> list[Pair]:
    """Returns the genuine pairs with the lowest scores and the impostors with the highest, so many
    of each, the worst first."""
    scores = scored.scores[algorithm]
    probe, reference = scored.plan.pairs()
    found: list[Pair] = []
    for kind, sign in ((Kind.GENUINE, 1), (Kind.IMPOSTOR, -1)):
        these = np.flatnonzero(scored.kinds == kind)
        for at in these[np.argsort(sign * scores[these], kind="stable")[:count]]:
            found.append(
                Pair(
                    kind,
                    scored.plan.probes[probe[at]],
                    scored.plan.references[reference[at]],
                    float(scores[at]),
                )
            )
    return found


def write_scores(experiments: Sequence[Scored], file: Path) -> None:
    """Writes a row for each comparison of all experiments, with the score by each algorithm.

    Samples of one template are joined by `+`. An algorithm that does not make templates of several
    images has no score there.
    """
    algorithms = list(dict.fromkeys(name for each in experiments for name in each.scores))
    with file.open("w", newline="", encoding="utf-8") as table:
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(["probe", "reference", "kind", *algorithms])
        for each in experiments:
            rows.writerows(_rows(each, algorithms))


def _rows(scored: Scored, algorithms: Sequence[str]) -> Iterator[list[str]]:
    probes, references = (
        [scored.name(burst) for burst in bursts]
        for bursts in (scored.plan.probes, scored.plan.references)
    )
    probe, reference = scored.plan.pairs()
    columns = [scored.scores.get(name) for name in algorithms]
    for at, (one, other) in enumerate(zip(probe.tolist(), reference.tolist(), strict=True)):
        told = ["" if scores is None else f"{scores[at]:.5g}" for scores in columns]
        yield [probes[one], references[other], KINDS[Kind(scored.kinds[at])], *told]


def write_pictures(pairs: Sequence[Pair], palms: Sequence[Roi], folder: Path) -> None:
    """Writes a picture of the aligned palms of each pair: the probe left, the reference right.

    `palms` are those of all samples. Raises InRepository.
    """
    if found := repository(folder / "any"):
        raise InRepository(f"real palms stay out of repositories: {folder} is in {found}")
    folder.mkdir(parents=True, exist_ok=True)
    for number, pair in enumerate(pairs, 1):
        sides = [
            np.vstack([_framed(palms[each].image) for each in burst])
            for burst in (pair.probe, pair.reference)
        ]
        tall = max(len(side) for side in sides)
        sheet = np.hstack([np.pad(side, ((0, tall - len(side)), (0, 0))) for side in sides])
        name = f"{number:03}-{KINDS[pair.kind]}-{pair.score:.3f}.png"
        _, written = cv2.imencode(".png", sheet)
        (folder / name).write_bytes(written.tobytes())


def _framed(palm: Grey) -> Grey:
    return np.asarray(np.pad(palm, ((0, GAP), (0, GAP))), np.uint8)
