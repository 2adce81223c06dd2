"""The devices that the settings name: camera, near-infrared camera, light ring, terminal,
enclosure, USB, gate and loudspeaker."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from drawn import Shopper
from hardware.address import Address
from hardware.camera import CameraSource, Mounting, Scene, SimulatedCamera, Size, camera_at
from hardware.camera.feed import SIZE, Feed
from hardware.enclosure import Contact, contact_at
from hardware.faults import DeviceFault
from hardware.gate import Gate, gate_at
from hardware.light import Light, SimulatedLight, light_at
from hardware.sound import Sound, sound_at
from hardware.terminal import Terminal, terminal_at
from hardware.usb import Bus, bus_at
from palm.hand.landmarks import Side
from protocol.sealed import SealedPath

Device = TypeVar("Device")


class WrongDevices(Exception):
    """Addresses that name no device: `faults` says of each what is wrong and what to do."""

    def __init__(self, faults: list[DeviceFault]) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True)
class Devices:
    """Devices that are not open yet."""

    camera: CameraSource
    size: Size
    """The size of its pictures once they are turned upright."""
    infrared: Feed | None
    light: Light | None
    """The light ring, None without one."""
    terminal: Terminal | None
    """The card terminal, None without one."""
    enclosure: Contact | None
    """The contact of the enclosure, None without one."""
    usb: Bus | None
    """Where devices are plugged in, None when nobody looks there."""
    gate: Gate | None
    """The gate, None without one."""
    sound: Sound | None
    """The loudspeaker, None without one."""


def attach(
    camera: str,
    infrared: str | None,
    light: str,
    terminal: str,
    *,
    enclosure: str | None = None,
    usb: str | None = None,
    gate: tuple[str, SealedPath] | None = None,
    sound: str = "none:",
) -> Devices:
    """Returns the devices at these addresses; that of the gate comes with the folder for what it
    keeps. Raises WrongDevices for all wrong ones at once."""
    faults: list[DeviceFault] = []

    def made(make: Callable[[], Device]) -> Device | None:
        try:
            return make()
        except DeviceFault as fault:
            faults.append(fault)
            return None

    ring = made(partial(light_at, light))
    seen = made(lambda: camera_at(camera, {"shopper": partial(_shopper, ring)}))
    size = SIZE if seen is None else Mounting.of(Address.parse(camera)).upright(SIZE)
    also_seen = made(lambda: _infrared(infrared, seen, size))
    cards = made(partial(terminal_at, terminal))
    contact = made(partial(contact_at, enclosure))
    bus = made(partial(bus_at, usb))
    lane = None if gate is None else made(partial(gate_at, *gate))
    loudspeaker = made(partial(sound_at, sound))
    if faults or seen is None:
        raise WrongDevices(faults)
    # A simulated ring lights a simulated hand only, so before a real camera it counts as none.
    if isinstance(ring, SimulatedLight) and Address.parse(camera).scheme != "sim":
        ring = None
    return Devices(seen, size, also_seen, ring, cards, contact, bus, lane, loudspeaker)


def _infrared(text: str | None, camera: CameraSource | None, size: Size) -> Feed | None:
    """Returns the second camera, None without one. A simulated one sees the hand of the shopper
    whom the first, simulated too, looks at. Both deliver pictures of one size, since a place in one
    is looked for in the other."""
    if text is None or (camera is None and Address.parse(text).scheme == "sim"):
        # What is wrong with the first camera is told already.
        return None
    scene = camera.scene if isinstance(camera, SimulatedCamera) else None

    def beside(address: Address) -> Scene:
        address.known()
        assert isinstance(scene, Shopper)
        return scene.in_infrared()

    scenes = {"": beside} if isinstance(scene, Shopper) else {}
    return Feed(camera_at(text, scenes), size)


def _shopper(light: Light | None, address: Address) -> Shopper:
    options = address.known("seed", "side")
    seed = int(address.number("seed", 7, least=0, most=2**31))
    lit = light.at if isinstance(light, SimulatedLight) else None
    try:
        return Shopper(seed, Side(options.get("side", "left")), lit)
    except ValueError:
        raise address.wrong("names no hand", "Write side=left or side=right.") from None
