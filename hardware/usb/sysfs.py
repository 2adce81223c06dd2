"""The USB as Linux shows it to everybody: a folder for each device, and in it one for each of its
interfaces (Documentation/ABI/stable/sysfs-bus-usb of the kernel)."""

import socket
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from hardware.faults import TemporaryFault
from hardware.usb import uevents
from hardware.usb.device import UsbDevice
from hardware.usb.uevents import Plugged

HUB = "09"
"""The class of an interface of a hub."""
PASSED_S = 5.0
"""For how many seconds after it was plugged in a device that is gone can be seen."""


class SysfsBus:
    def __init__(
        self, folder: Path, listen: Callable[[], socket.socket | None] = uevents.listen
    ) -> None:
        """`listen` opens, at the first need, where the kernel says what is plugged in."""
        self._folder = folder
        self._listen = listen
        self._plugged: dict[Plugged, float] = {}
        """What was plugged in lately, with the time at which that was heard."""

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

    def passed(self) -> Sequence[UsbDevice]:
        """See `Bus.passed`."""
        now = time.monotonic()
        self._plugged = {each: at for each, at in self._plugged.items() if now - at < PASSED_S}
        if self._said is not None:
            self._plugged |= dict.fromkeys(uevents.heard(self._said), now)
        classes: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
        for each in self._plugged:
            there = device_at(self._folder.parents[2] / each.place)
            if there is None or (there.vendor, there.product) != (each.vendor, each.product):
                classes[each.place, each.vendor, each.product].append(each.interface)
        return [
            UsbDevice(vendor, product, "", tuple(sorted(kinds)))
            for (_, vendor, product), kinds in classes.items()
            if set(kinds) - {HUB}
        ]

    def forget(self) -> None:
        """See `Bus.forget`."""
        self.passed()
        self._plugged.clear()

    @cached_property
    def _said(self) -> socket.socket | None:
        return self._listen()


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
