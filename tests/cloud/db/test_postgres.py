"""What the service asks of PostgreSQL, of a real one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, closing, suppress

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db import migration, postgres
from cloud.db.database import (
    DatabaseUnusable,
    cause_of,
    has_rows,
    is_busy,
    is_used,
    only_value,
    server_at,
    shown,
    storage_fault,
    was_overtaken,
)
from cloud.db.locks import held, lock
from cloud.db.postgres import PostgresDatabase
from cloud.db.tables import Table
from cloud.db.turns import TurnTaken
from cloud.keys.tables import Person
from protocol.storage import StorageFault
from tests.cloud.db.test_migrations import goes_there_and_back
from tests.support.postgres import migrated, server

pytestmark = [pytest.mark.process, pytest.mark.anyio]

_END_ALL_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def address(request: pytest.FixtureRequest) -> URL:
    """A database of the newest revision that no other test uses."""
    return migrated(f"db-{request.node.name}"[:60])


@pytest.fixture
def connection(address: URL) -> Iterator[Connection]:
    engine = postgres.engine(address)
    with engine.connect() as connection:
        yield connection


@pytest.fixture
async def database(address: URL) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(address)
    yield database
    await database.close()


@pytest.fixture
async def another(address: URL) -> AsyncIterator[PostgresDatabase]:
    """The same database, as another process has it."""
    database = PostgresDatabase(address)
    yield database
    await database.close()


# Addresses


@pytest.mark.parametrize("address", ["palms.db", "sqlite:///palms.db", "postgresql+psycopg2://h/d"])
def test_what_is_no_database_of_postgresql_is_refused(address: str):
    with pytest.raises(DatabaseUnusable, match=r"names no database of PostgreSQL\. Write it like"):
        server_at(address)


def test_an_address_names_its_database():
    with pytest.raises(DatabaseUnusable, match="which database of the server"):
        server_at("postgresql://db.example.com")
    short, whole = server_at("postgresql://palm@h/d"), server_at("postgresql+psycopg://palm@h/d")
    assert short == whole


def test_an_operator_is_shown_no_password():
    assert "secret" not in shown(server_at("postgresql://palm:secret@db.example.com/palm"))


# Migrations


def test_the_migrations_make_the_tables_the_service_expects(connection: Connection):
    assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_a_database_that_is_new_holds_nothing_of_a_service(address: URL):
    assert not is_used(address)
    assert not has_rows(address, "receipts")
    assert only_value(address, "arrivals", "joined") == 0
    assert only_value(address, "no_such_table", "joined") is None


def test_migrating_again_changes_nothing(address: URL):
    migration.migrate(address)
    migration.migrate(address, alone=False)
    assert "already" in migration.try_migration(address)


def test_a_database_of_a_newer_version_or_of_another_program_is_left_alone(address: URL):
    with closing(postgres.engine(address).connect()) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnusable, match="newer version"):
        migration.migrate(address)
    with closing(postgres.engine(address).connect()) as connection, connection.begin():
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(DatabaseUnusable, match="another program"):
        migration.migrate(address)


def test_pictures_and_digits_have_a_way_back():
    engine = postgres.engine(server().make("db-back"))
    with engine.begin() as connection:
        migration.upgrade(connection, "0034")
        goes_there_and_back(connection)


def test_a_migration_that_fails_half_way_changes_nothing_and_says_why():
    """A function that is there already is an obstacle at one of its steps."""
    address = server().make("db-obstacle")
    engine = postgres.engine(address)
    with engine.begin() as connection:
        connection.execute(text("CREATE FUNCTION ledger_is_append_only() RETURNS int RETURN 1"))
    with pytest.raises(DatabaseUnusable, match=r"0011_ledger\.py, line .*It is as it was"):
        migration.migrate(address)
    with engine.connect() as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.scalar(text(tables)) == 0


def test_the_ledger_is_append_only_as_long_as_its_purchase_is_kept(connection: Connection):
    merchant = "INSERT INTO merchants (id, name, country, currency) VALUES ('m', '', 'US', 'USD')"
    connection.execute(text(merchant))
    connection.execute(
        text(
            "INSERT INTO purchases (id, merchant_id, device_id, reference, amount_minor, currency,"
            " card_brand, card_last4, outcome, at)"
            " VALUES ('p', 'm', 'd', 'r', 1250, 'USD', 'visa', '4242', 'approved', 1)"
        )
    )
    connection.execute(
        text(
            "INSERT INTO ledger (merchant_id, purchase_id, kind, subject, debit, credit, minor,"
            " currency, at) VALUES ('m', 'p', 'sale', 'p', 'a', 'b', 1250, 'USD', 1)"
        )
    )
    connection.commit()
    for statement in ("UPDATE ledger SET minor = 1", "DELETE FROM ledger"):
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))
        connection.rollback()
    connection.execute(text("DELETE FROM purchases"))
    connection.execute(text("DELETE FROM ledger"))
    connection.commit()


# Locks and turns


async def reaches(work: Callable[[], Awaitable[object]], session: AsyncSession) -> bool:
    """Returns whether work in a session gets what another has at once."""
    await session.execute(text("SET LOCAL lock_timeout = '1ms'"))
    try:
        await work()
    except DBAPIError as error:
        await session.rollback()
        if was_overtaken(error) or not is_busy(error):
            raise
        return False
    return True


async def test_a_lock_lasts_until_its_transaction_ends(
    database: PostgresDatabase, another: PostgresDatabase
):
    async with database.session() as first, another.session() as second:
        await lock(first, "limit", "codes", "+14155550000")
        assert await reaches(lambda: lock(second, "limit", "codes", "+14155550001"), second)
        assert not await reaches(lambda: lock(second, "limit", "codes", "+14155550000"), second)
        await first.commit()
        assert await reaches(lambda: lock(second, "limit", "codes", "+14155550000"), second)


async def test_a_row_that_is_held_is_nobody_elses_and_can_be_referred_to(
    database: PostgresDatabase, another: PostgresDatabase
):
    async with database.session() as first, another.session() as second:
        first.add(Person(id="person_1", wrapped_key=b"key"))
        await first.commit()
        assert await held(first, Person, "person_1")
        assert not await reaches(lambda: held(second, Person, "person_1"), second)
        added = "INSERT INTO activity (person_id, used_at) VALUES ('person_1', 1)"
        assert await reaches(lambda: second.execute(text(added)), second)
        await second.rollback()
        await first.delete(await first.get_one(Person, "person_1"))
        await first.commit()
        assert await held(second, Person, "person_1") is None


async def test_a_turn_is_taken_by_one_process_across_its_transactions(
    database: PostgresDatabase, another: PostgresDatabase
):
    async with database.turn("settle", "purchase"):
        async with another.turn("settle", "another purchase"):
            pass
        with pytest.raises(TurnTaken) as taken:
            async with another.turn("settle", "purchase"):
                pass
        assert is_busy(taken.value)
    async with another.turn("settle", "purchase"):
        pass


async def test_a_turn_ends_with_its_process(database: PostgresDatabase, another: PostgresDatabase):
    async with database.turn("settle", "purchase"):
        await database.close()
        # The server notices a moment later that nobody is there any more.
        taken = True
        while taken:
            with suppress(TurnTaken):
                async with another.turn("settle", "purchase"):
                    taken = False


async def test_a_service_that_nobody_asks_says_again_that_it_uses_a_database_that_was_away(
    database: PostgresDatabase,
    another: PostgresDatabase,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(postgres, "BEAT_S", 0.05)
    assert await database.hold(alone=False)
    async with aclosing(database.told("anything")) as tellings:
        await anext(tellings)
        connection.execute(text(_END_ALL_OTHERS))
        # It listens again, notices that the lock is gone, and has it again.
        for _ in range(4):
            await anext(tellings)
        assert not await another.hold(alone=True)


async def test_who_waits_for_a_turn_in_one_process_gets_it_afterwards(database: PostgresDatabase):
    order: list[str] = []

    async def enter(name: str) -> None:
        async with database.turn("settle", "purchase"):
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(enter("first"), enter("second"))
    assert order == ["first", "first", "second", "second"]


async def test_who_is_cancelled_while_entering_a_turn_does_not_have_it(
    database: PostgresDatabase, another: PostgresDatabase
):
    async def enter() -> None:
        async with database.turn("settle", "purchase"):
            await asyncio.Event().wait()

    entering = asyncio.create_task(enter())
    await asyncio.sleep(0)
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    async with another.turn("settle", "purchase"):
        pass


# Faults


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (psycopg.errors.DiskFull, StorageFault.FULL),
        (psycopg.errors.ReadOnlySqlTransaction, StorageFault.READ_ONLY),
        (psycopg.errors.IoError, StorageFault.BROKEN),
        (psycopg.errors.DataCorrupted, StorageFault.BROKEN),
    ],
)
def test_what_is_wrong_with_the_disk_of_the_server_is_told(
    error: type[psycopg.Error], fault: StorageFault
):
    assert storage_fault(DBAPIError.instance("INSERT", {}, error(), psycopg.Error)) is fault


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.AdminShutdown,
        psycopg.errors.CannotConnectNow,
        psycopg.errors.TooManyConnections,
        psycopg.OperationalError,
    ],
)
def test_a_server_that_is_away_is_asked_again(error: type[psycopg.Error]):
    wrapped = DBAPIError.instance("SELECT", {}, error(), psycopg.Error)
    assert is_busy(wrapped)
    assert cause_of(wrapped).endswith("the database is busy")


async def test_who_meets_a_key_that_another_has_written_was_overtaken(database: PostgresDatabase):
    async with database.session() as session:
        session.add(Person(id="person_1", wrapped_key=b"key"))
        await session.commit()
    async with database.session() as session:
        session.add(Person(id="person_1", wrapped_key=b"key"))
        with pytest.raises(DBAPIError) as raised:
            await session.flush()
    assert was_overtaken(raised.value)
    assert "person_1" not in cause_of(raised.value)
