"""How the kiosk gets connected: to a service that runs elsewhere, or to its own
(`kiosk.service.embedded`)."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from kiosk.faults import CannotStart
from kiosk.service.client import SignatureService


class Connection(Protocol):
    async def keep(self, service: SignatureService) -> NoReturn:
        """Keeps `service` connected until it is cancelled. Raises CannotStart."""
        ...


@dataclass(frozen=True)
class Elsewhere:
    """A service that runs elsewhere. Staff activate the kiosk there with a code."""

    url: str
    ca: Path | None

    async def keep(self, service: SignatureService) -> NoReturn:
        try:
            await service.connect(self.url, self.ca)
        except (OSError, ssl.SSLError):
            raise CannotStart(
                f"The certificate authority in {self.ca} cannot be used.",
                "Set service.ca to a PEM file, or leave it out to trust the system's.",
            ) from None
        while True:
            await asyncio.Event().wait()
