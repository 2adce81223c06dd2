"""Every comparison that may be made, made."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from lab.evaluate.algorithm import Algorithm, ExactMatcher
from lab.evaluate.processes import processes
from palm.template.interfaces import Template

CHUNK = 512
"""References that are compared together, whether or not all of them count."""


@dataclass(frozen=True, slots=True)
class Row:
    """One probe against every reference it may be compared with."""

    scores: npt.NDArray[np.float32]
    seconds: float


def compare(
    algorithm: Algorithm,
    references: Sequence[Template],
    probes: Sequence[Template],
    counts: npt.NDArray[np.intp],
    workers: int,
) -> Iterator[Row]:
    """A row for each probe, in their order: its scores against the first `counts` references."""
    with processes(workers, _start, algorithm, references) as pool:
        yield from pool.map(_row, probes, counts.tolist(), chunksize=8)


_matcher: ExactMatcher
_galleries: list[Any]
"""Of this worker process: the references, CHUNK by CHUNK."""


def _start(algorithm: Algorithm, references: Sequence[Template]) -> None:
    global _matcher, _galleries  # noqa: PLW0603 - a pool's worker has no other place to keep what it needs
    cv2.setNumThreads(1)
    _, _matcher = algorithm.pair()
    _galleries = [
        _matcher.prepare(references[start : start + CHUNK])
        for start in range(0, len(references), CHUNK)
    ]


def _row(probe: Template, count: int) -> Row:
    if not count:
        return Row(np.empty(0, np.float32), 0.0)
    start = time.process_time()
    chunks = _galleries[: -(-count // CHUNK)]
    scores = np.concatenate([_matcher.compare(probe, gallery) for gallery in chunks])
    # What those that count took is their share of all that were compared.
    return Row(scores[:count], (time.process_time() - start) * count / len(scores))
