from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tests.support.screenful import Screenful


@pytest.fixture
def screenful(qapp: QGuiApplication, qtbot: QtBot) -> Iterator[Screenful]:
    """Opens a window of the size of the reference panel."""
    opened = Screenful(qtbot)
    yield opened
    opened.close()
