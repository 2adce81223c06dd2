"""Memberships: each merchant is told of its own, and nobody of a deleted person's."""

import logging
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud.loyalty import memberships
from cloud.loyalty.tables import MembershipRow
from cloud.web.tables import DeviceRow
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Holdings,
    Identification,
    Membership,
    Outcome,
    ProblemType,
    Proof,
    Purpose,
)
from tests.cloud.merchants.test_merchants import agree
from tests.cloud.people.test_claims import claim
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.portal import open_portal
from tests.support.served import Served

CARD = Membership(code="2890000012345", scanned=True)
FLOWERS = Membership(code="FL-20482", scanned=False)


@pytest.fixture
def elsewhere(served: Served) -> TestDevice:
    """A device of another merchant."""
    return served.kiosk(served.merchant(name="Florist", country="DE", currency="EUR"))


def path(kiosk: TestDevice, who: str, purpose: Purpose = Purpose.IDENTIFY) -> str:
    return f"/identifications/{kiosk.recognised(who, purpose)}/membership"


def link(kiosk: TestDevice, who: str, membership: Membership) -> None:
    sent = kiosk.send("PUT", path(kiosk, who), membership.model_dump_json().encode())
    assert sent.status_code == 204, sent.text


def told(kiosk: TestDevice, who: str) -> Membership | None:
    customer = kiosk.identify(who).customer
    assert customer is not None
    return customer.membership


def bytes_on_disk(root: Path) -> bytes:
    return b"".join(file.read_bytes() for file in root.rglob("*") if file.is_file())


def test_whoever_pays_is_told_with_their_membership(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    assert told(kiosk, who) is None
    link(kiosk, who, CARD)
    assert told(kiosk, who) == CARD


def test_another_card_takes_the_place_of_the_first(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    link(kiosk, who, CARD)
    link(kiosk, who, FLOWERS)
    assert told(kiosk, who) == FLOWERS


def test_a_merchant_is_told_of_its_own_membership_alone(
    kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    link(kiosk, who, CARD)
    asked = elsewhere.identify(who, Purpose.IDENTIFY)
    assert (asked.outcome, asked.customer) == (Outcome.ASK_CONSENT, None)
    agreed = agree(elsewhere, asked).customer
    assert agreed is not None
    assert agreed.membership is None
    link(elsewhere, who, FLOWERS)
    assert (told(kiosk, who), told(elsewhere, who)) == (CARD, FLOWERS)


def test_nothing_is_linked_before_the_person_agrees_to_use_their_palm_there(
    kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    asked = elsewhere.identify(who, Purpose.IDENTIFY)
    at = f"/identifications/{asked.identification_id}/membership"
    sent = elsewhere.send("PUT", at, FLOWERS.model_dump_json().encode())
    assert refusal(sent).type is ProblemType.NOT_ACCEPTED


def test_a_membership_is_unlinked_at_its_merchant_alone(
    served: Served, kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    link(kiosk, who, CARD)
    agree(elsewhere, elsewhere.identify(who, Purpose.IDENTIFY))
    link(elsewhere, who, FLOWERS)
    for _ in range(2):
        assert kiosk.send("DELETE", path(kiosk, who)).status_code == 204
    assert (told(kiosk, who), told(elsewhere, who)) == (None, FLOWERS)


@pytest.mark.parametrize("purpose", [Purpose.PAY, Purpose.LEAVE])
def test_a_palm_that_was_shown_for_something_else_links_nothing(
    kiosk: TestDevice, who: str, purpose: Purpose
):
    kiosk.sign_up(who)
    at = path(kiosk, who, purpose)
    for sent in (
        kiosk.send("PUT", at, CARD.model_dump_json().encode()),
        kiosk.send("DELETE", at),
    ):
        assert refusal(sent).type is ProblemType.NOT_ACCEPTED


def test_a_palm_that_was_shown_to_identify_buys_nothing_and_deletes_nothing(
    kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    found = kiosk.recognised(who, Purpose.IDENTIFY)
    leaving = DeletionRequest(identification_id=found)
    for at, message in (("/purchases", kiosk.sale(found)), ("/deletions", leaving)):
        sent = kiosk.send("POST", at, message.model_dump_json().encode())
        assert refusal(sent).type is ProblemType.NOT_ACCEPTED


def test_a_code_sent_to_a_phone_does_not_identify(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    with pytest.raises(Refused) as refused:
        claim(kiosk, phone, Proof.CODE, Purpose.IDENTIFY)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


@pytest.mark.parametrize("code", ["4242 4242 4242 4242", "", " 1", "1\n", "é", "1" * 129])
def test_a_payment_card_and_what_is_no_code_are_refused(kiosk: TestDevice, who: str, code: str):
    kiosk.sign_up(who)
    unchecked = CARD.model_copy(update={"code": code})
    sent = kiosk.send("PUT", path(kiosk, who), unchecked.model_dump_json().encode())
    assert refusal(sent).type is ProblemType.MALFORMED
    assert "4242" not in sent.text
    assert told(kiosk, who) is None


def test_a_membership_is_stored_sealed_and_never_logged(
    served: Served, kiosk: TestDevice, who: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    kiosk.sign_up(who)
    mine = Membership(code="8374-unique-of-this-test-8374")
    link(kiosk, who, mine)
    assert told(kiosk, who) == mine
    assert mine.code.encode() not in bytes_on_disk(served.state.root)
    assert mine.code not in caplog.text


def test_whoever_leaves_is_told_of_their_memberships_and_none_is_left(
    served: Served, kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    link(kiosk, who, CARD)
    agree(elsewhere, elsewhere.identify(who, Purpose.IDENTIFY))
    link(elsewhere, who, FLOWERS)
    leaving: Identification = kiosk.identify(who, Purpose.LEAVE)
    at = f"/identifications/{leaving.identification_id}/holdings"
    assert kiosk.get(at, Holdings).memberships == 2

    async def linked() -> list[str]:
        async with served.database.session() as session:
            rows = select(MembershipRow.person_id).where(MembershipRow.merchant_id.in_(merchants))
            return list(await session.scalars(rows))

    async def merchant_of(device: TestDevice) -> str:
        async with served.database.session() as session:
            return (await session.get_one(DeviceRow, device.id)).merchant_id

    merchants = [served.do(merchant_of(elsewhere))]
    assert len(served.do(linked())) == 1
    request = DeletionRequest(identification_id=leaving.identification_id)
    receipt = kiosk.post("/deletions", request, DeletionReceipt)
    assert "your membership cards: 2" in receipt.erased
    assert served.do(linked()) == []


@pytest.mark.anyio
async def test_no_file_holds_a_membership_that_was_unlinked(tmp_path: Path):
    """The person's key, which opens it, is still there."""
    async with open_portal(tmp_path) as portal:
        person = await portal.account("+14155550123")
        sealed = person.seal(CARD, "memberships/first")
        row = MembershipRow(person_id=person.person_id, merchant_id="first", sealed=sealed)
        row.at = portal.now
        await portal.add(row)
        await portal.leave_between_rows(sealed)
        async with portal.database.session() as session:
            trace = await memberships.forget(session, person, "first")
            await session.commit()
        assert trace
        await portal.database.forget_erased(trace)
        assert not portal.holds(sealed)
