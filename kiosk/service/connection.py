"""How the kiosk gets connected: to a service that runs elsewhere, or to its own
(`kiosk.service.embedded`)."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from kiosk.faults import CannotStart
from kiosk.service.client import SignatureService
from protocol.storage import cause_and_remedy


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
        except ssl.SSLError:
            raise CannotStart(
                f"The certificate authority in {self.ca} cannot be used: it is not a certificate "
                "in PEM.",
                "Copy the service's ca.pem there, or leave service.ca out to trust the system's.",
            ) from None
        except OSError as error:
            cause, remedy = cause_and_remedy(error)
            raise CannotStart(
                f"The certificate authority cannot be used. {cause}",
                f"{remedy} Or leave service.ca out to trust the system's.",
            ) from None
        while True:
            await asyncio.Event().wait()
