"""The development dock: a window beside the kiosk's that simulates the world around it."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtQml import QQmlApplicationEngine, qmlRegisterUncreatableType
from PySide6.QtQuick import QQuickWindow

from hardware.gate import (
    Buzzer,
    Color,
    Lamp,
    Output,
    SimulatedController,
    SimulatedRelease,
    Verdict,
    Words,
)
from hardware.terminal import CardUnreadable, TestCard
from hardware.usb.sim import KEYBOARD, STICK
from kiosk.screens import Points
from palm.hand.landmarks import Side
from protocol.messages import Age
from protocol.ring import Levels
from ui.window import QML, Variant

if TYPE_CHECKING:
    # Imports the whole kiosk, for which the window must not wait.
    from kiosk.simulated.simulation import Simulation

DRINK_MINOR = 890
"""The amount of a sale to adults only, in the minor unit of the device's currency."""
POINTS = Points(collected=12, balance=1262)
LOOKS_MS = 30
"""Milliseconds between two looks at the simulated light ring and the simulated gate."""
PASSES_MS = 4000
"""How long somebody who walks up to a gate holds their hand there, in milliseconds. It includes a
second for drawing the hand of another person."""
CUES = {
    "lamp_amber": Lamp(Color.AMBER, Color.NONE, 0.5, 0.5, 5),
    "lamp_blue": Lamp(Color.BLUE, Color.BLUE, 1, 0, None),
    "lamp_off": Lamp(Color.NONE, Color.NONE, 1, 0, None),
    "buzz": Buzzer(tone=True, on_s=0.2, off_s=0.1, times=2),
    "words": Words("PLEASE WAIT", 1, 1, 5),
    "output": Output(on=True, lasts_s=3),
}
"""The commands of the simulated controller that the dock has buttons for."""


