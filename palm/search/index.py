"""Stores search codes under names and finds those nearest to a code. The search is exact.

A million codes of 128 bytes are read as fast as memory delivers them, so no index structure is
needed. OpenCV's `batchDistance` counts bits with the widest instructions of the processor and keeps
the nearest codes. It uses one core, so the blocks are shared out among all cores.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from palm.search.protection import SEARCH_CODE_BYTES, SearchCodes

BLOCK = 65_536
"""The number of rows of a block: 8 MiB of codes, which one core reads in half a millisecond. The
system gives memory to those rows only that were used."""
NAME_BYTES = 32
OWNER_BYTES = 40

CORES = os.cpu_count() or 1
_scans = ThreadPoolExecutor(CORES, thread_name_prefix="scan")


_Packed = npt.NDArray[np.uint64]
"""A name or an owner, as `_packed` packs it."""


class Near(NamedTuple):
    """A name that was found."""

    name: str
    owner: str
    bits: int
    """The number of bits in which its code differs."""


class Index:
    """Names, whose they are, and their codes: 200 bytes for each name.

    Searches and changes from several threads run one after the other: a search already uses all of
    the memory bandwidth, so two at once would not be faster.
    """

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._count = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def add(self, name: str, owner: str, code: bytes) -> None:
        """Stores a code under a name, and replaces what was stored under it. Raises ValueError for
        a name of more than NAME_BYTES or an owner of more than OWNER_BYTES in UTF-8, and for a code
        of another length; then nothing is changed."""
        key, whose = _packed(name, NAME_BYTES), _packed(owner, OWNER_BYTES)
        bits = np.frombuffer(code, np.uint8).reshape(SEARCH_CODE_BYTES)
        with self._lock:
            rows = self._rows("names", key)
            self._put(rows[0] if rows else self._new_row(), key, whose, bits)

    def fill(self, names: Sequence[str], owners: Sequence[str], codes: Sequence[bytes]) -> None:
        """Stores codes under names that are not there yet: it does not look for them. Raises
        ValueError as `add` does."""
        columns = _Block(
            _column(names, NAME_BYTES),
            _column(owners, OWNER_BYTES),
            np.frombuffer(b"".join(codes), np.uint8).reshape(-1, SEARCH_CODE_BYTES),
        )
        with self._lock:
            done = 0
            while done < len(columns.names):
                row = self._new_row()
                place = row % BLOCK
                some = min(BLOCK - place, len(columns.names) - done)
                for own, new in zip(self._blocks[-1], columns, strict=True):
                    own[place : place + some] = new[done : done + some]
                self._count, done = row + some, done + some

    def remove(self, name: str) -> bool:
        """Removes a name, and erases its codes from memory: it has several where `fill` was given
        it more than once. Returns whether it was there."""
        with self._lock:
            rows = self._rows("names", _packed(name, NAME_BYTES))
            # The last row takes the place of one that is taken out, so it has to be another's.
            for row in reversed(rows):
                self._take_out(row)
            return bool(rows)

    def names_of(self, owner: str) -> list[str]:
        """Returns all names of an owner."""
        with self._lock:
            rows = self._rows("owners", _packed(owner, OWNER_BYTES))
            return [_unpacked(self._blocks[row // BLOCK].names[row % BLOCK]) for row in rows]

    def nearest(self, code: bytes, count: int) -> list[Near]:
        """Returns the `count` names whose codes are nearest, nearest first. Returns all names when
        there are fewer."""
        probe = np.frombuffer(code, np.uint8)[None]
        with self._lock:
            if self._count == 0:
                return []

            def scan(number: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
                begin = number * BLOCK
                codes = self._blocks[number].codes[: self._count - begin]
                nearest = min(count, len(codes))
                bits, rows = cv2.batchDistance(
                    probe, codes, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=nearest
                )
                return bits[0], rows[0].astype(np.int64) + begin

            found = list(_scans.map(scan, range(len(self._blocks))))
            bits = np.concatenate([each for each, _ in found])
            rows = np.concatenate([each for _, each in found])
            # Of the same distance the first row comes first, however many cores there are.
            best = np.lexsort((rows, bits))[:count]
            return [
                Near(_unpacked(block.names[place]), _unpacked(block.owners[place]), near)
                for row, near in zip(rows[best].tolist(), bits[best].tolist(), strict=True)
                for block, place in ((self._blocks[row // BLOCK], row % BLOCK),)
            ]

    def _new_row(self) -> int:
        if self._count == BLOCK * len(self._blocks):
            self._blocks.append(_Block.empty())
        self._count += 1
        return self._count - 1

    def _put(self, row: int, name: _Packed, owner: _Packed, code: SearchCodes) -> None:
        block, place = self._blocks[row // BLOCK], row % BLOCK
        block.names[place], block.owners[place], block.codes[place] = name, owner, code

    def _take_out(self, row: int) -> None:
        self._count -= 1
        last, end = self._blocks[-1], self._count % BLOCK
        if row != self._count:
            self._put(row, last.names[end], last.owners[end], last.codes[end])
        last.names[end] = last.owners[end] = last.codes[end] = 0
        if end == 0:
            self._blocks.pop()

    def _rows(self, column: Literal["names", "owners"], key: _Packed) -> list[int]:
        """Returns the rows in which a column holds a key. The last word of most rows tells that it
        is another: what names end in is random."""
        rows: list[int] = []
        for number, block in enumerate(self._blocks):
            cells = block.names if column == "names" else block.owners
            alike = np.flatnonzero(cells[:, -1] == key[-1])
            begin = number * BLOCK
            rows += [
                begin + place
                for place in alike.tolist()
                if begin + place < self._count and np.array_equal(cells[place], key)
            ]
        return rows


class _Block(NamedTuple):
    names: _Packed
    """(BLOCK, NAME_BYTES / 8), as `_packed` packs them. The same word of all names lies together in
    memory: looking for a name reads its last one of each, and nothing else."""
    owners: _Packed
    """(BLOCK, OWNER_BYTES / 8), likewise."""
    codes: SearchCodes

    @classmethod
    def empty(cls) -> "_Block":
        return cls(
            np.zeros((BLOCK, NAME_BYTES // 8), np.uint64, order="F"),
            np.zeros((BLOCK, OWNER_BYTES // 8), np.uint64, order="F"),
            np.zeros((BLOCK, SEARCH_CODE_BYTES), np.uint8),
        )


def _packed(text: str, width: int) -> _Packed:
    """Returns a text of at most `width` bytes in UTF-8, with zeros before it, as words of eight
    bytes. Raises ValueError."""
    return np.frombuffer(_padded(text, width), np.uint64)


def _padded(text: str, width: int) -> bytes:
    raw = text.encode().rjust(width, b"\0")
    if len(raw) > width:
        raise ValueError(f"A name of {len(raw)} bytes is longer than {width}.")
    return raw


def _column(texts: Sequence[str], width: int) -> _Packed:
    """Returns each text as `_packed` does. Raises ValueError."""
    cells = [text.encode().rjust(width, b"\0") for text in texts]
    if max(map(len, cells), default=0) > width:
        raise ValueError(f"A name of {max(map(len, cells))} bytes is longer than {width}.")
    return np.frombuffer(b"".join(cells), np.uint64).reshape(-1, width // 8)


def _unpacked(cell: _Packed) -> str:
    return cell.tobytes().lstrip(b"\0").decode()
