import pytest
from PySide6.QtCore import QLocale

from protocol.messages import Money
from ui.money import spoken


@pytest.fixture(autouse=True)
def english() -> None:
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))


@pytest.mark.parametrize(
    ("minor", "currency", "read"),
    [
        (1250, "USD", "$12.50"),
        (1, "EUR", "€0.01"),
        (99_999_999, "GBP", "£999,999.99"),
        (1250, "JPY", "¥1,250"),
        (1250, "KWD", "KWD 1.250"),
        (1250, "CHF", "CHF 12.50"),
        (125_000, "HUF", "HUF 1,250.00"),
        (125_000, "IDR", "IDR 1,250.00"),
        (125_000, "COP", "$1,250.00"),
        (125_000, "PKR", "PKR 1,250.00"),
        (125_000, "IQD", "IQD 125.000"),
        (5_000, "UGX", "UGX 5,000"),
        (5_000, "ISK", "ISK 5,000"),
    ],
)
def test_an_amount_has_the_currencys_sign_and_decimals(
    minor: int, currency: str, read: str
) -> None:
    amount = spoken(Money(minor=minor, currency=currency))
    assert amount.replace("\N{NO-BREAK SPACE}", " ") == read


def test_digits_follow_the_language() -> None:
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    assert spoken(Money(minor=125_000, currency="USD")) == "1.250,00\N{NO-BREAK SPACE}$"


def test_a_currency_nobody_uses_is_named_by_its_code() -> None:
    assert spoken(Money(minor=1250, currency="XTS")) == "XTS\N{NO-BREAK SPACE}12.50"
