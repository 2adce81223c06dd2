"""Systems see with a key what deletions have left to do, what is kept how long, and what was not
delivered."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from cloud.console.jobs import KEPT, LATELY, LISTED, STALLED_AFTER
from cloud.console.roles import Role
from cloud.context import Event
from cloud.db.tables import new_id
from cloud.integrations.tables import DeliveryRow, ReceiverRow
from cloud.jobs import housekeeping
from cloud.outbox import queue
from cloud.payments.cards import FORGET_CARD
from cloud.payments.receipts import UNSENT
from cloud.people import inactivity, receipts
from protocol.messages import ProblemType
from tests.support.console import member_of, sell
from tests.support.portal import Portal
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

FIRST = "/v1/merchants/first/jobs"


async def not_take(portal: Portal, merchant_id: str, times: int, **changes: Any) -> str:
    """Has a receiver of a merchant not take so many events, and returns its id."""
    receiver_id = new_id()
    await portal.add(
        ReceiverRow(
            id=receiver_id,
            merchant_id=merchant_id,
            url=f"https://{merchant_id}.example",
            events=Event.PAID,
            secret=b"",
            made_at=portal.now,
        )
    )
    for _ in range(times):
        values: dict[str, Any] = {
            "id": new_id(),
            "receiver_id": receiver_id,
            "event_id": "evt",
            "kind": Event.PAID,
            "at": portal.now,
            "attempts": 3,
            "due_at": None,
            "state": "given_up",
            "status": 500,
        }
        await portal.add(DeliveryRow(**values | changes))
    return receiver_id


async def all_of(system: System, path: str, name: str) -> list[dict[str, Any]]:
    """Returns what all pages of a list tell, two entries on each."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await system.get(f"{path}?limit=2{cursor}")
        assert len(page[name]) <= 2
        found += page[name]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


async def test_a_merchants_key_is_told_of_their_own_only(portal: Portal):
    other = await portal.merchant("Florist")
    theirs = await not_take(portal, "first", 1)
    await not_take(portal, other, 1)
    for merchant_id in ("first", other):
        await sell(
            portal, id=new_id(), reference=merchant_id, receipt=UNSENT, merchant_id=merchant_id
        )
    person = await portal.account("+14155550123")
    async with portal.database.session() as session:
        for merchant_id in ("first", other, other, None):
            await receipts.issue(
                portal.context,
                session,
                person,
                portal.now,
                erased=["all"],
                retained=[],
                merchant_id=merchant_id,
            )
        await session.commit()
    system = await system_of(portal)
    assert await system.get(FIRST) == {"agreements_ended": 1}
    (delivery,) = (await system.get(f"{FIRST}/deliveries"))["deliveries"]
    assert (delivery["receiver_id"], delivery["url"]) == (theirs, "https://first.example")
    assert (delivery["state"], delivery["status"], delivery["attempts"]) == ("given_up", 500, 3)
    (receipt,) = (await system.get(f"{FIRST}/receipts"))["receipts"]
    assert receipt["reference"] == "first"
    assert receipt.keys() == {"purchase_id", "reference", "at"}
    page = (await (await member_of(portal, Role.MERCHANT, "first")).open("/console/jobs")).text
    for words in ("https://first.example", "Receipt of the purchase first", "given up"):
        assert words.casefold() in page.casefold()


async def test_what_was_not_delivered_is_listed_in_pages_the_newest_first(portal: Portal):
    await not_take(portal, "first", 3)
    portal.pass_time(timedelta(minutes=1))
    await not_take(portal, "first", 2, state="waiting", due_at=portal.now + timedelta(hours=1))
    # What was taken, or not tried yet, is none of it.
    await not_take(portal, "first", 1, state="delivered")
    await not_take(portal, "first", 1, state="waiting", attempts=0)
    for place in range(5):
        await sell(portal, id=new_id(), reference=f"sale-{place}", receipt=UNSENT)
        portal.pass_time(timedelta(seconds=1))
    await sell(portal, id=new_id(), reference="sent", receipt="sent")
    system = await system_of(portal)
    deliveries = await all_of(system, f"{FIRST}/deliveries", "deliveries")
    assert [each["state"] for each in deliveries] == ["waiting"] * 2 + ["given_up"] * 3
    assert len({each["delivery_id"] for each in deliveries}) == 5
    found = await all_of(system, f"{FIRST}/receipts", "receipts")
    assert [each["reference"] for each in found] == [f"sale-{place}" for place in (4, 3, 2, 1, 0)]
    portal.pass_time(LATELY)
    assert [each["reference"] for each in (await system.get(f"{FIRST}/receipts"))["receipts"]] == []


