"""The thread on which everything but the window runs."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from PySide6.QtCore import QObject, Signal

from kiosk.faults import CannotStart
from kiosk.lately import Lately
from kiosk.screens import Check, Finding, Health, NoKeys, Part, Work, Working
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from kiosk.settings import Settings
from protocol import watchdog
from ui.liveview import Frames
from ui.stage import QtStage

log = logging.getLogger(__name__)

NO_KEYS_S = 60.0
"""Seconds after which a kiosk without its keys tries again: a TPM may need a while to be there."""
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
    """Emitted when the kiosk has ended. `failure` is the exception; None when it was stopped, or
    ends because another version is started."""

    def __init__(self, settings: Settings, lately: Lately | None = None) -> None:
        """`lately` has the latest lines of the log."""
        super().__init__()
        self._settings = settings
        self._lately = lately
        self._loop = asyncio.new_event_loop()
        self.stage = QtStage(self._loop)
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="kiosk")
        self._sight: watchdog.Part | None = None
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
        """Has the vision thread call `answer`, or answers for it while there is no kiosk."""
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
        # Imports take half a second and the palm models another, so the window is shown first.
        from kiosk.assembly import assemble  # noqa: PLC0415
        from kiosk.sealing import KeyUnavailable, open_state  # noqa: PLC0415
        from kiosk.simulated.simulation import Simulation  # noqa: PLC0415
        from kiosk.updates.quiet import VersionWaits  # noqa: PLC0415

        while True:
            # Until there is a kiosk, there is no vision that could hang.
            self._sight = lambda answer: answer()
            try:
                # It may wait for a TPM, and the loop has to answer the watchdog meanwhile.
                folder, tpm = self._settings.state, self._settings.tpm
                state = await asyncio.to_thread(open_state, folder, tpm)
            except KeyUnavailable as unavailable:
                await self._tell_no_keys(unavailable)
                continue
            kiosk = assemble(self._settings, self.stage, state, self._lately)
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

    async def _tell_no_keys(self, unavailable: CannotStart) -> None:
        """Shows why the kiosk cannot start, until somebody asks to try again or NO_KEYS_S are
        over."""
        log.error("there is no kiosk: %s", unavailable)
        told = (unavailable.cause, unavailable.remedy)
        with suppress(TimeoutError):
            async with asyncio.timeout(NO_KEYS_S):
                await self.stage.ask(NoKeys(Check(Part.KEYS, Health.BROKEN, Finding.FAULT, told)))

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
