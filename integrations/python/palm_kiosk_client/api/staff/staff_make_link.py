from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.passkey_link import PasskeyLink
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    staff_id: str,
    *,
    idempotency_key: str,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["idempotency-key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/merchants/{merchant_id}/staff/{staff_id}/links".format(
            merchant_id=quote(str(merchant_id), safe=""),
            staff_id=quote(str(staff_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PasskeyLink | Problem:
    if response.status_code == 200:
        response_200 = PasskeyLink.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[PasskeyLink | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merchant_id: str,
    staff_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Response[PasskeyLink | Problem]:
    """Make Link

     Makes a new link for an account. An earlier link is not valid any more; passkeys stay.

    Args:
        merchant_id (str): A merchant's id.
        staff_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PasskeyLink | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        staff_id=staff_id,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    staff_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> PasskeyLink | Problem | None:
    """Make Link

     Makes a new link for an account. An earlier link is not valid any more; passkeys stay.

    Args:
        merchant_id (str): A merchant's id.
        staff_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PasskeyLink | Problem
    """

    return sync_detailed(
        merchant_id=merchant_id,
        staff_id=staff_id,
        client=client,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    staff_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Response[PasskeyLink | Problem]:
    """Make Link

     Makes a new link for an account. An earlier link is not valid any more; passkeys stay.

    Args:
        merchant_id (str): A merchant's id.
        staff_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PasskeyLink | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        staff_id=staff_id,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    staff_id: str,
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> PasskeyLink | Problem | None:
    """Make Link

     Makes a new link for an account. An earlier link is not valid any more; passkeys stay.

    Args:
        merchant_id (str): A merchant's id.
        staff_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PasskeyLink | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            staff_id=staff_id,
            client=client,
            idempotency_key=idempotency_key,
        )
    ).parsed
