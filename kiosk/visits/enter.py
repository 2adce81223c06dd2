"""Going through a gate: a hand is held over the reader while walking, and gets one answer.

Nobody is asked anything but the first time: whether their palm may be used at this merchant, and
whether it may stand for what the site has given them.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError

from hardware.faults import DeviceFault
from hardware.gate import Verdict
from kiosk.capture.succession import Succession
from kiosk.lane import Lane
from kiosk.passages import Untold, UntoldOffline
from kiosk.race import first
from kiosk.screens import Answered, AskAccess, AskToKeep, AtGate, Choice, GateAnswer, ScanTicket
from kiosk.service.errors import Refused
from kiosk.venue.venue import Admitted, Reason
from kiosk.venue.venue import Refused as NotAdmitted
from kiosk.visits.recognise import ask_merchant_consent, new_visit_id
from kiosk.visits.visit import Visit
from protocol.capture import Burst
from protocol.credential import Credential
from protocol.entry import Admission, Entry, EntryRefusal, Ticket
from protocol.messages import Direction, Identification, Outcome, ProblemType, Purpose

log = logging.getLogger(__name__)

TRIES = 3
"""How often somebody shows a palm that is to be kept, so that nobody waits long behind them."""
TICKETS_S = 3.0
"""For how many seconds another ticket of somebody is tried, for the same reason."""
CANNOT_BE_KEPT = {
    ProblemType.NOT_ACCEPTED,
    ProblemType.PALM_NOT_LIVE,
    ProblemType.PALM_UNUSABLE,
}
ENDING = 3
"""How many digits of a card's number its holder is shown."""

NOT_RECOGNISED = {
    Outcome.ASK_AGAIN: GateAnswer.NOT_KNOWN,
    Outcome.STEP_UP: GateAnswer.NOT_SURE,
    Outcome.REFUSED: GateAnswer.NOT_KNOWN,
    Outcome.FROZEN: GateAnswer.FROZEN,
}


async def enter(
    visit: Visit, lane: Lane, screen: AtGate, palm: Burst, hands: Succession
) -> Answered | None:
    """Lets whoever has shown their palm pass, if they may. Returns None when another hand has come
    while the service was asked: the answer is not for whoever stands there now, and nothing is
    opened. Raises ServiceError, and DeviceFault when the camera is lost while a palm is seen for
    longer."""
    found = await _recognise(visit, screen, palm, hands)
    if not isinstance(found, Identification):
        return None if hands.another else Answered(found)
    entry = await visit.service.enter(found.identification_id)
    if entry.admission is Admission.ASK:
        asked = AskAccess(entry.site, _ending(entry.credential))
        if await visit.stage.ask(asked) is not Choice.AGREE:
            return Answered(GateAnswer.NOT_AGREED)
        hands.restart()
        entry = await visit.service.agree_to_access(entry.entry_id)
    if entry.admission is Admission.ASK_TO_KEEP:
        entry = await _ask_to_keep(visit, screen, entry, hands)
    if entry.refusal is EntryRefusal.NO_TICKET and lane.venue is not None:
        ticket = await _scan(visit)
        if ticket is None:
            return Answered(GateAnswer.NO_TICKET)
        hands.restart()
        try:
            await visit.service.link_ticket(found.identification_id, ticket)
        except Refused as refused:
            if refused.type is not ProblemType.TOO_MANY_TICKETS:
                raise
            return Answered(GateAnswer.TOO_MANY_TICKETS)
        entry = await visit.service.enter(found.identification_id)
    if hands.another:
        if entry.admission in (Admission.OPEN, Admission.PRESENT, Admission.REDEEM):
            await lane.tell(Untold(entry_id=entry.entry_id, passed=False))
        return None
    return await _let_pass(lane, entry)


async def enter_by_list(lane: Lane, palm: Burst, hands: Succession) -> Answered | None:
    """Lets whoever has shown their palm pass without the service, if the gate's own list says that
    they may. The passage is on the disk before the gate opens, and taken out when it did not.
    Returns None when another hand has come."""
    own = lane.own
    told = None if own is None else own.told
    if own is None or told is None:
        return Answered(GateAnswer.AWAY)
    found = await own.find(palm)
    if hands.another:
        return None
    if isinstance(found, GateAnswer):
        return Answered(found)
    passage = UntoldOffline(mark=found.person.mark, after_s=found.after_s)
    if not await asyncio.to_thread(lane.journal.keep, passage):
        return Answered(GateAnswer.AWAY)
    if told.admission is Admission.OPEN:
        answer = await _open(lane)
    else:
        answer = await _present(lane, found.person.credential)
    if answer is GateAnswer.PASS:
        own.note(found)
        await lane.tell(passage)
    else:
        await asyncio.to_thread(lane.journal.forget, passage)
    return Answered(answer)


async def enter_with_ticket(lane: Lane, direction: Direction, code: str) -> Answered:
    """Lets whoever has shown the code of a ticket pass, if it counts. Nobody is recognised."""
    try:
        ticket = Ticket(code=code)
    except ValidationError:
        return Answered(GateAnswer.UNKNOWN)
    return await _redeem(lane, [ticket.code], direction)


