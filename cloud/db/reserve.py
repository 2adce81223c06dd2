"""Room that is kept on the disk for those who leave.

The reserve is a file of its own beside the database. When the disk is full, it is removed for the
first request of somebody who wants their data deleted. As long as it is not there, nothing else may
be stored, so that what it has left is for the deletions. Housekeeping makes it again once there is
room.
"""

import logging
import os
import secrets
from pathlib import Path

from protocol.files import remove_durably, write_private
from protocol.storage import CAUSES, REMEDIES, StorageFault, storage_fault

log = logging.getLogger(__name__)

LEAST = 4 * 1024 * 1024
"""The smallest size of the reserve in bytes."""
MOST = 64 * 1024 * 1024
"""The largest size."""
_FILLING = bytes(0x80 + number % 127 for number in range(256))
"""What random bytes are mapped to: neither a text nor the beginning of a picture occurs in them, so
that no search of the state folder finds anything by chance."""
BESIDE = 256 * 1024
"""The room in bytes beside the reserve that a service needs for its start."""


class Reserve:
    def __init__(self, database: Path) -> None:
        """`database` is the file whose transactions the reserve is for."""
        self._database = database
        self._path = database.with_name("reserve")
        self._told: int | None = None
        """The error that the log was told when the reserve could not be made."""

    @property
    def is_let_go(self) -> bool:
        """Whether there is no reserve: only what serves deletions may be stored then."""
        return not self._path.exists()

    def prepare(self) -> None:
        """Makes the reserve for a start. If the disk is so full that the service could not start,
        an existing one is let go instead."""
        if self.is_let_go:
            self.make()
            if self.is_let_go:
                log.error(
                    "there is no room for the reserve: nothing is stored but what serves deletions"
                )
            return
        trial = self._path.with_name("trial")
        try:
            write_private(trial, _filling(BESIDE))
            remove_durably(trial)
        except OSError as error:
            fault = storage_fault(error)
            if fault is not None:
                self.let_go(fault)

    def let_go(self, fault: StorageFault) -> bool:
        """Removes the reserve, if there is one, because of this fault of the disk. Returns whether
        something may be stored now: it may also have been removed for somebody else meanwhile."""
        if fault is StorageFault.READ_ONLY:
            return False
        if self.is_let_go:
            return True
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.error("the reserve cannot be let go: %s", error.strerror)
            return False
        log.error(
            "%s. Deletions are served from the reserve, and nothing else is stored until there is "
            "room again. %s",
            CAUSES[fault],
            REMEDIES[fault],
        )
        return True

    def make(self) -> None:
        """Makes the reserve, or a larger one when the database has grown, if there is room."""
        size = self._wanted()
        if not self.is_let_go and self._path.stat().st_size >= size:
            return
        was_let_go = self.is_let_go
        try:
            if not _has_room(self._path.parent, size + self._beside(size)):
                return
            write_private(self._path, _filling(size))
        except OSError as error:
            if error.errno != self._told:
                self._told = error.errno
                log.warning("the reserve for deletions cannot be made: %s", error.strerror)
            return
        self._told = None
        if was_let_go:
            log.info("there is a reserve of %d MiB for deletions on a full disk", size // 2**20)

    def _beside(self, size: int) -> int:
        """Returns how many bytes must stay free beside a reserve of this size that is made: enough
        for those who leave meanwhile, and more than an emptied write-ahead log gives back, since
        that alone is no room for others."""
        return size + BESIDE if self._database.exists() else BESIDE

    def _wanted(self) -> int:
        """Returns the size in bytes: at least that of the database, because a deletion can change
        every page of it once."""
        size, stored = LEAST, self._database.stat().st_size if self._database.exists() else 0
        while size < min(stored, MOST):
            size *= 2
        return size


def _filling(size: int) -> bytes:
    """Returns random bytes, which take their room on file systems that compress as well."""
    return secrets.token_bytes(size).translate(_FILLING)


def _has_room(folder: Path, size: int) -> bool:
    disk = os.statvfs(folder)
    # Some file systems have no size of their own.
    return disk.f_blocks == 0 or disk.f_bavail * disk.f_frsize >= size
