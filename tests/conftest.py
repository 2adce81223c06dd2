"""One display and one Qt application for all tests that need a window."""

import atexit
from contextlib import ExitStack

import pytest
from PySide6.QtGui import QGuiApplication

from ui.tour import display as xvfb


@pytest.fixture(scope="session")
def display() -> None:
    """The display there is, or an Xvfb: the software scene graph does not draw as a kiosk does.

    It has to outlive the application, which lives until the process ends.
    """
    open_to_the_end = ExitStack()
    atexit.register(open_to_the_end.close)
    open_to_the_end.enter_context(xvfb())


@pytest.fixture(scope="session")
def qapp_cls(display: None) -> type[QGuiApplication]:
    return QGuiApplication
