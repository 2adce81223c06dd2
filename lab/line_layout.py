"""Fits the weights by which a palm is told from a back: writes palm/hand/line_layout_weights.py.

`python -m lab.line_layout [--people N] [--workers N]`

Palms and backs of drawn people are seen in colour and in near infrared, then blurred, faint and
noisy. Their landmarks are off by as much as those that are read from pictures. The weights are
those of a linear discriminant (Fisher 1936) whose covariance is shrunk far toward a sphere
(Friedman, "Regularized discriminant analysis", 1989): drawn hands differ from real ones, and what
tells them apart best in drawings need not do so in photographs. The fit looks at no real hand. That
so much shrinkage separates real ones better as well was looked at once (decision 58).
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from drawn import draw, identity
from drawn.circumstances import USUAL
from lab.evaluate.processes import processes
from lab.finding import Shot, draw_in_infrared
from palm.hand.align import align
from palm.hand.landmarks import Shown, Side, turn_of_fingers
from palm.hand.line_layout import Strengths, strengths
from palm.image import Grey

FIRST = 47_000
"""The seed of the first person that the weights are fitted to."""
PEOPLE = 120
JITTER = 0.02
"""The deviation of the landmarks in palm lengths."""
SHRINKAGE = 0.8
"""The share of a sphere in the covariance."""
SPOILT = 2
"""The number of spoilt pictures of each hand besides the clear one."""
WRITTEN = Path(__file__).parents[1] / "palm" / "hand" / "line_layout_weights.py"


def shown_by(seed: int) -> list[tuple[bool, Strengths]]:
    """Returns whether it is a palm, and the strengths of its lines, of pictures of one hand."""
    rng = np.random.default_rng((seed, 3))
    seen: list[tuple[bool, Strengths]] = []
    for is_palm in (True, False):
        shown = replace(USUAL.shot(rng).shown, back=not is_palm)
        drawing = draw(identity(seed, list(Side)[seed % 2]), shown, rng)
        shots = [Shot(drawing.image, drawing.hand)]
        if seed % 2:
            shots.append(draw_in_infrared(seed, is_palm))
        for shot in shots:
            clear = _aligned(shot, rng)
            pictures = [clear, *(_spoilt(clear, rng) for _ in range(SPOILT))]
            seen += [(is_palm, strengths(picture)) for picture in pictures]
    return seen


def _aligned(shot: Shot, rng: np.random.Generator) -> Grey:
    off = rng.normal(0, JITTER * shot.hand.palm_length, shot.hand.landmarks.shape)
    landmarks = (shot.hand.landmarks + off).astype(np.float32)
    side = Side.RIGHT if turn_of_fingers(landmarks) > 0 else Side.LEFT
    hand = replace(shot.hand, landmarks=landmarks, shown=Shown.PALM, side=side)
    return align(shot.image, hand).image


def _spoilt(palm: Grey, rng: np.random.Generator) -> Grey:
    """Returns the picture blurred, fainter and noisier."""
    blurred = cv2.GaussianBlur(palm.astype(np.float32), (0, 0), float(rng.uniform(0.3, 2.2)))
    faint = blurred.mean() + (blurred - blurred.mean()) * rng.uniform(0.25, 1)
    noisy = faint + rng.normal(0, rng.uniform(0, 2.5), palm.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def fitted(seen: list[tuple[bool, Strengths]]) -> tuple[npt.NDArray[np.float64], float, float]:
    """Returns the weights, and the middle and half of the distance between the mean scores of backs
    and palms."""
    given = np.array([each for _, each in seen], np.float64)
    is_palm = np.array([is_palm for is_palm, _ in seen])
    palm, back = given[is_palm].mean(axis=0), given[~is_palm].mean(axis=0)
    within = given - np.where(is_palm[:, None], palm, back)
    covariance = within.T @ within / len(within)
    sphere = np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
    weights = np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * sphere, palm - back)
    weights /= np.linalg.norm(weights)
    return weights, float(weights @ (palm + back)) / 2, float(weights @ (palm - back)) / 2


def written(weights: npt.NDArray[np.float64], middle: float, reach: float, people: int) -> str:
    """Returns the text of the module that holds the weights."""
    numbers = [f"{weight:.3f}" for weight in weights]
    rows = [", ".join(numbers[at : at + 8]) for at in range(0, len(numbers), 8)]
    return "\n".join(
        [
            '"""Written by `python -m lab.line_layout`: do not edit.',
            "",
            f"{people} drawn people, seeds {FIRST} to {FIRST + people - 1}.",
            '"""',
            "",
            "# fmt: off",
            "# By direction, row and column.",
            "WEIGHTS = (",
            *(f"    {row}," for row in rows),
            ")",
            f"MIDDLE = {middle:.4f}",
            f"REACH = {reach:.4f}",
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="line_layout", description="Fits the weights by which a palm is told from a back."
    )
    parser.add_argument(
        "--people", type=int, default=PEOPLE, metavar="N", help="drawn people (%(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes"
    )
    asked = parser.parse_args()
    with processes(asked.workers) as pool:
        hands = list(pool.map(shown_by, range(FIRST, FIRST + asked.people)))
    weights = fitted([each for hand in hands for each in hand])
    WRITTEN.write_text(written(*weights, people=asked.people), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
