"""Serves the API on a socket, with TLS."""

import socket

import uvicorn

from cloud.app import create_app
from cloud.context import Context

BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """Opens a socket; port 0 takes a free one. From then on clients can connect, and wait.

    Raises OSError.
    """
    listener = socket.create_server((host, port), backlog=BACKLOG)
    # Connections inherit it. asyncio sets it only on sockets that name their protocol, and without
    # it a small answer waits 40 ms for the acknowledgement of its header.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def make_server(context: Context) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(context),
        ssl_certfile=context.state.key("server.pem"),
        ssl_keyfile=context.state.key("server.key"),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        # The server also waits for idle connections, and a request that is cut short loses nothing.
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
