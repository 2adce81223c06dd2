"""The simulated world around a kiosk, for the development dock and for tests: a hand to move,
cards to tap, a phone to read, sales to ring up, and everything that can break."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from drawn import Shopper
from hardware.camera import SimulatedCamera
from hardware.light import SimulatedLight
from hardware.terminal import SimulatedTerminal
from kiosk.app import Kiosk
from kiosk.service.embedded import EmbeddedService
from kiosk.simulated.till import SimulatedTill
from protocol.messages import Money


class Simulation:
    """`shopper`, `camera`, `light` and `terminal` are thread-safe themselves, and None where the
    real thing is attached; the methods may be called from any thread, and do nothing where there
    is nothing simulated to do it to."""

    def __init__(self, kiosk: Kiosk, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` is the one that `kiosk` runs on."""
        self._kiosk = kiosk
        self._loop = loop
        source, terminal = kiosk.feed.source, kiosk.terminal
        self.camera = source if isinstance(source, SimulatedCamera) else None
        scene = self.camera.scene if self.camera else None
        self.shopper = scene if isinstance(scene, Shopper) else None
        self.light = kiosk.light if isinstance(kiosk.light, SimulatedLight) else None
        self.terminal = terminal if isinstance(terminal, SimulatedTerminal) else None
        self._till = kiosk.till if isinstance(kiosk.till, SimulatedTill) else None
        connection = kiosk.connection
        self._service = connection if isinstance(connection, EmbeddedService) else None

    def ring_up(self, minor: int) -> None:
        """A sale at the till, in the minor unit of the device's currency, once it is activated."""
        device = self._kiosk.service.identity.device
        if self._till is not None and device is not None:
            amount = Money(minor=minor, currency=device.currency)
            self._loop.call_soon_threadsafe(self._till.ring_up, amount, device.merchant)

    def withdraw_sale(self) -> None:
        if self._till is not None:
            self._loop.call_soon_threadsafe(self._till.withdraw)

    def cut_network(self) -> None:
        if self._service is not None and self._service.network_fault is not None:
            self._start(self._service.network_fault.cut())

    def mend_network(self) -> None:
        if self._service is not None and self._service.network_fault is not None:
            self._start(self._service.network_fault.mend())

    def kill_service(self) -> None:
        """As a crash would: it is started again."""
        if self._service is not None:
            self._loop.call_soon_threadsafe(self._service.kill)

    def hold_service_down(self) -> None:
        if self._service is not None:
            self._loop.call_soon_threadsafe(self._service.hold_down)

    def bring_service_up(self) -> None:
        if self._service is not None:
            self._loop.call_soon_threadsafe(self._service.bring_up)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop)
