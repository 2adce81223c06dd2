"""Reports a kiosk to systemd: that it is ready, and that the threads of a visit are alive."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from protocol.watchdog import Part, Systemd
from ui.engine import Engine
from ui.window import KioskWindow


class Alive(QObject):
    """Reports to systemd. It is made on Qt's thread."""

    asked = Signal(object)

    def __init__(self, engine: Engine, window: KioskWindow, systemd: Systemd) -> None:
        super().__init__()
        self.parts: dict[str, Part] = {
            "the visits": engine.prove_visits,
            "vision": engine.prove_sight,
            "the window": self._prove_window,
        }
        self._window = window
        self._systemd = systemd
        self.asked.connect(self._answer)
        window.window.frameSwapped.connect(self._look)

    def _prove_window(self, answer: Callable[[], None]) -> None:
        self.asked.emit(answer)

    @Slot(object)
    def _answer(self, answer: Callable[[], None]) -> None:
        answer()

    @Slot()
    def _look(self) -> None:
        """Tells systemd that the kiosk is ready, once another screen than the one of the start has
        been drawn."""
        if self._window.shows_more_than("Working"):
            self._window.window.frameSwapped.disconnect(self._look)
            self._systemd.ready()
