"""Light rings around the lens."""

from hardware.address import Address
from hardware.light.light import WATCHDOG_S, Light
from hardware.light.serial import SerialLight
from hardware.light.sim import SimulatedLight

__all__ = [
    "WATCHDOG_S",
    "Light",
    "SerialLight",
    "SimulatedLight",
    "light_at",
]


def light_at(text: str) -> Light | None:
    """Returns the light ring that an address names, None for `none:`.

    Raises BadAddress.
    """
    address = Address.parse(text)
    match address.scheme:
        case "serial":
            return SerialLight(address)
        case "sim":
            return SimulatedLight(address)
        case "none":
            return None
        case _:
            raise address.wrong(
                f"names no light driver: there is no '{address.scheme}'",
                "Use serial:/dev/ttyACM0, sim: or none:.",
            )
