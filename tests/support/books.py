"""Reads what the simulated payment provider has stored."""

from typing import Any, Protocol

import httpx


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
