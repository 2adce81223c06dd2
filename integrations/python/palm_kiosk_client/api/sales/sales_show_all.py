from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.sale_state import SaleState
from ...models.sales import Sales
from ...types import UNSET, Response, Unset


def _get_kwargs(
    merchant_id: str,
    *,
    reference: None | str | Unset = UNSET,
    when: None | str | Unset = UNSET,
    site_id: None | str | Unset = UNSET,
    device_id: None | str | Unset = UNSET,
    state: None | SaleState | Unset = UNSET,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_reference: str | Unset | None
    if isinstance(reference, Unset):
        json_reference = UNSET
    else:
        json_reference = reference
    params["reference"] = json_reference

    json_when: str | Unset | None
    if isinstance(when, Unset):
        json_when = UNSET
    else:
        json_when = when
    params["when"] = json_when

    json_site_id: str | Unset | None
    if isinstance(site_id, Unset):
        json_site_id = UNSET
    else:
        json_site_id = site_id
    params["site_id"] = json_site_id

    json_device_id: str | Unset | None
    if isinstance(device_id, Unset):
        json_device_id = UNSET
    else:
        json_device_id = device_id
    params["device_id"] = json_device_id

    json_state: str | Unset | None
    if isinstance(state, Unset):
        json_state = UNSET
    elif isinstance(state, SaleState):
        json_state = state.value
    else:
        json_state = state
    params["state"] = json_state

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
        "url": "/v1/merchants/{merchant_id}/purchases".format(
            merchant_id=quote(str(merchant_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | Sales:
    if response.status_code == 200:
        response_200 = Sales.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | Sales]:
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
    reference: None | str | Unset = UNSET,
    when: None | str | Unset = UNSET,
    site_id: None | str | Unset = UNSET,
    device_id: None | str | Unset = UNSET,
    state: None | SaleState | Unset = UNSET,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> Response[Problem | Sales]:
    """Show All

     Lists purchases, the newest first.

    Args:
        merchant_id (str): A merchant's id.
        reference (None | str | Unset): The till's name.
        when (None | str | Unset): A day (`2026-11-29`) or month (`2026-11`).
        site_id (None | str | Unset): Only at this site.
        device_id (None | str | Unset): Only at this kiosk.
        state (None | SaleState | Unset): Only those that became this.
        cursor (None | str | Unset): `next` of the page before; none for the first.
        limit (int | Unset): How many entries at most. Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Sales]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        reference=reference,
        when=when,
        site_id=site_id,
        device_id=device_id,
        state=state,
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
    reference: None | str | Unset = UNSET,
    when: None | str | Unset = UNSET,
    site_id: None | str | Unset = UNSET,
    device_id: None | str | Unset = UNSET,
    state: None | SaleState | Unset = UNSET,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> Problem | Sales | None:
    """Show All

     Lists purchases, the newest first.

    Args:
        merchant_id (str): A merchant's id.
        reference (None | str | Unset): The till's name.
        when (None | str | Unset): A day (`2026-11-29`) or month (`2026-11`).
        site_id (None | str | Unset): Only at this site.
        device_id (None | str | Unset): Only at this kiosk.
        state (None | SaleState | Unset): Only those that became this.
        cursor (None | str | Unset): `next` of the page before; none for the first.
        limit (int | Unset): How many entries at most. Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Sales
    """

    return sync_detailed(
        merchant_id=merchant_id,
        client=client,
        reference=reference,
        when=when,
        site_id=site_id,
        device_id=device_id,
        state=state,
        cursor=cursor,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    reference: None | str | Unset = UNSET,
    when: None | str | Unset = UNSET,
    site_id: None | str | Unset = UNSET,
    device_id: None | str | Unset = UNSET,
    state: None | SaleState | Unset = UNSET,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> Response[Problem | Sales]:
    """Show All

     Lists purchases, the newest first.

    Args:
        merchant_id (str): A merchant's id.
        reference (None | str | Unset): The till's name.
        when (None | str | Unset): A day (`2026-11-29`) or month (`2026-11`).
        site_id (None | str | Unset): Only at this site.
        device_id (None | str | Unset): Only at this kiosk.
        state (None | SaleState | Unset): Only those that became this.
        cursor (None | str | Unset): `next` of the page before; none for the first.
        limit (int | Unset): How many entries at most. Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Sales]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        reference=reference,
        when=when,
        site_id=site_id,
        device_id=device_id,
        state=state,
        cursor=cursor,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    reference: None | str | Unset = UNSET,
    when: None | str | Unset = UNSET,
    site_id: None | str | Unset = UNSET,
    device_id: None | str | Unset = UNSET,
    state: None | SaleState | Unset = UNSET,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 50,
) -> Problem | Sales | None:
    """Show All

     Lists purchases, the newest first.

    Args:
        merchant_id (str): A merchant's id.
        reference (None | str | Unset): The till's name.
        when (None | str | Unset): A day (`2026-11-29`) or month (`2026-11`).
        site_id (None | str | Unset): Only at this site.
        device_id (None | str | Unset): Only at this kiosk.
        state (None | SaleState | Unset): Only those that became this.
        cursor (None | str | Unset): `next` of the page before; none for the first.
        limit (int | Unset): How many entries at most. Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Sales
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            client=client,
            reference=reference,
            when=when,
            site_id=site_id,
            device_id=device_id,
            state=state,
            cursor=cursor,
            limit=limit,
        )
    ).parsed
