"""Kiosks tell how they are, and are told by their operator: signed, numbered and bounded."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.entry.doors import set_clock
from cloud.fleet import bundles, orders, reports
from cloud.fleet.orders import Act
from cloud.jobs.housekeeping import forget_expired
from cloud.merchants.tables import FIRST
from cloud.policy import Limits
from protocol import documents
from protocol.encoding import to_base64
from protocol.fleet import Accents, Fault, FoundLine, Orders, Report, SupportBundle
from protocol.messages import Device, ProblemType
from tests.support.device import TestDevice, refusal
from tests.support.served import Served

REPORT = Report(
    version="0.1.0",
    running_s=7_300,
    disk_free_mb=900,
    memory_mb=700,
    visits=31,
    troubles=2,
    faults=[Fault(part="camera", health="broken", finding="fault")],
    orders=0,
)


def told(kiosk: TestDevice, report: Report = REPORT) -> Orders:
    """Sends a report, and returns the orders in the answer."""
    answer = kiosk.send("PUT", "/device/report", report.model_dump_json().encode())
    assert answer.status_code == 200, answer.text
    return Orders.model_validate_json(answer.content)


def bundle(kiosk: TestDevice, **values: Any) -> SupportBundle:
    whole: dict[str, Any] = {
        "made_at": kiosk.clock(),
        "version": "0.1.0",
        "device_id": kiosk.id,
        "system": {"python": "3.11"},
        "running_s": 1,
        "disk_free_mb": 1,
        "disk_mb": 1,
        "memory_mb": 1,
        "memory_free_mb": 1,
        "settings": {"camera": "sim"},
        "checks": [FoundLine(part="disk", health="good", finding="room", values=[21])],
        "log": ["the kiosk is open"],
    }
    return SupportBundle.model_validate(whole | values)


def send(kiosk: TestDevice, sent: SupportBundle) -> int:
    body = sent.model_dump_json().encode()
    return kiosk.send("PUT", "/device/support-bundle", body).status_code


def within(served: Served, work: Callable[[AsyncSession], Any]) -> Any:
    """Does something in a transaction of the service's."""

    async def do() -> Any:
        async with served.context.database.session() as session:
            result = await work(session)
            await session.commit()
            return result

    return served.do(do())


def change(served: Served, scope: str, **values: str | None) -> None:
    within(served, lambda session: orders.change_settings(session, scope, values))


def ask(served: Served, kiosk: TestDevice, act: Act) -> None:
    now = served.context.clock()
    within(served, lambda session: orders.ask(session, kiosk.id, act, "anna", now))


def test_orders_are_signed_with_the_key_that_the_activation_tells(served: Served):
    kiosk = served.device()
    activated = kiosk.activate(served.activation_code())
    given = told(kiosk)
    key = documents.verify(documents.document_of(given))
    assert activated.orders_key == to_base64(key)
    assert (given.device_id, given.merchant) == (kiosk.id, activated.merchant)
    assert (given.variant, given.volume, given.locked, given.restart) == (None, None, False, 0)


@pytest.mark.parametrize("number", ["false", '"0"', "0.0", "-1"])
def test_what_is_no_whole_number_is_none_in_a_report(served: Served, number: str):
    body = REPORT.model_dump_json().replace('"orders":0', f'"orders":{number}')
    answer = served.kiosk().send("PUT", "/device/report", body.encode())
    assert refusal(answer).type is ProblemType.MALFORMED


def test_words_that_are_too_long_are_no_number_either():
    """As 0 they were taken, since they are read as one."""
    line = {"part": "disk", "health": "good", "finding": "room", "values": [1, 0.5, "much"]}
    assert FoundLine.model_validate(line).values == [1, 0.5, "much"]
    with pytest.raises(ValidationError):
        FoundLine.model_validate(line | {"values": ["0" * 501]})


