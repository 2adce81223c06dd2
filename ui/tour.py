"""`./run tour --out DIR`: makes a picture of every screen in every state."""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from drawn.card import hold_up
from drawn.presentation import background
from hardware.camera import SimulatedCamera
from hardware.camera.feed import Feed
from kiosk.screens import (
    PalmScreen,
    ScanActivationCode,
    ScanBegun,
    ScanDevice,
    ScanMembership,
    ScanTicket,
    Screen,
    StillThere,
)
from palm.image import Colour
from ui.examples import bill_with, drawn, examples, indicated_with
from ui.liveview import LiveView
from ui.stage import QtStage
from ui.window import KioskWindow, Variant

PANEL = (1080, 1920)
DESK = (1280, 800)
XVFB = "/usr/bin/Xvfb"
MIRRORED = ("welcome-demo", "enter-phone-typed", "enter-code-wrong", "hold-palm-paying", "help")
"""Screens that are also photographed in the mirrored layout of right-to-left languages."""

SHOWN = ("welcome", "hold-palm-paying-still", "confirm-purchase", "deleted")
"""The screens of the picture in the README, from left to right."""
SHOWN_HEIGHT, SHOWN_GAP = 640, 24
"""The height of that picture and the space between two screens, in pixels."""


class Still:
    """A scene in which nothing moves."""

    def __init__(self, image: Colour) -> None:
        self.image = image

    def draw(self, out: Colour, at: float) -> None:
        np.copyto(out, self.image)


def pictured(screen: Screen[object]) -> Colour:
    """Returns the camera's picture while a screen is shown."""
    seen = drawn(screen.guidance.instruction) if isinstance(screen, PalmScreen) else None
    if seen is not None:
        return seen.image
    room = background(720, 1280).copy()
    if isinstance(screen, ScanMembership):
        hold_up(room, "MEMBER-000007")
    if isinstance(screen, ScanTicket):
        hold_up(room, "nsmgdm2ur5vkj9ahz3e5")
    if isinstance(screen, ScanActivationCode):
        hold_up(room, "PALM-ACTIVATION 04712938")
    if isinstance(screen, ScanBegun):
        hold_up(room, "PALM-BEGUN 482109375518")
    if isinstance(screen, ScanDevice):
        hold_up(room, '{"handshake_version": 1, "url": "https://tickets.example", "token": "7kx2"}')
    return room


def size_of(text: str) -> tuple[int, int]:
    """Returns (width, height) of a text such as 1280x800. Raises ValueError."""
    width, height = text.split("x")
    return int(width), int(height)


class Tour:
    """A window of one size and variant, of which pictures are taken."""

    def __init__(self, size: tuple[int, int], variant: Variant) -> None:
        self._scene = Still(background(720, 1280))
        self._feed = Feed(SimulatedCamera(self._scene))
        self._loop = asyncio.new_event_loop()
        self._stage = QtStage(self._loop)
        self._window = KioskWindow(self._stage, variant, stillness=True)
        self._window.frames.feed = self._feed
        self._window.window.resize(*size)
        self._window.window.show()
        self._feed.start()

    def photograph(self, screen: Screen[object], to: Path) -> None:
        if isinstance(screen, StillThere):
            self._stage.overlay(screen)
        else:
            self._show(screen)
        self._until_settled()
        self._until_drawn()
        self._window.window.grabWindow().save(str(to))
        self._stage.overlay(None)

    def close(self) -> None:
        self._window.close()
        self._feed.stop()
        self._loop.close()

    def _show(self, screen: Screen[object]) -> None:
        self._scene.image = pictured(screen)
        self._stage.bill(bill_with(screen))
        self._stage.indicate(indicated_with(screen))
        self._stage.show(screen)
        self._until_settled()
        for view in self._window.page.findChildren(LiveView):
            # The picture after the next one was certainly begun with the new scene.
            shown = view.drawn
            self._until(lambda view=view, shown=shown: view.drawn > shown + 2)

    def _until_settled(self) -> None:
        self._until(lambda: self._window.settled)

    def _until_drawn(self) -> None:
        """Waits for three frames: shapes are missing in the first one after they appear."""
        frames = 0

        def count() -> None:
            nonlocal frames
            frames += 1
            self._window.window.update()

        drawn = self._window.window.frameSwapped.connect(count)
        self._window.window.update()
        self._until(lambda: frames > 2)
        self._window.window.disconnect(drawn)

    def _until(self, done: Callable[[], bool]) -> None:
        waiting = QEventLoop()
        look = QTimer(interval=5)
        look.timeout.connect(lambda: waiting.quit() if done() else None)
        look.start()
        waiting.exec()


