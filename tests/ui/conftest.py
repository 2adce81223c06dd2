from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tests.support.screenful import Screenful
from tests.support.shared import Shared

PATIENCE_MS = 60_000
"""How long a machine busy with other things may take for one step."""


@pytest.fixture
def qtbot(qtbot: QtBot) -> QtBot:
    """A bot that waits longer than five seconds, which are few on a busy machine."""
    qtbot.waitSignal = partial(qtbot.waitSignal, timeout=PATIENCE_MS)
    qtbot.waitUntil = partial(qtbot.waitUntil, timeout=PATIENCE_MS)
    return qtbot


@pytest.fixture(scope="module")
def shared_window(qapp: QGuiApplication) -> Iterator[Shared[Screenful]]:
    """The window that the tests of a module share: opening one takes longer than most of them."""
    shared = Shared[Screenful]()
    yield shared
    shared.end()


@pytest.fixture
def screenful(shared_window: Shared[Screenful], qtbot: QtBot) -> Iterator[Screenful]:
    """A window of the shape of the reference panel, in which nothing was shown yet."""
    opened = shared_window.get(lambda: closing(Screenful(qtbot)))
    opened.qtbot = qtbot
    yield opened
    opened.forget()
