"""What belongs to a kiosk: what is plugged in when it is activated, as long as it has that key."""

from dataclasses import replace
from pathlib import Path

import pytest

from hardware.camera import SimulatedCamera
from hardware.usb import SimulatedBus, UsbDevice
from hardware.usb.sim import KEYBOARD, STICK
from kiosk.fittings import Fittings
from kiosk.service.identity import Identity
from tests.support.canned import DEVICE
from tests.support.sealed import sealed
from tests.support.stand import EmptyRoom

CAMERA = UsbDevice("046d", "0825", "7A3F", ("0e",))


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity.load_or_make(sealed(tmp_path / "identity.json"))


@pytest.fixture
def bus() -> SimulatedBus:
    bus = SimulatedBus()
    bus.plug_in(CAMERA)
    return bus


@pytest.fixture
def camera() -> SimulatedCamera:
    return SimulatedCamera(EmptyRoom())


def fittings(identity: Identity, bus: SimulatedBus | None, *cameras: SimulatedCamera) -> Fittings:
    return Fittings(identity.file.path.with_name("fittings.json"), identity, bus, cameras)


def test_before_the_activation_anything_may_be_plugged_in(
    identity: Identity, bus: SimulatedBus, camera: SimulatedCamera
) -> None:
    found = fittings(identity, bus, camera)
    assert found.belonging() is None
    bus.plug_in(KEYBOARD)
    camera.swap()
    assert (found.unknown(), found.swapped()) == ([], None)


def test_what_is_plugged_in_at_the_activation_belongs_here_also_after_a_restart(
    identity: Identity, bus: SimulatedBus
) -> None:
    identity.become(DEVICE)
    assert fittings(identity, bus).unknown() == []
    bus.plug_in(STICK)
    bus.plug_in(KEYBOARD)
    again = fittings(identity, bus)
    assert again.belonging() == [CAMERA]
    assert again.unknown() == [KEYBOARD, STICK], "the worst is told first"
    bus.unplug()
    bus.plug_in(CAMERA)
    assert again.unknown() == []


def test_what_was_there_for_a_moment_is_unknown_unless_it_may_be_what_belongs_here(
    identity: Identity, bus: SimulatedBus
) -> None:
    bus.plug_in_for_a_moment(KEYBOARD)
    identity.become(DEVICE)
    found = fittings(identity, bus)
    assert found.unknown() == [], "it was there while the kiosk was installed"
    bus.plug_in_for_a_moment(replace(CAMERA, serial="", classes=()))
    assert found.unknown() == [], "a loose plug"
    bus.plug_in_for_a_moment(replace(CAMERA, serial="", classes=("03", "0e")))
    assert found.unknown() == [replace(CAMERA, serial="", classes=("03", "0e"))]
    bus.plug_in_for_a_moment(KEYBOARD)
    assert found.unknown() == [KEYBOARD]


def test_what_the_disk_has_not_taken_is_kept_once_it_does(
    identity: Identity,
    bus: SimulatedBus,
    camera: SimulatedCamera,
    caplog: pytest.LogCaptureFixture,
) -> None:
    in_the_way = identity.file.path.with_name("fittings.json.partial")
    in_the_way.mkdir()
    identity.become(DEVICE)
    found = fittings(identity, bus, camera)
    assert (found.unknown(), found.swapped()) == ([], None)
    in_the_way.rmdir()
    assert (found.unknown(), found.swapped()) == ([], None)
    assert caplog.text.count("is not kept") == 1
    bus.plug_in(KEYBOARD)
    camera.swap()
    again = fittings(identity, bus, camera)
    assert again.unknown() == [KEYBOARD]
    assert again.swapped() == "another simulated camera"


@pytest.mark.parametrize(
    "other",
    [
        replace(CAMERA, serial="7A40"),
        replace(CAMERA, product="0826"),
        replace(CAMERA, classes=("03", "0e")),
    ],
    ids=["serial number", "product", "it types, too"],
)
def test_what_says_anything_else_of_itself_is_another_device(
    identity: Identity, bus: SimulatedBus, other: UsbDevice
) -> None:
    identity.become(DEVICE)
    found = fittings(identity, bus)
    assert found.unknown() == []
    bus.unplug()
    bus.plug_in(other)
    assert found.unknown() == [other]


def test_a_second_device_of_the_same_kind_is_unknown(identity: Identity, bus: SimulatedBus) -> None:
    identity.become(DEVICE)
    found = fittings(identity, bus)
    assert found.unknown() == []
    bus.plug_in(CAMERA)
    assert found.unknown() == [CAMERA]


def test_a_camera_is_told_from_another_one_in_its_place(
    identity: Identity, camera: SimulatedCamera
) -> None:
    identity.become(DEVICE)
    found = fittings(identity, None, camera)
    camera.unplug()
    assert found.swapped() is None, "it may be plugged in later"
    camera.plug_in()
    assert found.swapped() is None
    camera.unplug()
    camera.swap()
    assert found.swapped() is None, "a camera that is not there is another sign"
    camera.plug_in()
    assert fittings(identity, None, camera).swapped() == "another simulated camera"


def test_with_another_key_they_are_taken_down_anew(
    identity: Identity, bus: SimulatedBus, camera: SimulatedCamera
) -> None:
    identity.become(DEVICE)
    found = fittings(identity, bus, camera)
    assert (found.unknown(), found.swapped()) == ([], None)
    bus.plug_in(KEYBOARD)
    camera.swap()
    identity.file.path.unlink()
    other = Identity.load_or_make(sealed(identity.file.path))
    assert fittings(other, bus, camera).unknown() == []
    other.become(DEVICE)
    renewed = fittings(other, bus, camera)
    assert renewed.belonging() == [CAMERA, KEYBOARD]
    assert renewed.swapped() is None


def test_where_nobody_looks_anything_may_be_plugged_in(identity: Identity) -> None:
    identity.become(DEVICE)
    assert fittings(identity, None).belonging() is None
