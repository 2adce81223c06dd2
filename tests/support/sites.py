"""Doors and access lists of the service that tests share."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from cloud.entry import access, check_ins, doors, presences
from cloud.entry.access import Access
from cloud.entry.doors import Door, DoorKind
from cloud.keys.persons import find_person
from cloud.merchants.merchants import find_site
from protocol.entry import Entry, EntryRequest, Passage
from protocol.hours import Hours
from protocol.messages import Direction, Purpose
from tests.support.device import TestDevice
from tests.support.served import Served

DOOR = Door(
    name="North",
    kind=DoorKind.RELAY,
    direction=Direction.ENTRY,
    everyone=True,
    hours=Hours(()),
    area=None,
)


@dataclass
class Site:
    """A site of the shared service, with doors of its own."""

    served: Served
    id: str

    def gate(self, hours: str = "", **changes: Any) -> TestDevice:
        """Returns a new device that stands at a door of the site."""
        device = self.served.kiosk(self.id)
        door = replace(DOOR, hours=Hours.parse(hours), **changes)

        async def write() -> None:
            async with self.served.context.database.session() as session:
                assert await doors.set_door(session, device.id, door, hours)
                await session.commit()

        self.served.do(write())
        return device

    def set_clock(self, zone: str, *holidays: date) -> None:
        async def write() -> None:
            async with self.served.context.database.session() as session:
                await doors.set_clock(session, self.id, ZoneInfo(zone), holidays)
                await session.commit()

        self.served.do(write())

    def give(self, phone: str, given: Access) -> None:
        """Gives somebody access, as an access list does."""

        person_id = self.served.person_id(phone)

        async def write() -> None:
            context = self.served.context
            async with context.database.session() as session:
                person = await find_person(session, context.master, person_id)
                site = await find_site(session, self.id)
                assert site
                await access.give(session, person, site, given, context.clock())
                await session.commit()

        self.served.do(write())

    def hook(self, url: str) -> str:
        """Has the site told of check-ins at an address; returns its secret."""

        async def write() -> str:
            context = self.served.context
            async with context.database.session() as session:
                secret = await check_ins.set_hook(session, context.master, self.id, url)
                await session.commit()
                return secret

        return self.served.do(write())

    def areas_of(self, phone: str) -> list[str]:
        """Returns the areas that somebody is in."""
        person_id = self.served.person_id(phone)

        async def read() -> list[str]:
            context = self.served.context
            async with context.database.session() as session:
                person = await find_person(session, context.master, person_id)
                return [row.area for row in await presences.presences_of(session, person)]

        return self.served.do(read())


def show_palm(gate: TestDevice, who: str) -> Entry:
    """Returns what becomes of somebody who shows their palm at a gate."""
    request = EntryRequest(identification_id=gate.recognised(who, Purpose.ENTER))
    return gate.post("/entries", request, Entry)


def tell(gate: TestDevice, entry: Entry, *, passed: bool) -> None:
    body = Passage(passed=passed).model_dump_json().encode()
    sent = gate.send("PUT", f"/entries/{entry.entry_id}/passage", body)
    assert sent.status_code == 204, sent.text
