"""Rows on several servers: what a distributed engine would do with the service's statements.

Citus is not to be had here. It is stood in for by two servers of PostgreSQL and a database that has
their tables as partitions (`postgres_fdw`): a statement about one person goes to the server that
has them, as Citus's router sends it, and the newest of all servers are found among the newest of
each, as Citus pushes a limit down. docs/scale.md says which table is distributed by what, and what
has to change for it.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, Select, UniqueConstraint, event, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import CreateIndex, CreateTable

import cloud.app  # noqa: F401 - it knows every table
from bench.enrolled import TEXT, rows_of
from cloud.db import postgres
from cloud.db.postgres import PostgresDatabase
from cloud.db.tables import Table, new_id
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import find_person, still_there
from cloud.merchants.tables import FIRST, MerchantRow, SiteRow
from cloud.payments import sales
from cloud.payments.cards import cards_of
from cloud.payments.tables import PurchaseRow
from cloud.people.accounts import frozen_since, profile_of
from cloud.people.agreements import agreements_of
from cloud.people.inactivity import activity_of
from cloud.people.tables import ActivityRow, ConsentTextRow
from cloud.recognition.palms import codes_of, palms_of
from cloud.recognition.tables import PalmRow
from palm.search.protection import SEARCH_CODE_BYTES, ProtectedTemplate
from tests.support.postgres import another, server

DOCUMENT = Path(__file__).parents[2] / "docs" / "scale.md"

PEOPLE = 24
MERCHANTS = ("one", "another", "a third")
SHARDS = ("shard_0", "shard_1")
MASTER = MasterKey(bytes(32))

BY_PERSON, BY_MERCHANT, BY_DEVICE, BY_SUBJECT = "person_id", "merchant_id", "device_id", "subject"
DISTRIBUTED = {
    "persons": "id",
    **dict.fromkeys(
        (
            "access",
            "accounts",
            "activity",
            "ages",
            "agreements",
            "alerts",
            "begun",
            "card_pages",
            "cards",
            "consents",
            "enrolments",
            "entries",
            "kept_palms",
            "mails",
            "memberships",
            "number_changes",
            "palms",
            "passkeys",
            "presences",
            "refused_uses",
            "sessions",
            "tickets",
        ),
        BY_PERSON,
    ),
    **dict.fromkeys(
        ("ledger", "purchases", "refunds", "webhook_events"),
        BY_MERCHANT,
    ),
    **dict.fromkeys(("answers", "challenges", "claims", "identifications", "nonces"), BY_DEVICE),
    "candidates": "identification_id",
    "codes": BY_SUBJECT,
    "tallies": BY_SUBJECT,
}
"""Each table that grows with what people do, and the column by which its rows are distributed."""
ON_EACH = ("merchants", "sites", "consent_texts", "devices")
"""Tables of which each server has all rows (Citus's reference tables)."""
MADE = ("accounts", "activity", "agreements", "cards", "consents", "palms", "persons", "purchases")
"""Those that are really distributed here."""


# What a distribution asks of the tables


def together(constraint: ForeignKeyConstraint) -> bool:
    """Returns whether a row and the one that it refers to are always on the same server."""
    if constraint.referred_table.name in ON_EACH:
        return True
    here = DISTRIBUTED.get(constraint.table.name)
    there = DISTRIBUTED.get(constraint.referred_table.name)
    pairs = {(each.parent.name, each.column.name) for each in constraint.elements}
    return (here, there) in pairs


def keys_without_the_column() -> Iterator[str]:
    """Yields the unique keys that a distributed engine cannot keep: two servers would have to know
    of each other's rows."""
    for name, column in DISTRIBUTED.items():
        table = Table.metadata.tables[name]
        for key in (table.primary_key, *table.constraints):
            is_key = key is table.primary_key or isinstance(key, UniqueConstraint)
            if is_key and column not in key.columns:  # pyright: ignore[reportAttributeAccessIssue]
                yield str(key.name or f"pk_{name}")


def references_between_servers() -> Iterator[str]:
    """Yields the references whose two rows may be on different servers."""
    for name in DISTRIBUTED:
        for constraint in Table.metadata.tables[name].foreign_key_constraints:
            if not together(constraint):
                yield str(constraint.name)


def test_the_document_names_each_key_and_reference_that_a_distribution_changes():
    told = DOCUMENT.read_text(encoding="utf-8")
    changed = {*keys_without_the_column(), *references_between_servers()}
    assert {name for name in changed if f"`{name}`" not in told} == set()


def test_every_table_that_grows_is_distributed_by_a_column_that_has_a_value_and_keeps_it():
    nullable = {
        name
        for name, column in DISTRIBUTED.items()
        if Table.metadata.tables[name].columns[column].nullable
    }
    assert nullable == set()


# Two servers, and one database that knows both


@dataclass(frozen=True)
class Joined:
    """The database that has the tables of both servers."""

    address: URL

    def done(self, work: Callable[[AsyncSession], Awaitable[object]], path: str = "public") -> Any:
        """Has work done in a transaction, and returns its result and the plan of each of its
        statements. `path` is the schema whose tables it sees: those of all servers, or of one."""
        asked: list[tuple[str, Any]] = []

        async def do() -> Any:
            database = PostgresDatabase(self.address)
            engine: Any = database.session.kw["bind"].sync_engine

            def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
                asked.append((statement, values))

            async with database.session() as session:
                await session.execute(text(f"SET LOCAL search_path = {path}"))
                event.listen(engine, "before_cursor_execute", note)
                result = await work(session)
                event.remove(engine, "before_cursor_execute", note)
            await database.close()
            return result

        result = asyncio.run(do())
        return result, [self.plan(statement, values, path) for statement, values in asked]

    def plan(self, statement: str, values: Any = None, path: str = "public") -> str:
        with postgres.engine(self.address).connect() as connection:
            connection.exec_driver_sql("SET enable_partitionwise_join = on")
            connection.exec_driver_sql(f"SET search_path = {path}")
            explain = f"EXPLAIN (VERBOSE, COSTS OFF) {statement}"
            return "\n".join(connection.exec_driver_sql(explain, values).scalars())

    def all(self, statement: str) -> Sequence[Any]:
        with postgres.engine(self.address).connect() as connection:
            return connection.exec_driver_sql(statement).all()

    def shard_of(self, table: str, column: str, value: str) -> str:
        """Returns which server has a row."""
        found = f"SELECT tableoid::regclass FROM {table} WHERE {column} = '{value}' LIMIT 1"
        (row,) = self.all(found)
        return str(row[0]).partition(".")[0]


def asked_of(plan: str) -> set[str]:
    """Returns the servers that a plan asks."""
    return set(re.findall(r"\b(shard_\d)\.", plan))


def remote(plan: str) -> list[str]:
    """Returns what the servers are asked."""
    return re.findall(r"Remote SQL: (.*)", plan)


@pytest.fixture(scope="module")
def joined() -> Generator[Joined]:
    with another() as second:
        shards = [server().make("shard-0"), second.make("shard-1")]
        for address in shards:
            _make_tables(address)
        whole = server().make("joined")
        _join(whole, shards)
        _fill(whole)
        yield Joined(whole)


def _make_tables(address: URL) -> None:
    with postgres.engine(address).begin() as connection:
        for table in Table.metadata.sorted_tables:
            if table.name not in (*MADE, *ON_EACH):
                continue
            kept = [each for each in table.foreign_key_constraints if together(each)]
            connection.execute(CreateTable(table, include_foreign_key_constraints=kept))
            for index in table.indexes:
                connection.execute(CreateIndex(index))
        connection.execute(insert(ConsentTextRow).values(digest=TEXT, text="{}"))
        for name in (FIRST, *MERCHANTS):
            merchant = {"id": name, "name": name, "country": "US", "currency": "USD"}
            connection.execute(insert(MerchantRow).values(merchant))
        site = {"id": FIRST, "merchant_id": FIRST, "name": FIRST}
        connection.execute(insert(SiteRow).values(site))


def _join(whole: URL, shards: Sequence[URL]) -> None:
    with postgres.engine(whole).begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION postgres_fdw")
        for name, address in zip(SHARDS, shards, strict=True):
            where = f"host '{address.query['host']}', dbname '{address.database}'"
            # As from one machine to another: rather sorted and joined there than fetched.
            where += ", fdw_tuple_cost '10'"
            connection.exec_driver_sql(
                f"CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({where})"
            )
            connection.exec_driver_sql(
                f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name}"
                f" OPTIONS (user '{address.username}', password_required 'false')"
            )
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
            connection.exec_driver_sql(
                f"IMPORT FOREIGN SCHEMA public LIMIT TO ({', '.join(MADE)})"
                f" FROM SERVER {name} INTO {name}"
            )
        for table in MADE:
            connection.exec_driver_sql(
                f"CREATE TABLE {table} (LIKE shard_0.{table})"
                f" PARTITION BY HASH ({DISTRIBUTED[table]})"
            )
            for place, name in enumerate(SHARDS):
                connection.exec_driver_sql(
                    f"ALTER TABLE {table} ATTACH PARTITION {name}.{table}"
                    f" FOR VALUES WITH (MODULUS {len(SHARDS)}, REMAINDER {place})"
                )


