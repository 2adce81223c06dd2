"""What systemd is told of the window: that it shows a kiosk which is open, and that its thread
lives."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from protocol.watchdog import Systemd
from ui.window import KioskWindow


class Alive(QObject):
    """Made on Qt's thread."""

    asked = Signal(object)

    def __init__(self, window: KioskWindow, systemd: Systemd) -> None:
        super().__init__()
        self._window = window
        self._systemd = systemd
        self.asked.connect(self._answer)
        window.window.frameSwapped.connect(self._look)

    def prove_alive(self, answer: Callable[[], None]) -> None:
        """Has Qt's thread call `answer` (`protocol.watchdog.Part`)."""
        self.asked.emit(answer)

    @Slot(object)
    def _answer(self, answer: Callable[[], None]) -> None:
        answer()

    @Slot()
    def _look(self) -> None:
        """Tells systemd when the first screen has been drawn that says more than that the kiosk is
        being started."""
        if self._window.shows_more_than("Working"):
            self._window.window.frameSwapped.disconnect(self._look)
            self._systemd.ready()
