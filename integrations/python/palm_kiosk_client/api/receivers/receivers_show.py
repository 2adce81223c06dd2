from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.receiver import Receiver
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    receiver_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/merchants/{merchant_id}/webhooks/{receiver_id}".format(
            merchant_id=quote(str(merchant_id), safe=""),
            receiver_id=quote(str(receiver_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | Receiver:
    if response.status_code == 200:
        response_200 = Receiver.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | Receiver]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merchant_id: str,
    receiver_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Problem | Receiver]:
    """Show

    Args:
        merchant_id (str): A merchant's id.
        receiver_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Receiver]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        receiver_id=receiver_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    receiver_id: str,
    *,
    client: AuthenticatedClient,
) -> Problem | Receiver | None:
    """Show

    Args:
        merchant_id (str): A merchant's id.
        receiver_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Receiver
    """

    return sync_detailed(
        merchant_id=merchant_id,
        receiver_id=receiver_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    receiver_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Problem | Receiver]:
    """Show

    Args:
        merchant_id (str): A merchant's id.
        receiver_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Receiver]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        receiver_id=receiver_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    receiver_id: str,
    *,
    client: AuthenticatedClient,
) -> Problem | Receiver | None:
    """Show

    Args:
        merchant_id (str): A merchant's id.
        receiver_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Receiver
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            receiver_id=receiver_id,
            client=client,
        )
    ).parsed
