"""Gates: what stands between the kiosk and a door or a turnstile."""

from hardware.address import Address
from hardware.gate.cues import Buzzer, Color, Cue, Lamp, LampAsBefore, LineStands, Output, Words
from hardware.gate.gate import Controller, Heard, Release, Verdict
from hardware.gate.osdp import OsdpReader
from hardware.gate.relay import Relay
from hardware.gate.sim import SimulatedController, SimulatedRelease
from hardware.gate.wiegand import WiegandReader
from protocol.sealed import SealedPath

__all__ = [
    "Buzzer",
    "Color",
    "Controller",
    "Cue",
    "Gate",
    "Heard",
    "Lamp",
    "LampAsBefore",
    "LineStands",
    "OsdpReader",
    "Output",
    "Relay",
    "Release",
    "SimulatedController",
    "SimulatedRelease",
    "Verdict",
    "WiegandReader",
    "Words",
    "gate_at",
]

Gate = OsdpReader | WiegandReader | SimulatedController | Relay | SimulatedRelease
"""What can be attached: each is a `Controller` or a `Release`."""


def gate_at(text: str, state: SealedPath) -> Gate | None:
    """Returns the gate that an address names, None for `none:`. What it keeps is in the folder
    `state`. Raises BadAddress."""
    address = Address.parse(text)
    match address.scheme:
        case "none":
            address.known()
            return None
        case "sim" if address.rest == "release":
            address.known()
            return SimulatedRelease()
        case "sim" if not address.rest:
            return SimulatedController(address)
        case "osdp":
            return OsdpReader(address, state)
        case "wiegand":
            return WiegandReader(address)
        case "relay":
            return Relay(address)
        case scheme:
            raise address.wrong(
                f"names no gate: there is no '{scheme}:{address.rest if scheme == 'sim' else ''}'",
                "Use osdp:/dev/ttyUSB0, wiegand:/dev/ttyACM0, relay:/dev/ttyACM0, sim:, "
                "sim:release or none:.",
            )
