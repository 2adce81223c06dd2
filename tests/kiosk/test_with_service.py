"""Whole visits: a drawn hand before a simulated camera, the real reader, and the real service with
its vault and its payment provider in processes of their own. Only the window is scripted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloud.__main__ import main as cloud_main
from hardware.camera.feed import Streaming
from hardware.terminal import TestCard
from kiosk.app import Kiosk
from kiosk.assembly import assemble
from kiosk.capture.guidance import Instruction
from kiosk.screens import (
    AlreadyKnown,
    Approved,
    AskConsent,
    AskMerchantConsent,
    CardProblem,
    Choice,
    ChooseProof,
    ConfirmDelete,
    ConfirmPurchase,
    Declined,
    Deleted,
    EnterCode,
    EnterPhone,
    EntryProblem,
    HoldPalm,
    Known,
    NotCharged,
    Notice,
    OfferSecondPalm,
    PalmReaderLost,
    PayAnotherWay,
    PresentCard,
    SignedUp,
    Trouble,
    TroubleKind,
    Welcome,
)
from kiosk.service.embedded import EmbeddedService
from kiosk.settings import ServicePatience, Settings, TillDoor
from kiosk.simulated.simulation import Simulation
from kiosk.simulated.till import SimulatedTill
from kiosk.till.till import SaleResult
from protocol.messages import Money, Side
from tests.support.hands import FPS
from tests.support.processes import descendants, seen_of
from tests.support.scripted import WAITS, Line, ScriptedStage, typed
from tests.support.sealed import state_of
from tests.support.traces import traces_in
from tests.support.unhurried import unhurried
from tests.support.warm import warm_starts

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SLOW_MACHINE = ServicePatience(
    connect_s=10, answer_s=30, deadline_s=10, purchase_deadline_s=200, health_s=5
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


class Shop:
    """A running kiosk and the people in front of it."""

    def __init__(
        self,
        state: Path,
        *,
        light: str = "sim:",
        infrared: str | None = None,
        till: TillDoor | None = None,
    ) -> None:
        self.choices: asyncio.Queue[Choice] = asyncio.Queue()
        self.stage = ScriptedStage([(Welcome, self.choices.get)])
        settings = Settings(
            state=state,
            light=light,
            infrared=infrared,
            till=till,
            dock=True,
            service_patience=SLOW_MACHINE,
        )
        self.kiosk: Kiosk = assemble(settings, self.stage, state_of(state))
        self.world = Simulation(self.kiosk, asyncio.get_running_loop())
        if self.world.camera and not infrared:
            # A pulse alone needs more pictures.
            self.world.camera.slow_down(FPS)
        self._open = asyncio.ensure_future(self.kiosk.run())
        self._read_until = datetime.now(UTC)

    async def close(self) -> None:
        self._open.cancel()
        await asyncio.gather(self._open, return_exceptions=True)

    async def activated(self) -> None:
        while self.kiosk.service.identity.device is None:
            assert not self._open.done(), self._open
            await self.kiosk.clock.sleep(0.05)

    async def visit(self, choice: Choice | None, *lines: Line) -> None:
        """Plays a visit from the welcome screen and back to it. None waits for the till's sale."""
        self.stage.script += [*lines, (Welcome, self.choices.get)]
        if choice is not None:
            self.choices.put_nowait(choice)
        # A hand that is not certainly alive is asked for once more, and has to leave before that.
        async with self._obedient():
            back = asyncio.ensure_future(self.stage.reached())
            await asyncio.wait({back, self._open}, return_when=asyncio.FIRST_COMPLETED)
        if self._open.done():
            self._open.result()

    def hand(self, seed: int, side: Side = Side.LEFT) -> None:
        """Sets whose hand is held over the kiosk from now on."""
        shopper = self.world.shopper
        assert shopper
        shopper.wish = replace(
            shopper.wish, seed=seed, side=type(shopper.wish.side)(side), present=True
        )

    @asynccontextmanager
    async def _obedient(self) -> AsyncIterator[None]:
        """Meanwhile, the hand leaves and comes back whenever the shopper is told so."""

        async def obey() -> None:
            while True:
                await self._told(Instruction.TAKE_AWAY)
                self.present(present=False)
                try:
                    await self._told(Instruction.SHOW_PALM)
                finally:
                    self.present(present=True)

        obeying = asyncio.create_task(obey())
        try:
            yield
        finally:
            obeying.cancel()

    def present(self, *, present: bool) -> None:
        shopper = self.world.shopper
        assert shopper
        shopper.wish = replace(shopper.wish, present=present)

    def hold_card(self, code: str | None) -> Callable[[], Any]:
        """Holds up a membership card instead of the hand; None takes it away."""

        def hold() -> Any:
            shopper = self.world.shopper
            assert shopper
            shopper.wish = replace(shopper.wish, card=code)
            return WAITS

        return hold

    async def _told(self, instruction: Instruction) -> None:
        """Waits until the shopper has read an instruction on the screen that is shown."""

        def told() -> bool:
            screen = self.stage.shown[-1]
            return isinstance(screen, HoldPalm) and screen.guidance.instruction is instruction

        while not told():
            await self.kiosk.clock.sleep(0.05)

    def tap(self, card: TestCard) -> Callable[[], Any]:
        def tap() -> Any:
            assert self.world.terminal
            self.world.terminal.tap(card)
            return WAITS

        return tap

    async def code(self) -> Any:
        """Types the code that the simulated phone received."""
        while True:
            for text in await self.kiosk.service.read_phone(0):
                if text.code and text.at > self._read_until:
                    self._read_until = text.at
                    return typed(text.code)
            await self.kiosk.clock.sleep(0.05)

    async def sign_up(self, number: str, card: TestCard = TestCard.VISA) -> None:
        await self.visit(
            Choice.SIGN_UP,
            (AskConsent, Choice.AGREE),
            (EnterPhone, typed(number)),
            (EnterCode, self.code),
            (PresentCard, self.tap(card)),
            (HoldPalm, WAITS),
            (OfferSecondPalm, Choice.SKIP),
            (SignedUp, Choice.DONE),
        )

    async def under(self, law: str) -> None:
        """Has the site of the kiosk be under another law, as an operator does it."""
        state = str(self.kiosk.settings.state / "service")
        words = ["--state", state, "staff", "change-site", "first", "--law", law]
        assert await asyncio.to_thread(cloud_main, words) == 0

    def last(self, screen: type[Any]) -> Any:
        return next(shown for shown in reversed(self.stage.shown) if type(shown) is screen)

    async def welcome_says(self, notice: Notice | None) -> None:
        while self.stage.shown[-1] != replace(self.last(Welcome), notice=notice):
            await self.kiosk.clock.sleep(0.05)

    async def leave(self) -> Any:
        """Deletes the data of the person whose hand is shown. Returns what was held."""
        await self.visit(
            Choice.DELETE,
            (ChooseProof, Choice.USE_PALM),
            (HoldPalm, WAITS),
            (ConfirmDelete, Choice.CONFIRM),
            (Deleted, Choice.DONE),
        )
        return self.last(ConfirmDelete).holdings


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    with unhurried(), warm_starts():
        shop = Shop(tmp_path_factory.mktemp("shop"))
        await shop.activated()
        yield shop
        await shop.close()


