"""A template of every burst, by every code."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2

from lab.evaluate.algorithm import Code
from lab.evaluate.processes import processes
from palm.hand.roi import Roi
from palm.template.interfaces import Extractor, Template


@dataclass(frozen=True, slots=True)
class Extracted:
    template: Template
    seconds: float


def extract(
    codes: Sequence[Code], bursts: Sequence[Sequence[Roi]], workers: int
) -> Iterator[list[Extracted]]:
    """For each burst, in their order, what each code made of it."""
    with processes(workers, _start, codes) as pool:
        yield from pool.map(_extract, bursts, chunksize=8)


_extractors: list[Extractor]
"""Of this worker process."""


def _start(codes: Sequence[Code]) -> None:
    global _extractors  # noqa: PLW0603 - a pool's worker has no other place to keep what it needs
    cv2.setNumThreads(1)
    _extractors = [code.pair()[0] for code in codes]


def _extract(burst: Sequence[Roi]) -> list[Extracted]:
    made: list[Extracted] = []
    for extractor in _extractors:
        start = time.process_time()
        template = extractor.extract(burst)
        made.append(Extracted(template, time.process_time() - start))
    return made
