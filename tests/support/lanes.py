"""Lanes of simulated gates, and venues that decide as a test says."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from kiosk.venue.venue import Admission, Admitted, Connection, Refused, VenueState
from protocol.entry import Ticket
from protocol.messages import Direction


class ScriptedVenue:
    """A venue that decides about tickets as a test says, in the order in which they are shown. None
    admits."""

    def __init__(self, *decisions: Refused | None) -> None:
        self._decisions = decisions
        self.asked: list[tuple[str, Direction]] = []
        self.annulled: list[UUID] = []
        self.connection = Connection.ONLINE
        self.conflicts = 0

    @property
    def state(self) -> VenueState:
        return VenueState(
            self.connection, tickets=312, waiting=2, conflicts=self.conflicts, recording=True
        )

    async def admit(self, ticket: Ticket, direction: Direction) -> Admission:
        decision = self._decisions[len(self.asked)]
        self.asked.append((ticket.code, direction))
        return decision or Admitted(uuid4(), "Day ticket", offline=False)

    async def annul(self, passage: UUID) -> None:
        self.annulled.append(passage)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["ScriptedVenue"]:
        yield self
