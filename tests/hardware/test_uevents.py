"""What was plugged in for a moment: the kernel's words are those of a real device, and come through
a socket that the test holds the other end of; that of the kernel is opened as well."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.usb import UsbDevice, sysfs, uevents
from hardware.usb.sysfs import SysfsBus

DEVICE = "devices/pci0000:00/0000:00:14.0/usb1/1-4"


def added(*interfaces: int, ids: str = "46d/825/12", action: str = "add") -> list[bytes]:
    """Returns what the kernel says of a device of Logitech's with these classes."""
    device = f"{action}@/{DEVICE}\0ACTION={action}\0DEVPATH=/{DEVICE}\0SUBSYSTEM=usb\0"
    said = [f"{device}MAJOR=189\0DEVNAME=bus/usb/001/005\0DEVTYPE=usb_device\0PRODUCT={ids}\0"]
    for number, kind in enumerate(interfaces):
        place = f"{DEVICE}/1-4:1.{number}"
        said.append(
            f"{action}@/{place}\0ACTION={action}\0DEVPATH=/{place}\0SUBSYSTEM=usb\0"
            f"DEVTYPE=usb_interface\0PRODUCT={ids}\0TYPE=239/2/1\0INTERFACE={kind}/1/1\0"
            "MODALIAS=usb:v046Dp0825d0012\0SEQNUM=4711\0"
        )
    return [each.encode() for each in said]


class Kernel:
    """Says something, and shows what is plugged in."""

    def __init__(self, folder: Path) -> None:
        self._says, self.heard = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sys = folder
        devices = folder / "bus" / "usb" / "devices"
        devices.mkdir(parents=True)
        self.bus = SysfsBus(devices, lambda: self.heard)

    def says(self, *messages: bytes) -> None:
        for message in messages:
            self._says.send(message)

    def shows(self, vendor: str, product: str) -> None:
        (self._sys / DEVICE).mkdir(parents=True)
        (self._sys / DEVICE / "idVendor").write_text(f"{vendor}\n")
        (self._sys / DEVICE / "idProduct").write_text(f"{product}\n")

    def close(self) -> None:
        self._says.close()
        self.heard.close()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.close()


def test_what_was_there_between_two_looks_has_passed(kernel: Kernel) -> None:
    assert kernel.bus.passed() == []
    kernel.says(*added(14, 3), *added(14, 3, action="remove"))
    passed = UsbDevice("046d", "0825", "", ("03", "0e"))
    assert kernel.bus.passed() == [passed]
    assert kernel.bus.passed() == [passed], "for everybody who looks"
    kernel.bus.forget()
    assert kernel.bus.passed() == []


def test_it_is_told_for_some_seconds(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel.says(*added(3))
    assert len(kernel.bus.passed()) == 1
    monkeypatch.setattr(sysfs, "PASSED_S", 0)
    assert kernel.bus.passed() == []


def test_what_is_still_there_is_seen_there_and_has_not_passed(kernel: Kernel) -> None:
    kernel.says(*added(3))
    kernel.shows("046d", "0825")
    assert kernel.bus.passed() == []


def test_another_device_at_its_place_does_not_hide_it(kernel: Kernel) -> None:
    kernel.says(*added(3))
    kernel.shows("1209", "0001")
    assert [device.name for device in kernel.bus.passed()] == ["046d:0825"]


@pytest.mark.parametrize(
    "message",
    [
        *added(9),
        *added(3, action="bind"),
        *added(3, ids="46d/825"),
        b"add@/devices/1-4:1.0\0ACTION=add\0DEVTYPE=usb_interface\0PRODUCT=x\0",
        b"libudev\0\xfe\xed\xca\xfe",
        b"",
        b"\xff\0\xff=\xff\0=\0",
    ],
)
def test_hubs_and_what_else_is_said_are_no_device(kernel: Kernel, message: bytes) -> None:
    kernel.says(message)
    assert kernel.bus.passed() == []


def test_the_kernel_lets_anybody_listen() -> None:
    said = uevents.listen()
    if said is None:
        pytest.skip("the kernel says nothing here")
    with said:
        assert said.getsockname()[1] == uevents.KERNELS
        assert all(each.vendor for each in uevents.heard(said))


def test_where_it_says_nothing_the_log_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(uevents, "PROTOCOL", 255)
    assert SysfsBus(tmp_path).passed() == []
    assert "plugged in for a moment is not seen" in caplog.text
