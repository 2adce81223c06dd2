"""A gate at a pretix that answers, that is away, and that does wrong."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kiosk.venue.device import Device
from kiosk.venue.journal import Due, Entry, Journal
from kiosk.venue.pretix import Accepted, Annulled, Pretix
from kiosk.venue.venue import (
    Admission,
    Admitted,
    Connection,
    Reason,
    Refused,
    Trouble,
)
from protocol.entry import Ticket
from tests.support.clocks import NOON
from tests.support.gates import ENTRY, EXIT, PATIENCE, GateClock, Stand, gate, opened, signed_on
from tests.support.pretix_api import BACKSTAGE, EVENT, LIST, SHIRT, Fault, PretixApi
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> GateClock:
    return GateClock()


@pytest.fixture
async def api(clock: GateClock) -> AsyncIterator[PretixApi]:
    async with PretixApi(clock.wall).open() as opened:
        yield opened


@pytest.fixture
async def stand(api: PretixApi, clock: GateClock, tmp_path: Path) -> AsyncIterator[Stand]:
    async with gate(api, tmp_path, clock) as opened:
        yield opened


def nonces(api: PretixApi) -> set[str]:
    return {body["nonce"] for body in api.of("/checkinrpc/redeem/")}


# Online.


async def test_a_ticket_opens_the_gate_and_is_in_the_books(stand: Stand, api: PretixApi) -> None:
    admitted = await stand.enter("day-1")
    assert isinstance(admitted, Admitted)
    assert (admitted.product, admitted.offline) == ("Day ticket", False)
    (passage,) = api.passed("day-1")
    assert (passage.nonce, passage.type) == (str(admitted.passage), "entry")
    assert await stand.journal.entries() == []


async def test_a_used_ticket_is_refused_with_the_time_and_the_gate(
    stand: Stand, api: PretixApi, clock: GateClock, tmp_path: Path
) -> None:
    async with gate(api, tmp_path, clock, number=2) as other:
        await other.enter("day-1")
    used = clock.wall()
    await clock.turn(60)
    assert await stand.enter("day-1") == Refused(Reason.ALREADY_USED, used, "Gate B")


REFUSALS: list[tuple[dict[str, Any], Refused]] = [
    ({"item": BACKSTAGE}, Refused(Reason.WRONG_LIST)),
    ({"item": SHIRT}, Refused(Reason.QUESTIONS)),
    ({"status": "n"}, Refused(Reason.UNPAID)),
    ({"status": "n", "require_approval": True}, Refused(Reason.NOT_APPROVED)),
    ({"status": "c"}, Refused(Reason.CANCELLED)),
    ({"status": "e"}, Refused(Reason.CANCELLED)),
    ({"blocked": ["admin"]}, Refused(Reason.BLOCKED)),
    (
        {"valid_from": NOON + timedelta(hours=1)},
        Refused(Reason.NOT_YET_VALID, NOON + timedelta(hours=1)),
    ),
    (
        {"valid_until": NOON - timedelta(hours=1)},
        Refused(Reason.EXPIRED, NOON - timedelta(hours=1)),
    ),
]


@pytest.mark.parametrize(("sold", "refused"), REFUSALS)
async def test_what_pretix_refuses_is_refused_for_its_reason(
    stand: Stand, api: PretixApi, sold: dict[str, Any], refused: Refused
) -> None:
    api.sell("poor", **sold)
    assert await stand.enter("poor") == refused
    assert await stand.journal.entries() == []


async def test_a_replaced_or_unknown_code_is_refused(stand: Stand, api: PretixApi) -> None:
    api.sell("replaced", revoked=True)
    assert await stand.enter("replaced") == Refused(Reason.REVOKED)
    assert await stand.enter("nonsense") == Refused(Reason.UNKNOWN)


async def test_staff_are_asked_to_look_where_the_organiser_says_so(
    stand: Stand, api: PretixApi
) -> None:
    api.sell("child", attention=True)
    admitted = await stand.enter("child")
    assert isinstance(admitted, Admitted)
    assert admitted.attention


async def test_whoever_leaves_comes_back_where_the_list_allows_it(
    stand: Stand, api: PretixApi
) -> None:
    api.rules["allow_entry_after_exit"] = True
    for direction in (ENTRY, EXIT, ENTRY):
        assert isinstance(await stand.enter("day-1", direction), Admitted)
        await stand.clock.turn(60)
    assert [passage.type for passage in api.passed("day-1")] == ["entry", "exit", "entry"]


# Requests and answers that are lost.


@pytest.mark.parametrize(
    "fault", [Fault.LOST, Fault.CUT, Fault.GARBAGE, Fault.HALF, Fault.BUSY, Fault.BROKEN]
)
async def test_what_is_lost_is_sent_again_with_the_same_nonce(
    stand: Stand, api: PretixApi, fault: Fault
) -> None:
    api.will += [fault, fault]
    admitted = await stand.enter("day-1")
    assert isinstance(admitted, Admitted)
    assert not admitted.offline
    assert len(api.passed("day-1")) == 1
    assert nonces(api) == {str(admitted.passage)}


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.DEAF, Fault.TOO_MANY, Fault.LOST])
async def test_after_a_second_the_list_decides_and_the_books_hold_one_passage(
    stand: Stand, api: PretixApi, fault: Fault
) -> None:
    api.always = fault
    admitted = await stand.enter_unheard("day-1")
    assert isinstance(admitted, Admitted)
    assert admitted.offline
    assert stand.gate.state.connection is Connection.AWAY
    assert stand.gate.state.waiting == 1
    api.always = None
    await stand.look()
    assert stand.gate.state.waiting == 0
    (passage,) = api.passed("day-1")
    assert passage.nonce == str(admitted.passage)
    assert await stand.gate.conflicts() == []


@pytest.fixture
async def starting(api: PretixApi, clock: GateClock, tmp_path: Path) -> AsyncIterator[Stand]:
    """A gate that has no list yet."""
    journal = Journal(sealed(tmp_path / "starting.db"))
    async with opened(api, await signed_on(api, 2), journal, clock) as stand:
        yield stand
    journal.close()


async def test_a_ticket_that_was_used_up_unheard_is_given_back(
    starting: Stand, api: PretixApi
) -> None:
    """pretix took it, the answer was lost, and no list could decide: nobody passed."""
    api.always = Fault.SILENT
    refused = Refused(Reason.UNDECIDED, offline=True)
    assert await starting.enter_unheard("day-1") == refused
    assert len(api.passed("day-1")) == 1
    api.always = None
    await starting.look()
    assert api.passed("day-1") == []
    assert isinstance(await starting.enter("day-1"), Admitted)


async def test_a_second_try_does_not_find_the_ticket_used_by_the_first(
    starting: Stand, api: PretixApi
) -> None:
    api.will += [Fault.SILENT]
    await starting.enter_unheard("day-1")
    # It has started again, and not looked after pretix yet.
    async with opened(api, starting.pretix.device, starting.journal, starting.clock) as again:
        assert isinstance(await again.enter("day-1"), Admitted)
    assert len(api.passed("day-1")) == 1


class Meanwhile(Pretix):
    """Has a request wait until another one is made."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.deciding: asyncio.Future[Admission] | None = None

    async def redeem(self, *arguments: Any) -> Accepted | Refused:
        self.asked.set()
        await self.go_on.wait()
        return await super().redeem(*arguments)

    async def annul(self, entry: Entry) -> Annulled:
        self.go_on.set()
        if self.deciding is not None:
            await self.deciding
        return await super().annul(entry)


