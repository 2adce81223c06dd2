"""Typing digits: what is taken, how it is grouped, and that the keys stay where they are."""

from contextlib import closing
from typing import Any

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor
from PySide6.QtQml import QQmlProperty
from PySide6.QtQuick import QQuickItem
from pytestqt.qtbot import QtBot

from kiosk.screens import (
    AskConsent,
    ConfirmDelete,
    EnterActivationCode,
    EnterCode,
    EnterPhone,
    EnterPin,
    EntryProblem,
    HoldPalm,
    OfferSecondPalm,
    PresentCard,
    Screen,
    StepUp,
    Work,
    Working,
)
from protocol.messages import Purpose, Side
from tests.support.screenful import PANEL, Screenful, place, seen
from ui.examples import HOLDINGS, consents

WAIT = 60
FULL = "No number is longer than this. Please check it."
IN_AUSTRALIA = "14140011491512345678901"
"""The longest prefix that anybody dials and 15 digits."""


def phone(country: str = "US", code: str = "+1", **more: Any) -> EnterPhone:
    return EnterPhone(country, code, Purpose.ENROL, **more)


# Long numbers


def test_a_number_of_another_country_is_taken_as_it_is_dialled(screenful: Screenful) -> None:
    question = screenful.ask(phone())
    screenful.type("011491512345678")
    screenful.type("9")
    assert "011 49 1512 3456789" in screenful.reads()
    screenful.touch(screenful.button("Send code"))
    assert question.result(WAIT).text == "0114915123456789"


def test_the_field_says_when_it_is_full_and_takes_a_correction(screenful: Screenful) -> None:
    question = screenful.ask(phone("AU", "+61", typed=IN_AUSTRALIA[:-1]))
    assert FULL not in screenful.reads()
    screenful.type(IN_AUSTRALIA[-1])
    assert FULL in screenful.reads()
    keys = {str(button.property("text")) for button in screenful.buttons()}
    assert not keys & set("0123456789+")
    screenful.touch(screenful.button("Erase"))
    assert FULL not in screenful.reads()
    screenful.type("7")
    screenful.touch(screenful.button("Send code"))
    assert question.result(WAIT).text == IN_AUSTRALIA[:-1] + "7"


def test_a_pin_says_when_it_is_full(screenful: Screenful) -> None:
    screenful.ask(EnterPin(choosing=True))
    screenful.type("482915482915"[:-1])
    assert "12 digits." not in screenful.reads()
    screenful.type("5")
    assert "A PIN has no more than 12 digits." in screenful.reads()


@pytest.mark.parametrize("size", [PANEL, (800, 480), (1280, 800)], ids=str)
def test_the_longest_number_has_room_in_its_field(qtbot: QtBot, size: tuple[int, int]) -> None:
    with closing(Screenful(qtbot, size)) as screenful:
        screenful.show(phone("AU", "+61", typed=IN_AUSTRALIA))
        (digits,) = [t for t in screenful.texts() if str(t.property("text")).startswith("1414")]
        field = digits.parentItem().parentItem()
        assert place(field).contains(place(digits))


# Grouping


@pytest.mark.parametrize(
    ("country", "code", "typed", "grouped"),
    [
        ("US", "+1", "2015550142", "(201) 555-0142"),
        ("US", "+1", "+4915123456789", "+49 1512 3456789"),
        ("DE", "+49", "015123456789", "01512 3456789"),
        ("FR", "+33", "0612345678", "06 12 34 56 78"),
        ("GB", "+44", "07400123456", "07400 123456"),
        ("IN", "+91", "9876543210", "98765 43210"),
        ("KR", "+82", "01012345678", "010-1234-5678"),
    ],
)
def test_a_number_is_grouped_as_its_country_groups_it(
    screenful: Screenful, country: str, code: str, typed: str, grouped: str
) -> None:
    screenful.show(phone(country, code, typed=typed))
    assert grouped in screenful.reads().splitlines()


@pytest.mark.parametrize(
    ("country", "code", "typed", "told"),
    [
        ("US", "+1", "201555", True),
        ("US", "+1", "01149", False),
        ("DE", "+49", "0044", False),
        ("AU", "+61", "001149", False),
        ("DE", "+49", "+44", False),
        ("DE", "+49", "0151", True),
    ],
)
def test_the_countrys_code_stands_before_its_own_numbers_only(
    screenful: Screenful, country: str, code: str, typed: str, told: bool
) -> None:
    screenful.show(phone(country, code, typed=typed))
    assert (code in screenful.reads().splitlines()) is told


def test_no_code_is_promised_to_whoever_pays_by_number(screenful: Screenful) -> None:
    screenful.show(EnterPhone("US", "+1", Purpose.PAY, typed="2015550142"))
    assert "code" not in screenful.reads()
    assert screenful.button("Use number")


# What was wrong


