"""A small API of Stripe's on loopback, for the answers that localstripe cannot give."""

import hmac
import json
import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from cloud.providers.stripe import StripeProvider
from tests.support.http_server import HttpServer, Silent
from tests.support.served import Served

PAYMENT = "pi_1"
REFUND = "re_1"
PAGE = "cs_test_1"


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]


def intent(status: str, **more: Any) -> Answer:
    """A payment in this status."""
    body = {"id": PAYMENT, "object": "payment_intent", "status": status}
    return Answer(200, {**body, "last_payment_error": None, **more})


def refund(status: str, name: str | None = None, **more: Any) -> Answer:
    """A refund in this status, which the service has given this name."""
    metadata = {} if name is None else {"refund": name}
    body = {"id": REFUND, "object": "refund", "status": status, "metadata": metadata}
    return Answer(200, {**body, "amount": 500, **more})


def checkout(status: str, method: dict[str, Any] | None = None, **more: Any) -> Answer:
    """A page on which a card is saved, in this status; and the card that was saved on it."""
    body = {"id": PAGE, "object": "checkout.session", "status": status, "customer": "cus_1"}
    saved = None
    if method is not None:
        saved = {"id": "seti_1", "object": "setup_intent", "payment_method": method}
    return Answer(200, {**body, "setup_intent": saved, **more})


def signed(event: dict[str, Any], secret: str, *, age_s: int = 0) -> tuple[bytes, dict[str, str]]:
    """Returns the body of an event and the header that signs it, as Stripe sends them
    (https://docs.stripe.com/webhooks#verify-manually)."""
    body = json.dumps(event).encode()
    at = int(time.time()) - age_s
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, sha256).hexdigest()
    return body, {"stripe-signature": f"t={at},v1={digest}"}


def listing(*objects: Answer, url: str, more: bool = False) -> Answer:
    """A page of objects, and whether more pages follow."""
    data = [each.body for each in objects]
    return Answer(200, {"object": "list", "url": f"/v1{url}", "has_more": more, "data": data})


def error(status: int, kind: str, **more: Any) -> Answer:
    """An error such as Stripe's. Its message quotes what was sent, as Stripe's do."""
    return Answer(status, {"error": {"type": kind, "message": "No such card: pm_secret", **more}})


class StripeApi(HttpServer):
    """`will` sets the next answers to a request such as `POST /payment_intents/pi_1/confirm`; the
    last one is repeated. `asked` holds every request and its fields."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._answers: defaultdict[str, list[Answer]] = defaultdict(list)
        api = self

        class Handler(Silent):
            def answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                fields = dict(parse_qsl(self.rfile.read(length).decode()))
                answer = api._answer(f"{self.command} {self.path.removeprefix('/v1')}", fields)
                body = json.dumps(answer.body).encode()
                self.send_response(answer.status)
                self.send_header("content-length", str(len(body)))
                self.send_header("request-id", "req_1")
                self.send_header("stripe-should-retry", "false")
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

        super().__init__(Handler)

    @property
    def requests(self) -> list[str]:
        return [request for request, _ in self.asked]

    def will(self, request: str, *answers: Answer) -> None:
        self._answers[request] = list(answers)

    def _answer(self, request: str, fields: dict[str, str]) -> Answer:
        self.asked.append((request, fields))
        answers = self._answers[request]
        if not answers:
            return error(404, "invalid_request_error", code="resource_missing")
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def stripe_in_place_of_the_sandbox(
    served: Served, prepared: StripeApi | None = None
) -> Generator[StripeApi]:
    """Has the service charge at a Stripe whose answers are prepared."""
    real = served.context.payments
    with prepared or StripeApi() as api:
        provider = StripeProvider("sk_test_1", api.url)
        served.context.payments = provider
        try:
            yield api
        finally:
            served.context.payments = real
            served.do(provider.close())
