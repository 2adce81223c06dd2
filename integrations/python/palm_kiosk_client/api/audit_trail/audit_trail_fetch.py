from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    file_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/merchants/{merchant_id}/audit-files/{file_id}".format(
            merchant_id=quote(str(merchant_id), safe=""),
            file_id=quote(str(file_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | str:
    if response.status_code == 200:
        response_200 = response.text
        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merchant_id: str,
    file_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Problem | str]:
    """Fetch

     Returns a file that was prepared with the same key within the last ten minutes. Each line is
    a JSON object.

    Args:
        merchant_id (str): A merchant's id.
        file_id (str): The name of a file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | str]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        file_id=file_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    file_id: str,
    *,
    client: AuthenticatedClient,
) -> Problem | str | None:
    """Fetch

     Returns a file that was prepared with the same key within the last ten minutes. Each line is
    a JSON object.

    Args:
        merchant_id (str): A merchant's id.
        file_id (str): The name of a file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | str
    """

    return sync_detailed(
        merchant_id=merchant_id,
        file_id=file_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    file_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Problem | str]:
    """Fetch

     Returns a file that was prepared with the same key within the last ten minutes. Each line is
    a JSON object.

    Args:
        merchant_id (str): A merchant's id.
        file_id (str): The name of a file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | str]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        file_id=file_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    file_id: str,
    *,
    client: AuthenticatedClient,
) -> Problem | str | None:
    """Fetch

     Returns a file that was prepared with the same key within the last ten minutes. Each line is
    a JSON object.

    Args:
        merchant_id (str): A merchant's id.
        file_id (str): The name of a file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | str
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            file_id=file_id,
            client=client,
        )
    ).parsed
