"""Services that answer requests and workers that do the jobs, over one database of a server."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud import bootstrap
from cloud.__main__ import main
from cloud.context import WORK, Context
from cloud.jobs import errands, housekeeping
from cloud.outbox import queue
from cloud.outbox.tables import Errand
from tests.support.pair import Pair
from tests.support.postgres import migrated
from tests.support.served import PATIENCE_S, Served

MANY = 20


def put(served: Served, kind: str, count: int) -> None:
    async def write() -> None:
        context = served.context
        async with context.database.session() as session:
            for number in range(count):
                payload = str(number).encode()
                queue.put(session, context.master.outbox, kind, payload, context.clock())
            await session.commit()

    served.do(write())


def waiting(served: Served, kind: str) -> int:
    async def read() -> int:
        async with served.context.database.session() as session:
            return len((await session.scalars(select(Errand).where(Errand.kind == kind))).all())

    return served.do(read())


def test_each_errand_is_done_by_one_of_the_processes_and_none_waits_for_another(
    served: Pair, monkeypatch: pytest.MonkeyPatch
):
    both = (served.context, served.second.context)
    done: list[tuple[Context, bytes]] = []
    begun = {id(context): threading.Event() for context in both}

    async def note(context: Context, payload: bytes) -> None:
        begun[id(context)].set()
        for event in begun.values():
            # The first errand of each is done when the other has one too.
            assert await asyncio.to_thread(event.wait, PATIENCE_S)
        done.append((context, payload))

    monkeypatch.setattr(errands, "RUNNERS", {**errands.RUNNERS, "note": note})
    put(served, "note", MANY)
    with ThreadPoolExecutor(2) as pool:
        for running in [
            pool.submit(each.do, errands.run_errands(each.context))
            for each in (served, served.second)
        ]:
            running.result()
    assert sorted(int(payload) for _, payload in done) == list(range(MANY))
    assert {id(context) for context, _ in done} == begun.keys()
    assert waiting(served, "note") == 0


def test_what_clears_up_is_done_by_one_process_at_a_time(served: Pair):
    done: list[Context] = []

    async def clear_up(context: Context) -> None:
        if context is served.context:
            # Meanwhile the other one comes, and goes on.
            await asyncio.to_thread(served.second.do, part(served.second.context))
        done.append(context)

    part = housekeeping.by_one(clear_up)
    served.do(part(served.context))
    assert done == [served.context]
    served.second.do(part(served.second.context))
    assert done == [served.context, served.second.context]


def test_a_request_calls_the_workers(served: Pair):
    async def be_called() -> None:
        context = served.second.context
        async with aclosing(context.database.told(WORK)) as told:
            await anext(told)
            await asyncio.to_thread(served.do, served.context.wake())
            await anext(told)

    served.second.do(be_called())


def test_what_serves_and_what_works_apart_need_a_server_and_one_provider(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    for verb in ("serve", "worker"):
        assert main(["--state", str(tmp_path), "--port", "0", "--sandbox", verb]) == 2
        assert "name a database on a server with --database" in capfd.readouterr().err
        address = migrated("workers").render_as_string()
        words = ["--state", str(tmp_path), "--database", address, "--port", "0", "--sandbox"]
        assert main([*words, verb]) == 2
        assert bootstrap.SHARED_SANDBOX in capfd.readouterr().err
