"""What the kernel says of devices that are plugged in, in the moment in which it happens. A socket
keeps it for whoever looks later (netlink(7), NETLINK_KOBJECT_UEVENT)."""

import errno
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass

log = logging.getLogger(__name__)

PROTOCOL, KERNELS = 15, 1
"""NETLINK_KOBJECT_UEVENT, and the group of what the kernel itself says."""
LONGEST = 16384
"""Bytes; the kernel's own limit is 2048 for the variables (UEVENT_BUFFER_SIZE)."""


@dataclass(frozen=True, slots=True)
class Plugged:
    """An interface of a device that was set up."""

    place: str
    """The folder of the device below /sys."""
    vendor: str
    product: str
    interface: str
    """The class of the interface, two hexadecimal digits."""


def listen() -> socket.socket | None:
    """Returns where the kernel's words arrive; None where it says nothing to this process, which
    the log is told."""
    try:
        said = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, PROTOCOL)
        said.bind((0, KERNELS))
    except OSError as error:
        log.warning("what is plugged in for a moment is not seen: %s", error.strerror)
        return None
    return said


def heard(said: socket.socket) -> Iterator[Plugged]:
    """Yields what was said since the last time, and waits for nothing. More than fits into the
    socket is lost, which the log is told."""
    while True:
        try:
            message, sender = said.recvfrom(LONGEST, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError as error:
            log.warning("some of what was plugged in was not heard: %s", error.strerror)
            if error.errno == errno.ENOBUFS:
                continue
            return
        # Another process may speak to the group, if it is the superuser's; the kernel has no id.
        if sender and sender[0] != 0:
            continue
        plugged = _interface(message)
        if plugged is not None:
            yield plugged


def _interface(message: bytes) -> Plugged | None:
    """Returns the interface that a message says was added, None for every other message
    (`usb_if_uevent` of the kernel's drivers/usb/core/message.c)."""
    words = message.decode("utf-8", "replace").split("\0")[1:]
    told = dict(word.split("=", 1) for word in words if "=" in word)
    if told.get("ACTION") != "add" or told.get("DEVTYPE") != "usb_interface":
        return None
    try:
        vendor, product, _ = (int(each, 16) for each in told["PRODUCT"].split("/"))
        kind = int(told["INTERFACE"].split("/")[0])
        place = told["DEVPATH"].strip("/").rpartition("/")[0]
    except (KeyError, ValueError):
        return None
    return Plugged(place, f"{vendor:04x}", f"{product:04x}", f"{kind:02x}")
