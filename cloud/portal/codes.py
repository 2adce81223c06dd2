"""Codes that people ask for and type on pages of the portal."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cloud.people.one_time_codes import Send
from cloud.policy import Limits
from cloud.portal.asking import Asked
from cloud.web.browsers import minutes
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

T = TypeVar("T")

NO_PROBLEM: dict[str, Any] = {"problem": None, "attempts_left": 0, "minutes": 0}
"""What a page with a form for a number or a code is told when nothing is wrong."""


class NotTaken(Exception):
    """A code was not taken, or none is sent: `told` is what the page is told of it, and `status`
    the status of the answer."""

    def __init__(self, problem: str, status: int, *, attempts_left: int = 0, minutes: int = 0):
        super().__init__(problem)
        self.status = status
        self.told: dict[str, Any] = {
            "problem": problem,
            "attempts_left": attempts_left,
            "minutes": minutes,
        }
        self.can_be_corrected = problem in ("incomplete", "wrong")


async def send(asked: Asked, make: Callable[[], Awaitable[Send | None]]) -> None:
    """Has `make` make a code, and sends it once the request is answered: the answer must not take
    longer when there is an account. Raises NotTaken."""
    try:
        asked.strangers_spend(Limits.PORTAL_CODES_BY_ADDRESS)
        begin = await make()
    except Refusal as refusal:
        raise _not_taken(asked, refusal) from None
    if begin is not None:
        asked.later(begin)


async def use(asked: Asked, typed: str, use_up: Callable[[str], Awaitable[T]]) -> T:
    """Has `use_up` use up a code as it was typed, and returns what it returns. The attempt is
    counted before the code is compared. Raises NotTaken."""
    digits = "".join(typed.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        # It cannot be a code, so it is no guess.
        raise NotTaken("incomplete", 422)
    try:
        asked.strangers_spend(Limits.PORTAL_FAILED_BY_ADDRESS)
        used = await use_up(digits)
    except Refusal as refusal:
        raise _not_taken(asked, refusal) from None
    asked.strangers_take_back(Limits.PORTAL_FAILED_BY_ADDRESS)
    return used


def _not_taken(asked: Asked, refusal: Refusal) -> Exception:
    problem = refusal.problem
    match problem.type:
        case ProblemType.WRONG_CODE if problem.attempts_left:
            told = NotTaken("wrong", 403, attempts_left=problem.attempts_left)
        case ProblemType.TOO_MANY_ATTEMPTS if problem.retry_after is not None:
            told = NotTaken("too_many", 429, minutes=minutes(refusal))
        case ProblemType.WRONG_CODE | ProblemType.EXPIRED | ProblemType.TOO_MANY_ATTEMPTS:
            told = NotTaken("code_over", 403)
        case _:
            return refusal
    asked.context.noted.note_refusal("portal", problem)
    return told
