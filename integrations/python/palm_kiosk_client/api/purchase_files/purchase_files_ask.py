from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.purchase_file import PurchaseFile
from ...models.wanted_file import WantedFile
from ...types import Response


def _get_kwargs(
    merchant_id: str,
    *,
    body: WantedFile,
    idempotency_key: str,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["idempotency-key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/merchants/{merchant_id}/purchase-files".format(
            merchant_id=quote(str(merchant_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | PurchaseFile:
    if response.status_code == 200:
        response_200 = PurchaseFile.from_dict(response.json())

        return response_200

    if response.status_code == 202:
        response_202 = PurchaseFile.from_dict(response.json())

        return response_202

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | PurchaseFile]:
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
    body: WantedFile,
    idempotency_key: str,
) -> Response[Problem | PurchaseFile]:
    """Ask

     Prepares a file of the purchases of one site or kiosk in a day or a month, or of one
    reference. A key may do so five times a day. For more purchases or files, a person has to
    approve the request.

    Args:
        merchant_id (str): A merchant's id.
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (WantedFile): The filter for the purchases of a file. A field that is null does not
            filter.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | PurchaseFile]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    body: WantedFile,
    idempotency_key: str,
) -> Problem | PurchaseFile | None:
    """Ask

     Prepares a file of the purchases of one site or kiosk in a day or a month, or of one
    reference. A key may do so five times a day. For more purchases or files, a person has to
    approve the request.

    Args:
        merchant_id (str): A merchant's id.
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (WantedFile): The filter for the purchases of a file. A field that is null does not
            filter.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | PurchaseFile
    """

    return sync_detailed(
        merchant_id=merchant_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    body: WantedFile,
    idempotency_key: str,
) -> Response[Problem | PurchaseFile]:
    """Ask

     Prepares a file of the purchases of one site or kiosk in a day or a month, or of one
    reference. A key may do so five times a day. For more purchases or files, a person has to
    approve the request.

    Args:
        merchant_id (str): A merchant's id.
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (WantedFile): The filter for the purchases of a file. A field that is null does not
            filter.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | PurchaseFile]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    body: WantedFile,
    idempotency_key: str,
) -> Problem | PurchaseFile | None:
    """Ask

     Prepares a file of the purchases of one site or kiosk in a day or a month, or of one
    reference. A key may do so five times a day. For more purchases or files, a person has to
    approve the request.

    Args:
        merchant_id (str): A merchant's id.
        idempotency_key (str): A name of your own for this request. Sent again within a day, it
            gets the first answer again.
        body (WantedFile): The filter for the purchases of a file. A field that is null does not
            filter.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | PurchaseFile
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
