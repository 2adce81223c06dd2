"""The protocols that drivers of gates implement: what stands between the kiosk and a turnstile.

A gate is either a controller, which decides by itself about the credential that it is presented
with, or a release, which the kiosk operates once the service has decided.
"""

from enum import StrEnum
from typing import Protocol

from protocol.credential import Credential


class Verdict(StrEnum):
    """What a controller answers to a credential."""

    GRANTED = "granted"
    DENIED = "denied"
    NONE = "none"
    """It has shown neither in time."""


class Controller(Protocol):
    """An access controller, used from the kiosk's asyncio loop."""

    @property
    def name(self) -> str:
        """The name the operator knows it by."""
        ...

    async def present(self, credential: Credential) -> Verdict:
        """Presents a credential as a card reader does, and returns what the controller shows.

        Raises TemporaryFault when the line is lost or not secure: nothing is presented then, also
        not later.
        """
        ...


class Release(Protocol):
    """What opens the gate at the kiosk's word, used from the kiosk's asyncio loop."""

    @property
    def name(self) -> str:
        """The name the operator knows it by."""
        ...

    async def open(self) -> None:
        """Releases the gate for one passage. Raises TemporaryFault."""
        ...