WRONG: list[tuple[Screen[Any], str]] = [
    (phone(typed="20155", problem=EntryProblem.NOT_MOBILE), "Messages cannot reach that number"),
    (EnterCode("42", 0, EntryProblem.WRONG_CODE, 2), "That is not the code"),
    (StepUp(EntryProblem.WRONG_DIGITS, 1), "Those are not the digits"),
    (EnterPin(EntryProblem.WRONG_PIN, 2), "That is not the PIN"),
    (EnterPin(EntryProblem.WEAK_PIN, choosing=True), "easy to guess"),
    (EnterActivationCode(EntryProblem.WRONG_CODE), "That is not the code"),
    (
        EnterActivationCode(EntryProblem.OTHER_REGION, "https://eu.palms.example.com"),
        "stay in another region. Please set this kiosk up for the service there.\n"
        "https://eu.palms.example.com",
    ),
]


@pytest.mark.parametrize(("screen", "told"), WRONG, ids=lambda part: type(part).__name__)
def test_what_was_wrong_is_told_until_something_else_is_typed(
    screenful: Screenful, screen: Screen[Any], told: str
) -> None:
    screenful.ask(screen)
    assert told in screenful.reads()
    assert reds(screenful)
    before = [place(text) for text in screenful.texts() if text.property("text") == "1"]
    screenful.type("1")
    assert told not in screenful.reads()
    assert not reds(screenful)
    assert place(screenful.button("1")).contains(before[0])


def reds(screenful: Screenful) -> list[QQuickItem]:
    """Returns everything with the border of an error."""
    danger = QColor("#b3261e")
    items = [i for i in screenful.everything() if i.inherits("QQuickRectangle")]
    return [item for item in items if QQmlProperty(item, "border.color").read() == danger]


def test_a_lock_that_is_over_says_so(screenful: Screenful, qtbot: QtBot) -> None:
    screenful.ask(EnterPin(EntryProblem.LOCKED, 0, 1))
    assert "Locked for another 0:01" in screenful.reads()
    qtbot.waitUntil(lambda: "You can try again now." in screenful.reads())
    screenful.type("1")


# Keys


@pytest.mark.parametrize("size", [PANEL, (800, 480), (1280, 800)], ids=str)
def test_the_keys_are_in_the_same_place_on_every_screen(
    qtbot: QtBot, size: tuple[int, int]
) -> None:
    places: dict[str, list[QRectF]] = {}
    with closing(Screenful(qtbot, size)) as screenful:
        for screen in (phone(), EnterCode("42", 0), StepUp(), EnterPin(), EnterActivationCode()):
            screenful.show(screen)
            for key in [*"1234567890", "Erase"]:
                places.setdefault(key, []).append(place(screenful.button(key)))
    assert {key for key, there in places.items() if any(p != there[0] for p in there)} == set()


def test_a_plus_that_is_remembered_late_goes_before_the_digits(screenful: Screenful) -> None:
    screenful.ask(phone())
    screenful.type("49+1+")
    assert screenful.page.property("digits") == "+491"


# Steps


def steps(screenful: Screenful) -> int | None:
    """Returns which step the dots show, None without dots."""
    rows = [item for item in screenful.everything() if item.property("step") and is_dots(item)]
    (row,) = rows or [None]
    return None if row is None else int(row.property("step"))


def is_dots(item: QQuickItem) -> bool:
    return item.property("all") == 5


def test_the_steps_of_a_sign_up_are_shown_from_its_first_screen_to_its_last(
    screenful: Screenful,
) -> None:
    shown: list[int | None] = []
    for screen in (
        AskConsent(consents("Corner Market")["short"]),
        phone(),
        Working(Work.SENDING_CODE),
        EnterCode("42", 30),
        Working(Work.CHECKING_CODE),
        PresentCard(),
        Working(Work.SAVING_CARD),
        HoldPalm(Purpose.ENROL),
        Working(Work.CHECKING_PALM),
        OfferSecondPalm(Side.LEFT),
        HoldPalm(Purpose.ENROL, side=Side.RIGHT),
        Working(Work.FINISHING),
    ):
        screenful.show(screen)
        shown.append(steps(screenful))
    assert shown == [1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5]


def test_no_steps_are_shown_to_whoever_leaves_or_pays(screenful: Screenful) -> None:
    for screen in (
        EnterPhone("US", "+1", Purpose.LEAVE),
        Working(Work.SENDING_CODE),
        EnterCode("42", 30),
        Working(Work.CHECKING_CODE),
        HoldPalm(Purpose.PAY),
        Working(Work.CHECKING_PALM),
    ):
        screenful.show(screen)
        assert steps(screenful) is None


# Holding


def test_the_words_of_a_half_held_button_can_be_read_on_both_halves(
    screenful: Screenful,
) -> None:
    screenful.ask(ConfirmDelete(HOLDINGS))
    button = screenful.button("Hold to delete")
    button.setProperty("filled", 0.5)
    words = [t for t in screenful.everything(button) if t.inherits("QQuickText")]
    colours = {QColor(t.property("color")).name(): seen(t) for t in words}
    assert set(colours) == {"#b3261e", "#ffffff"}
    bar = place(button)
    assert colours["#ffffff"].right() == pytest.approx(bar.center().x(), abs=2)
    assert colours["#b3261e"].right() > bar.center().x()
