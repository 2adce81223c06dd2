"""A merchant's device gets nothing by the ids of another merchant, at any endpoint."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cloud.app import create_app
from protocol.asked import PalmAnswer
from protocol.entry import Entry, EntryRequest, OfflinePassage, Passage, Ticket
from protocol.messages import (
    Age,
    AgeCheck,
    AtReader,
    CardPurchase,
    CardPurchaseRequest,
    CardToken,
    ChallengeAnswer,
    Claim,
    ClaimOpened,
    CodeEntry,
    Consent,
    DeletionRequest,
    LastFour,
    Membership,
    Message,
    Money,
    PrintedReceipt,
    Proof,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
    TillAnswer,
    Told,
    Wallet,
)
from tests.support import plain_palms
from tests.support.device import TestDevice, fresh_phone
from tests.support.integrator import integrator
from tests.support.served import Served

Ask = Callable[[TestDevice, str], httpx.Response]
"""Sends a request that names an id."""


def with_id(method: str, path: str, message: Message | None = None) -> Ask:
    """Returns a request to a path with an id in it."""

    def ask(device: TestDevice, name: str) -> httpx.Response:
        body = b"" if message is None else message.model_dump_json().encode()
        return device.send(method, path.format(name), body)

    return ask


def with_palm(path: str, purpose: Purpose) -> Ask:
    """Returns a request that sends a palm for an id."""

    def ask(device: TestDevice, name: str) -> httpx.Response:
        envelope = device.seal(plain_palms.burst("somebody"), purpose, name)
        kind = "application/palm-envelope"
        return device.send("POST", path.format(name), envelope, content_type=kind)

    return ask


def buying(device: TestDevice, name: str) -> httpx.Response:
    sale = device.sale(name)
    return device.send("POST", "/purchases", sale.model_dump_json().encode())


def leaving(device: TestDevice, name: str) -> httpx.Response:
    request = DeletionRequest(identification_id=name)
    return device.send("POST", "/deletions", request.model_dump_json().encode())


def entering(device: TestDevice, name: str) -> httpx.Response:
    request = EntryRequest(identification_id=name)
    return device.send("POST", "/entries", request.model_dump_json().encode())


def reading_at(device: TestDevice, name: str) -> httpx.Response:
    path = f"/enrolments/{device.verified_enrolment()}/card/readings"
    return device.send("POST", path, AtReader(reader=name).model_dump_json().encode())


def taking_at(device: TestDevice, name: str) -> httpx.Response:
    amount = Money(minor=1250, currency="USD")
    request = CardPurchaseRequest(amount=amount, reference=secrets.token_hex(8), reader=name)
    return device.send("POST", "/card-purchases", request.model_dump_json().encode())


CODE = CodeEntry(code="123456")
TOKEN = CardToken(token="tok_visa")
DIGEST = "A" * 43 + "="
ASKS: dict[str, tuple[Ask, ...]] = {
    "challenges.answer": (
        with_id("POST", "/challenges/{}/answer", ChallengeAnswer(answer=DIGEST)),
    ),
    "enrolments.verify_phone": (with_id("POST", "/enrolments/{}/code", CODE),),
    "enrolments.resend": (with_id("POST", "/enrolments/{}/code/resend"),),
    "enrolments.add_card": (with_id("POST", "/enrolments/{}/card", TOKEN),),
    "enrolments.open_card_page": (with_id("POST", "/enrolments/{}/card/pages"),),
    "enrolments.look_at_card_page": (
        with_id("GET", "/enrolments/{}/card/pages/a-card-page"),
        with_id("GET", "/enrolments/an-enrolment/card/pages/{}"),
    ),
    "enrolments.read_card": (
        with_id("POST", "/enrolments/{}/card/readings", AtReader(reader="tmr_Counter1")),
        reading_at,
    ),
    "enrolments.look_at_reading": (
        with_id("GET", "/enrolments/{}/card/readings/a-reading"),
        with_id("GET", "/enrolments/an-enrolment/card/readings/{}"),
    ),
    "enrolments.stop_reading": (with_id("DELETE", "/enrolments/{}/card/readings"),),
    "readers.tell_about_reader": (with_id("GET", "/readers/{}"),),
    "enrolments.add_palm": (with_palm("/enrolments/{}/palms", Purpose.ENROL),),
    "enrolments.complete": (with_id("POST", "/enrolments/{}/completion"),),
    "enrolments.cancel": (with_id("DELETE", "/enrolments/{}"),),
    "identifications.step_up": (
        with_id("POST", "/identifications/{}/step-up", LastFour(phone_last4="0000")),
    ),
    "picking_up.agree": (
        with_id(
            "PUT",
            "/enrolments/{}/agreement",
            Consent(texts=[DIGEST], agreed_at=datetime(2026, 12, 1, tzinfo=UTC)),
        ),
    ),
    "agreements.agree": (
        with_id(
            "POST",
            "/identifications/{}/agreement",
            Consent(texts=[DIGEST], agreed_at=datetime(2026, 12, 1, tzinfo=UTC)),
        ),
    ),
    "accounts.tell_holdings": (with_id("GET", "/identifications/{}/holdings"),),
    "memberships.link": (
        with_id("PUT", "/identifications/{}/membership", Membership(code="2890000012345")),
    ),
    "memberships.unlink": (with_id("DELETE", "/identifications/{}/membership"),),
    "ages.note": (
        with_id("PUT", "/identifications/{}/age", AgeCheck(over=Age.EIGHTEEN, staff="7")),
    ),
    "ages.tell": (with_id("GET", "/identifications/{}/age/18"),),
    "wallet.show": (with_id("GET", "/identifications/{}/cards"),),
    "wallet.add": (with_id("POST", "/identifications/{}/cards", TOKEN),),
    "wallet.open_page": (with_id("POST", "/identifications/{}/cards/pages"),),
    "wallet.look_at_page": (
        with_id("GET", "/identifications/{}/cards/pages/a-card-page"),
        with_id("GET", "/identifications/an-identification/cards/pages/{}"),
    ),
    "wallet.read_card": (
        with_id("POST", "/identifications/{}/cards/readings", AtReader(reader="tmr_Counter1")),
    ),
    "wallet.look_at_reading": (
        with_id("GET", "/identifications/{}/cards/readings/a-reading"),
        with_id("GET", "/identifications/an-identification/cards/readings/{}"),
    ),
    "wallet.stop_reading": (with_id("DELETE", "/identifications/{}/cards/readings"),),
    "wallet.make_default": (
        with_id("PUT", "/identifications/{}/cards/a-card/default"),
        with_id("PUT", "/identifications/an-identification/cards/{}/default"),
    ),
    "wallet.remove": (
        with_id("DELETE", "/identifications/{}/cards/a-card"),
        with_id("DELETE", "/identifications/an-identification/cards/{}"),
    ),
    "claims.prove_by_palm": (with_palm("/claims/{}/palm", Purpose.PAY),),
    "claims.prove_by_code": (with_id("POST", "/claims/{}/code", CODE),),
    "purchases.buy": (buying,),
    "card_purchases.take": (taking_at,),
    "card_purchases.look": (with_id("GET", "/card-purchases/{}"),),
    "card_purchases.end": (with_id("POST", "/card-purchases/{}/end"),),
    "purchases.tell_purchase": (with_id("GET", "/purchases/{}"),),
    "purchases.end": (with_id("POST", "/purchases/{}/end"),),
    "purchases.note_what_was_told": (
        with_id("PUT", "/purchases/{}/told", Told(result="approved")),
    ),
    "purchases.print_receipt": (
        with_id("PUT", "/purchases/{}/receipt", PrintedReceipt(text="Total 12.50")),
    ),
    "purchases.decline_receipt": (with_id("DELETE", "/purchases/{}/receipt"),),
    "refunds.give_back": (
        with_id("POST", "/purchases/{}/refunds", RefundRequest(reference="another-refund")),
    ),
    "refunds.tell_total": (with_id("GET", "/purchases/{}/refunds"),),
    "refunds.tell_refund": (
        with_id("GET", "/purchases/{}/refunds/another-refund"),
        with_id("GET", "/purchases/a-purchase/refunds/{}"),
    ),
    "entries.enter": (entering,),
    "entries.agree": (with_id("POST", "/entries/{}/agreement"),),
    "entries.tell": (with_id("PUT", "/entries/{}/passage", Passage(passed=True)),),
    "lists.keep": (with_palm("/entries/{}/palm", Purpose.KEEP),),
    "lists.decline": (with_id("DELETE", "/entries/{}/palm"),),
    "lists.note": (with_id("PUT", "/door/passages/{}", OfflinePassage(mark="A" * 64, after_s=60)),),
    "tickets.tell": (with_id("GET", "/identifications/{}/tickets"),),
    "tickets.link": (
        with_id("POST", "/identifications/{}/tickets", Ticket(code="ticket-of-tonight")),
    ),
    "deletions.delete_account": (leaving,),
    "withdrawals.withdraw": (with_id("POST", "/identifications/{}/withdrawal"),),
    "pictures.fetch": (with_id("GET", "/device/pictures/{}"),),
    "at_kiosks.look": (with_id("GET", "/palm-requests/{}"),),
    "at_kiosks.let_go": (with_id("DELETE", "/palm-requests/{}/taken"),),
    "at_kiosks.compare": (with_palm("/palm-requests/{}/palm", Purpose.IDENTIFY),),
    "at_kiosks.begin": (with_id("PUT", "/palm-requests/{}/begun"),),
    "at_kiosks.answer": (
        with_id("PUT", "/palm-requests/{}/answer", PalmAnswer(identification_id=None)),
    ),
    "relay.answer": (with_id("PUT", "/till-messages/{}", TillAnswer(status=200, body="{}")),),
}
"""What is asked of the endpoints that take an id, by their operation
(`cloud.app.name_operation`)."""

NAMES_NOTHING = {
    # The service itself, and who becomes a device of it.
    "devices.tell_about_service",
    "devices.tell_vault_keys",
    "devices.activate",
    "health.tell_alive",
    "health.tell_readiness",
    # The log of receipts, which is for everybody.
    "receipt_log.publish",
    # What the device stands at.
    "entries.tell_door",
    "lists.tell",
    # What the device tells of itself, and is told by its operator.
    "reports.take",
    "bundles.take",
    # What is asked at the device's own site.
    "consents.tell_texts",
    # These begin something, and a palm, a number or a code of the shopper's is all that they take.
    "challenges.issue",
    "enrolments.begin",
    "picking_up.pick_up",
    "claims.open_claim",
    "identifications.identify",
    "relay.take",
    "at_kiosks.take",
    "statements.tell_keys",
    # These are not for devices, and have tests of their own (tests/cloud/tills, tests/cloud/entry,
    # tests/cloud/integrations).
    "relay.sync",
    "relay.begin",
    "access_api.replace",
    "access_api.change",
    "tokens.issue",
    "palm_requests.show_kiosks",
    "palm_requests.ask",
    "palm_requests.show",
    "palm_requests.cancel",
    "people.find",
    "recognition.tell",
    "sales.show_all",
    "sales.show",
    "sales.give_back",
    "receivers.show_all",
    "receivers.add",
    "receivers.show",
    "receivers.change",
    "receivers.remove",
    "receivers.renew_secret",
    "receivers.test",
    "receivers.list_deliveries",
    "receivers.replay",
    # Those of the console.
    "sites.show_merchants",
    "sites.show_merchant",
    "sites.show_all",
    "sites.show",
    "sites.add",
    "sites.make_code",
    "kiosks.show_everywhere",
    "kiosks.show_all",
    "kiosks.show",
    "kiosks.rename",
    "kiosks.restart",
    "kiosks.lock",
    "kiosks.call_to_maintenance",
    "kiosks.put_back",
    "kiosks.replace",
    "kiosks.move",
    "kiosks.revoke",
    "kiosks.revoke_at_site",
    "staff.show_everybody",
    "staff.show_all",
    "staff.show",
    "staff.add",
    "staff.make_link",
    "staff.end",
    "holdings.show_access",
    "holdings.take_access",
    "holdings.show",
    "holdings.take_ticket",
    "holdings.take_membership",
    "attacks.show_all",
    "attacks.show",
    "attacks.look",
    "attacks.freeze",
    "summaries.show",
    "jobs.show",
    "jobs.list_deliveries",
    "jobs.list_receipts",
    "jobs.show_service",
    "payment_limits.show_of_merchant",
    "payment_limits.change_of_merchant",
    "payment_limits.show_of_site",
    "payment_limits.change_of_site",
    "payment_limits.show_policy",
    "looks.show",
    "looks.change",
    "calendars.show",
    "calendars.change",
    "kiosk_pictures.show_all",
    "kiosk_pictures.show",
    "kiosk_pictures.change_logo",
    "kiosk_pictures.remove_logo",
    "kiosk_pictures.add",
    "kiosk_pictures.arrange",
    "sites.rename_merchant",
    "agreed_texts.show",
    # What needs two, the trail, files and compared days.
    "approvals.show_all",
    "approvals.show_all_of_all",
    "approvals.show",
    "approvals.show_of_all",
    "approvals.take_back",
    "approvals.take_back_of_all",
    "approvals.ask_for_secret",
    "audit_trail.show",
    "audit_trail.show_all",
    "audit_trail.ask_for_file",
    "audit_trail.ask_for_file_of_all",
    "audit_trail.take",
    "audit_trail.take_of_all",
    "audit_trail.fetch",
    "audit_trail.fetch_of_all",
    "purchase_files.ask",
    "purchase_files.take",
    "purchase_files.fetch",
    "compared_days.show_all",
    "compared_days.show_all_of_all",
    "compared_days.show_differences",
    "compared_days.show_differences_of_all",
    "compared_days.compare",
    "compared_days.compare_all",
    "sales.show_way",
}
"""The endpoints that take no id of what a merchant has stored."""


@pytest.fixture
def stored(served: Served, kiosk: TestDevice, who: str) -> dict[str, str]:
    """The ids of what a device of the first merchant has stored, each of another kind."""
    # A challenge has to be answered within two seconds.
    served.stop_clock()
    kiosk.sign_up(who)
    white = plain_palms.burst(who)
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    tapped = CardPurchaseRequest(
        amount=bought.amount, reference=secrets.token_hex(8), token="tok_visa"
    )
    kiosk.post("/card-purchases", tapped, CardPurchase)
    path = f"/purchases/{bought.reference}/refunds"
    part = RefundRequest(
        reference=secrets.token_urlsafe(12), amount=Money(minor=500, currency="USD")
    )
    refunded = kiosk.post(path, part, Refund)

    reader = f"tmr_{secrets.token_hex(8)}"
    served.bind(kiosk, reader)
    cards = kiosk.recognised(who, Purpose.CARDS)

    def claim(proof: Proof, purpose: Purpose) -> str:
        told = Claim(phone=fresh_phone(), proof=proof, purpose=purpose)
        return kiosk.post("/claims", told, ClaimOpened).claim_id

    wanted = {"kind": "approve", "question": "Yes?", "device_id": kiosk.id, "person": "M-1"}
    asked = integrator(served).post("/palm-requests", wanted)
    assert kiosk.send("PUT", "/palm-requests/taken?wait=0").is_success

    return {
        "the request for a palm": asked["request_id"],
        "the challenge": kiosk.challenge(white).challenge_id,
        "the enrolment": kiosk.verified_enrolment(),
        "the identification that pays": kiosk.recognised(who),
        "the identification that leaves": kiosk.recognised(who, Purpose.LEAVE),
        "the identification that only identifies": kiosk.recognised(who, Purpose.IDENTIFY),
        "the identification that changes cards": cards,
        "the identification that enters": kiosk.recognised(who, Purpose.ENTER),
        "the entry": kiosk.post(
            "/entries",
            EntryRequest(identification_id=kiosk.recognised(who, Purpose.ENTER)),
            Entry,
        ).entry_id,
        "the card": kiosk.get(f"/identifications/{cards}/cards", Wallet).cards[0].card_id,
        "the doubtful identification": kiosk.identify(who, likeness=0.35).identification_id,
        "the claim by palm": claim(Proof.PALM, Purpose.PAY),
        "the claim by code": claim(Proof.CODE, Purpose.LEAVE),
        "the purchase": bought.purchase_id,
        "the sale": bought.reference,
        "the sale to a card": tapped.reference,
        "the refund": refunded.refund_id,
        "the reference of the refund": refunded.reference,
        "the device": kiosk.id,
        "the reader": reader,
    }


def operations(served: Served) -> set[str]:
    """Returns the operations of every route of the application, but those of the sandbox."""
    paths = create_app(served.context).openapi()["paths"]
    return {
        operation["operationId"]
        for path, methods in paths.items()
        for operation in methods.values()
        if not path.startswith("/v1/sandbox")
    }


def said(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, json.loads(answer.content) if answer.content else None


def test_every_endpoint_is_walked(served: Served):
    assert operations(served) == ASKS.keys() | NAMES_NOTHING


def test_an_id_of_another_merchant_is_answered_as_one_that_was_never_given(
    served: Served, stored: dict[str, str]
):
    other = served.kiosk(served.merchant())
    for operation, requests in ASKS.items():
        for ask in requests:
            unknown = said(ask(other, secrets.token_hex(16)))
            assert unknown[0] >= 400
            for what, name in stored.items():
                assert said(ask(other, name)) == unknown, (operation, what)


def test_the_merchants_own_device_gets_answers_by_those_ids(
    kiosk: TestDevice, stored: dict[str, str]
):
    own = {
        "challenges.answer": "the challenge",
        "enrolments.add_card": "the enrolment",
        "accounts.tell_holdings": "the identification that leaves",
        "memberships.link": "the identification that only identifies",
        "ages.note": "the identification that pays",
        "ages.tell": "the identification that pays",
        "purchases.tell_purchase": "the sale",
        "readers.tell_about_reader": "the reader",
        "card_purchases.look": "the sale to a card",
        "refunds.give_back": "the sale",
        "refunds.tell_total": "the sale",
        "purchases.buy": "the identification that pays",
        "wallet.show": "the identification that changes cards",
        "entries.enter": "the identification that enters",
        "entries.tell": "the entry",
        "tickets.link": "the identification that enters",
        "at_kiosks.compare": "the request for a palm",
        "at_kiosks.answer": "the request for a palm",
    }
    for operation, what in own.items():
        (ask,) = ASKS[operation]
        assert ask(kiosk, stored[what]).is_success, operation
