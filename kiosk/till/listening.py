"""Listens for tills on a port, and tries again while it cannot."""

import asyncio
import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import uvicorn

from protocol.connections import Server

log = logging.getLogger(__name__)

AGAIN_S = 5.0
"""Seconds between two tries to listen."""


class Listener:
    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self.port = port
        """The port that is listened on, from `opened` on; 0 takes a free one."""
        self.opened = asyncio.Event()
        """Set once tills can connect."""
        self.shut_out: str | None = None
        """Why the port cannot be listened on."""

    async def serve(self, configuration: uvicorn.Config) -> NoReturn:
        """Serves until it is cancelled. While it cannot listen, it says so in the log and tries
        again."""
        while True:
            try:
                with socket.create_server((self._host, self._port)) as listener:
                    await self._serve_at(listener, configuration)
            except OSError as error:
                # The certificate's file is one of those that may be missing by now.
                self.shut_out = error.strerror or str(error)
                log.error("tills cannot reach port %d: %s", self._port, self.shut_out)
                await asyncio.sleep(AGAIN_S)

    async def _serve_at(self, listener: socket.socket, configuration: uvicorn.Config) -> None:
        """Raises OSError."""
        if not configuration.loaded:
            configuration.load()
        self.port = listener.getsockname()[1]
        self.shut_out = None
        self.opened.set()
        log.info("tills reach this kiosk at port %d", self.port)
        server = _Server(configuration)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = server.force_exit = True
            await asyncio.gather(serving, return_exceptions=True)


class _Server(Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leaves signals to the kiosk."""
        yield
