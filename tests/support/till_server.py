"""The side of a till that hears events: a server on loopback, with TLS and without."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from kiosk.till.nexo.certificate import passphrase
from tests.support.sealed import sealed


class TillServer:
    def __init__(self, certificate: Path) -> None:
        self.certificate = certificate
        self.heard: list[Any] = []
        self.status = 200
        self.silent = False
        """Whether it answers nothing."""
        self.endless = False
        """Whether its answers have no end."""
        self.url = ""
        self.plain_port = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def open(self) -> "AsyncGenerator[TillServer]":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, password=passphrase(sealed(self.certificate)))
        encrypted = await asyncio.start_server(self._hear, "127.0.0.1", 0, ssl=context)
        plain = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        self.url = f"https://localhost:{encrypted.sockets[0].getsockname()[1]}/nexo"
        self.plain_port = plain.sockets[0].getsockname()[1]
        async with encrypted, plain:
            yield self

    async def hears(self, number: int) -> None:
        """Waits until so many events were heard."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: len(self.heard) >= number)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever is told may hang up in the middle.
        with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        (length,) = [line for line in head.split("\r\n") if line.startswith("content-length:")]
        body = await reader.readexactly(int(length.partition(":")[2]))
        if not self.silent:
            async with self._changed:
                self.heard.append(json.loads(body))
                self._changed.notify_all()
            length = "" if self.endless else "content-length: 0\r\n"
            writer.write(f"HTTP/1.1 {self.status} x\r\n{length}\r\n".encode())
            await writer.drain()
            while self.endless:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        else:
            await reader.read()
