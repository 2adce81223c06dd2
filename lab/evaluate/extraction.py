"""Extracts a template from every burst with every algorithm."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.evaluate.algorithm import Algorithm
from lab.evaluate.processes import processes
from palm.hand.roi import Roi
from palm.template.interfaces import Extractor, Template


@dataclass(frozen=True, slots=True)
class Extracted:
    template: Template
    seconds: float
    """The processor time that it took."""


def extract(
    algorithms: Sequence[Algorithm], bursts: Sequence[Sequence[Roi]], workers: int
) -> Iterator[list[Extracted]]:
    """Yields what each algorithm extracts from each burst, in their order."""
    with processes(workers, _start, algorithms) as pool:
        yield from pool.map(_extract, bursts, chunksize=8)


_extractors: list[Extractor]
"""The extractors of this worker process."""


def _start(algorithms: Sequence[Algorithm]) -> None:
    global _extractors  # noqa: PLW0603 - a worker process keeps what it needs here
    _extractors = [algorithm.pair()[0] for algorithm in algorithms]


def _extract(burst: Sequence[Roi]) -> list[Extracted]:
    made: list[Extracted] = []
    for extractor in _extractors:
        start = time.process_time()
        template = extractor.extract(burst)
        made.append(Extracted(template, time.process_time() - start))
    return made
