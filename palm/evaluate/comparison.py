"""Every comparison that may be made, made."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from palm.evaluate.code import Code, ExactMatcher
from palm.evaluate.processes import processes
from palm.recognition import Template


@dataclass(frozen=True, slots=True)
class Row:
    """One probe against every reference it may be compared with."""

    scores: npt.NDArray[np.float32]
    seconds: float


def compare(
    code: Code,
    references: Sequence[Template],
    probes: Sequence[Template],
    counts: npt.NDArray[np.intp],
    workers: int,
) -> Iterator[Row]:
    """A row for each probe, in their order: its scores against the first `counts` references."""
    with processes(workers, _start, code, references) as pool:
        yield from pool.map(_row, probes, counts.tolist(), chunksize=8)


_matcher: ExactMatcher
_gallery: Any
_references: int
"""Of this worker process."""


def _start(code: Code, references: Sequence[Template]) -> None:
    global _matcher, _gallery, _references
    cv2.setNumThreads(1)
    _, _matcher = code.pair()
    _gallery, _references = _matcher.prepare(references), len(references)


def _row(probe: Template, count: int) -> Row:
    if not count:
        return Row(np.empty(0, np.float32), 0.0)
    start = time.process_time()
    scores = _matcher.compare(probe, _gallery)
    # All were compared; what those that count took is their share of it.
    return Row(scores[:count], (time.process_time() - start) * count / _references)
