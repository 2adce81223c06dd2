"""A site's own system hears who is at its desk."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from cloud.entry.access import Access
from cloud.entry.check_ins import TELL_SITE
from cloud.entry.doors import DoorKind
from cloud.jobs.errands import run_errands
from cloud.outbox import queue
from cloud.outbox.standard_webhooks import secret_of, signature
from protocol.entry import Admission, Entry
from protocol.messages import DeletionReceipt, DeletionRequest, Purpose
from tests.cloud.merchants.test_merchants import agree
from tests.support.device import TestDevice, fresh_phone
from tests.support.listener import Listener
from tests.support.served import PATIENCE_S, Served
from tests.support.sites import Site, show_palm

HOUR = timedelta(hours=1)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


@pytest.fixture
def desk(kiosk: TestDevice, site: Site, who: str) -> TestDevice:
    """A desk at which somebody is known to the site as E-1001, and has agreed."""
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    desk = site.gate(kind=DoorKind.DESK, everyone=False)
    agree(desk, desk.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001"))
    asked = show_palm(desk, who)
    entry = desk.post(f"/entries/{asked.entry_id}/agreement", None, Entry)
    assert entry.admission is Admission.CHECKED_IN
    return desk


def waiting(served: Served) -> int:
    async def read() -> int:
        async with served.context.database.session() as session:
            failed = await queue.failed(session)
            return sum(errand.kind == TELL_SITE for errand in failed)

    return served.do(read())


def test_who_checks_in_is_told_to_the_site_by_its_own_id_and_signed(
    desk: TestDevice, site: Site, listener: Listener, who: str
):
    secret = secret_of(site.hook(listener.url))
    entry = show_palm(desk, who)
    headers, body = listener.heard.get(timeout=PATIENCE_S)
    told = json.loads(body)
    assert told["type"] == "person.checked_in"
    assert told["data"] == {"person": "E-1001", "site": site.id, "door": "North"}
    assert headers["webhook-id"] == entry.entry_id
    at = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == signature(secret, entry.entry_id, at, body)


def test_a_site_that_does_not_take_it_is_told_again_with_the_same_id(
    served: Served, desk: TestDevice, site: Site, listener: Listener, who: str
):
    site.hook(listener.url)
    listener.answers = [503]
    entry = show_palm(desk, who)
    first, _ = listener.heard.get(timeout=PATIENCE_S)
    # Whoever runs errands now waits for the one who runs them, and the pause is over.
    served.do(run_errands(served.context))
    served.ahead = 2 * HOUR
    served.do(run_errands(served.context))
    again, _ = listener.heard.get(timeout=PATIENCE_S)
    assert (first["webhook-id"], again["webhook-id"]) == (entry.entry_id, entry.entry_id)
    served.do(run_errands(served.context))
    assert waiting(served) == 0


def test_a_site_that_wants_to_hear_nothing_is_told_nothing(
    served: Served, desk: TestDevice, who: str
):
    assert show_palm(desk, who).admission is Admission.CHECKED_IN
    served.do(run_errands(served.context))
    assert waiting(served) == 0


def test_a_site_is_not_told_of_who_was_deleted_meanwhile(
    served: Served, desk: TestDevice, site: Site, listener: Listener, who: str
):
    site.hook(listener.url)
    listener.answers = [503]
    show_palm(desk, who)
    listener.heard.get(timeout=PATIENCE_S)
    served.do(run_errands(served.context))
    request = DeletionRequest(identification_id=desk.recognised(who, Purpose.LEAVE))
    desk.post("/deletions", request, DeletionReceipt)
    served.ahead = 2 * HOUR
    served.do(run_errands(served.context))
    assert waiting(served) == 0
    assert listener.heard.empty()


def test_the_signature_is_that_of_standard_webhooks():
    """The example of the specification (standardwebhooks.com)."""
    secret = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    told = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
