from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.look import Look
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    site_id: str,
    *,
    body: Look,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/v1/merchants/{merchant_id}/sites/{site_id}/look".format(
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
) -> Look | Problem:
    if response.status_code == 200:
        response_200 = Look.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Look | Problem]:
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
    body: Look,
) -> Response[Look | Problem]:
    """Change

     Sets the look of the kiosks of a site, which change within a minute.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        body (Look): The settings of all kiosks of a site. For a field that is null, each kiosk
            uses its own
            setting. All fields are required, so that no setting is removed by mistake.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Look | Problem]
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
    body: Look,
) -> Look | Problem | None:
    """Change

     Sets the look of the kiosks of a site, which change within a minute.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        body (Look): The settings of all kiosks of a site. For a field that is null, each kiosk
            uses its own
            setting. All fields are required, so that no setting is removed by mistake.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Look | Problem
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
    body: Look,
) -> Response[Look | Problem]:
    """Change

     Sets the look of the kiosks of a site, which change within a minute.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        body (Look): The settings of all kiosks of a site. For a field that is null, each kiosk
            uses its own
            setting. All fields are required, so that no setting is removed by mistake.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Look | Problem]
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
    body: Look,
) -> Look | Problem | None:
    """Change

     Sets the look of the kiosks of a site, which change within a minute.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        body (Look): The settings of all kiosks of a site. For a field that is null, each kiosk
            uses its own
            setting. All fields are required, so that no setting is removed by mistake.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Look | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            site_id=site_id,
            client=client,
            body=body,
        )
    ).parsed
