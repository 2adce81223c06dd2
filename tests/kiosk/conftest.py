from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from hardware.address import Address
from hardware.camera import SimulatedCamera
from hardware.camera.feed import Feed
from hardware.light import light_at
from hardware.terminal import SimulatedTerminal
from kiosk.app import Kiosk
from kiosk.capture.eyes import Eyes
from kiosk.fittings import Fittings
from kiosk.lock import Lock
from kiosk.service.client import SignatureService
from kiosk.service.identity import Identity
from kiosk.settings import ServicePatience, Settings
from kiosk.simulated.till import SimulatedTill
from kiosk.staff import StaffPin
from kiosk.till.journal import PurchaseJournal
from palm.hand.find import HandFinder
from tests.support.authority import Authority
from tests.support.canned import DEVICE, CannedService
from tests.support.clocks import HurriedClock, TurnedClock
from tests.support.scripted import (
    Line,
    ScriptedCodes,
    ScriptedReader,
    ScriptedStage,
    ScriptedVisit,
)
from tests.support.sealed import sealed, state_of
from tests.support.stand import ConnectedAlready, EmptyRoom, MakeStand, Stand


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def cheap_pin_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets Argon2id take the least time and memory it can."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("kiosk.staff.PasswordHasher", cheap)


@pytest.fixture
async def canned() -> AsyncIterator[CannedService]:
    async with CannedService().open() as service:
        yield service


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an authority, which is read faster than all authorities of the system."""
    return Authority.make().write(tmp_path_factory.mktemp("authority") / "ca.pem")


@pytest.fixture
async def service(
    canned: CannedService, authority: Path, tmp_path: Path
) -> AsyncIterator[SignatureService]:
    """The kiosk's client, connected to the canned service; its pauses take no time."""
    identity = Identity.load_or_make(sealed(tmp_path / "identity.json"))
    identity.become(DEVICE)
    client = SignatureService(identity, HurriedClock(), ServicePatience())
    await client.connect(canned.url, authority)
    yield client
    await client.close()


@pytest.fixture
def terminal() -> SimulatedTerminal:
    """A terminal that taps a card as soon as it is asked for one."""
    return SimulatedTerminal(Address.parse("sim:?after=0"))


@pytest.fixture
def visit(
    service: SignatureService, terminal: SimulatedTerminal, tmp_path: Path
) -> Callable[..., ScriptedVisit]:
    """Returns a function that makes a visit with a script."""

    def make(*script: Line, **more: Any) -> ScriptedVisit:
        whole = ScriptedVisit(
            stage=ScriptedStage(list(script)),
            reader=ScriptedReader(),
            codes=ScriptedCodes(),
            terminal=terminal,
            service=service,
            till=SimulatedTill(),
            journal=PurchaseJournal(sealed(tmp_path / "purchases")),
            pin=StaffPin(sealed(tmp_path / "staff.json"), HurriedClock().wall),
            clock=HurriedClock(),
            device=DEVICE,
        )
        return replace(whole, **more)

    return make


@pytest.fixture(scope="session")
def hand_finder() -> HandFinder:
    return HandFinder()


@pytest.fixture
def stand(
    service: SignatureService,
    terminal: SimulatedTerminal,
    hand_finder: HandFinder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> MakeStand:
    # Loading its models takes longer than most of these tests, which show no hand.
    monkeypatch.setattr("kiosk.capture.eyes.HandFinder", lambda: hand_finder)

    def make(*script: Line) -> Stand:
        clock = TurnedClock()
        stage = ScriptedStage(list(script), now=clock.now)
        camera = SimulatedCamera(EmptyRoom(), size=(72, 128))
        feed = Feed(camera, (72, 128))
        till = SimulatedTill()
        kiosk = Kiosk(
            settings=Settings(state=tmp_path, memberships=True),
            state=state_of(tmp_path),
            stage=stage,
            feed=feed,
            eyes=Eyes(feed),
            infrared=None,
            light=light_at("sim:"),
            reader=ScriptedReader(),
            codes=ScriptedCodes(),
            terminal=terminal,
            service=service,
            connection=ConnectedAlready(),
            till=till,
            journal=PurchaseJournal(sealed(tmp_path / "purchases")),
            pin=StaffPin(sealed(tmp_path / "staff.json"), clock.wall),
            clock=clock,
            fittings=Fittings(tmp_path / "fittings.json", service.identity, None, [camera]),
            lock=Lock(tmp_path),
        )
        return Stand(kiosk, stage, clock, camera, till)

    return make
