"""One service for many merchants: whose a device is, and one palm for all of them."""

from typing import Any

import pytest

from cloud.console import acts
from cloud.console.audit import By, Door
from cloud.merchants.merchants import add_site
from cloud.merchants.tables import FIRST
from cloud.people.tables import AgreementRow
from cloud.web.devices import DeviceRow
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Holdings,
    Identification,
    Outcome,
    ProblemType,
    Purchase,
    Purpose,
)
from tests.support.device import Refused, TestDevice
from tests.support.served import Served


@pytest.fixture
def elsewhere(served: Served) -> TestDevice:
    """A device of a merchant at whom nobody has agreed to anything."""
    return served.kiosk(served.merchant(name="Florist", country="DE", currency="EUR"))


def agree(kiosk: TestDevice, asked: Identification, **changes: Any) -> Identification:
    path = f"/identifications/{asked.identification_id}/agreement"
    return kiosk.post(path, kiosk.consent(**changes), Identification)


# Devices


def test_a_device_becomes_one_of_the_merchant_whose_code_activates_it(served: Served):
    site = served.merchant(name="Florist", country="DE", currency="EUR")
    told = served.device().activate(served.activation_code(site))
    assert (told.merchant, told.country, told.currency) == ("Florist", "DE", "EUR")
    assert served.device().activate(served.activation_code()).merchant == "Corner Shop"


def test_a_device_that_is_replaced_works_until_the_other_is_activated(served: Served, who: str):
    old = served.kiosk()
    old.sign_up(who)
    bought = old.post("/purchases", old.sale(old.recognised(who)), Purchase)
    code = served.activation_code(replaces=old.id)
    assert old.get(f"/purchases/{bought.reference}", Purchase) == bought
    new = served.device()
    new.activate(code)
    with pytest.raises(Refused) as refused:
        old.get(f"/purchases/{bought.reference}", Purchase)
    assert refused.value.problem.type is ProblemType.UNKNOWN_DEVICE
    assert new.get(f"/purchases/{bought.reference}", Purchase) == bought


def test_a_device_that_was_moved_to_another_site_is_not_replaced_by_a_code_of_before(
    served: Served,
):
    old = served.kiosk()
    code = served.activation_code(replaces=old.id)
    site_id = served.do(moved_elsewhere(served, old.id))
    new = served.device()
    new.activate(code)
    row = served.do(row_of(served, old.id))
    assert (row.site_id, row.revoked_at) == (site_id, None)
    assert served.do(row_of(served, new.id)).site_id == FIRST


async def moved_elsewhere(served: Served, device_id: str) -> str:
    """Moves a device as the console does, and returns the id of its new site."""
    async with served.context.database.session() as session:
        site = await add_site(session, FIRST, "Airport")
        device = await session.get_one(DeviceRow, device_id)
        by = By(Door.COMMAND, "ops", served.context.clock())
        await acts.move_device(session, by, device, site)
        await session.commit()
        return site.id


async def row_of(served: Served, device_id: str) -> DeviceRow:
    async with served.context.database.reading() as session:
        return await session.get_one(DeviceRow, device_id)


