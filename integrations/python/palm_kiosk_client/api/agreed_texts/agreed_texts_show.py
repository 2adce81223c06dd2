from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.agreed_texts import AgreedTexts
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    site_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/merchants/{merchant_id}/sites/{site_id}/consents".format(
            merchant_id=quote(str(merchant_id), safe=""),
            site_id=quote(str(site_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AgreedTexts | Problem:
    if response.status_code == 200:
        response_200 = AgreedTexts.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[AgreedTexts | Problem]:
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
) -> Response[AgreedTexts | Problem]:
    """Show

     Returns the texts that people are asked to agree to at a site.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AgreedTexts | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        site_id=site_id,
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
) -> AgreedTexts | Problem | None:
    """Show

     Returns the texts that people are asked to agree to at a site.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AgreedTexts | Problem
    """

    return sync_detailed(
        merchant_id=merchant_id,
        site_id=site_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    site_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[AgreedTexts | Problem]:
    """Show

     Returns the texts that people are asked to agree to at a site.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AgreedTexts | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        site_id=site_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    site_id: str,
    *,
    client: AuthenticatedClient,
) -> AgreedTexts | Problem | None:
    """Show

     Returns the texts that people are asked to agree to at a site.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AgreedTexts | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            site_id=site_id,
            client=client,
        )
    ).parsed
