"""The kiosk's window: the QML modules beside this file, with a stage and a camera."""

import os
from pathlib import Path
from typing import Literal, cast

from PySide6.QtCore import QCoreApplication, QEvent, QLocale, QMetaObject, QObject
from PySide6.QtQml import QQmlApplicationEngine, qmlRegisterType, qmlRegisterUncreatableType
from PySide6.QtQuick import QQuickItem, QQuickWindow

from ui.liveview import Frames, LiveView
from ui.phone_number import PhoneNumber
from ui.stage import QtStage

QML = Path(__file__).parent / "qml"
Variant = Literal["dark", "light"]

# PySide takes str where its stubs ask for bytes.
for made_here, name in ((QtStage, "Stage"), (Frames, "Frames")):
    qmlRegisterUncreatableType(made_here, "Palm.live", 1, 0, name, "The kiosk makes it.")  # pyright: ignore[reportArgumentType]
for made_by_qml, name in ((LiveView, "LiveView"), (PhoneNumber, "PhoneNumber")):
    qmlRegisterType(made_by_qml, "Palm.live", 1, 0, name)  # pyright: ignore[reportCallIssue, reportArgumentType]


# The live view is Python code called by the scene graph. A render thread of its own could wait for
# the interpreter's lock while the holder of that lock waits for it (docs/decisions/0008).
os.environ["QSG_RENDER_LOOP"] = "basic"


class CannotLoad(Exception):
    """The window's QML has a mistake, which Qt has printed."""


class KioskWindow:
    """The window, made and closed on Qt's thread. It is not shown until `show`."""

    def __init__(
        self, stage: QtStage, variant: Variant, *, stillness: bool = False, qml: Path = QML
    ) -> None:
        """`stillness` turns animations off; `qml` is the folder of the QML modules.

        Raises CannotLoad.
        """
        if QLocale().language() is QLocale.Language.C:
            # A machine without a language setting uses the language of the QML files.
            QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
        self._stage = stage
        self._follows: QMetaObject.Connection | None = None
        """The connection by which the window learns that the size of its screen has changed."""
        self._engine = QQmlApplicationEngine()
        self._engine.addImportPath(str(qml))
        self.frames = Frames()
        self._engine.setInitialProperties(
            {"stage": stage, "frames": self.frames, "variant": variant, "stillness": stillness}
        )
        self._engine.loadFromModule("Palm", "Main")
        roots = self._engine.rootObjects()
        if not roots:
            raise CannotLoad
        self.window = cast(QQuickWindow, roots[0])
        self.window.installEventFilter(stage)

    def show(self, *, full_screen: bool) -> None:
        """Shows the window, in full screen with or without a window manager."""
        if full_screen:
            # Without a window manager, nothing else makes the window as large as the screen.
            self._follow_screen()
            self.window.screenChanged.connect(self._follow_screen)
            self.window.showFullScreen()
        else:
            self.window.show()

    def _follow_screen(self) -> None:
        """Fills the screen that the window is on. When its monitor is unplugged, that becomes
        another one."""
        self._let_screen_go()
        self._follows = self.window.screen().geometryChanged.connect(self._fill_screen)
        self._fill_screen()

    def _let_screen_go(self) -> None:
        if self._follows is not None:
            # The screen may be gone.
            QObject.disconnect(self._follows)
            self._follows = None

    def _fill_screen(self) -> None:
        self.window.setGeometry(self.window.screen().geometry())

    def show_message(self, text: str) -> None:
        """Shows the shopper a message that the simulated phone has received."""
        self.window.setProperty("message", text)

    @property
    def page(self) -> QQuickItem:
        """The screen that is shown now."""
        return cast(QQuickItem, self.window.property("page"))

    def shows(self, name: str) -> bool:
        """Returns whether the screen of that name is shown. It is not when its QML has a
        mistake."""
        page = self.window.property("page")
        return page is not None and page.objectName() == name

    def shows_more_than(self, name: str) -> bool:
        """Returns whether a screen is shown that is not the one of that name."""
        return self.window.property("page") is not None and not self.shows(name)

    @property
    def settled(self) -> bool:
        """Whether no change of screens is being animated."""
        return bool(self.window.property("settled"))

    def close(self) -> None:
        """Destroys every QML object while everything they refer to still exists."""
        self.window.screenChanged.disconnect()
        self._let_screen_go()
        self.window.removeEventFilter(self._stage)
        self.window.close()
        del self.window
        self._engine.deleteLater()
        QCoreApplication.sendPostedEvents(self._engine, QEvent.Type.DeferredDelete)