def test_orders_have_a_larger_number_when_they_have_changed_and_else_the_same(
    served: Served, kiosk: TestDevice
):
    first = told(kiosk)
    assert told(kiosk) == first
    change(served, kiosk.id, volume="40")
    second = told(kiosk)
    assert (second.volume, second.number > first.number) == (40, True)
    # A clock that is set back changes nothing about that.
    served.ahead = kiosk.ahead = timedelta(days=-2)
    change(served, kiosk.id, volume=None)
    third = told(kiosk)
    assert (third.volume, third.number > second.number) == (None, True)


def test_a_database_that_was_restored_tells_a_kiosk_what_it_holds_under_a_number_that_counts(
    served: Served, kiosk: TestDevice
):
    change(served, kiosk.id, volume="40")
    restored = told(kiosk)
    later = REPORT.model_copy(update={"orders": restored.number + 600})
    again = told(kiosk, later)
    assert (again.volume, again.number > later.orders) == (40, True)
    assert told(kiosk, REPORT.model_copy(update={"orders": again.number})) == again


def test_a_kiosk_that_tells_the_last_number_of_all_is_still_answered(
    served: Served, kiosk: TestDevice
):
    last = REPORT.model_copy(update={"orders": 2**53 - 1})
    assert told(kiosk, last).number == last.orders
    change(served, kiosk.id, volume="40")
    assert told(kiosk, last).volume == 40


def test_hours_are_told_with_the_time_zone_and_the_holidays_of_the_site(served: Served):
    site = served.merchant()
    kiosk = served.kiosk(site)
    day = date(2027, 12, 25)
    within(served, lambda session: set_clock(session, site, ZoneInfo("Europe/Berlin"), [day]))
    assert (told(kiosk).hours, told(kiosk).holidays) == ("", [])
    change(served, site, hours="mon-sat 08:00-20:00")
    given = told(kiosk)
    assert (given.hours, given.zone) == ("mon-sat 08:00-20:00", "Europe/Berlin")
    assert given.holidays == [day]


def test_a_kiosk_has_what_is_set_for_it_before_what_is_set_for_its_site(served: Served):
    site = served.merchant(name="Market")
    one, other = served.kiosk(site), served.kiosk(site)
    assert told(one).accents is None
    change(served, site, variant="dark", volume="30", accent_dark="#FFD166")
    change(served, one.id, volume="80")
    assert told(one).accents == Accents(dark="#ffd166")
    assert [(each.variant, each.volume) for each in (told(one), told(other))] == [
        ("dark", 80),
        ("dark", 30),
    ]
    assert told(one).merchant == "Market"
    assert told(served.kiosk()).variant is None


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("variant", "pink", "dark or light"),
        ("accent_dark", "#0e1416", "could not be read"),
        ("volume", "101", "from 0 to 100"),
        ("volume", "²", "from 0 to 100"),
        ("hours", "noon", "mon-fri 07:00-19:00"),
        ("helpline", "x" * 81, "80 characters"),
        ("helpline", "two\nlines", "in one line"),
    ],
)
def test_a_value_that_no_kiosk_understands_is_not_set(
    served: Served, name: str, value: str, why: str
):
    with pytest.raises(ValueError, match=why):
        change(served, FIRST, **{name: value})


def test_a_lock_lasts_until_the_kiosk_is_activated_again(served: Served, kiosk: TestDevice):
    ask(served, kiosk, Act.LOCK)
    locked = told(kiosk)
    assert locked.locked
    served.ahead = kiosk.ahead = timedelta(days=400)
    assert told(kiosk).locked
    kiosk.activate(served.activation_code())
    assert (told(kiosk).locked, told(kiosk).number > locked.number) == (False, True)
    ask(served, kiosk, Act.LOCK)
    assert told(kiosk).locked


@pytest.mark.parametrize("act", [Act.LOCK, Act.MAINTAIN])
def test_a_kiosk_is_locked_also_by_a_clock_that_was_set_back(
    served: Served, kiosk: TestDevice, act: Act
):
    served.ahead = kiosk.ahead = timedelta(days=-2)
    ask(served, kiosk, act)
    assert told(kiosk).locked


