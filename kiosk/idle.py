"""How long a screen stays: shoppers who have left, results that have been read, work that takes
long, and a till that has withdrawn its request or has the next one.

A visit is interrupted only while a question is asked, so a payment is never left half done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import ceil
from typing import Any, NoReturn, TypeVar, cast

from kiosk.capture.guidance import Instruction
from kiosk.clock import Clock
from kiosk.race import first
from kiosk.screens import (
    FINAL,
    AgreementEnded,
    AlreadyKnown,
    Approved,
    AskAccess,
    AskConsent,
    AskMerchantConsent,
    AskToKeep,
    Bill,
    Choice,
    ChooseDeletion,
    ChooseProof,
    ChooseTip,
    ConfirmByPhone,
    ConfirmDelete,
    ConfirmPurchase,
    Deleted,
    EnterBegun,
    EnterCode,
    EnterPhone,
    HoldPalm,
    Indicated,
    InvitedToSignUp,
    Loss,
    OfferSecondPalm,
    PalmScreen,
    PayWithCard,
    PresentCard,
    Result,
    SaveCardByPhone,
    ScanBegun,
    ScanTicket,
    Screen,
    ShowCard,
    ShowCards,
    ShowDocument,
    ShowHand,
    StillThere,
    TillMessage,
    Trouble,
    Working,
)
from kiosk.settings import Patience
from kiosk.stage import Stage, WalkedAway
from protocol.fleet import Variant
from protocol.messages import Purpose

Answer = TypeVar("Answer")

NO_HAND = {Instruction.SHOW_PALM, Instruction.TAKE_AWAY}
"""Instructions that do not show that anybody is there: without a hand in view, and with one that
has to leave."""
BLINK = 0.1
"""Seconds between two checks whether the warning was answered."""
DECLINES_S = 10.0
"""How long a result stays at least that says what can be declined, in seconds."""
SLOW = 5.0
"""Seconds after which work takes longer than usual."""


class Withdrawn(Exception):
    """The till has withdrawn what it asked for."""


class IdleWatch:
    """The stage of one visit, whose questions end when the shopper has been idle for too long and
    whose results close by themselves.

    A touch counts as activity, and so does a hand before the camera, which is known from the
    guidance shown. `withdrawn` returns when the till withdraws the request of this visit,
    `next_request` when it has another one; `paying` tells whether the request is a sale.
    """

    def __init__(
        self,
        stage: Stage,
        clock: Clock,
        patience: Patience,
        withdrawn: Callable[[], Awaitable[None]] | None = None,
        next_request: Callable[[], Awaitable[None]] | None = None,
        *,
        paying: bool = False,
    ) -> None:
        self._stage = stage
        self._clock = clock
        self._patience = patience
        self._active_at = clock.now()
        self._withdrawn = withdrawn
        self._next_request = next_request
        self._paying = paying
        self._loss = Loss.NOTHING
        self._working: Working | None = None
        self._slow: asyncio.Task[None] | None = None

    async def ask(self, screen: Screen[Answer]) -> Answer:
        """Asks as the stage does. A result that nobody answers is answered with DONE; where it does
        not offer that, the visit ends. Whoever confirms a payment on their phone is not idle, and
        what the merchant's own systems ask waits for somebody: both have an end of their own.

        Raises WalkedAway, Withdrawn, and what the stage raises.
        """
        self._active_at = self._clock.now()
        self._loss = _lost_at(screen, self._loss)
        question = self._stage.ask(self._timed(screen))
        interruptions: list[Awaitable[Answer]] = []
        if self._withdrawn is not None:
            interruptions.append(_until_withdrawn(self._withdrawn()))
        if tells_result(screen):
            interruptions.append(cast(Awaitable[Answer], self._until_read(screen)))
        elif not (isinstance(screen, Working | ConfirmByPhone) or _ends_elsewhere(screen)):
            interruptions.append(self._until_idle(self._stays(screen)))
        return await first(question, *interruptions)

    def show(self, screen: Screen[object]) -> None:
        if isinstance(screen, PalmScreen) and screen.guidance.instruction not in NO_HAND:
            self._active_at = self._clock.now()
        self._stage.show(self._timed(screen))

    def overlay(self, screen: StillThere | None) -> None:
        self._stage.overlay(screen)

    def bill(self, bill: Bill | None) -> None:
        self._stage.bill(bill)

    def indicate(self, shown: Indicated | None) -> None:
        self._stage.indicate(shown)

    def dress(self, variant: Variant, accent: str | None = None) -> None:
        self._stage.dress(variant, accent)

    def last_touch(self) -> float:
        return self._stage.last_touch()

    def close(self) -> None:
        """Ends what goes on beside the visit."""
        if self._slow is not None:
            self._slow.cancel()

    def _stays(self, screen: Screen[object]) -> float:
        """Returns how many seconds a screen stays when nobody does anything."""
        match screen:
            case EnterCode() | SaveCardByPhone() | ShowDocument() | ShowHand() | PayWithCard():
                # What is done on a phone, or with a PIN at a card reader, is not seen here.
                return self._patience.message_s
            case AlreadyKnown() | TillMessage() | Trouble():
                return self._patience.idle_s
            case Approved(receipt=True):
                return max(self._patience.result_s, DECLINES_S)
            case Deleted(stays=True) | AgreementEnded(stays=True):
                return self._patience.idle_s
            case _:
                patience = self._patience
                return patience.result_s if tells_result(screen) else patience.idle_s

    async def _until_idle(self, stays: float) -> NoReturn:
        warning = self._patience.warning_s
        counting: int | None = None
        try:
            while True:
                left = self._left_of(stays)
                if left <= 0:
                    raise WalkedAway
                seconds = ceil(left) if left <= warning else None
                if seconds != counting:
                    self.overlay(None if seconds is None else self._warning(seconds))
                    counting = seconds
                await self._clock.sleep(BLINK if seconds is not None else left - warning)
        finally:
            if counting is not None:
                self.overlay(None)

    def _warning(self, seconds: int) -> StillThere:
        return StillThere(seconds, self._patience.warning_s, self._loss, self._paying)

    async def _until_read(self, screen: Screen[object]) -> Choice:
        """Waits until a result has been shown for its time or the till has the next sale."""
        stays = self._stays(screen)

        async def shown() -> None:
            while (left := self._left_of(stays)) > 0:
                await self._clock.sleep(left)

        await (first(shown(), self._next_request()) if self._next_request else shown())
        if Choice.DONE not in screen.choices:
            raise WalkedAway
        return Choice.DONE

    def _left_of(self, stays: float) -> float:
        return max(self._active_at, self.last_touch()) + stays - self._clock.now()

    def _timed(self, screen: Screen[Answer]) -> Screen[Answer]:
        """Returns the screen to show: work that takes longer than usual says so."""
        shown: Screen[Any] = screen
        before, self._working = self._working, shown if isinstance(shown, Working) else None
        if self._working is None:
            self.close()
            return screen
        if self._slow is None or before is None or before.work is not self._working.work:
            self.close()
            self._slow = asyncio.ensure_future(self._until_slow())
        return cast(Screen[Answer], replace(self._working, slow=self._slow.done()))

    async def _until_slow(self) -> None:
        await self._clock.sleep(SLOW)
        if self._working is not None:
            self._stage.show(replace(self._working, slow=True))


def tells_result(screen: Screen[object]) -> bool:
    """Returns whether the screen tells how something ended, so that nothing is lost by closing
    it."""
    return isinstance(screen, Result) or (isinstance(screen, Trouble) and screen.kind in FINAL)


def _ends_elsewhere(screen: Screen[object]) -> bool:
    """Returns whether what the merchant's own systems ask waits for somebody."""
    return isinstance(screen, InvitedToSignUp) or (
        isinstance(screen, HoldPalm) and screen.question != ""
    )


