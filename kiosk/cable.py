"""The network between the kiosk and its embedded service, as a cable that can be pulled."""

import asyncio

HOST = "127.0.0.1"


class Cable:
    """Relays TCP on loopback from a port of its own. Cut, it breaks off every connection and
    refuses new ones."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._port = 0
        self._far = 0
        self._carrying: set[asyncio.Task[None]] = set()
        self._mended = True

    async def lay(self, far: int) -> int:
        """Leads to the port `far` from now on; returns the near port, which stays the same."""
        self._far = far
        if self._mended:
            await self.mend()
        return self._port

    async def mend(self) -> None:
        self._mended = True
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, HOST, self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        self._mended = False
        if self._server is not None:
            self._server.close()
            self._server = None
        carrying = tuple(self._carrying)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._carrying.add(task)
        ends = {back}
        try:
            far, forth = await asyncio.open_connection(HOST, self._far)
            ends.add(forth)
            await asyncio.gather(_pump(near, forth), _pump(far, back))
        except (OSError, asyncio.CancelledError):
            pass  # As when a cable is pulled: whoever was talking notices by themselves.
        finally:
            self._carrying.discard(task)
            for end in ends:
                end.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while content := await source.read(65536):
        sink.write(content)
        await sink.drain()
    sink.close()
