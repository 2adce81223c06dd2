"""The simulated world around a kiosk, for the development dock and for tests: the shopper's hand,
cards, sales, and everything that can fail."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from drawn import Shopper
from hardware.camera import SimulatedCamera
from hardware.enclosure import SimulatedContact
from hardware.gate import SimulatedController, SimulatedRelease
from hardware.light import SimulatedLight
from hardware.terminal import SimulatedTerminal
from hardware.usb import SimulatedBus
from kiosk.app import Kiosk
from kiosk.screens import Points
from kiosk.service.embedded import EmbeddedService
from kiosk.simulated.till import SimulatedTill
from kiosk.simulated.till_at_the_door import TillAtTheDoor
from protocol.messages import Age, Money


class Simulation:
    """Access to the simulated parts of a kiosk, from any thread.

    `shopper`, `camera`, `light`, `terminal`, `enclosure`, `usb` and `gate` are thread-safe, and
    None where a real device is attached. Methods do nothing when the part they act on is real.
    """

    def __init__(self, kiosk: Kiosk, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` is the event loop that `kiosk` runs on."""
        self._kiosk = kiosk
        self._loop = loop
        source, terminal = kiosk.feed.source, kiosk.terminal
        self.camera = source if isinstance(source, SimulatedCamera) else None
        scene = self.camera.scene if self.camera else None
        self.shopper = scene if isinstance(scene, Shopper) else None
        self.light = kiosk.light if isinstance(kiosk.light, SimulatedLight) else None
        self.terminal = terminal if isinstance(terminal, SimulatedTerminal) else None
        contact = kiosk.enclosure
        self.enclosure = contact if isinstance(contact, SimulatedContact) else None
        bus = kiosk.fittings.bus
        self.usb = bus if isinstance(bus, SimulatedBus) else None
        gate = None if kiosk.lane is None else kiosk.lane.controller or kiosk.lane.release
        simulated = isinstance(gate, SimulatedController | SimulatedRelease)
        self.gate = gate if simulated else None
        self._till: SimulatedTill | TillAtTheDoor | None = None
        if isinstance(kiosk.till, SimulatedTill):
            self._till = kiosk.till
        elif (door := kiosk.settings.till) is not None:
            self._till = TillAtTheDoor(kiosk.state.files, door)
        connection = kiosk.connection
        self._service = connection if isinstance(connection, EmbeddedService) else None

    @property
    def service_url(self) -> str:
        """The address of the service, whose portal phones open; empty until it is connected."""
        return self._kiosk.service.url

    def ring_up(self, minor: int, over: Age | None = None) -> None:
        """Rings up a sale, in the minor unit of the device's currency. `over` is the age that the
        shopper must have reached. Needs an activated kiosk."""
        device = self._kiosk.service.identity.device
        if self._till is not None and device is not None:
            amount = Money(minor=minor, currency=device.currency)
            self._loop.call_soon_threadsafe(self._till.ring_up, amount, device.merchant, over)

    def collect(self, points: Points) -> None:
        """Has points collected without a payment. Needs an activated kiosk."""
        device = self._kiosk.service.identity.device
        if self._till is not None and device is not None:
            self._loop.call_soon_threadsafe(self._till.collect, points, device.merchant)

    def show_calls(self, show: Callable[[], None]) -> None:
        """Has every call for staff shown by `show`, which is called from the loop's thread."""
        if isinstance(self._till, SimulatedTill):
            self._till.show_call = show

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
        """Kills the service, as a crash does; it is started again."""
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