async def test_no_secret_of_the_kiosk_stands_where_other_processes_can_see_it(shop: Shop) -> None:
    assert isinstance(shop.kiosk.connection, EmbeddedService)
    service = shop.kiosk.connection.process_id
    assert service is not None
    secrets = {
        "key of the state": shop.kiosk.state.files.key,
        "key of the device": shop.kiosk.service.identity.key.private_bytes_raw(),
    }
    processes = descendants()
    assert service in processes
    for process in processes:
        assert traces_in(seen_of(process), secrets) == []


async def test_a_palm_and_a_number_sign_up_once(shop: Shop) -> None:
    shop.hand(seed=7)
    await shop.sign_up("2025550109")
    await shop.visit(
        Choice.SIGN_UP,
        (AskConsent, Choice.AGREE),
        (EnterPhone, typed("2025550110")),
        (EnterCode, shop.code),
        (PresentCard, shop.tap(TestCard.VISA)),
        (HoldPalm, WAITS),
        (AlreadyKnown(Known.PALM), Choice.DONE),
    )
    await shop.visit(
        Choice.SIGN_UP,
        (AskConsent, Choice.AGREE),
        (EnterPhone, typed("2025550109")),
        (EnterCode, shop.code),
        (AlreadyKnown(Known.PHONE), Choice.DONE),
    )
    await shop.leave()


