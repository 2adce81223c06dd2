"""Sign-up: consent, number, code, card, a palm, account, and the other palm if the shopper likes.

The account stands as soon as there is a card and a palm. Whoever leaves after that has signed up.
Who has begun on their phone shows the code on it in place of consent and number, and is asked for
nothing that they have given there.
"""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Literal

from hardware.terminal import StripeReader
from kiosk.capture.guidance import Guidance, Instruction
from kiosk.screens import (
    AlreadyKnown,
    AskConsent,
    Choice,
    EntryProblem,
    HoldPalm,
    Known,
    OfferSecondPalm,
    SignedUp,
    Work,
    Working,
)
from kiosk.service.errors import Refused, ServiceError, ServiceUnavailable
from kiosk.visits.begun import ask_begun
from kiosk.visits.card_at_reader import CardAtReader
from kiosk.visits.card_at_terminal import save_card
from kiosk.visits.card_by_phone import CardByPhone
from kiosk.visits.consent import ask_consent
from kiosk.visits.number import Mobile, ask_code, ask_mobile, could_not_send
from kiosk.visits.recognise import hold_palm
from kiosk.visits.steps import Turn, take_steps
from kiosk.visits.visit import Visit
from protocol.capture import Burst
from protocol.messages import (
    Account,
    BegunEnrolment,
    Consent,
    Enrolment,
    ProblemType,
    Purpose,
    Side,
)

LAPSED = {ProblemType.EXPIRED, ProblemType.NOT_FOUND}
"""Problems after which an enrolment cannot go on."""


async def enrol(
    visit: Visit, completed: Callable[[str], Awaitable[None]] | None = None
) -> Literal[Choice.DELETE] | None:
    """Signs a shopper up. Returns DELETE when they have an account already and want it deleted.
    `completed` is called with the id of the enrolment once they have an account."""
    sign_up = SignUp(visit, completed)
    try:
        await take_steps(
            sign_up.consent,
            sign_up.number,
            sign_up.code,
            sign_up.agreement,
            sign_up.card,
            sign_up.first_palm,
            sign_up.complete,
            sign_up.second_palm,
            recovers=sign_up.recovers,
        )
    finally:
        await sign_up.give_up_unfinished()
    if sign_up.account is not None:
        await visit.stage.ask(sign_up.signed_up(sign_up.account))
    elif sign_up.known and await visit.stage.ask(AlreadyKnown(sign_up.known)) is Choice.DELETE:
        return Choice.DELETE
    return None


