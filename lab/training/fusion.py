"""Learns the numbers of compact and fused templates from drawn palms. It needs an encoder.

`python -m lab.training.fusion` writes the axes onto which `palm.template.compact` projects a field,
and prints the weights of `palm.template.fused`.
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from drawn import roi
from lab import logistic
from lab.training.lessons import INFRARED, cut
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.template import compact
from palm.template.encoder import DIMENSIONS
from palm.template.fused import FusedExtractor, FusedMatcher
from palm.template.interfaces import Template
from palm.template.linefield import CELLS, PARTS, LineFieldMatcher

SHARE = 0.1
"""The weight of the encoder over the weight of the lines.

It is set, not learnt: drawn palms, on which the encoder was trained, would give it a higher weight
than it deserves on real palms (docs/decisions/0012-encoder.md).
"""
_SHOWN = 4


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="fusion", description="Learns the numbers of compact and fused templates."
    )
    parser.add_argument(
        "--seed", type=int, default=2_000_000, help="seed of the first drawn person"
    )
    parser.add_argument("--people", type=int, default=400, help="drawn people (%(default)s)")
    asked = parser.parse_args()
    extractor = FusedExtractor()
    who: list[int] = []
    templates: list[Template] = []
    for person, palm in _palms(asked.seed, asked.people):
        who.append(person)
        templates.append(extractor.extract([palm]))
    compact.save(compact.learn(np.array([_field(each) for each in templates])))
    lines, encoder, genuine = _scores(templates, np.array(who))
    both = np.asarray(lines + SHARE * encoder, np.float32)
    rows = np.stack([np.ones(len(both)), both.astype(np.float64)], axis=1)
    offset, weight = logistic.fit(rows, genuine, ridge=1e-6, rounds=50).tolist()
    print(f"OFFSET, LINES, ENCODER = {offset:.2f}, {weight:.2f}, {SHARE * weight:.2f}")  # noqa: T201 - the output of this command
    for name, score in (("lines", lines), ("encoder", encoder)):
        spread = [float(np.std(score[genuine == one])) for one in (False, True)]
        means = [float(np.mean(score[genuine == one])) for one in (False, True)]
        print(name, "impostor, genuine: mean", means, "deviation", spread)  # noqa: T201 - as above
    return 0


def _palms(seed: int, people: int) -> Iterator[tuple[int, Roi]]:
    rng = np.random.default_rng(seed)
    for person in range(people):
        skin = roi.swatch(seed + person, Side.RIGHT)
        for _ in range(_SHOWN):
            image = roi.show(
                skin,
                rng,
                roi.jittered(cut(0), rng, rng.uniform(0.2, 1.2)),
                infrared=bool(rng.random() < INFRARED),
                harsh=rng.random() ** 2,
            )
            yield person, Roi(image, Side.RIGHT, 1.0)


def _field(probe: Template) -> npt.NDArray[np.int8]:
    return np.frombuffer(probe.data, np.int8)[:-DIMENSIONS].reshape(CELLS, CELLS, PARTS)


def _scores(
    templates: list[Template], who: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Returns the scores of every pair by lines and by encoder, and whether it is of one palm."""
    matcher, only_lines = FusedMatcher(), LineFieldMatcher()
    gallery = matcher.prepare(templates)
    vectors = matcher.vectors(templates)
    lines: list[npt.NDArray[np.float32]] = []
    encoder: list[npt.NDArray[np.float32]] = []
    genuine: list[npt.NDArray[np.bool_]] = []
    for number, template in enumerate(templates):
        lines.append(only_lines.compare_code(_field(template), gallery.lines[:number]))
        encoder.append(gallery.embeddings[:number] @ vectors[number])
        genuine.append(who[:number] == who[number])
    return np.concatenate(lines), np.concatenate(encoder), np.concatenate(genuine)


if __name__ == "__main__":
    sys.exit(main())
