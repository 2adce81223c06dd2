"""`./run preview SCREEN`: one screen with example values, renewed whenever its QML is saved."""

import argparse
import asyncio
import sys
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from hardware.camera import SimulatedCamera
from hardware.camera.feed import Feed
from kiosk.screens import Screen, StillThere
from ui import display
from ui.app import QuitOnSignals
from ui.examples import bill_with, examples, indicated_with
from ui.stage import QtStage
from ui.tour import DESK, Still, pictured, size_of
from ui.window import QML, CannotLoad, KioskWindow, Variant

GATHER_MS = 50
"""How long changes are collected, in milliseconds, because an editor may save in several steps."""


class Preview(QObject):
    """A window with one screen, which a new QML engine makes again after every change in `qml`.

    While the QML has a mistake, the last good picture stays, and Qt prints the mistake.
    """

    renewed = Signal(bool)
    """Emitted after a change: True when the new picture is shown, False when the QML has a
    mistake."""

    def __init__(
        self,
        screen: Screen[object],
        size: tuple[int, int] = DESK,
        variant: Variant = "light",
        qml: Path = QML,
    ) -> None:
        super().__init__()
        self._screen = screen
        self._size = size
        self._variant: Variant = variant
        self._qml = qml
        self._loop = asyncio.new_event_loop()
        self._feed = Feed(SimulatedCamera(Still(pictured(screen))))
        self._feed.start()
        self.window: KioskWindow | None = None
        """The window of the last good picture, None before there is one."""
        self._changes = QTimer(self, interval=GATHER_MS, singleShot=True)
        self._changes.timeout.connect(self._renew)
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._changes.start)
        self._watcher.directoryChanged.connect(self._changes.start)
        self._renew()

    def close(self) -> None:
        self._changes.stop()
        if self.window is not None:
            self.window.close()
        self._feed.stop()
        self._loop.close()

    def _renew(self) -> None:
        # Files are watched anew each time, because a file that an editor has replaced no longer is.
        files = [path for path in self._qml.rglob("*") if not path.name.startswith(".")]
        self._watcher.addPaths([str(path) for path in (self._qml, *files)])
        fresh = self._shown()
        if fresh is not None:
            before, self.window = self.window, fresh
            if before is not None:
                fresh.window.setPosition(before.window.position())
            fresh.window.show()
            if before is not None:
                before.close()
        self.renewed.emit(fresh is not None)

    def _shown(self) -> KioskWindow | None:
        """Returns a window with the screen, None when the QML has a mistake."""
        stage = QtStage(self._loop)
        try:
            window = KioskWindow(stage, self._variant, stillness=True, qml=self._qml)
        except CannotLoad:
            return None
        window.frames.feed = self._feed
        window.window.resize(*self._size)
        if isinstance(self._screen, StillThere):
            stage.overlay(self._screen)
            shown = window.window.property("warning") is not None
        else:
            stage.bill(bill_with(self._screen))
            stage.indicate(indicated_with(self._screen))
            stage.show(self._screen)
            shown = window.shows(type(self._screen).__name__)
        if not shown:
            window.close()
            return None
        return window


def main() -> int:
    known = examples()
    parser = argparse.ArgumentParser(prog="./run preview", description=__doc__)
    parser.add_argument("screen", nargs="?", default="", help="a name of the list")
    parser.add_argument("--variant", choices=("light", "dark"), default="light")
    parser.add_argument("--size", metavar="WxH", type=size_of, default=DESK)
    asked = parser.parse_args()
    if asked.screen not in known:
        print("These screens can be shown:", *known, sep="\n  ", file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    port = None if display.has_display() else display.choose_vnc()
    app = QGuiApplication(sys.argv[:1])
    if port is not None:
        display.keep_on_loopback(app, port)
        print(f"vncviewer {display.LOOPBACK}::{port}", flush=True)  # noqa: T201 - where it is seen
    signals = QuitOnSignals(app)
    preview = Preview(known[asked.screen], asked.size, asked.variant)
    app.exec()
    preview.close()
    signals.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
