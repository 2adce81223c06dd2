from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.kiosk_in_full import KioskInFull
from ...models.kiosk_place import KioskPlace
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    device_id: str,
    *,
    body: KioskPlace,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/v1/merchants/{merchant_id}/devices/{device_id}/site".format(
            merchant_id=quote(str(merchant_id), safe=""),
            device_id=quote(str(device_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> KioskInFull | Problem:
    if response.status_code == 200:
        response_200 = KioskInFull.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[KioskInFull | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merchant_id: str,
    device_id: str,
    *,
    client: AuthenticatedClient,
    body: KioskPlace,
) -> Response[KioskInFull | Problem]:
    """Move

     Moves a kiosk to another site of its merchant. It loses its door and its card reader, which
    stay at the old site.

    Args:
        merchant_id (str): A merchant's id.
        device_id (str):
        body (KioskPlace):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[KioskInFull | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        device_id=device_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    device_id: str,
    *,
    client: AuthenticatedClient,
    body: KioskPlace,
) -> KioskInFull | Problem | None:
    """Move

     Moves a kiosk to another site of its merchant. It loses its door and its card reader, which
    stay at the old site.

    Args:
        merchant_id (str): A merchant's id.
        device_id (str):
        body (KioskPlace):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        KioskInFull | Problem
    """

    return sync_detailed(
        merchant_id=merchant_id,
        device_id=device_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    device_id: str,
    *,
    client: AuthenticatedClient,
    body: KioskPlace,
) -> Response[KioskInFull | Problem]:
    """Move

     Moves a kiosk to another site of its merchant. It loses its door and its card reader, which
    stay at the old site.

    Args:
        merchant_id (str): A merchant's id.
        device_id (str):
        body (KioskPlace):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[KioskInFull | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        device_id=device_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    device_id: str,
    *,
    client: AuthenticatedClient,
    body: KioskPlace,
) -> KioskInFull | Problem | None:
    """Move

     Moves a kiosk to another site of its merchant. It loses its door and its card reader, which
    stay at the old site.

    Args:
        merchant_id (str): A merchant's id.
        device_id (str):
        body (KioskPlace):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        KioskInFull | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            device_id=device_id,
            client=client,
            body=body,
        )
    ).parsed
