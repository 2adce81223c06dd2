"""What is read of a request."""

import pytest
from starlette.requests import Request
from starlette.types import Message

from cloud.web.limits import read_body
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

pytestmark = pytest.mark.anyio


async def test_a_client_that_hangs_up_in_its_body_is_refused_and_is_no_error_of_the_service():
    events: list[Message] = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return events.pop(0)

    with pytest.raises(Refusal) as refused:
        await read_body(Request({"type": "http", "headers": []}, receive))
    assert refused.value.problem.type is ProblemType.MALFORMED
