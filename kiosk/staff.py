"""The staff PIN: it is chosen at first use, and locked for longer with every wrong guess.

Anybody can reach the kiosk and guess, so a lock never keeps staff out for longer than some minutes,
and whoever may write to the state folder can set a new PIN at any time (`kiosk.commands`).
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerificationError, VerifyMismatchError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from kiosk.faults import FileUnusable
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy, storage_fault

GUESSES = 3
"""The number of wrong guesses before the first lock."""
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(minutes=5)
"""At this rate, a tenth of all PINs of six digits takes a year of guessing without a break."""
PIN = re.compile(r"[0-9]{6,12}")
FEWEST_DIGITS = 4
"""A PIN of fewer different digits is easy to guess."""
LONGEST_RUN = 4
"""More digits in a row with the same step, such as 1 2 3 4 5, are easy to guess."""


def easy_to_guess(pin: str) -> bool:
    """Returns whether digits repeat or follow a pattern, as in 111222, 123456, 121212, 112233 or
    147258 (a pattern on the keys)."""
    digits = [int(digit) for digit in pin]
    runs = [digits[at : at + LONGEST_RUN + 1] for at in range(len(digits) - LONGEST_RUN)]
    in_turn = [digits[::2], digits[1::2]]
    in_threes = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return (
        len(set(digits)) < FEWEST_DIGITS
        or pin in (pin + pin)[1:-1]
        or any(_evenly_spaced(run) for run in runs)
        or all(_evenly_spaced(part) for part in in_turn)
        or all(_evenly_spaced(part) for part in in_threes)
    )


def _evenly_spaced(digits: Sequence[int]) -> bool:
    """Returns whether each digit is the same step away from the one before; 9 is followed by 0."""
    return len({(after - before) % 10 for before, after in pairwise(digits)}) <= 1


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

    def __init__(self, file: SealedPath, today: Callable[[], datetime]) -> None:
        self._file = file
        self._today = today
        self._hasher = PasswordHasher()

    @classmethod
    def of(cls, files: SealedPath, today: Callable[[], datetime]) -> "StaffPin":
        """Returns the PIN of the kiosk with this state folder."""
        return cls(files / "staff.json", today)

    @property
    def chosen(self) -> bool:
        return self._find() is not None

    @staticmethod
    def acceptable(pin: str) -> bool:
        """Returns whether the PIN is 6 to 12 digits and not easy to guess."""
        return PIN.fullmatch(pin) is not None and not easy_to_guess(pin)

    async def choose(self, pin: str) -> None:
        """Replaces the PIN and ends a lock. Raises ValueError when it is not acceptable."""
        if not self.acceptable(pin):
            raise ValueError("a PIN is 6 to 12 digits that are not easy to guess")
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
        return max(int((length - (self._today() - record.locked_at)).total_seconds() + 0.999), 0)

    def _read(self) -> _PinRecord:
        record = self._find()
        if record is None:
            # It was there a moment ago: without it nothing can be compared.
            raise self._damaged()
        if record.locked_at is not None and record.locked_at > (now := self._today()):
            # The clock was set back. The lock begins anew: it would last until that time otherwise.
            record = record.model_copy(update={"locked_at": now})
            self._write(record)
        return record

    def _find(self) -> _PinRecord | None:
        """Returns what the file holds, None when there is none."""
        try:
            content = self._file.read()
            if content is None:
                return None
            record = _PinRecord.model_validate_json(content)
            extract_parameters(record.hash)
        except OSError as error:
            raise FileUnusable(self._file.path, *cause_and_remedy(error)) from None
        except ValueError:
            # Without the cause, which quotes the hash.
            raise self._damaged() from None
        return record

    def _write(self, record: _PinRecord) -> None:
        try:
            self._file.write(record.model_dump_json().encode())
        except OSError as error:
            if storage_fault(error) is None:
                raise FileUnusable(self._file.path, *cause_and_remedy(error)) from None
            raise

    def _damaged(self) -> FileUnusable:
        return FileUnusable(
            self._file.path,
            f"The staff PIN in {self._file.path} is damaged.",
            "Restore the file from a backup, or remove it and choose a new PIN at once.",
        )
