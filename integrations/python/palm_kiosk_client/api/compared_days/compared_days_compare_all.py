from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.compared_day import ComparedDay
from ...models.day_to_compare import DayToCompare
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    *,
    body: DayToCompare,
    idempotency_key: str,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["idempotency-key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/reconciliation",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ComparedDay | Problem:
    if response.status_code == 200:
        response_200 = ComparedDay.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ComparedDay | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: DayToCompare,
    idempotency_key: str,
) -> Response[ComparedDay | Problem]:
    """Compare All

     Compares a day with the payment provider now, and returns the numbers of all merchants. It
    needs a key of the operator's.

    Args:
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (DayToCompare):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ComparedDay | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: DayToCompare,
    idempotency_key: str,
) -> ComparedDay | Problem | None:
    """Compare All

     Compares a day with the payment provider now, and returns the numbers of all merchants. It
    needs a key of the operator's.

    Args:
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (DayToCompare):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ComparedDay | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: DayToCompare,
    idempotency_key: str,
) -> Response[ComparedDay | Problem]:
    """Compare All

     Compares a day with the payment provider now, and returns the numbers of all merchants. It
    needs a key of the operator's.

    Args:
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (DayToCompare):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ComparedDay | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: DayToCompare,
    idempotency_key: str,
) -> ComparedDay | Problem | None:
    """Compare All

     Compares a day with the payment provider now, and returns the numbers of all merchants. It
    needs a key of the operator's.

    Args:
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (DayToCompare):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ComparedDay | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
