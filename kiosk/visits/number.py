"""Asking for a mobile number and for the code that was sent to it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil
from typing import TypeVar

import phonenumbers

from kiosk.screens import Choice, EnterCode, EnterPhone, EntryProblem, Work, Working
from kiosk.service.errors import Refused, ServiceUnavailable
from kiosk.visits.visit import Visit
from protocol.messages import ProblemType, Purpose
from protocol.mobile import NotANumber, NotMobile, read_mobile

Proven = TypeVar("Proven")

CODE = re.compile(r"[0-9]{6}")
LAST_FOUR = re.compile(r"[0-9]{4}")


@dataclass(frozen=True)
class Mobile:
    """A mobile number as the shopper `typed` it and in E.164."""

    typed: str = field(repr=False)
    e164: str = field(repr=False)

    @property
    def last2(self) -> str:
        return self.e164[-2:]


def _read(typed: str, country: str) -> Mobile | EntryProblem:
    try:
        return Mobile(typed, read_mobile(typed, country))
    except NotANumber:
        return EntryProblem.NOT_A_NUMBER
    except NotMobile:
        return EntryProblem.NOT_MOBILE


async def ask_mobile(
    visit: Visit, purpose: Purpose, typed: str = "", problem: EntryProblem | None = None
) -> Mobile | None:
    """Asks until a mobile number is typed. Returns None when the shopper goes back."""
    country = visit.device.country
    calling_code = f"+{phonenumbers.country_code_for_region(country)}"
    while True:
        answer = await visit.stage.ask(EnterPhone(country, calling_code, purpose, typed, problem))
        if answer is Choice.BACK:
            return None
        typed = answer.text
        number = _read(typed, country)
        if isinstance(number, Mobile):
            return number
        problem = number


async def ask_code(
    visit: Visit,
    phone_last2: str,
    enter: Callable[[str], Awaitable[Proven]],
    resend: Callable[[], Awaitable[float]],
    resend_at: float,
) -> Proven | None:
    """Asks for the code sent to the number that ends in `phone_last2` until `enter` accepts it, and
    returns what that returns; None when the shopper goes back.

    Another code can be sent from `resend_at` on, on the kiosk's clock; `resend` sends it and
    returns the next such time. Raises Refused for everything but a wrong or expired code.
    """
    problem: EntryProblem | None = None
    attempts_left: int | None = None
    while True:
        wait = max(ceil(resend_at - visit.clock.now()), 0)
        answer = await visit.stage.ask(EnterCode(phone_last2, wait, problem, attempts_left))
        if answer is Choice.BACK:
            return None
        try:
            if answer is Choice.RESEND:
                visit.stage.show(Working(Work.SENDING_CODE))
                resend_at = await resend()
                problem = attempts_left = None
            elif CODE.fullmatch(answer.text):
                visit.stage.show(Working(Work.CHECKING_CODE))
                return await enter(answer.text)
            else:
                problem = EntryProblem.WRONG_CODE
        except Refused as refused:
            attempts_left = refused.problem.attempts_left
            match refused.type:
                case ProblemType.WRONG_CODE:
                    problem = EntryProblem.WRONG_CODE
                case ProblemType.EXPIRED:
                    problem = EntryProblem.EXPIRED
                case ProblemType.TOO_MANY_ATTEMPTS if refused.problem.retry_after:
                    resend_at = visit.clock.now() + refused.problem.retry_after
                case _:
                    raise
        except ServiceUnavailable as unavailable:
            if not could_not_send(unavailable):
                raise
            problem = EntryProblem.NOT_SENT


def could_not_send(error: ServiceUnavailable) -> bool:
    """Returns whether the service works but its message provider does not."""
    return error.problem is not None and error.problem.type is ProblemType.PROVIDER_UNAVAILABLE
