"""Sets of aligned palms: real ones from a folder, and drawn ones."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drawn.roi import Placement, jittered, show, swatch
from lab.evaluate import dataset
from lab.evaluate.acquisition import Reading, acquire
from lab.evaluate.dataset import Sample
from lab.evaluate.processes import processes, progress
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.image import Grey

FIRST = 910_000_000
"""The seed of the first person. Neither training nor the drawn galleries use these seeds."""
PICTURES = 4
"""The largest number of pictures of a hand: as many as the smallest real set has."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How palms are drawn, in the terms of `drawn.roi.show`."""

    name: str
    harsh: float
    infrared: bool
    jitter: float
    """How loosely palms are aligned (`drawn.roi.jittered`): 1 is a hand in the air."""


STILL = 0.25
"""The jitter of a hand that lies still, or is aligned well."""
CONDITIONS = tuple(
    Condition(f"drawn, {name}{light}", harsh, infrared, jitter)
    for light, infrared, jitter in (
        (", still", False, STILL),
        ("", False, 1.0),
        (", infrared", True, 1.0),
    )
    for name, harsh in (("gentle", 0.0), ("medium", 0.5), ("harsh", 1.0))
)


@dataclass(frozen=True, slots=True)
class Palms:
    """Aligned palms, and the sample that each comes from."""

    name: str
    real: bool
    samples: list[Sample]
    rois: list[Roi]


def real(folder: Path, same: Mapping[str, str], workers: int) -> Palms:
    """Reads up to PICTURES palms of each hand, the same number from each session.

    Pictures in which no palm is found are left out. Raises Unmeasurable.
    """
    samples = [each for each in dataset.read(folder, same) if not each.dorsal]
    sessions = len({each.session for each in samples})
    taken: Counter[tuple[str, int | None]] = Counter()
    few: list[Sample] = []
    for each in samples:
        taken[each.hand, each.session] += 1
        if taken[each.hand, each.session] <= max(PICTURES // sessions, 1):
            few.append(each)
    found = list(progress(f"finding {folder.name}", acquire(few, Reading(), workers), len(few)))
    both = [
        (sample, each.palm)
        for sample, each in zip(few, found, strict=True)
        if each.palm is not None
    ]
    return Palms(folder.name, True, [sample for sample, _ in both], [palm for _, palm in both])


def drawn(people: int, workers: int) -> list[Palms]:
    """Draws PICTURES of the right palm of so many people, under each of CONDITIONS."""
    samples = [
        Sample(Path(f"{person}/{number}"), str(person), str(person))
        for person in range(people)
        for number in range(PICTURES)
    ]
    with processes(workers) as pool:
        shown = list(progress("drawing", pool.map(shown_by, range(people), chunksize=4), people))
    return [
        Palms(
            condition.name,
            False,
            samples,
            [Roi(image, Side.RIGHT, 1.0) for of_person in shown for image in of_person[which]],
        )
        for which, condition in enumerate(CONDITIONS)
    ]


def shown_by(person: int) -> list[list[Grey]]:
    """Draws PICTURES of the right palm of one person, under each of CONDITIONS."""
    skin = swatch(FIRST + person, Side.RIGHT)
    rng = np.random.default_rng((FIRST + person, 99))
    return [
        [
            show(
                skin,
                rng,
                jittered(Placement(), rng, condition.jitter),
                condition.infrared,
                condition.harsh,
            )
            for _ in range(PICTURES)
        ]
        for condition in CONDITIONS
    ]
