"""What the door has promised and answered, which survives a power cut.

A payment is recorded before the shopper is asked and a reversal before the service is, and the
answer before the till hears it. So a repeated request gets the answer of the first, and a till that
has heard nothing can ask what became of it for as long as the record is kept.
"""

import json
import logging
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kiosk.faults import FileUnusable
from kiosk.sealed_rows import SealedRows, take_over
from kiosk.till.nexo.messages import ErrorCondition, Failed
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

KEPT = timedelta(days=400)
"""How long an answer is kept."""
NUMBERS_REST = timedelta(hours=48)
"""How long a till does not use a number again for another message (ServiceID)."""

ABORTS = 10_000
"""The largest number of aborts of unknown payments that are kept."""

_COLUMNS = "category, sale_id, service_id, digest, reference, asked, answer, at, key"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
    category TEXT NOT NULL,
    sale_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    asked TEXT NOT NULL,
    answer TEXT,
    at TEXT NOT NULL,
    key TEXT
);
CREATE INDEX IF NOT EXISTS transactions_name ON transactions (sale_id, service_id);
CREATE INDEX IF NOT EXISTS transactions_at ON transactions (at);
CREATE TABLE IF NOT EXISTS aborts (
    sale_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    at TEXT NOT NULL,
    key TEXT
);
"""


@dataclass(frozen=True, slots=True)
class Record:
    """What a till has asked for."""

    category: str
    """The MessageCategory of the request: Payment, CardAcquisition, Loyalty or Reversal."""
    sale_id: str
    service_id: str
    digest: bytes
    """The digest of the request: another message with the same name is another request."""
    reference: str
    """The kiosk's name for the sale or the refund, the POI's TransactionID."""
    asked: dict[str, Any]
    """What the answer repeats of the request; nothing about a person."""
    answer: dict[str, Any] | None
    """The answer, without a membership in it; None as long as the outcome is not known."""
    at: datetime
    key: str | None = None
    """The identifier of the key that the request was sealed with, None without an envelope and in
    records of a version that did not keep it."""

    @property
    def sender(self) -> tuple[str, str | None]:
        return self.sale_id, self.key


class Records:
    """A database of one file, in which is sealed what was asked and answered. Every method raises
    sqlite3.Error when the disk does not do its part."""

    def __init__(self, file: SealedPath) -> None:
        """Raises FileUnusable."""
        path, self._rows = file.path, SealedRows(file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # One wait for the disk for each record instead of several; it is there all the same.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
            self._add_keys()
            self._take_over()
        except OSError as error:
            raise FileUnusable(path, *cause_and_remedy(error)) from None
        except sqlite3.Error as error:
            raise FileUnusable(
                path,
                f"The record of the till's payments in {path} cannot be used ({error}).",
                "Restore it from a backup, or move it away: the till cannot ask about earlier "
                "payments then.",
            ) from None

    def _add_keys(self) -> None:
        """Adds the column of keys to the tables of a version that did not keep them."""
        for table in ("transactions", "aborts"):
            columns = self._database.execute("SELECT name FROM pragma_table_info(?)", (table,))
            if ("key",) not in columns.fetchall():
                self._database.execute(f"ALTER TABLE {table} ADD COLUMN key TEXT")

    def _take_over(self) -> None:
        """Seals what a version that did not seal has left. Where there is no room for that, it is
        read as it is."""
        try:
            take_over(self._database, self._seal)
        except sqlite3.OperationalError as error:
            log.error("records of the till stay plain until the next start: %s", error)

    def _seal(self) -> None:
        for column in ("asked", "answer"):
            plain = self._database.execute(
                f"SELECT reference, {column} FROM transactions WHERE typeof({column}) = 'text'"  # noqa: S608 - the two above
            )
            for reference, said in plain.fetchall():
                self._database.execute(
                    f"UPDATE transactions SET {column} = ? WHERE reference = ?",  # noqa: S608
                    (self._rows.seal(f"{column} {reference}", json.loads(said)), reference),
                )

    def _read(self, column: str, reference: str, said: bytes | str) -> dict[str, Any]:
        if isinstance(said, str):
            return json.loads(said)
        return self._rows.read(f"{column} {reference}", said)

    def close(self) -> None:
        self._database.close()

    def begin(self, record: Record) -> None:
        self._database.execute(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?)",
            (
                record.category,
                record.sale_id,
                record.service_id,
                record.digest,
                record.reference,
                self._rows.seal(f"asked {record.reference}", record.asked),
                record.at.isoformat(),
                record.key,
            ),
        )

    def answer(self, reference: str, answer: dict[str, Any]) -> None:
        """Records the answer to a request, unless there is one."""
        self._database.execute(
            "UPDATE transactions SET answer = ? WHERE reference = ? AND answer IS NULL",
            (self._rows.seal(f"answer {reference}", answer), reference),
        )

    def of_sale(self, reference: str) -> Record | None:
        return self._one("reference = ?", reference)

    def of_message(self, sale_id: str, service_id: str) -> Record | None:
        """Returns the last request of a till with this name."""
        return self._one("sale_id = ? AND service_id = ?", sale_id, service_id)

    def repeated(self, name: tuple[str, str], digest: bytes, now: datetime) -> Record | None:
        """Returns the request that a message repeats, None when it is a new one. Raises Failed when
        its name was used for another message and has not rested since."""
        known = self.of_message(*name)
        if known is not None and known.digest != digest:
            if now - known.at < NUMBERS_REST:
                raise Failed(
                    ErrorCondition.MESSAGE_FORMAT,
                    "This ServiceID was used within the last 48 hours for another message.",
                )
            return None
        return known

    def last(self, sale_id: str) -> Record | None:
        """Returns the last request of a till."""
        return self._one("sale_id = ?", sale_id)

    def open(self) -> list[Record]:
        """Returns the requests without an answer. One that cannot be read is left out."""
        found: list[Record] = []
        names = self._database.execute("SELECT reference FROM transactions WHERE answer IS NULL")
        for (reference,) in names.fetchall():
            try:
                found += self._all("reference = ?", reference)
            except sqlite3.Error as error:
                log.error("a till's request cannot be read, and stays as it is: %s", error)
        return found

    def abort(self, sender: tuple[str, str | None], service_id: str, at: datetime) -> None:
        """Records that a till has aborted a payment of its own of which nothing is known: its
        request may come late."""
        sale_id, key = sender
        self._database.execute(
            "INSERT INTO aborts VALUES (?, ?, ?, ?)", (sale_id, service_id, at.isoformat(), key)
        )
        self._database.execute(
            "DELETE FROM aborts WHERE rowid <= (SELECT max(rowid) FROM aborts) - ?", (ABORTS,)
        )

    def was_aborted(self, sender: tuple[str, str | None], service_id: str, now: datetime) -> bool:
        sale_id, key = sender
        found = self._database.execute(
            "SELECT 1 FROM aborts WHERE sale_id = ? AND service_id = ? AND key IS ? AND at > ?",
            (sale_id, service_id, key, (now - NUMBERS_REST).isoformat()),
        )
        return found.fetchone() is not None

    def forget(self, now: datetime) -> None:
        """Deletes what is older than is promised. What has no answer stays."""
        self._database.execute(
            "DELETE FROM transactions WHERE answer IS NOT NULL AND at <= ?",
            ((now - KEPT).isoformat(),),
        )
        self._database.execute(
            "DELETE FROM aborts WHERE at <= ?", ((now - NUMBERS_REST).isoformat(),)
        )

    def _one(self, where: str, *values: str) -> Record | None:
        found = self._all(f"{where} ORDER BY rowid DESC LIMIT 1", *values)
        return found[0] if found else None

    def _all(self, where: str, *values: str) -> list[Record]:
        # The conditions are those written above.
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM transactions WHERE {where}", values)  # noqa: S608
        return [
            Record(
                category,
                sale_id,
                service_id,
                digest,
                reference,
                self._read("asked", reference, asked),
                None if answer is None else self._read("answer", reference, answer),
                datetime.fromisoformat(at),
                key,
            )
            for category, sale_id, service_id, digest, reference, asked, answer, at, key in rows
        ]
