"""A kiosk whose keys cannot be had says so, lives, and goes on once they are there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from kiosk.service.identity import Identity
from kiosk.settings import ServiceAddress, Settings
from tests.support.sealed import state_of
from ui.engine import Engine
from ui.window import KioskWindow

NOWHERE = ServiceAddress(url="https://127.0.0.1:9")
SOON_MS = 60_000


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(Settings(state=tmp_path, service=NOWHERE, light="none:"))
    yield engine
    engine.stop()


def test_staff_are_told_why_and_the_kiosk_opens_when_its_key_is_back(
    qtbot: QtBot, qapp: QGuiApplication, engine: Engine, tmp_path: Path
) -> None:
    del qapp
    Identity.load_or_make(state_of(tmp_path).files / "identity.json")
    key = tmp_path / "state.key"
    content = key.read_bytes()
    key.unlink()
    window = KioskWindow(engine.stage, "light", stillness=True)
    window.show(full_screen=False)
    answered: list[str] = []
    engine.start(window.frames)
    qtbot.waitUntil(lambda: window.shows("NoKeys"), timeout=SOON_MS)
    engine.prove_sight(lambda: answered.append("vision"))
    assert answered == ["vision"], "systemd must not take it for hung"
    assert not key.exists(), "no other key is made"
    key.write_bytes(content)
    serial = window.window.property("page").property("serial")
    engine.stage.answer(serial, "try_again")
    qtbot.waitUntil(lambda: window.shows("Welcome"), timeout=SOON_MS)
    window.close()
