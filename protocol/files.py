"""Writes small private files that survive a power cut.

Kiosk and service keep their keys, journals and announcements in such files.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


def read_if_there(path: Path) -> bytes | None:
    """Returns the content of a file, None when nothing stands at the path. Raises OSError, also for
    a link to nowhere: what it should lead to is missing, on a disk that is not mounted perhaps."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise
        return None


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file as a whole: after a power cut it holds either the old or the new content.

    Only the owner can read the file; missing folders are created for the owner only. Raises OSError
    and leaves the old file when the new one cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def rename_durably(path: Path, to: Path) -> None:
    """Gives a file its name, so that it has it after a power cut. Raises OSError."""
    path.replace(to)
    _sync_folder(to.parent)


def remove_durably(path: Path) -> None:
    """Removes a file, if it exists, so that it stays removed after a power cut. Raises OSError."""
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def held(path: Path, *, alone: bool = True) -> Generator[None]:
    """Holds the lock file at `path`, which says that a folder is in use, while the block lasts. The
    lock ends with the process at the latest. Any number hold it who are not `alone`. Raises
    BlockingIOError when another process holds it otherwise, and OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Has other processes that work with the same folder wait, while the block lasts, before they
    open or make keys in it: all of them use the same. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Writes the folder to disk, without which a rename or removal in it may be lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
