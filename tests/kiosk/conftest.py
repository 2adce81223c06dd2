from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from hardware.address import Address
from hardware.terminal import SimulatedTerminal
from kiosk.service.client import SignatureService
from kiosk.service.identity import Identity
from kiosk.settings import ServicePatience
from kiosk.simulated.till import SimulatedTill
from kiosk.till.journal import PurchaseJournal
from tests.support.authority import Authority
from tests.support.canned import DEVICE, CannedService
from tests.support.clocks import HurriedClock
from tests.support.scripted import Line, ScriptedReader, ScriptedStage, ScriptedVisit


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
    identity = Identity.load_or_make(tmp_path / "identity.json")
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
            terminal=terminal,
            service=service,
            till=SimulatedTill(),
            journal=PurchaseJournal(tmp_path / "purchases"),
            clock=HurriedClock(),
            device=DEVICE,
        )
        return replace(whole, **more)

    return make
