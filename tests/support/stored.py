"""Starts a service on an existing state directory, and reads what a stopped one has stored."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select, text

from cloud.db.database import looking, open_database
from cloud.keys.masters import open_master
from cloud.keys.persons import find_person
from cloud.recognition.palms import entry
from cloud.recognition.tables import PalmRow
from cloud.settings import Settings
from cloud.state import State
from tests.support import databases
from tests.support.device import TestDevice
from tests.support.served import CURRENT, OLD, PLAIN, Served

BEFORE = Settings(recognition=PLAIN.model_copy(update={"schemes": (OLD,)}))
BOTH = Settings(recognition=PLAIN.model_copy(update={"schemes": (CURRENT, OLD)}))
AFTER = Settings(recognition=PLAIN)


@contextmanager
def open_shop(root: Path, settings: Settings, device: TestDevice | None = None) -> Iterator[Served]:
    """Runs a service on a state directory, and connects a device that was activated earlier."""
    with Served(root, settings) as served:
        if device is not None:
            device.http.close()
            device.http = served.device().http
        yield served


def palms(root: Path) -> list[tuple[str, int, str, bytes]]:
    """Returns id, version, transform and sealed template of every palm, as they are stored."""
    stored = text("SELECT id, version, transform, template FROM palms")
    with looking(databases.address_for(root)) as connection:
        return [
            (row.id, row.version, row.transform, row.template) for row in connection.execute(stored)
        ]


def codes(root: Path) -> dict[str, bytes]:
    """Returns the search codes by palm id, opened with their person's key."""

    async def read() -> dict[str, bytes]:
        state = State.open(root, databases.server_for(root))
        store = open_database(state.address)
        async with store.session() as session:
            found: dict[str, bytes] = {}
            for row in await session.scalars(select(PalmRow)):
                person = await find_person(session, open_master(state), row.person_id)
                found[row.id] = entry(person, row).template.search_code
        await store.close()
        return found

    return asyncio.run(read())


def files(root: Path) -> bytes:
    """Returns the bytes of all files together."""
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