@contextmanager
def display() -> Generator[None]:
    """Uses the present display or starts Xvfb. Without a display, Qt would use its software scene
    graph, which draws differently from a kiosk."""
    if "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ:
        yield
        return
    reading, writing = os.pipe()
    server = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
        [XVFB, "-displayfd", str(writing), "-screen", "0", "1920x1920x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            os.environ["DISPLAY"] = f":{told.readline().strip()}"
        yield
    finally:
        del os.environ["DISPLAY"]
        server.terminate()
        server.wait()


def photograph(
    app: QGuiApplication, out: Path, size: tuple[int, int], variant: Variant, screens: list[str]
) -> None:
    """Photographs the named examples into a folder of their own."""
    folder = out / f"{variant}-{size[0]}x{size[1]}"
    if app.layoutDirection() is Qt.LayoutDirection.RightToLeft:
        folder = folder.with_name(f"{folder.name}-right-to-left")
    folder.mkdir(parents=True, exist_ok=True)
    tour = Tour(size, variant)
    known = examples()
    for name in screens:
        tour.photograph(known[name], folder / f"{name}.png")
    tour.close()
    print(f"{len(screens)} pictures in {folder}")  # noqa: T201 - a command's answer


def in_a_row(to: Path) -> None:
    """Photographs SHOWN in the size of the panel and writes them side by side on white."""
    tour, known = Tour(PANEL, "light"), examples()
    with TemporaryDirectory() as folder:
        pictures: list[Colour] = []
        for name in SHOWN:
            file = Path(folder) / f"{name}.png"
            tour.photograph(known[name], file)
            size = PANEL[0] * SHOWN_HEIGHT // PANEL[1], SHOWN_HEIGHT
            picture = np.asarray(cv2.imread(str(file)), np.uint8)
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            pictures.append(np.asarray(small, np.uint8))
    tour.close()
    gap = np.full((SHOWN_HEIGHT, SHOWN_GAP, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (gap, picture)][1:]
    cv2.imwrite(str(to), np.hstack(row))


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run tour", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument(
        "--variant", choices=("light", "dark"), help="light or dark screens; default: both"
    )
    parser.add_argument(
        "--size",
        metavar="WxH",
        type=size_of,
        help="the size of the window; default: the panel and a desk",
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="screens with this in their name"
    )
    parser.add_argument(
        "--row", type=Path, metavar="FILE", help="write only the picture in the README"
    )
    asked = parser.parse_args()
    if not (asked.out or asked.row):
        parser.error("--out or --row is needed")
    screens = [name for name in examples() if asked.only in name]
    with display():
        app = QGuiApplication(sys.argv[:1])
        if asked.row:
            in_a_row(asked.row)
        elif asked.size or asked.variant:
            size = asked.size or PANEL
            photograph(app, asked.out, size, asked.variant or "light", screens)
        else:
            photograph(app, asked.out, PANEL, "light", screens)
            photograph(app, asked.out, DESK, "dark", screens)
            app.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
            photograph(app, asked.out, PANEL, "dark", [s for s in MIRRORED if s in screens])
    return 0


if __name__ == "__main__":
    sys.exit(main())
