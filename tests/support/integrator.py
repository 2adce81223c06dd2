"""An integrator: calls the API with a key of a merchant, or with one of the operator's."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from cloud.integrations.asking import Scope
from cloud.merchants.tables import FIRST
from cloud.web.merchant_keys import KeyUse, make_key
from protocol.fleet import PNG
from tests.support.served import Served


@dataclass
class Integrator:
    merchant: str
    """Empty with the operator's key, which is for every merchant and for what is of none."""
    key: str
    http: httpx.Client = field(repr=False)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        once: str | None = None,
        merchant: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Sends a request with JSON, or with the bytes of a PNG. `once` is the idempotency key of a
        POST, which has a new one otherwise, and `headers` take the place of the one with the key.
        """
        sent = {"x-api-key": self.key} if headers is None else dict(headers)
        if method == "POST":
            sent["idempotency-key"] = once or secrets.token_hex(8)
        named = merchant or self.merchant
        path = f"/v1{path}" if not named else f"/v1/merchants/{named}{path}"
        if isinstance(body, bytes):
            sent["content-type"] = PNG
            return self.http.request(method, path, content=body, headers=sent)
        return self.http.request(method, path, json=body, headers=sent)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, **how: Any) -> Any:
        answer = self.ask("POST", path, body, **how)
        assert answer.is_success, answer.text
        return answer.json()


def integrator(
    served: Served,
    merchant: str | None = FIRST,
    *scopes: Scope,
    life: timedelta | None = None,
    use: KeyUse = KeyUse.API,
) -> Integrator:
    """Returns an integrator with a new key of a merchant, for everything when no scope is named."""

    async def make() -> str:
        async with served.context.database.session() as session:
            context = served.context
            key = await make_key(
                session,
                context.master,
                use,
                merchant,
                context.clock(),
                life=life,
                scopes=scopes or tuple(Scope),
            )
            await session.commit()
            return key

    return Integrator(merchant or "", served.do(make()), served.device().http)
