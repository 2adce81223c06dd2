"""Makes all comparisons that a pairing allows."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lab.evaluate.algorithm import Algorithm, ExactMatcher
from lab.evaluate.processes import processes
from palm.template.interfaces import Template

CHUNK = 512
"""The number of references that are compared at once, whether or not all of them count."""


@dataclass(frozen=True, slots=True)
class Row:
    """The scores of one probe against all references that it may be compared with."""

    scores: npt.NDArray[np.float32]
    seconds: float
    """The processor time that these comparisons took."""


def compare(
    algorithm: Algorithm,
    references: Sequence[Template],
    probes: Sequence[Template],
    counts: npt.NDArray[np.intp],
    workers: int,
) -> Iterator[Row]:
    """Yields a row for each probe, in their order, against the first `counts` references."""
    with processes(workers, _start, algorithm, references) as pool:
        yield from pool.map(_row, probes, counts.tolist(), chunksize=8)


_matcher: ExactMatcher
_galleries: list[Any]
"""The references in this worker process, in chunks of CHUNK."""


def _start(algorithm: Algorithm, references: Sequence[Template]) -> None:
    global _matcher, _galleries  # noqa: PLW0603 - a worker process keeps what it needs here
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
    # Some of the last chunk was compared and does not count: neither does its share of the time.
    return Row(scores[:count], (time.process_time() - start) * count / len(scores))
