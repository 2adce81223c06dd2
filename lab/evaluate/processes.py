"""Work spread over several processes."""

import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

import cv2

T = TypeVar("T")

EVERY = 10.0
"""The seconds between two lines of progress where a line cannot be written over."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Workers(Protocol):
    """What does the work: `ProcessPoolExecutor` as far as it is used here."""

    def map(
        self, work: Callable[..., T], /, *items: Iterable[Any], chunksize: int = 1
    ) -> Iterator[T]: ...


class _Here:
    """Does the work in this process, each piece when its result is asked for."""

    def map(
        self, work: Callable[..., T], /, *items: Iterable[Any], chunksize: int = 1
    ) -> Iterator[T]:
        del chunksize
        return map(work, *items)


@contextmanager
def processes(
    workers: int, start: Callable[..., None] | None = None, *told: Any, once: bool = False
) -> Generator[Workers]:
    """Yields so many processes, each of which calls `start(*told)` first. With `once`, each ends
    after one piece of work, and another takes its place.

    Each process keeps to one thread: more would compete for the same cores. A single worker is this
    process itself, which then has that one thread in OpenCV for as long, except with `once`.
    """
    if workers == 1 and not once:
        threads = cv2.getNumThreads()
        try:
            _start(start, *told)
            yield _Here()
        finally:
            cv2.setNumThreads(threads)
        return
    outside = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with ProcessPoolExecutor(
            workers,
            mp_context=get_context("spawn"),
            initializer=_start,
            initargs=(start, *told),
            max_tasks_per_child=1 if once else None,
        ) as pool:
            yield pool
    finally:
        for name, value in outside.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


def _start(start: Callable[..., None] | None, *told: Any) -> None:
    cv2.setNumThreads(1)
    if start:
        start(*told)


def progress(doing: str, of: Iterable[T], total: int) -> Iterator[T]:
    """Yields each item, and tells how many of them are done: always on a terminal, and every
    EVERY seconds elsewhere."""
    terminal, told = sys.stderr.isatty(), time.monotonic()
    for done, each in enumerate(of, 1):
        if terminal:
            print(f"\r{doing} {done:,}/{total:,}", end="", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command
        elif time.monotonic() - told >= EVERY:
            told = time.monotonic()
            print(f"{doing} {done:,}/{total:,}", file=sys.stderr, flush=True)  # noqa: T201 - as above
        yield each
    if terminal:
        print(file=sys.stderr)  # noqa: T201 - as above
