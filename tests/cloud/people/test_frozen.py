"""Palms that their person has frozen in the portal."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.persons import OpenPerson, find_person
from cloud.people.accounts import freeze, unfreeze
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
from tests.support import plain_palms
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.served import Served

Change = Callable[[AsyncSession, OpenPerson], Coroutine[Any, Any, Any]]


def change(served: Served, phone: str, make: Change) -> None:
    """Does to a person's account what the portal does."""
    person_id = served.person_id(phone)

    async def write() -> None:
        async with served.database.session() as session:
            await make(session, await find_person(session, served.context.master, person_id))
            await session.commit()

    served.do(write())


def freeze_palms(served: Served, phone: str) -> None:
    change(served, phone, lambda session, person: freeze(session, person, served.context.clock()))


def test_a_frozen_palm_is_refused_at_once_and_tells_nothing_of_its_person(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    freeze_palms(served, phone)
    for purpose in (Purpose.PAY, Purpose.IDENTIFY):
        found = kiosk.identify(who, purpose)
        assert (found.outcome, found.customer) == (Outcome.FROZEN, None)
    change(served, phone, unfreeze)
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


def test_a_frozen_palm_is_refused_with_its_number_too(served: Served, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    freeze_palms(served, phone)
    claim = Claim(phone=phone, proof=Proof.PALM, purpose=Purpose.PAY)
    opened = kiosk.post("/claims", claim, ClaimOpened)
    envelope = kiosk.seal(plain_palms.burst(who), Purpose.PAY, opened.claim_id)
    found = kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)
    assert found.outcome is Outcome.FROZEN


def test_somebody_who_was_recognised_before_does_not_pay_afterwards(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    sale = kiosk.sale(kiosk.recognised(who))
    freeze_palms(served, phone)
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", sale, Purchase)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_a_frozen_palm_leaves(served: Served, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    freeze_palms(served, phone)
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    kiosk.post("/deletions", request, DeletionReceipt)
