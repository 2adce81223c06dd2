"""Systemd's watchdog is fed while the visits, vision and the window live: each is hung for real."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from kiosk.settings import ServiceAddress, Settings
from protocol.watchdog import Systemd
from tests.support.systemd import Asked, Listening
from ui.alive import Alive
from ui.engine import Engine
from ui.window import KioskWindow

NOWHERE = ServiceAddress(url="https://127.0.0.1:9")
"""No service is there, which the kiosk says on its welcome screen."""
SOON_MS = 60_000
WINDOW = "the window"


@pytest.fixture
def systemd() -> Iterator[Listening]:
    with Listening() as listening:
        yield listening


@pytest.fixture
def alive(
    qapp: QGuiApplication, qtbot: QtBot, tmp_path: Path, systemd: Listening
) -> Iterator[Alive]:
    engine = Engine(Settings(state=tmp_path, service=NOWHERE, light="none:"))
    window = KioskWindow(engine.stage, "light", stillness=True)
    window.window.resize(480, 853)
    alive = Alive(engine, window, Systemd(systemd.environment))
    window.show(full_screen=False)
    engine.start(window.frames)
    qtbot.waitUntil(lambda: not systemd.has_heard_nothing, timeout=SOON_MS)
    assert window.shows("Welcome"), "systemd is told so"
    yield alive
    window.close()
    engine.stop()


def wait_for(go_on: threading.Event) -> None:
    go_on.wait()


def test_a_kiosk_is_fed_but_for_when_one_of_its_threads_hangs(
    qtbot: QtBot, systemd: Listening, alive: Alive
) -> None:
    parts = {name: Asked(part) for name, part in alive.parts.items()}

    def is_fed() -> bool:
        return not systemd.has_heard_nothing

    def asked_again(name: str, times: int) -> None:
        if name == WINDOW:
            # This is the window's thread, which does nothing else while it waits here.
            parts[name].again(times)
        else:
            last = parts[name].times + times
            qtbot.waitUntil(lambda: parts[name].times >= last, timeout=SOON_MS)

    with Systemd(systemd.environment).watching(parts):
        for hung in parts:
            qtbot.waitUntil(is_fed, timeout=SOON_MS)
            go_on = threading.Event()
            if hung != WINDOW:
                # What proves that a thread lives can also hold it.
                alive.parts[hung](partial(wait_for, go_on))
            asked_again(hung, 3)
            systemd.forget()
            asked_again(hung, 5)
            assert systemd.has_heard_nothing, hung
            go_on.set()
        qtbot.waitUntil(is_fed, timeout=SOON_MS)
