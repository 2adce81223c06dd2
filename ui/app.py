"""The kiosk as a program. The window is shown first, and the rest is loaded while it is shown.

Closing the window, Ctrl-C and SIGTERM end it in the same order: the QML objects, then the kiosk,
then Qt.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from PySide6.QtCore import QSocketNotifier, Qt
from PySide6.QtGui import QGuiApplication

from kiosk import commands
from kiosk.faults import CannotStart
from kiosk.lately import Lately
from kiosk.settings import Settings
from kiosk.state import in_use
from protocol import VERSION
from protocol.memory import keep_from_disk
from protocol.program import KIOSK, PACKAGED
from protocol.watchdog import Systemd
from ui import display
from ui.alive import Alive
from ui.awake import Awake
from ui.dock import Dock
from ui.engine import Engine
from ui.monitor import Monitor, has_server_for_itself
from ui.window import KioskWindow

TAPS_ITSELF = "sim:?after=3&card=visa"
"""The address of the simulated terminal when there is no dock to tap a card with."""


def venue(arguments: Sequence[str]) -> int:
    # It is imported here because no other start needs an HTTP client before the window is shown.
    from kiosk.venue.commands import venue  # noqa: PLC0415

    return venue(arguments)


COMMANDS = {
    "staff": commands.staff,
    "till": commands.till,
    "key": commands.key,
    "password": commands.password,
    "venue": venue,
}
"""The commands that run instead of the kiosk, by the first argument."""


def main(arguments: Sequence[str]) -> int:
    # A path may hold characters that the terminal's encoding lacks.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Operators do not need a line for every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    lately = Lately()
    logging.getLogger().addHandler(lately)
    try:
        if arguments and arguments[0] in COMMANDS:
            return COMMANDS[arguments[0]](arguments[1:])
        settings = Settings.load(arguments)
        keep_from_disk()
        with in_use(settings.state):
            return run(settings, lately)
    except CannotStart as problem:
        return cannot_start(problem)


def run(settings: Settings, lately: Lately) -> int:
    """Runs the kiosk until it ends. Raises CannotStart."""
    if settings.terminal == "sim:" and not settings.dock:
        settings = settings.model_copy(update={"terminal": TAPS_ITSELF})
    systemd = Systemd(os.environ)
    port = None if display.has_display() else display.choose_vnc()
    full_screen = not (settings.windowed or settings.dock)
    # The monitor has to be set up before Qt asks for the screens.
    alone = full_screen and port is None and has_server_for_itself()
    monitor = Monitor(settings.rotation) if alone else None
    app = QGuiApplication(["palm-kiosk"])
    if port is not None:
        display.keep_on_loopback(app, port)
    signals = QuitOnSignals(app)
    engine = Engine(settings, lately)
    window = KioskWindow(engine.stage, settings.variant, stillness=settings.reduced_motion)
    alive = Alive(engine, window, systemd)
    window.show(full_screen=full_screen)
    if monitor is not None:
        monitor.keep()
    awake = Awake() if full_screen else None
    if full_screen and not is_simulated(settings):
        app.setOverrideCursor(Qt.CursorShape.BlankCursor)
    engine.ended.connect(app.quit)
    dock = Dock(settings.variant) if settings.dock else None
    if dock is None:
        engine.texted.connect(window.show_message)
    else:
        dock.stand_beside(window.window)
        engine.texted.connect(dock.texted)
        engine.assembled.connect(dock.play)
    with systemd.watching(alive.parts):
        engine.start(window.frames)
        print(greeting(settings, port), flush=True)  # noqa: T201 - to whoever started it
        app.exec()
        # systemd watches only until here: what follows has to end in time.
        window.close()
        if dock is not None:
            dock.close()
        engine.stop()
    if awake is not None:
        awake.let_go()
    signals.close()
    if engine.failure is not None:
        raise engine.failure
    return 0


def is_simulated(settings: Settings) -> bool:
    """Returns whether a drawn hand is shown. Then somebody may use the kiosk with a mouse."""
    return settings.camera.startswith("sim:")


def cannot_start(problem: CannotStart) -> int:
    print(f"{problem.cause}\n{problem.remedy}", file=sys.stderr)  # noqa: T201 - to the operator
    return 2


def greeting(settings: Settings, port: int | None) -> str:
    """Returns what is printed at the start: what is simulated, and how to use real devices."""
    lines = [f"Palm kiosk {VERSION}. Close the window or press Ctrl-C to end it."]
    if port is not None:
        lines.append(
            "  Window:    there is no display; it is served over VNC on this machine alone:\n"
            f"             vncviewer {display.LOOPBACK}::{port}\n"
            f"             and from another: ssh -L {port}:{display.LOOPBACK}:{port} THIS-MACHINE"
        )
    if is_simulated(settings):
        lines.append(
            "  Camera:    simulated, a drawn hand comes and goes; a real one:"
            f" {KIOSK} --camera v4l2:/dev/video0"
        )
    if settings.terminal == TAPS_ITSELF:
        lines.append("  Terminal:  simulated, taps a test card by itself; --dock lets you tap it")
    elif settings.terminal.startswith("sim:"):
        lines.append("  Terminal:  simulated, its cards are in the dock")
    if settings.service.url is None:
        where = "the dock" if settings.dock else "the window"
        lines.append(
            f"  Service:   embedded, in the sandbox: no money moves, messages appear in {where}"
        )
    if settings.till is not None:
        port = settings.till.port
        rings = "" if PACKAGED else "; ./run till rings up sales there"
        lines.append(f"  Till:      tills connect to port {port}{rings}")
    elif settings.dock:
        lines.append("  Till:      simulated, its sales and its calls for staff are in the dock")
    else:
        lines.append("  Till:      simulated, tries a purchase; --dock rings up sales, shows calls")
    return "\n".join(lines)


class QuitOnSignals:
    """Ends the event loop on SIGINT and SIGTERM, until it is closed.

    The signals are passed through a socket, so that Qt handles them in its event loop: a Python
    signal handler could run in the middle of any call into Python.
    """

    def __init__(self, app: QGuiApplication) -> None:
        self._app = app
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._notifier = QSocketNotifier(self._reading.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._quit)
        signal.set_wakeup_fd(self._writing.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: None)

    def _quit(self) -> None:
        self._reading.recv(64)
        self._app.quit()

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        for end in (self._reading, self._writing):
            end.close()
