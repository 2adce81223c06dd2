"""Stripe's units and limits (https://docs.stripe.com/currencies), and those of ISO 4217."""

import pytest
from iso4217 import Currency

from cloud.providers.stripe_units import (
    chargeable,
    from_stripes_units,
    in_stripes_units,
    refund_in_stripes_units,
)
from protocol.messages import Money


@pytest.mark.parametrize(
    ("minor", "currency", "units"),
    [
        (1250, "USD", 1250),
        (500, "JPY", 500),
        # 5,000 shillings and 5 króna have no minor unit, and Stripe counts their hundredths.
        (5000, "UGX", 500_000),
        (5, "ISK", 500),
        # Charges in forints and Taiwan dollars have two decimals; only payouts have none.
        (17_550, "HUF", 17_550),
        (1045, "TWD", 1045),
        (5120, "KWD", 5120),
        # The ariary has two decimals in ISO 4217 and none at Stripe.
        (50_000, "MGA", 500),
        (12_500_000, "COP", 12_500_000),
        (50_000, "VND", 50_000),
        (1_500_000_000, "IDR", 1_500_000_000),
    ],
)
def test_amounts_are_sent_in_stripes_units(minor: int, currency: str, units: int):
    amount = Money(minor=minor, currency=currency)
    assert in_stripes_units(amount) == units
    assert from_stripes_units(units, currency.lower()) == amount


@pytest.mark.parametrize(
    ("minor", "currency", "units"),
    [
        # Less than Stripe charges.
        (1, "USD", 1),
        (1, "JPY", 1),
        (1, "ISK", 100),
        (10, "KWD", 10),
        (100, "MGA", 1),
    ],
)
def test_refunds_are_sent_in_stripes_units_however_small(minor: int, currency: str, units: int):
    assert refund_in_stripes_units(Money(minor=minor, currency=currency)) == units


@pytest.mark.parametrize(("minor", "currency"), [(15, "KWD"), (50, "MGA"), (1000, "IQD")])
def test_a_refund_that_stripe_does_not_count_is_not_sent(minor: int, currency: str):
    with pytest.raises(ValueError, match="does not refund"):
        refund_in_stripes_units(Money(minor=minor, currency=currency))


@pytest.mark.parametrize(
    ("minor", "currency"),
    [
        (49, "USD"),
        (29, "GBP"),
        (49, "JPY"),
        (17_499, "HUF"),
        (999, "MXN"),
        (5124, "KWD"),
        (50_050, "MGA"),
        (100_000_000, "USD"),
        (1_000_000, "ISK"),
        (1_000_000, "UGX"),
        (100_000_000, "KWD"),
        (1000, "IQD"),
        (1000, "LYD"),
        (1000, "XTS"),
        (1000, "GPB"),
    ],
)
def test_an_amount_that_stripe_does_not_charge_is_not_sent(minor: int, currency: str):
    amount = Money(minor=minor, currency=currency)
    carried = chargeable(currency)
    assert carried is None or carried.refusal(amount)
    with pytest.raises(ValueError, match="does not charge"):
        in_stripes_units(amount)


@pytest.mark.parametrize("currency", [currency.code for currency in Currency])
def test_the_limits_of_every_currency_can_themselves_be_charged(currency: str):
    carried = chargeable(currency)
    if carried is not None:
        for minor in (carried.least, carried.most, carried.at_least(450)):
            assert in_stripes_units(Money(minor=minor, currency=currency)) >= 1
        assert carried.least <= carried.most


def test_rupiahs_go_up_to_twelve_digits_and_others_up_to_eight():
    assert {c: carried.most for c in ("IDR", "USD", "COP") if (carried := chargeable(c))} == {
        "IDR": 999_999_999_999,
        "USD": 99_999_999,
        "COP": 99_999_999,
    }


def test_a_sale_in_another_currency_is_refused():
    dollars = chargeable("USD")
    assert dollars
    assert "EUR" in (dollars.refusal(Money(minor=1250, currency="EUR")) or "")
