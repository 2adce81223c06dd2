"""Recognising the person a palm belongs to."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

from hardware.faults import DeviceFault
from kiosk.screens import (
    AskMerchantConsent,
    Choice,
    EntryProblem,
    Frozen,
    HoldPalm,
    PalmReaderLost,
    StepUp,
    TroubleKind,
    Work,
    Working,
)
from kiosk.service.errors import Refused
from kiosk.visits.consent import ask_consent
from kiosk.visits.help import offer_help
from kiosk.visits.number import LAST_FOUR
from kiosk.visits.visit import Troubled, Visit
from protocol.capture import Burst
from protocol.messages import Consent, Identification, Outcome, ProblemType, Purpose

log = logging.getLogger(__name__)

SHOW_AGAIN = {ProblemType.PALM_UNUSABLE, ProblemType.CHALLENGE_REFUSED}
"""Problems after which the palm is asked for again without using up an attempt."""

Elsewhere = Literal[Choice.BACK, Choice.USE_NUMBER, Choice.ANOTHER_WAY]


def new_visit_id() -> str:
    """Returns a new id; the service counts the attempts of one visit together."""
    return secrets.token_urlsafe(16)


async def hold_palm(visit: Visit, screen: HoldPalm) -> Burst | Elsewhere:
    """Asks for a palm and returns its burst, or what the shopper chose instead. Help leads back
    here.

    Raises DeviceFault when no palm can be read, except in a sale that can be paid with a card: the
    shopper chooses then.
    """
    paying = screen.purpose is Purpose.PAY
    while True:
        try:
            shown = await visit.reader.present(visit.stage, screen)
        except DeviceFault as fault:
            if screen.amount is None or visit.terminal is None:
                raise
            log.warning("no palm can be read in the middle of a sale: %s", fault)
            shown = await visit.stage.ask(PalmReaderLost(screen.merchant, screen.amount))
        if shown is Choice.TRY_AGAIN:
            continue
        if shown is not Choice.HELP:
            return shown
        if await offer_help(visit.stage, visit.till, paying=paying) is Choice.ANOTHER_WAY:
            return Choice.ANOTHER_WAY


async def recognise(
    visit: Visit, screen: HoldPalm, ask_service: Callable[[Burst], Awaitable[Identification]]
) -> Identification | Elsewhere:
    """Asks for the palm as often as the service wants it. The outcome is `accepted` or `refused`.
    Whoever has frozen their palms is told so, and goes another way.

    Raises Troubled when there were too many attempts.
    """
    while True:
        palm = await hold_palm(visit, screen)
        if not isinstance(palm, Burst):
            return palm
        visit.stage.show(Working(Work.CHECKING_PALM))
        try:
            found = await ask_service(palm)
        except Refused as refused:
            if refused.type not in SHOW_AGAIN:
                raise
            screen = replace(screen, unclear=refused.type is ProblemType.PALM_UNUSABLE)
            continue
        screen = replace(screen, unclear=False)
        if found.outcome is Outcome.STEP_UP:
            found = await step_up(visit, found)
        if found is not None and found.outcome is Outcome.ASK_CONSENT:
            paying = screen.purpose is Purpose.PAY
            found = await ask_merchant_consent(visit, found, paying=paying)
        if found is None:
            continue
        if found is Choice.ANOTHER_WAY:
            return found
        match found.outcome:
            case Outcome.FROZEN:
                return await visit.stage.ask(Frozen(screen.purpose))
            case Outcome.HOLD_LONGER:
                screen = replace(screen, attempts_left=None, lifeless=False, longer=True)
            case Outcome.ASK_AGAIN:
                left, lifeless = found.attempts_left, not found.live
                screen = replace(screen, attempts_left=left, lifeless=lifeless)
            case _:
                return found


async def ask_merchant_consent(
    visit: Visit, known: Identification, *, paying: bool
) -> Identification | Literal[Choice.ANOTHER_WAY] | None:
    """Asks somebody who has signed up elsewhere, or has agreed to an earlier text, whether their
    palm may be used at this merchant. Returns None when the palm has to be shown again."""
    merchant = visit.device.merchant
    texts = await visit.service.consent_texts()
    consent = await ask_consent(
        visit, lambda text: AskMerchantConsent(text, merchant, paying), texts
    )
    if not isinstance(consent, Consent):
        return Choice.ANOTHER_WAY
    visit.stage.show(Working(Work.CHECKING_PALM))
    try:
        return await visit.service.agree(known.identification_id, consent)
    except Refused as refused:
        # A text that has changed since is a conflict, and is shown with the next palm.
        if refused.type not in (ProblemType.EXPIRED, ProblemType.CONFLICT):
            raise
        return None


async def step_up(visit: Visit, doubtful: Identification) -> Identification | None:
    """Asks for the last four digits of the mobile number until they decide. Returns None when the
    palm has to be shown again."""
    problem: EntryProblem | None = None
    attempts_left: int | None = None
    while True:
        answer = await visit.stage.ask(StepUp(problem, attempts_left))
        if answer is Choice.BACK:
            return None
        problem = EntryProblem.WRONG_DIGITS
        if not LAST_FOUR.fullmatch(answer.text):
            continue
        visit.stage.show(Working(Work.CHECKING_PALM))
        try:
            found = await visit.service.step_up(doubtful.identification_id, answer.text)
        except Refused as refused:
            if refused.type is ProblemType.EXPIRED:
                return None
            if refused.type is not ProblemType.STEP_UP_FAILED:
                raise
            attempts_left = refused.problem.attempts_left
            if attempts_left == 0:
                raise Troubled(TroubleKind.LOCKED) from None
            continue
        if found.outcome is not Outcome.STEP_UP:
            return found
        attempts_left = found.attempts_left
