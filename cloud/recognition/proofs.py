"""Proofs: guesses by which somebody claims to be a certain person, with digits, a one-time code or
a palm.

Each guess is counted before it is compared, against the accounts that it is about and against the
device. A guess that was right is taken back. So whoever guesses is stopped after the same number of
wrong guesses, whatever the guesses are compared with.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.policy import Limits
from cloud.web import limits
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess that is counted and may now be compared."""

    subjects: frozenset[str]
    """The accounts that it may be compared with."""
    counted: tuple[limits.Counted, ...]

    async def was_right(self, session: AsyncSession) -> None:
        """Takes the guess back."""
        for event in self.counted:
            await event.take_back(session)


async def count_guess(call: Call, subjects: Collection[str]) -> Guess:
    """Counts a guess about one of `subjects`, which are ids of people or, for a number without an
    account, its lookup.

    Subjects that have reached their limit are left out of the guess. Raises Refusal when none is
    left, and when the device has reached its limit; nothing is counted then.
    """
    await limits.check(call.session, Limits.FAILED_PROOFS_BY_DEVICE, call.device_id, call.now)
    open_subjects: list[str] = []
    refusal: Refusal | None = None
    for subject in subjects:
        try:
            await limits.check(call.session, Limits.FAILED_PROOFS, subject, call.now)
        except Refusal as locked:
            refusal = locked
        else:
            open_subjects.append(subject)
    if refusal is not None and not open_subjects:
        raise refusal
    counted = [
        limits.tally(call.session, Limits.FAILED_PROOFS_BY_DEVICE, call.device_id, call.now),
        *(
            limits.tally(call.session, Limits.FAILED_PROOFS, subject, call.now)
            for subject in open_subjects
        ),
    ]
    return Guess(frozenset(open_subjects), tuple(counted))
