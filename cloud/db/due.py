"""When something is due that is tried again after a pause, by a clock that may have been wrong."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute


def is_due(
    due_at: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    now: datetime,
    longest_pause_s: float,
) -> ColumnElement[bool]:
    """Returns the condition of rows that are due. One that would have to wait for longer than the
    longest pause was dated by a clock that was ahead, and is due too: otherwise it would wait until
    the clock has got there."""
    return or_(due_at <= now, due_at > now + timedelta(seconds=longest_pause_s))
