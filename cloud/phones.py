"""Which numbers are somebody's mobile."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from cloud.web.problems import Refusal
from protocol.messages import ProblemType

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
"""North America does not tell the two apart."""


def must_be_mobile(phone: str) -> None:
    """`phone` is in E.164. Raises Refusal."""
    try:
        number = phonenumbers.parse(phone)
    except NumberParseException:
        raise Refusal(ProblemType.PHONE_NOT_ACCEPTED) from None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _MOBILE:
        raise Refusal(ProblemType.PHONE_NOT_ACCEPTED)
