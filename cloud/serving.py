"""Serves the API on a socket, with TLS, and hangs up on clients that do not get on."""

import asyncio
import errno
import logging
import resource
import socket
from collections import Counter

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from cloud.app import create_app
from cloud.context import Context
from cloud.state import StateDamaged
from cloud.web import certificates

log = logging.getLogger(__name__)

BACKLOG = 128
HANDSHAKE_S = 5.0
"""How long a client may take to begin TLS, and to end it, in seconds."""
HEAD_S = 10.0
"""How long a client may take for the head of a request, and for what it still sends when it is
answered already, in seconds. `cloud.web.limits.BODY_S` is for the body."""
CONNECTIONS = 512
"""The largest number of connections; on more, requests are answered with 503. One takes up to a
megabyte."""
CONNECTIONS_BY_ADDRESS = 256
"""The largest number of connections of one address: the kiosks of a shop may share it."""
FILES = 4096
"""The number of open files that the process asks for."""
CERTIFICATE_LOOKS_S = 60
"""Seconds between two checks whether the certificate has to be renewed."""


class CannotListen(RuntimeError):
    """The address or the port cannot be used: the message tells cause and remedy."""


def listen(host: str, port: int) -> socket.socket:
    """Opens a socket; port 0 takes a free one. From then on clients can connect, and wait.

    Raises CannotListen.
    """
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0][0]
        both = family is socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server(
            (host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except (OSError, UnicodeError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise CannotListen(
                f"port {port} of {host} is in use, perhaps by another service. Stop that, or "
                "choose another port with --port, or with port under [serving] in settings.toml."
            ) from None
        why = error.strerror if isinstance(error, OSError) else "the host name is none"
        raise CannotListen(
            f"port {port} of {host} cannot be listened on: {why}. Choose an address of "
            "this machine with --host and a port above 1023 with --port."
        ) from None
    # Connections inherit it. asyncio sets it only on sockets that name their protocol, and without
    # it a small answer waits 40 ms for the acknowledgement of its header.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class Connection(H11Protocol):
    """A connection that is closed when its client does not get on with a request, and at once when
    its address has too many."""

    _open: Counter[str] = Counter()  # noqa: RUF012 - shared by all connections
    _counted = ""
    _step: tuple[object, bool] | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
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

    def _watch(self) -> None:
        """Sets a new deadline when a request has begun or was answered; single bytes do not move
        it. While a request is being answered there is none."""
        is_answering = not getattr(self.cycle, "response_complete", True)
        step = (self.cycle, is_answering)
        if step == self._step:
            return
        self._step = step
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if is_answering else self.loop.call_later(HEAD_S, self._hang_up)

    def _hang_up(self) -> None:
        # Closing it would wait for the client, who does not get on.
        self.transport.abort()


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts connections on `sockets`, as uvicorn does, which does not let us choose the time
        for the handshake."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                self._accept,
                sock=each,
                ssl=self.config.ssl,
                backlog=BACKLOG,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=HANDSHAKE_S,
            )
            for each in sockets or ()
        ]
        self.started = True

    def _accept(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)


def make_server(context: Context) -> uvicorn.Server:
    async def renew_certificate() -> None:
        """Lets new connections have another certificate when it was renewed."""
        try:
            if certificates.ensure(context.state, context.settings.serving, context.clock()):
                assert config.ssl is not None
                config.ssl.load_cert_chain(*certificate)
        except (StateDamaged, certificates.ClockBehind, OSError, ValueError) as error:
            log.error("the certificate cannot be renewed: %s", error)

    certificate = context.state.key("server.pem"), context.state.key("server.key")
    config = uvicorn.Config(
        create_app(context),
        http=Connection,
        ssl_certfile=certificate[0],
        ssl_keyfile=certificate[1],
        callback_notify=renew_certificate,
        timeout_notify=CERTIFICATE_LOOKS_S,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        limit_concurrency=CONNECTIONS,
        # The server also waits for idle connections, and a request that is cut short loses nothing.
        timeout_graceful_shutdown=1,
    )
    return Server(config)


def allow_many_files() -> None:
    """Raises the limit of open files of this process as far as it may, up to FILES: each
    connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
