"""What is plugged in: the kernel's folder is one that the test makes like it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hardware.address import Address
from hardware.camera import Mounting, v4l2
from hardware.camera.v4l2 import V4l2Camera
from hardware.faults import BadAddress, TemporaryFault
from hardware.usb import Kind, SimulatedBus, UsbDevice, bus_at
from hardware.usb.sim import KEYBOARD, STICK

Plug = Callable[..., Path]
"""Makes the folder of a device at a place, with its ids and the classes of its interfaces."""


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    folder = tmp_path / "bus" / "usb" / "devices"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def plug(devices: Path, tmp_path: Path) -> Plug:
    def make(place: str, ids: str, *classes: str, serial: str | None = None) -> Path:
        device = tmp_path / "pci" / place
        device.mkdir(parents=True)
        vendor, _, product = ids.partition(":")
        (device / "idVendor").write_text(f"{vendor}\n")
        (device / "idProduct").write_text(f"{product}\n")
        if serial is not None:
            (device / "serial").write_text(f"{serial}\n")
        for number, each in enumerate(classes):
            interface = device / f"{place}:1.{number}"
            interface.mkdir()
            (interface / "bInterfaceClass").write_text(f"{each}\n")
            (devices / interface.name).symlink_to(interface)
        (devices / place).symlink_to(device)
        return device

    return make


def test_what_can_do_something_is_seen_with_its_ids_and_hubs_are_not(
    devices: Path, plug: Plug
) -> None:
    bus = bus_at(f"sysfs:{devices}")
    assert bus is not None
    assert bus.look() == []
    plug("usb1", "1d6b:0002", "09", serial="0000:00:14.0")
    plug("1-1", "05e3:0608", "09")
    plug("1-1.2", "046d:0825", "0e", "0e", "01", serial="7A3F")
    plug("1-1.3", "1209:0001", "08", "03")
    plug("1-4", "0951:1666")  # Its interfaces are not set up.
    (devices / "1-9").symlink_to("pulled a moment ago")
    camera, keyboard = bus.look()
    assert camera == UsbDevice("046d", "0825", "7A3F", ("01", "0e", "0e"))
    assert (camera.name, camera.kind) == ("046d:0825", Kind.CAMERA)
    assert keyboard == UsbDevice("1209", "0001", "", ("03", "08"))


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        (("08",), Kind.STORAGE),
        (("08", "08"), Kind.STORAGE),
        (("03", "08"), Kind.KEYBOARD),
        (("08", "ff"), Kind.OTHER),
        (("02", "0a"), Kind.NETWORK),
        (("08", "e0"), Kind.NETWORK),
        (("01", "0e"), Kind.CAMERA),
        (("09", "ff"), Kind.OTHER),
        ((), Kind.OTHER),
    ],
)
def test_a_device_is_of_the_worst_kind_that_it_can_be(classes: tuple[str, ...], kind: Kind) -> None:
    assert UsbDevice("1209", "0001", "", classes).kind is kind


def test_a_folder_that_is_not_there_is_told_to_the_operator(tmp_path: Path) -> None:
    bus = bus_at(f"sysfs:{tmp_path / 'nothing'}")
    assert bus is not None
    with pytest.raises(TemporaryFault, match="nothing"):
        bus.look()


@pytest.mark.parametrize("address", ["usb:", "sysfs:/sys?x=1", "sim:?x=1", "sysfs"])
def test_an_address_that_names_no_usb_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        bus_at(address)


def test_without_an_address_nobody_looks() -> None:
    assert bus_at(None) is None


def test_things_are_plugged_into_a_simulated_one() -> None:
    bus = bus_at("sim:")
    assert isinstance(bus, SimulatedBus)
    assert not bus.look()
    bus.plug_in(KEYBOARD)
    bus.plug_in(STICK)
    assert [device.kind for device in bus.look()] == [Kind.KEYBOARD, Kind.STORAGE]
    bus.unplug()
    assert not bus.look()


@pytest.fixture
def lasting_name() -> Iterator[str]:
    """A name in /dev that stays with a camera, as udev makes one; the camera's number is 70."""
    with TemporaryDirectory(dir="/dev/shm") as folder:
        name = Path(folder) / "usb-Maker_Camera_7A3F-video-index0"
        name.symlink_to("video70")
        yield str(name)


def test_a_camera_says_which_device_it_is(
    plug: Plug, tmp_path: Path, lasting_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = tmp_path / "video4linux"
    monkeypatch.setattr(v4l2, "NODES", nodes)
    camera = V4l2Camera(Address.parse(f"v4l2:{lasting_name}"), Mounting())
    assert camera.identity is None
    device = plug("1-2", "046d:0825", "0e", serial="7A3F")
    node = nodes / "video70"
    node.mkdir(parents=True)
    (node / "device").symlink_to(device / "1-2:1.0")
    assert camera.identity == "046d:0825 7A3F"
    by_number = V4l2Camera(Address.parse("v4l2:/dev/video70"), Mounting())
    assert by_number.identity is None, "after a restart it may be another one"
    (node / "device").unlink()
    (node / "name").write_text("Dummy video device\n")
    assert camera.identity == "Dummy video device"
