"""Every screen in every state. `qt_log_level_fail` fails a test in which QML warns."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import combinations, pairwise
from typing import Any

import pytest
from pydantic import ValidationError
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from cloud.db.tables import new_id
from cloud.law import ILLINOIS, PLAIN
from cloud.people.accounts import Profile
from cloud.people.consent_texts import texts_for
from cloud.settings import Privacy, Settings
from kiosk.capture.guidance import Guidance, Instruction
from kiosk.screens import (
    AgreementEnded,
    CardProblem,
    Check,
    Choice,
    ChooseList,
    ChooseTip,
    Collected,
    ConfirmDelete,
    ConfirmPurchase,
    Deleted,
    EnterCode,
    Entered,
    Figure,
    Finding,
    GateAnswer,
    GateNotice,
    Health,
    HoldPalm,
    Known,
    Loss,
    Maintenance,
    Notice,
    Observed,
    Part,
    Points,
    ScanDevice,
    Screen,
    ShowCard,
    ShowCards,
    StillThere,
    TillMenu,
    TroubleKind,
    VenueProblem,
    Welcome,
    Work,
    Working,
)
from kiosk.service.errors import Cause
from protocol.messages import CardToken, Money, Purpose, ReaderFault
from protocol.storage import StorageFault
from tests.support.kinds import kinds_of_screens
from tests.support.screenful import SMALL, Screenful, is_within, place, seen
from ui.examples import HOLDINGS, bill_with, consents, examples, indicated_with

TWENTY_MM = 20 / 194 * 1080
"""On the reference panel, whose short side is 1080 pixels and 194 mm."""
LONG = re.compile("Hofbäckerei|Wolfeschlegel|Tomatoes")
"""Names that may be cut off where they are too long for their place."""
KINDS = sorted(kinds_of_screens() - {StillThere}, key=lambda kind: kind.__name__)


def shown() -> dict[str, Screen[Any]]:
    """The examples that are screens of their own, rather than laid over one."""
    return {n: screen for n, screen in examples().items() if not isinstance(screen, StillThere)}


def of_kind(kind: type[Screen[Any]]) -> list[Screen[Any]]:
    return [screen for screen in shown().values() if type(screen) is kind]


def test_there_is_an_example_of_every_screen() -> None:
    assert {type(screen) for screen in examples().values()} == kinds_of_screens()


@pytest.mark.parametrize(
    "kind",
    [
        CardProblem,
        GateAnswer,
        GateNotice,
        Instruction,
        Known,
        Notice,
        Purpose,
        TroubleKind,
        VenueProblem,
        Work,
    ],
)
def test_there_is_an_example_of_every_thing_to_say(kind: type[StrEnum]) -> None:
    said = repr(list(examples().values()))
    # A kiosk that is locked shows a screen of its own.
    unsaid = {Notice.LOCKED, GateNotice.LOCKED}
    assert {value for value in kind if repr(value) not in said} <= unsaid


@pytest.mark.parametrize("size", [SMALL, (1280, 800), (800, 480)], ids=str)
def test_everything_has_room(qapp: QGuiApplication, qtbot: QtBot, size: tuple[int, int]) -> None:
    """Every button is large enough for a fingertip and its own words, inside the window and not
    covered; no text is cut off except the long name of a merchant, a shopper or an item."""
    screenful = Screenful(qtbot, size)
    least = TWENTY_MM * min(size) / 1080 - 0.5
    wrong: list[str] = []
    for name, screen in shown().items():
        screenful.bill(bill_with(screen))
        screenful.indicate(indicated_with(screen))
        screenful.show(screen)
        buttons = {button: seen(button) for button in screenful.buttons()}
        texts = {text: seen(text) for text in screenful.texts()}
        for button, area in buttons.items():
            words, there = button.property("text"), place(button)
            if min(there.width(), there.height()) < least:
                wrong.append(f"{name}: '{words}' is {there.width():.0f} x {there.height():.0f}")
            if not QRectF(0, 0, *size).adjusted(-1, -1, 1, 1).contains(there):
                wrong.append(f"{name}: '{words}' is partly out of the window")
            own = [text for text in texts if is_within(text, button)]
            if any(
                text.property("contentHeight") > button.height()
                or text.property("contentWidth") > button.width()
                for text in own
            ):
                wrong.append(f"{name}: '{words}' is larger than its button")
            wrong += [
                f"{name}: '{text.property('text')}' and the button '{words}' overlap"
                for text, other in texts.items()
                if overlap(other, area) and not is_within(text, button)
            ]
        wrong += [
            f"{name}: the buttons '{one.property('text')}' and '{other.property('text')}' overlap"
            for one, other in combinations(buttons, 2)
            if overlap(buttons[one], buttons[other])
        ]
        wrong += [
            f"{name}: '{text.property('text')}' is cut off"
            for text in texts
            if text.property("truncated") and not LONG.search(text.property("text"))
        ]
    screenful.close()
    assert wrong == []


def overlap(one: QRectF, other: QRectF) -> bool:
    shared = one.intersected(other)
    return shared.width() > 1 and shared.height() > 1


HELD: dict[type[Screen[Any]], set[Choice]] = {
    ConfirmDelete: {Choice.CONFIRM},
    ShowCard: {Choice.DELETE},
}
"""What a tap does not answer, because it has to be held."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_choice_can_be_touched_and_is_answered_at_once(
    screenful: Screenful, kind: type[Screen[Any]]
) -> None:
    answers: set[object] = set()
    for screen in of_kind(kind):
        question = screenful.ask(screen)
        for words in [button.property("text") for button in screenful.buttons()]:
            if question.done():
                question = screenful.ask(screen)
            screenful.touch(screenful.button(words))
            screenful.turn_of_the_loop()
            screenful.turn_of_the_loop()
            if question.done():
                answers.add(question.result())
        if answers - {None} >= kind.choices:
            break
    held = HELD.get(kind, set[Choice]())
    assert {answer for answer in answers if not isinstance(answer, Entered)} == kind.choices - held


