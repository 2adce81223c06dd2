"""Palms that were recognised and not taken, which their person sees in the portal."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from cloud.db.tables import new_id
from cloud.jobs import housekeeping
from cloud.keys.persons import OpenPerson
from cloud.payments import purchases
from cloud.people import accounts, deletions
from cloud.policy import BOOKKEEPING, Limits
from cloud.recognition import identifications
from cloud.recognition.refusals import Why
from cloud.recognition.tables import Candidate, IdentificationRow, RefusedUseRow
from cloud.web import limits
from cloud.web.signed_request import Call
from protocol.messages import (
    Chargeable,
    LastFour,
    Money,
    Outcome,
    ProblemType,
    PurchaseRequest,
    Purpose,
)
from tests.cloud.portal.conftest import Do
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"
WORDS: dict[Why, str] = {
    "frozen": "Refused: your palms were frozen",
    "wrong_digits": "Refused: the digits of your number were wrong",
    "too_many": "Refused: too many purchases in an hour",
}


def recognises(person: OpenPerson, purpose: Purpose = Purpose.PAY) -> Callable[[Call], Any]:
    return lambda call: identifications.record(
        call,
        visit_id=new_id(),
        purpose=purpose,
        outcome=Outcome.ACCEPTED,
        attempts_left=0,
        person_id=person.person_id,
    )


async def freeze(portal: Portal, person: OpenPerson) -> None:
    async with portal.database.session() as session:
        await accounts.freeze(session, person, portal.now)
        await session.commit()


async def shown(portal: Portal, phone: str = PHONE) -> str:
    browser = portal.browser()
    await browser.sign_in(phone)
    return (await browser.open("/portal/history")).text


async def count(portal: Portal) -> int:
    async with portal.database.session() as session:
        return await session.scalar(select(func.count()).select_from(RefusedUseRow)) or 0


# What is kept


@pytest.mark.parametrize("purpose", [Purpose.PAY, Purpose.IDENTIFY, Purpose.CARDS])
async def test_a_palm_that_is_frozen_is_kept_with_merchant_and_time(
    portal: Portal, device: Do, purpose: Purpose
):
    person = await portal.account(PHONE)
    await freeze(portal, person)
    found = await device(recognises(person, purpose))
    assert found.outcome is Outcome.FROZEN
    page = await shown(portal)
    assert WORDS["frozen"] in page
    assert "<strong><bdi>Corner Shop</bdi></strong>" in page
    assert "29 November 2026, 12:00 UTC" in page


@pytest.mark.parametrize("is_frozen", [True, False])
async def test_leaving_is_no_refused_use_and_neither_is_what_was_taken(
    portal: Portal, device: Do, *, is_frozen: bool
):
    person = await portal.account(PHONE)
    if is_frozen:
        await freeze(portal, person)
    found = await device(recognises(person, Purpose.LEAVE if is_frozen else Purpose.PAY))
    assert found.outcome is Outcome.ACCEPTED
    assert await count(portal) == 0


async def test_a_purchase_beyond_the_limit_is_kept_once_however_often_it_is_tried(
    portal: Portal, device: Do
):
    person = await portal.account(PHONE)
    chargeable = Chargeable(currency="USD", least=1, most=10_000_000, step=1)
    portal.context.payments = cast(Any, SimpleNamespace(chargeable=lambda _: chargeable))
    for _ in range(Limits.PURCHASES.count):
        await device(
            lambda call: limits.spend(call.session, Limits.PURCHASES, person.person_id, call.now)
        )
    found = await device(recognises(person))
    asked = PurchaseRequest(
        identification_id=found.identification_id,
        amount=Money(minor=1250, currency="USD"),
        reference="sale-0001",
    )
    for _ in range(2):
        answer = await device(lambda call: purchases.buy(call, asked))
        assert answer is ProblemType.TOO_MANY_ATTEMPTS
    assert await count(portal) == 1
    assert WORDS["too_many"] in await shown(portal)


@pytest.mark.parametrize("candidates", [1, 2])
async def test_wrong_digits_are_told_only_where_nobody_else_may_have_been_meant(
    portal: Portal, device: Do, candidates: int
):
    people = [await portal.account(PHONE), await portal.account(OTHER)][:candidates]
    row = IdentificationRow(
        id=new_id(),
        merchant_id="first",
        device_id="kiosk",
        visit_id=new_id(),
        purpose=Purpose.PAY,
        outcome=Outcome.STEP_UP,
        attempts_left=3,
        pulse=False,
        expires_at=portal.now + timedelta(minutes=5),
    )
    await portal.add(row)
    for person in people:
        await portal.add(
            Candidate(identification_id=row.id, person_id=person.person_id, rarity=5.0)
        )
    for left in (2, 1, 0):
        assert await count(portal) == 0
        answer = await device(
            lambda call: identifications.step_up(call, row.id, LastFour(phone_last4="0000"))
        )
        assert answer is ProblemType.STEP_UP_FAILED
        async with portal.database.session() as session:
            assert (await session.get_one(IdentificationRow, row.id)).attempts_left == left
    assert await count(portal) == (1 if candidates == 1 else 0)
    assert (WORDS["wrong_digits"] in await shown(portal)) is (candidates == 1)


# What becomes of it


@pytest.mark.parametrize("why", WORDS)
async def test_it_stands_in_the_history_and_its_files(portal: Portal, why: Why):
    person = await portal.account(PHONE)
    await portal.buy(person)
    portal.pass_time(timedelta(minutes=1))
    other_shop = await portal.merchant("Book Shop")
    await portal.refuse(person, why, other_shop)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = (await browser.open("/portal/history")).text
    assert page.index(WORDS[why]) < page.index(">Paid<")
    filtered = (await browser.open(f"/portal/history?merchant={other_shop}")).text
    assert WORDS[why] in filtered
    assert ">Paid<" not in filtered
    table = (await browser.open("/portal/history.csv")).text.removeprefix("\ufeff")
    first = next(csv.DictReader(io.StringIO(table)))
    assert (first["kind"], first["merchant"], first["outcome"]) == ("refused", "Book Shop", why)
    assert first["amount"] == first["card"] == first["currency"] == ""


async def test_nobody_sees_the_refusals_of_others(portal: Portal):
    await portal.refuse(await portal.account(PHONE), "frozen")
    await portal.account(OTHER)
    assert "There is nothing here" in await shown(portal, OTHER)


async def test_why_a_palm_was_refused_is_stored_sealed(portal: Portal):
    await portal.refuse(await portal.account(PHONE), "wrong_digits")
    async with portal.database.session() as session:
        row = (await session.scalars(select(RefusedUseRow))).one()
    assert b"wrong" not in row.sealed


async def test_it_goes_with_its_person(portal: Portal):
    person = await portal.account(PHONE)
    await portal.refuse(person, "frozen")
    async with portal.database.session() as session:
        await deletions.erase_account(portal.context, session, person, portal.now)
        await session.commit()
    assert await count(portal) == 0


async def test_it_is_kept_as_long_as_a_purchase_and_no_longer(portal: Portal):
    await portal.refuse(await portal.account(PHONE), "frozen")
    portal.pass_time(BOOKKEEPING - timedelta(days=1))
    await housekeeping.end_retention(portal.context)
    assert await count(portal) == 1
    portal.pass_time(timedelta(days=1))
    await housekeeping.end_retention(portal.context)
    assert await count(portal) == 0
