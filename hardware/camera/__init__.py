"""Cameras on this machine or on the network, replayed and simulated."""

from collections.abc import Callable, Mapping

from hardware.address import Address
from hardware.camera.camera import Camera, CameraSource, Colour, Size
from hardware.camera.mounting import Mounting
from hardware.camera.replay import replay
from hardware.camera.sim import Scene, SimulatedCamera
from hardware.camera.stream import StreamCamera
from hardware.camera.v4l2 import V4l2Camera

__all__ = [
    "Camera",
    "CameraSource",
    "Colour",
    "Mounting",
    "Scene",
    "SimulatedCamera",
    "Size",
    "camera_at",
]


def camera_at(
    text: str, scenes: Mapping[str, Callable[[Address], Scene]] | None = None
) -> CameraSource:
    """Returns the camera that an address names; every address takes the options of `Mounting`.

    `scenes` makes what a simulated camera looks at, by the name after `sim:`, from the whole
    address and its options. Raises BadAddress, and PermanentFault when a replay does not exist.
    """
    whole = Address.parse(text)
    mounting, address = Mounting.of(whole), whole.without("rotate", "mirror")
    if address.scheme == "v4l2":
        return V4l2Camera(address, mounting)
    if address.scheme in StreamCamera.SCHEMES:
        return StreamCamera(address, mounting)
    if address.scheme == "replay":
        return replay(address, mounting)
    if address.scheme != "sim":
        raise address.wrong(
            f"names no camera driver: there is no '{address.scheme}'",
            "Use v4l2:, http:, https:, rtsp:, replay: or sim:.",
        )
    if scenes is None or address.rest not in scenes:
        raise address.wrong(
            f"names no scene: there is no '{address.rest}'",
            f"Use one of: {', '.join(scenes or ())}.",
        )
    scene = scenes[address.rest](address)
    return SimulatedCamera(scene, name=f"simulated {address.rest}", mounting=mounting)
