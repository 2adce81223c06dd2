import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from kiosk.simulated.network_fault import HOST, Listener, NetworkFault
from tests.support.live_stage import SOON

pytestmark = pytest.mark.anyio


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a service that echoes everything."""

    async def say_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while heard := await reader.read(100):
                writer.write(heard)

    listener = Listener(say_back)
    yield listener.port
    await listener.close()


@pytest.fixture
async def network_fault() -> AsyncIterator[NetworkFault]:
    network_fault = NetworkFault()
    yield network_fault
    await network_fault.cut()


async def say(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"hello")
    return reader, writer


async def hung_up(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def test_what_is_said_at_one_end_arrives_at_the_other(
    network_fault: NetworkFault, echo: int
) -> None:
    reader, writer = await say(await network_fault.lay(echo))
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_a_cut_drops_who_was_talking_and_refuses_who_begins(
    network_fault: NetworkFault, echo: int
) -> None:
    port = await network_fault.lay(echo)
    reader, writer = await say(port)
    await reader.readexactly(5)
    await network_fault.cut()
    assert await hung_up(reader)
    writer.close()
    with pytest.raises(ConnectionError):
        await say(port)


async def test_who_has_only_just_been_let_in_is_dropped_too(
    network_fault: NetworkFault, echo: int
) -> None:
    port = await network_fault.lay(echo)
    for passes_of_the_loop in range(6):
        with socket.create_connection((HOST, port), timeout=SOON) as caller:
            for _ in range(passes_of_the_loop):
                await asyncio.sleep(0)
            await network_fault.cut()
            assert await asyncio.to_thread(hears_nothing_more, caller)
        await network_fault.mend()


def hears_nothing_more(caller: socket.socket) -> bool:
    """Waits for the end of the connection. Raises TimeoutError when it does not end."""
    try:
        return caller.recv(1) == b""
    except ConnectionError:
        return True


async def test_a_mended_cable_is_where_it_was(network_fault: NetworkFault, echo: int) -> None:
    port = await network_fault.lay(echo)
    await network_fault.cut()
    await network_fault.mend()
    reader, writer = await say(port)
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_a_cable_that_is_cut_stays_cut_when_the_service_comes_back(
    network_fault: NetworkFault, echo: int
) -> None:
    port = await network_fault.lay(echo)
    await network_fault.cut()
    assert await network_fault.lay(echo) == port
    with pytest.raises(ConnectionError):
        await say(port)


async def test_a_service_that_is_gone_hangs_up(network_fault: NetworkFault) -> None:
    reader, writer = await say(await network_fault.lay(9))
    assert await hung_up(reader)
    writer.close()
