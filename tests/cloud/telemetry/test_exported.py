"""What a service sends to a collector on loopback: traces and measurements, and nothing of
anybody."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cloud.jobs.housekeeping import measure
from cloud.settings import Settings, Telemetry
from protocol.messages import Identification, Purchase, Purpose
from tests.support import plain_palms
from tests.support.collector import Collector, told
from tests.support.device import TestDevice
from tests.support.served import PLAIN, Served
from tests.support.traces import traces_in

PHONE = "+14155550188"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HOLDER = "Ada Byron-Lovelace"


@dataclass
class Afternoon:
    """What somebody has done, and what came of it at the collector."""

    collector: Collector
    device: TestDevice
    secret: dict[str, bytes]
    """What nobody may find there, by what it is."""

    def span(self, name: str) -> Any:
        """Returns the first span of this name, which begins with the spans of the visit."""
        return next(
            each
            for each in self.collector.spans
            if each.name == name and each.trace_id.hex() == TRACE
        )

    def point(self, name: str, **attributes: str) -> Any:
        """Returns the only point of a measurement that has these attributes."""
        (found,) = (
            each
            for each in self.collector.measured[name]
            if attributes.items() <= told(each).items()
        )
        return found


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    with Collector() as collector:
        settings = Settings(
            recognition=PLAIN, telemetry=Telemetry.model_validate({"endpoint": collector.url})
        )
        with Served(tmp_path_factory.mktemp("state"), settings) as served:
            device = served.kiosk()
            account = device.sign_up("ada", phone=PHONE, holder=HOLDER)
            visit = secrets.token_urlsafe(12)
            envelope = device.seal(plain_palms.burst("ada"), Purpose.PAY, visit)
            how = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "shopper=ada"}
            found = device.post("/identifications", envelope, Identification, headers=how)
            sale = device.sale(found.identification_id)
            bought = device.post("/purchases", sale, Purchase, headers=how)
            assert device.send("GET", f"/purchases/{secrets.token_urlsafe(12)}").status_code == 404
            assert served.device().send("GET", "/consents").status_code == 401
            person_id = served.person_id(PHONE)
            served.do(measure(served.context))
        texts = {
            "the number": PHONE,
            "the holder": HOLDER,
            "the person": person_id,
            "the account": account.model_dump_json(),
            "the identification": found.identification_id,
            "the visit": visit,
            "the purchase": bought.purchase_id,
            "the reference": sale.reference,
            "the token": "tok_visa",
            "what the kiosk sent along": "shopper=ada",
        }
        yield Afternoon(collector, device, {name: text.encode() for name, text in texts.items()})


def test_a_trace_goes_from_the_kiosk_to_the_vaults_answer(afternoon: Afternoon):
    asked = afternoon.span("POST /v1/identifications")
    assert asked.parent_span_id.hex() == PARENT
    assert told(asked) == {
        "http.request.method": "POST",
        "http.route": "/v1/identifications",
        "http.response.status_code": 200,
        "palm.device": afternoon.device.id,
        "palm.outcome": "accepted",
    }
    for question in ("examine", "compare", "confirm"):
        assert afternoon.span(f"vault {question}").parent_span_id == asked.span_id


def test_a_trace_of_a_purchase_shows_what_the_provider_took(afternoon: Afternoon):
    bought = afternoon.span("POST /v1/purchases")
    assert told(bought)["palm.outcome"] == "approved"
    asked = afternoon.span("provider POST payment_intents")
    assert asked.parent_span_id == bought.span_id


def test_a_stranger_begins_no_trace(afternoon: Afternoon):
    named = [told(each) for each in afternoon.collector.spans if each.name.startswith("GET")]
    assert named
    assert {each["palm.device"] for each in named} == {afternoon.device.id}


def test_what_objectives_are_about_is_measured(afternoon: Afternoon):
    point = afternoon.point
    accepted = point("palm.identification.duration", outcome="accepted", purpose="pay")
    assert accepted.count == 1
    assert point("palm.purchases", outcome="approved", means="palm").as_int == 1
    assert point("palm.vault.duration", question="examine", outcome="answered").count == 2
    assert point("palm.vault.queue.duration", question="examine").count == 2
    assert point("palm.vault.questions").as_int == 0
    assert point("palm.provider.duration", operation="POST customers").count == 1
    assert point("palm.refusals", reason="not_found").as_int == 1
    assert point("palm.refusals", reason="unknown_device").as_int == 1
    assert point("palm.gallery.palms").as_int == 1
    assert point("palm.vault.available").as_int == 1
    assert point("palm.database.deletions_only").as_int == 0
    assert point("palm.jobs.lag").as_double >= 0
    assert point("palm.housekeeping.rounds").as_int >= 1
    assert point("palm.database.wait", outcome="answered").count > 5
    request = point(
        "http.server.request.duration",
        **{"http.route": "/v1/identifications"},
    )
    assert told(request)["http.response.status_code"] == 200


def test_nothing_that_is_sent_leads_to_a_person(afternoon: Afternoon):
    bodies = [body for sent in afternoon.collector.received.values() for body in sent]
    assert bodies
    for body in bodies:
        assert traces_in(body, afternoon.secret) == []
