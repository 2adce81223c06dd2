"""Accounts that nobody uses: when each was used last, whom to tell of their deletion, and whom to
delete.

A person is told twice, and deleted at the end of the time without use. Each step needs the clock to
have come that far, and a number of daily runs since the step before: a clock that steps forward
makes one run more, and not the days that it has skipped. What was written while the clock was ahead
is corrected after as many runs.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import held
from cloud.keys.persons import OpenPerson
from cloud.messages.length import with_name
from cloud.people.tables import ActivityRow, InactivityRun
from cloud.policy import BOOKKEEPING, LAST_NOTICE, NOTICE, RUNS_BETWEEN, TOLD_EARLIER

A_DAY = timedelta(days=1)
_SLACK = timedelta(days=3)
"""By how much a day may move when months are added to it, since they are of different lengths."""


class Step(Enum):
    """What is to be done next about an account that nobody uses."""

    TELL = auto()
    TELL_AGAIN = auto()
    DELETE = auto()


def ends_at(used_at: datetime, months: int) -> datetime:
    """Returns when an account that was used last at this time may be deleted."""
    years, month = divmod(used_at.month - 1 + months, 12)
    year = used_at.year + years
    day = min(used_at.day, monthrange(year, month + 1)[1])
    return used_at.replace(year=year, month=month + 1, day=day)


# Uses


async def begin(session: AsyncSession, person: OpenPerson, now: datetime) -> None:
    """Begins the time of a person who has signed up."""
    used_at = await _not_before_the_last_runs(session, now)
    session.add(ActivityRow(person_id=person.person_id, used_at=used_at))


async def note_use(session: AsyncSession, person: OpenPerson, now: datetime) -> None:
    """Begins the time of a person anew, who was recognised or has signed in."""
    row = await session.get_one(ActivityRow, person.person_id)
    row.used_at = max(row.used_at, await _not_before_the_last_runs(session, now))
    _forget_told(row)


async def activity_of(session: AsyncSession, person: OpenPerson) -> ActivityRow:
    return await session.get_one(ActivityRow, person.person_id)


async def _not_before_the_last_runs(session: AsyncSession, now: datetime) -> datetime:
    """Returns the time, or a later one when the clock is behind what it has shown in a run."""
    return max([now, *(run.began_at for run in await latest_runs(session, RUNS_BETWEEN))])


def _forget_told(row: ActivityRow) -> None:
    row.told_at = row.told_run = row.told_again_at = row.told_again_run = None


# Steps


async def candidates(session: AsyncSession, now: datetime, months: int) -> Sequence[str]:
    """Returns the people about whom something may be to be done, who were told first or have waited
    longest."""
    latest = ends_at(now + NOTICE + TOLD_EARLIER, -months) + _SLACK
    rows = await session.scalars(
        select(ActivityRow.person_id)
        .where(ActivityRow.used_at <= latest)
        .order_by(ActivityRow.told_at.is_(None), ActivityRow.told_at, ActivityRow.used_at)
    )
    return rows.all()


async def next_step(
    session: AsyncSession, row: ActivityRow, now: datetime, months: int
) -> Step | None:
    """Returns what is to be done about a person now; None when nothing is."""
    end = ends_at(row.used_at, months)
    if row.told_at is None or row.told_run is None:
        return Step.TELL if now >= end - NOTICE - TOLD_EARLIER else None
    if row.told_again_at is None or row.told_again_run is None:
        since, run, pause = row.told_at, row.told_run, NOTICE - LAST_NOTICE
        due, step = end - LAST_NOTICE - TOLD_EARLIER, Step.TELL_AGAIN
    else:
        since, run, pause = row.told_again_at, row.told_again_run, LAST_NOTICE
        due, step = end, Step.DELETE
    if now < due or now < since + pause:
        return None
    return step if await _days_passed(session, run, now) >= RUNS_BETWEEN else None


async def _days_passed(session: AsyncSession, since_run: int, now: datetime) -> int:
    """Returns how many runs have begun since a run, each a day later at least than the last one
    counted. Each time that a clock steps forward, it gains one."""
    began = await session.scalars(
        select(InactivityRun.began_at)
        .where(InactivityRun.id >= since_run, InactivityRun.began_at <= now)
        .order_by(InactivityRun.id)
    )
    passed, last = 0, None
    for at in began:
        if last is None:
            last = at
        elif at >= last + A_DAY:
            passed, last = passed + 1, at
    return passed


async def note_told(session: AsyncSession, told: ActivityRow, run_id: int, now: datetime) -> None:
    """Notes that a message was handed over to a person about whom this was known. One who has used
    the account meanwhile was told in vain."""
    row = await held(session, ActivityRow, told.person_id)
    if row is None or row.used_at != told.used_at:
        return
    if row.told_at is None:
        row.told_at, row.told_run = now, run_id
    else:
        row.told_again_at, row.told_again_run = now, run_id


def warning(merchant: str, until: datetime) -> str:
    """Returns the message that an account will be deleted."""
    day = f"{until.day} {until:%B %Y}"
    return with_name(
        merchant,
        lambda name: (
            f"{name}: you have not used your palm for a long time. Use it before {day}, or your "
            "account and your palms will be deleted."
        ),
    )


def farewell(merchant: str, receipt_id: str) -> str:
    """Returns the message that an account was deleted."""
    return with_name(
        merchant,
        lambda name: (
            f"{name}: your account and palms are deleted, as you were told. The number of your "
            f"receipt: {receipt_id}"
        ),
    )


def promised_to(row: ActivityRow, now: datetime, months: int) -> datetime:
    """Returns until when a person who is told now is promised to keep the account. It is a day
    before the end: a clock that steps forward once deletes nobody before."""
    notice = NOTICE if row.told_at is None else LAST_NOTICE
    return max(ends_at(row.used_at, months) - A_DAY, now + notice)


# Runs


async def begin_run(session: AsyncSession, now: datetime) -> InactivityRun:
    """Notes that a run has begun."""
    run = InactivityRun(began_at=now, told=0, deleted=0, failed=0)
    session.add(run)
    await session.flush()
    return run


async def latest_runs(session: AsyncSession, count: int) -> Sequence[InactivityRun]:
    """Returns the runs that began last, the newest first. The clock may not agree with their
    order."""
    rows = await session.scalars(
        select(InactivityRun).order_by(InactivityRun.id.desc()).limit(count)
    )
    return rows.all()


async def mend_times(session: AsyncSession, now: datetime) -> None:
    """Corrects what was written while the clock was ahead, once it has been right for some runs:
    who used their account then has used it by now, and who was told then is told again."""
    if any(run.began_at > now for run in await latest_runs(session, RUNS_BETWEEN)):
        return
    for row in await session.scalars(
        select(ActivityRow).where((ActivityRow.told_at > now) | (ActivityRow.told_again_at > now))
    ):
        _forget_told(row)
    await session.execute(update(ActivityRow).where(ActivityRow.used_at > now).values(used_at=now))


async def waiting(session: AsyncSession) -> tuple[int, int]:
    """Returns how many people were told once, and how many twice, of those who are there."""
    counted = await session.execute(
        select(func.count(ActivityRow.told_at), func.count(ActivityRow.told_again_at))
    )
    once, twice = counted.one()
    return once - twice, twice


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes the evidence of runs that is too old. Returns whether there was any."""
    deleted = await session.execute(
        delete(InactivityRun)
        .where(InactivityRun.began_at <= now - BOOKKEEPING)
        .returning(InactivityRun.id)
    )
    return deleted.first() is not None