CHOSEN = {ChooseList, ChooseTip, ConfirmPurchase, ShowCards, TillMenu}
"""Screens whose text is the number of what is chosen."""


@pytest.mark.parametrize("kind", [k for k in KINDS if k.takes_text and k not in CHOSEN])
def test_digits_can_be_typed_erased_and_sent(screenful: Screenful, kind: type[Screen[Any]]) -> None:
    question = screenful.ask(of_kind(kind)[0])
    screenful.type("127")
    screenful.touch(screenful.button("Erase"))
    screenful.touch(screenful.button("Erase"))
    for digit in "34567890":
        if not screenful.page.property("spent"):
            screenful.type(digit)
    for words in ("Send code", "Open staff area", "Go on"):
        if words in screenful.reads():
            screenful.touch(screenful.button(words))
    text = question.result(60).text
    assert text == "134567890"[: len(text)]
    assert len(text) >= 4


def test_deleting_takes_a_hold_and_a_tap_does_nothing(screenful: Screenful, qtbot: QtBot) -> None:
    question = screenful.ask(ConfirmDelete(HOLDINGS))
    hold = screenful.button("Hold to delete")
    screenful.touch(hold)
    qtbot.waitUntil(lambda: hold.property("filled") == 0)
    assert not question.done()
    screenful.press(hold)
    qtbot.waitUntil(question.done)
    screenful.release(hold)
    assert question.result() is Choice.CONFIRM


MOST = 999_999_999_999
PAYING = Working(Work.PAYING, Money(minor=1250, currency="USD"), "Corner Market")
MARCH_2036 = datetime(2036, 3, 9, tzinfo=UTC)
KEPT = "Kept for the merchant's books, without your name"
KEPT_WITH = (
    "With time, kiosk, till's number, kind and last four digits of the card, and refunds. "
    "The payment provider keeps its own record."
)


@pytest.mark.parametrize(
    ("screen", "erased", "kept"),
    [
        (
            Deleted("receipt-1", 2, 2, 12, MARCH_2036),
            {"Palm codes", "Mobile number", "Cards", "Name on 12 purchases"},
            {KEPT, "Amounts of 12 purchases, until March 2036", KEPT_WITH},
        ),
        (
            Deleted("receipt-1", 1, 1, 1, MARCH_2036),
            {"Palm code", "Mobile number", "Card", "Name on 1 purchase"},
            {KEPT, "Amount of 1 purchase, until March 2036", KEPT_WITH},
        ),
        (Deleted("receipt-1", 0, 0, 0, None), {"Mobile number"}, set[str]()),
    ],
    ids=["several", "one", "nothing"],
)
def test_what_was_deleted_is_told_in_words_of_the_window(
    screenful: Screenful, screen: Deleted, erased: set[str], kept: set[str]
) -> None:
    screenful.show(screen)
    told = set(screenful.reads().splitlines()) - {"Your data is deleted", "Receipt receipt-1"}
    assert told - {"Keep this open", "Finish"} == erased | kept