async def test_what_is_decided_while_pretix_is_told_of_others_is_not_annulled(
    api: PretixApi, clock: GateClock, tmp_path: Path
) -> None:
    journal, device = Journal(sealed(tmp_path / "meanwhile.db")), await signed_on(api, 2)
    pretix = Meanwhile(device)
    earlier = Entry(uuid4(), Due.ANNULMENT, EVENT, LIST, ENTRY, clock.wall() - timedelta(hours=1))
    await journal.record(earlier)
    async with opened(api, device, journal, clock, pretix=pretix) as stand:
        pretix.deciding = asyncio.ensure_future(stand.enter("day-1"))
        await pretix.asked.wait()
        await stand.gate.tell()
        assert isinstance(await pretix.deciding, Admitted)
    assert await journal.entries() == []
    assert len(api.passed("day-1")) == 1
    journal.close()


async def test_a_ticket_that_pretix_does_not_give_back_is_told_to_staff(
    starting: Stand, api: PretixApi
) -> None:
    """An attempt was refused, the next one accepted, and neither was heard: pretix has two records
    of one nonce then, and annuls none."""

    def pay() -> None:
        api.positions[1].status = "p"

    api.positions[1].status = "n"
    api.will += [Fault.CUT, Fault.SILENT]
    api.after_the_next = pay
    assert await starting.enter_unheard("day-1") == Refused(Reason.UNDECIDED, offline=True)
    await starting.look()
    assert starting.gate.state.waiting == 0
    (conflict,) = await starting.gate.conflicts()
    assert conflict.trouble is Trouble.NOT_ANNULLED


async def test_another_page_in_between_is_no_answer(starting: Stand, api: PretixApi) -> None:
    api.will += [Fault.SILENT]
    await starting.enter_unheard("day-1")
    for fault in (Fault.GARBAGE, Fault.HALF):
        api.always = fault
        await starting.look(Connection.AWAY)
        await starting.gate.tell()
        assert starting.gate.state.waiting == 1
    api.always = None
    await starting.look()
    assert api.passed("day-1") == []


