"""When a kiosk ends for another version, and when it says that it serves."""

import asyncio
import os
from datetime import datetime, time
from pathlib import Path

import pytest

from hardware.camera.feed import Recovering, Streaming
from kiosk.assembly import assemble
from kiosk.lock import Locked, Seen, Step
from kiosk.screens import Notice, OutOfService, Welcome
from kiosk.settings import Settings, Updates
from kiosk.till.till import Tampering
from kiosk.updates.quiet import QUIET_S, Quiet, VersionWaits, may_try_at
from kiosk.updates.versions import ANSWER, SERVES, Versions
from protocol import VERSION
from tests.support.canned import CannedService, HangUp
from tests.support.clocks import NOON
from tests.support.releases import offer
from tests.support.scripted import WAITS, ScriptedStage
from tests.support.sealed import state_of
from tests.support.stand import MakeStand, Stand

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ANY_TIME = Updates(url="http://127.0.0.1:9", root=Path("unread"))


@pytest.mark.parametrize(
    ("between", "hour", "may"),
    [
        (None, 12, True),
        ((time(2), time(5)), 1, False),
        ((time(2), time(5)), 2, True),
        ((time(2), time(5)), 5, False),
        ((time(22), time(4)), 23, True),
        ((time(22), time(4)), 3, True),
        ((time(22), time(4)), 12, False),
        ((time(0), time(0)), 12, True),
    ],
)
def test_the_hours_of_an_update(between: tuple[time, time] | None, hour: int, may: bool):
    updates = ANY_TIME.model_copy(update={"between": between})
    assert may_try_at(updates, datetime(2027, 3, 1, hour).astimezone()) is may


@pytest.fixture
def at_welcome(stand: MakeStand, tmp_path: Path) -> Stand:
    """A kiosk at its welcome screen, which updates."""
    at = stand((Welcome, WAITS))
    at.kiosk.quiet = Quiet(ANY_TIME, Versions(tmp_path), at.clock)
    return at


async def test_the_kiosk_ends_for_a_version_that_waits_when_nobody_has_been_there(
    at_welcome: Stand, tmp_path: Path
) -> None:
    offer(tmp_path, "0.2.0")
    running = asyncio.create_task(at_welcome.kiosk.run())
    await at_welcome.stage.reached()
    while not running.done():
        await at_welcome.clock.turn(60)
    assert at_welcome.clock.now() >= QUIET_S
    with pytest.raises(VersionWaits):
        await running


async def test_it_does_not_while_somebody_touches_it_or_no_version_waits(
    at_welcome: Stand, tmp_path: Path
) -> None:
    async with at_welcome.running():
        await at_welcome.stage.reached()
        await at_welcome.clock.turn(2 * QUIET_S)
        at_welcome.stage.touched = at_welcome.clock.now()
        offer(tmp_path, "0.2.0")
        await at_welcome.clock.turn(QUIET_S - 1)


async def test_it_does_not_while_it_cannot_serve_itself(at_welcome: Stand, tmp_path: Path) -> None:
    """Otherwise the other version would be taken to be at fault."""
    offer(tmp_path, "0.2.0")
    async with at_welcome.running():
        await at_welcome.stage.reached()
        at_welcome.camera.unplug()
        await at_welcome.camera_is(Recovering)
        await at_welcome.clock.turn(2 * QUIET_S)


async def test_a_version_that_is_tried_says_that_it_would_serve_and_serves_once_it_is_kept(
    at_welcome: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    monkeypatch.setenv(ANSWER, str(writing))
    versions = Versions(tmp_path)
    offer(tmp_path, VERSION)
    quiet = at_welcome.kiosk.quiet = Quiet(ANY_TIME, versions, at_welcome.clock)
    async with at_welcome.running():
        while ANSWER in os.environ:
            await at_welcome.clock.turn(1)
        assert os.read(reading, 64) == SERVES
        # Its end of the pipe is closed, and nothing more is said.
        await at_welcome.clock.turn(5)
        assert os.read(reading, 64) == b""
        assert [shown.notice for shown in at_welcome.stage.shown if isinstance(shown, Welcome)] == [
            Notice.STARTING
        ]
        assert not quiet.kept.is_set()
        versions.keep(VERSION)
        await at_welcome.clock.turn(1)
        await at_welcome.stage.reached()
        shown = at_welcome.stage.shown[-1]
        assert isinstance(shown, Welcome)
        assert shown.notice is None
        assert quiet.kept.is_set()
    os.close(reading)


@pytest.mark.parametrize("reached", [True, False])
async def test_a_locked_kiosk_keeps_a_version_only_where_that_reaches_the_service(
    stand: MakeStand,
    canned: CannedService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reached: bool,
) -> None:
    reading, writing = os.pipe()
    monkeypatch.setenv(ANSWER, str(writing))
    at = stand((OutOfService, WAITS))
    seen = Seen(sign=Tampering.ENCLOSURE)
    at.kiosk.lock.locked = Locked(seen=seen, at=NOON, merchant="", helpline="", step=Step.WIPED)
    at.kiosk.quiet = Quiet(ANY_TIME, Versions(tmp_path), at.clock)
    if not reached:
        canned.always("GET /service", HangUp())
    async with at.running():
        await at.camera_is(Streaming)
        for _ in range(60):
            await at.clock.turn(1)
    assert (ANSWER not in os.environ) is reached
    os.close(reading)
    if not reached:
        os.close(writing)


async def test_a_version_that_is_tried_answers_also_where_updates_were_switched_off_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(state=tmp_path, camera="sim:shopper")
    assert settings.updates is None
    monkeypatch.setenv(ANSWER, "0")
    tried = assemble(settings, ScriptedStage([]), state_of(tmp_path))
    assert tried.quiet is not None
    assert not tried.quiet.kept.is_set()
    monkeypatch.delenv(ANSWER)
    assert assemble(settings, ScriptedStage([]), state_of(tmp_path)).quiet is None


async def test_where_updates_were_switched_off_none_is_waited_for(
    at_welcome: Stand, tmp_path: Path
) -> None:
    offer(tmp_path, "0.2.0")
    at_welcome.kiosk.quiet = Quiet(None, Versions(tmp_path), at_welcome.clock)
    async with at_welcome.running():
        await at_welcome.stage.reached()
        await at_welcome.clock.turn(2 * QUIET_S)
