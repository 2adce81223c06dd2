"""A kiosk that somebody tampers with locks itself, destroys its keys, and serves again once it is
activated with another one, wherever the power was cut meanwhile."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hardware.camera import SimulatedCamera
from hardware.enclosure import SimulatedContact
from hardware.usb import SimulatedBus
from hardware.usb.sim import KEYBOARD, STICK
from kiosk.app import LEAVE_S, Kiosk
from kiosk.assembly import assemble
from kiosk.lock import Lock, Locked, Seen, Step
from kiosk.screens import (
    Choice,
    EnterActivationCode,
    EnterPin,
    EntryProblem,
    Finding,
    Health,
    HoldPalm,
    Maintenance,
    OutOfService,
    Part,
    ScanActivationCode,
    Welcome,
)
from kiosk.service.identity import Identity
from kiosk.settings import Settings
from kiosk.simulated.till import SimulatedTill
from kiosk.state import SECRETS, wipe
from kiosk.tampering import LASTS_S, LOOKS_S
from kiosk.till.journal import PendingPurchase, PurchaseJournal
from kiosk.till.till import SaleResult, Tampering
from palm.hand.find import HandFinder
from protocol.fleet import Report
from protocol.messages import Money, PurchaseRequest
from tests.support.canned import DEVICE, CannedService, ended
from tests.support.clocks import NOON, TurnedClock
from tests.support.forks import run_forked
from tests.support.scripted import WAITS, Line, ScriptedReader, ScriptedStage, typed
from tests.support.sealed import sealed, state_of
from tests.support.stand import ConnectedAlready, EmptyRoom

pytestmark = pytest.mark.anyio

TOLD = "PUT /device/report"
PIN = typed("739182")
TO_CODE: list[Line] = [
    (OutOfService, Choice.STAFF),
    (EnterPin, PIN),
    (EnterPin, PIN),
    (Maintenance, Choice.ACTIVATE),
]
TO_TYPE: list[Line] = [*TO_CODE, (ScanActivationCode, Choice.USE_NUMBER)]
LONG = LASTS_S + 2 * LOOKS_S
DOUBT = PendingPurchase(
    request=PurchaseRequest(
        reference="sale-before",
        identification_id="identification-1",
        amount=Money(minor=1250, currency="USD"),
    ),
    idempotency_key="key-before",
    decided_by=NOON + timedelta(minutes=5),
)


class Running:
    """A kiosk that was started as by systemd, with everything simulated."""

    def __init__(self, kiosk: Kiosk, stage: ScriptedStage, clock: TurnedClock) -> None:
        self.kiosk = kiosk
        self.stage = stage
        self.clock = clock
        assert isinstance(kiosk.enclosure, SimulatedContact)
        assert isinstance(kiosk.fittings.bus, SimulatedBus)
        assert isinstance(kiosk.till, SimulatedTill)
        self.contact, self.usb, self.till = kiosk.enclosure, kiosk.fittings.bus, kiosk.till
        self.ended = asyncio.create_task(kiosk.run())

    async def until(self, come: Callable[[], bool]) -> None:
        """Waits until something has come, while the clock stands still."""
        while not come():
            assert not self.ended.done() or come(), self.ended.result()
            await self.clock.turn(0)

    async def starts_again(self) -> None:
        """Waits until the kiosk has ended, to be started again."""
        await self.until(self.ended.done)
        self.ended.result()


Start = Callable[..., Any]


@pytest.fixture
def start(
    canned: CannedService,
    authority: Path,
    hand_finder: HandFinder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Start:
    """Returns a function that starts the kiosk of the test's state folder."""
    clock = TurnedClock()
    monkeypatch.setattr("kiosk.assembly.SystemClock", lambda: clock)
    monkeypatch.setattr("kiosk.devices._shopper", lambda *_: EmptyRoom())
    monkeypatch.setattr("kiosk.capture.eyes.HandFinder", lambda: hand_finder)

    @asynccontextmanager
    async def starting(*script: Line, connected: bool = True) -> AsyncGenerator[Running]:
        stage = ScriptedStage(list(script), now=clock.now)
        settings = Settings(
            state=tmp_path, light="none:", terminal="none:", enclosure="sim:", usb="sim:"
        )
        kiosk = assemble(settings, stage, state_of(tmp_path))
        kiosk.connection, kiosk.reader = ConnectedAlready(), ScriptedReader()
        if connected:
            await kiosk.service.connect(canned.url, authority)
        here = Running(kiosk, stage, clock)
        try:
            yield here
        finally:
            here.ended.cancel()
            await asyncio.gather(here.ended, return_exceptions=True)

    return starting


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder of a kiosk that was activated, with a secret of every kind."""
    Identity.load_or_make(sealed(tmp_path / "identity.json")).become(DEVICE)
    for name in SECRETS[1:]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"secret")
    return tmp_path


def secrets_in(state: Path) -> list[str]:
    return [name for name in SECRETS if (state / name).exists()]


async def test_a_case_that_is_opened_during_a_sale_locks_the_kiosk_until_it_is_activated_again(
    canned: CannedService, start: Start, state: Path
) -> None:
    before = Identity.load_or_make(sealed(state / "identity.json")).device_id
    async with start((Welcome, WAITS), (HoldPalm, WAITS)) as here:
        here.till.ring_up(Money(minor=1250, currency="USD"), "Corner Shop")
        await here.stage.reached()
        here.contact.open()
        await here.clock.turn(LONG)
        await here.starts_again()
    assert here.stage.shown[-1] == OutOfService(DEVICE.merchant)
    assert list(here.till.answers.values()) == [SaleResult.NOT_PAID]
    assert here.till.tampered == [Tampering.ENCLOSURE]
    told = Report.model_validate_json(canned.requests(TOLD)[-1].body)
    assert told.tampering == Tampering.ENCLOSURE
    assert not secrets_in(state)

    # The case is closed by now.
    async with start(*TO_TYPE, (EnterActivationCode, typed("12345678"))) as here:
        await here.starts_again()
    (shown,) = [screen for screen in here.stage.shown if isinstance(screen, Maintenance)][-1:]
    assert (shown.checks[0].part, shown.checks[0].health) == (Part.LOCK, Health.BROKEN)
    assert shown.checks[0].finding is Finding.LOCKED_CASE
    assert str(shown.checks[0].values[0]).startswith("2027-03-01 12:00")
    assert here.till.tampered == [Tampering.ENCLOSURE], "it is told as long as the kiosk is locked"
    assert len(canned.requests("POST /devices")) == 1

    async with start((Welcome, WAITS)) as here:
        await here.stage.reached()
    assert here.kiosk.service.identity.device is not None
    assert here.kiosk.service.device_id != before
    assert not (state / "tampering.json").exists()


async def test_without_a_network_the_keys_are_destroyed_all_the_same_and_no_payment_is_forgotten(
    canned: CannedService, start: Start, state: Path
) -> None:
    PurchaseJournal(sealed(state / "purchases")).open(DOUBT)
    async with start((Welcome, WAITS), connected=False) as here:
        await here.stage.reached()
        here.usb.plug_in(KEYBOARD)
        await here.clock.turn(2 * LOOKS_S + LEAVE_S)
        await here.starts_again()
    assert not canned.requests(TOLD)
    assert not secrets_in(state)

    code = (EnterActivationCode, typed("12345678"))
    async with start(*TO_TYPE, code) as here:
        await here.starts_again()
    found = ended("approved", reference="sale-before")
    canned.will("GET /purchases/sale-before", found)
    async with start((Welcome, WAITS)) as here:
        await here.until(lambda: "sale-before" in here.till.answers)
    assert here.till.answers["sale-before"] is SaleResult.APPROVED


async def test_what_became_of_a_payment_is_asked_before_the_service_is_told(
    canned: CannedService, start: Start, state: Path
) -> None:
    PurchaseJournal(sealed(state / "purchases")).open(DOUBT)
    canned.will("GET /purchases/sale-before", *[ended("approved", reference="sale-before")] * 3)
    async with start((Welcome, WAITS)) as here:
        await here.stage.reached()
        here.contact.open()
        await here.clock.turn(LONG)
        await here.starts_again()
    assert here.till.answers == {"sale-before": SaleResult.APPROVED}
    assert not list(PurchaseJournal(sealed(state / "purchases")).pending())


async def test_a_stick_is_an_alarm_and_no_reason_to_lock(start: Start, state: Path) -> None:
    async with start((Welcome, WAITS)) as here:
        await here.stage.reached()
        await here.clock.turn(LONG)
        here.usb.plug_in(STICK)
        await here.clock.turn(LONG)
        assert here.till.tampered == [Tampering.USB_STORAGE]
        here.usb.unplug()
        await here.clock.turn(LONG)
        assert here.till.tampered == []
        here.usb.plug_in(KEYBOARD)
        await here.clock.turn(LOOKS_S)
        await here.starts_again()
    assert Lock(state).locked is not None


async def test_another_camera_in_the_place_of_one_locks_the_kiosk(
    canned: CannedService, start: Start, state: Path
) -> None:
    async with start((Welcome, WAITS)) as here:
        await here.stage.reached()
        await here.clock.turn(LOOKS_S)
        camera = here.kiosk.feed.source
        assert isinstance(camera, SimulatedCamera)
        camera.swap()
        await here.clock.turn(LOOKS_S)
        await here.starts_again()
    assert here.till.tampered == [Tampering.SWAPPED_CAMERA]
    told = Report.model_validate_json(canned.requests(TOLD)[-1].body)
    assert told.tampering == Tampering.SWAPPED_CAMERA


async def test_a_kiosk_that_was_not_activated_yet_does_not_lock_itself(
    start: Start, tmp_path: Path
) -> None:
    async with start((Welcome, WAITS)) as here:
        await here.stage.reached()
        here.contact.open()
        here.usb.plug_in(KEYBOARD)
        await here.clock.turn(LONG)
        assert here.till.tampered == [Tampering.ENCLOSURE]
    assert Lock(tmp_path).locked is None


async def test_an_open_case_uses_up_no_activation_code(
    canned: CannedService, start: Start, tmp_path: Path
) -> None:
    refused = EnterActivationCode(EntryProblem.CASE_OPEN)
    async with start(
        (Welcome, Choice.STAFF),
        *TO_CODE[1:],
        (refused, typed("12345678")),
        (refused, Choice.BACK),
        (Maintenance, WAITS),
    ) as here:
        here.contact.open()
        await here.stage.reached()
    assert not canned.requests("POST /devices")


async def test_where_nothing_can_be_stored_the_kiosk_is_locked_as_long_as_it_runs(
    start: Start, state: Path
) -> None:
    async with start((Welcome, WAITS), (OutOfService, WAITS)) as here:
        await here.stage.reached(0)
        (state / "tampering.json").mkdir()
        here.contact.open()
        await here.clock.turn(LONG + LEAVE_S)
        await here.stage.reached()
        assert not here.ended.done()
    assert not secrets_in(state)


CLOSED = Locked(
    seen=Seen(sign=Tampering.ENCLOSURE), at=NOON, merchant="Corner Shop", helpline="Ada, 555 0100"
)


def lock_and_be_killed() -> None:
    """Runs in a process of its own: locks one copy of a state folder after the other, and is killed
    once before each file is touched."""
    folder, step = Path(sys.argv[1]), 0
    while True:
        step += 1
        state = folder / str(step)
        shutil.copytree(folder / "activated", state)
        if (child := os.fork()) == 0:
            _die_at(step, state)
            lock = Lock(state)
            lock.close(CLOSED)
            lock.wipe()
            Lock(state).go_on()
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return


def _die_at(step: int, state: Path) -> None:
    left = step

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in {"open", "os.rename", "os.remove"} and str(state) in str(arguments[0]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


@pytest.mark.process
def test_a_power_cut_at_any_step_leaves_no_kiosk_that_works_with_half_of_its_keys(
    state: Path,
) -> None:
    folder = state / "copies"
    folder.mkdir()
    everything = [path for path in state.iterdir() if path != folder]
    (folder / "activated").mkdir()
    for path in everything:
        path.rename(folder / "activated" / path.name)
    run_forked(lock_and_be_killed, folder).check_returncode()
    steps = sorted(each for each in folder.iterdir() if each.name != "activated")
    assert len(steps) > 20
    locked = 0
    for each in steps:
        lock = Lock(each)
        lock.go_on()
        if lock.locked is None or lock.locked.step is Step.SEEN:
            # Nothing has happened yet, or the service is to be told next: with every key.
            assert secrets_in(each) == list(SECRETS)
            Identity.load_or_make(sealed(each / "identity.json"))
        else:
            locked += 1
            assert lock.locked == CLOSED.model_copy(update={"step": Step.WIPED})
            assert not secrets_in(each)
    assert locked > 15


async def test_a_kiosk_that_was_killed_before_it_told_the_service_tells_it_at_its_next_start(
    canned: CannedService, start: Start, state: Path
) -> None:
    Lock(state).close(CLOSED)
    async with start() as here:
        await here.starts_again()
    assert here.stage.shown[-1] == OutOfService(DEVICE.merchant, "Ada, 555 0100")
    told = Report.model_validate_json(canned.requests(TOLD)[-1].body)
    assert told.tampering == Tampering.ENCLOSURE
    assert not secrets_in(state)


def test_keys_that_were_set_aside_are_destroyed_as_well(state: Path) -> None:
    aside = state / "set-aside" / "20261130T031500"
    aside.mkdir(parents=True)
    (state / "identity.json").rename(aside / "identity.json")
    wipe(state)
    assert not secrets_in(aside)
    assert not secrets_in(state)


async def test_a_key_that_is_written_while_they_are_destroyed_does_not_last(state: Path) -> None:
    lock = Lock(state)
    lock.close(CLOSED)
    assert lock.wipe()
    Identity.load_or_make(sealed(state / "identity.json")).become(DEVICE)
    again = Lock(state)
    again.open()
    assert again.locked is not None
    again.go_on()
    assert not secrets_in(state)
