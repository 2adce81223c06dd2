"""A system that does with a key what staff do on the pages of the console."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from cloud.integrations.asking import Scope
from cloud.web.merchant_keys import KeyUse, make_key
from tests.support.portal import Browser, Portal


@dataclass
class System:
    portal: Portal
    merchant_id: str | None
    """The merchant whose key it has; None for the operator's."""
    key: str = field(repr=False)
    browser: Browser = field(repr=False)

    @property
    def key_id(self) -> str:
        """What the audit trail calls it."""
        return self.key.partition(".")[0]

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        merchant: str = "first",
        content_type: str = "image/png",
        once: str | None = None,
    ) -> httpx.Response:
        """Sends JSON, or bytes of a type, to what lies under a merchant."""
        sent = {"x-api-key": self.key}
        if method == "POST" or once is not None:
            sent["idempotency-key"] = once or secrets.token_hex(8)
        how: dict[str, Any] = {} if body is None else {"json": body}
        if isinstance(body, bytes):
            how = {"content": body}
            sent["content-type"] = content_type
        path = f"/v1/merchants/{merchant}{path}"
        return await self.browser.http.request(method, path, headers=sent, **how)

    async def get(self, path: str, **how: Any) -> Any:
        answer = await self.ask("GET", path, **how)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def put(self, path: str, body: Any, **how: Any) -> Any:
        answer = await self.ask("PUT", path, body, **how)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(
        self, method: str, path: str, body: Any = None, **how: Any
    ) -> tuple[int, str, str]:
        """Returns the status, the type and the words of a problem."""
        answer = await self.ask(method, path, body, **how)
        assert answer.status_code >= 400, answer.text
        problem = answer.json()
        return answer.status_code, problem["type"], problem["detail"]


async def system_of(portal: Portal, merchant_id: str | None = "first", *scopes: Scope) -> System:
    """Returns a system with a new key, for everything when no scope is named."""
    context = portal.context
    async with portal.database.session() as session:
        key = await make_key(
            session,
            context.master,
            KeyUse.API,
            merchant_id,
            portal.now,
            scopes=scopes or tuple(Scope),
        )
        await session.commit()
    return System(portal, merchant_id, key, portal.browser())