def test_a_receipts_number_is_told_in_groups_that_can_be_copied(screenful: Screenful) -> None:
    receipt = "0123456789abcdef" * 2
    groups = "0123 4567 89ab cdef 0123 4567 89ab cdef"
    for screen in (Deleted(receipt, 1, 1, 0, None), AgreementEnded("Corner Shop", receipt)):
        screenful.show(screen)
        assert f"Receipt {groups}" in screenful.reads().splitlines()
    assert groups.replace(" ", "") == receipt


def test_examples_have_ids_as_the_service_makes_them() -> None:
    made = re.compile("[0-9a-f]{32}")
    assert made.fullmatch(new_id())
    for name, screen in shown().items():
        match screen:
            case (
                Deleted(receipt_id=id_)
                | AgreementEnded(receipt_id=id_)
                | Maintenance(device_id=str(id_))
            ):
                assert made.fullmatch(id_), name
            case _:
                pass


def test_examples_reach_the_longest_values_that_messages_allow() -> None:
    amounts = {a for s in shown().values() if (a := getattr(s, "amount", None)) is not None}
    assert max(amount.minor for amount in amounts) == MOST
    with pytest.raises(ValidationError):
        Money(minor=MOST + 1, currency="USD")
    names = [getattr(s, "name_hint", "") for s in shown().values()]
    longest = Profile(phone="+12025550123", consent_version="", agreed_at=MARCH_2036)
    holder = f"{'W' * 62} X"
    assert len(CardToken(token="tok", holder=holder).holder or "") == 64
    hint = longest.model_copy(update={"holder": holder}).name_hint
    assert max(len(name) for name in names) == len(hint)


@pytest.mark.parametrize(
    ("warning", "words"),
    [
        (StillThere(7), "Otherwise we go back to the start."),
        (
            StillThere(7, loss=Loss.ENTRIES),
            "Otherwise we stop here, and nothing you entered is kept.",
        ),
        (
            StillThere(7, loss=Loss.SECOND_PALM),
            "You are signed up. Otherwise we finish here, with one palm.",
        ),
        (StillThere(7, loss=Loss.DELETION), "Otherwise we stop here, and nothing is deleted."),
        (StillThere(7, paying=True), "Otherwise we stop here. Nothing is charged."),
        (
            StillThere(7, loss=Loss.ENTRIES, paying=True),
            "Otherwise we stop here, and nothing you entered is kept. Nothing is charged.",
        ),
    ],
    ids=repr,
)
def test_the_warning_says_what_is_lost(
    screenful: Screenful, qtbot: QtBot, warning: StillThere, words: str
) -> None:
    screenful.ask(examples()["ask-consent-short"])
    screenful.stage.overlay(warning)
    qtbot.waitUntil(lambda: words in screenful.reads().splitlines())


@pytest.mark.parametrize(("of", "filled"), [(10, 0.7), (14, 0.5), (7, 1.0)])
def test_the_warnings_ring_follows_the_setting(
    screenful: Screenful, qtbot: QtBot, of: float, filled: float
) -> None:
    screenful.ask(examples()["ask-consent-short"])
    screenful.stage.overlay(StillThere(7, of))
    qtbot.waitUntil(lambda: "Are you still there?" in screenful.reads())
    rings = [item for item in screenful.everything() if item.property("thickness") is not None]
    progress = [ring.property("progress") for ring in rings]
    assert progress[-1] == pytest.approx(filled)


@pytest.mark.parametrize(
    ("notice", "open_"),
    [
        (None, {"Sign up", "Delete my data", "My cards", "Try a purchase"}),
        (Notice.CAMERA, {"Delete my data"}),
        (Notice.STARTING, set[str]()),
        (Notice.OFFLINE, set[str]()),
        (Notice.NOT_ACTIVATED, set[str]()),
        (Notice.CLOSED, {"Delete my data"}),
    ],
)
def test_what_cannot_work_cannot_be_pressed_and_the_reason_is_told(
    screenful: Screenful, notice: Notice | None, open_: set[str]
) -> None:
    screenful.show(Welcome("Corner Market", True, notice))
    pressed = {str(button.property("text")) for button in screenful.buttons()}
    assert pressed - {"Get help", "Staff"} == open_
    assert bool(screenful.page.property("alert")) is (notice is not None)