def _fill(whole: URL) -> None:
    now = datetime.now(UTC)
    template = ProtectedTemplate(3, "", bytes(SEARCH_CODE_BYTES), b"sealed")
    with postgres.engine(whole).begin() as connection:
        for number in range(1, PEOPLE + 1):
            for table, values in rows_of(MASTER, number, template):
                connection.execute(insert(table).values(values))
            sale = {
                "id": new_id(),
                "merchant_id": MERCHANTS[number % len(MERCHANTS)],
                "device_id": "till",
                "reference": new_id(),
                "amount_minor": 100 + number,
                "currency": "USD",
                "card_brand": "visa",
                "card_last4": "4242",
                "outcome": "approved",
                "at": now - timedelta(minutes=number),
            }
            connection.execute(insert(PurchaseRow).values(sale))
    with postgres.engine(whole).begin() as connection:
        # How many rows of a merchant there are decides where they are sorted.
        for name in SHARDS:
            connection.exec_driver_sql(f"ANALYZE {name}.purchases")


# What is asked of one server


def test_both_servers_have_rows(joined: Joined):
    for table in MADE:
        counted = joined.all(f"SELECT tableoid::regclass, count(*) FROM {table} GROUP BY 1")
        assert {str(row[0]).partition(".")[0] for row in counted} == set(SHARDS)


