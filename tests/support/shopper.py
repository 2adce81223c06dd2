"""A person at the kiosk: sees screens, reads words, presses buttons, shows a hand, taps a card."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtQml import QQmlComponent, QQmlEngine
from PySide6.QtQuick import QQuickItem
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from hardware.terminal import TestCard
from kiosk.screens import (
    AskConsent,
    ChooseProof,
    ConfirmDelete,
    Deleted,
    EnterCode,
    EnterPhone,
    HoldPalm,
    OfferSecondPalm,
    PresentCard,
    Screen,
    SignedUp,
    Welcome,
)
from kiosk.settings import Patience
from kiosk.simulated.simulation import Simulation
from palm.image import Colour
from tests.support.clocks import SkippingClock
from tests.support.hands import FPS, Counter, Person
from tests.support.kinds import kinds_of_screens
from ui.engine import Engine
from ui.window import KioskWindow

PATIENCE = Patience()
PATIENCE_S = 100
"""Seconds that a busy machine may take for one step."""
LOOKS_MS = 50
"""Milliseconds between two looks at the window: looking takes time from what is looked at."""


class Shopper:
    """The person before the window. Everything is done through the window, the camera and the card
    terminal, and nothing through the kiosk's objects."""

    def __init__(
        self,
        qtbot: QtBot,
        window: KioskWindow,
        engine: Engine,
        world: Simulation,
        clock: SkippingClock,
    ) -> None:
        self._qtbot = qtbot
        self._window = window
        self._clock = clock
        self._finger = QTest.createTouchDevice()
        self._at = QPoint()
        self._texts: list[str] = []
        self.counter = Counter()
        self._stands_before(world)
        engine.texted.connect(self._texts.append)
        # After a restart by staff everything is another one.
        engine.assembled.connect(self._stands_before)

    def _stands_before(self, world: Simulation) -> None:
        self.world = world
        assert world.camera
        world.camera.look_at(self.counter)
        world.camera.slow_down(FPS)

    # What is seen

    def load_every_screen(self) -> None:
        """Has Qt compile every screen now: it writes what it has compiled into its cache, once for
        each change of the QML."""
        engine = QQmlEngine.contextForObject(self._window.window).engine()
        for screen in kinds_of_screens():
            component = QQmlComponent(engine)
            component.loadFromModule("Palm.screens", screen.__name__)
            assert component.isReady(), component.errorString()

    def sees(self, *screens: type[Screen[Any]]) -> None:
        """Waits until one of these screens is shown and can be touched."""
        names = [screen.__name__ for screen in screens]

        def ready() -> None:
            page = self._window.page
            assert page is not None, f"nothing is shown yet, where {names} should be"
            shown = page.objectName()
            assert shown in names, f"{shown} is shown, not {names}"
            assert self._window.settled, "a screen is on its way"

        self._until(ready)

    def reads(self, words: str) -> None:
        """Waits until these words are on the screen."""
        self.reads_one(words)

    def reads_one(self, *words: str) -> str:
        """Waits until one of these is on the screen, and returns the first that is."""
        read: list[str] = []

        def written() -> None:
            shown = list(self._texts_shown())
            read.extend(each for each in words if any(each in text for text in shown))
            assert read, f"none of {words} is written"

        self._until(written)
        return read[0]

    def can_press(self, words: str) -> None:
        """Waits until a button can be pressed."""
        self._button(words)

    # What is done

    def presses(self, words: str) -> None:
        with self._touch(words):
            pass

    def keeps_pressing(self, words: str, until: type[Screen[Any]]) -> None:
        """Presses again and again, as an impatient person does, while the button comes back."""

        def given_way() -> None:
            if words in self._buttons():
                self.presses(words)
            shown = self._window.page.objectName()
            assert shown == until.__name__, f"{shown} is shown, not {until.__name__}"

        self._until(given_way)

    def holds(self, words: str, until: type[Screen[Any]], *more: type[Screen[Any]]) -> None:
        """Keeps the finger on a button until another screen is shown."""
        with self._touch(words):
            self.sees(until, *more)

    def types(self, digits: str) -> None:
        for digit in digits:
            self.presses(digit)

    def walks_away(self, idle_s: float = PATIENCE.idle_s) -> None:
        """Touches nothing until the kiosk has warned and is welcoming again. The kiosk's clock
        skips the wait."""
        self.hesitates(idle_s)
        self._clock.skip(PATIENCE.warning_s)
        self.sees(Welcome)

    def sees_after(self, seconds: float, screen: type[Screen[Any]]) -> None:
        """Waits until a screen is shown that comes of what the kiosk does each time so long has
        passed. Its clock skips that again and again: it may be doing it just now."""

        def shown() -> None:
            self._clock.skip(seconds)
            page = self._window.page.objectName()
            assert page == screen.__name__, f"{page} is shown, not {screen.__name__}"

        self._until(shown)
        self.sees(screen)

    def hesitates(self, idle_s: float = PATIENCE.idle_s) -> None:
        """Touches nothing until the kiosk warns."""
        self._clock.skip(idle_s - PATIENCE.warning_s)
        self.reads("Are you still there?")

    def waits_for_the_result_to_close(self) -> None:
        """Touches nothing until the result has closed by itself. The kiosk's clock skips the wait,
        and nobody is asked whether they are there."""
        self._clock.skip(PATIENCE.result_s)
        self.sees(Welcome)

    def finishes(self) -> None:
        """Presses "Finish" on a result, which closes by itself otherwise."""
        self.keeps_pressing("Finish", until=Welcome)

    def shows(self, hand: Colour | None) -> None:
        self.counter.shows(hand)

    def goes_on(self) -> None:
        """Takes the hand away from a gate, and waits until the next one is awaited there."""
        self.shows(None)

        def awaited() -> None:
            instruction = self._window.page.property("instruction")
            assert instruction == "show_palm", f"the hand is still told: {instruction}"

        self._until(awaited)

    def shows_drawn_hand(self, **wish: Any) -> None:
        """Shows a hand that the simulated ring lights, or a recording of it, with fields of
        `drawn.Wish`."""
        camera, scene = self.world.camera, self.world.shopper
        assert camera
        assert scene
        scene.wish = replace(scene.wish, **wish)
        camera.look_at(scene)

    def shows_drawn_hand_again(self, **wish: Any) -> None:
        """Takes the drawn hand away as it is told to, and shows it once more."""
        self.reads("Take your hand away")
        self.shows_drawn_hand(present=False)
        self.reads("Show your open palm")
        self.shows_drawn_hand(present=True, **wish)

    def awaits_message(self) -> None:
        """Forgets the messages that the phone has got, so that the next one is read."""
        self._texts.clear()

    def reads_code(self) -> str:
        """Returns the six digits of the message that came since the code was asked for. A receipt
        may come meanwhile, and has none."""
        codes: list[str] = []

        def came() -> bool:
            codes.extend(code for text in self._texts for code in re.findall(r"\b\d{6}\b", text))
            return bool(codes)

        self._until(came)
        self._texts.clear()
        return codes[-1]

    @property
    def portal(self) -> str:
        """The origin of the portal, under a name: an IP address has no passkeys."""
        return self.world.service_url.replace("127.0.0.1", "localhost")

    # What is done often

    def signs_up(self, person: Person, number: str, card: TestCard = TestCard.VISA) -> None:
        """Signs up with both palms, from the welcome screen and back to it."""
        self.comes_to_the_palm(number, card)
        self.shows(person.left[0])
        self.sees(OfferSecondPalm)
        self.shows(None)
        self.presses("Add palm")
        self.sees(HoldPalm)
        self.shows(person.right[0])
        self.sees(SignedUp)
        self.shows(None)
        self.finishes()

    def comes_to_the_palm(self, number: str, card: TestCard = TestCard.VISA) -> None:
        """Signs up as far as the first palm."""
        self.comes_to_the_card(number)
        self.taps(card)
        self.sees(HoldPalm)

    def comes_to_the_card(self, number: str) -> None:
        self.comes_to_the_code(number)
        self.types(self.reads_code())
        self.sees(PresentCard)

    def comes_to_the_code(self, number: str) -> None:
        self.sees(Welcome)
        self.presses("Sign up")
        self.agrees()
        self.sees(EnterPhone)
        self.asks_for_a_code(number)

    def agrees(self) -> None:
        """Reads what is asked to its end, and agrees to it."""
        self.sees(AskConsent)

        def is_read() -> None:
            if "Read on" in self._buttons():
                self.presses("Read on")
            assert "I agree" in self._buttons(), "the text is not read to its end"

        self._until(is_read)
        self.presses("I agree")

    def asks_for_a_code(self, number: str) -> None:
        self.types(number)
        self._texts.clear()
        self.presses("Send code")
        self.sees(EnterCode)
        # A message that comes after the next one was asked for would be taken for it.
        self._until(lambda: bool(self._texts))

    def deletes_by_number(self, number: str) -> None:
        """Deletes the data, from the choice of proof to the receipt."""
        self.sees(ChooseProof)
        self.presses("Use my number")
        self.sees(EnterPhone)
        self.asks_for_a_code(number)
        self.types(self.reads_code())
        self.sees(ConfirmDelete)
        self.holds("Hold to delete", until=Deleted)

    def taps(self, card: TestCard) -> None:
        assert self.world.terminal
        self.world.terminal.tap(card)

    def holds_palm_to_pay(self, hand: Colour) -> None:
        """Starts to pay on the welcome screen and presents the palm."""
        self.sees(Welcome)
        self.presses("Try a purchase")
        self.sees(HoldPalm)
        self.shows(hand)

    def shows_the_palm_again(self, hand: Colour, *, times: int) -> None:
        """Takes the hand away when told to, and shows it once more, so many times."""
        for _ in range(times):
            self.reads("Take your hand away")
            self.shows(None)
            self.reads("Show your open palm")
            self.shows(hand)

    def _until(self, seen: Callable[[], object]) -> None:
        """Waits until `seen` holds, and fails with what it said last when it never does."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                if seen() is not False:
                    return
                said = "waited in vain"
            except AssertionError as not_yet:
                said = str(not_yet)
            if time.monotonic() > give_up:
                pytest.fail(f"{said}: {list(self._texts_shown())}")
            self._qtbot.wait(LOOKS_MS)

    @contextmanager
    def _touch(self, words: str) -> Iterator[None]:
        """Keeps a finger on a button inside the context. A touch that comes before the screen is at
        rest is repeated."""
        window = self._window.window

        def felt() -> bool:
            button = self._button(words)
            middle = button.mapToScene(button.boundingRect().center())
            self._at = QPoint(round(middle.x()), round(middle.y()))
            QTest.touchEvent(window, self._finger).press(0, self._at).commit()
            # The screen may have changed under the finger, to one with the same button.
            is_felt = any(
                name == words and each.property("pressed") for name, each in self._all_buttons()
            )
            if not is_felt:
                # Where no button is, so that nothing is tapped that is not meant.
                aside = QTest.touchEvent(window, self._finger)
                aside.move(0, QPoint(0, 0)).commit()
                QTest.touchEvent(window, self._finger).release(0, QPoint(0, 0)).commit()
            return is_felt

        self._until(felt)
        yield
        QTest.touchEvent(window, self._finger).release(0, self._at).commit()

    def _button(self, words: str) -> QQuickItem:
        def found() -> None:
            assert words in self._buttons(), f"there is no button '{words}'"

        self._until(found)
        return self._buttons()[words]

    def _texts_shown(self) -> Iterator[str]:
        return (str(item.property("text")) for item in self._visible())

    def _buttons(self) -> dict[str, QQuickItem]:
        return dict(self._all_buttons())

    def _all_buttons(self) -> list[tuple[str, QQuickItem]]:
        return [
            (str(item.property("text")), item)
            for item in self._visible()
            if item.inherits("QQuickAbstractButton") and item.isEnabled()
        ]

    def _visible(self) -> Iterator[QQuickItem]:
        waiting = [self._window.window.contentItem()]
        while waiting:
            item = waiting.pop()
            if item.isVisible() and item.opacity() > 0:
                yield item
                waiting.extend(item.childItems())
