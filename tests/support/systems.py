"""Systems with a key before the application that staff see in their browsers."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from cloud.integrations.asking import Scope
from cloud.web.merchant_keys import KeyUse, make_key
from tests.support.portal import Portal


@dataclass
class System:
    """Asks with a key of a merchant, or with one of the operator's."""

    key: str
    http: httpx.AsyncClient = field(repr=False)

    @property
    def name(self) -> str:
        """What the audit trail calls the key."""
        return self.key.partition(".")[0]

    async def ask(
        self, method: str, path: str, body: Any = None, *, once: str | None = None
    ) -> httpx.Response:
        """Sends a request. `once` is the idempotency key of a POST, which has a new one
        otherwise."""
        headers = {"x-api-key": self.key}
        if method == "POST":
            headers["idempotency-key"] = once or secrets.token_hex(8)
        return await self.http.request(method, f"/v1{path}", json=body, headers=headers)

    async def get(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None) -> Any:
        answer = await self.ask("POST", path, body)
        assert answer.is_success, answer.text
        return answer.json()


async def system_of(portal: Portal, merchant_id: str | None = "first", *scopes: Scope) -> System:
    """Returns a system with a new key, for everything when no scope is named."""
    async with portal.database.session() as session:
        key = await make_key(
            session,
            portal.context.master,
            KeyUse.API,
            merchant_id,
            portal.now,
            scopes=scopes or tuple(Scope),
        )
        await session.commit()
    return System(key, portal.browser().http)
