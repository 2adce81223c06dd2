"""A queue at a gate: how soon each has an answer, how many pass in a minute, and whether anybody
gets another's answer."""

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, QTimer
from PySide6.QtGui import QGuiApplication

from bench.figure import Figure
from bench.hostile import palm, sign_up
from drawn import Presentation, identity
from drawn.lit import LitHand
from drawn.presentation import background, show
from hardware.light import SimulatedLight
from kiosk.capture.guidance import Instruction
from kiosk.sealing import open_state
from kiosk.service.identity import Identity
from kiosk.settings import Settings
from kiosk.simulated.simulation import Simulation
from palm.hand.landmarks import Side
from palm.image import Colour
from protocol.ring import WHITE, Levels
from tests.support.device import TestDevice
from ui.engine import Engine
from ui.tour import display
from ui.window import KioskWindow

PEOPLE = 60
STRANGERS = 20
"""How many of them have not signed up: every third."""
READS_MS = 1000
"""How long somebody takes to do what the screen says."""
GAP_MS = 400
"""How long nobody's hand is before the camera between two people who follow each other closely."""
HOW = f"{PEOPLE} drawn people, {STRANGERS} of them strangers, window under Xvfb, light ring"


@dataclass
class Came:
    """What somebody in the queue got."""

    seed: int
    answer: str
    taken_s: float
    """From the hand in place to the answer on the screen."""


class Queue:
    """The scene before the camera: one drawn hand after the other, or none."""

    def __init__(self, seeds: list[int]) -> None:
        self._rng = np.random.default_rng(7)
        self._pose = Presentation(span=0.4, noise=0)
        self._palms = {seed: identity(seed, Side.LEFT) for seed in seeds}
        self._hands = {seed: LitHand(each, self._pose) for seed, each in self._palms.items()}
        self._empty = background(720, 1280)
        self._held = np.empty_like(self._empty)
        self._drawn: tuple[int, Levels] | None = None
        self._noise = self._rng.integers(0, 4, (8, 720, 1280, 3), np.uint8)
        self._frames = 0
        self.light: SimulatedLight | None = None
        self.shown: int | None = None
        """The seed of whoever holds their hand there."""

    def draw(self, out: Colour, at: float) -> None:
        self._frames += 1
        levels = self.light.at(at) if self.light else WHITE
        shown = self.shown
        if shown is not None and (shown, levels) != self._drawn:
            self._drawn = shown, levels
            seen = self._hands[shown].under(np.array(levels, np.float32) / 255)
            show(self._palms[shown], seen, self._pose, self._rng, self._held)
        seen = self._empty if shown is None else self._held
        np.add(np.minimum(seen, 251), self._noise[self._frames % 8], out=out)


class Doorkeeper(QObject):
    """Sends one person after the other to the gate."""

    def __init__(
        self, app: QGuiApplication, engine: Engine, queue: Queue, seeds: list[int]
    ) -> None:
        super().__init__()
        self._app = app
        self._queue = queue
        self._waiting = list(seeds)
        self._answers = 0
        self._wish = ""
        self._held_at = 0.0
        self.is_open = False
        self.came: list[Came] = []
        self.world: Simulation | None = None
        engine.assembled.connect(self._enter)
        engine.stage.shown.connect(self._see)

    def until(self, done: object) -> None:
        assert callable(done)
        while not done():
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)

    def send_next(self) -> None:
        if self._waiting:
            self._held_at = time.perf_counter()
            self._hold()

    def _hold(self) -> None:
        self._queue.shown = self._waiting[0]
        QTimer.singleShot(READS_MS, self._obey)

    def _obey(self) -> None:
        """Takes the hand away and holds it again where that is asked for: one that came before the
        last one was seen to be gone. The time goes on."""
        if self._queue.shown is not None and self._wish == Instruction.TAKE_AWAY:
            self._queue.shown = None
            QTimer.singleShot(GAP_MS, self._hold)

    def _enter(self, world: Simulation) -> None:
        assert world.camera
        self.world = world
        self._queue.light = world.light
        world.camera.look_at(self._queue)

    def _see(self, _serial: int, _fresh: bool, name: str, values: dict[str, object]) -> None:
        if name == "AtGate":
            self.is_open = True
            guidance = values["guidance"]
            self._wish = guidance["instruction"] if isinstance(guidance, dict) else ""
            answered = values["last"]
            if isinstance(answered, dict) and answered["number"] != self._answers:
                self._answers = answered["number"]
                self._note(answered["answer"])

    def _note(self, answer: str) -> None:
        if self._queue.shown is None:
            return
        taken = time.perf_counter() - self._held_at
        self.came.append(Came(self._waiting.pop(0), answer, taken))
        self._queue.shown = None
        QTimer.singleShot(GAP_MS, self.send_next)


def measure() -> list[Figure]:
    seeds = list(range(1000, 1000 + PEOPLE))
    strangers = set(seeds[::3])
    queue = Queue(seeds)
    with display(), TemporaryDirectory() as folder:
        state = Path(folder)
        app = QGuiApplication.instance() or QGuiApplication(["bench"])
        assert isinstance(app, QGuiApplication)
        engine = Engine(Settings(state=state, gate="sim:release"))
        window = KioskWindow(engine.stage, "light")
        window.show(full_screen=False)
        keeper = Doorkeeper(app, engine, queue, seeds)
        engine.start(window.frames)
        try:
            device = _device_in(state, keeper)
            _sign_up(state, keeper, [seed for seed in seeds if seed not in strangers])
            _staff(state, "set-door", device, "relay", "North", "++everyone")
            keeper.until(lambda: keeper.is_open)
            began = time.perf_counter()
            keeper.send_next()
            keeper.until(lambda: len(keeper.came) == PEOPLE)
            took_s = time.perf_counter() - began
        finally:
            window.close()
            engine.stop()
    wrong = [each for each in keeper.came if (each.answer == "pass") is (each.seed in strangers)]
    let_in = [each for each in wrong if each.seed in strangers]
    taken = [each.taken_s for each in keeper.came]
    assert keeper.world is not None
    return [
        Figure("hand to answer at a gate, median", statistics.median(taken), "s", HOW, 1.0),
        Figure("  95th percentile", float(np.percentile(taken, 95)), "s", HOW),
        Figure("people a minute", PEOPLE * 60 / took_s, "", HOW, 30, at_least=True),
        Figure("  strangers let in", len(let_in), "", f"of {STRANGERS}", 0),
        Figure("  others not let in", len(wrong) - len(let_in), "", f"of {PEOPLE - STRANGERS}"),
    ]


def _device_in(state: Path, keeper: Doorkeeper) -> str:
    """Returns the kiosk's device id, once it is activated."""
    file = open_state(state, None).files / "identity.json"

    def device() -> str | None:
        told = Identity.load_or_make(file).device if file.path.exists() else None
        return told and told.device_id

    keeper.until(device)
    found = device()
    assert found
    return found


def _sign_up(state: Path, keeper: Doorkeeper, seeds: list[int]) -> None:
    assert keeper.world is not None
    url = keeper.world.service_url
    device = TestDevice(url, state / "service" / "ca.pem")
    device.activate(_staff(state, "activation-code").strip())
    for seed in seeds:
        sign_up(device, palm(seed))
        keeper.until(lambda: True)
    device.http.close()


def _staff(state: Path, *words: str) -> str:
    command = [sys.executable, "-m", "cloud", "--state", str(state / "service"), "staff", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
