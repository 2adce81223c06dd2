"""What visits may rely on when they ask through the window."""

import sys
from concurrent.futures import Future
from typing import Any

import pytest
from PySide6.QtCore import QObject, Signal, Slot
from pytestqt.qtbot import QtBot

from kiosk.capture.guidance import Guidance, Instruction
from kiosk.screens import (
    AskConsent,
    Choice,
    ConfirmPurchase,
    EnterCode,
    Entered,
    EnterPin,
    EntryProblem,
    HoldPalm,
    PresentCard,
    StillThere,
    Welcome,
    Work,
    Working,
)
from kiosk.stage import WalkedAway, WrongAnswer
from protocol.messages import Card, Money, Purpose
from tests.support.screenful import Screenful
from ui.examples import consents
from ui.stage import values

SHORT = AskConsent(consents("Corner Market")["short"])
WAIT = 5
"""Seconds after which a test gives up; what it waits for happens at once."""


def test_what_is_pressed_is_the_answer(screenful: Screenful) -> None:
    question = screenful.ask(SHORT)
    screenful.touch(screenful.button("I agree"))
    assert question.result(WAIT) is Choice.AGREE


def test_an_answer_is_there_one_turn_of_the_loop_after_the_touch(screenful: Screenful) -> None:
    question = screenful.ask(SHORT)
    screenful.touch(screenful.button("Go back"))
    screenful.turn_of_the_loop()
    screenful.turn_of_the_loop()
    assert question.done()


def test_digits_come_as_text(screenful: Screenful) -> None:
    question = screenful.ask(EnterCode("42", 30))
    screenful.type("204817")
    assert question.result(WAIT) == Entered("204817")


def test_an_impatient_second_touch_answers_nothing_more(screenful: Screenful) -> None:
    first = screenful.ask(SHORT)
    screenful.touch(screenful.button("I agree"))
    agree = screenful.page
    assert first.result(WAIT) is Choice.AGREE
    assert not [b for b in screenful.buttons() if b.property("text") == "I agree"]
    second = screenful.ask(SHORT)
    assert screenful.page is not agree
    screenful.turn_of_the_loop()
    assert not second.done()


def test_an_answer_to_a_question_that_is_gone_is_dropped(screenful: Screenful) -> None:
    question = screenful.ask(PresentCard())
    serial = int(screenful.page.property("serial"))
    question.cancel()
    later = screenful.ask(SHORT)
    screenful.stage.answer(serial, "back")
    screenful.turn_of_the_loop()
    screenful.turn_of_the_loop()
    assert not later.done()


@pytest.mark.parametrize("answer", ["confirm", "no such choice"])
def test_an_answer_that_is_not_offered_is_an_error(screenful: Screenful, answer: str) -> None:
    question = screenful.ask(SHORT)
    screenful.stage.answer(int(screenful.page.property("serial")), answer)
    with pytest.raises(WrongAnswer, match="AskConsent"):
        question.result(WAIT)


def test_text_where_none_is_asked_for_is_an_error_that_does_not_repeat_it(
    screenful: Screenful,
) -> None:
    question = screenful.ask(SHORT)
    screenful.stage.enter(int(screenful.page.property("serial")), "4929")
    with pytest.raises(WrongAnswer) as wrong:
        question.result(WAIT)
    assert "4929" not in str(wrong.value)


def test_showing_the_same_screen_again_changes_it_in_place(screenful: Screenful) -> None:
    question = screenful.ask(HoldPalm(Purpose.PAY))
    page = screenful.page
    screenful.show(HoldPalm(Purpose.PAY, Guidance(Instruction.MOVE_CLOSER)))
    assert screenful.page is page
    assert "Come closer" in screenful.reads()
    screenful.touch(screenful.button("Go back"))
    assert question.result(WAIT) is Choice.BACK


def test_a_new_question_after_an_answer_starts_with_nothing_typed(screenful: Screenful) -> None:
    first = screenful.ask(EnterPin())
    screenful.type("123456")
    screenful.touch(screenful.button("Open staff area"))
    assert first.result(WAIT) == Entered("123456")
    screenful.ask(EnterPin(EntryProblem.WRONG_PIN, 2))
    assert screenful.page.property("digits") == ""


