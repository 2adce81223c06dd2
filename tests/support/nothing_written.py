"""Watches everything that processes write while a test runs.

Four things are watched, since each misses what another sees:

- the kernel's count of bytes handed to write calls by a process (`wchar` in /proc/PID/io): every
  file on every file system, pipes too, but neither sockets nor memory maps;
- its count of bytes that will reach a disk (`write_bytes`): memory maps too, but no tmpfs;
- the files a process holds open for writing;
- inotify on folders: files that any process creates or changes there, searched for pictures when
  they are closed, so that a file that is deleted at once is seen as well.
"""

import ctypes
import os
import re
import select
import struct
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PICTURE = re.compile(
    rb"\xff\xd8\xff[\xdb\xe0\xe1\xee]..(JFIF|Exif)?|\x89PNG\r\n\x1a\n|RIFF....WEBP", re.S
)
"""How JPEG, PNG and WebP begin."""

_CHANGED = 0x00000002 | 0x00000008 | 0x00000080 | 0x00000100  # modify, close, moved to, create
_OVERFLOW = 0x00004000
_EVENT = struct.Struct("iIII")


@dataclass
class Written:
    """What was written; complete when watching has ended."""

    to_calls: int = 0
    """The number of bytes in write calls of all watched processes."""
    to_disk: int = 0
    """The number of their bytes that will reach a disk."""
    opened: set[str] = field(default_factory=set[str])
    """Files that are open for writing at the end and were not at the start."""
    changed: set[Path] = field(default_factory=set[Path])
    """Files that were created or changed in the given folders."""
    pictures: set[Path] = field(default_factory=set[Path])
    """Such files in any watched folder that contain a picture or are as large as a frame."""

    def assert_nothing(self, spare: int = 4096) -> None:
        """Asserts that at most `spare` bytes were written, such as a log line."""
        assert not self.changed, self.changed
        self.assert_no_picture(spare)

    def assert_no_picture(self, spare: int) -> None:
        """Asserts that no picture was written and at most `spare` bytes of anything, which must be
        fewer than the smallest possible picture has."""
        assert not self.pictures, self.pictures
        assert not self.opened, self.opened
        assert self.to_calls <= spare, self.to_calls
        assert self.to_disk <= spare, self.to_disk


@contextmanager
def watching(
    *folders: Path, processes: Sequence[int] = (), frame: int = 720 * 1280
) -> Generator[Written]:
    """Watches this process and `processes`, the working folder, the folder for temporary files,
    shared memory, and `folders` with all folders in them.

    `frame` is the number of bytes from which any file counts as a picture.
    """
    pids = (os.getpid(), *processes)
    own = {*folders, *(sub for folder in folders for sub in folder.rglob("*") if sub.is_dir())}
    shared = {Path.cwd(), Path(tempfile.gettempdir()), Path("/dev/shm")}
    written = Written()
    eye = _Inotify(own, shared, written, frame)
    opened, calls, disk = (
        _open_for_writing(pids),
        _count(pids, "wchar"),
        _count(pids, "write_bytes"),
    )
    try:
        yield written
    finally:
        written.to_calls = _count(pids, "wchar") - calls
        written.to_disk = _count(pids, "write_bytes") - disk
        written.opened = _open_for_writing(pids) - opened
        eye.close()


def _count(pids: Sequence[int], counter: str) -> int:
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/io").read_text().splitlines():
            name, _, value = line.partition(": ")
            total += int(value) if name == counter else 0
    return total


def _open_for_writing(pids: Sequence[int]) -> set[str]:
    found: set[str] = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(entry)
                flags = int((entry.parent.parent / "fdinfo" / entry.name).read_text().split()[3], 8)
            except OSError:
                continue  # closed meanwhile: it is the one this listing itself was read through
            is_file = target.startswith("/") and not target.startswith(("/dev/", "/proc/"))
            if (is_file or target.startswith("/dev/shm/")) and flags & os.O_ACCMODE:
                found.add(target)
    return found


class _Inotify:
    """inotify(7) through libc: the standard library has none."""

    def __init__(self, own: set[Path], shared: set[Path], written: Written, frame: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._own = own
        self._written = written
        self._frame = frame
        self._handle = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._folders = {
            libc.inotify_add_watch(self._handle, bytes(folder), _CHANGED): folder
            for folder in own | shared
        }
        assert -1 not in self._folders, os.strerror(ctypes.get_errno())
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._listen, name="inotify")
        self._thread.start()

    def close(self) -> None:
        os.close(self._end)
        self._thread.join()
        self._hear()
        os.close(self._handle)
        os.close(self._ended)

    def _listen(self) -> None:
        while self._ended not in select.select([self._handle, self._ended], [], [])[0]:
            self._hear()

    def _hear(self) -> None:
        try:
            events = os.read(self._handle, 1 << 20)
        except BlockingIOError:
            return
        at = 0
        while at < len(events):
            watch, mask, _, length = _EVENT.unpack_from(events, at)
            at += _EVENT.size + length
            assert not mask & _OVERFLOW, "more was written than could be watched"
            name = events[at - length : at].rstrip(b"\0")
            self._look_at(self._folders[watch] / os.fsdecode(name))

    def _look_at(self, path: Path) -> None:
        if path.parent in self._own:
            self._written.changed.add(path)
        try:
            content = path.read_bytes() if path.is_file() else b""
        except OSError:
            return  # gone, or not ours to read: the counts have it
        if len(content) >= self._frame or PICTURE.search(content):
            self._written.pictures.add(path)
