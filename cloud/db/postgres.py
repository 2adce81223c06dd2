"""PostgreSQL, asked by any number of processes at once.

What a transaction reads may change before it ends, unless it locks it (`cloud.db.locks`). What is
to happen once, across several transactions, is done in a turn, for which a connection of its own
holds a lock: it ends with the process, however that ends.

Nothing is overwritten when it is deleted: rows live on in the pages of tables until a vacuum, in
the write-ahead log, in replicas and in backups.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    create_engine,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import NullPool

from cloud.db.turns import Turns, TurnTaken, joined
from protocol.storage import StorageFault

log = logging.getLogger(__name__)

DIALECT = "postgresql"
DRIVER = f"{DIALECT}+psycopg"
"""What addresses of databases name."""
CONNECTIONS = 15
"""The largest number of connections of a process, beside that which holds its turns."""
LOCK_S = 5
"""How long a statement waits for a lock, in seconds."""
IDLE_S = 60
"""How long a transaction may be open without a statement, in seconds: none is open while the vault
or a provider is asked."""
BEAT_S = 5.0
"""After how long without a word a connection that listens is asked whether it is there, in
seconds."""
AGAIN_S = 0.2
"""By how much each pause is longer before a lost connection is made anew, in seconds."""
AWAY_S = 5.0
"""How long the pauses become, in seconds."""

_CONNECT = {
    "application_name": "palm-cloud",
    "connect_timeout": "10",
    "options": (
        f"-c lock_timeout={LOCK_S}s -c idle_in_transaction_session_timeout={IDLE_S}s"
        # Not the server's default, which its operator may have changed.
        " -c default_transaction_isolation=read\\ committed"
    ),
}
_LISTEN = {
    "application_name": "palm-cloud listening",
    # In milliseconds: a server that has vanished does not say so.
    "tcp_user_timeout": "5000",
}


class PostgresDatabase:
    """A database of a server (`cloud.context.Database`)."""

    is_for_deletions_only = False
    """The disk is the server's, and no room on it is kept."""
    copies = (
        "PostgreSQL keeps copies of deleted rows in its tables until a vacuum, in its write-ahead "
        "log, in replicas and in backups (docs/operating.md). Nothing of a person opens without "
        "their key."
    )

    def __init__(self, address: URL) -> None:
        self._address = address
        # Parameters may be personal: they must not appear in an error.
        self._engine = create_async_engine(
            address,
            hide_parameters=True,
            connect_args=_CONNECT,
            pool_size=CONNECTIONS,
            max_overflow=0,
        )
        self._alone = async_engine(address).execution_options(isolation_level="AUTOCOMMIT")
        self.session = async_sessionmaker(self._engine, class_=AsyncSession, expire_on_commit=False)
        """Opens a session; use it as `async with database.session() as session`."""
        self.reading = async_sessionmaker(
            self._engine.execution_options(postgresql_readonly=True), class_=AsyncSession
        )
        """Opens a session that writes nothing."""
        self._turns = Turns()
        self._held = _Held(self._alone.connect)

    @asynccontextmanager
    async def turn(self, *names: str) -> AsyncGenerator[None]:
        """Waits until nobody in this process has the turn of this name. Raises TurnTaken when
        another process has it."""
        async with self._turns.turn(*names):
            key = _key(names)
            if not await self._held.take(key):
                raise TurnTaken
            try:
                yield
            finally:
                await self._held.give_back(key)

    async def told(self, channel: str) -> AsyncGenerator[None]:
        """Yields once it listens to a channel, whenever something was told there, and after each
        beat. What is told while the connection is lost is not told again: it yields when there is
        another one."""
        from psycopg import Error  # noqa: PLC0415

        failed = 0
        while True:
            try:
                async with aclosing(self._listen(channel)) as heard:
                    async for _ in heard:
                        if failed:
                            log.info("%s are heard of again", channel)
                        failed = 0
                        yield
            except Error as error:
                if failed == 0:
                    log.warning("nothing is heard of %s: %s", channel, type(error).__name__)
            await asyncio.sleep(min(failed * AGAIN_S, AWAY_S))
            failed += 1

    async def _listen(self, channel: str) -> AsyncGenerator[None]:
        """Raises psycopg's Error when the connection is lost."""
        from psycopg import AsyncConnection  # noqa: PLC0415
        from psycopg.sql import SQL, Identifier  # noqa: PLC0415

        arguments, options = self._engine.dialect.create_connect_args(self._address)
        options = {**options, **_CONNECT, **_LISTEN}
        connection = await AsyncConnection.connect(*arguments, **options, autocommit=True)
        try:
            await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
            while True:
                yield
                notes = connection.notifies(timeout=BEAT_S, stop_after=1)
                if not [note async for note in notes]:
                    await connection.execute("SELECT 1")
                    await self._held.look()
        finally:
            await connection.close()

    async def tell(self, channel: str) -> None:
        """Nobody is told while the server is away."""
        await self._held.tell(channel)

    async def hold(self, *, alone: bool) -> bool:
        """Says that this process uses the database until it closes it, or that nobody else may who
        says so, when it is `alone`. Returns False when others do. Raises DBAPIError."""
        lock = func.pg_try_advisory_lock if alone else func.pg_try_advisory_lock_shared
        return await self._held.keep(lock(_key(("in use",))))

    async def forget_erased(self, *traces: str | bytes) -> None:
        """Does nothing: see the file."""

    async def rewrite(self) -> None:
        """Writes all rows anew, and nothing that lies between them. Nobody else can use the
        database meanwhile. Raises sqlalchemy's DatabaseError."""
        async with self._alone.connect() as connection:
            await connection.execute(text("VACUUM (FULL)"))

    def pieces(self, overlap: int) -> Iterator[bytes]:
        """Yields nothing: the files are the server's."""
        yield from ()

    async def answer(self) -> None:
        with suppress(DBAPIError):
            async with self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))

    def let_go(self, error: BaseException) -> bool:
        return False

    async def tidy_up(self) -> None:
        """Does nothing: the server tidies up by itself."""

    async def close(self) -> None:
        await self._held.close()
        await self._engine.dispose()
        await self._alone.dispose()


