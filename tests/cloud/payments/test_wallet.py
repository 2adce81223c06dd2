"""The cards of an account at the service's API, and the purchases that they pay."""

import pytest
from httpx import Response

from cloud.jobs.errands import run_errands
from cloud.payments.purchases import settle_purchases
from cloud.people.deletions import remains_of
from cloud.policy import CARDS, Limits
from protocol.messages import (
    Card,
    CardToken,
    DeletionReceipt,
    DeletionRequest,
    Holdings,
    ProblemType,
    Purchase,
    PurchaseRequest,
    Purpose,
    Wallet,
)
from tests.support.books import listed
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.failing import Failing
from tests.support.served import Served

VISA, MASTERCARD = Card(brand="visa", last4="4242"), Card(brand="mastercard", last4="4444")


@pytest.fixture(autouse=True)
def nothing_is_finished_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has housekeeping do nothing by itself."""
    monkeypatch.setattr("cloud.jobs.housekeeping.ROUND", ())


def managing(kiosk: TestDevice, who: str) -> str:
    """Returns the path of the cards of somebody who has shown their palm."""
    return f"/identifications/{kiosk.recognised(who, Purpose.CARDS)}/cards"


def add(kiosk: TestDevice, path: str, token: str = "tok_mastercard") -> Wallet:
    return kiosk.post(path, CardToken(token=token), Wallet)


def change(kiosk: TestDevice, method: str, path: str) -> Wallet:
    answer = kiosk.send(method, path)
    if answer.is_error:
        raise Refused(answer)
    return Wallet.model_validate_json(answer.content)


def shown(wallet: Wallet) -> list[Card]:
    return [own.card for own in wallet.cards]


def charged_card(served: Served, sale: PurchaseRequest) -> str:
    """Returns the last digits of the card that the provider has charged for a sale."""
    (intent,) = [
        intent
        for intent in listed(served, "payment_intents")
        if intent["metadata"].get("purchase") == sale.identification_id
    ]
    (method,) = [
        method
        for method in listed(served, "payment_methods", customer=intent["customer"], type="card")
        if method["id"] == intent["payment_method"]
    ]
    return method["card"]["last4"]


def buy(kiosk: TestDevice, who: str, card_id: str | None = None) -> Purchase:
    sale = kiosk.sale(kiosk.recognised(who), card_id=card_id)
    return kiosk.post("/purchases", sale, Purchase)


def test_a_card_that_is_added_can_be_chosen_and_the_first_pays_by_default(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    path = managing(kiosk, who)
    assert shown(kiosk.get(path, Wallet)) == [VISA]
    wallet = add(kiosk, path)
    assert shown(wallet) == [VISA, MASTERCARD]
    customer = kiosk.identify(who).customer
    assert customer is not None
    assert (customer.card, customer.cards) == (VISA, wallet.cards)
    assert buy(kiosk, who).card == VISA
    sale = kiosk.sale(kiosk.recognised(who), card_id=wallet.cards[1].card_id)
    assert kiosk.post("/purchases", sale, Purchase).card == MASTERCARD
    assert charged_card(served, sale) == MASTERCARD.last4


def test_a_card_that_is_put_first_pays_by_default(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    path = managing(kiosk, who)
    second = add(kiosk, path).cards[1]
    assert shown(change(kiosk, "PUT", f"{path}/{second.card_id}/default")) == [MASTERCARD, VISA]
    assert buy(kiosk, who).card == MASTERCARD


def test_a_card_that_is_removed_is_forgotten_by_the_provider_and_pays_no_more(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    path = managing(kiosk, who)
    second = add(kiosk, path).cards[1]
    before = len(listed(served, "customers"))
    for _ in range(2):
        assert shown(change(kiosk, "DELETE", f"{path}/{second.card_id}")) == [VISA]
    served.do(run_errands(served.context))
    assert len(listed(served, "customers")) == before - 1
    with pytest.raises(Refused) as refused:
        buy(kiosk, who, second.card_id)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_the_last_card_cannot_be_removed(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    path = managing(kiosk, who)
    (only,) = kiosk.get(path, Wallet).cards
    with pytest.raises(Refused) as refused:
        change(kiosk, "DELETE", f"{path}/{only.card_id}")
    assert refused.value.problem.type is ProblemType.CONFLICT
    assert shown(kiosk.get(path, Wallet)) == [VISA]


def test_no_card_is_removed_while_a_payment_is_completed(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    path = managing(kiosk, who)
    second = add(kiosk, path).cards[1]
    sale = kiosk.sale(kiosk.recognised(who), card_id=second.card_id)
    with Failing(served, "begin", works=False), pytest.raises(Refused):
        kiosk.post("/purchases", sale, Purchase)
    with pytest.raises(Refused) as refused:
        change(kiosk, "DELETE", f"{path}/{second.card_id}")
    assert refused.value.problem.type is ProblemType.CONFLICT
    served.do(settle_purchases(served.context))
    bought = kiosk.get(f"/purchases/{sale.reference}", Purchase)
    assert (bought.outcome, bought.card) == ("approved", MASTERCARD)


def test_a_request_that_is_to_come_again_is_done_when_it_does(
    served: Served, kiosk: TestDevice, who: str
):
    def remove() -> Response:
        named = {"idempotency-key": "remove-the-card"}
        return kiosk.send("DELETE", f"{path}/{second.card_id}", headers=named)

    kiosk.sign_up(who)
    path = managing(kiosk, who)
    second = add(kiosk, path).cards[1]
    sale = kiosk.sale(kiosk.recognised(who), card_id=second.card_id)
    with Failing(served, "begin", works=False), pytest.raises(Refused):
        kiosk.post("/purchases", sale, Purchase)
    assert refusal(remove()).retry_after
    served.do(settle_purchases(served.context))
    assert remove().is_success


def test_the_card_that_was_confirmed_pays_even_when_another_is_put_first_meanwhile(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    path = managing(kiosk, who)
    second = add(kiosk, path).cards[1]
    sale = kiosk.sale(kiosk.recognised(who))
    with Failing(served, "begin", works=False), pytest.raises(Refused):
        kiosk.post("/purchases", sale, Purchase)
    change(kiosk, "PUT", f"{path}/{second.card_id}/default")
    served.do(settle_purchases(served.context))
    assert kiosk.get(f"/purchases/{sale.reference}", Purchase).card == VISA
    assert charged_card(served, sale) == VISA.last4


def test_a_reference_is_bought_once_with_the_card_of_the_first_request(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    second = add(kiosk, managing(kiosk, who)).cards[1]
    sale = kiosk.sale(kiosk.recognised(who), card_id=second.card_id)
    bought = kiosk.post("/purchases", sale, Purchase)
    assert kiosk.post("/purchases", sale, Purchase) == bought
    (first,) = [own for own in kiosk.get(managing(kiosk, who), Wallet).cards if own != second]
    other = sale.model_copy(update={"card_id": first.card_id})
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", other, Purchase)
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_a_palm_shown_to_pay_or_to_leave_changes_no_cards(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    for purpose in (Purpose.PAY, Purpose.LEAVE):
        path = f"/identifications/{kiosk.recognised(who, purpose)}/cards"
        assert refusal(kiosk.send("GET", path)).type is ProblemType.NOT_ACCEPTED
    sale = kiosk.sale(kiosk.recognised(who, Purpose.CARDS))
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", sale, Purchase)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_the_cards_of_somebody_else_cannot_be_named(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    add(kiosk, managing(kiosk, who))
    another = f"{who} and another"
    kiosk.sign_up(another, phone=fresh_phone())
    (theirs,) = kiosk.get(managing(kiosk, another), Wallet).cards
    path = managing(kiosk, who)
    assert refusal(kiosk.send("PUT", f"{path}/{theirs.card_id}/default")).status == 404
    change(kiosk, "DELETE", f"{path}/{theirs.card_id}")
    assert len(kiosk.get(managing(kiosk, another), Wallet).cards) == 1
    with pytest.raises(Refused):
        buy(kiosk, who, theirs.card_id)


def test_there_is_an_end_to_cards_and_to_trying_them(served: Served, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    path = managing(kiosk, who)
    tokens = ["tok_mastercard", "tok_chargeCustomerFail", "tok_threeDSecureRequired"]
    wallets = [add(kiosk, path, token) for token in tokens]
    assert [wallet.full for wallet in wallets] == [False, False, True]
    assert len(wallets[-1].cards) == CARDS
    with pytest.raises(Refused) as refused:
        add(kiosk, path, "tok_visa")
    assert refused.value.problem.type is ProblemType.CONFLICT
    change(kiosk, "DELETE", f"{path}/{wallets[-1].cards[-1].card_id}")
    served.tally(Limits.CARDS, served.person_id(phone), Limits.CARDS.count)
    with pytest.raises(Refused) as refused:
        add(kiosk, path, "tok_threeDSecureRequired")
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_card_that_is_refused_changes_nothing(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    path = managing(kiosk, who)
    with pytest.raises(Refused) as refused:
        add(kiosk, path, "tok_chargeDeclined")
    assert refused.value.problem.type is ProblemType.CARD_REFUSED
    assert shown(kiosk.get(path, Wallet)) == [VISA]


def test_a_card_serves_at_every_merchant(served: Served, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    wallet = add(kiosk, managing(kiosk, who))
    other = served.kiosk(served.merchant())
    known = other.identify(who)
    assert known.customer is None, "nothing is told before the person agrees"
    agreed = other.send(
        "POST",
        f"/identifications/{known.identification_id}/agreement",
        other.consent().model_dump_json().encode(),
    )
    assert agreed.is_success
    sale = other.sale(known.identification_id, card_id=wallet.cards[1].card_id)
    assert other.post("/purchases", sale, Purchase).card == MASTERCARD


def test_all_cards_are_listed_and_forgotten_when_their_person_leaves(
    served: Served, kiosk: TestDevice, who: str
):
    served.do(run_errands(served.context))
    before = len(listed(served, "customers"))
    kiosk.sign_up(who)
    add(kiosk, managing(kiosk, who))
    leaving = kiosk.recognised(who, Purpose.LEAVE)
    holdings = kiosk.get(f"/identifications/{leaving}/holdings", Holdings)
    assert holdings.cards == [VISA, MASTERCARD]
    request = DeletionRequest(identification_id=leaving)
    receipt = kiosk.post("/deletions", request, DeletionReceipt)
    assert any(line.startswith("cards: 2;") for line in receipt.erased)
    served.do(run_errands(served.context))
    assert len(listed(served, "customers")) == before
    assert served.do(remains_of(receipt.receipt_id, served.state, served.database)) == []