def test_what_is_only_shown_has_no_answer(screenful: Screenful) -> None:
    question = screenful.ask(SHORT)
    serial = int(screenful.page.property("serial"))
    screenful.show(Working(Work.PAYING))
    screenful.stage.answer(serial, "agree")
    screenful.turn_of_the_loop()
    screenful.turn_of_the_loop()
    assert not question.done()


class TestTheWarning:
    @pytest.fixture
    def question(self, screenful: Screenful, qtbot: QtBot) -> "Future[Any]":
        asked = screenful.ask(SHORT)
        screenful.stage.overlay(StillThere(7))
        qtbot.waitUntil(lambda: "Are you still there?" in screenful.reads())
        return asked

    def test_leaving_ends_the_question(self, screenful: Screenful, question: "Future[Any]") -> None:
        screenful.touch(screenful.button("Leave now"))
        with pytest.raises(WalkedAway):
            question.result(WAIT)

    def test_leaving_counts_before_the_finger_is_lifted(
        self, screenful: Screenful, question: "Future[Any]"
    ) -> None:
        screenful.press(screenful.button("Leave now"))
        # The touch has shown that somebody is there.
        screenful.stage.overlay(None)
        with pytest.raises(WalkedAway):
            question.result(WAIT)

    def test_leaving_ends_no_later_question(
        self, screenful: Screenful, question: "Future[Any]"
    ) -> None:
        serial = int(screenful.page.property("serial"))
        question.cancel()
        later = screenful.ask(Welcome("Corner Market"))
        screenful.stage.leave(serial)
        screenful.turn_of_the_loop()
        screenful.turn_of_the_loop()
        assert not later.done()

    def test_a_touch_anywhere_stays_and_presses_nothing_beneath(
        self, screenful: Screenful, question: "Future[Any]"
    ) -> None:
        before = screenful.stage.last_touch()
        screenful.touch(screenful.button("I agree"))
        screenful.turn_of_the_loop()
        screenful.turn_of_the_loop()
        assert screenful.stage.last_touch() > before
        assert not question.done()
        assert "Are you still there?" not in screenful.reads()

    def test_it_counts_down_in_place_and_goes_when_told(
        self, screenful: Screenful, question: "Future[Any]"
    ) -> None:
        screenful.stage.overlay(StillThere(6))
        assert "6" in screenful.reads().splitlines()
        screenful.stage.overlay(None)
        assert "Are you still there?" not in screenful.reads()
        assert not question.done()


def test_a_screen_becomes_plain_values() -> None:
    screen = ConfirmPurchase(
        "Shop", Money(minor=1250, currency="USD"), "Alex D.", Card(brand="visa", last4="4242")
    )
    assert values(screen) == {
        "merchant": "Shop",
        "amount": {"text": "$12.50"},
        "name_hint": "Alex D.",
        "card": {"brand": "visa", "last4": "4242", "expired": False},
        "points": None,
        "over": None,
        "pays_in": None,
        "cards": [],
        "chosen": 0,
    }
    assert values(Welcome("Shop"))["notice"] is None


class Echo(QObject):
    asked = Signal(int, str, "QVariantMap")  # pyright: ignore[reportArgumentType] - a Qt type

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0

    @Slot(int, str, "QVariantMap")
    def hear(self, number: int, name: str, given: dict[str, object]) -> None:
        self.heard += 1


def test_qt_leaves_reference_counts_alone() -> None:
    """PySide6 6.12.0 loses a reference of None and other objects with every call on Python 3.11 and
    aborts after some thousands, so 6.11.3 is pinned (docs/decisions/0002)."""
    echo = Echo()
    echo.asked.connect(echo.hear)
    given: dict[str, object] = {"nothing": None, "true": True, "text": "x"}
    shared = (None, True, given, "x")
    before = [sys.getrefcount(value) for value in shared]
    for number in range(20_000):
        echo.asked.emit(number, "name", given)
        echo.setProperty("number", number)
        assert echo.property("number") == number
    after = [sys.getrefcount(value) for value in shared]
    assert echo.heard == 20_000
    assert all(abs(now - then) < 1000 for now, then in zip(after, before, strict=True))
