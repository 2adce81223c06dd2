"""Somebody is deleted while a request about them is under way: it is answered, and leaves no trace
of them."""

from functools import partial

import pytest

from cloud.keys.persons import find_person
from cloud.matching import Entry
from cloud.payments.purchases import settle
from cloud.payments.tables import PurchaseRow
from cloud.people.deletions import remains_of
from cloud.recognition.feed import add_to_gallery
from cloud.recognition.palms import erase_palm, palms_of
from cloud.web.problems import Refusal
from protocol.messages import (
    Claim,
    ClaimOpened,
    DeletionReceipt,
    DeletionRequest,
    Identification,
    Outcome,
    ProblemType,
    Proof,
    Purchase,
    Purpose,
)
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.meanwhile import Meanwhile
from tests.support.plain_palms import burst
from tests.support.served import Served


class Leaves:
    """Deletes a person at another kiosk when it is called."""

    def __init__(self, served: Served, who: str) -> None:
        self._kiosk = served.kiosk()
        self._who = who

    def __call__(self) -> None:
        leaving = self._kiosk.recognised(self._who, Purpose.LEAVE)
        request = DeletionRequest(identification_id=leaving)
        self.receipt = self._kiosk.post("/deletions", request, DeletionReceipt)


@pytest.fixture
def leaves(served: Served, who: str) -> Leaves:
    return Leaves(served, who)


def remains(served: Served, leaves: Leaves) -> list[str]:
    work = remains_of(leaves.receipt.receipt_id, served.state, served.database)
    return [each for each in served.do(work) if "the payment provider" not in each]


@pytest.mark.parametrize("likeness", [1.0, 0.35], ids=["accepted", "asked for digits"])
def test_whoever_is_deleted_while_they_are_searched_for_is_not_recognised(
    served: Served, kiosk: TestDevice, who: str, leaves: Leaves, likeness: float
):
    kiosk.sign_up(who)
    with Meanwhile(served, "gallery", "search", leaves, before=False) as meanwhile:
        found = kiosk.identify(who, likeness=likeness)
    assert meanwhile.happened
    assert (found.outcome, found.customer) == (Outcome.ASK_AGAIN, None)
    assert remains(served, leaves) == []


@pytest.mark.parametrize("right", [True, False])
def test_a_claim_goes_with_an_account_that_is_deleted_while_the_palm_is_compared(
    served: Served, kiosk: TestDevice, who: str, leaves: Leaves, right: bool
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    claim = Claim(phone=phone, proof=Proof.PALM, purpose=Purpose.PAY)
    opened = kiosk.post("/claims", claim, ClaimOpened)
    shown = burst(who if right else f"not {who}")
    envelope = kiosk.seal(shown, Purpose.PAY, opened.claim_id)
    with (
        Meanwhile(served, "gallery", "verify", leaves, before=False) as meanwhile,
        pytest.raises(Refused) as refused,
    ):
        kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)
    assert meanwhile.happened
    assert refused.value.problem.type is ProblemType.NOT_FOUND
    # A failed proof would be counted against the person's id.
    assert remains(served, leaves) == []


def test_a_palm_that_is_deleted_while_it_is_compared_proves_nothing(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    person_id = served.person_id(phone)

    async def delete_palms() -> None:
        async with served.database.session() as session:
            person = await find_person(session, served.context.master, person_id)
            for palm in await palms_of(session, person):
                await erase_palm(session, person, palm.palm_id)
            await session.commit()

    claim = Claim(phone=phone, proof=Proof.PALM, purpose=Purpose.PAY)
    opened = kiosk.post("/claims", claim, ClaimOpened)
    envelope = kiosk.seal(burst(who), Purpose.PAY, opened.claim_id)
    delete = partial(served.do, delete_palms())
    with Meanwhile(served, "gallery", "verify", delete, before=False) as meanwhile:
        found = kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)
    assert meanwhile.happened
    assert (found.outcome, found.customer) == (Outcome.ASK_AGAIN, None)


def test_an_enrolment_is_gone_if_the_account_of_its_number_is_deleted_while_the_code_is_sent(
    served: Served, kiosk: TestDevice, who: str, leaves: Leaves
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    with (
        Meanwhile(served, "messenger", "send", leaves, before=False, about=phone) as meanwhile,
        pytest.raises(Refused) as refused,
    ):
        kiosk.begin_enrolment(phone)
    assert meanwhile.happened
    assert refused.value.problem.type is ProblemType.NOT_FOUND
    assert remains(served, leaves) == []


def test_a_purchase_that_was_not_paid_is_gone_if_its_person_is_deleted_before_the_answer(
    served: Served, kiosk: TestDevice, who: str, leaves: Leaves
):
    kiosk.sign_up(who, token="tok_chargeCustomerFail")
    sale = kiosk.sale(kiosk.recognised(who))
    declined = kiosk.post("/purchases", sale, Purchase)

    async def read() -> PurchaseRow:
        async with served.database.session() as session:
            return await session.get_one(PurchaseRow, declined.purchase_id)

    async def finish(row: PurchaseRow) -> None:
        async with served.database.session() as session:
            await settle(served.context, session, row)

    row = served.do(read())
    leaves()
    with pytest.raises(Refusal) as refused:
        served.do(finish(row))
    assert refused.value.problem.type is ProblemType.NOT_FOUND


def test_palms_of_somebody_who_was_deleted_do_not_return_to_the_gallery(
    served: Served, kiosk: TestDevice, who: str, leaves: Leaves
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    person_id = served.person_id(phone)

    async def read() -> list[Entry]:
        async with served.database.session() as session:
            person = await find_person(session, served.context.master, person_id)
            return await palms_of(session, person)

    palms = served.do(read())
    leaves()
    enrolled = len(served.context.gallery)
    served.do(add_to_gallery(served.context, palms))
    assert len(served.context.gallery) == enrolled
