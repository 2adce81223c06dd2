from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.attack import Attack
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    attack_id: str,
    *,
    idempotency_key: str,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["idempotency-key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/merchants/{merchant_id}/attacks/{attack_id}/freeze".format(
            merchant_id=quote(str(merchant_id), safe=""),
            attack_id=quote(str(attack_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Attack | Problem:
    if response.status_code == 200:
        response_200 = Attack.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Attack | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merchant_id: str,
    attack_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Response[Attack | Problem]:
    """Freeze

     Freezes the palms of the account that an attack is about, at every merchant, and marks the
    attack as looked at. The account's owner can lift that in the portal. It needs a key of the
    operator's.

    Args:
        merchant_id (str): A merchant's id.
        attack_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Attack | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        attack_id=attack_id,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    attack_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Attack | Problem | None:
    """Freeze

     Freezes the palms of the account that an attack is about, at every merchant, and marks the
    attack as looked at. The account's owner can lift that in the portal. It needs a key of the
    operator's.

    Args:
        merchant_id (str): A merchant's id.
        attack_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Attack | Problem
    """

    return sync_detailed(
        merchant_id=merchant_id,
        attack_id=attack_id,
        client=client,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    attack_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Response[Attack | Problem]:
    """Freeze

     Freezes the palms of the account that an attack is about, at every merchant, and marks the
    attack as looked at. The account's owner can lift that in the portal. It needs a key of the
    operator's.

    Args:
        merchant_id (str): A merchant's id.
        attack_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Attack | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        attack_id=attack_id,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    attack_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Attack | Problem | None:
    """Freeze

     Freezes the palms of the account that an attack is about, at every merchant, and marks the
    attack as looked at. The account's owner can lift that in the portal. It needs a key of the
    operator's.

    Args:
        merchant_id (str): A merchant's id.
        attack_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Attack | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            attack_id=attack_id,
            client=client,
            idempotency_key=idempotency_key,
        )
    ).parsed
