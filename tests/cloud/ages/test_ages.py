"""Ages: staff see a document once, and the merchant's tills are told of it from then on."""

from datetime import datetime

import pytest
from sqlalchemy import select

from cloud.ages.tables import AgeRow
from protocol.messages import (
    Age,
    AgeCheck,
    AgeFlag,
    DeletionReceipt,
    DeletionRequest,
    Holdings,
    ProblemType,
    Purpose,
)
from tests.cloud.merchants.test_merchants import agree
from tests.support.device import TestDevice, refusal
from tests.support.served import Served


def saw(kiosk: TestDevice, who: str, over: Age, staff: str = "17") -> None:
    path = f"/identifications/{kiosk.recognised(who)}/age"
    sent = kiosk.send("PUT", path, AgeCheck(over=over, staff=staff).model_dump_json().encode())
    assert sent.status_code == 204, sent.text


def is_over(kiosk: TestDevice, who: str, age: int) -> bool:
    told = kiosk.get(f"/identifications/{kiosk.recognised(who)}/age/{age}", AgeFlag)
    assert told.over == age
    return told.seen


def rows(served: Served, staff: str) -> list[tuple[str, datetime]]:
    async def read() -> list[tuple[str, datetime]]:
        async with served.database.session() as session:
            found = await session.scalars(select(AgeRow).where(AgeRow.staff == staff))
            return [(row.device_id, row.at) for row in found]

    return served.do(read())


def test_an_age_that_staff_have_seen_is_told_from_then_on(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    assert not is_over(kiosk, who, 18)
    saw(kiosk, who, Age.EIGHTEEN)
    assert is_over(kiosk, who, 18)
    assert not is_over(kiosk, who, 21)


def test_who_is_over_21_is_over_18(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    saw(kiosk, who, Age.TWENTY_ONE)
    assert is_over(kiosk, who, 18)
    assert is_over(kiosk, who, 21)


def test_what_staff_see_later_takes_the_place_of_what_they_saw_before(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    saw(kiosk, who, Age.TWENTY_ONE)
    saw(kiosk, who, Age.EIGHTEEN)
    assert not is_over(kiosk, who, 21)


def test_who_saw_it_where_and_when_is_kept_and_nothing_else(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    saw(kiosk, who, Age.EIGHTEEN, staff="40917")
    ((device, at),) = rows(served, "40917")
    assert device == kiosk.id
    assert abs((served.context.clock() - at).total_seconds()) < 300
    columns = {column.name for column in AgeRow.__table__.columns}
    assert columns == {"person_id", "merchant_id", "sealed", "staff", "device_id", "at"}


def test_a_merchant_relies_on_its_own_staff_alone(served: Served, kiosk: TestDevice, who: str):
    elsewhere = served.kiosk(served.merchant(name="Florist", country="DE", currency="EUR"))
    kiosk.sign_up(who)
    saw(kiosk, who, Age.EIGHTEEN)
    agree(elsewhere, elsewhere.identify(who))
    assert not is_over(elsewhere, who, 18)
    saw(elsewhere, who, Age.TWENTY_ONE)
    assert not is_over(kiosk, who, 21)


@pytest.mark.parametrize("purpose", [Purpose.LEAVE, Purpose.IDENTIFY])
def test_only_a_palm_that_was_shown_to_pay_tells_of_an_age(
    kiosk: TestDevice, who: str, purpose: Purpose
):
    kiosk.sign_up(who)
    path = f"/identifications/{kiosk.recognised(who, purpose)}/age"
    check = AgeCheck(over=Age.EIGHTEEN, staff="17").model_dump_json().encode()
    for sent in (kiosk.send("PUT", path, check), kiosk.send("GET", f"{path}/18")):
        assert refusal(sent).type is ProblemType.NOT_ACCEPTED


@pytest.mark.parametrize("age", ["17", "16.5", "eighteen", "-18"])
def test_no_other_age_is_told(kiosk: TestDevice, who: str, age: str):
    kiosk.sign_up(who)
    sent = kiosk.send("GET", f"/identifications/{kiosk.recognised(who)}/age/{age}")
    assert refusal(sent).type is ProblemType.MALFORMED


def test_whoever_leaves_is_told_of_it_and_nothing_is_left(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    saw(kiosk, who, Age.EIGHTEEN, staff="40918")
    leaving = kiosk.recognised(who, Purpose.LEAVE)
    assert kiosk.get(f"/identifications/{leaving}/holdings", Holdings).ages == 1
    request = DeletionRequest(identification_id=leaving)
    receipt = kiosk.post("/deletions", request, DeletionReceipt)
    assert "that staff have seen your age, at merchants: 1" in receipt.erased
    assert rows(served, "40918") == []