async def test_whoever_walks_away_keeps_the_ticket(stand: Stand, api: PretixApi) -> None:
    api.heard.clear()
    api.will += [Fault.SILENT]
    deciding = asyncio.ensure_future(stand.enter("day-1"))
    await api.heard.wait()
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    while stand.gate.state.connection is Connection.ONLINE:
        await stand.clock.turn(PATIENCE.answer_s)
    await stand.gate.settle()
    await stand.look()
    assert api.passed("day-1") == []


async def test_a_gate_that_closes_leaves_to_the_journal_what_is_in_doubt(
    stand: Stand, api: PretixApi
) -> None:
    api.heard.clear()
    api.will += [Fault.SILENT]
    deciding = asyncio.ensure_future(stand.enter("day-1"))
    await api.heard.wait()
    stand.gate._patience = PATIENCE.model_copy(  # pyright: ignore[reportPrivateUsage]
        update={"answer_s": 0.5}
    )
    await stand.gate.close()
    await asyncio.wait({deciding})
    assert [entry.due for entry in await stand.journal.entries()] == [Due.ANNULMENT]
    await stand.look()
    assert api.passed("day-1") == []


async def test_a_gate_that_does_not_open_gives_the_ticket_back(
    stand: Stand, api: PretixApi
) -> None:
    admitted = await stand.enter("day-1")
    assert isinstance(admitted, Admitted)
    await stand.gate.annul(admitted.passage)
    await stand.look()
    assert api.passed("day-1") == []
    assert isinstance(await stand.enter("day-1"), Admitted)


# While pretix is away.


@pytest.fixture
async def away(stand: Stand, api: PretixApi) -> Stand:
    """A gate with a list whose pretix is away."""
    api.sell("unpaid", status="n")
    api.sell("shirt", item=SHIRT)
    api.sell("answered", item=SHIRT, answers=[1])
    await stand.look_after_the_list()
    api.always = Fault.LOST
    await stand.look(Connection.AWAY)
    return stand


async def test_the_list_admits_a_ticket_once_and_without_delay(away: Stand, api: PretixApi) -> None:
    before = len(api.asked)
    admitted = await away.enter("day-1")
    assert isinstance(admitted, Admitted)
    assert (admitted.product, admitted.offline) == ("Day ticket", True)
    again = await away.enter("day-1")
    assert again == Refused(Reason.ALREADY_USED, away.clock.wall(), "Gate A", offline=True)
    assert len(api.asked) == before, "a server that is away is not asked"


async def test_the_list_refuses_what_pretix_would(away: Stand) -> None:
    assert await away.enter("unpaid") == Refused(Reason.UNPAID, offline=True)
    assert await away.enter("shirt") == Refused(Reason.QUESTIONS, offline=True)
    assert await away.enter("nonsense") == Refused(Reason.UNKNOWN, offline=True)
    assert isinstance(await away.enter("answered"), Admitted)


async def test_two_at_once_with_one_ticket_are_one_passage(away: Stand) -> None:
    results = await asyncio.gather(*(away.enter("day-1") for _ in range(5)))
    assert len([each for each in results if isinstance(each, Admitted)]) == 1


async def test_an_old_list_decides_nothing(away: Stand, clock: GateClock) -> None:
    await clock.turn(PATIENCE.list_s + 1)
    assert await away.enter("day-1") == Refused(Reason.UNDECIDED, offline=True)
    assert away.gate.state.tickets == 0


async def test_what_was_passed_is_uploaded_after_a_restart(away: Stand, api: PretixApi) -> None:
    await away.enter("day-1")
    async with opened(api, away.pretix.device, away.journal, away.clock) as again:
        await again.look(Connection.AWAY)
        assert again.gate.state.waiting == 1
        assert await again.enter("day-1") == Refused(Reason.UNDECIDED, offline=True)
        api.always = None
        await again.look()
        assert again.gate.state.waiting == 0
    assert len(api.passed("day-1")) == 1


async def test_an_annulled_passage_is_never_uploaded(away: Stand, api: PretixApi) -> None:
    admitted = await away.enter("day-1")
    assert isinstance(admitted, Admitted)
    await away.gate.annul(admitted.passage)
    again = await away.enter("day-1")
    assert isinstance(again, Admitted)
    api.always = None
    await away.look()
    (passage,) = api.passed("day-1")
    assert passage.nonce == str(again.passage)
    assert away.gate.state.waiting == 1, "pretix may still get what was sent"
    await away.clock.turn(121)
    await away.look()
    assert away.gate.state.waiting == 0


