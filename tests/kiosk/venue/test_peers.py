"""Two gates of one venue while pretix is away: a ticket opens one of them."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.venue.peers import Address, PeerGates
from kiosk.venue.ticket_list import Passage
from kiosk.venue.venue import Admitted, Connection, Reason, Refused
from tests.support.gates import ENTRY, PATIENCE, GateClock, Stand, gate
from tests.support.pretix_api import Fault, PretixApi

pytestmark = pytest.mark.anyio

KEY = "what the gates of this venue share"
LOW, HIGH = UUID(int=1), UUID(int=2)


class PeerClock(GateClock):
    """A clock on which the others have as long as they need to answer."""

    async def sleep(self, seconds: float) -> None:
        if seconds < PATIENCE.answer_s:
            await asyncio.sleep(0.001)
        else:
            await super().sleep(seconds)


class Knows:
    """What one gate knows of entries."""

    def __init__(self) -> None:
        self.entries: dict[int, Passage] = {}

    def entered(self, position: int) -> Passage | None:
        return self.entries.get(position)


def free_ports() -> tuple[Address, Address]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname(), other.getsockname()


class Waits(GateClock):
    """A clock on which nobody's patience ends."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


@asynccontextmanager
async def pair(
    knows: tuple[Knows, Knows], keys: tuple[str, str] = (KEY, KEY), clock: GateClock | None = None
) -> AsyncIterator[tuple[PeerGates, PeerGates]]:
    here, there = free_ports()
    clock = clock or Waits()
    one = PeerGates(keys[0], "Gate A", [there], clock)
    other = PeerGates(keys[1], "Gate B", [here], clock)
    async with one.open(*here, knows[0].entered), other.open(*there, knows[1].entered):
        yield one, other


async def test_a_ticket_that_entered_elsewhere_is_told_with_time_and_gate() -> None:
    knows = Knows(), Knows()
    clock = GateClock()
    knows[1].entries[5] = Passage(ENTRY, clock.wall(), "Gate B")
    async with pair(knows) as (one, _), one.claim(5, LOW, clock.wall()) as used:
        assert used == knows[1].entries[5]


async def test_a_free_ticket_is_let_in_as_soon_as_all_have_answered() -> None:
    async with pair((Knows(), Knows())) as (one, _), one.claim(5, LOW, GateClock().wall()) as used:
        assert used is None


@pytest.mark.parametrize("first_to_claim", [0, 1])
async def test_of_two_claims_at_once_one_wins(first_to_claim: int) -> None:
    at = GateClock().wall()
    async with pair((Knows(), Knows())) as gates:
        all_asked, outcomes = asyncio.Barrier(2), []

        async def claim(number: int, passage: UUID) -> None:
            async with gates[number].claim(5, passage, at) as used:
                outcomes.append(used is None)
                # Neither has recorded anything before both have decided.
                await all_asked.wait()

        passages = [LOW, HIGH] if first_to_claim == 0 else [HIGH, LOW]
        await asyncio.gather(claim(0, passages[0]), claim(1, passages[1]))
    assert sorted(outcomes) == [False, True]


async def test_of_two_claims_at_one_gate_the_second_gets_nothing() -> None:
    """Somebody has walked off while their ticket was decided about, and shows it again."""
    at = GateClock().wall()
    async with pair((Knows(), Knows())) as (one, other):
        async with one.claim(5, HIGH, at) as used:
            assert used is None
            async with one.claim(5, LOW, at) as again:
                assert again == Passage(ENTRY, at, "Gate A")
            async with other.claim(5, LOW, at) as elsewhere:
                assert elsewhere == Passage(ENTRY, at, "Gate A"), "the first is still under way"
        async with one.claim(5, LOW, at) as used:
            assert used is None


async def test_what_a_gate_claimed_before_it_went_silent_counts_as_used() -> None:
    clock = PeerClock()
    here, there = free_ports()
    one = PeerGates(KEY, "Gate A", [there], clock)
    other = PeerGates(KEY, "Gate B", [here], clock)
    nothing = Knows().entered
    async with other.open(*there, nothing):
        async with one.open(*here, nothing), one.claim(5, LOW, clock.wall()) as used:
            assert used is None
        async with other.claim(5, HIGH, clock.wall()) as used:
            assert used is not None
            assert used.gate == "Gate A"
        async with other.claim(6, HIGH, clock.wall()) as used:
            assert used is None, "a gate that is off keeps nobody out"


