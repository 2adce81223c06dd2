"""Serves the API on a socket, with TLS."""

import errno
import logging
import resource
import socket

import uvicorn

from cloud.app import create_app
from cloud.context import Context
from cloud.state import StateDamaged
from cloud.web import certificates
from protocol.connections import BACKLOG, Connection, Server
from protocol.seldom import Seldom

log = logging.getLogger(__name__)

CONNECTIONS = 512
"""The largest number of connections; on more, requests are answered with 503. One takes up to a
megabyte."""
FILES = 4096
"""The number of open files that the process asks for."""
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""The cipher suites of TLS 1.2, as BCP 195 (RFC 9325) recommends them; those of TLS 1.3 are given.
Without it uvicorn allows only suites of TLS 1.0."""
CERTIFICATE_LOOKS_S = 60
"""Seconds between two checks whether the certificate has to be renewed."""
_may_tell = Seldom(60.0)


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


def make_server(context: Context) -> uvicorn.Server:
    async def renew_certificate() -> None:
        """Lets new connections have another certificate when it was renewed."""
        try:
            if certificates.ensure(context.state, context.settings.serving, context.clock()):
                assert config.ssl is not None
                config.ssl.load_cert_chain(*certificate)
        except (StateDamaged, certificates.ClockBehind, OSError, ValueError) as error:
            log.error("the certificate cannot be renewed: %s", error)

    logging.getLogger("uvicorn.error").addFilter(_is_told)
    certificate = context.state.key("server.pem"), context.state.key("server.key")
    config = uvicorn.Config(
        create_app(context),
        http=Connection,
        ssl_certfile=certificate[0],
        ssl_keyfile=certificate[1],
        ssl_ciphers=CIPHERS,
        callback_notify=renew_certificate,
        timeout_notify=CERTIFICATE_LOOKS_S,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        limit_concurrency=CONNECTIONS,
        # The server also waits for idle connections, and a request that is cut short loses nothing.
        timeout_graceful_shutdown=1,
    )
    return Server(config)


def _is_told(record: logging.LogRecord) -> bool:
    """Returns whether a line of the server beneath is logged: one a minute, because strangers cause
    them, and none about an error of ours, which quotes what was sent and is logged without."""
    return record.levelno < logging.ERROR and _may_tell()


def allow_many_files() -> None:
    """Raises the limit of open files of this process as far as it may, up to FILES: each
    connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
