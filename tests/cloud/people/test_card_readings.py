"""Cards that are tapped at a reader of Stripe's, at sign-up and later, as a kiosk asks for them."""

from collections.abc import Iterator

import pytest

from protocol.messages import (
    Account,
    AtReader,
    Card,
    CardReading,
    CardReadingState,
    ProblemType,
    Purpose,
    ReaderFault,
    Wallet,
)
from tests.support.device import Refused, TestDevice
from tests.support.plain_palms import burst
from tests.support.served import Served
from tests.support.stripe_api import stripe_in_place_of_the_sandbox
from tests.support.stripe_readers import READER, StripeWithReaders

HERE = AtReader(reader=READER)


@pytest.fixture
def api(served: Served, kiosk: TestDevice) -> Iterator[StripeWithReaders]:
    served.bind(kiosk, READER)
    api = StripeWithReaders()
    with stripe_in_place_of_the_sandbox(served, api):
        yield api
    served.bind(kiosk, None)


@pytest.fixture
def enrolment(kiosk: TestDevice) -> str:
    return kiosk.verified_enrolment()


def begun(kiosk: TestDevice, enrolment: str) -> str:
    """Has the reader wait, and returns the path at which it is asked for."""
    path = f"/enrolments/{enrolment}/card/readings"
    return f"{path}/{kiosk.post(path, HERE, CardReading).reading_id}"


def test_a_shopper_taps_a_card_and_has_an_account_with_it(
    kiosk: TestDevice, api: StripeWithReaders, enrolment: str, who: str
):
    path = begun(kiosk, enrolment)
    assert kiosk.get(path, CardReadingState) == CardReadingState(state="waiting")
    api.tap()
    card = Card(brand="visa", last4="4242")
    assert kiosk.get(path, CardReadingState) == CardReadingState(state="saved", card=card)
    kiosk.add_palm(enrolment, burst(who))
    account = kiosk.post(f"/enrolments/{enrolment}/completion", None, Account)
    assert (account.card, account.name_hint) == (card, "Alex D.")


def test_somebody_adds_a_second_card_at_the_reader(
    kiosk: TestDevice, api: StripeWithReaders, enrolment: str, who: str
):
    path = begun(kiosk, enrolment)
    api.tap()
    assert kiosk.get(path, CardReadingState).state == "saved"
    kiosk.add_palm(enrolment, burst(who))
    kiosk.post(f"/enrolments/{enrolment}/completion", None, Account)
    cards = f"/identifications/{kiosk.recognised(who, Purpose.CARDS)}/cards"
    readings = f"{cards}/readings"
    stopped = f"{readings}/{kiosk.post(readings, HERE, CardReading).reading_id}"
    assert kiosk.send("DELETE", readings).status_code == 204
    assert kiosk.get(stopped, CardReadingState).state == "lapsed"
    path = f"{readings}/{kiosk.post(readings, HERE, CardReading).reading_id}"
    assert kiosk.get(path, CardReadingState).state == "waiting"
    api.tap()
    assert kiosk.get(path, CardReadingState).state == "saved"
    assert len(kiosk.get(cards, Wallet).cards) == 2
    elsewhere = AtReader(reader="tmr_Counter2")
    with pytest.raises(Refused) as refused:
        kiosk.post(readings, elsewhere, CardReading)
    assert refused.value.problem.type is ProblemType.NOT_FOUND


def test_a_shopper_who_goes_back_leaves_a_reader_that_does_not_wait(
    served: Served, kiosk: TestDevice, api: StripeWithReaders, enrolment: str
):
    path = begun(kiosk, enrolment)
    assert kiosk.send("DELETE", f"/enrolments/{enrolment}/card/readings").status_code == 204
    assert kiosk.get(path, CardReadingState).state == "lapsed"


@pytest.mark.parametrize("fault", [ReaderFault.OFFLINE, ReaderFault.BUSY, ReaderFault.UNKNOWN])
def test_a_kiosk_hears_why_the_reader_takes_no_card(
    kiosk: TestDevice, api: StripeWithReaders, enrolment: str, fault: ReaderFault
):
    match fault:
        case ReaderFault.OFFLINE:
            api.readers[READER].online = False
        case ReaderFault.BUSY:
            api.readers[READER].busy = True
        case _:
            api.readers.clear()
    with pytest.raises(Refused) as refused:
        begun(kiosk, enrolment)
    problem = refused.value.problem
    assert (problem.type, problem.reader) == (ProblemType.READER_UNAVAILABLE, fault)
