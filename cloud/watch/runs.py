"""When each job of housekeeping was done last, how much it has deleted, and why it has failed."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import lock
from cloud.seen import Ran
from cloud.watch.tables import JobRow


async def write(session: AsyncSession, ran: Mapping[str, Ran], now: datetime) -> None:
    """Adds what has become of jobs."""
    if not ran:
        return
    await lock(session, "job runs")
    for name, run in ran.items():
        row = await session.get(JobRow, name)
        if row is None:
            row = JobRow(name=name, removed=0, removed_in_all=0, failures=0)
            session.add(row)
        if run.removed:
            row.removed, row.removed_at = run.removed, now
            row.removed_in_all += run.removed
        if run.failed:
            row.failures += run.failed
            row.failed_at = now
        if run.fault is None:
            row.done_at = now
        row.fault = run.fault


async def all_runs(session: AsyncSession) -> dict[str, JobRow]:
    """Returns what is known of each job, by its name."""
    return {row.name: row for row in await session.scalars(select(JobRow))}
