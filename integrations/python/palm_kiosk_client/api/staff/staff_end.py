from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    staff_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/v1/merchants/{merchant_id}/staff/{staff_id}".format(
            merchant_id=quote(str(merchant_id), safe=""),
            staff_id=quote(str(staff_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Problem:
    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | Problem]:
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
) -> Response[Any | Problem]:
    """End

     Ends an account and all its sessions at once, and deletes the name.

    Args:
        merchant_id (str): A merchant's id.
        staff_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        staff_id=staff_id,
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
) -> Any | Problem | None:
    """End

     Ends an account and all its sessions at once, and deletes the name.

    Args:
        merchant_id (str): A merchant's id.
        staff_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem
    """

    return sync_detailed(
        merchant_id=merchant_id,
        staff_id=staff_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    staff_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Any | Problem]:
    """End

     Ends an account and all its sessions at once, and deletes the name.

    Args:
        merchant_id (str): A merchant's id.
        staff_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        staff_id=staff_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    staff_id: str,
    *,
    client: AuthenticatedClient,
) -> Any | Problem | None:
    """End

     Ends an account and all its sessions at once, and deletes the name.

    Args:
        merchant_id (str): A merchant's id.
        staff_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            staff_id=staff_id,
            client=client,
        )
    ).parsed
