"""A simulated USB, into which things are plugged."""

from collections.abc import Sequence

from hardware.usb.device import UsbDevice

KEYBOARD = UsbDevice("1209", "0001", "", ("03",))
STICK = UsbDevice("1209", "0002", "0042", ("08",))


class SimulatedBus:
    """Thread-safe."""

    def __init__(self) -> None:
        self._devices: tuple[UsbDevice, ...] = ()
        self._passed: tuple[UsbDevice, ...] = ()

    def plug_in(self, device: UsbDevice) -> None:
        self._devices = (*self._devices, device)

    def unplug(self) -> None:
        """Pulls everything out."""
        self._devices = ()

    def plug_in_for_a_moment(self, device: UsbDevice) -> None:
        self._passed = (device,)

    def look(self) -> Sequence[UsbDevice]:
        return self._devices

    def forget(self) -> None:
        self._passed = ()

    def passed(self) -> Sequence[UsbDevice]:
        return self._passed
