"""Decides what a mobile number is, both for the kiosk and for the service."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

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
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        raise NotANumber("not a telephone number") from None
    if not phonenumbers.is_valid_number(number):
        raise NotANumber("not a telephone number")
    if phonenumbers.number_type(number) not in _MOBILE:
        raise NotMobile("not a mobile number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
