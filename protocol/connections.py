"""An HTTP server, with or without TLS, that hangs up on clients that do not get on."""

import asyncio
import socket
from collections import Counter

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

BACKLOG = 128
HANDSHAKE_S = 5.0
"""How long a client may take to begin TLS, and to end it, in seconds."""
HEAD_S = 10.0
"""How long a client may take for the head of a request, for what it still sends when it is answered
already, and for each UNSENT bytes of its answer, in seconds. The time for its body is the
application's affair."""
UNSENT = 32 * 1024
"""The number of bytes of an answer that wait for a client until the application has to wait."""
CONNECTIONS_BY_ADDRESS = 256
"""The largest number of connections of one address: the kiosks of a shop may share it."""


class Connection(H11Protocol):
    """A connection that is closed when its client does not get on with a request, and at once when
    its address has too many."""

    _open: Counter[str] = Counter()  # noqa: RUF012 - shared by all connections
    _counted = ""
    _step: tuple[object, bool] | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(UNSENT)
        self._counted = self.client[0] if self.client else ""
        self._open[self._counted] += 1
        if self._open[self._counted] > CONNECTIONS_BY_ADDRESS:
            transport.abort()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open[self._counted] -= 1
        if not self._open[self._counted]:
            del self._open[self._counted]
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch()

    def _watch(self) -> None:
        """Sets a new deadline when a request has begun or was answered, and when its answer waits
        for the client; single bytes do not move it. While it is the application that is waited
        for there is none."""
        is_answering = not getattr(self.cycle, "response_complete", True)
        is_waited_for = self.flow.write_paused or not is_answering
        step = (self.cycle, is_waited_for)
        if step == self._step:
            return
        self._step = step
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(HEAD_S, self._hang_up) if is_waited_for else None

    def _hang_up(self) -> None:
        # Closing it would wait for the client, who does not get on.
        self.transport.abort()


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts connections on `sockets`, as uvicorn does, which does not let us choose the time
        for the handshake."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        # asyncio refuses one without TLS.
        patience = HANDSHAKE_S if self.config.ssl else None
        self.servers = [
            await loop.create_server(
                self._accept,
                sock=each,
                ssl=self.config.ssl,
                backlog=BACKLOG,
                ssl_handshake_timeout=patience,
                ssl_shutdown_timeout=patience,
            )
            for each in sockets or ()
        ]
        self.started = True

    def _accept(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)
