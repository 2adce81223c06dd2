"""The lane that a kiosk stands in: its gate, the venue's system, and what the service is still to
be told of those who came."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from hardware.faults import DeviceFault
from hardware.gate import Controller, Cue, Heard, LineStands, Release
from kiosk.clock import Clock
from kiosk.own_list import OwnList
from kiosk.passages import AnyUntold, PassageJournal, Untold
from kiosk.race import first
from kiosk.service.errors import Refused, ServiceError
from kiosk.venue.venue import NotSetUp, Venue
from protocol.entry import DoorTold, OfflinePassage
from protocol.messages import ProblemType

log = logging.getLogger(__name__)

AGAIN_S = 2.0
"""Seconds between two attempts to tell the service what came of somebody, and to hear from it what
this kiosk stands at."""
DOOR_S = 60.0
"""Seconds between two looks what this kiosk stands at."""


class DoorService(Protocol):
    """The part of the service that a lane asks (`kiosk.service.client.SignatureService`)."""

    async def door(self) -> DoorTold | None: ...

    async def tell_passage(self, entry_id: str, *, passed: bool) -> None: ...

    async def tell_offline_passage(self, passage_id: str, passage: OfflinePassage) -> None: ...


OpenVenue = Callable[[], AbstractAsyncContextManager[Venue]]
"""Keeps what the venue needs up to date while its block lasts."""


@dataclass
class Lane:
    """The lane of one kiosk. `run` has to run beside the visits."""

    controller: Controller | None
    """The site's access controller, where that decides."""
    release: Release | None
    """What the kiosk opens itself."""
    open_venue: OpenVenue | None
    """Opens the venue's system, where that decides."""
    service: DoorService
    clock: Clock
    journal: PassageJournal
    """What the service is still to be told, should the kiosk be killed."""
    own: OwnList | None
    """Whom the kiosk lets pass while there is no network; None where it may let nobody."""
    changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set when the line to the controller is lost, when it is there again, and when the venue's
    system is not set up."""
    venue: Venue | None = field(default=None, init=False)
    """The venue's system while it is open."""
    not_set_up: NotSetUp | None = field(default=None, init=False)
    """Why it cannot be opened before staff have done something."""
    door: DoorTold | None = field(default=None, init=False)
    """What this kiosk stands at; None until the service has said it."""
    _logged: set[str] = field(default_factory=set[str], init=False)
    """What the log was told of the line since it was there."""
    _untold: dict[str, AnyUntold] = field(default_factory=dict[str, AnyUntold], init=False)
    """By name, the oldest first."""
    _more: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _told: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def run(self, heard: Heard = lambda _: None) -> NoReturn:
        """Keeps everything until it is cancelled. Calls `heard` with what the controller has its
        reader show and sound. Raises CannotStart."""

        def hear(cue: Cue) -> None:
            if isinstance(cue, LineStands):
                self._log(cue.fault)
                self.changed.set()
            heard(cue)

        running: list[Coroutine[Any, Any, NoReturn]] = [self._keep_door(), self._tell_service()]
        if self.own is not None:
            running.append(self._keep_list(self.own))
        if self.controller is not None:
            running.append(self.controller.run(hear))
        async with AsyncExitStack() as stack:
            if self.open_venue is not None:
                try:
                    self.venue = await stack.enter_async_context(self.open_venue())
                except NotSetUp as missing:
                    log.error("nobody is let pass: %s", missing)
                    self.not_set_up = missing
                    self.changed.set()
            await first(*running)
        raise AssertionError("what a lane runs never ends by itself")

    @property
    def fault(self) -> DeviceFault | None:
        """What is wrong with the line to the site's controller, None without a fault."""
        return None if self.controller is None else self.controller.fault

    async def tell(self, untold: AnyUntold) -> None:
        """Has the service told whether somebody could pass, without anybody waiting for it."""
        await asyncio.to_thread(self.journal.keep, untold)
        self._untold[untold.name] = untold
        self._told.clear()
        self._more.set()

    async def told(self) -> None:
        """Waits until the service knows of everybody so far."""
        await self._told.wait()

    def _log(self, fault: DeviceFault | None) -> None:
        """Tells each fault once until the line is there again: a loose wire has many a minute."""
        if fault is None:
            self._logged.clear()
            log.info("the line to the controller is there")
        elif fault.cause not in self._logged:
            self._logged.add(fault.cause)
            log.warning("the line to the controller is not there: %s", fault)

    async def _keep_door(self) -> NoReturn:
        while True:
            try:
                self.door = await self.service.door()
            except Refused as refused:
                if refused.type is ProblemType.UNKNOWN_DEVICE and self.own is not None:
                    self.own.erase()
            except ServiceError:
                # It stands where it stood.
                pass
            await self.clock.sleep(AGAIN_S if self.door is None else DOOR_S)

    async def _keep_list(self, own: OwnList) -> NoReturn:
        try:
            while True:
                if self.door is not None and self.door.keeps_list:
                    await own.renew()
                elif self.door is not None:
                    own.erase()
                await self.clock.sleep(AGAIN_S)
        finally:
            own.erase()

    async def _tell_service(self) -> NoReturn:
        for untold in await asyncio.to_thread(lambda: list(self.journal.untold())):
            self._untold.setdefault(untold.name, untold)
        while True:
            self._more.clear()
            for untold in list(self._untold.values()):
                await self._tell(untold)
                await asyncio.to_thread(self.journal.forget, untold)
                del self._untold[untold.name]
            if not self._untold:
                self._told.set()
                await self._more.wait()

    async def _tell(self, untold: AnyUntold) -> None:
        while True:
            try:
                await self._tell_once(untold)
            except Refused as refused:
                if refused.type is ProblemType.UNKNOWN_DEVICE:
                    # Once it is activated again, it can tell.
                    await self.clock.sleep(DOOR_S)
                    continue
                # The person was deleted meanwhile, or the device has come to another merchant.
                log.warning("the service does not note who has passed: %s", refused)
                return
            except ServiceError:
                await self.clock.sleep(AGAIN_S)
            else:
                return

    async def _tell_once(self, untold: AnyUntold) -> None:
        if isinstance(untold, Untold):
            await self.service.tell_passage(untold.entry_id, passed=untold.passed)
            return
        passage = OfflinePassage(mark=untold.mark, after_s=untold.after_s)
        await self.service.tell_offline_passage(untold.passage_id, passage)
