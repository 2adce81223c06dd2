"""The kiosk is killed between any two steps of a passage: no ticket is used up by nobody, none is
used twice, and every passage is in the books."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kiosk.venue.journal import Journal
from kiosk.venue.pretix import Pretix
from kiosk.venue.venue import Admitted, Connection
from tests.support.gates import PATIENCE, GateClock, Stand, opened, signed_on
from tests.support.pretix_api import Fault, PretixApi
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The kiosk was killed."""


class Steps:
    """Counts the steps of what it watches, and kills before the one that is named."""

    def __init__(self, kill_before: int) -> None:
        self.taken = 0
        self._kill_before = kill_before

    def step(self) -> None:
        if self.taken == self._kill_before:
            raise Killed
        self.taken += 1

    def watch(self, part: Any, *names: str) -> None:
        """Has a step before and one after each of these methods of a part."""
        for name in names:
            setattr(part, name, self._watched(getattr(part, name)))

    def _watched(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def watched(*arguments: Any) -> Any:
            self.step()
            result = await method(*arguments)
            self.step()
            return result

        return watched


STEPS_ONLINE = 6
"""The entry is written, pretix is asked, the entry is taken out; before and after each."""
STEPS_OFFLINE = 2
STEPS_UPLOADING = 4


async def killed(stand: Stand, work: Awaitable[Any]) -> Any:
    """Returns what came of it, None when the kiosk was killed."""
    working = asyncio.ensure_future(work)
    while not working.done():
        await stand.clock.turn(PATIENCE.answer_s)
        await asyncio.wait({working}, timeout=0.001)
    try:
        return working.result()
    except Killed:
        return None


async def recover(api: PretixApi, stand: Stand, journal: Journal) -> Admitted | None:
    """Starts the kiosk again at a pretix that answers. Returns what became of the same ticket."""
    api.will.clear()
    api.always = None
    async with opened(api, stand.pretix.device, journal, stand.clock) as again:
        await again.look()
        await again.clock.turn(121)
        await again.look()
        assert again.gate.state.waiting == 0
        admission = await again.enter("day-1")
        return admission if isinstance(admission, Admitted) else None


@pytest.mark.parametrize("fault", [None, Fault.CUT, Fault.SILENT])
@pytest.mark.parametrize("kill_before", range(STEPS_ONLINE + 1))
async def test_a_passage_online(kill_before: int, fault: Fault | None, tmp_path: Path) -> None:
    clock = GateClock()
    async with PretixApi(clock.wall).open() as api:
        device = await signed_on(api)
        journal, steps = Journal(sealed(tmp_path / "venue.db")), Steps(kill_before)
        pretix = Pretix(device)
        steps.watch(journal, "record", "forget")
        steps.watch(pretix, "redeem")
        async with opened(api, device, journal, clock, pretix=pretix) as stand:
            if fault is not None:
                api.will += [fault]
            admission = await killed(stand, stand.enter("day-1"))
            passed = isinstance(admission, Admitted)
        journal.close()
        journal = Journal(sealed(tmp_path / "venue.db"))
        again = await recover(api, stand, journal)
        journal.close()
        books = len(api.passed("day-1"))
    assert books == 1, "one of the two has passed, and the books say so"
    if fault is None and kill_before < STEPS_ONLINE:
        assert not passed
        # Behind the last write there is nothing that could tell whether the gate has opened.
        assert (again is not None) == (kill_before < STEPS_ONLINE - 1)
    if passed:
        assert again is None, "nobody enters with a ticket that was used"


@pytest.mark.parametrize("kill_before", range(STEPS_OFFLINE + 1))
async def test_a_passage_offline(kill_before: int, tmp_path: Path) -> None:
    clock = GateClock()
    async with PretixApi(clock.wall).open() as api:
        device = await signed_on(api)
        journal, steps = Journal(sealed(tmp_path / "venue.db")), Steps(kill_before)
        async with opened(api, device, journal, clock) as stand:
            await stand.look()
            api.always = Fault.LOST
            await stand.look(Connection.AWAY)
            steps.watch(journal, "record")
            admission = await killed(stand, stand.enter("day-1"))
        journal.close()
        journal = Journal(sealed(tmp_path / "venue.db"))
        again = await recover(api, stand, journal)
        journal.close()
        assert len(api.passed("day-1")) == 1
    assert isinstance(admission, Admitted) == (kill_before == STEPS_OFFLINE)
    assert (again is None) == (kill_before > 0), "what was written is uploaded, and counts"


@pytest.mark.parametrize("due", ["upload", "annul"])
@pytest.mark.parametrize("kill_before", range(STEPS_UPLOADING + 1))
async def test_what_pretix_is_told_later(kill_before: int, due: str, tmp_path: Path) -> None:
    clock = GateClock()
    async with PretixApi(clock.wall).open() as api:
        device = await signed_on(api)
        journal, steps = Journal(sealed(tmp_path / "venue.db")), Steps(kill_before)
        pretix = Pretix(device)
        async with opened(api, device, journal, clock, pretix=pretix) as stand:
            await stand.look()
            if due == "upload":
                api.always = Fault.LOST
                await stand.look(Connection.AWAY)
            admitted = await stand.enter("day-1")
            assert isinstance(admitted, Admitted)
            if due == "annul":
                await stand.gate.annul(admitted.passage)
            api.always = None
            steps.watch(journal, "forget")
            steps.watch(pretix, due)
            await killed(stand, stand.gate.tell())
        journal.close()
        journal = Journal(sealed(tmp_path / "venue.db"))
        again = await recover(api, stand, journal)
        journal.close()
        assert len(api.passed("day-1")) == 1
    assert (again is None) == (due == "upload")
