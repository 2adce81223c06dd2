"""Amounts of money as people read them, from the locale data Qt carries (Unicode CLDR)."""

from functools import cache

from PySide6.QtCore import QLocale

from protocol.messages import Money


def spoken(money: Money) -> str:
    """`$12.50`, `CHF 12.50`, `¥1,250`: digits and order of the window's language, sign and number
    of decimals of the currency."""
    symbol, decimals = _currency(money.currency)
    locale = QLocale()
    return locale.toCurrencyString(money.minor / 10**decimals, symbol, decimals).strip()


@cache
def _currency(code: str) -> tuple[str, int]:
    """Its sign and its decimals, as where it is the money of the land; the ISO code where it has
    no sign of one character, and two decimals where Qt knows no such land."""
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
