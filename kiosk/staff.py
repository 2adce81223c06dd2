"""The staff PIN: it is chosen at first use, and locked for longer with every wrong guess."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from pydantic import AwareDatetime, BaseModel

from protocol.files import write_private

GUESSES = 3
"""The number of wrong guesses before the first lock."""
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(hours=8)
PIN = re.compile(r"[0-9]{6,12}")


class _PinRecord(BaseModel):
    hash: str
    wrong: int = 0
    locked_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a wrong PIN. `locked_for` is in seconds, 0 when another guess is allowed."""

    guesses_left: int
    locked_for: int


class StaffPin:
    """Keeps the PIN's Argon2id hash and the number of wrong guesses in a file, so that a restart
    does not end a lock. `today` returns date and time."""

    def __init__(self, path: Path, today: Callable[[], datetime]) -> None:
        self._path = path
        self._today = today
        self._hasher = PasswordHasher()

    @property
    def chosen(self) -> bool:
        return self._path.exists()

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
        return _PinRecord.model_validate_json(self._path.read_bytes())

    def _write(self, record: _PinRecord) -> None:
        write_private(self._path, record.model_dump_json().encode())
