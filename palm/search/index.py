"""Stores search codes under names and finds those nearest to a code. The search is exact.

A million codes of 128 bytes are read as fast as memory delivers them, so no index structure is
needed. OpenCV's `batchDistance` counts bits with the widest instructions of the processor and keeps
the nearest codes. It uses one core, so each core is given a share of the rows.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import cv2
import numpy as np

from palm.search.protection import SEARCH_CODE_BYTES, SearchCodes

SHARE = 32_768
"""The number of rows below which a further core is not worth its overhead: 4 MiB, a fraction of a
millisecond."""
INITIAL_ROWS = 1024

CORES = os.cpu_count() or 1
_scans = ThreadPoolExecutor(CORES, thread_name_prefix="scan")


class Index:
    """Names and their codes, stored in one array that grows by doubling.

    Searches and changes from several threads run one after the other: a search already uses all of
    the memory bandwidth, so two at once would not be faster.
    """

    def __init__(self) -> None:
        self._codes: SearchCodes = np.zeros((INITIAL_ROWS, SEARCH_CODE_BYTES), np.uint8)
        self._names: list[str] = []
        self._rows: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, code: bytes) -> None:
        """Stores a code under a name, and replaces the code that was stored under it."""
        with self._lock:
            row = self._rows.setdefault(name, len(self._names))
            if row == len(self._names):
                self._names.append(name)
                if row == len(self._codes):
                    grown = np.concatenate([self._codes, np.zeros_like(self._codes)])
                    self._codes[:] = 0
                    self._codes = grown
            self._codes[row] = np.frombuffer(code, np.uint8)

    def remove(self, name: str) -> None:
        """Removes a name, and erases its code from memory. Raises KeyError when the name is
        unknown."""
        with self._lock:
            row = self._rows.pop(name)
            last = len(self._names) - 1
            moved = self._names.pop()
            if row != last:
                self._names[row] = moved
                self._rows[moved] = row
                self._codes[row] = self._codes[last]
            self._codes[last] = 0

    def nearest(self, code: bytes, count: int) -> list[tuple[str, int]]:
        """Returns the `count` names whose codes are nearest, with the number of bits that differ,
        nearest first. Returns all names when there are fewer."""
        with self._lock:
            search_codes = self._codes[: len(self._names)]
            cores = max(1, min(CORES, len(search_codes) // SHARE))
            ends = np.linspace(0, len(search_codes), cores + 1, dtype=int).tolist()
            probe = np.frombuffer(code, np.uint8)[None]

            def scan(begin: int, end: int) -> list[tuple[int, int]]:
                nearest = min(count, end - begin)
                if nearest == 0:
                    return []
                bits, rows = cv2.batchDistance(
                    probe, search_codes[begin:end], cv2.CV_32S, normType=cv2.NORM_HAMMING, K=nearest
                )
                return list(zip(bits[0].tolist(), (begin + rows[0]).tolist(), strict=True))

            found = sorted(chain.from_iterable(_scans.map(scan, ends[:-1], ends[1:])))
            return [(self._names[row], bits) for bits, row in found[:count]]
