"""A window with a running stage, and a finger to touch it."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import QObject, QPoint, QRectF
from PySide6.QtQml import QQmlEngine, QQmlExpression
from PySide6.QtQuick import QQuickItem
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from hardware.camera.feed import Feed
from kiosk.screens import Bill, Indicated, Screen
from ui.stage import QtStage
from ui.window import KioskWindow, Variant

PANEL = (1080, 1920)
"""The reference panel."""
SMALL = (540, 960)
"""A window of the same shape that is drawn in a fraction of the time."""


class Screenful:
    def __init__(
        self,
        qtbot: QtBot,
        size: tuple[int, int] = SMALL,
        variant: Variant = "light",
        feed: Feed | None = None,
        *,
        drawn: bool = False,
    ) -> None:
        """Unless it is to be `drawn`, everything lies and answers as it does otherwise, and no time
        is spent on its pixels."""
        self.qtbot = qtbot
        self._finger = QTest.createTouchDevice()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.stage = QtStage(self.loop)
        self.kiosk = KioskWindow(self.stage, variant, stillness=True)
        self.kiosk.frames.feed = feed
        self.kiosk.window.resize(*size)
        self.kiosk.window.contentItem().setOpacity(1 if drawn else 0)
        self.kiosk.window.show()
        self._shown = 0
        self.stage.shown.connect(self._count)

    def forget(self) -> None:
        """Becomes as it was when it was opened: nothing is asked, and nothing is shown."""
        asyncio.run_coroutine_threadsafe(_cancel_everything(), self.loop).result()
        self.stage.overlay(None)
        self.stage.bill(None)
        self.stage.indicate(None)
        self.stage.dress("light")
        self.kiosk.show_message("")
        if self.page is not None:
            pages = self.page.parentItem()
            QQmlExpression(QQmlEngine.contextForObject(pages), pages, "clear()").evaluate()

    def close(self) -> None:
        self.kiosk.close()
        asyncio.run_coroutine_threadsafe(_cancel_everything(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    # What the visits do

    def ask(self, screen: Screen[Any]) -> "Future[Any]":
        before = self._shown
        question = asyncio.run_coroutine_threadsafe(self.stage.ask(screen), self.loop)
        self._rest(before)
        return question

    def show(self, screen: Screen[Any]) -> None:
        before = self._shown
        self.loop.call_soon_threadsafe(self.stage.show, screen)
        self._rest(before)

    def bill(self, bill: Bill | None) -> None:
        self.loop.call_soon_threadsafe(self.stage.bill, bill)

    def indicate(self, shown: Indicated | None) -> None:
        self.loop.call_soon_threadsafe(self.stage.indicate, shown)

    def turn_of_the_loop(self) -> None:
        """Waits for one turn of the loop."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop).result()

    def _rest(self, before: int) -> None:
        """Waits until the screen is shown, and drawn once it was laid out."""
        window = self.kiosk.window

        def is_there() -> bool:
            if self._shown > before and self.kiosk.settled:
                return True
            window.update()
            return False

        with self.qtbot.waitSignal(window.frameSwapped, check_params_cb=is_there):
            window.update()

    def _count(self, *_: object) -> None:
        self._shown += 1

    # What is seen and touched

    @property
    def page(self) -> QQuickItem:
        return self.kiosk.page

    def everything(self, root: QQuickItem | None = None) -> Iterator[QQuickItem]:
        """Yields every visible item, children before their parents."""
        for child in (root or self.kiosk.window.contentItem()).childItems():
            if child.isVisible() and child.opacity() > 0:
                yield from self.everything(child)
                yield child

    def buttons(self) -> list[QQuickItem]:
        return [
            item
            for item in self.everything()
            if item.inherits("QQuickAbstractButton") and item.isEnabled()
        ]

    def button(self, words: str) -> QQuickItem:
        return next(b for b in self.buttons() if b.property("text") == words)

    def texts(self) -> list[QQuickItem]:
        return [item for item in self.everything() if item.inherits("QQuickText")]

    def reads(self) -> str:
        return "\n".join(str(text.property("text")) for text in self.texts())

    def touch(self, item: QQuickItem) -> None:
        self.press(item)
        self.release(item)

    def press(self, item: QQuickItem) -> None:
        QTest.touchEvent(self.kiosk.window, self._finger).press(0, middle(item)).commit()

    def release(self, item: QQuickItem) -> None:
        QTest.touchEvent(self.kiosk.window, self._finger).release(0, middle(item)).commit()

    def type(self, digits: str) -> None:
        for digit in digits:
            self.touch(self.button(digit))


async def _cancel_everything() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def place(item: QQuickItem) -> QRectF:
    """Returns the rectangle of an item in the window, in pixels."""
    return item.mapRectToScene(item.boundingRect())


def seen(item: QQuickItem) -> QRectF:
    """Returns the part of an item's rectangle that its clipping ancestors leave visible."""
    left = place(item)
    around = item.parentItem()
    while around is not None:
        if around.clip():
            left = left.intersected(place(around))
        around = around.parentItem()
    return left


def middle(item: QQuickItem) -> QPoint:
    return place(item).center().toPoint()


def is_within(item: QObject | None, ancestor: QQuickItem) -> bool:
    while isinstance(item, QQuickItem):
        if item is ancestor:
            return True
        item = item.parentItem()
    return False
