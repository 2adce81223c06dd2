"""Access, tickets and memberships that people have at a site or a merchant: how many there are, and
how staff take one away by its own reference. Staff do not learn who has it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts
from cloud.console.audit import By
from cloud.context import Context
from cloud.entry import access, doors, entries, presences, tickets
from cloud.entry.doors import Door
from cloud.loyalty import memberships
from cloud.merchants.merchants import MerchantRow, SiteRow
from cloud.policy import Limits
from cloud.web import limits
from cloud.web.devices import DeviceRow, all_devices

LATELY = timedelta(days=1)
"""The time for which passages at doors are counted."""


@dataclass(frozen=True, slots=True)
class AtDoor:
    """A kiosk that stands at a door."""

    device: DeviceRow
    door: Door
    hours: str
    """The opening hours as staff have written them; empty for a door that is always open."""


@dataclass(frozen=True, slots=True)
class AtSite:
    """The doors of a site, and how many people have access."""

    doors: Sequence[AtDoor]
    given: int
    """How many people have access."""
    accepted: int
    """How many of them have agreed that their palm opens doors."""
    areas: Mapping[str, int]
    """How many people are in each area now."""
    lately: int
    """How often somebody was recognised at a door within the last LATELY."""


@dataclass(frozen=True, slots=True)
class AtMerchant:
    """How many tickets and memberships of a merchant are linked to palms."""

    tickets: int
    people_with_tickets: int
    memberships: int


@dataclass(frozen=True, slots=True)
class Taker:
    """A request to take something away. The copies of the deleted rows are removed from the
    database's files by the functions in `afterwards`, which run once the request is done."""

    context: Context
    session: AsyncSession
    by: By
    afterwards: list[Callable[[], Awaitable[None]]]

    async def take_access(self, site: SiteRow, called: str) -> int:
        """Takes the access of the people whom the site's own system calls `called`, and returns
        how many they are."""
        async with self._looking_through(site.id) as session:
            people = await access.called_at(session, self.context.master, site.id, called)
        count, traces = await acts.take_access(self.session, self.by, site, people)
        self._forget(*traces)
        return count

    async def take_ticket(self, merchant: MerchantRow, code: str) -> int:
        """Takes the tickets whose QR code contains `code`, and returns how many were linked."""
        async with self._looking_through(merchant.id) as session:
            found = await tickets.with_code(session, self.context.master, merchant.id, code)
        taken = await acts.take_tickets(self.session, self.by, merchant, found)
        self._forget(*taken)
        return len(taken)

    async def take_membership(self, merchant: MerchantRow, code: str) -> int:
        """Takes the membership card with this code from whoever has linked it, and returns from how
        many people. Raises pydantic's ValidationError for a text that is no code, and Refusal for
        who does it too often."""
        await self._count()
        traces = await acts.unlink_membership(
            self.session, self.context.master, self.by, merchant, code
        )
        self._forget(*traces)
        return len(traces)

    @asynccontextmanager
    async def _looking_through(self, place_id: str) -> AsyncGenerator[AsyncSession]:
        """Yields a session that only reads, for a search through everything that people have at a
        place. The search holds no lock of the database, and only one runs at a time. Raises Refusal
        for whoever searches too often."""
        await self._count()
        await self.session.commit()
        database = self.context.database
        async with database.turn("look through", place_id), database.reading() as session:
            yield session

    async def _count(self) -> None:
        """Counts a taking. Raises Refusal for who does it too often."""
        await limits.spend(self.session, Limits.TAKINGS, self.by.who, self.by.at)

    def _forget(self, *traces: str | bytes) -> None:
        if traces:
            self.afterwards.append(partial(self.context.database.forget_erased, *traces))


async def at_site(session: AsyncSession, site: SiteRow, now: datetime) -> AtSite:
    here = {
        device.id: device
        for device in await all_devices(session)
        if device.site_id == site.id and device.revoked_at is None
    }
    given, accepted = await access.counts_at(session, site.id)
    return AtSite(
        doors=[
            AtDoor(here[row.device_id], door, row.hours)
            for row, door in await doors.all_doors(session)
            if row.site_id == site.id and row.device_id in here
        ],
        given=given,
        accepted=accepted,
        areas=await presences.counts_at(session, site.id),
        lately=await entries.count_since(session, site.id, now - LATELY),
    )


async def at_merchant(session: AsyncSession, merchant: MerchantRow) -> AtMerchant:
    linked, people = await tickets.count_linked(session, merchant.id)
    return AtMerchant(linked, people, await memberships.count_linked(session, merchant.id))
