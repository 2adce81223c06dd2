"""Work spread over processes."""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@contextmanager
def processes(
    workers: int, start: Callable[..., None], *told: Any
) -> Generator[ProcessPoolExecutor]:
    """Processes that begin by calling `start(*told)`, each on one thread: they would only stand
    in each other's way."""
    outside = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=start, initargs=told
        ) as pool:
            yield pool
    finally:
        for name, value in outside.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


def progress(doing: str, of: Iterable[T], total: int) -> Iterator[T]:
    """Says on a terminal how far it is."""
    for done, each in enumerate(of, 1):
        if sys.stderr.isatty():
            print(f"\r{doing} {done:,}/{total:,}", end="", file=sys.stderr, flush=True)  # noqa: T201 - progress is this command's to print
        yield each
    if sys.stderr.isatty():
        print(file=sys.stderr)  # noqa: T201 - as above
