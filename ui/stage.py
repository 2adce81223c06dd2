"""The stage (`kiosk.stage.Stage`) on a Qt window.

Visits call from the asyncio thread, and the window lives on Qt's thread. Screens are passed by
signal as plain values, answers by `call_soon_threadsafe`. Only the asyncio thread knows which
question was asked and whether an answer to it is still accepted.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, cast

from pydantic import BaseModel
from PySide6.QtCore import QDateTime, QEvent, QObject, Signal, Slot
from typing_extensions import override

from kiosk.screens import Bill, Choice, Entered, Indicated, Screen, StillThere
from kiosk.stage import WalkedAway, WrongAnswer
from protocol.fleet import Variant
from protocol.messages import Money
from ui.money import spoken

Answer = TypeVar("Answer")
TOUCHES = {QEvent.Type.TouchBegin, QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress}


class QtStage(QObject):
    """Implements `kiosk.stage.Stage` and the slots that QML calls. It is made on Qt's thread, for
    the loop of the visits."""

    shown = Signal(int, bool, str, "QVariantMap")  # pyright: ignore[reportArgumentType] - a Qt type
    """Emitted with the number of the question, whether a new page is needed, the screen's name and
    its values."""
    warned = Signal("QVariantMap")  # pyright: ignore[reportArgumentType] - a Qt type
    """Emitted with the values of the warning."""
    unwarned = Signal()
    """Emitted when the warning is to disappear."""
    billed = Signal("QVariantMap")  # pyright: ignore[reportArgumentType] - a Qt type
    """Emitted with the values of the bill, no values when nothing is being paid."""

    indicated = Signal("QVariantMap")  # pyright: ignore[reportArgumentType] - a Qt type
    """Emitted with what the site's controller shows, no values for nothing."""

    dressed = Signal(str, str)
    """Emitted with the variant and the accent colour of all screens."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._serial = 0
        self._screen: Screen[Any] | None = None
        self._question: asyncio.Future[Any] | None = None
        self._answered = False
        self._touched = loop.time()

    # For the visits, on the loop's thread

    async def ask(self, screen: Screen[Answer]) -> Answer:
        question: asyncio.Future[Answer] = self._loop.create_future()
        self._question = question
        self._put(screen, fresh=self._answered)
        self._answered = False
        try:
            return await question
        finally:
            if self._question is question:
                self._question = None

    def show(self, screen: Screen[object]) -> None:
        if type(screen) is not type(self._screen):
            self._question = None
        self._put(screen, fresh=False, same_question=self._question is not None)

    def overlay(self, screen: StillThere | None) -> None:
        if screen is None:
            self.unwarned.emit()
        else:
            self.warned.emit(values(screen))

    def bill(self, bill: Bill | None) -> None:
        self.billed.emit({} if bill is None else values(bill))

    def indicate(self, shown: Indicated | None) -> None:
        self.indicated.emit({} if shown is None else values(shown))

    def dress(self, variant: Variant, accent: str | None = None) -> None:
        self.dressed.emit(variant, accent or "")

    def last_touch(self) -> float:
        return self._touched

    def _put(self, screen: Screen[Any], *, fresh: bool, same_question: bool = False) -> None:
        if not same_question:
            self._serial += 1
        self._screen = screen
        self.shown.emit(self._serial, fresh, type(screen).__name__, values(screen))

    def _receive(self, serial: int, answer: str | Entered) -> None:
        question = self._question
        if question is None or question.done() or serial != self._serial or self._screen is None:
            return
        self._answered = True
        offered = type(self._screen)
        if isinstance(answer, Entered):
            if offered.takes_text:
                question.set_result(answer)
                return
        elif answer in offered.choices:
            question.set_result(Choice(answer))
            return
        given = "text" if isinstance(answer, Entered) else f"'{answer}'"
        question.set_exception(WrongAnswer(f"{offered.__name__} cannot be answered with {given}"))

    def _walk_away(self, serial: int) -> None:
        question = self._question
        if question is not None and not question.done() and serial == self._serial:
            question.set_exception(WalkedAway())

    # For the window, on Qt's thread

    @Slot(int, str)
    def answer(self, serial: int, choice: str) -> None:
        self._tell(self._receive, serial, choice)

    @Slot(int, str)
    def enter(self, serial: int, text: str) -> None:
        self._tell(self._receive, serial, Entered(text))

    @Slot(int)
    def leave(self, serial: int) -> None:
        self._tell(self._walk_away, serial)

    @override
    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        if event.type() in TOUCHES:
            self._touched = self._loop.time()
        return False

    def _tell(self, told: Any, *what: object) -> None:
        # The window may still be touched while the kiosk closes and the loop is gone.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(told, *what)


def values(screen: object) -> dict[str, Any]:
    """Returns the fields of a screen in the form that QML needs: strings for enums, lists for
    tuples, objects for nested values, and money as text."""
    assert is_dataclass(screen)
    return {field.name: _value(getattr(screen, field.name)) for field in fields(screen)}


def _value(value: object) -> Any:
    if isinstance(value, Money):
        return {"text": spoken(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel):
        return {name: _value(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, datetime):
        return QDateTime.fromMSecsSinceEpoch(int(value.timestamp() * 1000))
    if isinstance(value, tuple | list):
        return [_value(item) for item in cast(Sequence[object], value)]
    return values(value) if is_dataclass(value) else value
