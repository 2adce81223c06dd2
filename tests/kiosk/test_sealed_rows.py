"""The journals of the door and of the gate on the disk: nothing of what they say can be read there,
also not of what an older version has written."""

import asyncio
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from kiosk import sealed_rows
from kiosk.till.nexo.records import Record, Records
from kiosk.venue.journal import Due, Entry, Journal
from kiosk.venue.venue import Conflict, Reason, Trouble
from protocol.messages import Direction
from protocol.sealed import SealedPath
from tests.support.forks import run_forked
from tests.support.sealed import sealed

AT = datetime(2026, 11, 30, 8, 30, tzinfo=UTC)
ASKED, ANSWERED = {"asked": "of-before"}, {"answered": "of-before"}
TILL = """
CREATE TABLE transactions (category TEXT NOT NULL, sale_id TEXT NOT NULL, service_id TEXT NOT NULL,
    digest BLOB NOT NULL, reference TEXT NOT NULL UNIQUE, asked TEXT NOT NULL, answer TEXT,
    at TEXT NOT NULL, key TEXT);
CREATE TABLE aborts (sale_id TEXT NOT NULL, service_id TEXT NOT NULL, at TEXT NOT NULL, key TEXT);
INSERT INTO transactions VALUES ('Payment', 'till-1', '1', x'00', 'sale-1',
    '{"asked": "of-before"}', '{"answered": "of-before"}', '2026-11-30T08:30:00+00:00', NULL);
INSERT INTO transactions VALUES ('Payment', 'till-1', '2', x'00', 'sale-2',
    '{"asked": "of-before"}', NULL, '2026-11-30T08:30:00+00:00', NULL);
INSERT INTO transactions VALUES ('Payment', 'till-1', '3', x'00', 'gone',
    '{"asked": "deleted-before"}', NULL, '2026-11-30T08:30:00+00:00', NULL);
DELETE FROM transactions WHERE reference = 'gone';
"""
GATE = """
CREATE TABLE entries (passage TEXT PRIMARY KEY, due TEXT NOT NULL, event TEXT NOT NULL,
    list INTEGER NOT NULL, position INTEGER, direction TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE conflicts (passage TEXT PRIMARY KEY, trouble TEXT NOT NULL, reason TEXT,
    position INTEGER, direction TEXT NOT NULL, at TEXT NOT NULL);
INSERT INTO entries VALUES ('00000000-0000-0000-0000-000000000001', 'passage', 'of-before', 7,
    1234, 'entry', '2026-11-30T08:30:00+00:00');
INSERT INTO conflicts VALUES ('00000000-0000-0000-0000-000000000002', 'contradicted',
    'already_used', 5678, 'exit', '2026-11-30T08:30:00+00:00');
"""
ENTRY = Entry(UUID(int=1), Due.PASSAGE, "of-before", 7, Direction.ENTRY, AT, 1234)
"""What stands in the journal of before."""


def write_of_before(path: Path, script: str) -> None:
    """Leaves a database as an older version does that is killed, with a write-ahead log."""
    writer = (
        "import os, sqlite3, sys; database = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "database.execute('PRAGMA journal_mode = WAL'); database.executescript(sys.argv[2]);"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", writer, str(path), script], check=True)


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("*.db*"))


def records_of(file: SealedPath) -> list[tuple[object, object]]:
    records = Records(file)
    found = [records.of_sale(f"sale-{number}") for number in (1, 2)]
    records.close()
    return [(record.asked, record.answer) for record in found if record is not None]


# What is written now


def test_what_a_till_asks_and_is_answered_is_sealed(tmp_path: Path) -> None:
    file = sealed(tmp_path / "till.db")
    records = Records(file)
    records.begin(Record("Payment", "till-1", "1", b"digest", "sale-1", ASKED, None, AT))
    records.answer("sale-1", ANSWERED)
    assert b"of-before" not in on_disk(tmp_path)
    records.close()
    assert b"of-before" not in on_disk(tmp_path)
    assert records_of(file) == [(ASKED, ANSWERED)]


def test_a_row_opens_at_its_place_and_with_its_key_alone(tmp_path: Path) -> None:
    file = sealed(tmp_path / "till.db")
    records = Records(file)
    for number in (1, 2):
        records.begin(Record("Payment", "t", str(number), b"", f"sale-{number}", ASKED, None, AT))
    records.close()
    database = sqlite3.connect(file.path)
    (of_2,) = database.execute("SELECT asked FROM transactions WHERE reference = 'sale-2'")
    database.execute("UPDATE transactions SET asked = ? WHERE reference = 'sale-1'", of_2)
    database.commit()
    database.close()
    records = Records(file)
    with pytest.raises(sqlite3.DatabaseError, match="does not open"):
        records.of_sale("sale-1")
    records.close()
    records = Records(SealedPath(file.path, bytes(32)))
    with pytest.raises(sqlite3.DatabaseError, match="does not open"):
        records.of_sale("sale-2")
    records.close()


