from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.payment_limits import PaymentLimits
from ...models.place_limits import PlaceLimits
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    site_id: str,
    *,
    body: PaymentLimits,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/v1/merchants/{merchant_id}/sites/{site_id}/limits".format(
            merchant_id=quote(str(merchant_id), safe=""),
            site_id=quote(str(site_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PlaceLimits | Problem:
    if response.status_code == 200:
        response_200 = PlaceLimits.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[PlaceLimits | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merchant_id: str,
    site_id: str,
    *,
    client: AuthenticatedClient,
    body: PaymentLimits,
) -> Response[PlaceLimits | Problem]:
    """Change Of Site

     Sets the limits of a site, which apply in addition to those of its merchant.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        body (PaymentLimits): Limits of payments, in the minor unit of the currency; null where
            there is no limit. All
            fields are required, so that no limit is removed by mistake.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PlaceLimits | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        site_id=site_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    site_id: str,
    *,
    client: AuthenticatedClient,
    body: PaymentLimits,
) -> PlaceLimits | Problem | None:
    """Change Of Site

     Sets the limits of a site, which apply in addition to those of its merchant.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        body (PaymentLimits): Limits of payments, in the minor unit of the currency; null where
            there is no limit. All
            fields are required, so that no limit is removed by mistake.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PlaceLimits | Problem
    """

    return sync_detailed(
        merchant_id=merchant_id,
        site_id=site_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    site_id: str,
    *,
    client: AuthenticatedClient,
    body: PaymentLimits,
) -> Response[PlaceLimits | Problem]:
    """Change Of Site

     Sets the limits of a site, which apply in addition to those of its merchant.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        body (PaymentLimits): Limits of payments, in the minor unit of the currency; null where
            there is no limit. All
            fields are required, so that no limit is removed by mistake.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PlaceLimits | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        site_id=site_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    site_id: str,
    *,
    client: AuthenticatedClient,
    body: PaymentLimits,
) -> PlaceLimits | Problem | None:
    """Change Of Site

     Sets the limits of a site, which apply in addition to those of its merchant.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        body (PaymentLimits): Limits of payments, in the minor unit of the currency; null where
            there is no limit. All
            fields are required, so that no limit is removed by mistake.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PlaceLimits | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            site_id=site_id,
            client=client,
            body=body,
        )
    ).parsed
