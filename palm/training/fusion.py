"""`python -m palm.training.fusion`: learns the numbers of `palm.fused` from drawn palms."""

import argparse
import sys
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from palm.encoder import DIMENSIONS
from palm.factory import roi
from palm.fused import FusedMatcher, FusedSigner
from palm.hand import Side
from palm.linefield import CELLS, PARTS, LineFieldMatcher
from palm.recognition import Template
from palm.roi import Roi
from palm.training.lessons import cut

WORDS = 16
SHARE = 0.1
"""The encoder's say over the lines'. On drawn palms, which taught it, the encoder is the better
judge; on real ones it is not (docs/decisions/0012-encoder.md): its say is set, not learnt."""
_CELLS = 100_000
_SHOWN = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="fusion", description=__doc__)
    parser.add_argument("--seed", type=int, default=2_000_000, help="first of the drawn people")
    parser.add_argument("--people", type=int, default=300)
    asked = parser.parse_args()
    signer = FusedSigner()
    who: list[int] = []
    templates: list[Template] = []
    for person, palm in _palms(asked.seed, asked.people):
        who.append(person)
        templates.append(signer.sign([palm]))
    print("BOOK =", _book(templates).tolist())  # noqa: T201 - what this command is for
    lines, encoder, genuine = _scores(templates, np.array(who))
    both = np.asarray(lines + SHARE * encoder, np.float32)
    features = np.asarray(np.stack([np.ones_like(both), both], axis=1), np.float32)
    offset, weight = _logistic(features, genuine).tolist()
    print(f"OFFSET, LINES, ENCODER = {offset:.2f}, {weight:.2f}, {SHARE * weight:.2f}")  # noqa: T201 - as above
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
                roi.about(cut(0), rng),
                infrared=bool(rng.random() < 0.2),
                harsh=rng.uniform(0.2, 1.0),
            )
            yield person, Roi(image, Side.RIGHT, 1.0)


def _book(templates: list[Template]) -> npt.NDArray[np.int8]:
    """The cells that all others are nearest to (k-means, k-means++ seeds)."""
    cells = np.concatenate(
        [np.frombuffer(each.code, np.int8)[:-DIMENSIONS].reshape(-1, PARTS) for each in templates]
    ).astype(np.float32)
    some = np.random.default_rng(0).choice(len(cells), min(_CELLS, len(cells)), replace=False)
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 60, 0.01)
    centres = cv2.kmeans(cells[some], WORDS, np.empty(0), stop, 3, cv2.KMEANS_PP_CENTERS)[2]
    return np.rint(centres).astype(np.int8)


def _scores(
    templates: list[Template], who: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """What each judge says of every pair, and whether it is one palm."""
    matcher, only_lines = FusedMatcher(), LineFieldMatcher()
    gallery = matcher.prepare(templates)
    vectors = matcher.vectors(templates)
    lines: list[npt.NDArray[np.float32]] = []
    encoder: list[npt.NDArray[np.float32]] = []
    genuine: list[npt.NDArray[np.bool_]] = []
    for number, template in enumerate(templates):
        code = np.frombuffer(template.code, np.int8)[:-DIMENSIONS]
        lines.append(only_lines.meet(code.reshape(CELLS, CELLS, PARTS), gallery.lines[:number]))
        encoder.append(gallery.embeddings[:number] @ vectors[number])
        genuine.append(who[:number] == who[number])
    return np.concatenate(lines), np.concatenate(encoder), np.concatenate(genuine)


def _logistic(
    features: npt.NDArray[np.float32], genuine: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Weights under which the sum is a log-likelihood ratio: both kinds of pair count alike,
    however many there are (Newton's method on the penalised likelihood)."""
    x = features.astype(np.float64)
    share = np.where(genuine, 0.5 / genuine.sum(), 0.5 / (~genuine).sum())
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        likely = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (share * (likely - genuine)) + 1e-6 * weights
        bow = (x * (share * likely * (1 - likely))[:, None]).T @ x + 1e-6 * np.eye(x.shape[1])
        weights -= np.linalg.solve(bow, slope)
    return weights


if __name__ == "__main__":
    sys.exit(main())
