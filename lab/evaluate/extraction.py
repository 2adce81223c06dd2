"""A template of every burst, by every code."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2

from lab.evaluate.algorithm import Code
from lab.evaluate.processes import processes
from palm.hand.roi import Roi
from palm.template.interfaces import Signer, Template


@dataclass(frozen=True, slots=True)
class Signed:
    template: Template
    seconds: float


def sign(
    codes: Sequence[Code], bursts: Sequence[Sequence[Roi]], workers: int
) -> Iterator[list[Signed]]:
    """For each burst, in their order, what each code made of it."""
    with processes(workers, _start, codes) as pool:
        yield from pool.map(_sign, bursts, chunksize=8)


_signers: list[Signer]
"""Of this worker process."""


def _start(codes: Sequence[Code]) -> None:
    global _signers  # noqa: PLW0603 - a pool's worker has no other place to keep what it needs
    cv2.setNumThreads(1)
    _signers = [code.pair()[0] for code in codes]


def _sign(burst: Sequence[Roi]) -> list[Signed]:
    made: list[Signed] = []
    for signer in _signers:
        start = time.process_time()
        template = signer.sign(burst)
        made.append(Signed(template, time.process_time() - start))
    return made
