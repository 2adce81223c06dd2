"""A gate at a real pretix, with an event, orders and two devices. `./run pretix` installs it in an
environment of its own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from kiosk.clock import SystemClock
from kiosk.settings import GatePatience
from kiosk.venue.device import Device
from kiosk.venue.gate import VenueGate
from kiosk.venue.journal import Due, Entry, Journal
from kiosk.venue.pretix import (
    Accepted,
    Annulled,
    Choice,
    NotAllowed,
    NotSignedOn,
    Pretix,
    SignOnProblem,
    Uploaded,
    sign_on,
)
from kiosk.venue.venue import (
    Admission,
    Admitted,
    Connection,
    Reason,
    Refused,
    Trouble,
)
from protocol.entry import Ticket
from protocol.messages import Direction
from tests.support.sealed import sealed
from venue.event import EVENT, Festival, festival
from venue.server import Gate, Server, is_installed, running

pytestmark = [pytest.mark.process, pytest.mark.anyio]

ENTRY, EXIT = Direction.ENTRY, Direction.EXIT
PATIENCE = GatePatience(answer_s=30)
"""As long as pretix may take on a busy machine."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not is_installed():
        pytest.skip("pretix is not there: ./run pretix installs it")
    with running(tmp_path_factory.mktemp("pretix"), (Gate("Gate A"), Gate("Gate B"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def event(server: Server) -> Festival:
    return festival(server)


@pytest.fixture(scope="module")
async def devices(server: Server, event: Festival) -> tuple[Device, Device]:
    """Both gates, signed on by their codes, at the list where a ticket opens the gate once."""
    one, other = [await sign_on(server.code(gate)) for gate in server.gates]
    chosen = {"event": EVENT, "list": event.main}
    return one.model_copy(update=chosen), other.model_copy(update=chosen)


@asynccontextmanager
async def gate(device: Device, folder: Path) -> AsyncIterator[VenueGate]:
    pretix = Pretix(device, gates={1: "Gate A", 2: "Gate B"})
    journal = Journal(sealed(folder / f"{device.serial}.db"))
    opened = VenueGate(pretix, journal, SystemClock(), PATIENCE)
    try:
        await opened.look()
        yield opened
    finally:
        await pretix.close()
        journal.close()


async def test_a_device_is_signed_on_once_and_chooses(
    server: Server, devices: tuple[Device, Device], event: Festival
) -> None:
    assert (devices[0].organizer, devices[0].gate and devices[0].gate.name) == ("palm", "Gate A")
    with pytest.raises(NotSignedOn) as again:
        await sign_on(server.code(server.gates[0]))
    assert again.value.problem is SignOnProblem.NOT_ACCEPTED
    pretix = Pretix(devices[0])
    try:
        assert await pretix.events() == [Choice(EVENT, "Palm Festival")]
        names = {choice.id: choice.name for choice in await pretix.lists(EVENT)}
        assert names == {str(event.main): "Main entrance", str(event.coming_back): "Coming back"}
        with pytest.raises(NotAllowed):
            await pretix.download("another", event.main, SystemClock().wall())
    finally:
        await pretix.close()


async def test_it_answers_as_the_fake_of_the_tests_does(
    devices: tuple[Device, Device], event: Festival
) -> None:
    """The lowest level: one request each, as tests/support/pretix_api.py has them."""
    pretix, at = Pretix(devices[0]), SystemClock().wall()
    ticket = event.tickets["day 1"]
    passage, other = uuid4(), uuid4()
    entry = Entry(passage, Due.ANNULMENT, EVENT, event.main, ENTRY, at)

    async def redeem(secret: str, nonce: object = None, list_id: int = event.main) -> object:
        asked = passage if nonce is None else other
        return await pretix.redeem(list_id, Ticket(code=secret), ENTRY, asked, at)

    try:
        taken = Accepted(ticket.position, event.products["Day ticket"], attention=False)
        assert await pretix.annul(entry) is Annulled.UNKNOWN
        assert await redeem(ticket.secret) == taken
        assert await redeem(ticket.secret) == taken, "the same nonce is the same passage"
        used = await redeem(ticket.secret, other)
        assert isinstance(used, Refused)
        assert (used.reason, used.gate) == (Reason.ALREADY_USED, "Gate A")
        assert used.at is not None
        assert abs(used.at - at) < timedelta(minutes=1)
        assert await pretix.annul(entry) is Annulled.DONE
        assert await pretix.annul(entry) is Annulled.NOTHING_TO_DO
        late = Entry(uuid4(), Due.ANNULMENT, EVENT, event.main, ENTRY, at)
        await pretix.redeem(event.main, Ticket(code=ticket.secret), ENTRY, late.passage, at)
        dated = Entry(late.passage, late.due, EVENT, event.main, ENTRY, at + timedelta(minutes=20))
        assert await pretix.annul(dated) is Annulled.NOT_DONE
        assert await pretix.annul(late) is Annulled.DONE
        with pytest.raises(NotAllowed):
            await redeem(ticket.secret, list_id=999)
        upload = Entry(uuid4(), Due.PASSAGE, EVENT, event.main, ENTRY, at, ticket.position)
        assert await pretix.upload(upload) == Uploaded(None)
        assert await pretix.upload(upload) == Uploaded(None), "it is taken once"
        twice = Entry(uuid4(), Due.PASSAGE, EVENT, event.main, ENTRY, at, ticket.position)
        contradicted = await pretix.upload(twice)
        assert isinstance(contradicted, Uploaded)
    finally:
        await pretix.close()


async def test_online_everybody_is_told_the_reason(
    devices: tuple[Device, Device], event: Festival, tmp_path: Path
) -> None:
    async with gate(devices[0], tmp_path) as opened:

        async def enter(name: str) -> Admission:
            return await opened.admit(Ticket(code=event.tickets[name].secret), ENTRY)

        admitted = await enter("day 2")
        assert isinstance(admitted, Admitted)
        assert (admitted.product, admitted.offline) == ("Day ticket", False)
        reasons = {
            "day 2": Reason.ALREADY_USED,
            "backstage": Reason.WRONG_LIST,
            "with question": Reason.QUESTIONS,
            "unpaid": Reason.UNPAID,
            "cancelled": Reason.CANCELLED,
            "tomorrow": Reason.NOT_YET_VALID,
            "yesterday": Reason.EXPIRED,
        }
        for name, reason in reasons.items():
            refused = await enter(name)
            assert isinstance(refused, Refused), name
            assert (refused.reason, refused.offline) == (reason, False)
        assert await opened.admit(Ticket(code="nonsense"), ENTRY) == Refused(Reason.UNKNOWN)
        await opened.annul(admitted.passage)
        await opened.look()
        assert isinstance(await enter("day 2"), Admitted), "the gate did not open the first time"
        assert opened.state.waiting == 0


async def test_whoever_leaves_comes_back(
    devices: tuple[Device, Device], event: Festival, tmp_path: Path
) -> None:
    there = devices[0].model_copy(update={"list": event.coming_back})
    async with gate(there, tmp_path) as opened:
        ticket = Ticket(code=event.tickets["day 3"].secret)
        results = [await opened.admit(ticket, way) for way in (ENTRY, ENTRY, EXIT, ENTRY)]
    assert [isinstance(result, Admitted) for result in results] == [True, False, True, True]


async def test_while_it_is_away_the_list_decides_and_all_is_told_afterwards(
    server: Server, devices: tuple[Device, Device], event: Festival, tmp_path: Path
) -> None:
    async with gate(devices[0], tmp_path) as one, gate(devices[1], tmp_path) as other:

        async def enter(opened: VenueGate, name: str) -> Admission:
            return await opened.admit(Ticket(code=event.tickets[name].secret), ENTRY)

        assert one.state.tickets == 13, "all but the one that is for backstage"
        server.stop()
        for opened in (one, other):
            await opened.look()
            assert opened.state.connection is Connection.AWAY
        mine = await enter(one, "day 4")
        assert isinstance(mine, Admitted)
        assert (mine.product, mine.offline) == ("Day ticket", True)
        reasons = {
            "day 2": Reason.ALREADY_USED,
            "day 4": Reason.ALREADY_USED,
            "backstage": Reason.UNKNOWN,
            "with question": Reason.QUESTIONS,
            "unpaid": Reason.UNPAID,
            "cancelled": Reason.CANCELLED,
            "tomorrow": Reason.NOT_YET_VALID,
            "yesterday": Reason.EXPIRED,
        }
        for name, reason in reasons.items():
            refused = await enter(one, name)
            assert isinstance(refused, Refused), name
            assert (refused.reason, refused.offline) == (reason, True)
        # Nobody has told the other gate of this one.
        theirs = await enter(other, "day 4")
        assert isinstance(theirs, Admitted)
        assert isinstance(await enter(other, "day 5"), Admitted)
        server.start()
        for opened in (one, other):
            await opened.look()
            assert (opened.state.connection, opened.state.waiting) == (Connection.ONLINE, 0)
        assert await one.conflicts() == []
        (conflict,) = await other.conflicts()
        assert (conflict.passage, conflict.trouble, conflict.reason, conflict.position) == (
            theirs.passage,
            Trouble.CONTRADICTED,
            Reason.ALREADY_USED,
            event.tickets["day 4"].position,
        )
    positions = server.api.get(f"/events/{EVENT}/checkinlists/{event.main}/positions/").json()
    books = {each["id"]: each["checkins"] for each in positions["results"]}
    assert len(books[event.tickets["day 4"].position]) == 2, "both are in the books"
    assert len(books[event.tickets["day 5"].position]) == 1


async def test_a_device_that_may_not_use_the_event_lets_nobody_in(
    server: Server, devices: tuple[Device, Device], event: Festival, tmp_path: Path
) -> None:
    ticket = Ticket(code=event.tickets["day 6"].secret)
    async with gate(devices[1], tmp_path) as opened:
        server.api.patch("/devices/2/", json={"all_events": False, "limit_events": []})
        assert await opened.admit(ticket, ENTRY) == Refused(Reason.UNDECIDED)
        assert (opened.state.connection, opened.state.tickets) == (Connection.NOT_ALLOWED, 0)
        server.api.patch("/devices/2/", json={"all_events": True})
        await opened.look()
        assert isinstance(await opened.admit(ticket, ENTRY), Admitted)


async def test_a_withdrawn_device_lets_nobody_in(
    server: Server, devices: tuple[Device, Device], event: Festival, tmp_path: Path
) -> None:
    async with gate(devices[1], tmp_path) as opened:
        key = devices[1].token.get_secret_value()
        itself = {"authorization": f"Device {key}"}
        revoked = server.api.post(f"{server.url}/api/v1/device/revoke", headers=itself)
        assert revoked.status_code == 200
        ticket = Ticket(code=event.tickets["day 7"].secret)
        assert await opened.admit(ticket, ENTRY) == Refused(Reason.UNDECIDED)
        assert (opened.state.connection, opened.state.tickets) == (Connection.NOT_ALLOWED, 0)
