"""Reads what the simulated payment provider has stored, and tells the service what a bank does
later."""

from typing import Any, Protocol

import httpx

from cloud.payments.refunds import note_failed
from cloud.payments.tables import RefundRow
from protocol.messages import Refund
from tests.support.served import Served
from tests.support.stripe_api import REFUND, refund, stripe_in_place_of_the_sandbox


class Provided(Protocol):
    """What has a simulated payment provider."""

    provider_url: str


def listed(served: Provided, kind: str, **filters: str) -> list[dict[str, Any]]:
    answer = httpx.get(
        f"{served.provider_url}/v1/{kind}",
        params={"limit": "10000", **filters},
        auth=("sk_test_sandbox", ""),
        trust_env=False,
        verify=False,
    )
    return answer.json()["data"]


def charged(served: Provided) -> int:
    """Returns how many payments were charged."""
    intents = listed(served, "payment_intents")
    return sum(intent["status"] == "succeeded" for intent in intents)


def bank_sends_back(served: Served, given: Refund) -> None:
    """Has a refund that was made fail, as one to a card that was given up since."""

    async def fail() -> None:
        async with served.database.session() as session:
            name = (await session.get_one(RefundRow, given.refund_id)).provider_reference
            failed = refund("failed", name, failure_reason="expired_or_canceled_card")
            api.will(f"GET /refunds/{REFUND}", failed)
            await note_failed(served.context, session, REFUND)
            await session.commit()

    with stripe_in_place_of_the_sandbox(served) as api:
        served.do(fail())
