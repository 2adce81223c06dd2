"""A simulated regular shopper, who answers every screen of a real window at once."""

import re
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, QTimer
from PySide6.QtGui import QGuiApplication

from drawn import Presentation, identity
from drawn.lit import LitHand
from drawn.presentation import background, show
from hardware.light import SimulatedLight
from kiosk.capture.guidance import Instruction
from kiosk.settings import Settings
from kiosk.simulated.simulation import Simulation
from palm.hand.landmarks import Side
from palm.image import Colour
from protocol.ring import WHITE, Levels
from ui.engine import Engine
from ui.liveview import LiveView
from ui.tour import display
from ui.window import KioskWindow

BEAT_MS = 2
"""The interval of the timer that shows how long the thread of the window was busy."""
MOST = np.uint8(251)
"""The brightest that something is drawn: noise is added to it."""
FPS = 30.0
"""The number of pictures a second, if nothing else is said."""
PAUSE_MS = 1500
"""The time between two purchases, in which the hand is away, if nothing else is said."""


class HandScene:
    """A scene for the simulated camera: a drawn hand or none under the light ring, with noise."""

    def __init__(self, seed: int, span: float) -> None:
        self._rng = np.random.default_rng(seed)
        self._palm = identity(seed, Side.LEFT)
        self._pose = Presentation(span=span, noise=0)
        self._hand = LitHand(self._palm, self._pose)
        self._empty = np.minimum(background(720, 1280), MOST)
        self._held = np.empty_like(self._empty)
        self._lit: Levels = ()
        self._noise = self._rng.integers(0, 4, (8, 720, 1280, 3), np.uint8)
        self._frames = 0
        self.light: SimulatedLight | None = None
        self.shown = False

    def draw(self, out: Colour, at: float) -> None:
        self._frames += 1
        levels = self.light.at(at) if self.light else WHITE
        if self.shown and levels != self._lit:
            self._lit = levels
            seen = self._hand.under(np.array(levels, np.float32) / 255)
            show(self._palm, seen, self._pose, self._rng, self._held)
            np.minimum(self._held, MOST, out=self._held)
        seen = self._held if self.shown else self._empty
        np.add(seen, self._noise[self._frames % 8], out=out)


class Regular(QObject):
    """Signs up, then begins purchases. Once the person is recognised, each is cancelled, or each
    other one if `buys` is true."""

    def __init__(
        self,
        app: QGuiApplication,
        window: KioskWindow,
        engine: Engine,
        span: float,
        database: Path,
        *,
        buys: bool = False,
        pause_ms: int = PAUSE_MS,
        fps: float = FPS,
    ) -> None:
        super().__init__()
        self._buys, self._pause_ms, self._fps = buys, pause_ms, fps
        self._database = database
        self._app = app
        self.window = window
        self._stage = engine.stage
        self._hand = HandScene(7, span)
        self._answered = self._waiting_for_code = 0
        self._signed_up = False
        self.taken: list[float] = []
        """The seconds from the hand in place to the name on the screen, for each purchase."""
        self.gaps: list[float] = []
        """The seconds between two beats of the timer while a palm is read."""
        self._held_at = self._beat_at = 0.0
        engine.assembled.connect(self._enter)
        engine.stage.shown.connect(self._see)
        engine.texted.connect(self._read)
        self._pulse = QTimer(self, interval=BEAT_MS)
        self._pulse.timeout.connect(self._beat)

    def until(self, done: Callable[[], bool]) -> None:
        """Runs the window until `done` returns true."""
        while not done():
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def let_an_hour_pass(self) -> None:
        """Has the service forget how often this person and this kiosk have done something. It lets
        a person buy 30 times an hour, and a kiosk search 120 times in ten minutes
        (`cloud.policy.Limits`)."""
        with closing(sqlite3.connect(self._database, timeout=60)) as service:
            service.execute("DELETE FROM tallies")
            service.commit()

    def live_view(self) -> LiveView:
        return self.window.window.findChildren(LiveView)[-1]

    @property
    def reading(self) -> bool:
        """Whether the hand is shown to the camera."""
        return self._hand.shown

    def _enter(self, world: Simulation) -> None:
        assert world.camera
        self._hand.light = world.light
        world.camera.look_at(self._hand)
        world.camera.slow_down(self._fps)

    def _see(self, serial: int, _fresh: bool, name: str, values: dict[str, object]) -> None:
        if name == "Welcome" and not values["demo"]:
            return
        if serial != self._answered:
            self._answered = serial
            self._answer(serial, name)
        if name == "HoldPalm":
            guidance = cast(dict[str, object], values["guidance"])
            self._hand.shown = guidance["instruction"] != Instruction.TAKE_AWAY

    def _answer(self, serial: int, name: str) -> None:
        match name:
            case "Welcome" if self._signed_up:
                QTimer.singleShot(
                    self._pause_ms, lambda: self._stage.answer(serial, "try_purchase")
                )
            case "Welcome":
                self._stage.answer(serial, "sign_up")
            case "AskConsent":
                self._stage.answer(serial, "agree")
            case "EnterPhone":
                self._stage.enter(serial, "2025550123")
            case "EnterCode":
                self._waiting_for_code = serial
            case "HoldPalm":
                self._held_at = self._beat_at = time.perf_counter()
                self._pulse.start()
            case "OfferSecondPalm":
                self._take_hand_away()
                self._stage.answer(serial, "skip")
            case "SignedUp":
                self._signed_up = True
                self._stage.answer(serial, "done")
            case "ConfirmPurchase":
                self.taken.append(time.perf_counter() - self._held_at)
                self._take_hand_away()
                confirms = self._buys and len(self.taken) % 2 == 0
                self._stage.answer(serial, "confirm" if confirms else "cancel")
            case "Approved":
                self._stage.answer(serial, "done")
            case _:
                pass

    def _take_hand_away(self) -> None:
        self._pulse.stop()
        self._hand.shown = False

    def _read(self, message: str) -> None:
        if code := re.search(r"\b\d{6}\b", message):
            self._stage.enter(self._waiting_for_code, code.group())

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._beat_at)
        self._beat_at = now


@contextmanager
def regular(
    span: float = 0.4,
    light: str = "sim:",
    *,
    buys: bool = False,
    pause_ms: int = PAUSE_MS,
    fps: float = FPS,
    size: tuple[int, int] = (1280, 800),
) -> Generator[Regular]:
    """Yields a shopper at a kiosk with an embedded service, in a window of `size`, its width and
    height.

    The window opens on the present display, or on an Xvfb. `span` is the size of the hand in the
    frame (`palm.hand.observation`), `light` the address of the light ring. `buys`: see `Regular`.
    `pause_ms` lies between two purchases. `fps` is the number of pictures a second.
    """
    with display(), TemporaryDirectory() as state:
        app = QGuiApplication.instance() or QGuiApplication(["bench"])
        assert isinstance(app, QGuiApplication)
        settings = Settings(state=Path(state), light=light, terminal="sim:?after=0&card=visa")
        engine = Engine(settings)
        window = KioskWindow(engine.stage, "light")
        window.window.resize(*size)
        window.show(full_screen=False)
        database = settings.state / "service" / "palms.db"
        shopper = Regular(
            app, window, engine, span, database, buys=buys, pause_ms=pause_ms, fps=fps
        )
        engine.start(window.frames)
        try:
            yield shopper
        finally:
            window.close()
            engine.stop()
