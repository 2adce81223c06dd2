"""What everybody on a machine can see of its processes."""

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def descendants() -> list[int]:
    """Returns the processes that this one has started, and those that they have."""
    parents: dict[int, int] = {}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            # The name in brackets may hold anything.
            told = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(told[1])
    found = [os.getpid()]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def seen_of(process: int) -> bytes:
    """Returns the arguments and the environment of a process, nothing of one that has ended."""
    seen = b""
    for name in ("cmdline", "environ"):
        with suppress(OSError):
            seen += (PROC / str(process) / name).read_bytes() + b"\0"
    return seen
