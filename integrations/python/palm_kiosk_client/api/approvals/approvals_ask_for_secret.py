from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.approval import Approval
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    *,
    idempotency_key: str,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["idempotency-key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/secret-replacements",
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Approval | Problem:
    if response.status_code == 202:
        response_202 = Approval.from_dict(response.json())

        return response_202

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Approval | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Response[Approval | Problem]:
    """Ask For Secret

     Asks for the gallery's secret to be replaced. Once a person has approved it, the command
    `./run cloud rekey` replaces it on the service's machine. It needs a key of the operator's.

    Args:
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Approval | Problem]
    """

    kwargs = _get_kwargs(
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Approval | Problem | None:
    """Ask For Secret

     Asks for the gallery's secret to be replaced. Once a person has approved it, the command
    `./run cloud rekey` replaces it on the service's machine. It needs a key of the operator's.

    Args:
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Approval | Problem
    """

    return sync_detailed(
        client=client,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Response[Approval | Problem]:
    """Ask For Secret

     Asks for the gallery's secret to be replaced. Once a person has approved it, the command
    `./run cloud rekey` replaces it on the service's machine. It needs a key of the operator's.

    Args:
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Approval | Problem]
    """

    kwargs = _get_kwargs(
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    idempotency_key: str,
) -> Approval | Problem | None:
    """Ask For Secret

     Asks for the gallery's secret to be replaced. Once a person has approved it, the command
    `./run cloud rekey` replaces it on the service's machine. It needs a key of the operator's.

    Args:
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Approval | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            idempotency_key=idempotency_key,
        )
    ).parsed
