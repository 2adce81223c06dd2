"""The shopper's cards: added, removed, and put first as the one that pays by default."""

import logging
from contextlib import suppress
from functools import partial
from typing import Literal

from hardware.terminal import StripeReader
from kiosk.screens import (
    Choice,
    Entered,
    HoldPalm,
    NotRecognised,
    ShowCard,
    ShowCards,
    TroubleKind,
    Work,
    Working,
)
from kiosk.service.errors import Refused, ServiceError
from kiosk.stage import WalkedAway
from kiosk.visits.card_at_reader import CardAtReader
from kiosk.visits.card_at_terminal import save_card
from kiosk.visits.card_by_phone import CardByPhone
from kiosk.visits.pay import who
from kiosk.visits.recognise import new_visit_id
from kiosk.visits.steps import Turn, take_steps
from kiosk.visits.visit import Troubled, Visit
from protocol.messages import Identification, Outcome, OwnCard, ProblemType, Purpose, Wallet

log = logging.getLogger(__name__)

LAPSED = {ProblemType.EXPIRED, ProblemType.NOT_FOUND, ProblemType.NOT_ACCEPTED}
"""Problems after which the palm has to be shown again: the shopper took too long."""


async def change_cards(visit: Visit) -> Literal[Choice.SIGN_UP] | None:
    """Shows the shopper's cards and changes them. Returns SIGN_UP when the shopper is not known and
    wants to sign up."""
    changing = Changing(visit)
    await take_steps(changing.palm, changing.cards, recovers=visit.recovers)
    return Choice.SIGN_UP if changing.would_join else None


class Changing:
    """One shopper and their cards."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._visit_id = new_visit_id()
        self._found: Identification | None = None
        self._by_phone: CardByPhone | None = None
        """The page on which a card is being added. It is kept when the palm has to be shown again:
        the shopper may be typing on the phone."""
        self.would_join = False

    async def palm(self) -> Turn:
        self._found = None
        screen = HoldPalm(Purpose.CARDS, merchant=self._visit.device.merchant)
        while True:
            match await who(self._visit, screen, self._visit_id):
                case Identification(outcome=Outcome.ACCEPTED) as found:
                    self._found = found
                    return Turn.ON
                case Identification(attempts_left=left):
                    answer = await self._visit.stage.ask(NotRecognised(Purpose.CARDS, left))
                    self.would_join = answer is Choice.SIGN_UP
                    if answer is not Choice.TRY_AGAIN:
                        return Turn.OVER
                case Choice.CANCEL:
                    return Turn.BACK
                case _:
                    return Turn.OVER

    async def cards(self) -> Turn:
        try:
            wallet = await self._wallet()
            if self._by_phone is not None:
                wallet = await self._add(wallet)
            while True:
                shown = ShowCards(tuple(own.card for own in wallet.cards), wallet.full)
                match await self._visit.stage.ask(shown):
                    case Choice.DONE:
                        return Turn.ON
                    case Choice.ADD:
                        wallet = await self._add(wallet)
                    case Entered(text) if text.isdecimal() and 1 <= int(text) <= len(wallet.cards):
                        wallet = await self._change(wallet, wallet.cards[int(text) - 1])
                    case _:
                        continue
        except Refused as refused:
            if refused.type not in LAPSED:
                raise
            return Turn.BACK

    async def _wallet(self) -> Wallet:
        self._visit.stage.show(Working(Work.CHECKING_SERVICE))
        return await self._visit.service.wallet(self._id)

    async def _add(self, wallet: Wallet) -> Wallet:
        terminal = self._visit.terminal
        if terminal is None or self._by_phone is not None:
            turn = await self._add_by_phone()
        elif isinstance(terminal, StripeReader):
            turn = await self._add_at(terminal.reader)
        else:
            save = partial(self._visit.service.add_to_wallet, self._id)
            turn = await save_card(self._visit, terminal, save, adding=True)
        return wallet if turn is Turn.BACK else await self._wallet()

    async def _add_by_phone(self) -> Turn:
        service, name = self._visit.service, self._id
        page = self._by_phone = self._by_phone or CardByPhone(self._visit, adding=True)
        turn = await page.save(
            partial(service.open_wallet_page, name), partial(service.look_at_wallet_page, name)
        )
        self._by_phone = None
        return turn

    async def _add_at(self, reader: str) -> Turn:
        """Adds a card at a reader, and by phone where the reader cannot work."""
        service, name = self._visit.service, self._id
        try:
            return await CardAtReader(self._visit, adding=True).save(
                partial(service.read_card_for_wallet, name, reader),
                partial(service.look_at_wallet_reading, name),
                partial(service.stop_wallet_reading, name),
            )
        except WalkedAway:
            # Nobody is at the reader any more.
            with suppress(ServiceError):
                await service.stop_wallet_reading(name)
            raise
        except Troubled as trouble:
            if trouble.kind is not TroubleKind.TERMINAL:
                raise
        except Refused as refused:
            # No such reader is bound to this kiosk, or the service is one of before. A palm that
            # was shown too long ago is told by phone, too.
            if refused.type is not ProblemType.NOT_FOUND:
                raise
            log.warning("no card is added at the reader: %s", refused)
        return await self._add_by_phone()

    async def _change(self, wallet: Wallet, own: OwnCard) -> Wallet:
        is_first, is_only = own is wallet.cards[0], len(wallet.cards) == 1
        answer = await self._visit.stage.ask(ShowCard(own.card, is_first, is_only))
        if answer is Choice.BACK:
            return wallet
        self._visit.stage.show(Working(Work.CHECKING_SERVICE))
        service = self._visit.service
        change = service.remove_card if answer is Choice.DELETE else service.use_first
        return await change(self._id, own.card_id)

    @property
    def _id(self) -> str:
        assert self._found
        return self._found.identification_id
