"""Refuses numbers that are not mobile numbers."""

from cloud.web.problems import Refusal
from protocol.messages import ProblemType
from protocol.mobile import NotANumber, NotMobile, read_mobile


def must_be_mobile(phone: str) -> None:
    """Raises Refusal unless `phone` is a mobile number in E.164 as its numbering plan has it
    today, so that one number is never looked up under two names."""
    try:
        is_one = read_mobile(phone) == phone
    except (NotANumber, NotMobile):
        is_one = False
    if not is_one:
        raise Refusal(ProblemType.PHONE_NOT_ACCEPTED)
