from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.taken_from import TakenFrom
from ...models.whose_access import WhoseAccess
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    site_id: str,
    *,
    body: WhoseAccess,
    idempotency_key: str,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["idempotency-key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/merchants/{merchant_id}/sites/{site_id}/access/take".format(
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
) -> Problem | TakenFrom:
    if response.status_code == 200:
        response_200 = TakenFrom.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | TakenFrom]:
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
    body: WhoseAccess,
    idempotency_key: str,
) -> Response[Problem | TakenFrom]:
    """Take Access

     Takes a person's access away, at all doors of the site at once. They get it back if the list
    that the site's own system sends next still names them.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (WhoseAccess): A person, by the id of the site's own system.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | TakenFrom]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        site_id=site_id,
        body=body,
        idempotency_key=idempotency_key,
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
    body: WhoseAccess,
    idempotency_key: str,
) -> Problem | TakenFrom | None:
    """Take Access

     Takes a person's access away, at all doors of the site at once. They get it back if the list
    that the site's own system sends next still names them.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (WhoseAccess): A person, by the id of the site's own system.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | TakenFrom
    """

    return sync_detailed(
        merchant_id=merchant_id,
        site_id=site_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    site_id: str,
    *,
    client: AuthenticatedClient,
    body: WhoseAccess,
    idempotency_key: str,
) -> Response[Problem | TakenFrom]:
    """Take Access

     Takes a person's access away, at all doors of the site at once. They get it back if the list
    that the site's own system sends next still names them.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (WhoseAccess): A person, by the id of the site's own system.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | TakenFrom]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        site_id=site_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    site_id: str,
    *,
    client: AuthenticatedClient,
    body: WhoseAccess,
    idempotency_key: str,
) -> Problem | TakenFrom | None:
    """Take Access

     Takes a person's access away, at all doors of the site at once. They get it back if the list
    that the site's own system sends next still names them.

    Args:
        merchant_id (str): A merchant's id.
        site_id (str):
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (WhoseAccess): A person, by the id of the site's own system.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | TakenFrom
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            site_id=site_id,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
