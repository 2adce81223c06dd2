"""A day on which everything goes wrong, drawn from a seed: afterwards the books say who passed."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kiosk.venue.journal import Journal
from kiosk.venue.pretix import Pretix
from kiosk.venue.venue import Admitted, Trouble
from tests.support.gates import PATIENCE, GateClock, Stand, opened, signed_on
from tests.support.pretix_api import Fault, PretixApi
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio

TICKETS = ("day-1", "day-2", "day-3", "day-4")
EVENTS = 60
WEATHER = (None, None, None, *(fault for fault in Fault if fault is not Fault.FORBIDDEN))


class Day:
    """One gate, which is started again now and then."""

    def __init__(self, api: PretixApi, clock: GateClock, path: Path, seed: int) -> None:
        self.api, self.clock, self._path = api, clock, path
        self._chance = random.Random(seed)
        self.passed = Counter[str]()
        self._stack = AsyncExitStack()
        self.stand: Stand
        self.disputed: list[Trouble] = []

    async def start(self) -> None:
        device = await signed_on(self.api)
        self._pretix = Pretix(device)
        await self._open()

    async def _open(self) -> None:
        journal = Journal(sealed(self._path))
        self._stack.callback(journal.close)
        device = self._pretix.device
        self.stand = await self._stack.enter_async_context(
            opened(self.api, device, journal, self.clock)
        )

    async def restart(self) -> None:
        await self._stack.aclose()
        await self._open()

    async def waits(self, work: asyncio.Future[None]) -> None:
        while not work.done():
            await asyncio.wait({work}, timeout=0.001)
            if not work.done():
                await self.clock.turn(PATIENCE.answer_s)
        await work

    async def happens(self) -> None:
        what = self._chance.choices(
            [self._weather, self._visit, self._look, self.restart], [3, 6, 3, 1]
        )[0]
        await what()

    async def _weather(self) -> None:
        self.api.always = self._chance.choice(WEATHER)

    async def _look(self) -> None:
        # Nobody waits ten seconds here for a server that says nothing.
        if self.api.always not in (Fault.SILENT, Fault.DEAF):
            await self.stand.gate.look()

    async def _visit(self) -> None:
        ticket = self._chance.choice(TICKETS)

        async def visit() -> None:
            admission = await self.stand.enter(ticket)
            if not isinstance(admission, Admitted):
                return
            if self._chance.random() < 0.3:
                await self.stand.gate.annul(admission.passage)
            else:
                self.passed[ticket] += 1

        await self.waits(asyncio.ensure_future(visit()))

    async def end(self) -> None:
        self.api.always = None
        await self.clock.turn(121)
        await self.stand.gate.look()
        self.disputed = [each.trouble for each in await self.stand.gate.conflicts()]
        await self._stack.aclose()


@pytest.mark.parametrize("seed", range(6))
async def test_every_passage_is_in_the_books(seed: int, tmp_path: Path) -> None:
    clock = GateClock()
    async with PretixApi(clock.wall).open() as api:
        api.sell("day-4")
        day = Day(api, clock, tmp_path / "venue.db", seed)
        await day.start()
        for _ in range(EVENTS):
            await day.happens()
        await day.end()
        books = Counter({ticket: len(api.passed(ticket)) for ticket in TICKETS})
    assert day.stand.gate.state.waiting == 0
    assert all(number <= 1 for number in day.passed.values()), "no ticket opens the gate twice"
    assert not day.passed - books, "every passage is in the books"
    # pretix annuls no nonce that it has refused once and accepted once: staff are told of those.
    spare = (books - day.passed).total()
    assert spare <= day.disputed.count(Trouble.NOT_ANNULLED)
