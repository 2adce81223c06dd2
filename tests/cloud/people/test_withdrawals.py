"""Withdrawals: consent ends at one merchant, and nothing else changes."""

import pytest

from cloud.jobs.errands import run_errands
from cloud.merchants.tables import FIRST
from cloud.people.deletions import remains_of
from cloud.people.tables import AgreementRow
from cloud.policy import BOOKKEEPING
from protocol import documents
from protocol.messages import (
    Age,
    AgeCheck,
    DeletionReceipt,
    DeletionRequest,
    Holdings,
    Identification,
    Membership,
    Outcome,
    ProblemType,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
)
from tests.support.books import listed
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.served import Served


@pytest.fixture
def elsewhere(served: Served) -> TestDevice:
    """A device of another merchant."""
    return served.kiosk(served.merchant(name="Florist"))


@pytest.fixture
def member(kiosk: TestDevice, elsewhere: TestDevice, who: str) -> str:
    """Somebody who uses their palm at both merchants."""
    kiosk.sign_up(who)
    agree(elsewhere, elsewhere.identify(who))
    return who


def agree(kiosk: TestDevice, asked: Identification) -> Identification:
    path = f"/identifications/{asked.identification_id}/agreement"
    return kiosk.post(path, kiosk.consent(), Identification)


def withdraw(kiosk: TestDevice, who: str, key: str | None = None) -> DeletionReceipt:
    found = kiosk.recognised(who, Purpose.LEAVE)
    return kiosk.post(f"/identifications/{found}/withdrawal", None, DeletionReceipt, key=key)


def holdings(kiosk: TestDevice, who: str) -> Holdings:
    found = kiosk.recognised(who, Purpose.LEAVE)
    return kiosk.get(f"/identifications/{found}/holdings", Holdings)


def refused_to(kiosk: TestDevice, path: str) -> ProblemType:
    with pytest.raises(Refused) as refused:
        kiosk.post(path, None, DeletionReceipt)
    return refused.value.problem.type


def test_whoever_withdraws_is_asked_again_there_and_known_elsewhere(
    kiosk: TestDevice, elsewhere: TestDevice, member: str
):
    before = holdings(kiosk, member)
    assert (before.agreed, before.merchants) == (True, 2)
    withdraw(kiosk, member)
    asked = kiosk.identify(member)
    assert (asked.outcome, asked.customer) == (Outcome.ASK_CONSENT, None)
    assert elsewhere.identify(member).outcome is Outcome.ACCEPTED
    after = holdings(kiosk, member)
    assert (after.agreed, after.merchants) == (False, 1)
    assert (after.name_hint, after.phone_last4, after.cards) == ("", "", [None])
    assert agree(kiosk, kiosk.identify(member)).outcome is Outcome.ACCEPTED


def test_nothing_but_the_agreement_is_touched(
    served: Served, kiosk: TestDevice, elsewhere: TestDevice, member: str
):
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(member)), Purchase)
    before, customers = holdings(elsewhere, member), len(listed(served, "customers"))
    withdraw(kiosk, member)
    assert holdings(elsewhere, member) == before.model_copy(update={"merchants": 1})
    assert len(listed(served, "customers")) == customers
    assert kiosk.get(f"/purchases/{bought.reference}", Purchase) == bought
    request = RefundRequest(reference=f"back-{bought.reference}")
    refund = kiosk.post(f"/purchases/{bought.reference}/refunds", request, Refund)
    assert refund.outcome == "refunded"


def test_whoever_was_recognised_before_cannot_be_charged_after(kiosk: TestDevice, member: str):
    found = kiosk.recognised(member)
    withdraw(kiosk, member)
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", kiosk.sale(found), Purchase)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_the_receipt_is_signed_and_says_what_ended_and_what_stays(
    served: Served, kiosk: TestDevice, member: str
):
    kiosk.post("/purchases", kiosk.sale(kiosk.recognised(member)), Purchase)
    receipt = withdraw(kiosk, member)
    signer = documents.verify(documents.document_of(receipt))
    assert signer == served.context.receipt_key.public_key().public_bytes_raw()
    (ended,) = receipt.erased
    proof, kept = receipt.retained
    assert "to what you agreed at Corner Shop" in proof.what
    assert "Corner Shop" in ended
    assert kept.what == "purchases at Corner Shop: 1"