async def test_a_ticket_that_passed_offline_is_used_before_pretix_hears_of_it(
    away: Stand, api: PretixApi
) -> None:
    used = away.clock.wall()
    assert isinstance(await away.enter("day-1"), Admitted)
    async with opened(api, away.pretix.device, away.journal, away.clock) as again:
        api.always = None
        await away.clock.turn(60)
        assert await again.enter("day-1") == Refused(Reason.ALREADY_USED, used, "Gate A")
        await again.look()
        assert (again.gate.state.waiting, again.gate.state.conflicts) == (0, 0)
    (passage,) = api.passed("day-1")
    assert passage.at == used


async def test_what_another_gate_let_in_meanwhile_is_told_to_staff(
    away: Stand, api: PretixApi, clock: GateClock, tmp_path: Path
) -> None:
    mine = await away.enter("day-1")
    assert isinstance(mine, Admitted)
    await clock.turn(600)
    api.always = None
    async with gate(api, tmp_path, clock, number=2) as other:
        assert isinstance(await other.enter("day-1"), Admitted)
    await away.look()
    (conflict,) = await away.gate.conflicts()
    assert (conflict.passage, conflict.trouble, conflict.reason, conflict.at) == (
        mine.passage,
        Trouble.CONTRADICTED,
        Reason.ALREADY_USED,
        api.passed("day-1")[1].at,
    )
    assert len(api.passed("day-1")) == 2, "both are in the books"
    assert away.gate.state.conflicts == 1
    await away.gate.dismiss(conflict.passage)
    assert away.gate.state.conflicts == 0


async def test_an_order_that_was_cancelled_meanwhile_is_told_to_staff(
    away: Stand, api: PretixApi
) -> None:
    await away.enter("day-1")
    await away.enter("day-2")
    api.positions[1].status = "c"
    del api.positions[2]
    api.always = None
    await away.look()
    told = {(each.trouble, each.reason, each.position) for each in await away.gate.conflicts()}
    assert told == {
        (Trouble.CONTRADICTED, Reason.CANCELLED, 1),
        (Trouble.NOT_UPLOADED, Reason.UNKNOWN, 2),
    }
    assert away.gate.state.waiting == 0


async def test_an_upload_whose_answer_is_lost_is_repeated(away: Stand, api: PretixApi) -> None:
    await away.enter("day-1")
    for fault in (Fault.LOST, Fault.CUT, Fault.HALF, Fault.BROKEN, Fault.BUSY):
        api.always = None
        await away.pretix.probe()
        api.always = fault
        await away.gate.tell()
        assert away.gate.state.waiting == 1
    api.always = None
    await away.look()
    assert len(api.passed("day-1")) == 1
    assert (away.gate.state.waiting, away.gate.state.conflicts) == (0, 0)


# What stops the gate.


async def test_a_withdrawn_device_lets_nobody_in(stand: Stand, api: PretixApi) -> None:
    api.devices[0].revoked = True
    assert await stand.enter("day-1") == Refused(Reason.UNDECIDED)
    assert stand.gate.state.connection is Connection.NOT_ALLOWED
    assert stand.gate.state.tickets == 0, "the list is gone"
    api.always = Fault.LOST
    await stand.look(Connection.NOT_ALLOWED)
    assert await stand.enter("day-2") == Refused(Reason.UNDECIDED)
    api.devices[0].revoked, api.always = False, None
    await stand.look()
    assert isinstance(await stand.enter("day-1"), Admitted)


class FullDisk(Journal):
    full = True

    async def record(self, entry: Entry) -> None:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        await super().record(entry)


async def test_a_gate_that_cannot_record_lets_nobody_in(
    api: PretixApi, clock: GateClock, tmp_path: Path
) -> None:
    journal = FullDisk(sealed(tmp_path / "full.db"))
    async with opened(api, await signed_on(api, 2), journal, clock) as stand:
        assert await stand.enter("day-1") == Refused(Reason.UNDECIDED)
        assert not stand.gate.state.recording
        assert api.passed("day-1") == []
        await stand.look()
        api.always = Fault.LOST
        await stand.look(Connection.AWAY)
        assert await stand.enter("day-1") == Refused(Reason.UNDECIDED, offline=True)
        journal.full = False
        assert isinstance(await stand.enter("day-1"), Admitted)
        assert stand.gate.state.recording
    journal.close()


async def test_no_log_holds_a_secret(
    stand: Stand, api: PretixApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    api.will += [Fault.CUT, Fault.HALF]
    await stand.enter("day-1")
    await stand.enter("day-1")
    api.always = Fault.FORBIDDEN
    await stand.enter("day-2")
    for secret in ("day-1", "day-2", "key-1", "Ada"):
        assert secret not in caplog.text
    assert "day-1" not in repr(Ticket(code="day-1"))
