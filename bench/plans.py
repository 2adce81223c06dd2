"""Which statements a service asks of PostgreSQL, and how the server finds what they ask for.

A database is filled with people (`bench.enrolled`) and with what they have done. Then somebody
signs up, is recognised, buys, looks at what they have bought and leaves, and the jobs have a round.
Every statement is noted and its plan asked for, once as the server would choose it and once with
sequential scans discouraged: what still reads all of a table that grows has no index.

`python -m bench.plans [--enrolled N] FILE` writes the plans to a file.
"""

import argparse
import json
import re
import secrets
import sys
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from sqlalchemy import Connection, event, insert, select
from sqlalchemy.engine import URL

from bench import enrolled as people
from bench.cloud import DURABLE
from bench.figure import Figure
from bench.gallery import empty_gallery
from bench.hostile import palm, sign_up
from cloud import bootstrap
from cloud.db.tables import Table, new_id
from cloud.jobs.housekeeping import run_round
from cloud.keys.persons import find_person
from cloud.keys.tables import Person
from cloud.merchants.tables import FIRST
from cloud.payments import sales
from cloud.payments.history import Wanted, uses_of
from cloud.payments.tables import LedgerRow, PurchaseRow, RefundRow
from cloud.people.accounts import fill
from cloud.people.tables import ReceiptRow
from cloud.recognition.tables import IdentificationRow, RefusedUseRow
from cloud.settings import Settings
from cloud.state import State
from cloud.web.tables import Nonce, StoredAnswer, Tally
from protocol.capture import Burst
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Identification,
    Outcome,
    Purchase,
    Purpose,
)
from tests.support.device import TestDevice, fresh_phone
from tests.support.postgres import another
from tests.support.served import Served

ENROLLED = 20_000
SEED = 60
PAGE = 20
TURNS = 3
"""So many people do the same, one after the other."""
BOUNDED = {
    "alembic_version",
    "activation_codes",
    "arrivals",
    "consent_texts",
    "device_orders",
    "device_reports",
    "devices",
    "doors",
    "inactivity_runs",
    "kiosk_pictures",
    "kiosk_settings",
    "master_keys",
    "merchants",
    "regions",
    "site_clocks",
    "site_hooks",
    "sites",
    "staff",
    "staff_links",
    "staff_passkeys",
    "staff_sessions",
    "support_bundles",
    "till_keys",
    "webhook_receivers",
}
"""Tables that have as many rows as there are merchants, sites, devices and staff. All others grow
with the people and with what they do."""
PASSING = {"claims", "enrolments", "sign_ins"}
"""Tables whose rows live for minutes: there are as many as people who are at it."""
FEW = 1000
"""A table with fewer rows is read whole, or by any index: which one says nothing."""
AT_A_START = "a start"
EXPLAINED = ("SELECT", "UPDATE", "DELETE", "WITH")
SCANS = ("Seq Scan", "Index Scan", "Index Only Scan")


@dataclass
class Noted:
    """The statements that were asked, with the values of the first time."""

    asked: dict[str, Any] = field(default_factory=dict[str, Any])
    by_act: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """How often each was asked for an act, at the least: the jobs have their rounds meanwhile."""
    _now: Counter[str] = field(default_factory=Counter[str])

    def note(self, _: Connection, __: Any, statement: str, values: Any, *___: Any) -> None:
        # A list is of several rows, for each of which it is asked.
        first = next(iter(values), None) if isinstance(values, list) else values
        self.asked.setdefault(statement, first)
        self._now[statement] += 1

    @contextmanager
    def during(self, act: str) -> Generator[None]:
        self._now.clear()
        yield
        self.by_act[act] = self.by_act.get(act, self._now) & self._now


@dataclass(frozen=True)
class Planned:
    """A statement and how the server answers it."""

    statement: str
    acts: Sequence[str]
    plan: str
    reads_all: frozenset[str]
    """The growing tables of which it reads every row, though sequential scans are discouraged.
    What a start, a daily run and housekeeping's first round ask is not looked at."""


def measure(enrolled: int = ENROLLED) -> Iterator[Figure]:
    noted, planned, unindexed = _planned(enrolled)
    for act, asked in noted.by_act.items():
        how = f"{len(asked)} different ones; with its nonce, its turn and its limits"
        yield Figure(f"statements of {act}", asked.total(), "", how)
    reading = sorted({name for each in planned for name in each.reads_all})
    count = sum(1 for each in planned if each.reads_all)
    how = f"of {len(planned)}, {enrolled:,} people on PostgreSQL; {', '.join(reading) or 'none'}"
    yield Figure("statements that read all of a growing table", count, "", how, 0)
    how = ", ".join(unindexed) or "whoever deletes a row finds what refers to it"
    yield Figure("references without an index", len(unindexed), "", how, 0)


