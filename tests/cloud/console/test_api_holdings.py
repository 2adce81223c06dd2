"""Access, tickets and memberships are counted and taken with a key, as on the pages."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from cloud.console.roles import Role
from cloud.entry import access, doors, presences, tickets
from cloud.entry.doors import Door, DoorKind
from cloud.entry.tables import AccessRow, TicketRow
from cloud.integrations.asking import Scope
from cloud.keys.persons import OpenPerson
from cloud.loyalty import memberships
from cloud.loyalty.tables import MembershipRow
from cloud.policy import Limits
from cloud.web.limits import spend
from cloud.web.tables import StoredAnswer
from protocol.hours import Hours
from protocol.messages import Direction, ProblemType
from tests.cloud.console.test_holdings import HOLDINGS, give
from tests.support.console import KIOSK, add_kiosk, member_of, site_of, trail
from tests.support.portal import Portal
from tests.support.systems import system_of

pytestmark = pytest.mark.anyio

FIRST = "/v1/merchants/first"
TICKETS, MEMBERSHIPS = f"{FIRST}/tickets/take", f"{FIRST}/memberships/take"


async def access_path(portal: Portal) -> str:
    return f"{FIRST}/sites/{await site_of(portal, 'first')}/access"


async def linked(portal: Portal) -> tuple[int, int, int]:
    """Returns how many people have access, how many tickets are linked and how many cards."""
    async with portal.database.session() as session:
        given, _ = await access.counts_at(session, await site_of(portal, "first"))
        count, _ = await tickets.count_linked(session, "first")
        return given, count, await memberships.count_linked(session, "first")


async def acts(portal: Portal) -> list[tuple[object, ...]]:
    """Returns what was taken, by whom and from how many, as the trail tells."""
    rows = await trail(await member_of(portal))
    return [
        (row["door"], row["who"], row["act"], row["details"])
        for row in rows
        if str(row["act"]).startswith("take ")
    ]


async def stand_at_door(portal: Portal, person: OpenPerson) -> None:
    """Has a kiosk stand at a door through which somebody has gone."""
    await add_kiosk(portal)
    shop = await site_of(portal, "first")
    door = Door("North", DoorKind.RELAY, Direction.ENTRY, False, Hours(()), "Stand", 12)
    async with portal.database.session() as session:
        assert await doors.set_door(session, KIOSK, door, "mon-fri 07:00-19:00")
        await presences.note(session, person, shop, "Stand", inside=True, now=portal.now)
        await session.commit()
    await portal.pass_door(person, "North", passed=True)


async def test_what_people_have_at_a_site_is_told_as_on_its_page(portal: Portal):
    await give(portal)
    person = await portal.account("+12025550103")
    await stand_at_door(portal, person)
    system, path = await system_of(portal), await access_path(portal)
    told = await system.get(path)
    assert told == {
        "given": 2,
        "accepted": 0,
        "recognised": 1,
        "areas": [{"area": "Stand", "people": 1}],
        "doors": [
            {
                "device_id": KIOSK,
                "name": "North",
                "direction": "entry",
                "area": "Stand",
                "kind": "relay",
                "everyone": False,
                "hours": "mon-fri 07:00-19:00",
                "list_hours": 12,
            }
        ],
    }
    page = (await (await member_of(portal)).open(f"/console{path.removeprefix(FIRST)}")).text
    for words in ("North", "In “Stand” now", "mon-fri 07:00-19:00", "without a network for 12"):
        assert words in page
    assert "A-0" not in str(told)
    assert person.person_id not in str(told)


async def test_access_is_taken_by_the_sites_own_id(portal: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cloud.keys.persons.AT_ONCE", 1)
    await give(portal)
    system, path = await system_of(portal), await access_path(portal)
    assert await system.post(f"{path}/take", {"person": "A-7"}) == {"people": 0}
    assert await system.post(f"{path}/take", {"person": " A-1 "}) == {"people": 1}
    assert (await system.get(path))["given"] == 1
    async with portal.database.session() as session:
        shop = await site_of(portal, "first")
        assert len(await access.called_at(session, portal.context.master, shop, "A-0")) == 1
    taken = ("api", system.name, "take somebody's access", {"people": "1"})
    assert await acts(portal) == [taken]


async def test_a_ticket_and_a_membership_are_taken_by_their_codes(portal: Portal):
    await give(portal)
    system = await system_of(portal)
    before = {"tickets": 2, "people_with_tickets": 2, "memberships": 2}
    assert await system.get(f"{FIRST}/holdings") == before
    assert await system.post(TICKETS, {"code": "t1cket-9"}) == {"people": 0}
    assert await system.post(MEMBERSHIPS, {"code": "OTHER"}) == {"people": 0}
    assert await system.get(f"{FIRST}/holdings") == before
    assert await system.post(TICKETS, {"code": "t1cket-0"}) == {"people": 1}
    assert await system.post(MEMBERSHIPS, {"code": "FAMILY"}) == {"people": 2}
    assert await system.get(f"{FIRST}/holdings") == {
        "tickets": 1,
        "people_with_tickets": 1,
        "memberships": 0,
    }
    page = (await (await member_of(portal, Role.MERCHANT, "first")).open(HOLDINGS)).text
    assert "<dt>Linked tickets</dt><dd>1</dd>" in page
    rows = await acts(portal)
    assert [row[2:] for row in rows] == [
        ("take a ticket", {"people": "1"}),
        ("take a membership", {"people": "2"}),
    ]
    for secret in ("t1cket", "FAMILY"):
        assert secret not in str(await trail(await member_of(portal)))


async def test_what_was_taken_is_erased(portal: Portal):
    """Where SQLite leaves a copy of a row, and in the answers that are kept, too."""
    await give(portal)
    async with portal.database.session() as session:
        ticket = (await session.scalars(select(TicketRow).order_by(TicketRow.at))).first()
        (card, *_) = await session.scalars(select(MembershipRow))
        (given, *_) = await session.scalars(select(AccessRow).order_by(AccessRow.at))
        assert ticket is not None
    system, path = await system_of(portal), await access_path(portal)
    for each, where, bodies in (
        (ticket.id, TICKETS, [{"code": "t1cket-0"}, {"code": "t1cket-1"}]),
        (card.sealed, MEMBERSHIPS, [{"code": "FAMILY"}]),
        (given.sealed, f"{path}/take", [{"person": "A-0"}, {"person": "A-1"}]),
    ):
        await portal.leave_between_rows(each)
        assert portal.holds(each)
        for body in bodies:
            await system.post(where, body)
        assert not portal.holds(each)
    for secret in ("t1cket-0", "FAMILY"):
        assert not portal.holds(secret)
    async with portal.database.session() as session:
        assert len(list(await session.scalars(select(StoredAnswer)))) == 5


async def test_what_nobody_can_have_is_refused_and_takes_nothing(portal: Portal):
    await give(portal)
    system, path = await system_of(portal), f"{await access_path(portal)}/take"
    bodies: list[tuple[str, Any]] = [
        (TICKETS, {"code": "abc"}),
        (TICKETS, {"code": "t1cket-0 "}),
        (TICKETS, {"code": "4242424242424242"}),
        (TICKETS, {"code": "x" * 256}),
        (TICKETS, {"ticket": "t1cket-0"}),
        (MEMBERSHIPS, {"code": "é"}),
        (MEMBERSHIPS, {"code": "FAMILY\0"}),
        (MEMBERSHIPS, {"code": ""}),
        (path, {"person": ""}),
        (path, {"person": "A-1" + "x" * 62}),
        (path, {"person": None}),
        (path, {"person": "A-1", "site": "another"}),
        *((each, None) for each in (TICKETS, MEMBERSHIPS, path)),
        *((each, []) for each in (TICKETS, MEMBERSHIPS, path)),
    ]
    for where, body in bodies:
        answer = await system.ask("POST", where, body)
        assert (answer.status_code, answer.json()["type"]) == (422, ProblemType.MALFORMED), body
        for sent in ("t1cket", "4242", "FAMILY", "A-1"):
            assert sent not in answer.text
    answer = await system.ask("POST", TICKETS, {"code": "x" * 2_000_000})
    assert answer.status_code == 413
    assert await linked(portal) == (2, 2, 2)
    assert await acts(portal) == []


async def test_a_request_that_is_repeated_takes_once(portal: Portal):
    await give(portal)
    system = await system_of(portal)
    for _ in range(2):
        answer = await system.ask("POST", TICKETS, {"code": "t1cket-0"}, once="take-ticket-0")
        assert answer.json() == {"people": 1}
    answer = await system.ask("POST", TICKETS, {"code": "t1cket-1"}, once="take-ticket-0")
    assert answer.json()["type"] == ProblemType.IDEMPOTENCY_MISMATCH
    assert (await linked(portal))[1] == 1
    assert len(await acts(portal)) == 1


async def test_a_key_takes_so_many_times_at_most(portal: Portal):
    """All that people have is opened for access and tickets, and membership codes can be
    guessed."""
    await give(portal)
    system, other = await system_of(portal), await system_of(portal)
    async with portal.database.session() as session:
        for _ in range(Limits.TAKINGS.count):
            await spend(session, Limits.TAKINGS, system.name, portal.now)
        await session.commit()
    for where, body in (
        (TICKETS, {"code": "t1cket-0"}),
        (f"{await access_path(portal)}/take", {"person": "A-1"}),
        (MEMBERSHIPS, {"code": "FAMILY"}),
    ):
        assert await system.refused("POST", where, body) == (429, ProblemType.TOO_MANY_ATTEMPTS)
        assert (await other.post(where, body))["people"] > 0
    portal.pass_time(Limits.TAKINGS.window)
    assert await system.post(TICKETS, {"code": "t1cket-1"}) == {"people": 1}


async def test_what_several_take_at_once_is_taken_by_one(portal: Portal):
    await give(portal)
    systems = [await system_of(portal) for _ in range(3)]
    path = f"{await access_path(portal)}/take"
    for where, body, people in (
        (TICKETS, {"code": "t1cket-0"}, 1),
        (MEMBERSHIPS, {"code": "FAMILY"}, 2),
        (path, {"person": "A-0"}, 1),
    ):
        answers = await asyncio.gather(*(each.post(where, body) for each in systems))
        assert sorted(each["people"] for each in answers) == [0, 0, people]
    assert len(await acts(portal)) == 3


async def test_another_merchant_takes_nothing_of_what_is_not_theirs(portal: Portal):
    await give(portal)
    florist = await portal.merchant("Florist")
    other = await system_of(portal, florist)
    shop, theirs = await site_of(portal, "first"), f"/v1/merchants/{florist}"
    for where, body in (
        (f"{theirs}/sites/{shop}/access/take", {"person": "A-0"}),
        (f"{await access_path(portal)}/take", {"person": "A-0"}),
        (TICKETS, {"code": "t1cket-0"}),
        (MEMBERSHIPS, {"code": "FAMILY"}),
    ):
        answer = await other.ask("POST", where, body)
        assert (answer.status_code, answer.json()["type"]) == (404, ProblemType.NOT_FOUND), where
    for what, code in (("tickets", "t1cket-0"), ("memberships", "FAMILY")):
        assert await other.post(f"{theirs}/{what}/take", {"code": code}) == {"people": 0}
    assert await linked(portal) == (2, 2, 2)


async def test_a_key_that_may_only_read_takes_nothing(portal: Portal):
    await give(portal)
    reads = await system_of(portal, "first", Scope.HOLDINGS_READ)
    takes = await system_of(portal, "first", Scope.HOLDINGS_WRITE)
    assert (await reads.ask("POST", TICKETS, {"code": "t1cket-0"})).status_code == 403
    assert (await takes.ask("GET", f"{FIRST}/holdings")).status_code == 403
    assert await linked(portal) == (2, 2, 2)


async def test_the_operators_key_takes_at_one_merchant_at_a_time(portal: Portal):
    await give(portal)
    florist, operator = await portal.merchant("Florist"), await system_of(portal, None)
    assert await operator.post(f"/v1/merchants/{florist}/tickets/take", {"code": "t1cket-0"}) == {
        "people": 0
    }
    assert await operator.post(TICKETS, {"code": "t1cket-0"}) == {"people": 1}
    assert await linked(portal) == (2, 1, 2)
