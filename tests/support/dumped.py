"""Looks for bytes in all that a process may write to in its memory, and in files."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

PIECE = 1 << 20


def in_memory(pid: int, wanted: Mapping[str, bytes]) -> set[str]:
    """Returns what of `wanted` is in the memory of a process, by its name: in that of its own and
    in what it shares with others. Raises PermissionError for one that is not dumpable, unless root
    asks."""
    return _found(_memory(pid, max(map(len, wanted.values()))), wanted)


def in_files(folder: Path, since_ns: int, wanted: Mapping[str, bytes]) -> set[str]:
    """Returns what is in the files of a folder that were written since then."""
    found: set[str] = set()
    for path in folder.rglob("*"):
        # One may be gone by now, or a socket.
        with suppress(OSError):
            if path.is_file() and path.stat().st_mtime_ns >= since_ns:
                found |= _found([path.read_bytes()], wanted)
    return found


def _memory(pid: int, longest: int) -> Iterator[bytes]:
    """Yields pieces, of which each has the beginning of the next; none of a process that has
    ended."""
    gone = suppress(FileNotFoundError, ProcessLookupError)
    with gone, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights = line.split(maxsplit=2)[:2]
            if not rights.startswith("rw"):
                continue
            begin, end = (int(edge, 16) for edge in place.split("-"))
            for at in range(begin, end, PIECE):
                # Some of what a process has is a device's, or is gone by now.
                with suppress(OSError):
                    yield os.pread(memory.fileno(), min(PIECE + longest, end - at), at)


def _found(pieces: Iterable[bytes], wanted: Mapping[str, bytes]) -> set[str]:
    return {name for piece in pieces for name, sought in wanted.items() if sought in piece}
