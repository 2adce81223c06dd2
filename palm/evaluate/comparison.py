"""Every comparison that may be made, made."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from palm.linefield import LineFieldGallery, LineFieldMatcher
from palm.recognition import Template


@dataclass(frozen=True, slots=True)
class Row:
    """One probe against every sample before it that it may be compared with."""

    scores: npt.NDArray[np.float32]
    seconds: float


def earlier(sessions: Sequence[int | None]) -> npt.NDArray[np.intp]:
    """How many of the samples before each one, counted from the first, it is compared with.

    All of them, and where there are sessions (in rising order) all of the sessions before its
    own: every pair once, the later sample as the probe.
    """
    if all(session is None for session in sessions):
        return np.arange(len(sessions), dtype=np.intp)
    order = np.array(sessions, np.intp)
    return np.searchsorted(order, order, side="left").astype(np.intp)


def compare(
    templates: Sequence[Template], counts: npt.NDArray[np.intp], workers: int
) -> Iterator[Row]:
    """A row for each template, in their order."""
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start, initargs=(templates,)
    ) as pool:
        yield from pool.map(_row, templates, counts.tolist(), chunksize=8)


_matcher = LineFieldMatcher()
_gallery: LineFieldGallery
"""Of this worker process."""


def _start(templates: Sequence[Template]) -> None:
    global _gallery  # noqa: PLW0603 - a pool's worker has no other place to keep what it needs
    _gallery = _matcher.prepare(templates)


def _row(probe: Template, count: int) -> Row:
    start = time.perf_counter()
    scores = _matcher.compare(probe, _gallery[:count])
    return Row(scores, time.perf_counter() - start)