class _Held:
    """Locks that this process holds across transactions. They end with their connection."""

    def __init__(self, connect: Callable[[], Awaitable[AsyncConnection]]) -> None:
        self._connect = connect
        self._connection: AsyncConnection | None = None
        self._asking = asyncio.Lock()
        self._kept: Any = None
        """What takes the lock that a new connection takes first."""

    async def keep(self, taking: Any) -> bool:
        """Takes a lock for as long as the process goes on, whatever becomes of the connection.
        Returns whether nobody else had it. Raises sqlalchemy's DBAPIError."""
        is_taken = await self._ask(taking)
        if is_taken:
            self._kept = taking
        return is_taken

    async def look(self) -> None:
        """Looks whether the connection is there that has the lock which is kept. Where it is not,
        the next look makes another one, which takes the lock."""
        if self._kept is not None:
            await self._have_done(literal(1))

    async def take(self, key: ColumnElement[int]) -> bool:
        """Returns whether nobody else had the lock. Raises sqlalchemy's DBAPIError."""
        taking = asyncio.create_task(self._ask(func.pg_try_advisory_lock(key)))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            await asyncio.wait([taking])
            if taking.exception() is None and taking.result():
                await self.give_back(key)
            raise

    async def give_back(self, key: ColumnElement[int]) -> None:
        """Without the connection the lock has ended already."""
        await self._have_done(func.pg_advisory_unlock(key))

    async def tell(self, channel: str) -> None:
        """Tells whoever listens."""
        await self._have_done(func.pg_notify(channel, ""))

    async def _have_done(self, function: Any) -> None:
        doing = asyncio.create_task(self._ask(function))
        try:
            with suppress(DBAPIError):
                await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait([doing])
            raise

    async def close(self) -> None:
        async with self._asking:
            await self._let_go()

    async def _ask(self, function: Any) -> bool:
        async with self._asking:
            try:
                connection = self._connection
                if connection is None:
                    connection = self._connection = await self._connect()
                    if self._kept is not None:
                        await connection.scalar(select(self._kept))
                return bool(await connection.scalar(select(function)))
            except DBAPIError:
                await self._let_go()
                raise

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):
                await connection.close()


