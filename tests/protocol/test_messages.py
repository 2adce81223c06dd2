"""Messages do not show personal data when they are printed or logged."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from protocol.messages import (
    Account,
    Activation,
    Card,
    CardToken,
    Claim,
    CodeEntry,
    Consent,
    Customer,
    EnrolmentRequest,
    Holdings,
    LastFour,
    Membership,
    Message,
    Money,
    Proof,
    Purpose,
)

DIGEST = "A" * 43 + "="
NOW = datetime(2026, 11, 28, tzinfo=UTC)
VISA = Card(brand="visa", last4="4242")


@pytest.mark.parametrize(
    ("message", "secret"),
    [
        (
            EnrolmentRequest(phone="+14155552671", consent=Consent(texts=[DIGEST], agreed_at=NOW)),
            "5552671",
        ),
        (Claim(phone="+14155552671", proof=Proof.CODE, purpose=Purpose.LEAVE), "5552671"),
        (CodeEntry(code="314159"), "314159"),
        (LastFour(phone_last4="2671"), "2671"),
        (Activation(activation_code="27182818", public_key="AAAA", name="Till 3"), "27182818"),
        (CardToken(token="tok_visa", holder="Alex Doe"), "tok_visa"),
        (CardToken(token="tok_visa", holder="Alex Doe"), "Alex"),
        (Account(name_hint="Alex D.", phone_last4="2671", card=VISA, palms=[]), "2671"),
        (Customer(name_hint="Alex D.", card=VISA), "Alex"),
        (Membership(code="2890000012345", scanned=True), "0012345"),
        (
            Holdings(
                name_hint="Alex D.",
                phone_last4="2671",
                palms=[],
                cards=[],
                purchases=0,
                member_since=NOW,
            ),
            "2671",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Message) else value,
)
def test_a_printed_message_hides_what_is_personal(message: Message, secret: str):
    assert secret not in repr(message)
    assert secret not in str(message)


@pytest.mark.parametrize("minor", [True, "12", 12.0, 12.5, None, 0, -1, 10**400])
def test_an_amount_is_a_whole_number_of_minor_units_and_nothing_like_one(minor: object):
    with pytest.raises(ValidationError):
        Money.model_validate({"minor": minor, "currency": "USD"})


@pytest.mark.parametrize("told", ["0", '"0"', '"1796064674"', "1796064674.5", "null", "true"])
def test_a_time_is_written_out_and_no_number(told: str):
    digest = "A" * 43 + "="
    written = f'{{"texts": ["{digest}"], "agreed_at": "2026-12-01T12:00:00Z"}}'
    assert Consent.model_validate_json(written).agreed_at == datetime(2026, 12, 1, 12, tzinfo=UTC)
    with pytest.raises(ValidationError):
        Consent.model_validate_json(written.replace('"2026-12-01T12:00:00Z"', told))


@pytest.mark.parametrize("infrared", ["yes", 1, "true"])
def test_a_truth_is_a_truth_and_nothing_like_one(infrared: object):
    fields = {"activation_code": "27182818", "public_key": "AAAA", "name": "Till 3"}
    with pytest.raises(ValidationError):
        Activation.model_validate({**fields, "infrared": infrared})
