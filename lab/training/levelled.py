"""Draws the strangers of `palm.template.strangers`, and learns the weights of levelled templates.

`python -m lab.training.levelled` writes the strangers' file and prints the weights. It needs an
encoder and the axes of `palm.template.compact`.
"""

import argparse
import sys
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from drawn import roi
from drawn.roi import Placement
from lab import logistic
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.template import levelled, strangers
from palm.template.compact import FieldWriter
from palm.template.interfaces import Template
from palm.template.levelled import LevelledExtractor, LevelledMatcher
from palm.template.linefield import LineFieldExtractor

STRANGERS = 48
SOFT = 2.0
"""The standard deviation of the strangers' blur, in pixels. Palms without noise and fine lines tell
best how far a smooth field is alike by chance: half of that chance would be missed by sharp ones,
since it grows with the smoothness of both."""
SHARE = 0.1
"""The weight of the encoder over the weight of the lines, as in `lab.training.fusion`."""
_SHOWN = 4


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="levelled", description="Draws strangers, and learns the weights of templates."
    )
    parser.add_argument(
        "--seed", type=int, default=4_000_000, help="seed of the first drawn person (%(default)s)"
    )
    parser.add_argument("--people", type=int, default=150, help="drawn people (%(default)s)")
    asked = parser.parse_args()
    writer, lines = FieldWriter(), LineFieldExtractor()
    strangers.save([writer.write(lines.extract_code([each])) for each in _strangers(asked.seed)])
    extractor = LevelledExtractor()
    who: list[int] = []
    templates: list[Template] = []
    for person, palm in _palms(asked.seed + STRANGERS, asked.people):
        who.append(person)
        templates.append(extractor.extract([palm]))
    both, genuine = _scores(templates, np.array(who))
    rows = np.stack([np.ones(len(both)), both.astype(np.float64)], axis=1)
    offset, weight = logistic.fit(rows, genuine, ridge=1e-6, rounds=50).tolist()
    print(f"OFFSET, LINES, ENCODER = {offset:.2f}, {weight:.2f}, {SHARE * weight:.2f}")  # noqa: T201 - the output of this command
    return 0


def _strangers(seed: int) -> Iterator[Roi]:
    """Yields the palm of each stranger, in colour and in near infrared."""
    rng = np.random.default_rng(seed)
    for person in range(STRANGERS):
        skin = roi.swatch(seed + person, Side.RIGHT)
        placement = roi.jittered(Placement(), rng, 0.7)
        image = roi.show(skin, rng, placement, person % 3 == 0, rng.uniform(0, 0.5))
        soft = cv2.GaussianBlur(image, (0, 0), SOFT)
        yield Roi(np.asarray(soft, np.uint8), Side.RIGHT, 1.0)


def _palms(seed: int, people: int) -> Iterator[tuple[int, Roi]]:
    rng = np.random.default_rng(seed)
    for person in range(people):
        skin = roi.swatch(seed + person, Side.RIGHT)
        for _ in range(_SHOWN):
            placement = roi.jittered(Placement(), rng, rng.uniform(0.2, 1.2))
            infrared = bool(rng.random() < 0.25)
            image = roi.show(skin, rng, placement, infrared, rng.random() ** 2)
            yield person, Roi(image, Side.RIGHT, 1.0)


def _scores(
    templates: list[Template], who: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Returns, of every pair, the level-free line score with its share of the cosine, and whether
    the pair is of one palm."""
    matcher = LevelledMatcher()
    gallery = matcher.prepare(templates)
    scores = [
        (matcher.compare(template, gallery[:number]) - levelled.OFFSET) / levelled.LINES
        for number, template in enumerate(templates)
    ]
    genuine = [who[:number] == who[number] for number in range(len(templates))]
    return np.concatenate(scores), np.concatenate(genuine)


if __name__ == "__main__":
    sys.exit(main())
