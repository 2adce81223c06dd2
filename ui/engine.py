"""The thread on which everything but the window runs."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from PySide6.QtCore import QObject, Signal

from kiosk.lately import Lately
from kiosk.screens import Work, Working
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from kiosk.settings import Settings
from protocol.watchdog import Part
from ui.liveview import Frames
from ui.stage import QtStage

PHONE_LOOKS_S = 1.0
"""Seconds between two checks for messages of the simulated phone."""


class Engine(QObject):
    """Runs a kiosk on an asyncio loop in a thread of its own. It is made, started and stopped on
    Qt's thread, where its signals arrive."""

    assembled = Signal(object)
    """Emitted before a kiosk runs, at the start and after a restart by staff, with its
    `kiosk.simulated.simulation.Simulation`."""
    texted = Signal(str)
    """Emitted with each message that the simulated phone receives."""
    ended = Signal()
    """Emitted when the kiosk has ended; `failure` tells why, None when it was stopped or ends for
    another version."""

    def __init__(self, settings: Settings, lately: Lately | None = None) -> None:
        """`lately` has the latest lines of the log."""
        super().__init__()
        self._settings = settings
        self._lately = lately
        self._loop = asyncio.new_event_loop()
        self.stage = QtStage(self._loop)
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="kiosk")
        self._sight: Part | None = None
        """The vision of the present kiosk."""

    def start(self, frames: Frames) -> None:
        self._serving = self._loop.create_task(self._serve(frames))
        self._thread.start()

    def stop(self) -> None:
        """Stops the kiosk and waits until it has ended."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join()

    def prove_visits(self, answer: Callable[[], None]) -> None:
        """Has the thread of the visits call `answer` (`protocol.watchdog.Part`)."""
        # The loop may have ended a moment ago.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(answer)

    def prove_sight(self, answer: Callable[[], None]) -> None:
        """Has the vision thread call `answer`, which it does while there is a kiosk."""
        if self._sight is not None:
            self._sight(answer)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._watch())
        self.ended.emit()

    async def _watch(self) -> None:
        """Waits for the end of the kiosk and keeps its exception."""
        await asyncio.wait([self._serving])
        if not self._serving.cancelled():
            self.failure = self._serving.exception()

    async def _serve(self, frames: Frames) -> None:
        self.stage.show(Working(Work.CHECKING_SERVICE))
        # Imports take half a second and the palm models one more: the window is shown first.
        from kiosk.assembly import assemble  # noqa: PLC0415
        from kiosk.simulated.simulation import Simulation  # noqa: PLC0415
        from kiosk.updates.quiet import VersionWaits  # noqa: PLC0415

        while True:
            kiosk = assemble(self._settings, self.stage, self._lately)
            frames.feed = kiosk.feed
            self._sight = kiosk.prove_sight
            self.assembled.emit(Simulation(kiosk, self._loop))
            reading = asyncio.create_task(self._read_phone(kiosk.service))
            try:
                await kiosk.run()
            except VersionWaits:
                return
            finally:
                reading.cancel()

    async def _read_phone(self, service: SignatureService) -> None:
        """Emits what the simulated phone receives."""
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
                # A restarted service counts its messages from 1.
                read = 0