class SignUp:
    """One sign-up and what the shopper has given so far."""

    def __init__(
        self, visit: Visit, completed: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        self._visit = visit
        self._completed = completed
        self._consent: Consent
        self._on_phone = False
        """Whether the shopper says that they have begun on their phone."""
        self._code = ""
        """The digits of the code on it."""
        self._begun: BegunEnrolment | None = None
        """What they have begun there, and finish here."""
        self._has_agreed = False
        """Whether they have agreed here to what they have not agreed to there."""
        self._mobile: Mobile | None = None
        self._enrolment: Enrolment | None = None
        self._resend_at = 0.0
        self._verified = False
        self._by_phone = CardByPhone(visit)
        self._at_reader = CardAtReader(visit)
        self._palms: list[Side] = []
        self._completion_key = ""
        """The idempotency key of the completion: when its answer is lost, it is asked for again."""
        self.account: Account | None = None
        """Set once the shopper has an account."""
        self.known: Known | None = None
        """Set when the palm or the number belongs to an account already."""

    async def consent(self) -> Turn:
        self._visit.stage.show(Working(Work.CHECKING_SERVICE))
        texts = await self._visit.service.consent_texts()
        answer = await ask_consent(self._visit, AskConsent, texts)
        self._on_phone = answer is Choice.BEGUN
        if isinstance(answer, Consent):
            self._consent = answer
        elif not self._on_phone:
            return Turn.BACK
        return Turn.ON

    async def number(self) -> Turn:
        if self._on_phone:
            return await self._pick_up()
        problem: EntryProblem | None = None
        while True:
            typed = self._mobile.typed if self._mobile else ""
            mobile = await ask_mobile(self._visit, Purpose.ENROL, typed, problem)
            if mobile is None:
                return Turn.BACK
            has_code = self._enrolment is not None and self._begun is None
            if has_code and self._mobile and mobile.e164 == self._mobile.e164:
                return Turn.ON
            self._mobile = mobile
            await self.give_up_unfinished()
            self._visit.stage.show(Working(Work.SENDING_CODE))
            try:
                self._sent(await self._visit.service.enrol(mobile.e164, self._consent))
                self._completion_key = secrets.token_urlsafe(24)
            except Refused as refused:
                if refused.type is ProblemType.CONFLICT:
                    # A text has changed since: it is shown.
                    return Turn.BACK
                if refused.type is not ProblemType.PHONE_NOT_ACCEPTED:
                    raise
                problem = EntryProblem.NOT_MOBILE
            except ServiceUnavailable as unavailable:
                if not could_not_send(unavailable):
                    raise
                problem = EntryProblem.NOT_SENT
            else:
                return Turn.ON

    async def code(self) -> Turn:
        if self._enrolment is None:
            return Turn.BACK
        if self._verified:
            return Turn.PASS
        verified = await ask_code(
            self._visit,
            self._last2,
            lambda code: self._visit.service.enter_code(self._id, code),
            self._resend,
            self._resend_at,
        )
        if verified is None:
            return Turn.BACK
        if verified.known:
            self.known = Known.PHONE
            return Turn.OVER
        self._verified = True
        return Turn.ON

    async def agreement(self) -> Turn:
        """Asks a shopper who has begun on their phone for what they have not agreed to there."""
        if self._enrolment is None:
            return Turn.BACK
        if self._has_agreed or self._begun is None or self._begun.agreed:
            return Turn.PASS
        while not self._has_agreed:
            self._visit.stage.show(Working(Work.CHECKING_SERVICE))
            texts = await self._visit.service.consent_texts()
            asked = partial(AskConsent, begun=True)
            consent = await ask_consent(self._visit, asked, texts)
            if not isinstance(consent, Consent):
                return Turn.BACK
            self._visit.stage.show(Working(Work.CHECKING_CODE))
            try:
                await self._visit.service.agree_to_finish(self._id, consent)
            except Refused as refused:
                # A text that has changed since is a conflict, and is shown.
                if refused.type is not ProblemType.CONFLICT:
                    raise
            else:
                self._has_agreed = True
        return Turn.ON

    async def card(self) -> Turn:
        if self._enrolment is None:
            return Turn.BACK
        if self._begun is not None and self._begun.has_card:
            return Turn.PASS
        service, name = self._visit.service, self._id
        match self._visit.terminal:
            case None:
                return await self._by_phone.save(
                    partial(service.open_card_page, name), partial(service.look_at_card_page, name)
                )
            case StripeReader(reader):
                return await self._at_reader.save(
                    partial(service.read_card, name, reader),
                    partial(service.look_at_reading, name),
                    partial(service.stop_reading, name),
                )
            case terminal:
                return await save_card(self._visit, terminal, partial(service.add_card, name))

    async def first_palm(self) -> Turn:
        if self._enrolment is None:
            return Turn.BACK
        return await self._palm(None)

    async def complete(self) -> Turn:
        if self._enrolment is None:
            return Turn.BACK
        self._visit.stage.show(Working(Work.FINISHING))
        try:
            account = await self._visit.service.complete(self._id, self._completion_key)
        except Refused as refused:
            if refused.type is not ProblemType.PALM_KNOWN:
                raise
            # Somebody signed up with this palm at the same time.
            self.known = Known.PALM
            return Turn.OVER
        self.account, self._palms = account, account.palms
        if self._completed is not None:
            await self._completed(self._id)
        return Turn.ON

    async def second_palm(self) -> Turn:
        if len(self._palms) > 1:
            return Turn.PASS
        held = self._palms[0]
        other = Side.LEFT if held is Side.RIGHT else Side.RIGHT
        while await self._visit.stage.ask(OfferSecondPalm(held)) is Choice.ADD:
            turn = await self._palm(other)
            if turn is not Turn.BACK:
                return turn
        return Turn.ON

    def signed_up(self, account: Account) -> SignedUp:
        return SignedUp(account.name_hint, account.phone_last4, account.card, tuple(self._palms))

    async def give_up_unfinished(self) -> None:
        """Asks the service to erase an unfinished enrolment, which otherwise expires by itself."""
        if self._enrolment is not None and self.account is None:
            enrolment_id = self._id
            self._forget()
            with suppress(ServiceError):
                await self._visit.service.give_up_enrolment(enrolment_id)

    async def recovers(self, error: Exception) -> bool:
        """Begins again at the number when the service has no such enrolment any more."""
        lapsed = isinstance(error, Refused) and error.type in LAPSED
        if lapsed and self.account is None:
            self._forget()
        return await self._visit.recovers(error)

    async def _pick_up(self) -> Turn:
        problem: EntryProblem | None = None
        while True:
            refused = self._code if problem is EntryProblem.WRONG_CODE else ""
            code = await ask_begun(self._visit, problem, refused)
            if code is None:
                return Turn.BACK
            if self._begun is not None and code == self._code:
                return Turn.ON
            await self.give_up_unfinished()
            self._code = code
            self._visit.stage.show(Working(Work.SENDING_CODE))
            try:
                self._begun = await self._visit.service.pick_up(code)
            except Refused as refusal:
                if refusal.type is not ProblemType.WRONG_CODE:
                    raise
                problem = EntryProblem.WRONG_CODE
            except ServiceUnavailable as unavailable:
                if not could_not_send(unavailable):
                    raise
                problem = EntryProblem.NOT_SENT
            else:
                self._sent(self._begun)
                self._completion_key = secrets.token_urlsafe(24)
                return Turn.ON

    @property
    def _last2(self) -> str:
        """Returns the last digits of the number to which the code was sent."""
        if self._begun is not None:
            return self._begun.phone_last2
        assert self._mobile
        return self._mobile.last2

    def _forget(self) -> None:
        self._enrolment, self._verified = None, False
        self._begun, self._has_agreed = None, False
        self._by_phone = CardByPhone(self._visit)
        self._at_reader = CardAtReader(self._visit)

    async def _palm(self, side: Side | None) -> Turn:
        screen = HoldPalm(Purpose.ENROL, side=side)
        while True:
            palm = await hold_palm(self._visit, screen)
            if not isinstance(palm, Burst):
                return Turn.OVER if palm is Choice.ANOTHER_WAY else Turn.BACK
            self._visit.stage.show(Working(Work.CHECKING_PALM))
            try:
                accepted = await self._visit.service.add_palm(self._id, palm, side)
            except Refused as refused:
                match refused.type:
                    case ProblemType.PALM_UNUSABLE | ProblemType.CHALLENGE_REFUSED:
                        unclear = refused.type is ProblemType.PALM_UNUSABLE
                        screen = HoldPalm(Purpose.ENROL, side=side, unclear=unclear)
                    case ProblemType.PALM_NOT_LIVE:
                        screen = HoldPalm(
                            Purpose.ENROL, side=side, lifeless=True, longer=screen.longer
                        )
                    case ProblemType.HOLD_LONGER:
                        screen = HoldPalm(Purpose.ENROL, side=side, longer=True)
                    case ProblemType.SAME_PALM_TWICE if side is None:
                        # It was added before, and the answer was lost.
                        return Turn.ON
                    case ProblemType.SAME_PALM_TWICE:
                        other_hand = Guidance(Instruction.OTHER_HAND)
                        screen = HoldPalm(Purpose.ENROL, other_hand, side)
                    case ProblemType.PALM_KNOWN:
                        if self.account is None:
                            self.known = Known.PALM
                        return Turn.OVER
                    case _:
                        raise
            else:
                self._palms = accepted.palms
                return Turn.ON

    async def _resend(self) -> float:
        self._sent(await self._visit.service.resend_code(self._id))
        return self._resend_at

    def _sent(self, enrolment: Enrolment) -> None:
        self._enrolment = enrolment
        self._resend_at = self._visit.clock.now() + enrolment.resend_after

    @property
    def _id(self) -> str:
        assert self._enrolment
        return self._enrolment.enrolment_id
