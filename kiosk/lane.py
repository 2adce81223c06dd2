"""The lane that a kiosk stands in: its gate, the venue's system, and what the service is still to
be told of those who came."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from hardware.faults import DeviceFault
from hardware.gate import Controller, Cue, Heard, LineStands, Release
from kiosk.clock import Clock
from kiosk.race import first
from kiosk.service.errors import Refused, ServiceError
from kiosk.venue.venue import NotSetUp, Venue
from protocol.entry import DoorTold

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
    _untold: "asyncio.Queue[tuple[str, bool]]" = field(
        default_factory=asyncio.Queue[tuple[str, bool]], init=False
    )

    async def run(self, heard: Heard = lambda _: None) -> NoReturn:
        """Keeps everything until it is cancelled. Calls `heard` with what the controller has its
        reader show and sound. Raises CannotStart."""

        def hear(cue: Cue) -> None:
            if isinstance(cue, LineStands):
                self._log(cue.fault)
                self.changed.set()
            heard(cue)

        running: list[Coroutine[Any, Any, NoReturn]] = [self._keep_door(), self._tell_service()]
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

    def tell(self, entry_id: str, *, passed: bool) -> None:
        """Has the service told whether somebody could pass, without anybody waiting for it."""
        self._untold.put_nowait((entry_id, passed))

    async def told(self) -> None:
        """Waits until the service knows of everybody so far."""
        await self._untold.join()

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
            with suppress(ServiceError):
                self.door = await self.service.door()
            await self.clock.sleep(AGAIN_S if self.door is None else DOOR_S)

    async def _tell_service(self) -> NoReturn:
        while True:
            entry_id, passed = await self._untold.get()
            await self._tell(entry_id, passed=passed)
            self._untold.task_done()

    async def _tell(self, entry_id: str, *, passed: bool) -> None:
        while True:
            try:
                await self.service.tell_passage(entry_id, passed=passed)
            except Refused as refused:
                # The person was deleted meanwhile, or the device has come to another merchant.
                log.warning("the service does not note who has passed: %s", refused)
                return
            except ServiceError:
                await self.clock.sleep(AGAIN_S)
            else:
                return