async def test_a_claim_that_came_to_nothing_holds_no_ticket() -> None:
    async with pair((Knows(), Knows())) as (one, other):
        async with one.claim(5, LOW, GateClock().wall()):
            pass
        async with other.claim(5, HIGH, GateClock().wall()) as used:
            assert used is None


async def test_strangers_are_not_heard() -> None:
    knows = Knows(), Knows()
    async with pair(knows, (KEY, "another key"), PeerClock()) as (one, other):
        async with one.claim(5, LOW, GateClock().wall()) as used:
            assert used is None
        assert other._heard == {}  # pyright: ignore[reportPrivateUsage]
        one.datagram_received(b"", ("127.0.0.1", 9))
        one.datagram_received(bytes(64), ("127.0.0.1", 9))


async def test_two_gates_let_one_ticket_in_once(tmp_path: Path) -> None:
    """The gates themselves, with a list each, and pretix away."""
    clock = PeerClock()
    here, there = free_ports()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(PretixApi(clock.wall).open())
        stands: list[Stand] = []
        for number, (own, other) in enumerate([(here, there), (there, here)], 1):
            peers = PeerGates(KEY, f"Gate {number}", [other], clock)
            stand = await stack.enter_async_context(gate(api, tmp_path, clock, number, peers))
            await stack.enter_async_context(peers.open(*own, stand.gate.entered))
            stands.append(stand)
        api.always = Fault.LOST
        for stand in stands:
            await stand.look(Connection.AWAY)
        results = await asyncio.gather(*(stand.enter("day-1") for stand in stands))
        assert len([each for each in results if isinstance(each, Admitted)]) == 1
        (refused,) = [each for each in results if isinstance(each, Refused)]
        assert refused.reason is Reason.ALREADY_USED
        assert refused.gate in ("Gate 1", "Gate 2", "Gate A", "Gate B")
        for stand in stands:
            again = await stand.enter("day-1")
            assert isinstance(again, Refused)
        api.always = None
        for stand in stands:
            await stand.look()
        assert len(api.passed("day-1")) == 1
        assert not any([await stand.gate.conflicts() for stand in stands])


@pytest.mark.parametrize("seed", range(4))
async def test_a_ticket_opens_one_of_two_gates_that_hear_each_other(
    seed: int, tmp_path: Path
) -> None:
    """Each gate loses pretix at times of its own, and people try both with the same ticket."""
    chance, clock = random.Random(seed), PeerClock()
    here, there = free_ports()
    tickets = [f"many-{number}" for number in range(8)]
    opened = Counter[str]()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(PretixApi(clock.wall).open())
        for ticket in tickets:
            api.sell(ticket)
        stands: list[Stand] = []
        for number, (own, other) in enumerate([(here, there), (there, here)], 1):
            peers = PeerGates(KEY, f"Gate {number}", [other], clock)
            stand = await stack.enter_async_context(gate(api, tmp_path, clock, number, peers))
            await stack.enter_async_context(peers.open(*own, stand.gate.entered))
            stands.append(stand)

        async def tries(stand: Stand, ticket: str) -> None:
            if isinstance(await stand.enter(ticket), Admitted):
                opened[ticket] += 1

        for _ in range(12):
            await clock.turn(5)
            for stand in stands:
                api.always = chance.choice([None, Fault.LOST])
                await stand.gate.look()
            api.always = None
            visits = [(chance.choice(stands), chance.choice(tickets)) for _ in range(6)]
            await asyncio.gather(*(tries(*visit) for visit in visits))
            for stand in stands:
                await stand.gate.settle()
        await clock.turn(121)
        for stand in stands:
            await stand.gate.look()
            assert stand.gate.state.waiting == 0
        books = Counter({ticket: len(api.passed(ticket)) for ticket in tickets})
        conflicts = [await stand.gate.conflicts() for stand in stands]
    assert max(opened.values()) == 1
    assert +books == +opened
    assert conflicts == [[], []]