@pytest.mark.parametrize(
    ("working", "told"),
    [
        (PAYING, {"Paying"}),
        (
            replace(PAYING, slow=True),
            {
                "Paying",
                "This takes longer than usual. Please wait for the answer;"
                " you are never charged twice.",
            },
        ),
        (
            replace(PAYING, slow=True, way_out=True),
            {
                "Paying",
                "This takes longer than usual: there is no connection. Nothing has been charged.",
                "Pay another way",
            },
        ),
        (replace(PAYING, way_out=True), {"Paying", "Pay another way"}),
    ],
    ids=["in time", "outcome unknown", "nothing sent", "nothing sent yet"],
)
def test_the_amount_stays_while_it_is_paid_and_what_is_true_is_told(
    screenful: Screenful, working: Working, told: set[str]
) -> None:
    screenful.show(working)
    assert set(screenful.reads().splitlines()) == {"$12.50", "to Corner Market", *told}


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (Points(12, 1262), ["12 points", "Balance: 1,262"]),
        (Points(1), ["1 point"]),
        (Points(0, 0), ["0 points", "Balance: 0"]),
        (Points(None, 7), ["Balance: 7"]),
        (Points(), list[str]()),
    ],
)
def test_points_are_told_as_the_till_counts_them(
    screenful: Screenful, points: Points, told: list[str]
) -> None:
    screenful.show(Collected("Corner Market", points))
    assert re.findall(r"[\d,]+ points?|Balance: [\d,]+", screenful.reads()) == told


def test_a_membership_card_is_asked_for_where_the_merchant_has_some(screenful: Screenful) -> None:
    screenful.show(Welcome("Corner Market"))
    assert "Membership card" not in screenful.reads()
    screenful.show(Welcome("Corner Market", memberships=True))
    assert "Membership card" in screenful.reads()


def test_a_text_is_read_to_its_end_before_it_is_agreed_to(
    screenful: Screenful, qtbot: QtBot
) -> None:
    question = screenful.ask(examples()["ask-consent-plain"])
    assert "I agree" not in screenful.reads()
    turns = 0
    while "Read on" in screenful.reads():
        screenful.touch(screenful.button("Read on"))
        turns += 1
    assert 1 <= turns <= 6
    assert not question.done()
    screenful.touch(screenful.button("I agree"))
    qtbot.waitUntil(question.done)
    assert question.result() is Choice.AGREE


def test_a_release_is_signed_by_holding(screenful: Screenful, qtbot: QtBot) -> None:
    question = screenful.ask(examples()["ask-consent-release"])
    while "Read on" in screenful.reads():
        screenful.touch(screenful.button("Read on"))
    hold = screenful.button("Hold to sign")
    screenful.touch(hold)
    qtbot.waitUntil(lambda: hold.property("filled") == 0)
    assert not question.done()
    screenful.press(hold)
    qtbot.waitUntil(question.done)
    screenful.release(hold)
    assert question.result() is Choice.AGREE


def test_examples_are_the_texts_of_the_service() -> None:
    operator = "Palm Operator, 1 Main Street, Springfield"
    told = Settings(privacy=Privacy(operator=operator, contact="privacy@example.com"))
    assert consents("Shop")["plain"] == texts_for(PLAIN, "Shop", told)[0]
    longest = texts_for(ILLINOIS, "Shop", told)[0].model_copy(update={"law": "plain"})
    assert consents("Shop")["release"] == longest


@pytest.mark.parametrize("part", Part)
def test_every_part_has_a_name(screenful: Screenful, part: Part) -> None:
    screenful.show(Maintenance("0.1.0", None, "", (Check(part, Health.GOOD, Finding.NO_RING),)))
    (line,) = check_lines(screenful)
    assert all(line[:2])


