"""What a currency is: ISO 4217."""

from functools import cache

from iso4217 import Currency


@cache
def exponent_of(code: str) -> int | None:
    """Returns how many decimals the minor unit of a currency has, such as 2 for USD; None for a
    code that the standard does not have or gives no minor unit, such as XAU."""
    try:
        return Currency(code).exponent
    except ValueError:
        return None