def test_a_device_that_comes_to_another_merchant_leaves_what_it_knew_behind(
    served: Served, who: str
):
    moving = served.kiosk()
    moving.sign_up(who)
    found = moving.recognised(who)
    begun = moving.verified_enrolment()
    bought = moving.post("/purchases", moving.sale(moving.recognised(who)), Purchase)
    moving.activate(served.activation_code(served.merchant()))
    for ask in (
        lambda: moving.get(f"/purchases/{bought.reference}", Purchase),
        lambda: moving.post("/purchases", moving.sale(found), Purchase),
        lambda: moving.add_card(begun),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.problem.type is ProblemType.NOT_FOUND


def test_the_service_tells_its_limits_in_the_currency_that_is_asked_for(served: Served):
    told = served.device().http.get("/v1/service?currency=JPY").json()["chargeable"]
    assert (told["currency"], told["step"]) == ("JPY", 1)
    assert served.device().info().chargeable.currency == "USD"  # pyright: ignore[reportOptionalMemberAccess]


# One palm for many merchants


def test_whoever_has_not_agreed_is_asked_and_nothing_about_them_is_told(
    kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    asked = elsewhere.identify(who)
    assert (asked.outcome, asked.customer) == (Outcome.ASK_CONSENT, None)


def test_nothing_can_be_charged_before_somebody_has_agreed(
    kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    asked = elsewhere.identify(who).identification_id
    with pytest.raises(Refused) as refused:
        elsewhere.post("/purchases", elsewhere.sale(asked, currency="EUR"), Purchase)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_whoever_agrees_pays_there_and_is_not_asked_again(
    kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    agreed = agree(elsewhere, elsewhere.identify(who))
    assert agreed.outcome is Outcome.ACCEPTED
    assert agreed.customer is not None
    assert agreed.customer.name_hint == "Alex D."
    sale = elsewhere.sale(agreed.identification_id, currency="EUR")
    assert elsewhere.post("/purchases", sale, Purchase).outcome == "approved"
    assert elsewhere.identify(who).outcome is Outcome.ACCEPTED
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


def test_an_agreement_is_for_one_merchant_only(
    served: Served, kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    agree(elsewhere, elsewhere.identify(who))
    assert served.kiosk(served.merchant()).identify(who).outcome is Outcome.ASK_CONSENT


def test_digits_do_not_stand_in_for_an_agreement(
    kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    account = kiosk.sign_up(who)
    doubtful = elsewhere.identify(who, likeness=0.35)
    assert doubtful.outcome is Outcome.STEP_UP
    path = f"/identifications/{doubtful.identification_id}/step-up"
    digits = f'{{"phone_last4": "{account.phone_last4}"}}'.encode()
    told = elsewhere.send("POST", path, digits)
    answered = Identification.model_validate_json(told.content)
    assert (answered.outcome, answered.customer) == (Outcome.ASK_CONSENT, None)


def test_an_agreement_that_nobody_was_asked_for_is_refused(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    with pytest.raises(Refused) as refused:
        agree(kiosk, kiosk.identify(who))
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_an_agreement_to_another_wording_is_refused(
    served: Served, kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    agreed = served.count(AgreementRow)
    with pytest.raises(Refused) as refused:
        agree(elsewhere, elsewhere.identify(who), texts=["A" * 43 + "="])
    assert refused.value.problem.type is ProblemType.CONFLICT
    assert served.count(AgreementRow) == agreed


# Leaving


def test_whoever_leaves_elsewhere_has_everything_deleted_at_all_merchants(
    served: Served, kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    agreed = served.count(AgreementRow)
    kiosk.sign_up(who)
    agree(elsewhere, elsewhere.identify(who))
    leaving = elsewhere.recognised(who, Purpose.LEAVE)
    held = elsewhere.get(f"/identifications/{leaving}/holdings", Holdings)
    assert held.merchants == 2
    receipt = elsewhere.post(
        "/deletions", DeletionRequest(identification_id=leaving), DeletionReceipt
    )
    assert "your consent, at merchants: 2" in receipt.erased
    assert served.count(AgreementRow) == agreed
    assert kiosk.identify(who).outcome is not Outcome.ACCEPTED


def test_whoever_leaves_where_they_never_agreed_is_told_how_much_is_held_and_not_what(
    kiosk: TestDevice, elsewhere: TestDevice, who: str
):
    kiosk.sign_up(who)
    found = elsewhere.identify(who, Purpose.LEAVE)
    assert (found.outcome, found.customer) == (Outcome.ACCEPTED, None)
    held = elsewhere.get(f"/identifications/{found.identification_id}/holdings", Holdings)
    assert (held.name_hint, held.phone_last4, held.cards) == ("", "", [None])
    request = DeletionRequest(identification_id=found.identification_id)
    elsewhere.post("/deletions", request, DeletionReceipt)
    assert kiosk.identify(who).outcome is not Outcome.ACCEPTED
