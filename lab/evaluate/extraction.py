"""A template of every burst, by every algorithm."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2

from lab.evaluate.algorithm import Algorithm
from lab.evaluate.processes import processes
from palm.hand.roi import Roi
from palm.template.interfaces import Extractor, Template


@dataclass(frozen=True, slots=True)
class Extracted:
    template: Template
    seconds: float


def extract(
    algorithms: Sequence[Algorithm], bursts: Sequence[Sequence[Roi]], workers: int
) -> Iterator[list[Extracted]]:
    """For each burst, in their order, what each algorithm made of it."""
    with processes(workers, _start, algorithms) as pool:
        yield from pool.map(_extract, bursts, chunksize=8)


_extractors: list[Extractor]
"""Of this worker process."""


def _start(algorithms: Sequence[Algorithm]) -> None:
    global _extractors  # noqa: PLW0603 - a pool's worker has no other place to keep what it needs
    cv2.setNumThreads(1)
    _extractors = [algorithm.pair()[0] for algorithm in algorithms]


def _extract(burst: Sequence[Roi]) -> list[Extracted]:
    made: list[Extracted] = []
    for extractor in _extractors:
        start = time.process_time()
        template = extractor.extract(burst)
        made.append(Extracted(template, time.process_time() - start))
    return made
