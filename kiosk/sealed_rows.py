"""Databases of SQLite whose rows are encrypted: what a row says is sealed, and what it is found by
is not."""

import json
import logging
import sqlite3
from collections.abc import Callable
from typing import Any

from protocol.sealed import SealedPath, Unopened

log = logging.getLogger(__name__)

SEALED = 1
"""The `user_version` of a database in which nothing is left that was not sealed."""


class SealedRows:
    """What the rows of one database say, as JSON, sealed under the key of its file."""

    def __init__(self, file: SealedPath) -> None:
        self._file = file

    def seal(self, row: str, said: object) -> bytes:
        return self._file.seal(json.dumps(said).encode(), row.encode())

    def read(self, row: str, sealed: bytes) -> Any:
        """Raises sqlite3.DatabaseError for what is damaged, of another row or of another key."""
        try:
            return json.loads(self._file.open(sealed, row.encode()))
        except Unopened:
            raise sqlite3.DatabaseError("a sealed row does not open") from None


def take_over(database: sqlite3.Connection, seal: Callable[[], None]) -> None:
    """Has `seal` seal the rows that an older version has left in plain, in one transaction, and
    leaves nothing of them in the database's files. Killed anywhere, the next start goes on.

    Raises sqlite3.Error. Needs write-ahead logging, and nobody else who writes.
    """
    if database.execute("PRAGMA user_version").fetchone() == (SEALED,):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        seal()
        database.execute("COMMIT")
    except BaseException:
        database.rollback()
        raise
    # Written anew, the file has no page of before; and the log is emptied into it.
    database.execute("VACUUM")
    busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if not busy:
        database.execute(f"PRAGMA user_version = {SEALED}")
