"""Asking staff for their PIN."""

from kiosk.faults import FileUnusable
from kiosk.screens import Choice, EnterPin, EntryProblem
from kiosk.staff import Refusal, StaffPin
from kiosk.stage import Stage


class Shut(Exception):
    """There is no PIN that staff could be asked for. The message tells an operator the remedy."""


async def let_staff_on(stage: Stage, pin: StaffPin) -> bool:
    """Returns whether staff have entered their PIN in the middle of a visit, False when they go
    back. Raises Shut."""
    try:
        if not pin.chosen:
            raise Shut("choose a PIN in the staff area")
        return await ask_pin(stage, pin) is not None
    except FileUnusable as unusable:
        raise Shut(str(unusable)) from None


async def ask_pin(stage: Stage, pin: StaffPin, *, changing: bool = False) -> str | None:
    """Asks until the PIN is right and returns it, None when staff go back."""
    refusal = pin.locked()
    while True:
        answer = await stage.ask(_enter_pin(refusal, changing=changing))
        if answer is Choice.BACK:
            return None
        refusal = await pin.refuses(answer.text)
        if refusal is None:
            return answer.text


def _enter_pin(refusal: Refusal | None, *, changing: bool) -> EnterPin:
    if refusal is None:
        return EnterPin(changing=changing)
    problem = EntryProblem.LOCKED if refusal.locked_for else EntryProblem.WRONG_PIN
    return EnterPin(problem, refusal.guesses_left, refusal.locked_for, changing=changing)
