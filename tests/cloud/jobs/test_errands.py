"""Errands of the outbox: run by their kind, and kept until they are done."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud.context import Context
from cloud.jobs import errands
from cloud.jobs.housekeeping import run_round
from cloud.outbox import queue
from cloud.outbox.tables import Errand
from cloud.policy import CARD_PAGE_LIFE, KEEPING_PATIENCE
from cloud.providers import ProviderUnavailable
from tests.support.served import PATIENCE_S, Served

A_DAY = timedelta(days=1)


def put(
    served: Served, kind: str, payload: bytes = b"payload", errand_id: str | None = None
) -> None:
    context = served.context

    async def write() -> None:
        async with context.database.session() as session:
            key, now = context.master.outbox, context.clock()
            queue.put(session, key, kind, payload, now, errand_id=errand_id)
            await session.commit()

    served.do(write())


def waiting(served: Served) -> dict[str, int]:
    """Returns the number of attempts of each errand that is not done, by kind."""

    async def read() -> dict[str, int]:
        async with served.context.database.session() as session:
            rows = await session.scalars(select(Errand))
            return {row.kind: row.attempts for row in rows}

    return served.do(read())


async def backlog(served: Served) -> tuple[int, float]:
    async with served.context.database.session() as session:
        return await queue.backlog(session, served.context.clock())


@pytest.fixture(autouse=True)
def empty_outbox(served: Served) -> Iterator[None]:
    async def clear() -> None:
        async with served.context.database.session() as session:
            for errand in await session.scalars(select(Errand)):
                await session.delete(errand)
            await session.commit()

    served.do(clear())
    yield
    served.do(clear())


def test_an_errand_is_run_by_its_kind(served: Served, monkeypatch: pytest.MonkeyPatch):
    done: list[tuple[str, bytes]] = []

    async def send(context: Context, payload: bytes) -> None:
        done.append(("send", payload))

    async def erase(context: Context, payload: bytes) -> None:
        done.append(("erase", payload))

    monkeypatch.setattr(errands, "RUNNERS", {"send": send, "erase": erase})
    put(served, "erase", b"one")
    put(served, "send", b"another")
    served.do(errands.run_errands(served.context))
    assert sorted(done) == [("erase", b"one"), ("send", b"another")]
    assert waiting(served) == {}


def test_an_errand_of_unknown_kind_is_logged_and_kept(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    done: list[bytes] = []

    async def send(context: Context, payload: bytes) -> None:
        done.append(payload)

    monkeypatch.setattr(errands, "RUNNERS", {"send": send})
    put(served, "of tomorrow")
    put(served, "send")
    served.do(errands.run_errands(served.context))
    assert done == [b"payload"]
    assert waiting(served).keys() == {"of tomorrow"}
    assert "unknown kind 'of tomorrow'" in caplog.text


@pytest.mark.parametrize("error", [ProviderUnavailable("no answer"), KeyError("4242")])
def test_an_errand_that_fails_is_tried_again_and_stops_no_other(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
):
    done: list[bytes] = []

    async def fail(context: Context, payload: bytes) -> None:
        raise error

    async def send(context: Context, payload: bytes) -> None:
        done.append(payload)

    monkeypatch.setattr(errands, "RUNNERS", {"fail": fail, "send": send})
    put(served, "fail")
    put(served, "send")
    served.do(errands.run_errands(served.context))
    assert done == [b"payload"]
    assert waiting(served) == {"fail": 1}
    assert "4242" not in caplog.text


def test_a_payload_that_does_not_open_stops_no_other_errand(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    done: list[bytes] = []

    async def send(context: Context, payload: bytes) -> None:
        done.append(payload)

    async def damage() -> None:
        async with served.context.database.session() as session:
            errand = (await session.scalars(select(Errand))).one()
            errand.payload = bytes(40)
            await session.commit()

    monkeypatch.setattr(errands, "RUNNERS", {"send": send, "damaged": send})
    put(served, "damaged")
    served.do(damage())
    put(served, "send")
    served.do(errands.run_errands(served.context))
    assert done == [b"payload"]
    assert waiting(served).keys() == {"damaged"}


def test_an_errand_that_is_removed_while_it_fails_stops_no_other(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    done: set[bytes] = set()

    async def fail(context: Context, payload: bytes) -> None:
        done.add(payload)
        if payload == b"removed":
            async with context.database.session() as session:
                await queue.remove(session, "removed")
                await session.commit()
        raise ProviderUnavailable("no answer")

    monkeypatch.setattr(errands, "RUNNERS", {"fail": fail})
    put(served, "fail", b"removed", errand_id="removed")
    put(served, "fail", b"another")
    served.do(errands.run_errands(served.context))
    assert done == {b"removed", b"another"}
    assert waiting(served) == {"fail": 1}


def test_an_errand_that_a_clock_which_was_ahead_has_dated_is_run_once_the_clock_is_right(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    done: list[bytes] = []

    async def send(context: Context, payload: bytes) -> None:
        done.append(payload)
        if context.clock() > right + A_DAY / 2:
            raise ProviderUnavailable("the certificate has expired")

    monkeypatch.setattr(errands, "RUNNERS", {"send": send})
    right = served.context.clock()
    served.ahead = A_DAY
    put(served, "send", b"tried")
    served.do(errands.run_errands(served.context))
    put(served, "send", b"put in")
    served.ahead = timedelta(0)
    assert served.do(backlog(served)) == (2, 0.0)
    served.do(errands.run_errands(served.context))
    assert sorted(done) == [b"put in", b"tried", b"tried"]
    assert waiting(served) == {}


def test_an_errand_that_is_put_in_to_be_due_later_waits_and_can_be_withdrawn_until_then(
    served: Served,
):
    later = timedelta(seconds=queue.LONGEST_PAUSE_S)

    async def withdraw(errand_id: str, due_in: timedelta) -> tuple[bool, bool]:
        """Returns whether an errand waits, and whether it is withdrawn."""
        context = served.context
        async with context.database.session() as session:
            now, key = context.clock(), context.master.outbox
            queue.put(session, key, "undo", b"", now + due_in, errand_id=errand_id)
            await session.commit()
            waits = errand_id not in await queue.due(session, "undo", now)
            withdrawn = await queue.withdraw(session, errand_id, now)
            await session.commit()
        return waits, withdrawn

    assert served.do(withdraw("soon", later)) == (True, True)
    assert served.do(withdraw("a day ahead", A_DAY)) == (False, False), "it may be running"
    assert later > CARD_PAGE_LIFE + KEEPING_PATIENCE, "the latest date that is asked for"


def test_an_errand_that_is_begun_is_ended_when_its_process_is_stopped(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    async def stop_meanwhile() -> None:
        begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def send(context: Context, payload: bytes) -> None:
            begun.set()
            await may_end.wait()
            ended.set()

        monkeypatch.setattr(errands, "RUNNERS", {"send": send})
        running = asyncio.create_task(errands.run_errands(served.context))
        await begun.wait()
        running.cancel()
        may_end.set()
        await asyncio.gather(running, return_exceptions=True)
        await ended.wait()

    put(served, "send")
    served.do(stop_meanwhile())
    assert waiting(served) == {}


def test_whoever_is_slow_keeps_neither_other_errands_nor_the_rest_of_housekeeping_waiting(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    async def check() -> None:
        begun, may_end, sent = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def wait(context: Context, payload: bytes) -> None:
            begun.set()
            await may_end.wait()

        async def send(context: Context, payload: bytes) -> None:
            sent.set()

        monkeypatch.setattr(errands, "RUNNERS", {"a slow site's": wait, "send": send})
        async with asyncio.timeout(PATIENCE_S):
            await run_round(served.context)
            await begun.wait()
            await sent.wait()
            # It does not begin what it is about already.
            await run_round(served.context)
            may_end.set()
            await asyncio.gather(*served.context.background, return_exceptions=True)

    put(served, "a slow site's")
    put(served, "send")
    served.do(check())
    assert waiting(served) == {}


def test_some_errands_of_a_kind_are_run_at_once(served: Served, monkeypatch: pytest.MonkeyPatch):
    running, most = 0, 0
    together = asyncio.Event()

    async def meet(context: Context, payload: bytes) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == errands.AT_ONCE:
            together.set()
        await together.wait()
        running -= 1

    monkeypatch.setattr(errands, "RUNNERS", {"meet": meet})
    for _ in range(errands.AT_ONCE + 2):
        put(served, "meet")
    served.do(errands.run_errands(served.context))
    assert waiting(served) == {}
    assert most == errands.AT_ONCE


def test_an_errand_that_does_not_end_is_tried_again_later(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def hang(context: Context, payload: bytes) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(errands, "RUNNERS", {"hang": hang})
    monkeypatch.setattr(errands, "LONGEST_S", 0)
    put(served, "hang")
    served.do(errands.run_errands(served.context))
    assert waiting(served).keys() == {"hang"}
    assert "of kind 'hang' has to wait: TimeoutError" in caplog.text