def test_a_purchase_is_kept_as_long_as_what_was_given_back_of_it(kiosk: TestDevice, member: str):
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(member)), Purchase)
    request = RefundRequest(reference=f"back-{bought.reference}")
    given = kiosk.post(f"/purchases/{bought.reference}/refunds", request, Refund)
    _, kept = withdraw(kiosk, member).retained
    assert kept.until == given.at + BOOKKEEPING > bought.at + BOOKKEEPING


def test_what_is_kept_for_this_merchant_alone_is_erased(
    kiosk: TestDevice, elsewhere: TestDevice, member: str
):
    for device in (kiosk, elsewhere):
        identified = device.recognised(member, Purpose.IDENTIFY)
        card = Membership(code="MEMBER-000007")
        body = card.model_dump_json().encode()
        assert device.send("PUT", f"/identifications/{identified}/membership", body).is_success
        check = AgeCheck(over=Age.EIGHTEEN, staff="17").model_dump_json().encode()
        found = device.recognised(member)
        assert device.send("PUT", f"/identifications/{found}/age", check).is_success
    receipt = withdraw(kiosk, member)
    assert receipt.erased[1:] == [
        "your membership there",
        "what staff there have seen of your age",
    ]
    held = holdings(elsewhere, member)
    assert (held.memberships, held.ages) == (1, 1)
    agreed = agree(kiosk, kiosk.identify(member))
    assert agreed.customer is not None
    assert agreed.customer.membership is None
    known = elsewhere.identify(member).customer
    assert known is not None
    assert known.membership is not None


def test_a_withdrawal_sent_again_gets_the_same_receipt(
    served: Served, kiosk: TestDevice, member: str
):
    path = f"/identifications/{kiosk.recognised(member, Purpose.LEAVE)}/withdrawal"
    first, again = (kiosk.post(path, None, DeletionReceipt, key="the-same-key") for _ in range(2))
    assert first == again
    assert refused_to(kiosk, path) is ProblemType.CONFLICT


def test_only_an_identification_that_leaves_withdraws(kiosk: TestDevice, member: str):
    path = f"/identifications/{kiosk.recognised(member)}/withdrawal"
    assert refused_to(kiosk, path) is ProblemType.NOT_ACCEPTED
    assert kiosk.identify(member).outcome is Outcome.ACCEPTED


def test_whoever_has_not_agreed_here_has_nothing_to_withdraw(
    kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    path = f"/identifications/{elsewhere.recognised(who, Purpose.LEAVE)}/withdrawal"
    assert refused_to(elsewhere, path) is ProblemType.CONFLICT
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


def test_a_withdrawal_is_verified_by_its_receipt(served: Served, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    receipt = withdraw(kiosk, who)

    def remains() -> list[str]:
        return served.do(remains_of(receipt.receipt_id, served.state, served.database))

    assert remains() == []
    agree(kiosk, kiosk.identify(who))
    assert remains() == [], "an agreement that was given again is another one"
    withdraw(kiosk, who)
    person = served.person_id(phone)
    served.add(AgreementRow(person_id=person, merchant_id=FIRST, version=None, at=receipt.at))
    assert remains() == ["the agreement with the merchant"]


def test_everything_is_deleted_after_a_withdrawal_as_without_one(
    served: Served, kiosk: TestDevice, elsewhere: TestDevice, member: str
):
    withdraw(kiosk, member)
    request = DeletionRequest(identification_id=kiosk.recognised(member, Purpose.LEAVE))
    receipt = kiosk.post("/deletions", request, DeletionReceipt)
    assert "your consent, at merchants: 1" in receipt.erased
    assert elsewhere.identify(member).outcome is not Outcome.ACCEPTED
    served.do(run_errands(served.context))
    assert served.do(remains_of(receipt.receipt_id, served.state, served.database)) == []