async def test_what_is_asked_follows_the_law_of_the_site(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALM_CLOUD_PRIVACY__CONTACT", "privacy@example.com")
    shop.hand(seed=7)
    await shop.under("US-IL")
    await shop.sign_up("2025550127")
    assert shop.last(AskConsent).consent.release
    buying: list[Line] = [
        (ConfirmPurchase, Choice.CONFIRM),
        (Approved, Choice.DONE),
    ]
    await shop.visit(Choice.TRY_PURCHASE, (HoldPalm, WAITS), *buying)
    await shop.under("US-WA")
    await shop.visit(
        Choice.TRY_PURCHASE,
        (HoldPalm, WAITS),
        (AskMerchantConsent, Choice.AGREE),
        (AskMerchantConsent, Choice.AGREE),
        *buying,
    )
    titles = [
        shown.consent.title for shown in shop.stage.shown if isinstance(shown, AskMerchantConsent)
    ]
    assert titles == ["May we keep this about you?", "May we share this with others?"]
    await shop.under("none")
    await shop.leave()


async def test_a_wrong_code_and_a_refused_card_are_asked_for_again_and_a_card_may_decline(
    shop: Shop,
) -> None:
    shop.hand(seed=7)
    await shop.visit(
        Choice.SIGN_UP,
        (AskConsent, Choice.AGREE),
        (EnterPhone, typed("2025550111")),
        (EnterCode, typed("000000")),
        (EnterCode, shop.code),
        (PresentCard, shop.tap(TestCard.REFUSED)),
        (PresentCard(CardProblem.REFUSED), shop.tap(TestCard.DECLINES)),
        (HoldPalm, WAITS),
        (OfferSecondPalm, Choice.SKIP),
        (SignedUp, Choice.DONE),
    )
    wrong = shop.last(EnterCode)
    assert (wrong.problem, wrong.attempts_left) == (EntryProblem.WRONG_CODE, 4)
    await shop.visit(
        Choice.TRY_PURCHASE,
        (HoldPalm, WAITS),
        (ConfirmPurchase, Choice.CONFIRM),
        (Declined, Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
    )
    await shop.leave()


async def test_a_network_that_is_cut_is_said_and_the_visit_goes_on_when_it_is_mended(
    shop: Shop,
) -> None:
    shop.hand(seed=7)

    def cut() -> Choice:
        shop.world.cut_network()
        return Choice.USE_PALM

    def mend() -> Choice:
        shop.world.mend_network()
        return Choice.TRY_AGAIN

    await shop.visit(
        Choice.DELETE,
        (ChooseProof, cut),
        (HoldPalm, WAITS),
        (Trouble(TroubleKind.OFFLINE), mend),
        (ChooseProof, Choice.BACK),
    )


async def test_a_camera_pulled_while_holding_still_is_said_and_waited_for(shop: Shop) -> None:
    camera = shop.world.camera
    assert camera

    def pull() -> Any:
        camera.unplug()
        return WAITS

    async def put_back() -> Choice:
        camera.plug_in()
        while not isinstance(shop.kiosk.feed.state, Streaming):
            await shop.kiosk.clock.sleep(0.02)
        return Choice.TRY_AGAIN

    await shop.visit(
        Choice.TRY_PURCHASE,
        (HoldPalm, pull),
        (PalmReaderLost, put_back),
        (HoldPalm, Choice.BACK),
    )


async def test_a_service_that_stays_away_is_said_on_the_welcome_screen_until_it_is_back(
    shop: Shop,
) -> None:
    shop.world.hold_service_down()
    await shop.welcome_says(Notice.OFFLINE)
    shop.world.bring_service_up()
    await shop.welcome_says(None)


async def test_a_till_takes_back_a_sale_that_nobody_pays(shop: Shop) -> None:
    def withdraw() -> Any:
        shop.world.withdraw_sale()
        return WAITS

    await shop.visit(Choice.TRY_PURCHASE, (HoldPalm, withdraw))


async def test_a_till_hears_of_every_sale_it_rang_up(shop: Shop) -> None:
    shop.world.ring_up(990)
    shop.stage.script += [(HoldPalm, Choice.BACK), (Welcome, shop.choices.get)]
    await shop.stage.reached()
    till = shop.kiosk.till
    assert isinstance(till, SimulatedTill)
    assert till.answers[next(reversed(till.answers))] is SaleResult.NOT_PAID
    assert shop.last(HoldPalm).amount == Money(minor=990, currency="USD")


async def test_thirty_cents_are_refused_before_a_palm_is_shown(shop: Shop) -> None:
    shop.world.ring_up(30)
    shop.stage.script += [
        (NotCharged, Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
        (Welcome, shop.choices.get),
    ]
    await shop.stage.reached()
    till = shop.kiosk.till
    assert isinstance(till, SimulatedTill)
    reference = next(reversed(till.answers))
    assert till.answers[reference] is SaleResult.NOT_PAID
    assert "minimum of 50 minor units of USD" in till.causes[reference]


async def test_nothing_of_a_person_is_left_in_the_kiosks_own_files(shop: Shop) -> None:
    state = shop.kiosk.settings.state
    for path in state.rglob("*"):
        if path.is_file() and (state / "service") not in path.parents:
            content = path.read_bytes()
            assert b"20255501" not in content
            assert b"\xff\xd8\xff" not in content
