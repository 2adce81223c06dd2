from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.unsent_receipts import UnsentReceipts
from ...types import UNSET, Response, Unset


def _get_kwargs(
    merchant_id: str,
    *,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_cursor: str | Unset | None
    if isinstance(cursor, Unset):
        json_cursor = UNSET
    else:
        json_cursor = cursor
    params["cursor"] = json_cursor

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/merchants/{merchant_id}/jobs/receipts".format(
            merchant_id=quote(str(merchant_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | UnsentReceipts:
    if response.status_code == 200:
        response_200 = UnsentReceipts.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | UnsentReceipts]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> Response[Problem | UnsentReceipts]:
    """List Receipts

     Lists the purchases of the last 30 days whose receipt could not be sent and is not tried any
    more, the newest first.

    Args:
        merchant_id (str): A merchant's id.
        cursor (None | str | Unset): `next` of the page before; none for the first.
        limit (int | Unset): How many entries at most. Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | UnsentReceipts]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        cursor=cursor,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> Problem | UnsentReceipts | None:
    """List Receipts

     Lists the purchases of the last 30 days whose receipt could not be sent and is not tried any
    more, the newest first.

    Args:
        merchant_id (str): A merchant's id.
        cursor (None | str | Unset): `next` of the page before; none for the first.
        limit (int | Unset): How many entries at most. Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | UnsentReceipts
    """

    return sync_detailed(
        merchant_id=merchant_id,
        client=client,
        cursor=cursor,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> Response[Problem | UnsentReceipts]:
    """List Receipts

     Lists the purchases of the last 30 days whose receipt could not be sent and is not tried any
    more, the newest first.

    Args:
        merchant_id (str): A merchant's id.
        cursor (None | str | Unset): `next` of the page before; none for the first.
        limit (int | Unset): How many entries at most. Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | UnsentReceipts]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        cursor=cursor,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> Problem | UnsentReceipts | None:
    """List Receipts

     Lists the purchases of the last 30 days whose receipt could not be sent and is not tried any
    more, the newest first.

    Args:
        merchant_id (str): A merchant's id.
        cursor (None | str | Unset): `next` of the page before; none for the first.
        limit (int | Unset): How many entries at most. Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | UnsentReceipts
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            client=client,
            cursor=cursor,
            limit=limit,
        )
    ).parsed
