"""Leaving: proof, what is held, its deletion and the receipt."""

from functools import partial
from typing import Literal

from kiosk.screens import (
    Choice,
    ChooseProof,
    ConfirmDelete,
    Deleted,
    HoldPalm,
    NotRecognised,
    Work,
    Working,
)
from kiosk.visits.number import Mobile, ask_code, ask_mobile
from kiosk.visits.recognise import new_visit_id, recognise
from kiosk.visits.steps import Turn, take_steps
from kiosk.visits.visit import Visit
from protocol.messages import (
    ClaimOpened,
    Holdings,
    Identification,
    Outcome,
    Proof,
    Purpose,
)

RESEND_AFTER_S = 30
"""Seconds before a claim's code may be sent again; the service does not tell."""


async def leave(visit: Visit) -> Literal[Choice.SIGN_UP] | None:
    """Deletes a shopper's data. Returns SIGN_UP when they are not known and want to sign up."""
    leaving = Leaving(visit)
    await take_steps(leaving.proof, leaving.number, leaving.prove, leaving.confirm, leaving.delete)
    return Choice.SIGN_UP if leaving.would_join else None


class Leaving:
    """One deletion and how far the shopper has proven whose data it is."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._visit_id = new_visit_id()
        self._proof = Proof.PALM
        self._mobile: Mobile | None = None
        self._claim: ClaimOpened | None = None
        self._resend_at = 0.0
        self._found: Identification | None = None
        self._holdings: Holdings | None = None
        """What the shopper confirmed to have deleted."""
        self.would_join = False

    async def proof(self) -> Turn:
        match await self._visit.stage.ask(ChooseProof()):
            case Choice.BACK:
                return Turn.BACK
            case Choice.USE_PALM:
                self._proof = Proof.PALM
            case Choice.USE_NUMBER:
                self._proof = Proof.CODE
        return Turn.ON

    async def number(self) -> Turn:
        if self._proof is Proof.PALM:
            return Turn.PASS
        typed = self._mobile.typed if self._mobile else ""
        mobile = await ask_mobile(self._visit, Purpose.LEAVE, typed)
        if mobile is None:
            return Turn.BACK
        same = self._mobile is not None and mobile.e164 == self._mobile.e164
        self._mobile = mobile
        if not (same and self._claim):
            await self._open_claim()
        return Turn.ON

    async def prove(self) -> Turn:
        while True:
            found = await (self._by_palm() if self._proof is Proof.PALM else self._by_code())
            if isinstance(found, Turn):
                return found
            if found.outcome is Outcome.ACCEPTED:
                self._found = found
                return Turn.ON
            self._claim = None
            match await self._visit.stage.ask(NotRecognised(Purpose.LEAVE, found.attempts_left)):
                case Choice.SIGN_UP:
                    self.would_join = True
                    return Turn.OVER
                case Choice.ANOTHER_WAY:
                    self._proof = Proof.CODE if self._proof is Proof.PALM else Proof.PALM
                case Choice.TRY_AGAIN:
                    pass
            if self._proof is Proof.CODE:
                return Turn.BACK

    async def confirm(self) -> Turn:
        self._visit.stage.show(Working(Work.CHECKING_SERVICE))
        holdings = await self._visit.service.holdings(self._identification_id)
        if await self._visit.stage.ask(ConfirmDelete(holdings)) is Choice.BACK:
            return Turn.OVER
        self._holdings = holdings
        return Turn.ON

    async def delete(self) -> Turn:
        self._visit.stage.show(Working(Work.DELETING))
        receipt = await self._visit.service.delete(self._identification_id)
        assert self._holdings
        deleted = Deleted(
            receipt_id=receipt.receipt_id,
            palms=len(self._holdings.palms),
            cards=len(self._holdings.cards),
            purchases=self._holdings.purchases,
            retained_until=max((kept.until for kept in receipt.retained), default=None),
        )
        await self._visit.stage.ask(deleted)
        return Turn.ON

    async def _by_palm(self) -> Identification | Turn:
        by_palm = partial(
            self._visit.service.identify, purpose=Purpose.LEAVE, visit_id=self._visit_id
        )
        match await recognise(self._visit, HoldPalm(Purpose.LEAVE), by_palm):
            case Choice.USE_NUMBER:
                self._proof = Proof.CODE
                return Turn.BACK
            case Choice.BACK:
                return Turn.BACK
            case Choice.ANOTHER_WAY:
                return Turn.OVER
            case found:
                return found

    async def _by_code(self) -> Identification | Turn:
        assert self._mobile
        found = await ask_code(
            self._visit,
            self._mobile,
            lambda code: self._visit.service.prove_by_code(self._claim_id, code),
            self._open_claim,
            self._resend_at,
        )
        return found or Turn.BACK

    async def _open_claim(self) -> float:
        """Has a code sent. Returns when another may be sent, on the kiosk's clock."""
        assert self._mobile
        self._visit.stage.show(Working(Work.SENDING_CODE))
        self._claim = await self._visit.service.claim(self._mobile.e164, Proof.CODE, Purpose.LEAVE)
        self._resend_at = self._visit.clock.now() + RESEND_AFTER_S
        return self._resend_at

    @property
    def _claim_id(self) -> str:
        assert self._claim
        return self._claim.claim_id

    @property
    def _identification_id(self) -> str:
        assert self._found
        return self._found.identification_id
