"""Counts the rows that a session deletes, whoever writes the statements."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult
from sqlalchemy.event import listen, remove
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState


@dataclass(slots=True)
class Deleted:
    rows: int = 0


@contextmanager
def counting(session: AsyncSession) -> Generator[Deleted]:
    """Yields how many rows the statements of a session have deleted since the block began. Rows
    that go with them by a foreign key are not counted."""
    deleted = Deleted()

    def count(state: ORMExecuteState) -> Any:
        if not state.is_delete:
            return None
        result: Any = state.invoke_statement()
        if isinstance(result, CursorResult) and not result.returns_rows:
            deleted.rows += max(result.rowcount, 0)
            return result
        frozen = result.freeze()
        deleted.rows += len(frozen.data)
        return frozen()

    listen(session.sync_session, "do_orm_execute", count)
    try:
        yield deleted
    finally:
        remove(session.sync_session, "do_orm_execute", count)
