"""A power cut in the middle of a purchase, and the start after it."""

import asyncio
import os
import shutil
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hardware.terminal import StripeReader
from kiosk import screens
from kiosk.clock import SystemClock
from kiosk.service.client import SignatureService
from kiosk.service.identity import Identity
from kiosk.settings import ServicePatience
from kiosk.simulated.till import SimulatedTill
from kiosk.staff import StaffPin
from kiosk.till.journal import PurchaseJournal
from kiosk.till.till import Sale, SaleResult
from kiosk.visits.charge import STRAGGLING, resolve
from kiosk.visits.pay import pay
from kiosk.visits.visit import Visit
from protocol.messages import CardPurchase, Money
from tests.support.canned import (
    DEVICE,
    CannedService,
    at_reader,
    bought,
    ended,
    identification,
)
from tests.support.forks import run_forked
from tests.support.scripted import (
    WAITS,
    Line,
    ScriptedCodes,
    ScriptedReader,
    ScriptedStage,
    palm,
)
from tests.support.sealed import sealed, state_of

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SALE = Sale("sale-12345678", Money(minor=1250, currency="USD"), "Corner Shop")


def pull_the_plug() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class PulledBeforeItLeft(SignatureService):
    async def purchase(self, *_: object, **__: object) -> object:
        pull_the_plug()


class PulledBeforeTheReaderWasTold(SignatureService):
    async def begin_card_purchase(self, *_: object, **__: object) -> Any:
        pull_the_plug()


class PulledWhileTheCardWasAwaited(SignatureService):
    async def look_at_card_purchase(self, *_: object, **__: object) -> Any:
        pull_the_plug()


class PulledBeforeTheTillKnew(SimulatedTill):
    async def answer(self, *_: object, **__: object) -> None:
        pull_the_plug()


CLIENTS: dict[str, type[SignatureService]] = {
    "before it left": PulledBeforeItLeft,
    "before the reader was told": PulledBeforeTheReaderWasTold,
    "while the card was awaited": PulledWhileTheCardWasAwaited,
}
WITH_CARD = {
    "before the reader was told",
    "while the card was awaited",
    "before the till knew of the card",
}


def pay_until_the_plug_is_pulled() -> None:
    """Runs in a process of its own. Its arguments are the moment of the power cut, the service and
    the state folder."""
    moment, url, state = sys.argv[1], sys.argv[2], Path(sys.argv[3])

    async def shop() -> None:
        identity = Identity.load_or_make(sealed(state / "identity.json"))
        client = CLIENTS.get(moment, SignatureService)
        service = client(identity, SystemClock(), ServicePatience())
        await service.connect(url, None)
        script: list[Line] = [(screens.HoldPalm, palm)]
        script += [(screens.ConfirmPurchase, screens.Choice.CONFIRM)]
        if moment in WITH_CARD:
            script = [(screens.HoldPalm, screens.Choice.HELP)]
            script += [(screens.Help, screens.Choice.ANOTHER_WAY), (screens.PayWithCard, WAITS)]
        till = SimulatedTill() if moment in CLIENTS else PulledBeforeTheTillKnew()
        till.ask(SALE)
        stage = ScriptedStage(script)
        at = Visit(
            stage=stage,
            reader=ScriptedReader(),
            codes=ScriptedCodes(),
            terminal=StripeReader("tmr_Counter1"),
            service=service,
            till=till,
            journal=PurchaseJournal(sealed(state / "purchases")),
            pin=StaffPin.of(state_of(state).files, SystemClock().wall),
            clock=SystemClock(),
            device=DEVICE,
        )
        await pay(at, SALE)

    asyncio.run(shop())


async def power_loss(moment: str, canned: CannedService, state: Path) -> None:
    Identity.load_or_make(sealed(state / "identity.json")).become(DEVICE)
    ended = await asyncio.to_thread(
        run_forked, pay_until_the_plug_is_pulled, moment, canned.url, state
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


async def test_what_was_bought_when_the_plug_was_pulled_is_told_to_the_till_and_bought_once(
    canned: CannedService, service: SignatureService, tmp_path: Path
) -> None:
    await power_loss("before the till knew", canned, tmp_path)
    canned.will(f"GET /purchases/{SALE.reference}", bought(canned.requests("POST /purchases")[0]))
    till, journal = SimulatedTill(), PurchaseJournal(sealed(tmp_path / "purchases"))
    (pending,) = journal.pending()
    await resolve(service, till, journal, pending.request.reference)
    assert till.answers == {SALE.reference: SaleResult.APPROVED}
    assert not list(journal.pending())
    assert len(canned.requests("POST /purchases")) == 1


async def test_what_was_not_bought_when_the_plug_was_pulled_never_is(
    canned: CannedService, service: SignatureService, tmp_path: Path
) -> None:
    lapsed = datetime.now(UTC) - STRAGGLING - timedelta(seconds=1)
    canned.will("POST /identifications", identification().model_copy(update={"expires_at": lapsed}))
    await power_loss("before it left", canned, tmp_path)
    till, journal = SimulatedTill(), PurchaseJournal(sealed(tmp_path / "purchases"))
    (pending,) = journal.pending()
    await resolve(service, till, journal, pending.request.reference)
    assert till.answers == {SALE.reference: SaleResult.NOT_PAID}
    assert not list(journal.pending())
    assert not canned.requests("POST /purchases")


@pytest.mark.parametrize("moment", sorted(WITH_CARD))
async def test_what_became_of_a_card_when_the_plug_was_pulled_is_told_and_it_is_awaited_no_longer(
    canned: CannedService,
    service: SignatureService,
    tmp_path: Path,
    moment: str,
) -> None:
    known = {"reference": SALE.reference}
    canned.will("POST /card-purchases", CardPurchase())
    canned.will(f"GET /card-purchases/{SALE.reference}", at_reader("approved", **known))
    await power_loss(moment, canned, tmp_path)
    asked = f"POST /card-purchases/{SALE.reference}/end"
    for became in (SaleResult.APPROVED, SaleResult.DECLINED, SaleResult.NOT_PAID):
        canned.will(asked, ended(became.value, **known))
        state = tmp_path / became.value
        shutil.copytree(tmp_path, state, ignore=shutil.ignore_patterns(*SaleResult))
        till, journal = SimulatedTill(), PurchaseJournal(sealed(state / "purchases"))
        (pending,) = journal.pending()
        before = len(canned.requests(asked))
        await resolve(service, till, journal, pending.request.reference)
        assert till.answers == {SALE.reference: became}
        assert not list(journal.pending())
        assert len(canned.requests(asked)) == before + 1
