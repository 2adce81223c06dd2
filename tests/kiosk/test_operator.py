"""What an operator has told a kiosk: only what is signed, for it, and newer counts; it is obeyed at
once, kept, and in force after a restart."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hardware.camera.feed import Recovering, Streaming
from hardware.sound import SimulatedSound
from kiosk.operator import REPORT_S, Operator
from kiosk.screens import (
    Choice,
    EnterActivationCode,
    EnterPin,
    HoldPalm,
    Maintenance,
    Notice,
    OutOfService,
    ScanActivationCode,
    Welcome,
)
from kiosk.service.client import SignatureService
from kiosk.till.till import SaleResult
from protocol.encoding import to_base64
from protocol.fleet import Orders, Report
from protocol.messages import Money, ProblemType
from tests.support.canned import DEVICE, CannedService, problem
from tests.support.clocks import HurriedClock
from tests.support.ordered import ordered
from tests.support.scripted import WAITS, typed
from tests.support.sealed import sealed
from tests.support.stand import MakeStand, Stand

pytestmark = pytest.mark.anyio

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TOLD = "PUT /device/report"
PIN = typed("739182")
REPORT = Report(
    version="1",
    running_s=0,
    disk_free_mb=0,
    memory_mb=0,
    visits=0,
    troubles=0,
    faults=[],
    orders=0,
)

Tell = Callable[..., Orders]
"""Returns orders for the kiosk of the test."""


@pytest.fixture
def tell(service: SignatureService) -> Tell:
    def make(number: int = 1, *, key: Ed25519PrivateKey = KEY, **values: Any) -> Orders:
        return ordered(key, number, **({"device_id": service.device_id} | values))

    return make


async def until(here: Stand, come: Callable[[], bool]) -> None:
    """Waits until something has come, while the clock stands still."""
    while not come():
        await here.clock.turn(0)


def number(here: Stand) -> int:
    """Returns the number of the orders in force."""
    orders = here.kiosk.operator.orders
    return 0 if orders is None else orders.number


def in_force(path: Path, service: SignatureService) -> Orders | None:
    return Operator(sealed(path), service, HurriedClock()).orders


async def take(operator: Operator, service: SignatureService, canned: CannedService) -> None:
    """Sends one report, as the kiosk does every minute."""
    orders = await service.report_state(REPORT)
    operator._take(orders)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"number": 1}, "older"),
        ({"number": 5, "volume": 7}, "number of others"),
        ({"number": 6, "device_id": "another-device"}, "another kiosk"),
        ({"number": 6, "key": OTHER}, "another key"),
        ({"number": 6, "hours": "at noon"}, "hours"),
        ({"number": 6, "zone": "Nowhere/Else"}, "hours"),
    ],
    ids=["older", "two of one number", "of another kiosk", "of another key", "no hours", "no zone"],
)
async def test_only_newer_orders_of_the_service_for_this_kiosk_count(
    canned: CannedService, service: SignatureService, tell: Tell, change: dict[str, Any], why: str
) -> None:
    path = service.identity.file.path.with_name("orders.json")
    operator = Operator(sealed(path), service, HurriedClock())
    canned.will(TOLD, tell(5), tell(**change))
    await take(operator, service, canned)
    with pytest.raises(ValueError, match=why):
        await take(operator, service, canned)
    assert operator.orders == tell(5) == in_force(path, service)


async def test_orders_that_were_changed_on_their_way_or_on_the_disk_do_not_count(
    canned: CannedService, service: SignatureService, tell: Tell, tmp_path: Path
) -> None:
    path = tmp_path / "orders.json"
    operator = Operator(sealed(path), service, HurriedClock())
    canned.will(TOLD, tell(locked=True).model_copy(update={"locked": False}), tell(locked=True))
    with pytest.raises(ValueError, match="signature"):
        await take(operator, service, canned)
    assert operator.orders is None
    await take(operator, service, canned)
    assert in_force(path, service) == tell(locked=True)
    kept = sealed(path).read() or b""
    sealed(path).write(kept.replace(b'"locked":true', b'"locked":false'))
    assert in_force(path, service) is None
    path.write_bytes(b"")
    assert in_force(path, service) is None


async def test_the_key_of_the_activation_counts_and_without_one_the_first(
    canned: CannedService, service: SignatureService, tell: Tell, tmp_path: Path
) -> None:
    known = to_base64(OTHER.public_key().public_bytes_raw())
    service.identity.become(DEVICE.model_copy(update={"orders_key": known}))
    operator = Operator(sealed(tmp_path / "orders.json"), service, HurriedClock())
    canned.will(TOLD, tell(), tell(key=OTHER), tell(2))
    with pytest.raises(ValueError, match="another key"):
        await take(operator, service, canned)
    await take(operator, service, canned)
    service.identity.become(DEVICE)
    await take(operator, service, canned)
    assert service.identity.device is not None
    assert service.identity.device.orders_key == to_base64(KEY.public_key().public_bytes_raw())


async def test_another_service_counts_by_itself(
    canned: CannedService, service: SignatureService, tell: Tell, tmp_path: Path
) -> None:
    operator = Operator(sealed(tmp_path / "orders.json"), service, HurriedClock())
    canned.will(TOLD, tell(200), tell(100, key=OTHER))
    await take(operator, service, canned)
    known = to_base64(OTHER.public_key().public_bytes_raw())
    service.identity.become(DEVICE.model_copy(update={"orders_key": known}))
    await take(operator, service, canned)
    assert operator.orders == tell(100, key=OTHER)


async def test_what_the_disk_did_not_take_is_kept_and_obeyed_when_it_comes_again(
    canned: CannedService, service: SignatureService, tell: Tell, tmp_path: Path
) -> None:
    path = tmp_path / "orders.json"
    operator = Operator(sealed(path), service, HurriedClock())
    locked = tell(locked=True, restart=1)
    canned.will(TOLD, locked, locked, locked)
    path.mkdir()
    await take(operator, service, canned)
    assert operator.locked
    assert not operator.restart_asked
    path.rmdir()
    await take(operator, service, canned)
    assert in_force(path, service) == locked
    assert operator.restart_asked
    operator.restart_asked = False
    await take(operator, service, canned)
    assert not operator.restart_asked


async def test_a_service_whose_database_was_restored_can_still_have_the_kiosk_start_again(
    canned: CannedService, service: SignatureService, tell: Tell, tmp_path: Path
) -> None:
    operator = Operator(sealed(tmp_path / "orders.json"), service, HurriedClock())
    asked = tell(1, restart=57), tell(2, restart=57, volume=7), tell(3), tell(4, restart=3)
    canned.will(TOLD, *asked)
    obeyed: list[int] = []
    for orders in asked:
        await take(operator, service, canned)
        if operator.restart_asked:
            obeyed.append(orders.number)
            operator.restart_asked = False
    assert obeyed == [1, 4]


async def test_settings_apply_without_a_restart_and_after_one(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    amounts = {"currency": "USD", "staff_above": 500, "unconfirmed_below": 100}
    own = {"accents": {"dark": "#ffd166"}, "amounts": amounts}
    canned.will(TOLD, tell(1, merchant="New Name", variant="dark", volume=40, **own), tell(2))
    here = stand((Welcome, WAITS))
    sound = here.kiosk.sound = SimulatedSound()
    async with here.running():
        await here.stage.reached()
        await until(here, lambda: number(here) == 1)
        assert (here.stage.dresses, sound.volume) == (["dark"], 0.4)
        assert here.stage.accent == "#ffd166"
        service = here.kiosk.service
        large, small = (Money(minor=minor, currency="USD") for minor in (501, 500))
        assert [await service.wants_staff(each) for each in (large, small)] == [True, False]
        assert [service.unconfirmed_below(each) for each in ("USD", "EUR")] == [100, None]
        await until(here, lambda: "New Name" in str(here.stage.shown[-1]))
        again = stand((Welcome, WAITS))
        assert again.kiosk.operator.orders == here.kiosk.operator.orders
        await here.clock.turn(REPORT_S)
        await until(here, lambda: number(here) == 2)
        assert (here.stage.dresses, sound.volume) == (["dark", "light"], 1.0)
        assert here.stage.accent is None
        assert not await service.wants_staff(large)
        await until(here, lambda: DEVICE.merchant in str(here.stage.shown[-1]))


async def test_what_is_kept_is_in_force_before_the_service_answers(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    canned.will(TOLD, tell(1, variant="dark"))
    kiosk = stand().kiosk
    await take(kiosk.operator, kiosk.service, canned)
    canned.will(TOLD, *[problem(ProblemType.INTERNAL, 500)] * 9)
    here = stand((Welcome, WAITS))
    async with here.running():
        await here.stage.reached()
    assert here.stage.dresses == ["dark"]


async def test_a_kiosk_tells_how_it_is(stand: MakeStand, canned: CannedService, tell: Tell) -> None:
    canned.will(TOLD, tell(7))
    here = stand((Welcome, WAITS))
    async with here.running():
        await here.camera_is(Streaming)
        await until(here, lambda: number(here) == 7)
        here.camera.unplug()
        await here.camera_is(Recovering)
        await here.clock.turn(REPORT_S)
        await until(here, lambda: len(canned.requests(TOLD)) > 1)
    first, second = (Report.model_validate_json(a.body) for a in canned.requests(TOLD)[:2])
    assert (first.orders, second.orders) == (0, 7)
    assert second.running_s >= REPORT_S
    assert [(fault.part, fault.health) for fault in second.faults] == [("camera", "broken")]
    assert second.memory_mb > 0


async def test_a_restart_waits_for_the_end_of_a_visit_and_comes_once(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    canned.will(TOLD, tell(1, restart=3), tell(1, restart=3))
    left = asyncio.Event()

    async def leaves() -> Choice:
        await left.wait()
        return Choice.BACK

    here = stand((Welcome, Choice.TRY_PURCHASE), (HoldPalm, leaves))
    running = asyncio.create_task(here.kiosk.run())
    await here.stage.reached()
    await until(here, lambda: here.kiosk.operator.restart_asked)
    assert not running.done()
    left.set()
    await running
    again = Operator(
        sealed(here.kiosk.settings.state / "orders.json"), here.kiosk.service, here.clock
    )
    assert again.orders == tell(1, restart=3)
    assert not again.restart_asked


async def test_a_kiosk_that_nobody_uses_starts_again_at_once(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    canned.will(TOLD, tell(1), tell(2, restart=3))
    here = stand((Welcome, WAITS))
    running = asyncio.create_task(here.kiosk.run())
    await until(here, lambda: number(here) == 1)
    await here.clock.turn(REPORT_S)
    await until(here, running.done)
    await running


async def test_what_a_till_has_asked_before_the_kiosk_was_locked_is_done_for_nobody(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    canned.will(TOLD, tell(1, locked=True))
    here = stand((Welcome, WAITS), (OutOfService, WAITS))
    async with here.running():
        await here.stage.reached()
        sale = here.till.ring_up(Money(minor=1250, currency="USD"), "Corner Shop")
        await here.till.answered(sale.reference, SaleResult.NOT_PAID)


async def test_a_locked_kiosk_serves_nobody_until_it_is_activated_again(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    canned.will(TOLD, tell(1, locked=True, helpline="Ada, 555 0100"), tell(2))
    here = stand(
        (Welcome, WAITS),
        (OutOfService(DEVICE.merchant, "Ada, 555 0100"), Choice.STAFF),
        (EnterPin, PIN),
        (EnterPin, PIN),
        (Maintenance, Choice.ACTIVATE),
        (ScanActivationCode, Choice.USE_NUMBER),
        (EnterActivationCode, typed("12345678")),
        (Maintenance, Choice.BACK),
        (Welcome, WAITS),
    )
    async with here.running():
        await here.stage.reached()
        await until(here, lambda: number(here) == 2)
        await until(here, lambda: notices(here)[-1] is None)
    assert len(canned.requests("POST /devices")) == 1


async def test_outside_of_the_hours_nobody_begins_anything_and_a_till_still_sells(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    # The clock of the test stands at noon in London, an hour before it is one in Berlin.
    hours = {"hours": "mon-sun 07:00-13:00", "zone": "Europe/Berlin"}
    canned.will(TOLD, tell(1, **hours), tell(2))
    amount = Money(minor=1250, currency="USD")
    here = stand((Welcome, WAITS), (HoldPalm, Choice.BACK), (Welcome, WAITS))
    async with here.running():
        await until(here, lambda: notices(here)[-1:] == [Notice.CLOSED])
        here.till.ring_up(amount, "Corner Shop")
        await here.stage.reached()
        await here.clock.turn(REPORT_S)
        await until(here, lambda: notices(here)[-1] is None)


async def test_on_a_holiday_it_is_closed(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    kiosk = stand().kiosk
    open_ = {"hours": "mon-sun 00:00-24:00"}
    canned.will(TOLD, tell(1, **open_), tell(2, **open_, holidays=[kiosk.clock.wall().date()]))
    await take(kiosk.operator, kiosk.service, canned)
    assert not kiosk.operator.closed
    await take(kiosk.operator, kiosk.service, canned)
    assert kiosk.operator.closed


def notices(here: Stand) -> list[Notice | None]:
    return [screen.notice for screen in here.stage.shown if isinstance(screen, Welcome)]