def test_every_finding_has_words_and_what_is_broken_a_remedy(screenful: Screenful) -> None:
    broken = {"fault", "offline", "service_failed", "ring_demanded", "clock_wrong"}
    broken |= {"not_activated", "models_missing", "no_room", "life_with_ring", "life_unchecked"}
    broken |= {"service_stopped", "service_stores_nothing", "stores_nothing"}
    broken |= {"reader_fault", "reader_not_bound", "reader_unknown_state"}
    broken |= {"keys_in_any_boot_state", "keys_in_file", "keys_may_be_swapped"}
    broken |= {"no_door", "venue_away", "venue_not_allowed", "venue_stores_nothing"}
    broken |= {"venue_conflicts", "venue_not_signed_on", "venue_no_list"}
    broken |= {"locked_case", "locked_camera", "locked_usb", "case_open", "usb_storage"}
    broken |= {"entries_unreadable", "pin_unreadable", "till_without_key", "till_shut_out"}
    for finding in Finding:
        check = Check(Part.DISK, Health.GOOD, finding, FINDINGS.get(finding, ()))
        screenful.show(Maintenance("0.1.0", None, "", (check,)))
        ((_, found, remedy),) = check_lines(screenful)
        assert found, finding
        assert bool(remedy) == (finding in broken), finding
        assert not {"undefined", "NaN", "%1", "%2"} & set(f"{found} {remedy}".split()), finding


def test_whatever_keeps_staff_from_signing_on_at_pretix_has_words(screenful: Screenful) -> None:
    said: set[str] = set()
    for problem in VenueProblem:
        screenful.show(ScanDevice(problem))
        said.add(str(screenful.page.property("alert")))
    assert len(said - {""}) == len(VenueProblem)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_of_silence_has_words_and_a_remedy_and_what_a_clock_judges_its_date(
    screenful: Screenful, cause: Cause
) -> None:
    at, now = "https://palms.example.com:7256", "1970-01-01 00:03 UTC"
    check = Check(Part.SERVICE, Health.BROKEN, Finding.OFFLINE, (cause.value, at, now))
    screenful.show(Maintenance("0.1.0", None, "", (check,)))
    ((_, found, remedy),) = check_lines(screenful)
    assert remedy
    assert at in found or cause is Cause.NOT_STARTED
    judged_by_the_clock = {Cause.EXPIRED, Cause.NOT_YET_VALID, Cause.CERTIFICATE}
    assert (now in found) == (cause in judged_by_the_clock)
    assert ("clock" in remedy) == (cause in judged_by_the_clock - {Cause.CERTIFICATE})


def test_the_causes_of_silence_are_told_apart(screenful: Screenful) -> None:
    told: set[tuple[str, str, str]] = set()
    for cause in Cause:
        check = Check(Part.SERVICE, Health.BROKEN, Finding.OFFLINE, (cause.value, "there", "now"))
        screenful.show(Maintenance("0.1.0", None, "", (check,)))
        told |= set(check_lines(screenful))
    assert len(told) == len(Cause)


@pytest.mark.parametrize("fault", StorageFault)
def test_every_fault_of_a_disk_has_words_and_a_remedy(
    screenful: Screenful, fault: StorageFault
) -> None:
    for finding, rest in (
        (Finding.STORES_NOTHING, ("/state",)),
        (Finding.SERVICE_STORES_NOTHING, ()),
    ):
        check = Check(Part.DISK, Health.BROKEN, finding, (fault.value, *rest))
        screenful.show(Maintenance("0.1.0", None, "", (check,)))
        ((_, found, remedy),) = check_lines(screenful)
        assert fault.value.replace("_", "-") in found
        assert remedy.endswith(".")


@pytest.mark.parametrize("fault", ReaderFault)
def test_every_fault_of_a_card_reader_has_words_and_a_remedy(
    screenful: Screenful, fault: ReaderFault
) -> None:
    values = (fault.value, "Counter 1")
    check = Check(Part.TERMINAL, Health.BROKEN, Finding.READER_FAULT, values)
    screenful.show(Maintenance("0.1.0", None, "", (check,)))
    ((_, found, remedy),) = check_lines(screenful)
    assert ("Counter 1" in found) == (fault is not ReaderFault.SIMULATED)
    assert remedy.endswith(".")