def _lost_at(screen: Screen[object], before: Loss) -> Loss:
    """Returns what is lost when the visit is given up at this screen. `before` is what was lost at
    the screen before, which holds for screens that occur in any visit."""
    match screen:
        case (
            HoldPalm(purpose=Purpose.ENROL, side=None)
            | PresentCard(adding=False)
            | SaveCardByPhone(adding=False)
        ):
            # What was begun on a phone is not lost.
            return before
        case EnterPhone(purpose=Purpose.ENROL):
            return Loss.ENTRIES
        case HoldPalm(purpose=Purpose.ENROL) | OfferSecondPalm():
            return Loss.SECOND_PALM
        case (
            HoldPalm(purpose=Purpose.LEAVE)
            | EnterPhone(purpose=Purpose.LEAVE)
            | ChooseDeletion()
            | ConfirmDelete()
        ):
            return Loss.DELETION
        case (
            HoldPalm()
            | EnterPhone()
            | ChooseTip()
            | ConfirmPurchase()
            | PayWithCard()
            | AskConsent()
            | ScanBegun()
            | EnterBegun()
            | AskMerchantConsent()
            | AskAccess()
            | AskToKeep()
            | ScanTicket()
            | ChooseProof()
            | ShowCards()
            | ShowCard()
            | PresentCard()
            | SaveCardByPhone()
        ):
            return Loss.NOTHING
        case _:
            return before


async def _until_withdrawn(withdrawn: Awaitable[None]) -> NoReturn:
    await withdrawn
    raise Withdrawn
