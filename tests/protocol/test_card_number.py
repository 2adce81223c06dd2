"""No number of a card fits into a message."""

import pytest
from pydantic import ValidationError

from protocol import messages
from protocol.card_number import holds_payment_card, may_hold_number
from protocol.messages import CardPurchaseRequest, CardToken, Message, Money
from tests.support.card_fields import FOR_NUMBERS

NUMBERS = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "378282246310005",
    "pan=5555555555554444;",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_seen_however_it_is_written(number: str):
    assert may_hold_number(number)


@pytest.mark.parametrize("text", ["tok_visa", "pm_1N2b3C4d5E6f", "4242", "Alex Doe", "2026-11-29"])
def test_what_is_none_is_let_through(text: str):
    assert not may_hold_number(text)


@pytest.mark.parametrize("number", [*NUMBERS, "6011111111111117", "30569309025904"])
def test_the_number_of_a_payment_card_is_told_from_other_long_numbers(number: str):
    assert holds_payment_card(number)


@pytest.mark.parametrize(
    "number",
    [
        "4242424242424241",  # a wrong check digit
        "4006381333931",  # EAN-13, as on many membership cards
        "6275980012345678903",  # ISO/IEC 7812, of a shop
        "9820123456789",
        "FL-20482",
    ],
)
def test_the_number_of_a_membership_card_is_let_through(number: str):
    assert not holds_payment_card(number)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["token", "holder"])
def test_a_terminal_cannot_pass_a_number_on(field: str, number: str):
    with pytest.raises(ValidationError):
        CardToken(**{"token": "tok_visa", field: number})


@pytest.mark.parametrize("number", NUMBERS)
def test_a_terminal_cannot_pay_with_a_number(number: str):
    sale = {"amount": Money(minor=1250, currency="USD"), "reference": "sale-no-1"}
    assert CardPurchaseRequest(**sale, token="tok_visa").token == "tok_visa"
    with pytest.raises(ValidationError) as refused:
        CardPurchaseRequest(**sale, token=number)
    assert number not in str(refused.value)


@pytest.mark.parametrize("taken_by", [{}, {"reader": "tmr_Counter1", "token": "tok_visa"}])
def test_a_card_is_taken_by_a_reader_or_a_terminal_and_not_by_both(taken_by: dict[str, str]):
    amount = Money(minor=1250, currency="USD")
    with pytest.raises(ValidationError):
        CardPurchaseRequest(amount=amount, reference="sale-no-1", **taken_by)


def test_no_message_has_a_field_for_a_number():
    kinds = [kind for kind in vars(messages).values() if isinstance(kind, type)]
    fields = {
        f"{kind.__name__}.{name}"
        for kind in kinds
        if issubclass(kind, Message)
        for name in kind.model_fields
        if set(name.split("_")) & FOR_NUMBERS
    }
    assert fields == set()