def test_what_is_about_one_person_asks_the_server_that_has_them(joined: Joined):
    for person_id in (row[0] for row in joined.all("SELECT id FROM persons ORDER BY id LIMIT 4")):

        async def all_about(session: AsyncSession, person_id: str = person_id) -> list[Any]:
            person = await find_person(session, MASTER, person_id)
            assert await still_there(session, [person_id]) == {person_id}
            assert await frozen_since(session, person) is None
            assert (await profile_of(session, person)).holder == "Alex Doe"
            assert len(await cards_of(session, person)) == 1
            assert len(await agreements_of(session, person)) == 1
            assert (await activity_of(session, person)).told_at is None
            return await palms_of(session, person)

        palms, plans = joined.done(all_about)
        assert [palm.person_id for palm in palms] == [person_id]
        assert len(plans) >= 7
        where = joined.shard_of("persons", "id", person_id)
        for plan in plans:
            assert asked_of(plan) == {where}, plan
            assert plan.count("Foreign Scan") == 1, plan
        # Who opens a person's key holds the row, where it is.
        assert remote(plans[0])[0].endswith("FOR UPDATE")


def test_a_merchants_newest_sales_are_found_and_limited_where_they_are(joined: Joined):
    for merchant_id in MERCHANTS:

        async def newest(session: AsyncSession, merchant_id: str = merchant_id) -> Any:
            return await sales.listed(session, sales.Wanted(merchant_id=merchant_id), 2)

        # Partitions never have a limit pushed down. A router asks the one server as it was asked.
        where = joined.shard_of("purchases", "merchant_id", merchant_id)
        found, (plan,) = joined.done(newest, where)
        assert [sale.merchant_id for sale in found] == [merchant_id] * 2
        assert found[0].at > found[1].at
        assert asked_of(plan) == {where}
        (asked,) = remote(plan)
        assert "ORDER BY" in asked
        assert asked.endswith("LIMIT 2::bigint")


# What is asked of all servers


def limited_each(statement: Select[Any, Any], order: str, count: int) -> str:
    """Returns a statement that takes the first of each server, and of these the first."""
    parts: list[str] = []
    for name in SHARDS:
        compiled = statement.limit(count).compile(
            dialect=postgresql.dialect(),
            schema_translate_map={None: name},
            render_schema_translate=True,
            compile_kwargs={"literal_binds": True},
        )
        parts.append(f"(SELECT * FROM ({compiled}) AS of_{name})")
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS every ORDER BY {order} LIMIT {count}"


def test_the_first_of_all_servers_are_among_the_first_of_each(joined: Joined):
    """As of `stale_palms`, of people who have not used their account, and of sales."""
    for statement, order in (
        (select(PalmRow.version, PalmRow.id).order_by(PalmRow.version, PalmRow.id), "version, id"),
        (
            select(ActivityRow.used_at, ActivityRow.person_id).order_by(
                ActivityRow.used_at, ActivityRow.person_id
            ),
            "used_at, person_id",
        ),
        (
            select(PurchaseRow.at, PurchaseRow.id).order_by(
                PurchaseRow.at.desc(), PurchaseRow.id.desc()
            ),
            "at DESC, id DESC",
        ),
    ):
        asked = limited_each(statement, order, 3)
        plan = joined.plan(asked)
        assert asked_of(plan) == set(SHARDS)
        assert len(remote(plan)) == len(SHARDS)
        for each in remote(plan):
            assert "ORDER BY" in each, plan
            assert each.endswith("LIMIT 3::bigint"), plan
        whole = statement.compile(
            dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
        )
        assert joined.all(asked) == joined.all(f"{whole} LIMIT 3")


def test_palms_are_read_with_the_keys_of_their_people_on_the_server_that_has_both(joined: Joined):
    """As the feed reads palms that have changed, whoever's they are."""
    palm_ids = [row[0] for row in joined.all("SELECT id FROM palms")]

    async def read(session: AsyncSession) -> Any:
        return await codes_of(session, MASTER, palm_ids)

    codes, (plan,) = joined.done(read)
    assert sorted(code.palm_id for code in codes) == sorted(palm_ids)
    assert asked_of(plan) == set(SHARDS)
    assert len(remote(plan)) == len(SHARDS)
    for each in remote(plan):
        assert "INNER JOIN public.persons" in each, plan