class Dock(QObject):
    """Applies its buttons to the latest simulation given to `play`; real devices are not affected.
    Words and layout are in `qml/Palm/dock/Dock.qml`."""

    texted = Signal(str)
    called = Signal()
    """Emitted when a shopper calls staff, which a till would show."""
    shone = Signal("QVariantList")  # pyright: ignore[reportArgumentType] - a Qt type
    """The colours of the segments of the simulated light ring, an empty list without one."""
    gated = Signal(str, int, str)
    """The kind of the simulated gate (`controller`, `release`, empty without one), how many cards
    it has received or how often it was opened, and the last card's number."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self._does: dict[str, Callable[[], None]] = {}
        self._simulation: Simulation | None = None
        self._shines: Levels | None = None
        self._gate: tuple[str, int, str] | None = None
        self._looks = QTimer(self, interval=LOOKS_MS)
        self._looks.timeout.connect(self._look_at_ring)
        self._looks.timeout.connect(self._look_at_gate)
        self._passing = QTimer(self, interval=PASSES_MS, singleShot=True)
        self._passing.timeout.connect(partial(self.present, "never"))
        self._engine = QQmlApplicationEngine()
        self._engine.addImportPath(str(QML))
        self._engine.setInitialProperties({"dock": self, "variant": variant})
        self._engine.loadFromModule("Palm.dock", "Dock")
        self.window = cast(QQuickWindow, self._engine.rootObjects()[0])

    def play(self, simulation: "Simulation") -> None:
        """Makes the buttons act on this simulation from now on."""
        self._simulation = simulation
        simulation.show_calls(self.called.emit)
        self._does = {
            "ring_up_over_18": partial(simulation.ring_up, DRINK_MINOR, Age.EIGHTEEN),
            "collect_points": partial(simulation.collect, POINTS),
            "withdraw_sale": simulation.withdraw_sale,
            "cut_network": simulation.cut_network,
            "mend_network": simulation.mend_network,
            "kill_service": simulation.kill_service,
            "hold_service_down": simulation.hold_service_down,
            "bring_service_up": simulation.bring_service_up,
        }
        if camera := simulation.camera:
            self._does |= {
                "unplug_camera": camera.unplug,
                "plug_in_camera": camera.plug_in,
                "stall_camera": camera.stall,
                "resume_camera": camera.resume,
                "swap_camera": camera.swap,
            }
        if light := simulation.light:
            self._does |= {"unplug_light": light.unplug, "plug_in_light": light.plug_in}
        if enclosure := simulation.enclosure:
            self._does |= {"open_enclosure": enclosure.open, "reset_enclosure": enclosure.reset}
        if usb := simulation.usb:
            self._does |= {
                "plug_in_keyboard": partial(usb.plug_in, KEYBOARD),
                "plug_in_stick": partial(usb.plug_in, STICK),
                "clear_usb": usb.unplug,
            }
        if terminal := simulation.terminal:
            self._does |= {
                "unplug_terminal": terminal.unplug,
                "plug_in_terminal": terminal.plug_in,
                "spoil_next_card": partial(
                    terminal.fail_next, CardUnreadable("The dock spoilt it.")
                ),
                **{f"tap_{card}": partial(terminal.tap, card) for card in TestCard},
            }
        match simulation.gate:
            case SimulatedController() as controller:
                self._does |= {
                    "cut_line": controller.cut,
                    "mend_line": controller.mend,
                    **{
                        f"answer_{verdict}": partial(controller.answer, verdict)
                        for verdict in Verdict
                    },
                    **{name: partial(controller.cue, cue) for name, cue in CUES.items()},
                }
            case SimulatedRelease() as release:
                self._does |= {"cut_line": release.unplug, "mend_line": release.plug_in}
            case None:
                pass
        self._looks.start()

    def stand_beside(self, kiosk: QQuickWindow) -> None:
        """Places the dock beside the kiosk's window and closes it together with that."""
        self.window.setTransientParent(kiosk)
        self.window.setX(kiosk.x() + kiosk.width())
        self.window.setY(kiosk.y())

    def close(self) -> None:
        self._looks.stop()
        self.window.close()
        del self.window
        self._engine.deleteLater()
        QCoreApplication.sendPostedEvents(self._engine, QEvent.Type.DeferredDelete)

    @Slot(str)
    def do(self, what: str) -> None:
        self._does.get(what, lambda: None)()

    @Slot(int)
    def ring_up(self, minor: int) -> None:
        if self._simulation is not None:
            self._simulation.ring_up(minor)

    @Slot(str, float)
    def pose(self, what: str, value: float) -> None:
        """Moves the hand: sets one field of its `drawn.Presentation`."""
        self._wish(lambda wish: {"pose": replace(wish.pose, **{what: value})})

    @Slot(bool)
    def turn_over(self, back: bool) -> None:
        self._wish(lambda wish: {"pose": replace(wish.pose, back=back)})

    @Slot(int, bool)
    def become(self, seed: int, right: bool) -> None:
        """Sets whose hand it is."""
        self._wish(lambda _: {"seed": seed, "side": Side.RIGHT if right else Side.LEFT})

    @Slot(bool)
    def replay(self, recording: bool) -> None:
        """Shows a recording of the hand instead of the hand."""
        self._wish(lambda _: {"recording": recording})

    @Slot(bool)
    def hold_card(self, held: bool) -> None:
        """Holds up a membership card of the person instead of the hand."""
        self._wish(lambda wish: {"card": f"MEMBER-{wish.seed:06d}" if held else None})

    @Slot(str)
    def hold_up(self, code: str) -> None:
        """Holds up a code instead of the hand, such as that of a ticket; none when it is empty."""
        self._wish(lambda _: {"card": code or None})

    @Slot(int, bool)
    def walk_up(self, seed: int, right: bool) -> None:
        """Has somebody hold their hand to a gate and walk on."""
        self.become(seed, right)
        self.present("always")
        self._passing.start()

    @Slot(str)
    def present(self, when: str) -> None:
        self._passing.stop()
        self._wish(lambda _: {"present": {"always": True, "never": False}.get(when)})

    def _look_at_ring(self) -> None:
        light = self._simulation.light if self._simulation else None
        shines = light.at(time.monotonic()) if light else ()
        if shines != self._shines:
            self._shines = shines
            self.shone.emit([_colour(segment) for segment in shines])

    def _look_at_gate(self) -> None:
        match self._simulation.gate if self._simulation else None:
            case SimulatedController(credentials=cards):
                told = "controller", len(cards), str(cards[-1].number) if cards else ""
            case SimulatedRelease(times=times):
                told = "release", times, ""
            case None:
                told = "", 0, ""
        if told != self._gate:
            self._gate = told
            self.gated.emit(*told)

    def _wish(self, change: Callable[[Any], dict[str, Any]]) -> None:
        if self._simulation is not None and (shopper := self._simulation.shopper):
            shopper.wish = replace(shopper.wish, **change(shopper.wish))


def _colour(segment: tuple[int, int, int]) -> QColor:
    """Returns the colour of a segment: levels are linear, screen colours are gamma-encoded."""
    red, green, blue = ((level / 255) ** (1 / 2.2) for level in segment)
    return QColor.fromRgbF(red, green, blue)


# PySide takes str where its stubs ask for bytes.
qmlRegisterUncreatableType(Dock, "Palm.live", 1, 0, "Simulated", "The kiosk makes it.")  # pyright: ignore[reportArgumentType]
