"""A device on the USB, and the protocol that every driver of a bus implements."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a device can do. One that can do several things is of the kind that is named first."""

    KEYBOARD = "keyboard"
    """It types, or moves a pointer."""
    NETWORK = "network"
    CAMERA = "camera"
    OTHER = "other"
    STORAGE = "storage"
    """It stores files, and does nothing else."""


_KINDS = {
    "03": Kind.KEYBOARD,
    "02": Kind.NETWORK,
    "e0": Kind.NETWORK,
    "0e": Kind.CAMERA,
    "08": Kind.STORAGE,
}
"""By the class of an interface (USB-IF, "Defined Class Codes")."""


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """What a device says that it is. Two that say the same cannot be told apart."""

    vendor: str
    """The id of whoever made it, four hexadecimal digits."""
    product: str
    """The id of the product, four hexadecimal digits."""
    serial: str
    """Its serial number; empty when it says none."""
    classes: tuple[str, ...]
    """The classes of its interfaces, two hexadecimal digits each, in order."""

    @property
    def name(self) -> str:
        """Returns the two ids, as lsusb writes them."""
        return f"{self.vendor}:{self.product}"

    def may_be(self, other: "UsbDevice") -> bool:
        """Returns whether this device, of which not all was seen, may be the other."""
        same = (self.vendor, self.product) == (other.vendor, other.product)
        return same and not Counter(self.classes) - Counter(other.classes)

    @property
    def kind(self) -> Kind:
        kinds = {_KINDS.get(each, Kind.OTHER) for each in self.classes}
        return next((kind for kind in Kind if kind in kinds), Kind.OTHER)


class Bus(Protocol):
    def look(self) -> Sequence[UsbDevice]:
        """Returns at once what is plugged in and can do something. Hubs are left out, because they
        do nothing themselves. Raises TemporaryFault when that cannot be told now."""
        ...

    def passed(self) -> Sequence[UsbDevice]:
        """Returns at once what was plugged in some seconds ago and is gone. Their serial numbers
        are not known, and of their interfaces those that were set up."""
        ...

    def forget(self) -> None:
        """Forgets what has passed until now."""
        ...
