"""What is answered when the server stops."""

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from cloud.web.answers import Interrupted
from protocol.messages import ProblemType
from tests.support.device import refusal


def ask(begun: bool) -> httpx.Response:
    """Asks an application that is cancelled, before or after its answer has begun."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200})
        raise asyncio.CancelledError

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(Interrupted(application))
        async with httpx.AsyncClient(transport=transport, base_url="http://palms.test") as client:
            return await client.get("/")

    return asyncio.run(get())


def test_a_request_that_the_stopping_server_cancels_is_to_be_sent_again():
    told = ask(begun=False)
    assert refusal(told).type is ProblemType.BUSY
    assert told.headers["retry-after"] == "1"


def test_an_answer_that_has_begun_is_cut_off():
    with pytest.raises(asyncio.CancelledError):
        ask(begun=True)
