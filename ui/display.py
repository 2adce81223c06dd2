"""The display of the window: the current one, or Qt's VNC platform on loopback."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from PySide6.QtGui import QGuiApplication

LOOPBACK = "127.0.0.1"
FIRST_PORT = 5900
SIZE = "1280x800"


def has_display() -> bool:
    return bool(
        os.environ.get("DISPLAY")
        or os.environ.get("WAYLAND_DISPLAY")
        or os.environ.get("QT_QPA_PLATFORM")
    )


def choose_vnc() -> int:
    """Makes Qt serve its windows over VNC and returns the port: 5900 or the next free one. Must be
    called before the application is created."""
    port = free_port(FIRST_PORT)
    os.environ["QT_QPA_PLATFORM"] = f"vnc:size={SIZE}:port={port}"
    return port


def free_port(first: int) -> int:
    """Returns the first port from `first` on that nobody listens on."""
    return next(port for port in range(first, 65536) if _is_free(port))


def keep_on_loopback(app: QGuiApplication, port: int) -> None:
    """Replaces the listening socket of Qt's VNC server by one on loopback, under the same file
    descriptor and before the event loop can accept a connection.

    The server asks for no password and listens on every address; Qt has no option against that.
    """
    app.processEvents()
    listening = list(_listening(port))
    assert listening, "Qt's VNC server listens once events are processed"
    for descriptor in listening:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as ours:
            ours.setblocking(False)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            os.dup2(ours.fileno(), descriptor, inheritable=False)
            ours.bind((LOOPBACK, port))
            ours.listen()


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("", port))
        except OSError:
            return False
    return True


def _listening(port: int) -> Iterator[int]:
    """Yields the file descriptors of this process that listen on the port."""
    for entry in Path("/proc/self/fd").iterdir():
        descriptor = int(entry.name)
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as candidate:
            accepts = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if accepts and candidate.getsockname()[1] == port:
                yield descriptor
