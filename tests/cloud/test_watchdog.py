"""Systemd's watchdog is fed while the service's event loop and its database answer."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cloud.__main__ import parts
from cloud.db import migration
from cloud.db.sqlite import SqliteDatabase
from protocol.watchdog import Part, Systemd
from tests.support.systemd import Asked, Listening

CONNECTIONS = 15
"""All that a database gives out."""


@pytest.fixture
def systemd() -> Iterator[Listening]:
    with Listening() as listening:
        yield listening


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def end_the_rest() -> None:
    """Ends what still asks, as `asyncio.run` does."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@pytest.fixture
def store(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Iterator[SqliteDatabase]:
    migration.migrate(tmp_path / "palms.db")
    store = SqliteDatabase(tmp_path / "palms.db")
    yield store
    # What still asks has a connection, which is given back before all are closed.
    asyncio.run_coroutine_threadsafe(end_the_rest(), loop).result()
    asyncio.run_coroutine_threadsafe(store.close(), loop).result()


def test_a_service_whose_event_loop_hangs_is_not_fed_until_it_goes_on(
    systemd: Listening, loop: asyncio.AbstractEventLoop, store: SqliteDatabase
) -> None:
    # Alone: a part that has answered is not asked again before all others have.
    asked = Asked(parts(loop, store)["the event loop"])
    watched: dict[str, Part] = {"the event loop": asked}
    with Systemd(systemd.environment).watching(watched):
        systemd.hears()
        go_on = threading.Event()
        loop.call_soon_threadsafe(go_on.wait)
        try:
            asked.again(3)
            systemd.forget()
            asked.again(5)
            assert systemd.has_heard_nothing
        finally:
            go_on.set()
        systemd.hears()


def test_a_service_whose_connections_are_never_given_back_is_not_fed(
    systemd: Listening, loop: asyncio.AbstractEventLoop, store: SqliteDatabase
) -> None:
    watched = parts(loop, store)
    watched["the database"] = asked = Asked(watched["the database"])
    held = AsyncExitStack()

    async def take() -> None:
        for _ in range(CONNECTIONS):
            await held.enter_async_context(store._engine.connect())  # pyright: ignore[reportPrivateUsage]

    with Systemd(systemd.environment).watching(watched):
        systemd.hears()
        asyncio.run_coroutine_threadsafe(take(), loop).result()
        asked.again(3)
        systemd.forget()
        asked.again(5)
        assert systemd.has_heard_nothing
        asyncio.run_coroutine_threadsafe(held.aclose(), loop).result()
        systemd.hears()
