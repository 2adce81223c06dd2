"""What a visit works with, and how it ends when it cannot continue."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hardware.terminal import Terminal
from kiosk.clock import Clock
from kiosk.screens import PalmScreen, TroubleKind
from kiosk.service.client import SignatureService
from kiosk.staff import StaffPin
from kiosk.stage import Stage
from kiosk.till.journal import PurchaseJournal
from kiosk.till.till import Till
from protocol.capture import Burst
from protocol.messages import Device, Money

Answer = TypeVar("Answer")


class Reader(Protocol):
    async def present(self, stage: Stage, screen: PalmScreen[Answer]) -> Burst | Answer:
        """Shows the live view with guidance until a palm is captured or something is pressed.

        The burst is the caller's to wipe. Raises DeviceFault when the camera goes away.
        """
        ...


class Codes(Protocol):
    @property
    def last(self) -> str | None:
        """What was read last: it may still be held there."""
        ...

    async def read(self, but: str | None = None) -> str:
        """Waits until a bar or QR code is held before the camera that says something else than
        `but`, and returns what it says. Raises DeviceFault when the camera goes away."""
        ...


async def not_at_all(error: Exception) -> bool:
    raise error


def always() -> bool:
    return True


def never(amount: Money) -> bool:
    del amount
    return False


@dataclass(frozen=True)
class Visit:
    """Everything that a visit needs."""

    stage: Stage
    reader: Reader
    codes: Codes
    terminal: Terminal | None
    service: SignatureService
    till: Till
    journal: PurchaseJournal
    pin: StaffPin
    clock: Clock
    device: Device
    recovers: Callable[[Exception], Awaitable[bool]] = not_at_all
    """Tells the shopper that a step has failed. Returns whether they want to try it again, False
    when they stop here."""
    reads_palms: Callable[[], bool] = always
    """Returns whether a palm can be read at present: no camera is lost, and there is the light that
    the service demands."""
    pays_by_itself: Callable[[Money], bool] = never
    """Returns whether the merchant lets a recognised palm pay so much without a touch."""


class Troubled(Exception):
    """The visit has failed, and the shopper is shown the screen for `kind`."""

    def __init__(self, kind: TroubleKind) -> None:
        super().__init__(kind.value)
        self.kind = kind
