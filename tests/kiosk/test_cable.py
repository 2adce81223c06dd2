import asyncio
from collections.abc import AsyncIterator

import pytest

from kiosk.cable import HOST, Cable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a service that says everything back."""

    async def say_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while heard := await reader.read(100):
                writer.write(heard)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(say_back, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


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
