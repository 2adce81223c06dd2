"""Asking for the code of a sign-up that was begun on a phone: shown to the camera, or typed."""

from kiosk.race import first
from kiosk.screens import Choice, EnterBegun, EntryProblem, ScanBegun
from kiosk.visits.visit import Visit
from protocol.messages import BEGUN_DIGITS, BEGUN_MARK


async def ask_begun(
    visit: Visit, problem: EntryProblem | None = None, refused: str = ""
) -> str | None:
    """Asks until a code is shown or typed, and returns its digits; None when the shopper goes back.

    The code with the digits `refused` is not read again: the phone may still be held there.
    """
    unread = BEGUN_MARK + refused
    while True:
        said = await first(visit.codes.read(unread), visit.stage.ask(ScanBegun(problem)))
        if said is Choice.BACK:
            return None
        if said is Choice.USE_NUMBER:
            code, problem = await _type(visit), None
        else:
            code, problem, unread = _digits(said), EntryProblem.WRONG_CODE, said
        if code is not None:
            return code


async def _type(visit: Visit) -> str | None:
    """Returns what is typed, None when the shopper goes back."""
    problem: EntryProblem | None = None
    while True:
        answer = await visit.stage.ask(EnterBegun(problem))
        if answer is Choice.BACK:
            return None
        code = _digits(BEGUN_MARK + answer.text)
        if code is not None:
            return code
        problem = EntryProblem.WRONG_CODE


def _digits(said: str) -> str | None:
    """Returns the digits of a code that was read; None when it is another code."""
    mark, digits = said[: len(BEGUN_MARK)], said[len(BEGUN_MARK) :]
    is_one = mark == BEGUN_MARK and digits.isascii() and digits.isdecimal()
    return digits if is_one and len(digits) == BEGUN_DIGITS else None
