"""A disk that stores nothing, of the kiosk or of the service: what is said is true, and people can
still have their data deleted."""

import asyncio
import errno
import io
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from kiosk.screens import (
    Approved,
    Choice,
    ConfirmDelete,
    Deleted,
    Notice,
    Trouble,
    TroubleKind,
    Welcome,
)
from kiosk.service.client import SignatureService
from kiosk.service.embedded import pass_on
from protocol.messages import ProblemType, ServiceInfo
from protocol.storage import StorageFault
from tests.kiosk.test_app import HOME, TO_CHARGE, TO_LEAVE, Finding, found, in_doubt
from tests.support.canned import VAULT, CannedService, problem
from tests.support.stand import MakeStand

pytestmark = pytest.mark.anyio

WRITERS = ("protocol.sealed", "kiosk.visits.maintain")


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


class FullFile(io.StringIO):
    def write(self, _: str) -> int:
        return full()


@pytest.fixture
def no_room(service: SignatureService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the kiosk, which has its identity already, write no file any more, and remove none."""
    del service
    for module in WRITERS:
        monkeypatch.setattr(f"{module}.write_private", full)
    for module in ("till.journal", "visits.maintain"):
        monkeypatch.setattr(f"kiosk.{module}.remove_durably", full)
    monkeypatch.setattr("kiosk.till.journal.rename_durably", full)


@pytest.mark.usefixtures("no_room")
async def test_people_leave_at_a_kiosk_that_can_write_nothing(
    stand: MakeStand, canned: CannedService
) -> None:
    here = stand(*TO_LEAVE, (ConfirmDelete, Choice.CONFIRM), (Deleted, Choice.DONE), HOME)
    await here.play()
    assert canned.requests("POST /deletions")


@pytest.mark.usefixtures("no_room")
async def test_a_kiosk_that_can_write_nothing_charges_nothing_and_says_so(
    stand: MakeStand, canned: CannedService
) -> None:
    trouble = Trouble(TroubleKind.STORAGE, paying=True)
    await stand(*TO_CHARGE, (trouble, Choice.DONE), HOME).play()
    assert not canned.requests("POST /purchases")


async def test_a_purchase_that_was_approved_is_told_whatever_the_disk_does_then(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for change in ("remove_durably", "rename_durably"):
        monkeypatch.setattr(f"kiosk.till.journal.{change}", full)
    here = stand(*TO_CHARGE, (Approved, Choice.DONE), HOME)
    await here.play()
    assert not list(here.kiosk.journal.pending())


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), RuntimeError("nobody thought of it")]
)
async def test_whatever_fails_after_a_purchase_was_sent_nobody_is_told_that_nothing_was_charged(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fail(*_: object) -> NoReturn:
        raise error

    trouble = Trouble(TroubleKind.PAYMENT_UNKNOWN, paying=True)
    here = stand(*TO_CHARGE, (trouble, Choice.DONE), HOME)
    monkeypatch.setattr(here.till, "answer", fail)
    await here.play()


@pytest.mark.usefixtures("no_room")
async def test_a_kiosk_that_is_not_known_any_more_says_so_on_a_full_disk_as_well(
    stand: MakeStand, canned: CannedService, caplog: pytest.LogCaptureFixture
) -> None:
    canned.will("POST /identifications", problem(ProblemType.UNKNOWN_DEVICE, 401))
    here = stand(*TO_LEAVE, (Trouble(TroubleKind.SERVICE), Choice.DONE), HOME)
    await here.play()
    assert here.kiosk.service.identity.device is None
    assert "the disk is full" in caplog.text


@pytest.mark.usefixtures("no_room")
async def test_an_activation_holds_until_the_next_start_on_a_full_disk(
    service: SignatureService, canned: CannedService, caplog: pytest.LogCaptureFixture
) -> None:
    await service.connect(canned.url, None)
    service.identity.become(None)
    device = await service.activate("12345678", "Till 3")
    assert service.identity.device == device
    assert "the next start will not know it" in caplog.text


async def test_a_service_that_only_serves_deletions_is_in_reach_whatever_is_in_doubt(
    stand: MakeStand, canned: CannedService
) -> None:
    here = stand(HOME)
    in_doubt(here.kiosk.journal)
    refusal = problem(ProblemType.STORAGE_FULL, 507, storage="full")
    canned.will("GET /purchases/sale-12345678", *[refusal] * 99)
    async with here.running():
        await here.stage.reached()
        await here.clock.turn(30)
    assert canned.requests("GET /purchases/sale-12345678")
    notices = {shown.notice for shown in here.stage.shown if isinstance(shown, Welcome)}
    assert Notice.OFFLINE not in notices


async def test_the_self_test_says_when_the_service_only_serves_deletions(
    stand: MakeStand, canned: CannedService
) -> None:
    info = ServiceInfo(
        version="1",
        time=datetime.now(UTC),
        vault_keys=[VAULT.public],
        sandbox=True,
        storage=StorageFault.FULL,
    )
    canned.will("GET /service", *[info] * 99)
    assert (await found(stand, Finding.SERVICE_STORES_NOTHING)).values == ("full",)


async def test_the_log_of_the_embedded_service_is_read_on_when_it_cannot_be_written(
    service: SignatureService, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = asyncio.StreamReader()
    log.feed_data(b"a line\ncloud: the disk is full. Make room on it.\n")
    log.feed_eof()
    monkeypatch.setattr(sys, "stderr", FullFile())
    await pass_on(log, service)
    assert service.stopped == "the disk is full. Make room on it."


@pytest.mark.process
async def test_a_line_of_the_services_log_that_is_longer_than_a_pipe_holds_up_nothing(
    service: SignatureService, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in its own process: whoever ends here leaves the service to fill the pipe, and wait."""
    rest = "\ncloud: the disk is full. Make room on it.\nand no end of a line"
    write = f"import sys; sys.stderr.write('x' * 200_000 + {rest!r})"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", write, stderr=PIPE)
    assert process.stderr
    async with asyncio.timeout(30):
        await pass_on(process.stderr, service)
        await process.wait()
    assert capsys.readouterr().err == "x" * 200_000 + rest
    assert service.stopped == "the disk is full. Make room on it."
