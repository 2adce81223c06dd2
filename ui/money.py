"""Amounts of money as people read them: decimals by ISO 4217, sign and order by the locale."""

from functools import cache

from PySide6.QtCore import QLocale

from protocol.currency import exponent_of
from protocol.messages import Money


def spoken(money: Money) -> str:
    """Returns an amount such as `$12.50`, `CHF 12.50` or `¥1,250`: digits and order of the
    window's language, the currency's own sign, and as many decimals as its minor unit has."""
    decimals = _decimals(money.currency)
    amount = money.minor / 10**decimals
    return QLocale().toCurrencyString(amount, _sign(money.currency), decimals).strip()


def _decimals(code: str) -> int:
    """Returns the exponent of the minor unit in ISO 4217; 2 for a code without one.

    Qt has the decimals of Unicode CLDR, which are those that are usual in shops. For some
    currencies they are fewer: 0 for the forint, of which Money counts hundredths."""
    exponent = exponent_of(code)
    return 2 if exponent is None else exponent


@cache
def _sign(code: str) -> str:
    """Returns the currency's own sign; its ISO code where the sign is longer than one character or
    Qt knows no country with this currency."""
    every = QLocale.matchingLocales(
        QLocale.Language.AnyLanguage, QLocale.Script.AnyScript, QLocale.Country.AnyTerritory
    )
    for locale in every:
        if locale.currencySymbol(QLocale.CurrencySymbolFormat.CurrencyIsoCode) == code:
            symbol = locale.currencySymbol()
            if len(symbol) == 1:
                return symbol
            break
    return f"{code}\N{NO-BREAK SPACE}"
