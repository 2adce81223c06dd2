"""The staff PIN: it is chosen at first use, and locked for longer with every wrong guess."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from kiosk.faults import FileUnusable
from protocol.files import read_if_there, write_private
from protocol.storage import cause_and_remedy, storage_fault

GUESSES = 3
"""The number of wrong guesses before the first lock."""
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(hours=8)
PIN = re.compile(r"[0-9]{6,12}")


class _PinRecord(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    hash: str
    wrong: int = Field(default=0, ge=0)
    locked_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a wrong PIN. `locked_for` is in seconds, 0 when another guess is allowed."""

    guesses_left: int
    locked_for: int


class StaffPin:
    """Keeps the PIN's Argon2id hash and the number of wrong guesses in a file, so that a restart
    does not end a lock. `today` returns date and time.

    A file that is there and cannot be used opens nothing: every method raises FileUnusable then. A
    file that cannot be written raises OSError when the disk is at fault (`protocol.storage`).
    """

    def __init__(self, path: Path, today: Callable[[], datetime]) -> None:
        self._path = path
        self._today = today
        self._hasher = PasswordHasher()

    @property
    def chosen(self) -> bool:
        return self._find() is not None

    @staticmethod
    def acceptable(pin: str) -> bool:
        return PIN.fullmatch(pin) is not None

    async def choose(self, pin: str) -> None:
        """Raises ValueError when the PIN is not 6 to 12 digits."""
        if not self.acceptable(pin):
            raise ValueError("a PIN is 6 to 12 digits")
        self._write(_PinRecord(hash=await asyncio.to_thread(self._hasher.hash, pin)))

    def locked(self) -> Refusal | None:
        record = self._read()
        seconds = self._seconds_locked(record)
        return Refusal(0, seconds) if seconds else None

    async def refuses(self, pin: str) -> Refusal | None:
        """Tries a PIN. Returns None when it is right.

        A guess is counted on the disk before it is compared, so a power cut gains no guess.
        """
        record = self._read()
        if seconds := self._seconds_locked(record):
            return Refusal(0, seconds)
        wrong = record.wrong + 1
        guess = record.model_copy(
            update={"wrong": wrong, "locked_at": self._today() if wrong >= GUESSES else None}
        )
        self._write(guess)
        try:
            await asyncio.to_thread(self._hasher.verify, record.hash, pin)
        except VerifyMismatchError:
            return Refusal(max(GUESSES - wrong, 0), self._seconds_locked(guess))
        except VerificationError:
            raise self._damaged() from None
        self._write(_PinRecord(hash=record.hash))
        return None

    def _seconds_locked(self, record: _PinRecord) -> int:
        if record.locked_at is None:
            return 0
        length = min(FIRST_LOCK * 2 ** min(record.wrong - GUESSES, 16), LONGEST_LOCK)
        # A clock that is set back must not extend the lock.
        passed = max(self._today() - record.locked_at, timedelta(0))
        return max(int((length - passed).total_seconds() + 0.999), 0)

    def _read(self) -> _PinRecord:
        record = self._find()
        if record is None:
            # It was there a moment ago: without it nothing can be compared.
            raise self._damaged()
        return record

    def _find(self) -> _PinRecord | None:
        """Returns what the file holds, None when there is none."""
        try:
            content = read_if_there(self._path)
            if content is None:
                return None
            record = _PinRecord.model_validate_json(content)
            extract_parameters(record.hash)
        except OSError as error:
            raise FileUnusable(self._path, *cause_and_remedy(error)) from None
        except (ValidationError, InvalidHashError):
            # Without the cause, which quotes the hash.
            raise self._damaged() from None
        return record

    def _write(self, record: _PinRecord) -> None:
        try:
            write_private(self._path, record.model_dump_json().encode())
        except OSError as error:
            if storage_fault(error) is None:
                raise FileUnusable(self._path, *cause_and_remedy(error)) from None
            raise

    def _damaged(self) -> FileUnusable:
        return FileUnusable(
            self._path,
            f"The staff PIN in {self._path} is damaged.",
            "Restore the file from a backup, or remove it and choose a new PIN at once.",
        )
