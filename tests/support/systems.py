"""Systems that do with a key what staff do on the pages of the console."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from cloud.integrations.asking import Scope
from cloud.web.merchant_keys import KeyUse, make_key
from protocol.fleet import PNG
from protocol.messages import ProblemType
from tests.support.portal import Portal


@dataclass
class System:
    """A merchant's system with a key, or one of the operator's."""

    http: httpx.AsyncClient = field(repr=False)
    key: str = field(repr=False)
    merchant_id: str | None
    """On which merchant its requests are; None for what is of none."""

    @property
    def name(self) -> str:
        """What the audit trail calls the key."""
        return self.key.partition(".")[0]

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        merchant: str | None = None,
        content_type: str = PNG,
        once: str | None = None,
    ) -> httpx.Response:
        """Sends a request with JSON, or with bytes of a type. A path that begins with `/v1/` is
        whole; others are on `merchant`, or else on the system's own. `once` is the idempotency key,
        which a POST has a new one of otherwise."""
        sent = {"x-api-key": self.key}
        if method == "POST" or once is not None:
            sent["idempotency-key"] = once or secrets.token_hex(8)
        how: dict[str, Any] = {} if body is None else {"json": body}
        if isinstance(body, bytes):
            how = {"content": body}
            sent["content-type"] = content_type
        named = merchant or self.merchant_id
        if not path.startswith("/v1/"):
            path = f"/v1{path}" if named is None else f"/v1/merchants/{named}{path}"
        return await self.http.request(method, path, headers=sent, **how)

    async def get(self, path: str, **how: Any) -> Any:
        return await self._told("GET", path, **how)

    async def post(self, path: str, body: Any = None, **how: Any) -> Any:
        return await self._told("POST", path, body, **how)

    async def put(self, path: str, body: Any, **how: Any) -> Any:
        return await self._told("PUT", path, body, **how)

    async def refused(
        self, method: str, path: str, body: Any = None, **how: Any
    ) -> tuple[int, ProblemType]:
        """Returns with what a request is refused."""
        status, kind, _ = await self.problem(method, path, body, **how)
        return status, kind

    async def problem(
        self, method: str, path: str, body: Any = None, **how: Any
    ) -> tuple[int, ProblemType, str]:
        """Returns with what a request is refused, and in which words."""
        answer = await self.ask(method, path, body, **how)
        assert answer.status_code >= 400, answer.text
        told = answer.json()
        return answer.status_code, ProblemType(told["type"]), told["detail"]

    async def _told(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        answer = await self.ask(method, path, body, **how)
        assert answer.is_success, answer.text
        return answer.json()


async def system_of(
    portal: Portal, merchant_id: str | None = "first", *scopes: Scope, operators: bool = False
) -> System:
    """Returns a system with a new key, for everything when no scope is named: of this merchant, or
    else of the operator's. Its requests are on this merchant."""
    async with portal.database.session() as session:
        key = await make_key(
            session,
            portal.context.master,
            KeyUse.API,
            None if operators else merchant_id,
            portal.now,
            scopes=scopes or tuple(Scope),
        )
        await session.commit()
    return System(portal.browser().http, key, merchant_id)
