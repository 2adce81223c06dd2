"""What is plugged in: the devices on the machine's USB."""

from pathlib import Path

from hardware.address import Address
from hardware.usb.device import Bus, Kind, UsbDevice
from hardware.usb.sim import SimulatedBus
from hardware.usb.sysfs import SysfsBus

__all__ = ["Bus", "Kind", "SimulatedBus", "SysfsBus", "UsbDevice", "bus_at"]

DEVICES = Path("/sys/bus/usb/devices")
"""Where Linux lists them."""


def bus_at(text: str | None) -> Bus | None:
    """Returns the USB that an address names; None without one. Raises BadAddress."""
    if text is None:
        return None
    address = Address.parse(text)
    match address.scheme:
        case "sysfs":
            address.known()
            return SysfsBus(Path(address.rest) if address.rest else DEVICES)
        case "sim":
            address.known()
            return SimulatedBus()
        case scheme:
            raise address.wrong(
                f"names no USB: there is no '{scheme}'", "Use sysfs: for this machine's, or sim:."
            )
