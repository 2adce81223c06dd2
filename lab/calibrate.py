"""Calibrates the product's scores: which score one pair of different palms in so many reaches.

`python -m lab.calibrate FOLDER ...` compares the palms of each folder, and those of drawn devices,
one picture against one, as a gallery compares them: with palms of the same side only. Every folder
counts the same, and so does all that is drawn. It prints

- the calibration: the score at each rate, with its 95 % interval over people;
- for each set, the scores that its own impostors reach, the share of genuine pairs that miss the
  calibrated scores, and Cllr, the cost of the scores as log-likelihood ratios.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from drawn import roi
from drawn.roi import Placement, Swatch
from lab import tails
from lab.evaluate import dataset, pairing
from lab.evaluate.acquisition import Acquirer, Reading
from lab.evaluate.pairing import Pairing
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.image import Grey
from palm.template import current
from palm.template.interfaces import Template

OBSERVED = 1e-4
"""The lowest rate whose score is read off. It is the highest that any set reaches, and the tail of
all sets together goes on from there."""
RATES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
SEED = 990_000_000
"""The seed of the first drawn person. Neither training nor evaluation uses these seeds."""
PEOPLE = 150
"""The drawn people, whom every device sees twice."""


@dataclass(frozen=True, slots=True)
class Device:
    """A camera that nobody has built, and how it cuts palms."""

    name: str
    harsh: float
    jitter: float
    infrared: bool = False
    cut: Placement = field(default_factory=Placement)
    blur: float = 0.0
    """The standard deviation of a blur, in pixels."""
    contrast: float = 1.0


DEVICES = (
    Device("gentle", 0.0, 0.4),
    Device("medium", 0.5, 1.0),
    Device("harsh", 1.0, 1.0),
    Device("another cut", 0.3, 0.7, cut=Placement(9, 1.1, 6, -6)),
    Device("a third cut", 0.3, 0.7, cut=Placement(-8, 0.88, -7, 5)),
    Device("blurred", 0.4, 0.7, blur=2.0),
    Device("dull", 0.4, 0.7, contrast=0.35),
    Device("infrared", 0.3, 0.7, infrared=True),
    Device("blurred infrared", 0.5, 1.0, infrared=True, cut=Placement(4, 0.95, 3, 4), blur=2.0),
)


@dataclass(frozen=True, slots=True)
class Palms:
    """The palms of a set, one picture each."""

    name: str
    templates: list[Template]
    hand: npt.NDArray[np.intp]
    person: npt.NDArray[np.intp]
    side: npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Compared:
    """The scores of a set."""

    name: str
    genuine: npt.NDArray[np.float64]
    impostors: tails.Impostors


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="calibrate", description="Calibrates the product's scores on folders of palms."
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--same", type=Path, help="table of hands with several names")
    asked = parser.parse_args()
    real = [_compared(*read(folder, asked.same)) for folder in asked.folders]
    skins = skins_of(Side.RIGHT)
    sets = [*real, *(_drawn(number, each, skins) for number, each in enumerate(DEVICES))]
    print(*report(sets, len(real)), sep="\n")  # noqa: T201 - the output of this command
    return 0


def report(sets: Sequence[Compared], real: int) -> Iterator[str]:
    """Yields the report, line by line. The first `real` sets are of real palms."""
    groups = [each.impostors for each in sets[:real]]
    groups.append(_together([each.impostors for each in sets[real:]]))
    tail = tails.fit(groups, at_least=0)
    worst = max(_own(each, OBSERVED) for each in groups)
    yield f"The tail's shape is {tails.fit(groups).shape:.2f}, and {tail.shape:.2f} is used.\n"
    yield "| FMR | score | 95 % |\n| --- | --- | --- |"
    scores: list[float] = []
    for rate in RATES:
        if rate >= OBSERVED:
            scores.append(max(_own(each, rate) for each in groups))
        else:
            scores.append(worst + tail.score(rate) - tail.score(OBSERVED))
        shift = scores[-1] - tail.score(rate)
        low, high = tails.interval(groups, rate, seed=1, at_least=0)
        yield f"| {rate:.0e} | {scores[-1]:.2f} | {low + shift:.2f} to {high + shift:.2f} |"
    missed_at = [scores[RATES.index(rate)] for rate in (1e-4, 1e-6, 1e-8)]
    yield "\n| set | genuine | impostor | 1e-3 | 1e-4 | missed at 1e-4 | 1e-6 | 1e-8 | Cllr |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for each in sets:
        own = [f"{_own(each.impostors, rate):.2f}" for rate in (1e-3, OBSERVED)]
        missed = [f"{100 * np.mean(each.genuine < score):.2f} %" for score in missed_at]
        cost = f"{tails.cllr(each.genuine, each.impostors.scores):.3f}"
        counts = [f"{len(each.genuine):,}", f"{len(each.impostors.scores):,}"]
        yield f"| {' | '.join([each.name, *counts, *own, *missed, cost])} |"


def _own(impostors: tails.Impostors, rate: float) -> float:
    """Returns the score that a share `rate` of the comparisons reaches."""
    return float(np.quantile(impostors.scores, 1 - rate))


def _together(sets: Sequence[tails.Impostors]) -> tails.Impostors:
    return tails.Impostors(
        np.concatenate([each.scores for each in sets]),
        np.concatenate([each.people for each in sets]),
    )


def read(folder: Path, same: Path | None) -> tuple[Palms, Pairing]:
    """Returns the palms of a folder, and which are compared."""
    samples = dataset.read(folder, dataset.joined(same, folder) if same else None)
    acquirer = Acquirer(Reading())
    tried = [(each, acquirer.acquire(each).palm) for each in samples if not each.dorsal]
    shown = [(sample, palm) for sample, palm in tried if palm is not None]
    side = np.array([str(sample.groups.get(dataset.SIDE, palm.side)) for sample, palm in shown])
    hand = np.unique([sample.hand for sample, _ in shown], return_inverse=True)[1]
    person = np.unique([sample.subject for sample, _ in shown], return_inverse=True)[1]
    templates = _templates([palm for _, palm in shown])
    plan = pairing.singles([sample for sample, _ in shown])
    return Palms(folder.name, templates, hand, person, side), plan


def skins_of(side: Side) -> list[Swatch]:
    """Returns the palms of PEOPLE drawn people."""
    return [roi.swatch(SEED + person, side) for person in range(PEOPLE)]


def draw(number: int, device: Device, skins: Sequence[Swatch], side: Side, shows: int) -> Palms:
    """Returns what a device sees of palms of one side: so many pictures of each in turn."""
    rng = np.random.default_rng((SEED, number))
    palms: list[Roi] = []
    for skin in skins:
        for _ in range(shows):
            cut = roi.jittered(device.cut, rng, device.jitter)
            image = roi.show(skin, rng, cut, device.infrared, device.harsh)
            palms.append(Roi(_seen(image, device, rng), side, 1.0))
    who = np.repeat(np.arange(len(skins)), shows)
    sides = np.full(len(who), str(side))
    return Palms(f"drawn, {device.name}", _templates(palms), who, who, sides)


def _drawn(number: int, device: Device, skins: Sequence[Swatch]) -> Compared:
    first, second = (
        [(2 * each,) for each in range(PEOPLE)],
        [(2 * each + 1,) for each in range(PEOPLE)],
    )
    plan = Pairing(first, second, np.full(PEOPLE, PEOPLE, np.intp), mutual=False)
    return _compared(draw(number, device, skins, Side.RIGHT, 2), plan)


def _seen(image: Grey, device: Device, rng: np.random.Generator) -> Grey:
    seen = image.astype(np.float32)
    if device.blur:
        seen = cv2.GaussianBlur(seen, (0, 0), device.blur)
    seen = (seen - seen.mean()) * device.contrast + seen.mean()
    seen += rng.normal(0, 2.0, seen.shape)
    return np.asarray(np.clip(seen + 0.5, 0, 255), np.uint8)


def _templates(palms: Sequence[Roi]) -> list[Template]:
    extractor, _ = current.pair()
    return [extractor.extract([palm]) for palm in palms]


def _compared(palms: Palms, plan: Pairing) -> Compared:
    _, matcher = current.pair()
    enrolled = np.array([reference for (reference,) in plan.references])
    gallery = matcher.prepare([palms.templates[each] for each in enrolled.tolist()])
    hand, person, side = palms.hand, palms.person, palms.side
    genuine: list[npt.NDArray[np.float32]] = []
    strangers: list[npt.NDArray[np.float32]] = []
    people: list[npt.NDArray[np.intp]] = []
    for (probe,), count in zip(plan.probes, plan.counts.tolist(), strict=True):
        scores = matcher.compare(palms.templates[probe], gallery[:count])
        against = enrolled[:count]
        mates = hand[against] == hand[probe]
        others = ~mates & (side[against] == side[probe]) & (person[against] != person[probe])
        genuine.append(scores[mates])
        strangers.append(scores[others])
        pair = [np.full(others.sum(), person[probe]), person[against][others]]
        people.append(np.stack(pair, axis=1))
    impostors = tails.Impostors(
        np.concatenate(strangers).astype(np.float64), np.concatenate(people)
    )
    return Compared(palms.name, np.concatenate(genuine).astype(np.float64), impostors)


if __name__ == "__main__":
    sys.exit(main())
