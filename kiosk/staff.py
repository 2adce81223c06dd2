"""The staff PIN: chosen at first use, and locked for longer with every wrong guess."""

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
"""Wrong entries before the first lock."""
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(hours=8)
PIN = re.compile(r"[0-9]{6,12}")


class _Kept(BaseModel):
    hash: str
    wrong: int = 0
    locked_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A PIN that does not open. `locked_for` is in seconds, 0 when another may be tried now."""

    guesses_left: int
    locked_for: int


class StaffPin:
    """Keeps the PIN's Argon2id hash and the wrong guesses in a file, so that a restart opens
    nothing. `today` tells the date and time."""

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
        self._keep(_Kept(hash=await asyncio.to_thread(self._hasher.hash, pin)))

    def locked(self) -> Refusal | None:
        kept = self._read()
        seconds = self._seconds_locked(kept)
        return Refusal(0, seconds) if seconds else None

    async def refuses(self, pin: str) -> Refusal | None:
        """Tries a PIN; None means that it opens.

        A guess is counted on the disk before it is judged, so pulling the plug gains none.
        """
        kept = self._read()
        if seconds := self._seconds_locked(kept):
            return Refusal(0, seconds)
        wrong = kept.wrong + 1
        guess = kept.model_copy(
            update={"wrong": wrong, "locked_at": self._today() if wrong >= GUESSES else None}
        )
        self._keep(guess)
        try:
            await asyncio.to_thread(self._hasher.verify, kept.hash, pin)
        except VerifyMismatchError:
            return Refusal(max(GUESSES - wrong, 0), self._seconds_locked(guess))
        self._keep(_Kept(hash=kept.hash))
        return None

    def _seconds_locked(self, kept: _Kept) -> int:
        if kept.locked_at is None:
            return 0
        length = min(FIRST_LOCK * 2 ** min(kept.wrong - GUESSES, 16), LONGEST_LOCK)
        # A clock set back must not lock for longer than the lock is long.
        passed = max(self._today() - kept.locked_at, timedelta(0))
        return max(int((length - passed).total_seconds() + 0.999), 0)

    def _read(self) -> _Kept:
        return _Kept.model_validate_json(self._path.read_bytes())

    def _keep(self, kept: _Kept) -> None:
        write_private(self._path, kept.model_dump_json().encode())