def test_maintenance_lasts_until_the_kiosk_is_put_back_and_ends_no_lock(
    served: Served, kiosk: TestDevice
):
    ask(served, kiosk, Act.MAINTAIN)
    called = told(kiosk)
    assert called.locked
    ask(served, kiosk, Act.SERVE)
    assert (told(kiosk).locked, told(kiosk).number > called.number) == (False, True)
    ask(served, kiosk, Act.LOCK)
    ask(served, kiosk, Act.SERVE)
    assert told(kiosk).locked


def test_a_restart_is_told_under_one_name_for_an_hour(served: Served, kiosk: TestDevice):
    ask(served, kiosk, Act.RESTART)
    first = told(kiosk).restart
    assert first > 0
    ask(served, kiosk, Act.RESTART)
    assert told(kiosk).restart > first
    served.ahead = kiosk.ahead = timedelta(hours=1, minutes=1)
    assert told(kiosk).restart == 0


def test_a_device_that_was_tampered_with_is_heard_for_the_last_time(
    served: Served, kiosk: TestDevice
):
    tampered = REPORT.model_copy(update={"tampering": "enclosure"})
    told(kiosk, tampered)
    answer = kiosk.send("PUT", "/device/report", REPORT.model_dump_json().encode())
    assert refusal(answer).type is ProblemType.UNKNOWN_DEVICE
    assert within(served, reports.latest)[kiosk.id].report == tampered
    acts = within(served, lambda session: orders.acts_on(session, kiosk.id))
    assert [(act.act, act.who) for act in acts] == [(Act.TAMPERING, "seen: enclosure")]
    # It is activated again with the code of the operator, and no lock of before is in force.
    again = served.device()
    again.activate(served.activation_code())
    assert not told(again).locked


def test_the_latest_report_of_each_kiosk_is_kept(served: Served, kiosk: TestDevice):
    told(kiosk)
    told(kiosk)
    known = within(served, reports.latest)
    assert known[kiosk.id].report == REPORT


def test_the_latest_bundle_is_kept_for_thirty_days(served: Served, kiosk: TestDevice):
    assert send(kiosk, bundle(kiosk)) == 204
    latest = bundle(kiosk, log=["the second one"])
    assert send(kiosk, latest) == 204

    def kept() -> str | None:
        return within(served, lambda session: bundles.bundle_of(session, kiosk.id))

    assert SupportBundle.model_validate_json(kept() or "") == latest
    served.ahead = timedelta(days=29)
    served.do(forget_expired(served.context))
    assert kept()
    served.ahead = timedelta(days=30, minutes=1)
    served.do(forget_expired(served.context))
    assert kept() is None


def test_a_kiosk_cannot_fill_the_disk(served: Served, kiosk: TestDevice):
    huge = bundle(kiosk, log=["x" * 2000] * 40)
    assert send(kiosk, huge) == 413
    with pytest.raises(ValidationError):
        bundle(kiosk, log=["x"] * 401)
    with pytest.raises(ValidationError):
        Report.model_validate(REPORT.model_dump() | {"faults": [REPORT.faults[0]] * 33})
    served.tally(Limits.SUPPORT_BUNDLES, kiosk.id, Limits.SUPPORT_BUNDLES.count)
    body = bundle(kiosk).model_dump_json().encode()
    answer = kiosk.send("PUT", "/device/support-bundle", body)
    assert refusal(answer).type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_device_that_is_not_known_is_told_nothing(served: Served):
    answer = served.device().send("PUT", "/device/report", REPORT.model_dump_json().encode())
    assert refusal(answer).type is ProblemType.UNKNOWN_DEVICE


def test_a_device_of_a_service_of_before_has_no_key_for_orders():
    before = '{"device_id":"device-1234","merchant":"Shop","country":"US","currency":"USD"}'
    assert Device.model_validate_json(before).orders_key is None
