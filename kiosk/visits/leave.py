"""Leaving: proof, what is held, its deletion and the receipt."""

import secrets
from dataclasses import replace
from functools import partial
from typing import Literal, NoReturn

from kiosk.race import first
from kiosk.screens import (
    AgreementEnded,
    Choice,
    ChooseDeletion,
    ChooseProof,
    ConfirmDelete,
    Deleted,
    HoldPalm,
    NotRecognised,
    Work,
    Working,
)
from kiosk.service.errors import Refused
from kiosk.visits.number import Mobile, ask_code, ask_mobile
from kiosk.visits.recognise import new_visit_id, recognise
from kiosk.visits.steps import Turn, take_steps
from kiosk.visits.visit import Visit
from protocol.messages import (
    ClaimOpened,
    Holdings,
    Identification,
    Outcome,
    ProblemType,
    Proof,
    Purpose,
)

LAPSED = {ProblemType.EXPIRED, ProblemType.NOT_FOUND, ProblemType.NOT_ACCEPTED}
"""Problems after which a proof has to be given again: the shopper took too long."""

LOOKS_S = 0.5
"""Seconds between two checks whether palms can be read."""

RESEND_AFTER_S = 30
"""Seconds before a claim's code may be sent again; the service does not tell."""


async def leave(visit: Visit) -> Literal[Choice.SIGN_UP] | None:
    """Deletes a shopper's data. Returns SIGN_UP when they are not known and want to sign up."""
    leaving = Leaving(visit)
    await take_steps(
        leaving.proof,
        leaving.number,
        leaving.prove,
        leaving.choose,
        leaving.confirm,
        leaving.delete,
        recovers=leaving.recovers,
    )
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
        """What the shopper was shown."""
        self._here_only = False
        """Whether only the agreement with this merchant is to end."""
        self._deletion_key = ""
        """The idempotency key of the deletion: when its answer is lost, it is asked for again. It
        is for one proof and one choice, since the service takes no other request under it."""
        self._choose_again = False
        self.would_join = False

    async def proof(self) -> Turn:
        choice = ChooseProof(self._visit.reads_palms())
        match await first(self._visit.stage.ask(choice), self._keep_current(choice)):
            case Choice.BACK:
                return Turn.BACK
            case Choice.USE_PALM:
                self._proof = Proof.PALM
            case Choice.USE_NUMBER:
                self._proof = Proof.CODE
        return Turn.ON

    async def _keep_current(self, shown: ChooseProof) -> NoReturn:
        """Shows the choice anew whenever the camera is lost or is back."""
        while True:
            await self._visit.clock.sleep(LOOKS_S)
            choice = ChooseProof(self._visit.reads_palms())
            if choice != shown:
                shown = choice
                self._visit.stage.show(shown)

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
        unopened = self._proof is Proof.CODE and self._claim is None
        if self._choose_again or unopened:
            self._choose_again = False
            return Turn.BACK
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

    async def choose(self) -> Turn:
        """Asks whose palm is used at other merchants too whether everything is to be deleted."""
        if self._found is None:
            return Turn.BACK
        self._deletion_key = secrets.token_urlsafe(24)
        self._visit.stage.show(Working(Work.CHECKING_SERVICE))
        try:
            self._holdings = held = await self._visit.service.holdings(self._identification_id)
        except Refused as refused:
            return self._lapsed(refused)
        others = held.merchants - held.agreed
        self._here_only = False
        if not (held.agreed and others):
            return Turn.ON
        merchant = self._visit.device.merchant
        chosen = await self._visit.stage.ask(ChooseDeletion(merchant, others))
        self._here_only = chosen is Choice.LEAVE
        return Turn.OVER if chosen is Choice.BACK else Turn.ON

    async def confirm(self) -> Turn:
        if self._found is None:
            return Turn.BACK
        if self._here_only:
            return Turn.PASS
        assert self._holdings
        if await self._visit.stage.ask(ConfirmDelete(self._holdings)) is Choice.BACK:
            return Turn.OVER
        return Turn.ON

    async def delete(self) -> Turn:
        self._visit.stage.show(Working(Work.DELETING))
        try:
            if self._here_only:
                return await self._end_agreement()
            receipt = await self._visit.service.delete(self._identification_id, self._deletion_key)
        except Refused as refused:
            return self._lapsed(refused)
        assert self._holdings
        deleted = Deleted(
            receipt_id=receipt.receipt_id,
            palms=len(self._holdings.palms),
            cards=len(self._holdings.cards),
            purchases=self._holdings.purchases,
            memberships=self._holdings.memberships,
            ages=self._holdings.ages,
            retained_until=max((kept.until for kept in receipt.retained), default=None),
        )
        if await self._visit.stage.ask(deleted) is Choice.STAY:
            await self._visit.stage.ask(replace(deleted, stays=True))
        return Turn.ON

    async def _end_agreement(self) -> Turn:
        identification_id, key = self._identification_id, self._deletion_key
        receipt = await self._visit.service.withdraw(identification_id, key)
        ended = AgreementEnded(self._visit.device.merchant, receipt.receipt_id)
        if await self._visit.stage.ask(ended) is Choice.STAY:
            await self._visit.stage.ask(replace(ended, stays=True))
        return Turn.ON

    async def recovers(self, error: Exception) -> bool:
        """Leads from a palm that cannot be shown back to the choice: the number may do."""
        again = await self._visit.recovers(error)
        self._choose_again = again and self._found is None and self._proof is Proof.PALM
        return again

    def _lapsed(self, refused: Refused) -> Turn:
        """Leads back to the proof when it does not hold any more. Raises the refusal when it is
        about something else."""
        if refused.type not in LAPSED:
            raise refused
        self._found = self._claim = None
        return Turn.BACK

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
            self._mobile.last2,
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