def test_a_reader_that_is_not_bound_is_bound_with_the_command_that_is_shown(
    screenful: Screenful,
) -> None:
    values = ("tmr_Counter1", "device-1234")
    check = Check(Part.TERMINAL, Health.BROKEN, Finding.READER_NOT_BOUND, values)
    screenful.show(Maintenance("0.1.0", None, "", (check,)))
    ((_, _, remedy),) = check_lines(screenful)
    assert "palm-cloud staff bind-reader device-1234 tmr_Counter1" in remedy


FINDINGS: dict[Finding, tuple[str | float, ...]] = {
    Finding.LOCKED_CASE: ("2027-03-01 14:05 UTC",),
    Finding.LOCKED_CAMERA: ("046d:0825 7A3F", "2027-03-01 14:05 UTC"),
    Finding.LOCKED_USB: ("1209:0001", "keyboard", "2027-03-01 14:05 UTC"),
    Finding.CASE_OPEN: ("hwmon:/sys/class/hwmon/hwmon0/intrusion0_alarm",),
    Finding.USB_PLUGGED: ("046d:0825, 2341:0043",),
    Finding.USB_BELONGS: (3,),
    Finding.USB_STORAGE: ("0951:1666",),
    Finding.READER_READY: ("Counter 1",),
    Finding.READER_FAULT: ("busy", "Counter 1"),
    Finding.READER_NOT_BOUND: ("tmr_Counter1", "device-1234"),
    Finding.READER_UNKNOWN_STATE: ("tmr_Counter1",),
    Finding.NO_DOOR: ("device-1234",),
    Finding.AT_DOOR: ("/dev/ttyUSB0", "entry"),
    Finding.VENUE_ONLINE: (312, 0),
    Finding.VENUE_AWAY: (312, 2),
    Finding.VENUE_CONFLICTS: (1,),
    Finding.TILL_DOOR: (8443, "07:0E"),
    Finding.TILL_WITHOUT_KEY: ("/var/lib/palm-kiosk/till-keys.toml",),
    Finding.TILL_SHUT_OUT: (8443, "Address already in use"),
    Finding.FAULT: ("It is unplugged.", "Plug it in."),
    Finding.OPENING: ("/dev/video0",),
    Finding.DELIVERS: ("/dev/video0",),
    Finding.RING_LIT: ("/dev/ttyACM0", 12.3),
    Finding.OFFLINE: ("expired", "https://palms.example.com:7256", "1970-01-01 00:03 UTC"),
    Finding.SERVICE_STOPPED: ("the state is damaged. Restore it.",),
    Finding.SERVICE_STORES_NOTHING: ("full",),
    Finding.STORES_NOTHING: ("read_only", "/state"),
    Finding.ENTRIES_UNREADABLE: (2, "/state/purchases"),
    Finding.PIN_UNREADABLE: ("/state/staff.json",),
    Finding.KEYS_SEALED: ("/dev/tpmrm0",),
    Finding.KEYS_IN_ANY_BOOT_STATE: ("/dev/tpmrm0",),
    Finding.SERVICE_FAILED: ("the service answered 500",),
    Finding.ANSWERED: ("0.1.0", 12.3),
    Finding.KEY: ("key-1", "suite"),
    Finding.CLOCK_RIGHT: (0.12,),
    Finding.CLOCK_WRONG: (45.0,),
    Finding.ACTIVATED: ("Corner Market", "US"),
    Finding.MODELS_MISSING: ("Build them.",),
    Finding.MODELS_THERE: ("one, two",),
    Finding.ROOM: (21_400,),
    Finding.NO_ROOM: (21, "/state"),
}


def check_lines(screenful: Screenful) -> list[tuple[str, str, str]]:
    """Returns part, finding and remedy of every line of the self-test."""
    lines = [item for item in screenful.everything() if item.property("modelData") is not None]
    found: list[tuple[str, str, str]] = []
    for line in lines:
        name, *words = [
            str(text.property("text"))
            for text in screenful.everything(line)
            if text.inherits("QQuickText")
        ]
        found.append((name, words[0], words[1] if len(words) > 1 else ""))
    return found


