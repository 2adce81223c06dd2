"""Codes under their names, and the nearest of all to a code: exact, every one is looked at.

A million codes of 128 bytes are read as fast as memory gives them, so nothing is indexed. The scan
is OpenCV's (`batchDistance`), which counts bits with the widest instructions there are and keeps
the nearest as it goes; it uses one core, so each core is given a share of the rows.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import cv2
import numpy as np

from palm.search.protection import SEARCH_CODE_BYTES, SearchCodes

SHARE = 32_768
"""Rows below which a share is not worth a core of its own: 4 MiB, a fraction of a millisecond."""
FIRST_ROOM = 1024

CORES = os.cpu_count() or 1
_scans = ThreadPoolExecutor(CORES, thread_name_prefix="scan")


class Index:
    """Names and their codes in one array, which grows by doubling. Whoever is removed is
    overwritten by the last. Searches and changes from several threads take turns: a scan reads all
    memory there is to read, two at once would be no faster."""

    def __init__(self) -> None:
        self._codes: SearchCodes = np.zeros((FIRST_ROOM, SEARCH_CODE_BYTES), np.uint8)
        self._names: list[str] = []
        self._rows: dict[str, int] = {}
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, code: bytes) -> None:
        """Puts a code under a name; one that was there under the same name goes."""
        with self._turn:
            row = self._rows.setdefault(name, len(self._names))
            if row == len(self._names):
                self._names.append(name)
                if row == len(self._codes):
                    grown = np.concatenate([self._codes, np.zeros_like(self._codes)])
                    self._codes[:] = 0
                    self._codes = grown
            self._codes[row] = np.frombuffer(code, np.uint8)

    def remove(self, name: str) -> None:
        """Nothing of the code is left in memory. Raises KeyError."""
        with self._turn:
            row = self._rows.pop(name)
            last = len(self._names) - 1
            moved = self._names.pop()
            if row != last:
                self._names[row] = moved
                self._rows[moved] = row
                self._codes[row] = self._codes[last]
            self._codes[last] = 0

    def nearest(self, code: bytes, count: int) -> list[tuple[str, int]]:
        """The names nearest to a code and the bits each differs in, the nearest first; all of them
        where there are no more than `count`."""
        with self._turn:
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
