"""The kiosk's window: the QML modules beside this file, a stage and a camera."""

import os
from pathlib import Path
from typing import Literal, cast

from PySide6.QtCore import QCoreApplication, QEvent, QLocale
from PySide6.QtQml import QQmlApplicationEngine, qmlRegisterType, qmlRegisterUncreatableType
from PySide6.QtQuick import QQuickItem, QQuickWindow

from ui.liveview import Frames, LiveView
from ui.stage import QtStage

QML = Path(__file__).parent / "qml"
Variant = Literal["dark", "light"]

# PySide takes str where its stubs ask for bytes.
for made_here, name in ((QtStage, "Stage"), (Frames, "Frames")):
    qmlRegisterUncreatableType(made_here, "Palm.live", 1, 0, name, "The kiosk makes it.")  # pyright: ignore[reportArgumentType]
qmlRegisterType(LiveView, "Palm.live", 1, 0, "LiveView")  # pyright: ignore[reportCallIssue, reportArgumentType]


# The live view is Python called by the scene graph. On a render thread of its own it can wait for
# the interpreter's lock while the holder waits for it (docs/decisions/0008).
os.environ["QSG_RENDER_LOOP"] = "basic"


class KioskWindow:
    """Made and closed on Qt's thread. Not shown yet."""

    def __init__(self, stage: QtStage, variant: Variant, *, stillness: bool = False) -> None:
        if QLocale().language() is QLocale.Language.C:
            # A machine that was told no language speaks that of the words in the QML files.
            QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
        self._stage = stage
        self._engine = QQmlApplicationEngine()
        self._engine.addImportPath(str(QML))
        self.frames = Frames()
        self._engine.setInitialProperties(
            {"stage": stage, "frames": self.frames, "variant": variant, "stillness": stillness}
        )
        self._engine.loadFromModule("Palm", "Main")
        self.window = cast(QQuickWindow, self._engine.rootObjects()[0])
        self.window.installEventFilter(stage)

    def show(self, *, full_screen: bool) -> None:
        if full_screen:
            self.window.showFullScreen()
        else:
            self.window.show()

    def show_message(self, text: str) -> None:
        """What a simulated phone received, where the shopper sees it."""
        self.window.setProperty("message", text)

    @property
    def page(self) -> QQuickItem:
        """The screen that is shown now."""
        return cast(QQuickItem, self.window.property("page"))

    @property
    def settled(self) -> bool:
        """No screen is on its way in or out."""
        return bool(self.window.property("settled"))

    def close(self) -> None:
        """Takes every QML object down while all that they hold is still there."""
        self.window.removeEventFilter(self._stage)
        self.window.close()
        del self.window
        self._engine.deleteLater()
        QCoreApplication.sendPostedEvents(self._engine, QEvent.Type.DeferredDelete)