def _planned(enrolled: int) -> tuple[Noted, list[Planned], list[str]]:
    with TemporaryDirectory() as folder, another(DURABLE) as server:
        url = server.make("plans")
        state = State.open(Path(folder), url)
        master, _ = bootstrap.open_store(state)
        people.enrol(url, master, enrolled, people.templates(state, 8))
        _live(url)
        with Served(Path(folder), Settings(), server=url) as served:
            noted = _noted(served)
        with people.writing(url) as connection:
            asked = [each for each in noted.asked if each.startswith(EXPLAINED)]
            many = _with_many_rows(connection)
            plans = [_plan(connection, noted, each, many) for each in asked]
            return noted, plans, _unindexed(connection)


def _noted(served: Served) -> Noted:
    noted = Noted()
    engine = cast(Any, served.database).session.kw["bind"].sync_engine
    event.listen(engine, "before_cursor_execute", noted.note)
    for number in range(TURNS):
        _visit(served, noted, palm(SEED + number))
    event.remove(engine, "before_cursor_execute", noted.note)
    return noted


def _visit(served: Served, noted: Noted, shown: Burst) -> None:
    kiosk, phone = served.kiosk(), fresh_phone()
    with noted.during("a sign-up"):
        sign_up(kiosk, shown, phone)
    person_id = served.person_id(phone)
    with noted.during("an identification"):
        identified = _identify(kiosk, shown, Purpose.PAY)
    assert identified.outcome is Outcome.ACCEPTED
    with noted.during("a purchase"):
        kiosk.post("/purchases", kiosk.sale(identified.identification_id), Purchase)
    database, context = served.database, served.context

    async def look() -> None:
        async with database.session() as session:
            person = await find_person(session, context.master, person_id)
            await uses_of(session, person, Wanted(), count=PAGE)

    async def sell() -> None:
        theirs = sales.Wanted(merchant_id=FIRST)
        async with database.session() as session:
            await sales.listed(session, theirs, PAGE, (datetime.now(UTC), ""))

    async def start() -> None:
        async with database.session() as session:
            await fill(session, context.master, empty_gallery())

    with noted.during("a look at one's history"):
        served.do(look())
    with noted.during("a look at a merchant's sales"):
        served.do(sell())
    identified = _identify(kiosk, shown, Purpose.LEAVE)
    with noted.during("a deletion"):
        leaving = DeletionRequest(identification_id=identified.identification_id)
        kiosk.post("/deletions", leaving, DeletionReceipt)
    with noted.during("a round of jobs"):
        served.do(run_round(context))
    with noted.during(AT_A_START):
        served.do(start())


def _identify(kiosk: TestDevice, burst: Burst, purpose: Purpose) -> Identification:
    envelope = kiosk.seal(burst, purpose, secrets.token_urlsafe(12))
    return kiosk.post("/identifications", envelope, Identification)


def _live(address: URL) -> None:
    """Writes what people have done: each has bought something and was recognised for it."""
    now = datetime.now(UTC)
    with people.writing(address) as connection:
        everybody = connection.scalars(select(Person.id)).all()
        rows: dict[type[Table], list[dict[str, Any]]] = defaultdict(list)
        for number, person_id in enumerate(everybody):
            for table, values in _done_by(person_id, number, now - timedelta(seconds=number)):
                rows[table].append(values)
        for table, some in rows.items():
            connection.execute(insert(table), some)
    with people.writing(address) as connection:
        connection.exec_driver_sql("ANALYZE")


