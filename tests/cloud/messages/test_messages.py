"""Text messages, sent through Twilio or kept by a simulated phone."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from cloud.messages import NoMessenger, NotSent
from cloud.messages.sandbox import SandboxMessenger
from cloud.messages.twilio import TwilioMessenger
from cloud.settings import Messages
from tests.support.http_server import HttpServer, Silent


def test_the_simulated_phone_returns_the_messages_after_a_number():
    messenger = SandboxMessenger()
    for text in ("123456 is your code", "no code here"):
        asyncio.run(messenger.send("+14155550123", text))
    first, second = messenger.after(0)
    assert (first.number, first.code, second.code) == (1, "123456", None)
    assert messenger.after(1) == [second]


def test_without_a_provider_no_message_is_sent():
    with pytest.raises(NotSent, match=r"settings\.toml"):
        asyncio.run(NoMessenger().send("+14155550123", "text"))


Asked = list[tuple[str, str, dict[str, list[str]]]]


@contextmanager
def twilio(status: int) -> Iterator[tuple[TwilioMessenger, Asked]]:
    """Runs an API that answers with `status`.

    Yields a messenger for it, and the path, authorization and form of each request.
    """
    asked: Asked = []

    class Api(Silent):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            asked.append((self.path, self.headers["authorization"], parse_qs(body)))
            answer = json.dumps({"message": "The number +14155550123 is no number"}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    settings = Messages(
        provider="twilio",
        twilio_account="AC123",
        twilio_token=SecretStr("hush"),
        twilio_from="+15005550006",
    )
    with HttpServer(Api) as server:
        yield TwilioMessenger(settings, server.url), asked


def test_twilio_is_asked_to_send_what_was_written():
    with twilio(201) as (messenger, asked):
        asyncio.run(messenger.send("+14155550123", "123456 is your code"))
    ((path, authorization, form),) = asked
    assert path == "/2010-04-01/Accounts/AC123/Messages.json"
    assert authorization == "Basic QUMxMjM6aHVzaA=="
    assert form == {
        "To": ["+14155550123"],
        "From": ["+15005550006"],
        "Body": ["123456 is your code"],
    }


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_message_that_twilio_refuses_raises_an_error_without_the_number(status: int):
    with twilio(status) as (messenger, _), pytest.raises(NotSent) as caught:
        asyncio.run(messenger.send("+14155550123", "123456 is your code"))
    assert str(status) in str(caught.value)
    assert "555" not in str(caught.value)
