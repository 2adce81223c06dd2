"""Amounts of money in words, from the locale data in Qt (Unicode CLDR)."""

from functools import cache

from PySide6.QtCore import QLocale

from protocol.messages import Money


def spoken(money: Money) -> str:
    """Returns an amount such as `$12.50`, `CHF 12.50` or `¥1,250`: digits and order follow the
    window's language, sign and decimals follow the currency."""
    symbol, decimals = _currency(money.currency)
    locale = QLocale()
    return locale.toCurrencyString(money.minor / 10**decimals, symbol, decimals).strip()


@cache
def _currency(code: str) -> tuple[str, int]:
    """Returns the sign and the number of decimals of a currency, as a country that uses it has
    them. The sign is the ISO code unless it is a single character; a currency that Qt does not know
    has two decimals."""
    no_sign = f"{code}\N{NO-BREAK SPACE}"
    every = QLocale.matchingLocales(
        QLocale.Language.AnyLanguage, QLocale.Script.AnyScript, QLocale.Country.AnyTerritory
    )
    for locale in every:
        if locale.currencySymbol(QLocale.CurrencySymbolFormat.CurrencyIsoCode) == code:
            digits = sum(character.isdigit() for character in locale.toCurrencyString(0.0, " "))
            symbol = locale.currencySymbol()
            return symbol if len(symbol) == 1 else no_sign, digits - 1
    return no_sign, 2
