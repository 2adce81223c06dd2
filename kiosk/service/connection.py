"""How the kiosk comes to a service: one that runs elsewhere, or its own
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
        """Has `service` connected for as long as it runs. Raises CannotStart."""
        ...


@dataclass(frozen=True)
class Elsewhere:
    """A service that runs on its own; staff activate the kiosk there with a code."""

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
