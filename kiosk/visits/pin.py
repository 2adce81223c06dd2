"""Asking staff for their PIN."""

from kiosk.screens import Choice, EnterPin, EntryProblem
from kiosk.staff import Refusal, StaffPin
from kiosk.stage import Stage


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
