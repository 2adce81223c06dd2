from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.access_token import AccessToken
from ...models.problem import Problem
from ...models.token_refused import TokenRefused
from ...models.tokens_issue_body import TokensIssueBody
from ...types import Response


def _get_kwargs(
    *,
    body: TokensIssueBody,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/oauth/token",
    }

    _kwargs["data"] = body.to_dict()
    headers["Content-Type"] = "application/x-www-form-urlencoded"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AccessToken | Problem | TokenRefused:
    if response.status_code == 200:
        response_200 = AccessToken.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = TokenRefused.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = TokenRefused.from_dict(response.json())

        return response_401

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[AccessToken | Problem | TokenRefused]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: TokensIssueBody,
) -> Response[AccessToken | Problem | TokenRefused]:
    """Issue

     Issues an access token for a key. Its two parts are the client's id and secret, sent with
    HTTP Basic or in the form.

    Args:
        body (TokensIssueBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AccessToken | Problem | TokenRefused]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: TokensIssueBody,
) -> AccessToken | Problem | TokenRefused | None:
    """Issue

     Issues an access token for a key. Its two parts are the client's id and secret, sent with
    HTTP Basic or in the form.

    Args:
        body (TokensIssueBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AccessToken | Problem | TokenRefused
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: TokensIssueBody,
) -> Response[AccessToken | Problem | TokenRefused]:
    """Issue

     Issues an access token for a key. Its two parts are the client's id and secret, sent with
    HTTP Basic or in the form.

    Args:
        body (TokensIssueBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AccessToken | Problem | TokenRefused]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: TokensIssueBody,
) -> AccessToken | Problem | TokenRefused | None:
    """Issue

     Issues an access token for a key. Its two parts are the client's id and secret, sent with
    HTTP Basic or in the form.

    Args:
        body (TokensIssueBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AccessToken | Problem | TokenRefused
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