async def test_what_is_of_all_merchants_needs_the_operators_key(portal: Portal):
    answer = await (await system_of(portal)).ask("GET", "/v1/jobs")
    assert (answer.status_code, answer.json()["type"]) == (404, ProblemType.NOT_FOUND)
    operator = await system_of(portal, None)
    assert await operator.get(FIRST) == {"agreements_ended": 0}
    assert (await operator.get("/v1/jobs"))["agreements_ended"] == 0


async def test_what_a_deletion_has_left_to_do_is_told_with_since_when(portal: Portal):
    person, operator = await portal.account("+14155550123"), await system_of(portal, None)
    digest = sha256(person.person_id.encode()).digest()
    async with portal.database.session() as session:
        await receipts.issue(
            portal.context, session, person, portal.now, erased=["all"], retained=[]
        )
        for name, kind, about in (("a", FORGET_CARD, digest), ("b", "send alert", None)):
            queue.put(
                session,
                portal.context.master.outbox,
                kind,
                b"card",
                portal.now,
                errand_id=name,
                person_digest=about,
            )
        await session.commit()
        for name in ("a", "b"):
            await queue.postpone(session, name, portal.now)
        await session.commit()
    deleted = portal.now.isoformat().replace("+00:00", "Z")
    portal.pass_time(timedelta(minutes=1))
    told = await operator.get("/v1/jobs")
    assert told["accounts_deleted"] == 1
    (left,), (failed,) = told["deletions_left"]["first"], told["errands_failed"]["first"]
    assert (left["kind"], left["deleted_at"], left["attempts"]) == ("forget card", deleted, 1)
    assert (failed["kind"], failed["deleted_at"]) == ("send alert", None)
    assert (told["deletions_left"]["count"], told["errands_failed"]["count"]) == (1, 1)
    for secret in (person.person_id, digest.hex(), "+1415"):
        assert secret not in str(told)


async def test_of_a_long_list_the_first_are_told_and_how_many_there_are(portal: Portal):
    operator = await system_of(portal, None)
    async with portal.database.session() as session:
        for number in range(LISTED + 1):
            name = f"errand-{number}"
            queue.put(
                session,
                portal.context.master.outbox,
                "send alert",
                b"",
                portal.now,
                errand_id=name,
            )
            await session.flush()
            await queue.postpone(session, name, portal.now)
        await session.commit()
    told = (await operator.get("/v1/jobs"))["errands_failed"]
    assert (told["count"], len(told["first"])) == (LISTED + 1, LISTED)


async def test_jobs_and_what_is_kept_are_told_as_on_the_page(portal: Portal):
    operator = await system_of(portal, None)
    told = await operator.get("/v1/jobs")
    assert (told["stalled"], told["done_at"], told["daily_run"]) == (True, None, None)
    assert [(each["what"], each["kept_s"]) for each in told["kept"]] == [
        (what, life.total_seconds()) for what, life in KEPT.values()
    ]
    portal.context.seen.ran("cloud.merchants.devices", removed=2)
    portal.context.seen.failed("cloud.people.deletion_list.keep_list", "the disk is full")
    await housekeeping.write_seen(portal.context)
    async with portal.database.session() as session:
        run = await inactivity.begin_run(session, portal.now)
        run.told, run.fault = 3, "the messenger does not answer"
        await session.commit()
    told = await operator.get("/v1/jobs")
    assert told["stalled"] is False
    (failing,) = told["failing"]
    assert (failing["fault"], failing["failures"]) == ("the disk is full", 1)
    (codes,) = [each for each in told["kept"] if each["what"] == "Activation codes"]
    assert (codes["removed"], codes["removed_in_all"]) == (2, 2)
    assert codes["looked_at"] == codes["removed_at"] == told["done_at"]
    daily = told["daily_run"]
    assert (daily["warned"], daily["ended_at"]) == (3, None)
    assert daily["fault"] == "the messenger does not answer"
    portal.pass_time(STALLED_AFTER + timedelta(seconds=1))
    assert (await operator.get("/v1/jobs"))["stalled"] is True
