"""Decides what a mobile number is, both for the kiosk and for the service."""

import re

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
"""The numbers of North America do not tell mobile and fixed lines apart."""


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
    try:
        number = _as_people_mean_it(phonenumbers.parse(text, country))
    except NumberParseException:
        raise NotANumber("not a telephone number") from None
    if not phonenumbers.is_valid_number(number):
        raise NotANumber("not a telephone number")
    if phonenumbers.number_type(number) not in _MOBILE:
        raise NotMobile("not a mobile number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _as_people_mean_it(number: PhoneNumber) -> PhoneNumber:
    """Returns the number with its mobile digits as the numbering plan has them today.

    Argentines leave the 9 out that a mobile number has when it is dialled from abroad. Mexicans
    still write the 1, 044 or 045 that mobile numbers had until 2019.
    """
    digits = phonenumbers.national_significant_number(number)
    match number.country_code:
        case 54 if phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE:
            digits = f"9{digits}"
        case 52:
            digits = re.sub(r"^(1|044|045)(?=[0-9]{10}$)", "", digits)
        case _:
            return number
    return phonenumbers.parse(f"+{number.country_code}{digits}")
