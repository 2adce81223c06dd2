"""Gates of a venue at the fake pretix, and a clock that a test turns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kiosk.settings import GatePatience
from kiosk.venue.device import Device
from kiosk.venue.gate import Peers, VenueGate
from kiosk.venue.journal import Journal
from kiosk.venue.pretix import Pretix, sign_on
from kiosk.venue.venue import Admission, Connection
from protocol.entry import Ticket
from protocol.messages import Direction
from tests.support.clocks import TurnedClock
from tests.support.pretix_api import EVENT, LIST, PretixApi
from tests.support.sealed import sealed

ENTRY, EXIT = Direction.ENTRY, Direction.EXIT
PATIENCE = GatePatience()


class GateClock(TurnedClock):
    """A clock that a test turns. The short pauses between two attempts take no time."""

    async def sleep(self, seconds: float) -> None:
        if seconds < PATIENCE.answer_s:
            await asyncio.sleep(0)
        else:
            await super().sleep(seconds)


async def signed_on(api: PretixApi, number: int = 1) -> Device:
    """Signs a device on, as an operator does, and chooses the event and the list."""
    device = await sign_on(api.code(number))
    return device.model_copy(update={"event": EVENT, "list": LIST})


class Stand:
    """A gate with its parts, at a pretix."""

    def __init__(
        self, api: PretixApi, gate: VenueGate, pretix: Pretix, journal: Journal, clock: GateClock
    ) -> None:
        self.api, self.gate, self.pretix = api, gate, pretix
        self.journal, self.clock = journal, clock

    async def enter(self, secret: str, direction: Direction = ENTRY) -> Admission:
        return await self.gate.admit(Ticket(code=secret), direction)

    async def enter_unheard(self, secret: str) -> Admission:
        """Has somebody wait in vain for pretix, which is asked and does not answer."""
        self.api.heard.clear()
        deciding = asyncio.ensure_future(self.enter(secret))
        await self.api.heard.wait()
        return await self.patience_ends(deciding)

    async def patience_ends(self, deciding: asyncio.Future[Admission]) -> Admission:
        while not deciding.done():
            await self.clock.turn(PATIENCE.answer_s)
            await asyncio.wait({deciding}, timeout=0.001)
        return await deciding

    async def look(self, expected: Connection = Connection.ONLINE) -> None:
        await self.gate.look()
        assert self.gate.state.connection is expected

    async def look_after_the_list(self) -> None:
        """Lets the gate download the list anew."""
        await self.clock.turn(PATIENCE.refresh_s)
        await self.look()


@asynccontextmanager
async def opened(
    api: PretixApi,
    device: Device,
    journal: Journal,
    clock: GateClock,
    *,
    peers: Peers | None = None,
    pretix: Pretix | None = None,
) -> AsyncIterator[Stand]:
    """A gate that has just started. It leaves the journal open."""
    pretix = pretix or Pretix(device, gates={8: "Gate B"})
    stand = Stand(api, VenueGate(pretix, journal, clock, peers=peers), pretix, journal, clock)
    try:
        yield stand
    finally:
        await stand.gate.settle()
        await pretix.close()


@asynccontextmanager
async def gate(
    api: PretixApi, folder: Path, clock: GateClock, number: int = 1, peers: Peers | None = None
) -> AsyncIterator[Stand]:
    """A gate that has looked after pretix."""
    device = await signed_on(api, number)
    journal = Journal(sealed(folder / f"{device.serial}.db"))
    try:
        async with opened(api, device, journal, clock, peers=peers) as stand:
            await stand.look()
            yield stand
    finally:
        journal.close()
