"""The USB as Linux shows it to everybody: a folder for each device, and in it one for each of its
interfaces (Documentation/ABI/stable/sysfs-bus-usb of the kernel)."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hardware.faults import TemporaryFault
from hardware.usb.device import UsbDevice

HUB = "09"
"""The class of an interface of a hub."""


class SysfsBus:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look(self) -> Sequence[UsbDevice]:
        """See `Bus.look`. A device whose interfaces are not set up can do nothing yet."""
        try:
            places = sorted(self._folder.iterdir())
        except OSError as error:
            raise TemporaryFault(
                f"What is plugged in cannot be read in {self._folder}: {error.strerror}.",
                "Correct the address of the USB in the settings: sysfs: is this machine's.",
            ) from None
        devices = [device_at(place) for place in places if ":" not in place.name]
        return [each for each in devices if each is not None and set(each.classes) - {HUB}]


def device_at(place: Path) -> UsbDevice | None:
    """Returns the device of a folder; None when there is none, or none any more."""
    try:
        vendor, product = _read(place / "idVendor"), _read(place / "idProduct")
        classes = [_read(each) for each in place.glob("*:*/bInterfaceClass")]
    except OSError:
        return None
    serial = ""
    with suppress(OSError):
        serial = _read(place / "serial")
    return UsbDevice(vendor, product, serial, tuple(sorted(classes)))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip()
