"""Passages that pretix does not agree with are listed for staff, also beside a running kiosk."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from kiosk.faults import CannotStart
from kiosk.venue.commands import venue
from kiosk.venue.device import Device
from kiosk.venue.journal import Due, Entry, Journal
from kiosk.venue.opening import device_file, journal_file
from kiosk.venue.venue import Conflict, Reason, Trouble
from protocol.messages import Direction
from tests.support.sealed import state_of

DEVICE = Device(
    url="https://tickets.example",
    organizer="club",
    number=1,
    serial="ABC123",
    token=SecretStr("a-key"),
    name="Gate B",
)
AT = datetime(2027, 3, 5, 18, 42, tzinfo=UTC)


def test_they_are_listed_and_taken_off_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device_file(state_of(tmp_path).files).keep(DEVICE)
    entry = Entry(uuid4(), Due.PASSAGE, "final", 4, Direction.ENTRY, AT, 77)
    conflict = Conflict(
        entry.passage, Trouble.CONTRADICTED, Reason.ALREADY_USED, 77, Direction.ENTRY, AT
    )
    running = Journal(journal_file(state_of(tmp_path).files, DEVICE))
    asyncio.run(running.dispute(entry, conflict))

    def listed(*words: str) -> str:
        assert venue(["conflicts", *words, "--state", str(tmp_path)]) == 0
        return capsys.readouterr().out

    told = "2027-03-05 18:42:00 entry position 77 contradicted (already_used)\n"
    assert listed() == told
    assert listed("--settle") == told
    assert listed() == ""
    running.close()


def test_a_kiosk_at_no_venue_says_how_to_sign_on(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no device of a pretix"):
        venue(["conflicts", "--state", str(tmp_path)])
