"""Cards on file: whatever is interrupted, the provider keeps no card that nobody knows of."""

import asyncio
from datetime import timedelta

import pytest

from cloud.context import Context
from cloud.jobs import errands
from cloud.jobs.errands import run_errands
from cloud.payments.cards import FORGET_UNLESS_KEPT
from cloud.people.enrolments import erase_expired
from cloud.policy import ENROLMENT_LIFE, KEEPING_PATIENCE
from protocol.messages import Account, ProblemType, Purchase
from tests.support.books import listed
from tests.support.device import Refused, TestDevice
from tests.support.failing import Failing
from tests.support.meanwhile import Meanwhile
from tests.support.plain_palms import burst
from tests.support.served import Served


class NewCustomers:
    """The customers that the provider keeps and did not keep before."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._before = self._all()

    def __call__(self) -> int:
        return len(self._all() - self._before)

    def _all(self) -> set[str]:
        return {customer["id"] for customer in listed(self._served, "customers")}


@pytest.fixture
def customers(served: Served) -> NewCustomers:
    served.do(run_errands(served.context))
    return NewCustomers(served)


def later(served: Served, kiosk: TestDevice, by: timedelta) -> None:
    """Moves the clocks, and runs the errands that are due then."""
    served.ahead = kiosk.ahead = by
    served.do(run_errands(served.context))


def refused_as(kiosk: TestDevice, enrolment_id: str, token: str = "tok_visa") -> ProblemType:
    with pytest.raises(Refused) as refused:
        kiosk.add_card(enrolment_id, token)
    return refused.value.problem.type


def test_a_card_that_is_stored_is_not_forgotten(
    served: Served, kiosk: TestDevice, who: str, customers: NewCustomers
):
    kiosk.sign_up(who)
    later(served, kiosk, KEEPING_PATIENCE)
    assert customers() == 1
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    assert bought.outcome == "approved"


def test_a_card_whose_keeping_was_not_answered_is_forgotten_after_a_while(
    served: Served, kiosk: TestDevice, customers: NewCustomers
):
    enrolment_id = kiosk.verified_enrolment()
    with Failing(served, "keep", works=True):
        assert refused_as(kiosk, enrolment_id) is ProblemType.PROVIDER_UNAVAILABLE
    later(served, kiosk, KEEPING_PATIENCE - timedelta(seconds=30))
    assert customers() == 1, "it may still be asked for again"
    later(served, kiosk, KEEPING_PATIENCE)
    assert customers() == 0


def test_a_card_whose_keeping_is_repeated_is_kept_once_and_not_forgotten(
    served: Served, kiosk: TestDevice, who: str, customers: NewCustomers
):
    enrolment_id = kiosk.verified_enrolment()
    with Failing(served, "keep", works=True):
        assert refused_as(kiosk, enrolment_id) is ProblemType.PROVIDER_UNAVAILABLE
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, burst(who))
    kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    later(served, kiosk, KEEPING_PATIENCE)
    assert customers() == 1
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    assert bought.outcome == "approved"


def test_a_card_that_is_refused_when_its_customer_exists_is_forgotten(
    served: Served, kiosk: TestDevice, customers: NewCustomers
):
    enrolment_id = kiosk.verified_enrolment()
    assert refused_as(kiosk, enrolment_id, "tok_chargeDeclined") is ProblemType.CARD_REFUSED
    served.do(run_errands(served.context))
    assert customers() == 0


def test_a_card_that_is_replaced_by_another_is_forgotten_and_the_other_kept(
    served: Served, kiosk: TestDevice, customers: NewCustomers
):
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id, "tok_visa")
    kiosk.add_card(enrolment_id, "tok_mastercard")
    later(served, kiosk, KEEPING_PATIENCE)
    assert customers() == 1


def test_the_same_token_again_does_not_make_its_customer_forgotten(
    served: Served, kiosk: TestDevice, who: str, customers: NewCustomers
):
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id, "tok_visa")
    kiosk.add_card(enrolment_id, "tok_visa")
    kiosk.add_palm(enrolment_id, burst(who))
    kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    later(served, kiosk, KEEPING_PATIENCE)
    assert customers() == 1
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    assert bought.outcome == "approved"


def test_a_card_that_comes_too_late_is_not_stored_and_is_forgotten(
    served: Served, kiosk: TestDevice, customers: NewCustomers
):
    enrolment_id = kiosk.verified_enrolment()

    def wait() -> None:
        served.ahead = KEEPING_PATIENCE

    with Meanwhile(served, "payments", "keep", wait, before=False):
        assert refused_as(kiosk, enrolment_id) is ProblemType.PROVIDER_UNAVAILABLE
    later(served, kiosk, KEEPING_PATIENCE)
    assert customers() == 0
    assert kiosk.add_card(enrolment_id).last4 == "4242"


def test_a_card_of_an_enrolment_that_is_cancelled_meanwhile_is_forgotten_at_once(
    served: Served, kiosk: TestDevice, customers: NewCustomers
):
    enrolment_id = kiosk.verified_enrolment()

    def cancel() -> None:
        assert kiosk.send("DELETE", f"/enrolments/{enrolment_id}").status_code == 204

    with Meanwhile(served, "payments", "keep", cancel, before=False):
        assert refused_as(kiosk, enrolment_id) is ProblemType.NOT_FOUND
    served.do(run_errands(served.context))
    assert customers() == 0


def test_a_card_of_an_expired_enrolment_is_forgotten(
    served: Served, kiosk: TestDevice, customers: NewCustomers
):
    kiosk.add_card(kiosk.verified_enrolment())
    served.ahead = kiosk.ahead = ENROLMENT_LIFE
    served.do(erase_expired(served.context))
    served.do(run_errands(served.context))
    assert customers() == 0


def test_a_card_that_cannot_be_forgotten_now_is_forgotten_later(
    served: Served, kiosk: TestDevice, customers: NewCustomers
):
    enrolment_id = kiosk.verified_enrolment()
    with Failing(served, "keep", works=True):
        assert refused_as(kiosk, enrolment_id) is ProblemType.PROVIDER_UNAVAILABLE
    with Failing(served, "forget_kept", works=False):
        later(served, kiosk, KEEPING_PATIENCE)
    later(served, kiosk, KEEPING_PATIENCE + timedelta(hours=1))
    assert customers() == 0


def test_a_card_is_not_asked_for_again_while_it_is_being_forgotten(
    served: Served, kiosk: TestDevice, monkeypatch: pytest.MonkeyPatch
):
    enrolment_id = kiosk.verified_enrolment()
    with Failing(served, "keep", works=True):
        assert refused_as(kiosk, enrolment_id) is ProblemType.PROVIDER_UNAVAILABLE
    asked: list[ProblemType] = []
    run = errands.RUNNERS[FORGET_UNLESS_KEPT]

    async def asked_meanwhile(context: Context, payload: bytes) -> None:
        asked.append(await asyncio.to_thread(refused_as, kiosk, enrolment_id))
        await run(context, payload)

    monkeypatch.setattr(errands, "RUNNERS", {FORGET_UNLESS_KEPT: asked_meanwhile})
    later(served, kiosk, KEEPING_PATIENCE)
    assert asked == [ProblemType.PROVIDER_UNAVAILABLE]