def _done_by(person_id: str, number: int, at: datetime) -> Iterator[tuple[type[Table], Any]]:
    device_id, later = f"device {number % 100}", at + timedelta(hours=1)
    where = {"merchant_id": FIRST, "device_id": device_id}
    purchase_id, identification_id = new_id(), new_id()
    yield (
        PurchaseRow,
        {
            **where,
            "id": purchase_id,
            "site_id": FIRST,
            "reference": new_id(),
            "person_id": person_id,
            "identification_id": identification_id,
            "amount_minor": 1250,
            "currency": "USD",
            "card_brand": "visa",
            "card_last4": "4242",
            "outcome": "approved",
            "at": at,
        },
    )
    yield (
        LedgerRow,
        {
            "merchant_id": FIRST,
            "purchase_id": purchase_id,
            "kind": "sale",
            "subject": purchase_id,
            "debit": "provider",
            "credit": "sales",
            "minor": 1250,
            "currency": "USD",
            "at": at,
        },
    )
    yield (
        IdentificationRow,
        {
            **where,
            "id": identification_id,
            "visit_id": new_id(),
            "purpose": Purpose.PAY,
            "outcome": Outcome.ACCEPTED,
            "attempts_left": 2,
            "person_id": person_id,
            "pulse": False,
            "expires_at": later,
        },
    )
    yield Tally, {"kind": "searches by device", "subject": device_id, "at": at}
    yield Tally, {"kind": "purchases", "subject": person_id, "at": at}
    yield Nonce, {"device_id": device_id, "nonce": new_id(), "expires_at": later}
    yield (
        StoredAnswer,
        {
            "device_id": device_id,
            "key": new_id(),
            "fingerprint": bytes(32),
            "status": 200,
            "media_type": "application/json",
            "body": bytes(400),
            "person_id": person_id,
            "answered_at": at,
        },
    )
    if number % 10 == 0:
        yield (
            RefundRow,
            {
                **where,
                "id": new_id(),
                "purchase_id": purchase_id,
                "reference": new_id(),
                "of_the_rest": True,
                "amount_minor": 1250,
                "outcome": "refunded",
                "at": at,
            },
        )
        digest, receipt_id = secrets.token_bytes(32), new_id()
        yield ReceiptRow, {"id": receipt_id, "person_digest": digest, "document": "{}", "at": at}
        yield (
            RefusedUseRow,
            {
                "id": new_id(),
                "merchant_id": FIRST,
                "person_id": person_id,
                "sealed": bytes(60),
                "at": at,
            },
        )


def _with_many_rows(connection: Connection) -> set[str]:
    counted = f"SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= {FEW}"
    return set(connection.exec_driver_sql(counted).scalars())


def _plan(connection: Connection, noted: Noted, statement: str, many: set[str]) -> Planned:
    values = noted.asked[statement]
    told = connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {statement}", values).scalars()
    plan = "\n".join(told)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar()
    connection.exec_driver_sql("SET LOCAL enable_seqscan = on")
    (top,) = json.loads(found) if isinstance(found, str) else cast(Any, found)
    acts = [act for act, asked in noted.by_act.items() if statement in asked]
    is_often = not set(acts) <= {AT_A_START}
    whole = _read_whole(top["Plan"], many) if is_often else ()
    return Planned(statement, acts, plan, frozenset(whole))


def _read_whole(node: dict[str, Any], many: set[str], *, is_limited: bool = False) -> Iterator[str]:
    """Yields the growing tables of which a node of a plan, or one below it, reads every row."""
    is_limited |= node["Node Type"] == "Limit"
    table = str(node.get("Relation Name"))
    has_index = node["Node Type"] != "Seq Scan" and table not in many
    scans = node["Node Type"] in SCANS and "Index Cond" not in node and not has_index
    ends_early = is_limited and "Filter" not in node
    if scans and not ends_early and table not in BOUNDED | PASSING:
        yield table
    # What is sorted is read to its end.
    goes_on = is_limited and node["Node Type"] not in ("Sort", "Aggregate", "Hash")
    for below in node.get("Plans", ()):
        yield from _read_whole(below, many, is_limited=goes_on)


def _unindexed(connection: Connection) -> list[str]:
    """Returns the references to rows that are deleted one day, which no index begins with."""
    rows = connection.exec_driver_sql(
        "SELECT c.conrelid::regclass::text, c.conname, c.confrelid::regclass::text"
        " FROM pg_constraint c WHERE c.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i"
        " WHERE i.indrelid = c.conrelid"
        " AND c.conkey <@ (i.indkey::smallint[])[0:array_length(c.conkey, 1) - 1])"
    ).all()
    return sorted(name for table, name, to in rows if not {table, to} & BOUNDED)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.plans", description=measure.__doc__)
    parser.add_argument("--enrolled", type=int, default=ENROLLED, metavar="N")
    parser.add_argument("file", type=Path)
    asked = parser.parse_args()
    noted, planned, _ = _planned(asked.enrolled)
    written: list[str] = []
    for each in sorted(planned, key=lambda one: (one.acts, one.statement)):
        counts = ", ".join(f"{act} ({noted.by_act[act][each.statement]})" for act in each.acts)
        told = f"READS ALL OF {', '.join(sorted(each.reads_all))}\n" if each.reads_all else ""
        statement = re.sub(r"\s+", " ", each.statement)
        written.append(f"-- {counts or 'jobs in between'}\n{statement}\n{told}{each.plan}\n")
    asked.file.write_text("\n".join(written), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
