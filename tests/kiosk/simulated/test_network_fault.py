import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from kiosk.simulated.network_fault import HOST, Cable, Listener
from tests.support.live_stage import SOON

pytestmark = pytest.mark.anyio


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a service that says everything back."""

    async def say_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while heard := await reader.read(100):
                writer.write(heard)

    listener = Listener(say_back)
    yield listener.port
    await listener.close()


@pytest.fixture
async def cable() -> AsyncIterator[Cable]:
    cable = Cable()
    yield cable
    await cable.cut()


async def say(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"hello")
    return reader, writer


async def hung_up(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def test_what_is_said_at_one_end_arrives_at_the_other(cable: Cable, echo: int) -> None:
    reader, writer = await say(await cable.lay(echo))
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_a_cut_drops_who_was_talking_and_refuses_who_begins(cable: Cable, echo: int) -> None:
    port = await cable.lay(echo)
    reader, writer = await say(port)
    await reader.readexactly(5)
    await cable.cut()
    assert await hung_up(reader)
    writer.close()
    with pytest.raises(ConnectionError):
        await say(port)


async def test_who_has_only_just_been_let_in_is_dropped_too(cable: Cable, echo: int) -> None:
    port = await cable.lay(echo)
    for passes_of_the_loop in range(6):
        with socket.create_connection((HOST, port), timeout=SOON) as caller:
            for _ in range(passes_of_the_loop):
                await asyncio.sleep(0)
            await cable.cut()
            assert await asyncio.to_thread(hears_nothing_more, caller)
        await cable.mend()


def hears_nothing_more(caller: socket.socket) -> bool:
    """Raises TimeoutError when nobody hangs up."""
    try:
        return caller.recv(1) == b""
    except ConnectionError:
        return True


async def test_a_mended_cable_is_where_it_was(cable: Cable, echo: int) -> None:
    port = await cable.lay(echo)
    await cable.cut()
    await cable.mend()
    reader, writer = await say(port)
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_a_cable_that_is_cut_stays_cut_when_the_service_comes_back(
    cable: Cable, echo: int
) -> None:
    port = await cable.lay(echo)
    await cable.cut()
    assert await cable.lay(echo) == port
    with pytest.raises(ConnectionError):
        await say(port)


async def test_a_service_that_is_gone_hangs_up(cable: Cable) -> None:
    reader, writer = await say(await cable.lay(9))
    assert await hung_up(reader)
    writer.close()
