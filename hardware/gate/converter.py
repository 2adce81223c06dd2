"""A converter between a serial line and the wires of a door: Wiegand out, the controller's lamps
in, and a relay. What its firmware has to do is in docs/integrations/door.md."""

from enum import IntEnum, IntFlag

from hardware.address import Address
from hardware.asked import AskedDevice
from hardware.faults import PermanentFault
from hardware.serial_port import baud_of

ANSWER_S = 0.15
"""The timeout for an answer in seconds. A card of 128 bits takes 0.26 s on D0 and D1, so a
converter answers once it has begun to send it."""


class Command(IntEnum):
    HELLO = 0x10
    CARD = 0x11
    INPUTS = 0x12
    PULSE = 0x13


class Has(IntFlag):
    """What a converter has."""

    WIEGAND = 1
    RELAY = 2


class Wires(IntFlag):
    """The wires of a controller that a converter reads."""

    GREEN = 1
    RED = 2
    BUZZER = 4


def converter_at(address: Address, needs: Has) -> AskedDevice:
    """Returns the converter that an address names. Raises BadAddress."""
    if not address.rest.startswith("/dev/"):
        raise address.wrong("names no device", f"Write {address.scheme}:/dev/ttyACM0.")
    device = address.rest

    def greeted(said: bytes) -> None:
        if not said or needs not in Has(said[0]):
            raise PermanentFault(
                f"The converter at {device} has no {(needs.name or '').lower()}.",
                "Attach one that has, or set its firmware up (docs/integrations/door.md).",
            )

    return AskedDevice(
        device,
        baud_of(address, 115200),
        called="converter",
        answer_s=ANSWER_S,
        hello=Command.HELLO,
        greeted=greeted,
    )
