"""Asking for the code that activates the kiosk: shown to the camera, or typed.

Whoever stands before a camera can show it anything. Of a QR code only the digits of an activation
code count, and nothing of any other is kept, sent or followed.
"""

import re

from hardware.faults import DeviceFault
from kiosk.race import first
from kiosk.screens import (
    Choice,
    EnterActivationCode,
    Entered,
    EntryProblem,
    ScanActivationCode,
)
from kiosk.stage import Stage
from kiosk.visits.visit import Codes
from protocol.messages import ACTIVATION_MARK

_CODE = re.compile(f"{ACTIVATION_MARK}([0-9]{{8}})")


class ActivationCodes:
    """The codes that staff show or type, one after another."""

    def __init__(self, stage: Stage, codes: Codes | None) -> None:
        """Without `codes` they are typed alone."""
        self._stage = stage
        self._codes = codes
        self._types = codes is None
        self._read: str | None = None
        """What was read last: it may still be held there."""

    async def ask(self, problem: EntryProblem | None, service: str = "") -> str | None:
        """Returns the digits of a code, None when staff go back. `problem` is what was wrong with
        the one before, and `service` where it is right, if that is known. With an open case they
        are typed: nothing is read on and on meanwhile."""
        if problem is EntryProblem.CASE_OPEN:
            return await self._type(problem, service)
        while True:
            if self._types:
                digits = await self._type(problem, service)
                if digits is not None or self._codes is None:
                    return digits
            else:
                said = await self._look(problem, service)
                if said is Choice.BACK:
                    return None
                if said is not Choice.USE_NUMBER:
                    found = _CODE.fullmatch(said)
                    if found is not None:
                        return found[1]
                    problem, service = EntryProblem.ANOTHER_CODE, ""
                    continue
            # From one way to the other.
            self._types, problem, service = not self._types, None, ""

    async def _look(self, problem: EntryProblem | None, service: str) -> str:
        """Returns what a code says, or what is pressed."""
        assert self._codes is not None
        screen = ScanActivationCode(problem, service)
        try:
            said = await first(self._codes.read(self._read), self._stage.ask(screen))
        except DeviceFault:
            # Staff are told of it in their area, and can type.
            self._codes = None
            return Choice.USE_NUMBER
        if not isinstance(said, Choice):
            self._read = said
        return said

    async def _type(self, problem: EntryProblem | None, service: str) -> str | None:
        answer = await self._stage.ask(EnterActivationCode(problem, service))
        return answer.text if isinstance(answer, Entered) else None