def test_live_figures_are_told_with_their_units(screenful: Screenful) -> None:
    observed = (
        Observed(Figure.HANDS, (1,)),
        Observed(Figure.VISION_TIME, (31.4,)),
        Observed(Figure.HAND, ("left", "back")),
        Observed(Figure.DISTANCE, (0.444,)),
        Observed(Figure.OFFSET, (0.12, -0.3)),
        Observed(Figure.TILT, (6.1,)),
        Observed(Figure.TURN, (-3.0,)),
        Observed(Figure.OPENNESS, (0.93,)),
        Observed(Figure.SHARPNESS, (0.71,)),
        Observed(Figure.BRIGHTNESS, (0.52,)),
        Observed(Figure.CLIPPED, (0.034,)),
        Observed(Figure.MOTION, (0.04,)),
    )
    assert {each.figure for each in observed} == set(Figure)
    screenful.show(Maintenance("0.1.0", None, "", (), observed))
    read = screenful.reads().splitlines()
    figures = [*pairwise(read)]
    for line in [
        ("Hands", "1"),
        ("Vision pass", "31 ms"),
        ("Hand", "left, back"),
        ("Distance", "0.44"),
        ("Offset", "+0.12 -0.30"),
        ("Tilt", "6°"),
        ("Turn", "-3°"),
        ("Openness", "0.93"),
        ("Sharpness", "0.71"),
        ("Brightness", "0.52"),
        ("Clipped", "3%"),
        ("Motion", "0.04"),
    ]:
        assert line in figures


def test_the_operators_colours_are_shown_at_once(screenful: Screenful, qtbot: QtBot) -> None:
    screenful.show(Welcome("Corner Market", True))
    light = screenful.page.property("ground")
    screenful.loop.call_soon_threadsafe(screenful.stage.dress, "dark")
    qtbot.waitUntil(lambda: screenful.page.property("ground") != light)
    (sign_up,) = [each for each in screenful.buttons() if each.property("text") == "Sign up"]
    face = sign_up.property("background")
    green = face.property("color")
    screenful.loop.call_soon_threadsafe(screenful.stage.dress, "dark", "#ffd166")
    qtbot.waitUntil(lambda: face.property("color").name() == "#ffd166")
    screenful.loop.call_soon_threadsafe(screenful.stage.dress, "dark")
    qtbot.waitUntil(lambda: face.property("color") == green)
    screenful.loop.call_soon_threadsafe(screenful.stage.dress, "light")
    qtbot.waitUntil(lambda: screenful.page.property("ground") == light)


def test_a_screen_reader_is_told_every_button_by_name(screenful: Screenful) -> None:
    for name, screen in shown().items():
        screenful.show(screen)
        assert all(button.property("text") for button in screenful.buttons()), name


def test_every_button_is_reached_by_the_tab_key(screenful: Screenful) -> None:
    screenful.show(Welcome("Corner Market", demo=True))
    # All are kept: PySide releases an item together with the one it came from.
    chain = [screenful.page]
    for _ in range(len(screenful.buttons()) + 1):
        chain.append(chain[-1].nextItemInFocusChain(True))
    reached = {str(item.property("text")) for item in chain}
    assert reached >= {str(button.property("text")) for button in screenful.buttons()}


def test_right_to_left_languages_see_it_the_other_way_round(
    qapp: QGuiApplication, screenful: Screenful, qtbot: QtBot
) -> None:
    screenful.show(HoldPalm(Purpose.PAY))
    back, help_ = screenful.button("Go back"), screenful.button("Get help")
    assert place(back).x() < place(help_).x()
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    try:
        qtbot.waitUntil(lambda: place(back).x() > place(help_).x())
    finally:
        qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def test_the_outline_is_of_the_hand_that_is_shown(screenful: Screenful) -> None:
    seen = examples()["hold-palm-move_closer"]
    assert isinstance(seen, HoldPalm)
    screenful.show(seen)
    assert not screenful.page.property("seesLeft")
    mirrored = tuple((1 - x, y) for x, y in seen.guidance.points)
    guidance = Guidance(Instruction.MOVE_CLOSER, 0.0, mirrored)
    screenful.show(HoldPalm(Purpose.ENROL, guidance))
    assert screenful.page.property("seesLeft")


def test_a_demonstrations_message_goes_once_its_code_is_typed(
    screenful: Screenful, qtbot: QtBot
) -> None:
    screenful.ask(EnterCode("42", 30))
    screenful.kiosk.show_message("204817 is your code.")
    qtbot.waitUntil(lambda: "204817 is your code." in screenful.reads())
    assert "DEMO" in screenful.reads()
    screenful.type("204817")
    qtbot.waitUntil(lambda: "DEMO" not in screenful.reads())
