"""How often something may be tried, and what is read of a request."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from starlette.requests import Request
from starlette.types import Message

from cloud.policy import LONGEST_WINDOW, Limits
from cloud.web import limits
from cloud.web.limits import Strangers, read_body
from cloud.web.problems import Refusal
from cloud.web.tables import Tally
from protocol.messages import Outcome, ProblemType
from tests.support.device import Refused, TestDevice
from tests.support.served import Served

LIMIT = Limits.SEARCHES_BY_DEVICE
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def test_what_was_counted_by_a_clock_that_was_wrong_keeps_nobody_out_when_it_is_right(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    served.ahead = timedelta(days=365)
    served.tally(LIMIT, kiosk.id, LIMIT.count)
    served.ahead = timedelta(0)
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


def test_what_another_process_counts_by_a_clock_a_little_ahead_counts(
    served: Served, kiosk: TestDevice, who: str
):
    served.ahead = timedelta(seconds=30)
    served.tally(LIMIT, kiosk.id, LIMIT.count)
    served.ahead = timedelta(0)
    with pytest.raises(Refused) as refused:
        kiosk.identify(who)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_what_no_limit_counts_is_forgotten_whenever_it_was(served: Served, kiosk: TestDevice):
    served.stop_clock()
    for served.ahead in (-LONGEST_WINDOW, timedelta(0), LONGEST_WINDOW):
        served.tally(LIMIT, kiosk.id, 1)
    served.ahead = timedelta(0)

    async def left() -> int:
        async with served.database.session() as session:
            await limits.forget_expired(session, served.context.clock())
            counted = await session.scalars(select(Tally).where(Tally.subject == kiosk.id))
            return len(counted.all())

    assert served.do(left()) == 1


def test_a_stranger_is_not_kept_out_by_a_clock_that_was_wrong():
    strangers = Strangers()
    for _ in range(LIMIT.count):
        strangers.spend(LIMIT, "192.0.2.1", NOW + timedelta(days=365))
    with pytest.raises(Refusal):
        strangers.spend(LIMIT, "192.0.2.1", NOW + timedelta(days=365))
    strangers.spend(LIMIT, "192.0.2.1", NOW)
    assert strangers.left(LIMIT, "192.0.2.1", NOW)[0] == LIMIT.count - 1


def test_senders_over_ipv4_are_told_apart_at_a_socket_of_both_families():
    """It listens on `::`, and one sender would otherwise keep out all the others."""
    strangers = Strangers()
    for _ in range(LIMIT.count):
        strangers.spend(LIMIT, "::ffff:192.0.2.1", NOW)
    assert strangers.left(LIMIT, "192.0.2.1", NOW)[0] == 0
    assert strangers.left(LIMIT, "::ffff:192.0.2.2", NOW)[0] == LIMIT.count


@pytest.mark.anyio
async def test_a_client_that_hangs_up_in_its_body_is_refused_and_is_no_error_of_the_service():
    events: list[Message] = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return events.pop(0)

    with pytest.raises(Refusal) as refused:
        await read_body(Request({"type": "http", "headers": []}, receive))
    assert refused.value.problem.type is ProblemType.MALFORMED
