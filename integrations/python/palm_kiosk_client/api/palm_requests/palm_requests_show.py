from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.palm_request import PalmRequest
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    merchant_id: str,
    request_id: str,
    *,
    wait: int | Unset = 0,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["wait"] = wait

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/merchants/{merchant_id}/palm-requests/{request_id}".format(
            merchant_id=quote(str(merchant_id), safe=""),
            request_id=quote(str(request_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PalmRequest | Problem:
    if response.status_code == 200:
        response_200 = PalmRequest.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[PalmRequest | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merchant_id: str,
    request_id: str,
    *,
    client: AuthenticatedClient,
    wait: int | Unset = 0,
) -> Response[PalmRequest | Problem]:
    """Show

     Tells how far a request is: with `wait`, as soon as it has ended.

    Args:
        merchant_id (str): A merchant's id.
        request_id (str):
        wait (int | Unset): How many seconds to wait for its end. Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PalmRequest | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        request_id=request_id,
        wait=wait,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    request_id: str,
    *,
    client: AuthenticatedClient,
    wait: int | Unset = 0,
) -> PalmRequest | Problem | None:
    """Show

     Tells how far a request is: with `wait`, as soon as it has ended.

    Args:
        merchant_id (str): A merchant's id.
        request_id (str):
        wait (int | Unset): How many seconds to wait for its end. Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PalmRequest | Problem
    """

    return sync_detailed(
        merchant_id=merchant_id,
        request_id=request_id,
        client=client,
        wait=wait,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    request_id: str,
    *,
    client: AuthenticatedClient,
    wait: int | Unset = 0,
) -> Response[PalmRequest | Problem]:
    """Show

     Tells how far a request is: with `wait`, as soon as it has ended.

    Args:
        merchant_id (str): A merchant's id.
        request_id (str):
        wait (int | Unset): How many seconds to wait for its end. Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PalmRequest | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        request_id=request_id,
        wait=wait,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    request_id: str,
    *,
    client: AuthenticatedClient,
    wait: int | Unset = 0,
) -> PalmRequest | Problem | None:
    """Show

     Tells how far a request is: with `wait`, as soon as it has ended.

    Args:
        merchant_id (str): A merchant's id.
        request_id (str):
        wait (int | Unset): How many seconds to wait for its end. Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PalmRequest | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            request_id=request_id,
            client=client,
            wait=wait,
        )
    ).parsed
