"""Locks of the database, which last until the transaction ends.

On SQLite a transaction that writes is alone, and these do nothing. On PostgreSQL any number are
open at once, and each statement sees what was committed before it (READ COMMITTED). A transaction
therefore locks what it reads in order to change it:

- a row, with `held` or `with_for_update(key_share=True)`: that of a person stands for everything
  about them (`cloud.keys.persons.find_person`), and that of an identification, an enrolment or a
  code for what it allows once;
- with `lock`, what has no row, such as the count of a limit.

Whoever meets a unique key or a deadlock instead was overtaken, and is done again
(`cloud.db.database.was_overtaken`).
"""

from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db import postgres
from cloud.db.tables import Table

Row = TypeVar("Row", bound=Table)


async def held(session: AsyncSession, table: type[Row], key: Any) -> Row | None:
    """Returns a row as it is now, None when there is none. Nobody else changes or deletes it before
    the transaction ends; they may refer to it."""
    how = {"key_share": True}
    return await session.get(table, key, populate_existing=True, with_for_update=how)


async def lock(session: AsyncSession, *names: str) -> None:
    """Waits until no other transaction has the lock of this name, and takes it until this one
    ends. The names may be secret."""
    if session.get_bind().dialect.name == postgres.DIALECT:
        await session.execute(postgres.advisory_lock(names))
