"""Work spread over processes."""

import os
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

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