async def _ask_to_keep(visit: Visit, screen: AtGate, entry: Entry, hands: Succession) -> Entry:
    """Asks somebody whether the site's gates may recognise them without a network, and has them
    show their palm for that. They pass all the same when it cannot be kept."""
    if await visit.stage.ask(AskToKeep(entry.site)) is Choice.AGREE:
        for _ in range(TRIES):
            again = replace(screen, purpose=Purpose.KEEP, last=None)
            shown = await visit.reader.present(visit.stage, again)
            hands.restart()
            if not isinstance(shown, Burst):
                break
            try:
                return await visit.service.keep_palm(entry.entry_id, shown)
            except Refused as refused:
                if refused.type not in CANNOT_BE_KEPT:
                    raise
    hands.restart()
    return await visit.service.decline_to_keep(entry.entry_id)


async def _recognise(
    visit: Visit, screen: AtGate, palm: Burst, hands: Succession
) -> Identification | GateAnswer:
    """Returns who was recognised, or why nobody is let in. A hand that does not seem alive at once
    is held for longer."""
    visit_id = new_visit_id()
    while True:
        try:
            found = await visit.service.identify(palm, Purpose.ENTER, visit_id)
        except Refused as refused:
            if refused.type in (ProblemType.PALM_UNUSABLE, ProblemType.CHALLENGE_REFUSED):
                return GateAnswer.NOT_KNOWN
            raise
        if found.outcome is Outcome.HOLD_LONGER:
            longer = replace(screen, last=None, longer=True)
            shown = await visit.reader.present(visit.stage, longer)
            if not isinstance(shown, Burst):
                return GateAnswer.NOT_KNOWN
            palm = shown
            hands.restart()
            continue
        if found.outcome is Outcome.ASK_CONSENT:
            agreed = await ask_merchant_consent(visit, found, paying=False)
            hands.restart()
            if not isinstance(agreed, Identification):
                return GateAnswer.NOT_AGREED
            found = agreed
        if found.outcome is Outcome.ACCEPTED:
            return found
        return GateAnswer.NOT_SURE if not found.live else NOT_RECOGNISED[found.outcome]


async def _let_pass(lane: Lane, entry: Entry) -> Answered:
    """Does what the service has decided, and has it told what came of it."""
    match entry.admission:
        case Admission.OPEN:
            answered = Answered(await _open(lane))
        case Admission.PRESENT:
            answered = Answered(await _present(lane, entry.credential))
        case Admission.REDEEM:
            answered = await _redeem(lane, entry.tickets, entry.direction)
        case Admission.CHECKED_IN:
            return Answered(GateAnswer.CHECKED_IN)
        case Admission.REFUSED | Admission.ASK | Admission.ASK_TO_KEEP:
            if entry.refusal is EntryRefusal.NOT_SET_UP:
                log.error("the service does not know this kiosk's door: staff set-door")
            return Answered(GateAnswer(entry.refusal or EntryRefusal.NO_ACCESS))
    await lane.tell(Untold(entry_id=entry.entry_id, passed=answered.lets_pass))
    return answered


async def _open(lane: Lane) -> GateAnswer:
    if lane.release is None:
        log.error("the service has the gate opened, and this kiosk opens none: see gate")
        return GateAnswer.GATE_FAULT
    try:
        await lane.release.open()
    except DeviceFault as fault:
        log.error("the gate was not opened: %s", fault)
        return GateAnswer.GATE_FAULT
    return GateAnswer.PASS


async def _present(lane: Lane, credential: Credential | None) -> GateAnswer:
    if lane.controller is None or credential is None:
        log.error("the service has a credential presented, and this kiosk has no controller")
        return GateAnswer.GATE_FAULT
    try:
        verdict = await lane.controller.present(credential)
    except DeviceFault as fault:
        log.error("a credential was not presented: %s", fault)
        return GateAnswer.GATE_FAULT
    return {
        Verdict.GRANTED: GateAnswer.PASS,
        Verdict.DENIED: GateAnswer.DENIED,
        Verdict.NONE: GateAnswer.NO_ANSWER,
    }[verdict]


async def _redeem(lane: Lane, codes: Sequence[str], direction: Direction) -> Answered:
    """Redeems the first ticket that counts here and now, and opens the gate. Otherwise returns why
    the first does not count that is for this entrance at all."""
    if lane.venue is None:
        log.error("the service has a ticket redeemed, and this kiosk is signed on at no venue")
        return Answered(GateAnswer.GATE_FAULT)
    refused: NotAdmitted | None = None
    until = lane.clock.now() + TICKETS_S
    for code in codes:
        if lane.clock.now() >= until:
            break
        admission = await lane.venue.admit(Ticket(code=code), direction)
        if isinstance(admission, Admitted):
            answer = await _open(lane)
            if answer is not GateAnswer.PASS:
                await lane.venue.annul(admission.passage)
            return Answered(answer)
        if refused is None or refused.reason in (Reason.UNKNOWN, Reason.WRONG_LIST):
            refused = admission
    if refused is None:
        return Answered(GateAnswer.NO_TICKET)
    return Answered(GateAnswer(refused.reason.value), refused.at, refused.gate)


async def _scan(visit: Visit) -> Ticket | None:
    """Returns the ticket whose code somebody shows, to be linked to their palm; None when they have
    none."""
    unread: str | None = None
    while True:
        said = await first(visit.codes.read(unread), visit.stage.ask(ScanTicket()))
        if said is Choice.SKIP:
            return None
        try:
            return Ticket(code=said)
        except ValidationError:
            unread = said


def _ending(credential: Credential | None) -> str:
    return "" if credential is None else str(credential.number)[-ENDING:]
