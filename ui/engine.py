"""The thread on which everything but the window runs."""

import asyncio
import threading
from datetime import UTC, datetime

from PySide6.QtCore import QObject, Signal

from kiosk.screens import Work, Working
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from kiosk.settings import Settings
from ui.liveview import Frames
from ui.stage import QtStage

PHONE_LOOKS_S = 1.0
"""Between two looks at the simulated phone."""


class Engine(QObject):
    """One asyncio loop in a thread of its own, with a kiosk on it. Made, started and stopped on
    Qt's thread, where its signals arrive."""

    assembled = Signal(object)
    """The `kiosk.simulated.simulation.Simulation` of a kiosk about to run: at the start, and after
    staff have restarted it."""
    texted = Signal(str)
    """What the simulated phone has received."""
    ended = Signal()
    """By itself, because of `failure`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self.stage = QtStage(self._loop)
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="kiosk")

    def start(self, frames: Frames) -> None:
        self._serving = self._loop.create_task(self._serve(frames))
        self._thread.start()

    def stop(self) -> None:
        """Returns when the kiosk has put everything away."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._watch())
        self.ended.emit()

    async def _watch(self) -> None:
        """Ends with the kiosk, and keeps why."""
        await asyncio.wait([self._serving])
        if not self._serving.cancelled():
            self.failure = self._serving.exception()

    async def _serve(self, frames: Frames) -> None:
        self.stage.show(Working(Work.CHECKING_SERVICE))
        # Half a second of imports, and a second for the palm models: the window is there first.
        from kiosk.assembly import assemble  # noqa: PLC0415
        from kiosk.simulated.simulation import Simulation  # noqa: PLC0415

        while True:
            kiosk = assemble(self._settings, self.stage)
            frames.feed = kiosk.feed
            self.assembled.emit(Simulation(kiosk, self._loop))
            reading = asyncio.create_task(self._read_phone(kiosk.service))
            try:
                await kiosk.run()
            finally:
                reading.cancel()

    async def _read_phone(self, service: SignatureService) -> None:
        """Passes on what a simulated phone receives."""
        simulated, read, latest = None, 0, datetime.min.replace(tzinfo=UTC)
        while simulated is not False:
            await asyncio.sleep(PHONE_LOOKS_S)
            try:
                if simulated is None:
                    simulated = (await service.info()).sandbox
                for message in await service.read_phone(read) if simulated else ():
                    read = message.number
                    if message.at > latest:
                        latest = message.at
                        self.texted.emit(message.text)
            except ServiceError:
                # A service that was started again counts its messages from 1.
                read = 0
