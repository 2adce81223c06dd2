"""What pretix must still be told, in a file that survives a power cut.

An entry is written before a request is sent that could use up a ticket, and before a gate opens
that pretix was not asked about. It says what pretix must be told if nothing else happens any more.
It holds the id of a position, never the secret of a ticket, and what it says of a passage is
sealed.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from kiosk.faults import FileUnusable
from kiosk.sealed_rows import SealedRows, take_over
from kiosk.venue.venue import Conflict, Reason, Trouble
from protocol.messages import Direction
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS due_passages (
    passage TEXT PRIMARY KEY,
    due TEXT NOT NULL,
    said BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS disputed_passages (
    passage TEXT PRIMARY KEY,
    said BLOB NOT NULL
);
"""
_RECORD = "INSERT OR REPLACE INTO due_passages VALUES (?, ?, ?)"
_DISPUTE = "INSERT OR REPLACE INTO disputed_passages VALUES (?, ?)"


class Due(StrEnum):
    """What pretix is to be told of a passage."""

    ANNULMENT = "annulment"
    """Nobody passed, and pretix may believe that somebody did."""
    PASSAGE = "passage"
    """Somebody passed, and pretix does not know, or may not know."""


@dataclass(frozen=True, slots=True)
class Entry:
    passage: UUID
    """The nonce: pretix takes it once, however often it is sent."""
    due: Due
    event: str
    list: int
    direction: Direction
    at: datetime
    position: int | None = None
    """None until it is known, which it is for every passage."""


class Journal:
    """A database of one file, which a thread of its own writes: nothing here holds up the loop.
    Every method but `close` raises sqlite3.Error when the disk does not do its part."""

    def __init__(self, file: SealedPath) -> None:
        """Raises FileUnusable."""
        path, self._rows = file.path, SealedRows(file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            # What is committed has reached the disk.
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA secure_delete = ON")
            self._database.executescript(_SCHEMA)
            take_over(self._database, self._seal)
        except OSError as error:
            raise FileUnusable(path, *cause_and_remedy(error)) from None
        except sqlite3.Error as error:
            raise FileUnusable(
                path,
                f"The journal of the gate in {path} cannot be used ({error}).",
                "Restore it from a backup. Moved away, pretix does not learn who has passed while "
                "it was away.",
            ) from None
        self._writer = ThreadPoolExecutor(1, "venue-journal")

    def close(self) -> None:
        """Waits until what was begun is written, and closes the file."""
        self._writer.shutdown()
        self._database.close()

    def _seal(self) -> None:
        """Seals what a version that did not seal has left in its two tables."""
        kept = {name for (name,) in self._database.execute("SELECT name FROM sqlite_master")}
        if "entries" in kept:
            of_before = self._database.execute(
                "SELECT passage, due, event, list, direction, at, position FROM entries"
            )
            for passage, due, *said in of_before.fetchall():
                self._database.execute(_RECORD, (passage, due, self._rows.seal(passage, said)))
            self._database.execute("DROP TABLE entries")
        if "conflicts" in kept:
            of_before = self._database.execute(
                "SELECT passage, trouble, reason, position, direction, at FROM conflicts"
            )
            for passage, *said in of_before.fetchall():
                self._database.execute(_DISPUTE, (passage, self._rows.seal(passage, said)))
            self._database.execute("DROP TABLE conflicts")

    async def record(self, entry: Entry) -> None:
        """Writes an entry, in the place of an earlier one for the same passage."""
        passage, at = str(entry.passage), entry.at.isoformat()
        said = (entry.event, entry.list, entry.direction, at, entry.position)
        row = (passage, entry.due, self._rows.seal(passage, said))
        await self._do(lambda: self._database.execute(_RECORD, row))

    async def forget(self, entry: Entry) -> None:
        """Takes out an entry that pretix has been told of, unless it has become another."""
        await self._do(
            lambda: self._database.execute(
                "DELETE FROM due_passages WHERE passage = ? AND due = ?",
                (str(entry.passage), entry.due),
            )
        )

    async def entries(self) -> list[Entry]:
        """Returns all entries, the oldest first."""
        rows = await self._do(
            lambda: [
                (passage, due, *self._rows.read(passage, said))
                for passage, due, said in self._database.execute(
                    "SELECT passage, due, said FROM due_passages ORDER BY rowid"
                )
            ]
        )
        entries = [
            Entry(
                UUID(passage),
                Due(due),
                event,
                list_id,
                Direction(direction),
                datetime.fromisoformat(at),
                position,
            )
            for passage, due, event, list_id, direction, at, position in rows
        ]
        return sorted(entries, key=lambda entry: entry.at)

    async def dispute(self, entry: Entry, conflict: Conflict) -> None:
        """Makes a conflict of an entry, for staff, in one step."""
        passage, at = str(conflict.passage), conflict.at.isoformat()
        said = (conflict.trouble, conflict.reason, conflict.position, conflict.direction, at)
        row = (passage, self._rows.seal(passage, said))

        def write() -> None:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.execute(
                    "DELETE FROM due_passages WHERE passage = ? AND due = ?",
                    (str(entry.passage), entry.due),
                )
                self._database.execute(_DISPUTE, row)
                self._database.execute("COMMIT")
            except sqlite3.Error:
                self._database.rollback()
                raise

        await self._do(write)

    async def conflicts(self) -> list[Conflict]:
        """Returns what staff have not dismissed, the oldest first."""
        rows = await self._do(
            lambda: [
                (passage, *self._rows.read(passage, said))
                for passage, said in self._database.execute(
                    "SELECT passage, said FROM disputed_passages"
                )
            ]
        )
        conflicts = [
            Conflict(
                UUID(passage),
                Trouble(trouble),
                None if reason is None else Reason(reason),
                position,
                Direction(direction),
                datetime.fromisoformat(at),
            )
            for passage, trouble, reason, position, direction, at in rows
        ]
        return sorted(conflicts, key=lambda conflict: conflict.at)

    async def dismiss(self, passage: UUID) -> None:
        """Forgets a conflict that staff have looked at."""
        await self._do(
            lambda: self._database.execute(
                "DELETE FROM disputed_passages WHERE passage = ?", (str(passage),)
            )
        )

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)