@pytest.mark.anyio
async def test_what_pretix_must_be_told_is_sealed(tmp_path: Path) -> None:
    journal = Journal(sealed(tmp_path / "gate.db"))
    try:
        await journal.record(ENTRY)
        assert await journal.entries() == [ENTRY]
        assert not any(each in on_disk(tmp_path) for each in (b"of-before", b"2026-11-30"))
    finally:
        journal.close()


# What an older version has written


@pytest.mark.process
def test_a_record_of_before_is_sealed_and_no_copy_stays(tmp_path: Path) -> None:
    write_of_before(tmp_path / "till.db", TILL)
    assert b"of-before" in on_disk(tmp_path)
    file = sealed(tmp_path / "till.db")
    records = Records(file)
    assert b"before" not in on_disk(tmp_path), "also while it is open, and what was deleted"
    records.close()
    assert records_of(file) == [(ASKED, ANSWERED), (ASKED, None)]


@pytest.mark.process
@pytest.mark.anyio
async def test_a_journal_of_before_is_sealed_and_no_copy_stays(tmp_path: Path) -> None:
    write_of_before(tmp_path / "gate.db", GATE)
    journal = Journal(sealed(tmp_path / "gate.db"))
    try:
        assert not any(each in on_disk(tmp_path) for each in (b"of-before", b"2026-11-30"))
        assert await journal.entries() == [ENTRY]
        assert await journal.conflicts() == [
            Conflict(
                UUID(int=2),
                Trouble.CONTRADICTED,
                Reason.ALREADY_USED,
                5678,
                Direction.EXIT,
                AT,
            )
        ]
    finally:
        journal.close()


@pytest.mark.process
def test_without_room_records_are_read_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    write_of_before(tmp_path / "till.db", TILL)
    file = sealed(tmp_path / "till.db")
    with monkeypatch.context() as patched:
        patched.setattr("kiosk.till.nexo.records.take_over", full)
        assert records_of(file) == [(ASKED, ANSWERED), (ASKED, None)]
    assert "until the next start: database or disk is full" in caplog.text
    assert records_of(file) == [(ASKED, ANSWERED), (ASKED, None)]
    assert b"before" not in on_disk(tmp_path)


def passages_of(file: SealedPath) -> list[Entry]:
    journal = Journal(file)
    try:
        return asyncio.run(journal.entries())
    finally:
        journal.close()


KINDS: dict[
    str, tuple[str, Callable[[SealedPath], object], Callable[[SealedPath], object], object]
] = {
    "door": (TILL, Records, records_of, [(ASKED, ANSWERED), (ASKED, None)]),
    "gate": (GATE, Journal, passages_of, [ENTRY]),
}
"""What an older version has left, what opens it, what reads it, and what is read."""


def cut_everywhere() -> None:
    """Runs in a process of its own without threads. Its arguments are the kind of a database and a
    folder. Opens the database again and again, and cuts the power before one statement more each
    time. Says how often it has."""
    folder = Path(sys.argv[2])
    before, cut = folder / "before", folder / "cut"
    script, opens, reads, kept = KINDS[sys.argv[1]]
    before.mkdir()
    write_of_before(before / "kept.db", script)
    for step in itertools.count():
        shutil.rmtree(cut, ignore_errors=True)
        shutil.copytree(before, cut)
        # The same key each time, and made before the power is cut.
        file = SealedPath(cut / "kept.db", bytes(32))
        was_cut = opened_until(file, opens, step)
        assert reads(file) == kept
        assert b"before" not in on_disk(cut)
        if not was_cut:
            sys.stdout.write(str(step))
            return


@pytest.mark.process
@pytest.mark.parametrize("kind", KINDS)
def test_a_power_cut_at_any_step_loses_no_row_and_leaves_nothing_plain(
    tmp_path: Path, kind: str
) -> None:
    ended = run_forked(cut_everywhere, kind, tmp_path)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert int(ended.stdout) >= 8


def opened_until(file: SealedPath, opens: Callable[[SealedPath], object], step: int) -> bool:
    """Opens a database in a process that is killed before that statement. Returns whether it
    was."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left = step

    class Counted(sqlite3.Connection):
        def execute(self, *words: object) -> sqlite3.Cursor:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return super().execute(*words)  # pyright: ignore

    plain = sqlite3.connect
    sqlite3.connect = lambda *words, **more: plain(*words, **more, factory=Counted)  # pyright: ignore
    try:
        opens(file)
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)


@pytest.mark.process
def test_a_file_that_is_sealed_is_not_sealed_again(tmp_path: Path) -> None:
    write_of_before(tmp_path / "till.db", TILL)
    file = sealed(tmp_path / "till.db")
    Records(file).close()
    database = sqlite3.connect(file.path)
    assert database.execute("PRAGMA user_version").fetchone() == (sealed_rows.SEALED,)
    database.close()
    kept = on_disk(tmp_path)
    Records(file).close()
    assert on_disk(tmp_path) == kept
