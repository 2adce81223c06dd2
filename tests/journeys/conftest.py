"""A whole kiosk for each journey: the real window, the real service in a process of its own, and a
simulated camera that looks at a real or a drawn hand."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from kiosk.settings import Settings
from tests.support.clocks import SkippingClock
from tests.support.hands import Person, people
from tests.support.shopper import Shopper
from tests.support.unhurried import unhurried
from tests.support.warm import warm_starts
from ui.engine import Engine
from ui.window import KioskWindow

Opens = Callable[..., Shopper]

SLOW_MACHINE = {"connect_s": 20, "answer_s": 60, "deadline_s": 60}
"""How long a kiosk waits for the service on a busy machine. A shopper is not shown trouble that no
journey is about."""


@contextmanager
def kiosk(qtbot: QtBot, settings: Settings) -> Iterator[Shopper]:
    """Starts the kiosk as `./run kiosk --dock` does, in a small window."""
    clock = SkippingClock()
    engine = Engine(settings)
    window = KioskWindow(engine.stage, settings.variant, stillness=True)
    window.window.resize(270, 480)
    window.show(full_screen=False)
    # Also for a kiosk that starts again.
    with patch("kiosk.assembly.SystemClock", lambda: clock):
        with qtbot.waitSignal(engine.assembled, timeout=60_000) as assembled:
            engine.start(window.frames)
        assert assembled.args
        try:
            yield Shopper(qtbot, window, engine, assembled.args[0], clock)
        finally:
            window.close()
            engine.stop()
    assert engine.failure is None


@pytest.fixture
def opens(qapp: QGuiApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[Opens]:
    """Returns a function that opens the kiosk of one state folder with given settings. A kiosk that
    is open already is closed first, as by a restart."""
    with unhurried(), warm_starts(), ExitStack() as open_now:

        def start(service_patience: dict[str, float] | None = None, **more: Any) -> Shopper:
            open_now.close()
            more["service_patience"] = {**SLOW_MACHINE, **(service_patience or {})}
            # A photograph before the camera does not answer a light.
            settings = Settings(state=tmp_path, dock=True, **{"light": "none:", **more})
            return open_now.enter_context(kiosk(qtbot, settings))

        yield start


@pytest.fixture
def shopper(opens: Opens) -> Shopper:
    return opens()


@pytest.fixture
def shopper_at_a_ring(opens: Opens, tmp_path: Path) -> Shopper:
    """A shopper at a kiosk with a light ring, whose service refuses a palm that does not answer the
    ring."""
    service = tmp_path / "service"
    service.mkdir()
    (service / "settings.toml").write_text('liveness = "required"\n')
    shopper = opens(light="sim:")
    assert shopper.world.shopper
    shopper.world.shopper.prepare()
    shopper.shows_drawn_hand(present=False)
    return shopper


@pytest.fixture(scope="session")
def two_people() -> tuple[Person, Person]:
    return people()


@pytest.fixture
def ada(two_people: tuple[Person, Person]) -> Person:
    return two_people[0]


@pytest.fixture
def ben(two_people: tuple[Person, Person]) -> Person:
    return two_people[1]
