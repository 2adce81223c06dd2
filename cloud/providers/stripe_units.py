"""The amounts that Stripe charges, and the units in which it counts them.

Stripe counts most currencies in the minor unit of ISO 4217, and some in units of its own: see
"Zero-decimal currencies", "Three-decimal currencies", "Special cases" and "Minimum and maximum
charge amounts" at https://docs.stripe.com/currencies.
"""

# ruff: noqa: SIM905 - a code a line would hide what belongs together

from math import gcd

from iso4217 import Currency

from protocol.messages import Chargeable, Money

_CARRIED = frozenset(
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN "
    "BZD CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD "
    "GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK "
    "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD "
    "OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL "
    "THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR "
    "ZMW".split()
)
_NO_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_TENS_OF_THOUSANDTHS = frozenset("BHD JOD KWD OMR TND".split())
"""Counted in thousandths, of which the last digit must be 0."""
_HUNDREDS_OF_HUNDREDTHS = frozenset("ISK UGX".split())
"""Counted in hundredths, of which the last two digits must be 0."""

_LEAST = {
    "AED": 200, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250,
    "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200,
    "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
}  # fmt: skip
"""The smallest amounts in Stripe's units. For other currencies Stripe converts the amount to the
currency of the merchant's bank account, and refuses it if it is too small there."""

_MOST_DIGITS = {"IDR": 12}
"""The number of digits of the largest amount in Stripe's units, where it is not 8."""


def chargeable(currency: str) -> Chargeable | None:
    """Returns the amounts of a currency that Stripe charges; None when it does not carry the
    currency."""
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        return None
    if currency not in _CARRIED or exponent is None:
        return None
    # One minor unit is `times / per` of Stripe's units, which come in multiples of `multiple`.
    decimals, multiple = _counting(currency)
    times, per = 10 ** max(decimals - exponent, 0), 10 ** max(exponent - decimals, 0)
    step = multiple * per // gcd(multiple * per, times)
    least = max(-(-_LEAST.get(currency, 1) * per // times), 1)
    most = (10 ** _MOST_DIGITS.get(currency, 8) - 1) * per // times
    return Chargeable(
        currency=currency, least=-(-least // step) * step, most=most // step * step, step=step
    )


def in_stripes_units(amount: Money) -> int:
    """Returns a chargeable amount in Stripe's units. Raises ValueError for one that is not."""
    carried = chargeable(amount.currency)
    if carried is None or carried.refusal(amount) is not None:
        raise ValueError("Stripe does not charge this amount")
    return _units(amount)


def refund_in_stripes_units(amount: Money) -> int:
    """Returns an amount to refund in Stripe's units; it may be below the smallest amount that is
    charged. Raises ValueError for one that Stripe does not count."""
    carried = chargeable(amount.currency)
    if carried is None or amount.minor % carried.step:
        raise ValueError("Stripe does not refund this amount")
    return _units(amount)


def from_stripes_units(units: int, currency: str) -> Money:
    """Returns an amount of Stripe's, whose currency may be in small letters."""
    currency = currency.upper()
    exponent = Currency(currency).exponent
    assert exponent is not None
    decimals, _ = _counting(currency)
    return Money(minor=units * 10**exponent // 10**decimals, currency=currency)


def _units(amount: Money) -> int:
    exponent = Currency(amount.currency).exponent
    assert exponent is not None
    decimals, _ = _counting(amount.currency)
    return amount.minor * 10**decimals // 10**exponent


def _counting(currency: str) -> tuple[int, int]:
    """Returns how many decimals of a currency Stripe counts, and the multiple of that unit that
    amounts must be."""
    if currency in _NO_DECIMALS:
        return 0, 1
    if currency in _TENS_OF_THOUSANDTHS:
        return 3, 10
    if currency in _HUNDREDS_OF_HUNDREDTHS:
        return 2, 100
    return 2, 1
