"""The protocols that drivers of gates implement: what stands between the kiosk and a turnstile.

A gate is either a controller, which decides by itself about the credential that it is presented
with, or a release, which the kiosk operates once the service has decided.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NoReturn, Protocol

from hardware.faults import DeviceFault
from hardware.gate.cues import Cue
from protocol.credential import Credential

Heard = Callable[[Cue], None]
"""Called on the kiosk's loop with what a controller has its reader show and sound."""


class Verdict(StrEnum):
    """What a controller answers to a credential."""

    GRANTED = "granted"
    DENIED = "denied"
    NONE = "none"
    """It has shown neither in time, or the line was lost after it had the credential."""


class Controller(Protocol):
    """An access controller, used from the kiosk's asyncio loop."""

    @property
    def name(self) -> str:
        """The name the operator knows it by."""
        ...

    @property
    def fault(self) -> DeviceFault | None:
        """What is wrong with the line now, None while credentials can be presented. It is known
        within a second, and goes by itself."""
        ...

    async def run(self, heard: Heard) -> NoReturn:
        """Keeps the line until that is cancelled: a controller watches its readers all the time."""
        ...

    async def present(self, credential: Credential) -> Verdict:
        """Presents a credential as a card reader does, and returns what the controller shows.

        Raises DeviceFault when the line is lost or not secure: nothing is presented then, also
        not later. Presentations follow each other.
        """
        ...

    def tell_tampering(self, tampered: bool) -> None:
        """Tells the controller whether the kiosk is tampered with, where its line carries that; at
        once, or as soon as the line is there."""
        ...


class Release(Protocol):
    """What opens the gate at the kiosk's word, used from the kiosk's asyncio loop."""

    @property
    def name(self) -> str:
        """The name the operator knows it by."""
        ...

    async def open(self) -> None:
        """Releases the gate for one passage. Raises DeviceFault."""
        ...
