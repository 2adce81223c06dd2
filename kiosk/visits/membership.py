"""The shopper's membership at this merchant: linked to the palm, replaced and taken off again."""

from typing import Literal

from pydantic import ValidationError

from kiosk.race import first
from kiosk.screens import (
    Choice,
    EnterMembership,
    HoldPalm,
    MembershipChanged,
    MembershipProblem,
    NotRecognised,
    ScanMembership,
    ShowMembership,
    Work,
    Working,
)
from kiosk.service.errors import Refused
from kiosk.visits.pay import who
from kiosk.visits.recognise import new_visit_id
from kiosk.visits.steps import Turn, take_steps
from kiosk.visits.visit import Visit
from protocol.card_number import holds_payment_card
from protocol.messages import Identification, Membership, Outcome, ProblemType, Purpose

LAPSED = {ProblemType.EXPIRED, ProblemType.NOT_FOUND, ProblemType.NOT_ACCEPTED}
"""Problems after which the palm has to be shown again: the shopper took too long, or has shown it
for something else."""


async def change_membership(visit: Visit) -> Literal[Choice.SIGN_UP] | None:
    """Links a membership, or shows the one that is linked. Returns SIGN_UP when the shopper is not
    known and wants to sign up."""
    linking = Linking(visit)
    changed = await take_steps(
        linking.palm, linking.show, linking.card, linking.save, recovers=visit.recovers
    )
    if changed:
        ending = linking.linked.ending if linking.linked else None
        await visit.stage.ask(MembershipChanged(visit.device.merchant, ending))
    return Choice.SIGN_UP if linking.would_join else None


class Linking:
    """One shopper and their membership, and how far they have got with it."""

    def __init__(self, visit: Visit, found: Identification | None = None) -> None:
        """`found` is the shopper when they are known already."""
        self._visit = visit
        self._merchant = visit.device.merchant
        self._visit_id = new_visit_id()
        self.found = found
        self._read: Membership | None = None
        """What was read or typed, and is not linked yet."""
        self._changes: Literal[Choice.ADD, Choice.DELETE] | None = None
        """What becomes of the membership that is linked already."""
        self.would_join = False

    @property
    def linked(self) -> Membership | None:
        """The membership that is linked, as far as the kiosk was told."""
        return self.found.customer.membership if self.found and self.found.customer else None

    async def palm(self) -> Turn:
        if self.found is not None:
            return Turn.PASS
        screen = HoldPalm(Purpose.IDENTIFY, merchant=self._merchant)
        while True:
            match await who(self._visit, screen, self._visit_id):
                case Identification(outcome=Outcome.ACCEPTED) as found:
                    self.found = found
                    return Turn.ON
                case Identification(attempts_left=left):
                    refused = NotRecognised(Purpose.IDENTIFY, left)
                    answer = await self._visit.stage.ask(refused)
                    self.would_join = answer is Choice.SIGN_UP
                    if answer is not Choice.TRY_AGAIN:
                        return Turn.OVER
                case Choice.CANCEL:
                    return Turn.BACK
                case _:
                    return Turn.OVER

    async def show(self) -> Turn:
        if self.found is None:
            return Turn.BACK
        if self.linked is None or self._read is not None:
            return Turn.PASS
        answer = await self._visit.stage.ask(ShowMembership(self._merchant, self.linked.ending))
        if answer is Choice.DONE:
            return Turn.OVER
        self._changes = answer
        return Turn.ON

    async def card(self) -> Turn:
        """Asks for the card until its code is read or its number typed."""
        if self.found is None:
            return Turn.BACK
        is_kept = self.linked is not None and self._changes is not Choice.ADD
        if is_kept or self._read is not None:
            return Turn.PASS
        problem: MembershipProblem | None = None
        refused: str | None = None
        while True:
            answer = await first(
                self._visit.codes.read(refused),
                self._visit.stage.ask(ScanMembership(self._merchant, problem)),
            )
            if answer is Choice.BACK:
                return Turn.BACK
            if answer is Choice.USE_NUMBER:
                self._read, problem = await self._type(), None
            else:
                read = _membership(answer, scanned=True)
                if isinstance(read, MembershipProblem):
                    problem, refused = read, answer
                else:
                    self._read = read
            if self._read is not None:
                return Turn.ON

    async def save(self) -> Turn:
        assert self.found
        if self._read is None and self._changes is not Choice.DELETE:
            return Turn.PASS
        self._visit.stage.show(Working(Work.SAVING_MEMBERSHIP))
        service, name = self._visit.service, self.found.identification_id
        try:
            if self._read is None:
                await service.unlink(name)
            else:
                await service.link(name, self._read)
        except Refused as refused:
            if refused.type not in LAPSED:
                raise
            self.found = self._changes = None
            return Turn.BACK
        assert self.found.customer
        customer = self.found.customer.model_copy(update={"membership": self._read})
        self.found = self.found.model_copy(update={"customer": customer})
        return Turn.ON

    async def _type(self) -> Membership | None:
        """Returns what is typed, None when the shopper goes back."""
        problem: MembershipProblem | None = None
        while True:
            answer = await self._visit.stage.ask(EnterMembership(self._merchant, problem))
            if answer is Choice.BACK:
                return None
            read = _membership(answer.text, scanned=False)
            if isinstance(read, Membership):
                return read
            problem = read


def _membership(code: str, *, scanned: bool) -> Membership | MembershipProblem:
    if holds_payment_card(code):
        return MembershipProblem.PAYMENT_CARD
    try:
        return Membership(code=code, scanned=scanned)
    except ValidationError:
        return MembershipProblem.UNUSABLE
