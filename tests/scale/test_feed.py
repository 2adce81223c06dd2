"""What one service enrols, changes and erases, the other one knows without being asked."""

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.engine import URL

from cloud.db import postgres
from cloud.db.postgres import PostgresDatabase
from cloud.keys.persons import find_person
from cloud.keys.tables import Person
from cloud.people.accounts import freeze
from cloud.people.tables import AccountRow
from cloud.recognition import feed
from cloud.recognition.gallery import Gallery
from cloud.recognition.tables import PalmChange, PalmRow
from protocol.messages import (
    Account,
    DeletionReceipt,
    DeletionRequest,
    Outcome,
    ProblemType,
    Purpose,
    Side,
)
from tests.cloud.people.test_enrolments import ready_enrolment
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.pair import Pair, has_followed
from tests.support.plain_palms import burst
from tests.support.postgres import migrated
from tests.support.served import Served


@pytest.fixture
def here(served: Pair) -> TestDevice:
    """A device that asks the first service alone."""
    device = Served.device(served)
    device.activate(served.activation_code())
    return device


@pytest.fixture
def there(served: Pair) -> TestDevice:
    """A device that asks the second service alone."""
    return served.second.kiosk()


@contextmanager
def deaf(service: Served) -> Generator[None]:
    """Keeps the gallery of a service from following anything."""
    following = service.context.gallery.following
    service.do(following.acquire())

    async def release() -> None:
        following.release()

    try:
        yield
    finally:
        service.do(release())


def cut(served: Served) -> int:
    """Has the server end the connections that listen, and returns how many there were."""

    async def end() -> int:
        async with served.database.session() as session:
            ended = await session.scalars(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                    " current_database() AND application_name = 'palm-cloud listening'"
                )
            )
            return len(ended.all())

    return served.do(end())


def test_who_signs_up_at_one_is_found_at_the_other_also_after_its_connection_was_lost(
    served: Pair, here: TestDevice, there: TestDevice, who: str
):
    here.sign_up(who)
    served.second.do(has_followed(served.second))
    assert there.identify(who).outcome is Outcome.ACCEPTED
    assert cut(served) > 0
    here.sign_up(f"{who} again")
    served.second.do(has_followed(served.second))
    assert there.identify(f"{who} again").outcome is Outcome.ACCEPTED


def test_a_second_palm_that_is_added_at_one_is_found_and_known_at_the_other(
    served: Pair, here: TestDevice, there: TestDevice, who: str
):
    enrolment_id = ready_enrolment(here, who)
    here.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    here.add_palm(enrolment_id, burst(who, Side.RIGHT))
    # Whether the gallery there has followed already or not.
    with pytest.raises(Refused) as refused:
        there.sign_up(who, sides=(Side.RIGHT,))
    assert refused.value.problem.type is ProblemType.PALM_KNOWN
    served.second.do(has_followed(served.second))
    assert there.identify(who, side=Side.RIGHT).outcome is Outcome.ACCEPTED


def test_who_freezes_or_leaves_at_one_is_refused_at_the_other_at_once(
    served: Pair, here: TestDevice, there: TestDevice, who: str
):
    phone = fresh_phone()
    served.second.do(has_followed(served.second))
    before = len(served.second.context.gallery)
    here.sign_up(who, phone=phone)
    served.second.do(has_followed(served.second))

    async def frozen() -> None:
        context = served.context
        async with context.database.session() as session:
            person = await find_person(session, context.master, person_id)
            await freeze(session, person, context.clock())
            await session.commit()

    person_id = served.person_id(phone)
    with deaf(served.second):
        served.do(frozen())
        assert there.identify(who).outcome is Outcome.FROZEN
        leaving = DeletionRequest(identification_id=here.recognised(who, Purpose.LEAVE))
        here.post("/deletions", leaving, DeletionReceipt)
        assert there.identify(who).outcome is Outcome.ASK_AGAIN
        assert len(served.second.context.gallery) == before + 1
    served.second.do(has_followed(served.second))
    assert len(served.second.context.gallery) == before


# What the database notes

NOW = datetime.now(UTC)


@pytest.fixture
def address() -> Generator[URL]:
    """A database with one palm of each of two people, of whom the first has an account."""
    address = migrated(f"feed-{os.getpid()}")
    engine = postgres.engine(address)
    with engine.begin() as connection:
        for person_id in ("somebody", "anybody"):
            connection.execute(insert(Person).values(id=person_id, wrapped_key=b""))
            connection.execute(insert(PalmRow).values(**palm(f"of {person_id}", person_id)))
    # An account is added to somebody who has a palm already.
    with engine.begin() as connection:
        account = {"phone_lookup": "1", "profile": b"", "since": NOW, "joined": 1}
        connection.execute(insert(AccountRow).values(person_id="somebody", **account))
    yield address
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM persons"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM palm_changes WHERE id > 1"))


def palm(palm_id: str, person_id: str) -> dict[str, Any]:
    return {
        "id": palm_id,
        "person_id": person_id,
        "side": Side.LEFT,
        "version": 1,
        "transform": "",
        "template": b"",
    }


def noted(connection: Connection) -> list[str]:
    """Returns the palms that were changed since the beginning, in their order."""
    return list(connection.scalars(select(PalmChange.palm_id).order_by(PalmChange.id)))[1:]


def test_palms_of_accounts_are_noted_and_those_of_others_when_they_are_erased(address: URL):
    with postgres.engine(address).connect() as connection:
        assert noted(connection) == ["of somebody"]
        connection.execute(insert(PalmRow).values(**palm("another", "somebody")))
        connection.commit()
        assert noted(connection) == ["of somebody", "another"]
        connection.execute(text("DELETE FROM persons"))
        connection.commit()
        assert sorted(noted(connection)[2:]) == ["another", "of anybody", "of somebody"]


def test_changes_have_the_order_in_which_they_are_committed(address: URL):
    engine = postgres.engine(address)
    with engine.begin() as connection:
        connection.execute(insert(PalmRow).values(**palm("another", "somebody")))
    with engine.connect() as first, engine.connect() as second:
        first.execute(update(PalmRow).where(PalmRow.id == "another").values(version=2))
        second.execute(update(PalmRow).where(PalmRow.id == "of somebody").values(version=2))
        second.commit()
        assert noted(second)[2:] == ["of somebody"]
        first.commit()
        assert noted(second)[2:] == ["of somebody", "another"]


def test_a_process_that_missed_changes_which_are_erased_says_so(address: URL):
    unused = cast(Any, None)

    async def behind() -> None:
        database = PostgresDatabase(address)
        gallery = Gallery(unused, unused, unused, {})
        gallery.seen = 1
        async with database.session() as session:
            await feed.forget_expired(session, NOW + 2 * feed.KEPT)
            kept = await session.scalars(select(PalmChange.id).order_by(PalmChange.id))
            *_, last = kept.all()
            await session.execute(update(PalmChange).values(at=NOW - 2 * feed.KEPT))
            await feed.forget_expired(session, NOW)
            kept = await session.scalars(select(PalmChange.id))
            assert kept.all() == [last]
            with pytest.raises(feed.FellBehind):
                await feed.follow(session, unused, gallery)
            gallery.seen = last
            await feed.follow(session, unused, gallery)
            await session.rollback()
        await database.close()

    asyncio.run(behind())
