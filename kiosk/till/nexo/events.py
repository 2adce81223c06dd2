"""Events that the kiosk tells a till without being asked: staff are called, maintenance begins.

A till that wants to hear them has an address: the setting's, or the one that it names in the header
of an unencrypted message.
"""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx

from kiosk.till.nexo.envelope import SharedKey, enclose
from kiosk.till.nexo.messages import VERSION, Json, timestamp

log = logging.getLogger(__name__)

CALLBACK = "X-Callback-Url"
"""The header with which a till names its address."""
WITHIN_S = 3.0
"""How long a till may take to answer an event, in seconds."""


class Event(StrEnum):
    """EventToNotify of the nexo Retailer protocol 3.0."""

    SALE_ADMIN = "SaleAdmin"
    """The kiosk needs somebody: the details say for what."""
    BEGIN_MAINTENANCE = "BeginMaintenance"
    END_MAINTENANCE = "EndMaintenance"
    SECURITY_ALARM = "SecurityAlarm"
    """Somebody may tamper with the kiosk: the details say where."""


@dataclass(frozen=True)
class TillAddress:
    """Where a till hears events."""

    url: str
    authority: Path | None = None
    """PEM file of the only authority to trust; None for those of the system."""
    sale_id: str = "till"


class Events:
    def __init__(
        self, listener: TillAddress | None, key: Callable[[], SharedKey | None], poi_id: str
    ) -> None:
        """`key` returns the key that events are sealed with, None when they go unencrypted."""
        self._configured = listener
        self._named: TillAddress | None = None
        self._key = key
        self._poi_id = poi_id

    def call_back(self, url: str, sender: str, sale_id: str) -> None:
        """Takes the address that a till names for itself. One on another machine than the sender's
        is not taken, so that nobody can have the kiosk knock anywhere."""
        try:
            parts = urlsplit(url)
            is_its_own = parts.scheme in {"http", "https"} and parts.hostname == sender
        except ValueError:
            is_its_own = False
        if not is_its_own:
            log.warning("a till names an address for events that is not its own: not taken")
            return
        self._named = TillAddress(url, None, sale_id)

    @property
    def wanted(self) -> bool:
        """Whether a till wants to hear them."""
        return (self._named or self._configured) is not None

    async def tell(self, event: Event, at: datetime, **details: str) -> bool:
        """Tells the till of an event. Returns whether a till has heard it."""
        listener = self._named or self._configured
        if listener is None:
            return False
        message = self._message(event, at, listener.sale_id, details)
        # A till that has named its address in a message outside the envelope has no key.
        key = None if self._named else self._key()
        try:
            trusted = ssl.create_default_context(cafile=listener.authority)
            sent = message if key is None else enclose(message, key)
            async with (
                asyncio.timeout(WITHIN_S),
                httpx.AsyncClient(verify=trusted, timeout=WITHIN_S, trust_env=False) as client,
                # Its status is all that counts: whatever else it sends is not read.
                client.stream("POST", listener.url, json=sent) as answer,
            ):
                pass
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            why = str(error) or type(error).__name__
            log.warning("the till does not hear of an event: %s", why)
            return False
        if not answer.is_success:
            log.warning("the till does not take an event: it answers %d", answer.status_code)
        return answer.is_success

    def _message(self, event: Event, at: datetime, sale_id: str, details: dict[str, str]) -> Json:
        told: Json = {"TimeStamp": timestamp(at), "EventToNotify": event}
        if details:
            told["EventDetails"] = urlencode(details)
        return {
            "SaleToPOIRequest": {
                "MessageHeader": {
                    "ProtocolVersion": VERSION,
                    "MessageClass": "Event",
                    "MessageCategory": "Event",
                    "MessageType": "Notification",
                    "DeviceID": secrets.token_hex(5),
                    "SaleID": sale_id,
                    "POIID": self._poi_id,
                },
                "EventNotification": told,
            }
        }
