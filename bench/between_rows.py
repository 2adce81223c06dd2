"""How many deletions leave the id of the deleted between the rows of SQLite's pages, although it
overwrites what it deletes (`cloud.db.database`, decision 5). SQLite alone is measured: the service
searches for the ids and writes the database anew."""

import random
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure

PEOPLE = 10_000
PRESENT = 100
"""How many there are at a time: with one who signs up, one who is chosen by chance is deleted."""


def measure() -> list[Figure]:
    with TemporaryDirectory() as folder:
        left, deleted = _left(Path(folder) / "people.db")
    how = (
        f"{left} of {deleted} people who were deleted one by one, in a table of people and one of "
        f"their palms, secure_delete, SQLite {sqlite3.sqlite_version}, seed 1"
    )
    return [Figure("ids left by 10,000 deletions", 10_000 * left / deleted, "", how)]


def _left(path: Path) -> tuple[int, int]:
    """Returns how many deletions left an id in the file, and of how many."""
    chance = random.Random(1)
    present: list[str] = []
    left = deleted = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA secure_delete = ON",
            "PRAGMA synchronous = OFF",
            "PRAGMA foreign_keys = ON",
            "CREATE TABLE people (id TEXT PRIMARY KEY, key BLOB NOT NULL)",
            "CREATE TABLE palms (id TEXT PRIMARY KEY, template BLOB NOT NULL,"
            " person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE)",
            "CREATE INDEX palms_of_people ON palms (person_id)",
        ):
            database.execute(statement)
        for _ in range(PEOPLE):
            person = f"person_{chance.getrandbits(128):032x}"
            database.execute("INSERT INTO people VALUES (?, ?)", (person, secrets.token_bytes(60)))
            for _ in range(2):
                palm = f"palm_{chance.getrandbits(128):032x}"
                template = secrets.token_bytes(900)
                database.execute("INSERT INTO palms VALUES (?, ?, ?)", (palm, template, person))
            present.append(person)
            if len(present) <= PRESENT:
                continue
            gone = present.pop(chance.randrange(len(present)))
            database.execute("DELETE FROM people WHERE id = ?", (gone,))
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            deleted += 1
            left += gone.encode() in path.read_bytes()
    return left, deleted
