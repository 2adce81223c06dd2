from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.people import People
from ...models.problem import Problem
from ...types import UNSET, Response


def _get_kwargs(
    merchant_id: str,
    *,
    reference: str,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["reference"] = reference

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/merchants/{merchant_id}/people".format(
            merchant_id=quote(str(merchant_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> People | Problem:
    if response.status_code == 200:
        response_200 = People.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[People | Problem]:
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
    reference: str,
) -> Response[People | Problem]:
    """Find

     Tells whose palms are linked to a reference of yours.

    Args:
        merchant_id (str): A merchant's id.
        reference (str): What your member's card says.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[People | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        reference=reference,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    reference: str,
) -> People | Problem | None:
    """Find

     Tells whose palms are linked to a reference of yours.

    Args:
        merchant_id (str): A merchant's id.
        reference (str): What your member's card says.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        People | Problem
    """

    return sync_detailed(
        merchant_id=merchant_id,
        client=client,
        reference=reference,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    reference: str,
) -> Response[People | Problem]:
    """Find

     Tells whose palms are linked to a reference of yours.

    Args:
        merchant_id (str): A merchant's id.
        reference (str): What your member's card says.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[People | Problem]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        reference=reference,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    reference: str,
) -> People | Problem | None:
    """Find

     Tells whose palms are linked to a reference of yours.

    Args:
        merchant_id (str): A merchant's id.
        reference (str): What your member's card says.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        People | Problem
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            client=client,
            reference=reference,
        )
    ).parsed
