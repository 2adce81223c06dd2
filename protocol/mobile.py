"""Decides what a mobile number is, both for the kiosk and for the service."""

import re
from collections.abc import Iterator
from contextlib import suppress

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
"""The numbers of North America do not tell mobile and fixed lines apart."""

_ELSEWHERE = ("00", "011", "0011")
"""What most people dial before the number of another country (ITU-T E.164 recommends 00). Visitors
dial what they dial at home."""

LONGEST_DIALLED = 8 + 15
"""The most digits that anybody dials: the longest prefix for other countries (1414 0011, in
Australia) and the longest number with its country's code (ITU-T E.164)."""


class NotANumber(ValueError):
    """The text is not a telephone number that can exist. The message does not quote it."""


class NotMobile(ValueError):
    """The number exists and is not a mobile one. The message does not quote it."""


def read_mobile(text: str, country: str | None = None) -> str:
    """Returns a mobile number in E.164.

    `text` is the number as people of `country` (ISO 3166-1 alpha-2) dial it, or in international
    form; without a country only the international form is understood. Raises NotANumber and
    NotMobile.
    """
    number = next(filter(phonenumbers.is_valid_number, _readings(text, country)), None)
    if number is None:
        raise NotANumber("not a telephone number")
    if phonenumbers.number_type(number) not in _MOBILE:
        raise NotMobile("not a mobile number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_international(text: str, country: str) -> bool:
    """Returns whether a number, perhaps not complete yet, begins with a plus or with what people of
    `country` dial for other countries."""
    plan = PhoneMetadata.metadata_for_region(country)
    prefix = plan.international_prefix if plan else None
    return text.startswith("+") or bool(prefix and re.match(f"(?:{prefix})", text))


def _readings(text: str, country: str | None) -> Iterator[PhoneNumber]:
    """Yields what the text may mean: first as it is dialled in the country, then as a visitor
    would dial it."""
    dialled = re.sub(r"[^0-9+]", "", text)
    abroad = [f"+{dialled[len(p) :]}" for p in _ELSEWHERE if dialled.startswith(p)]
    for reading in (text, *(abroad if country else ())):
        with suppress(NumberParseException):
            yield _as_people_mean_it(phonenumbers.parse(reading, country))


def _as_people_mean_it(number: PhoneNumber) -> PhoneNumber:
    """Returns the number with its mobile digits as the numbering plan has them today.

    Argentines leave the 9 out that a mobile number has when it is dialled from abroad. Mexicans
    still write the 1, 01, 044 or 045 that numbers had until 2019.
    """
    digits = phonenumbers.national_significant_number(number)
    match number.country_code:
        case 54 if phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE:
            digits = f"9{digits}"
        case 52:
            digits = re.sub(r"^(1|01|044|045)(?=[0-9]{10}$)", "", digits)
        case _:
            return number
    return phonenumbers.parse(f"+{number.country_code}{digits}")
