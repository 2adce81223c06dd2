"""What processes use: their memory, and the processor time of them and of those they have started
(proc(5))."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def below(pid: int) -> Iterator[int]:
    """Yields a process and all that it has started, as far as they run."""
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in children(pid):
            yield from below(child)


def words(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def anonymous_kb(pid: int) -> float:
    """Returns what a process has in memory and in no file, in kB."""
    return _status_kb(pid, "RssAnon")


def resident_kb(pid: int) -> float:
    return _status_kb(pid, "VmRSS")


def highest_resident_kb(pid: int) -> float:
    """Returns the most that a process has ever had in memory, in kB."""
    return _status_kb(pid, "VmHWM")


def processor_s(pid: int, *, ended: bool = True) -> float:
    """Returns the processor time of a process in seconds and, with `ended`, of those that it has
    started and waited for. It is 0 for one that is gone: whoever waited for it has its time."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # The name of the program, in brackets, may hold anything.
    times = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, times if ended else times[:2])) / _TICKS


def _status_kb(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))
