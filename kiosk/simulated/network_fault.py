"""A TCP relay between the kiosk and its embedded service that can fail as a network does."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

HOST = "127.0.0.1"


class Listener:
    """Accepts connections on a loopback port and drops all of them when it closes.

    `asyncio.start_server` loses a connection that is being accepted while it closes; that one
    stays open until it is garbage collected (CPython 3.11).
    """

    def __init__(
        self,
        attend: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
        port: int = 0,
    ) -> None:
        """`attend` serves one connection, which is closed when it returns. `port` 0 takes a free
        port. Raises OSError when the port is in use."""
        self._attend = attend
        self._inside: set[asyncio.Task[None]] = set()
        self._socket = socket.create_server((HOST, port))
        self._socket.setblocking(False)
        # Inherited by every connection; asyncio sets it only on sockets with an explicit protocol.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._let_in)

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        inside = tuple(self._inside)
        for task in inside:
            task.cancel()
        await asyncio.gather(*inside, return_exceptions=True)

    def _let_in(self) -> None:
        try:
            caller, _ = self._socket.accept()
        except OSError:
            return  # The caller has already hung up.
        task = asyncio.create_task(self._talk(caller))
        self._inside.add(task)
        task.add_done_callback(self._inside.discard)
        # Not in the task itself, which never begins when it is cancelled at once.
        task.add_done_callback(lambda _: caller.close())

    async def _talk(self, caller: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=caller)
        try:
            await self._attend(reader, writer)
        finally:
            writer.transport.abort()


class NetworkFault:
    """Relays TCP on loopback. While the network is cut, every connection is reset and new ones are
    refused."""

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._port = 0
        self._far = 0
        self._mended = True

    async def lay(self, far: int) -> int:
        """Relays to the port `far` from now on. Returns the port to connect to, which never
        changes."""
        self._far = far
        if self._mended:
            await self.mend()
        return self._port

    async def mend(self) -> None:
        """Restores the network."""
        self._mended = True
        if self._listener is None:
            self._listener = Listener(self._carry, self._port)
            self._port = self._listener.port

    async def cut(self) -> None:
        """Cuts the network."""
        self._mended = False
        if self._listener is not None:
            listener, self._listener = self._listener, None
            await listener.close()

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        # Both sides notice a reset connection by themselves.
        with suppress(OSError):
            far, forth = await asyncio.open_connection(HOST, self._far)
            try:
                await asyncio.gather(_pump(near, forth), _pump(far, back))
            finally:
                forth.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while content := await source.read(65536):
        sink.write(content)
        await sink.drain()
    sink.close()
