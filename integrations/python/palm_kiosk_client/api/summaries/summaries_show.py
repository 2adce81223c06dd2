from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.light import Light
from ...models.problem import Problem
from ...models.recognition_summary import RecognitionSummary
from ...types import UNSET, Response, Unset


def _get_kwargs(
    merchant_id: str,
    *,
    device_id: None | str | Unset = UNSET,
    light: Light | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_device_id: str | Unset | None
    if isinstance(device_id, Unset):
        json_device_id = UNSET
    else:
        json_device_id = device_id
    params["device_id"] = json_device_id

    json_light: str | Unset | None
    if isinstance(light, Unset):
        json_light = UNSET
    elif isinstance(light, Light):
        json_light = light.value
    else:
        json_light = light
    params["light"] = json_light

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/merchants/{merchant_id}/recognition/summary".format(
            merchant_id=quote(str(merchant_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | RecognitionSummary:
    if response.status_code == 200:
        response_200 = RecognitionSummary.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | RecognitionSummary]:
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
    device_id: None | str | Unset = UNSET,
    light: Light | None | Unset = UNSET,
) -> Response[Problem | RecognitionSummary]:
    """Show

     Counts the results of the palms of the last 30 days by day, light and kiosk, and tells what
    has changed for the worse at each kiosk within a week.

    Args:
        merchant_id (str): A merchant's id.
        device_id (None | str | Unset): Only this kiosk.
        light (Light | None | Unset): Only this light.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RecognitionSummary]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        device_id=device_id,
        light=light,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    device_id: None | str | Unset = UNSET,
    light: Light | None | Unset = UNSET,
) -> Problem | RecognitionSummary | None:
    """Show

     Counts the results of the palms of the last 30 days by day, light and kiosk, and tells what
    has changed for the worse at each kiosk within a week.

    Args:
        merchant_id (str): A merchant's id.
        device_id (None | str | Unset): Only this kiosk.
        light (Light | None | Unset): Only this light.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RecognitionSummary
    """

    return sync_detailed(
        merchant_id=merchant_id,
        client=client,
        device_id=device_id,
        light=light,
    ).parsed


async def asyncio_detailed(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    device_id: None | str | Unset = UNSET,
    light: Light | None | Unset = UNSET,
) -> Response[Problem | RecognitionSummary]:
    """Show

     Counts the results of the palms of the last 30 days by day, light and kiosk, and tells what
    has changed for the worse at each kiosk within a week.

    Args:
        merchant_id (str): A merchant's id.
        device_id (None | str | Unset): Only this kiosk.
        light (Light | None | Unset): Only this light.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RecognitionSummary]
    """

    kwargs = _get_kwargs(
        merchant_id=merchant_id,
        device_id=device_id,
        light=light,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merchant_id: str,
    *,
    client: AuthenticatedClient,
    device_id: None | str | Unset = UNSET,
    light: Light | None | Unset = UNSET,
) -> Problem | RecognitionSummary | None:
    """Show

     Counts the results of the palms of the last 30 days by day, light and kiosk, and tells what
    has changed for the worse at each kiosk within a week.

    Args:
        merchant_id (str): A merchant's id.
        device_id (None | str | Unset): Only this kiosk.
        light (Light | None | Unset): Only this light.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RecognitionSummary
    """

    return (
        await asyncio_detailed(
            merchant_id=merchant_id,
            client=client,
            device_id=device_id,
            light=light,
        )
    ).parsed
