"""Housekeeping continues when a part of it fails, and stops the service when it ends."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from cloud import bootstrap
from cloud.__main__ import main
from cloud.bootstrap import Does, HousekeepingStopped
from cloud.context import Context
from cloud.jobs import housekeeping
from cloud.seen import Seen
from cloud.telemetry.measures import SILENT
from tests.support.served import plain_settings


class Idle:
    """The part of a context that the loop itself uses."""

    def __init__(self) -> None:
        self.errand = asyncio.Event()
        self.telemetry = SILENT
        self.seen = Seen()


def idle_context() -> Context:
    return cast(Context, Idle())


async def failing_part(context: Context) -> None:
    raise KeyError("+14155550123")


def test_a_part_that_fails_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    ran: list[str] = []

    async def working_part(context: Context) -> None:
        ran.append("ran")

    monkeypatch.setattr(housekeeping, "ROUND", (failing_part, working_part, failing_part))
    asyncio.run(housekeeping.run_round(idle_context()))
    assert ran == ["ran"]
    assert caplog.text.count("failing_part failed with KeyError") == 2
    assert "555" not in caplog.text


def test_another_round_follows_one_that_failed(monkeypatch: pytest.MonkeyPatch):
    async def run() -> None:
        enough = asyncio.Event()
        rounds: list[int] = []

        async def counting_part(context: Context) -> None:
            await asyncio.sleep(0)
            rounds.append(1)
            if len(rounds) == 3:
                enough.set()

        monkeypatch.setattr(housekeeping, "ROUND", (failing_part, counting_part))
        monkeypatch.setattr(housekeeping, "EVERY_S", 0)
        running = asyncio.create_task(housekeeping.run_housekeeping(idle_context()))
        await asyncio.wait_for(enough.wait(), 30)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())


def test_an_errand_is_run_at_once_and_not_with_a_whole_round(monkeypatch: pytest.MonkeyPatch):
    async def run() -> list[str]:
        context = idle_context()
        ran: list[str] = []
        thrice = asyncio.Event()

        async def round_part(context: Context) -> None:
            ran.append("round")
            context.errand.set()

        async def errands(context: Context) -> None:
            await asyncio.sleep(0)
            ran.append("errands")
            if len(ran) == 4:
                thrice.set()
            context.errand.set()

        monkeypatch.setattr(housekeeping, "ROUND", (round_part,))
        monkeypatch.setattr(housekeeping, "AT_ONCE", (errands,))
        monkeypatch.setattr(housekeeping, "EVERY_S", 3600)
        running = asyncio.create_task(housekeeping.run_housekeeping(context))
        await asyncio.wait_for(thrice.wait(), 30)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return ran[:4]

    assert asyncio.run(run()) == ["round", "errands", "errands", "errands"]


def test_errands_that_never_end_do_not_keep_the_round_away(monkeypatch: pytest.MonkeyPatch):
    async def run() -> None:
        context = idle_context()
        rounds = 0
        again = asyncio.Event()

        async def round_part(context: Context) -> None:
            nonlocal rounds
            rounds += 1
            if rounds == 2:
                again.set()

        async def errands(context: Context) -> None:
            await asyncio.sleep(0)
            context.errand.set()

        monkeypatch.setattr(housekeeping, "ROUND", (round_part,))
        monkeypatch.setattr(housekeeping, "AT_ONCE", (errands,))
        monkeypatch.setattr(housekeeping, "EVERY_S", 0.01)
        running = asyncio.create_task(housekeeping.run_housekeeping(context))
        context.errand.set()
        await asyncio.wait_for(again.wait(), 30)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


async def broken_housekeeping(context: Context) -> None:
    raise ZeroDivisionError("+14155550123")


async def endless_housekeeping(context: Context) -> None:
    await asyncio.Event().wait()


def test_a_service_is_stopped_when_its_housekeeping_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(bootstrap, "run_housekeeping", broken_housekeeping)

    async def serve() -> None:
        async with bootstrap.with_housekeeping(idle_context()):
            await asyncio.Event().wait()

    with pytest.raises(HousekeepingStopped, match="ZeroDivisionError"):
        asyncio.run(serve())
    assert "housekeeping stopped with ZeroDivisionError" in caplog.text
    assert "555" not in caplog.text


def test_an_error_of_the_service_itself_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "run_housekeeping", endless_housekeeping)

    async def serve() -> None:
        async with bootstrap.with_housekeeping(idle_context()):
            raise LookupError("an error") from ValueError("its cause")

    with pytest.raises(LookupError) as caught:
        asyncio.run(serve())
    assert isinstance(caught.value.__cause__, ValueError)


def test_housekeeping_ends_with_the_service(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "run_housekeeping", endless_housekeeping)

    async def serve() -> set[asyncio.Task[Any]]:
        async with bootstrap.with_housekeeping(idle_context()):
            pass
        return asyncio.all_tasks() - {cast(asyncio.Task[Any], asyncio.current_task())}

    assert asyncio.run(serve()) == set()


@pytest.mark.process
def test_an_operator_is_told_why_the_service_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(bootstrap, "run_housekeeping", broken_housekeeping)
    (tmp_path / "settings.toml").write_text(plain_settings())
    assert main(["--state", str(tmp_path), "--sandbox", "--port", "0"]) == 2
    said = capfd.readouterr().err
    assert "cloud: housekeeping stopped with ZeroDivisionError" in said
    assert "555" not in said
    assert not (tmp_path / "service.json").exists()


def test_a_process_that_leaves_the_jobs_to_others_does_none(monkeypatch: pytest.MonkeyPatch):
    async def run() -> list[str]:
        ran: list[str] = []
        done = asyncio.Event()

        async def job(context: Context) -> None:
            ran.append("job")

        async def own_part(context: Context) -> None:
            ran.append("own")
            done.set()

        monkeypatch.setattr(housekeeping, "ROUND", (job, own_part))
        monkeypatch.setattr(housekeeping, "OWN", (own_part,))
        async with bootstrap.with_housekeeping(idle_context(), Does.REQUESTS):
            await asyncio.wait_for(done.wait(), 30)
        return ran

    assert asyncio.run(run()) == ["own"]
