"""Writes small private files that survive a power cut.

Kiosk and service keep their keys, journals and announcements in such files.
"""

import os
from pathlib import Path


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
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def remove_durably(path: Path) -> None:
    """Removes a file, if it exists, so that it stays removed after a power cut. Raises OSError."""
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Writes the folder to disk, without which a rename or removal in it may be lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
