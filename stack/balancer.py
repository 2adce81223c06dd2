"""A balancer of TCP connections, as a site has one before its services, which speak TLS
themselves."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count

CHUNK = 1 << 16
"""At most so many bytes are passed on at once."""


class CannotListen(RuntimeError):
    """The port cannot be used: the message tells cause and remedy."""


class Balancer:
    """Passes each connection on, byte by byte, to the service whose turn it is, or else to the next
    one that takes it. Where none does, it is closed. All of it is on 127.0.0.1.

    `async with` listens; `ports` returns where the services listen at the moment.
    """

    def __init__(self, port: int, ports: Callable[[], Sequence[int]]) -> None:
        """`port` 0 takes a free one."""
        self.port = port
        self._ports = ports
        self._turns = count()
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Balancer":
        """Raises CannotListen."""
        try:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        except OSError as error:
            raise CannotListen(
                f"port {self.port} cannot be listened on: {error.strerror}. Perhaps a service "
                "listens there. Choose another with --port."
            ) from None
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for passing in self._open:
            passing.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.create_task(self._pass_on(reader, writer))
        self._open.add(passing)
        passing.add_done_callback(self._open.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ports = self._ports()
            first = next(self._turns)
            for number in range(len(ports)):
                with suppress(OSError):
                    port = ports[(first + number) % len(ports)]
                    theirs = await asyncio.open_connection("127.0.0.1", port)
                    await _both_ways((reader, writer), theirs)
                    return
        finally:
            writer.close()


End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _both_ways(ours: End, theirs: End) -> None:
    """Passes on what comes from either end until one of them is closed."""
    ways = [
        asyncio.create_task(_copy(ours[0], theirs[1])),
        asyncio.create_task(_copy(theirs[0], ours[1])),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        theirs[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