def advisory_lock(names: tuple[str, ...]) -> Executable:
    """Returns the statement that takes a lock until the transaction ends."""
    return select(func.pg_advisory_xact_lock(_key(names)))


def _key(names: tuple[str, ...]) -> ColumnElement[int]:
    """Returns the 64 bits by which PostgreSQL knows a lock. Two names may share a lock."""
    digest = sha256(joined(names).encode()).digest()
    return literal(int.from_bytes(digest[:8], signed=True), BigInteger())


def engine(address: URL) -> Engine:
    """Returns an engine for one connection at a time, which waits on the thread that asks."""
    return create_engine(address, hide_parameters=True, connect_args=_CONNECT, poolclass=NullPool)


def async_engine(address: URL) -> AsyncEngine:
    """Returns an engine for one connection at a time."""
    return create_async_engine(
        address, hide_parameters=True, connect_args=_CONNECT, poolclass=NullPool
    )


def dropping(connection: Connection) -> Sequence[str]:
    """Returns the statements that drop all tables and functions of a database, but those of
    extensions."""
    tables = (
        "SELECT format('DROP TABLE IF EXISTS %s CASCADE', c.oid::regclass) FROM pg_class c"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
    )
    functions = (
        "SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p"
        " WHERE p.prokind = 'f' AND p.pronamespace = current_schema()::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
    )
    return [*connection.scalars(text(tables)), *connection.scalars(text(functions))]


def rewrite(address: URL) -> None:
    """Writes all rows of a database anew that nobody uses. Raises sqlalchemy's DatabaseError."""
    alone = engine(address).execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection:
        connection.execute(text("VACUUM (FULL)"))


# https://www.postgresql.org/docs/current/errcodes-appendix.html

_STORAGE_FAULTS = {
    "53100": StorageFault.FULL,
    "25006": StorageFault.READ_ONLY,
    "58030": StorageFault.BROKEN,
    "XX001": StorageFault.BROKEN,
    "XX002": StorageFault.BROKEN,
}
REMEDIES = {
    StorageFault.FULL: "Make room on the disk of its server.",
    StorageFault.READ_ONLY: "It is a standby, or was made read-only. Name the server that takes "
    "changes, or have its operator look.",
    StorageFault.BROKEN: "Have the disk of its server checked, and restore it from a backup.",
}
"""What an operator does about each of these faults."""
_OVERTAKEN = {"40001", "40P01", "23503", "23505"}
"""Serialization failure, deadlock, and a foreign or unique key that somebody else has met first."""
_BUSY = {"53300", "55P03", "25P03"}
"""Too many connections, a lock that is not to be had in time, and a transaction that was idle."""
_AWAY = ("08", "57P")
"""How the codes begin of a server that is away, starts or stops."""


def storage_fault(error: BaseException) -> StorageFault | None:
    """Returns which fault of the server's disk made a statement fail, None for any other error."""
    return _STORAGE_FAULTS.get(_code(error) or "")


def was_overtaken(error: BaseException) -> bool:
    """Returns whether a statement failed because another transaction was quicker."""
    return _code(error) in _OVERTAKEN


def is_busy(error: BaseException) -> bool:
    """Returns whether a statement failed only because the server was busy or away for the
    moment."""
    code = _code(error)
    if code is None:
        return _is_ours(error) and isinstance(error, OperationalError)
    return code in _BUSY or code.startswith(_AWAY)


def said(error: DBAPIError) -> str | None:
    """Returns what the server has said, without the values that it quotes below; None when it was
    not PostgreSQL's driver that failed."""
    if not _is_ours(error):
        return None
    original: Any = error.orig
    return original.diag.message_primary or str(original).strip()


def _code(error: BaseException) -> str | None:
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlstate", None)
    return code if isinstance(code, str) else None


def _is_ours(error: BaseException) -> bool:
    """Returns whether an error is the driver's, which is loaded for PostgreSQL alone."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return type(original).__module__.partition(".")[0] == "psycopg"
