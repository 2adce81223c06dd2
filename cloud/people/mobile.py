"""Refuses numbers that are not mobile numbers."""

from cloud.web.problems import Refusal
from protocol.messages import ProblemType
from protocol.mobile import NotANumber, NotMobile, read_mobile


def must_be_mobile(phone: str) -> None:
    """Raises Refusal unless `phone`, in E.164, is a mobile number that can exist."""
    try:
        read_mobile(phone)
    except (NotANumber, NotMobile):
        raise Refusal(ProblemType.PHONE_NOT_ACCEPTED) from None
