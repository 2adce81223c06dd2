"""The merchant's sales at any till, as the service's API for integrators tells them.

The till is an integrator here: it asks with a key of the merchant, and with the client that
integrators install (`integrations/python`).
"""

import json
import ssl
from pathlib import Path
from typing import Self, TypeVar

import httpx
from palm_kiosk_client import AuthenticatedClient
from palm_kiosk_client.api.sales import sales_give_back, sales_show_all
from palm_kiosk_client.models import NewRefund, Problem, Refund, Sale, Sales

LISTED = 20
"""How many sales are listed, the newest first."""
WITHIN_S = 30.0
"""How long the service may take: it asks the payment provider before it answers a refund."""
_MERCHANTS = "/v1/merchants/"

Told = TypeVar("Told", Sales, Refund)


class Untold(Exception):
    """The service has not done what was asked, or it is not known whether it has. The text tells
    the cashier why."""


class Merchant:
    """One merchant of a service, on one event loop."""

    def __init__(self, url: str, ca: Path, merchant_id: str, key: str) -> None:
        """Raises OSError (ssl.SSLError is one) when the authority's certificate `ca` cannot be
        used."""
        self._id = merchant_id
        self._client = AuthenticatedClient(
            url,
            key,
            prefix="",
            auth_header_name="X-API-Key",
            timeout=httpx.Timeout(WITHIN_S),
            verify_ssl=ssl.create_default_context(cafile=ca),
            httpx_args={"trust_env": False},
        )

    @classmethod
    def read(cls, announcement: Path) -> Self:
        """Returns the merchant that a service's `service.json` names with a key, as a sandbox
        writes it. Raises OSError, and ValueError when it names none."""
        try:
            ready = json.loads(announcement.read_text("utf-8"))["ready"]
            url, _, merchant_id = ready["api_url"].partition(_MERCHANTS)
            return cls(url, Path(ready["ca"]), merchant_id, ready["api_key"])
        except (KeyError, TypeError):
            raise ValueError("it names no api_url, no api_key or no ca") from None

    async def close(self) -> None:
        await self._client.get_async_httpx_client().aclose()

    async def sold(self) -> list[Sale]:
        """Returns the newest sales at all tills. Raises Untold."""
        try:
            told = await sales_show_all.asyncio(self._id, client=self._client, limit=LISTED)
        except (httpx.HTTPError, ValueError, KeyError):
            raise Untold("The service does not tell what was sold.") from None
        return _unless_refused(told).purchases

    async def give_back(self, sale: Sale, name: str) -> Refund:
        """Gives all that is left of a sale back. `name` is the till's own for this refund, and the
        same name never gives back twice. Raises Untold."""
        try:
            told = await sales_give_back.asyncio(
                self._id,
                sale.purchase_id,
                client=self._client,
                body=NewRefund(reference=name),
                idempotency_key=name,
            )
        except (httpx.HTTPError, ValueError, KeyError):
            raise Untold("The service has not answered: look up what became of it.") from None
        return _unless_refused(told)


def _unless_refused(told: Told | Problem | None) -> Told:
    """Raises Untold for what the service has refused."""
    if told is None or isinstance(told, Problem):
        raise Untold("Not done." if told is None else f"{told.title}. {told.detail}".strip())
    return told
