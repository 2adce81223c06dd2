"""Somebody comes to a gate, played from a script."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hardware.address import Address
from hardware.faults import TemporaryFault
from hardware.gate import SimulatedController, SimulatedRelease, Verdict
from kiosk.capture.succession import Succession
from kiosk.lane import Lane
from kiosk.own_list import OwnList
from kiosk.passages import PassageJournal, Untold
from kiosk.screens import (
    Answered,
    AskAccess,
    AskMerchantConsent,
    AskToKeep,
    AtGate,
    Choice,
    GateAnswer,
    ScanTicket,
)
from kiosk.service.client import SignatureService
from kiosk.venue.venue import Admission as VenueAdmission
from kiosk.venue.venue import Reason, Refused
from kiosk.visits.enter import TICKETS_S, enter, enter_by_list, enter_with_ticket
from protocol.credential import Credential, CredentialFormat
from protocol.entry import (
    Admission,
    Entry,
    EntryRefusal,
    ListRequest,
    SiteList,
    Ticket,
    Tickets,
)
from protocol.messages import Direction, Outcome, ProblemType, Purpose
from tests.support.canned import Asked, CannedService, Reply, identification, problem
from tests.support.clocks import HurriedClock, TurnedClock
from tests.support.lanes import ScriptedVenue
from tests.support.plain_palms import burst
from tests.support.scripted import WAITS, Line, ScriptedCodes, ScriptedVisit, palm
from tests.support.sealed import sealed
from tests.support.site_lists import PlainMatching, mark_of, site_list

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
SCREEN = AtGate(merchant="Corner Shop")
BADGE = Credential(format=CredentialFormat.WIEGAND_26, facility=12, number=4567)
USED = Refused(Reason.ALREADY_USED, datetime(2026, 12, 1, 18, 42, tzinfo=UTC), "Gate B")
NOTED = Reply(204, b"")
GONE = TemporaryFault("It is gone.", "Mend it.")


def entry(admission: Admission, **more: Any) -> Entry:
    fields: dict[str, Any] = {"entry_id": "entry-0001", "direction": Direction.ENTRY}
    return Entry(admission=admission, site="Works", **fields | more)


def refused(why: EntryRefusal) -> Entry:
    return entry(Admission.REFUSED, refusal=why)


@pytest.fixture
def journal(tmp_path: Path) -> PassageJournal:
    return PassageJournal(sealed(tmp_path / "passages"))


@pytest.fixture
def release() -> SimulatedRelease:
    return SimulatedRelease()


@pytest.fixture
def controller() -> SimulatedController:
    return SimulatedController(Address.parse("sim:?after=0"))


@pytest.fixture
def lane(
    service: SignatureService,
    release: SimulatedRelease,
    controller: SimulatedController,
    journal: PassageJournal,
) -> Lane:
    """A lane with everything that a test may want, but a venue."""
    return Lane(controller, release, None, service, HurriedClock(), journal, None)


async def comes(visit: ScriptedVisit, lane: Lane) -> GateAnswer:
    answered = await enter(visit, lane, SCREEN, palm(), Succession())
    assert visit.stage.over
    assert answered is not None
    return answered.answer


async def told(lane: Lane, canned: CannedService) -> list[bool]:
    """Returns what the service was told of who has passed, once it was told."""
    canned.will("PUT /entries/entry-0001/passage", *[lambda _: NOTED] * 3)
    running = asyncio.ensure_future(lane.run())
    await lane.told()
    running.cancel()
    return [asked.json["passed"] for asked in canned.requests("PUT /entries/entry-0001/passage")]


# What the service decides


async def test_the_gate_opens_for_whoever_may_pass(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease
) -> None:
    canned.will("POST /entries", entry(Admission.OPEN))
    assert await comes(visit(), lane) is GateAnswer.PASS
    assert release.times == 1
    assert await told(lane, canned) == [True]


async def test_a_gate_that_does_not_open_is_told_and_nobody_counts_as_inside(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease
) -> None:
    canned.will("POST /entries", entry(Admission.OPEN))
    release.fail_next(GONE)
    assert await comes(visit(), lane) is GateAnswer.GATE_FAULT
    assert await told(lane, canned) == [False]


async def test_a_kiosk_without_a_gate_opens_none(
    visit: At, canned: CannedService, service: SignatureService, journal: PassageJournal
) -> None:
    canned.will("POST /entries", entry(Admission.OPEN))
    lane = Lane(None, None, None, service, HurriedClock(), journal, None)
    assert await comes(visit(), lane) is GateAnswer.GATE_FAULT


@pytest.mark.parametrize("why", list(EntryRefusal))
async def test_who_may_not_pass_hears_why_and_nothing_opens(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease, why: EntryRefusal
) -> None:
    canned.will("POST /entries", refused(why))
    assert await comes(visit(), lane) == GateAnswer(why.value)
    assert release.times == 0


async def test_at_a_desk_somebody_is_checked_in(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease
) -> None:
    canned.will("POST /entries", entry(Admission.CHECKED_IN))
    assert await comes(visit(), lane) is GateAnswer.CHECKED_IN
    assert release.times == 0


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Outcome.ASK_AGAIN, GateAnswer.NOT_KNOWN),
        (Outcome.REFUSED, GateAnswer.NOT_KNOWN),
        (Outcome.STEP_UP, GateAnswer.NOT_SURE),
        (Outcome.FROZEN, GateAnswer.FROZEN),
    ],
)
async def test_whoever_is_not_recognised_is_asked_nothing(
    visit: At, canned: CannedService, lane: Lane, outcome: Outcome, answer: GateAnswer
) -> None:
    canned.will("POST /identifications", identification(outcome))
    assert await comes(visit(), lane) is answer
    assert canned.requests("POST /entries") == []


async def test_a_palm_that_cannot_be_used_is_not_recognised(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    canned.will("POST /identifications", problem(ProblemType.PALM_UNUSABLE, 422))
    assert await comes(visit(), lane) is GateAnswer.NOT_KNOWN


async def test_a_hand_that_is_not_surely_alive_is_held_longer(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    canned.will("POST /identifications", identification(Outcome.HOLD_LONGER), identification())
    canned.will("POST /entries", entry(Admission.OPEN))
    assert await comes(visit((AtGate(merchant="Corner Shop", longer=True), palm)), lane) is (
        GateAnswer.PASS
    )
    first, second = canned.requests("POST /identifications")
    assert first.body != second.body


# What is asked, once


async def test_who_comes_to_a_merchant_for_the_first_time_is_asked_for_their_consent(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    canned.will("POST /identifications", identification(Outcome.ASK_CONSENT))
    canned.will("POST /entries", entry(Admission.OPEN))
    here = visit((AskMerchantConsent, Choice.AGREE))
    assert await comes(here, lane) is GateAnswer.PASS


async def test_who_does_not_agree_is_let_in_another_way(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease
) -> None:
    canned.will("POST /identifications", identification(Outcome.ASK_CONSENT))
    here = visit((AskMerchantConsent, Choice.ANOTHER_WAY))
    assert await comes(here, lane) is GateAnswer.NOT_AGREED
    assert release.times == 0


async def test_who_was_given_a_card_is_asked_whether_their_palm_may_stand_for_it(
    visit: At, canned: CannedService, lane: Lane, controller: SimulatedController
) -> None:
    canned.will("POST /entries", entry(Admission.ASK, credential=BADGE))
    canned.will("POST /entries/entry-0001/agreement", entry(Admission.PRESENT, credential=BADGE))
    here = visit((AskAccess("Works", "567"), Choice.AGREE))
    assert await comes(here, lane) is GateAnswer.PASS
    assert controller.credentials == [BADGE]


async def test_who_keeps_using_their_card_is_not_let_in_by_palm(
    visit: At, canned: CannedService, lane: Lane, controller: SimulatedController
) -> None:
    canned.will("POST /entries", entry(Admission.ASK, credential=BADGE))
    here = visit((AskAccess("Works", "567"), Choice.SKIP))
    assert await comes(here, lane) is GateAnswer.NOT_AGREED
    assert controller.credentials == []
    assert canned.requests("POST /entries/entry-0001/agreement") == []


# What the site's controller decides


VERDICTS = {
    Verdict.GRANTED: (GateAnswer.PASS, True),
    Verdict.DENIED: (GateAnswer.DENIED, False),
    Verdict.NONE: (GateAnswer.NO_ANSWER, False),
}


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_the_controller_decides_about_the_credential(
    visit: At,
    canned: CannedService,
    lane: Lane,
    controller: SimulatedController,
    verdict: Verdict,
) -> None:
    controller.answer(verdict)
    canned.will("POST /entries", entry(Admission.PRESENT, credential=BADGE))
    answer, passed = VERDICTS[verdict]
    assert await comes(visit(), lane) is answer
    assert await told(lane, canned) == [passed]


async def test_a_lost_line_presents_nothing(
    visit: At, canned: CannedService, lane: Lane, controller: SimulatedController
) -> None:
    controller.cut()
    canned.will("POST /entries", entry(Admission.PRESENT, credential=BADGE))
    assert await comes(visit(), lane) is GateAnswer.GATE_FAULT
    controller.mend()
    assert controller.credentials == []


# What the venue decides


def at_venue(lane: Lane, *decisions: Refused | None) -> ScriptedVenue:
    lane.venue = venue = ScriptedVenue(*decisions)
    return venue


async def test_the_first_ticket_that_counts_tonight_opens_the_gate(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease
) -> None:
    venue = at_venue(lane, Refused(Reason.WRONG_LIST), None)
    canned.will("POST /entries", entry(Admission.REDEEM, tickets=["next-week", "tonight"]))
    assert await comes(visit(), lane) is GateAnswer.PASS
    assert venue.asked == [("next-week", Direction.ENTRY), ("tonight", Direction.ENTRY)]
    assert release.times == 1


async def test_every_ticket_of_a_week_is_tried_at_a_venue_that_answers_at_once(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    days = ["sunday", "saturday", "friday", "thursday", "wednesday", "tuesday", "monday"]
    venue = at_venue(lane, *[Refused(Reason.NOT_YET_VALID)] * 6, None)
    lane.clock = TurnedClock()
    canned.will("POST /entries", entry(Admission.REDEEM, tickets=days))
    assert await comes(visit(), lane) is GateAnswer.PASS
    assert [code for code, _ in venue.asked] == days


async def test_nobody_waits_long_behind_the_tickets_of_another(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    class SlowVenue(ScriptedVenue):
        async def admit(self, ticket: Ticket, direction: Direction) -> VenueAdmission:
            await clock.turn(TICKETS_S / 2)
            return await super().admit(ticket, direction)

    lane.clock = clock = TurnedClock()
    lane.venue = venue = SlowVenue(*[Refused(Reason.NOT_YET_VALID)] * 3)
    canned.will("POST /entries", entry(Admission.REDEEM, tickets=["third", "second", "first"]))
    assert await comes(visit(), lane) is GateAnswer.NOT_YET_VALID
    assert [code for code, _ in venue.asked] == ["third", "second"]


@pytest.mark.parametrize("reason", list(Reason))
async def test_a_ticket_that_does_not_count_is_told_with_the_reason(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease, reason: Reason
) -> None:
    at_venue(lane, Refused(reason))
    canned.will("POST /entries", entry(Admission.REDEEM, tickets=["tonight"]))
    assert await comes(visit(), lane) == GateAnswer(reason.value)
    assert release.times == 0


async def test_the_reason_told_is_that_of_the_ticket_for_this_entrance(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    at_venue(lane, USED, Refused(Reason.WRONG_LIST))
    canned.will("POST /entries", entry(Admission.REDEEM, tickets=["tonight", "next-week"]))
    answered = await enter(visit(), lane, SCREEN, palm(), Succession())
    assert answered == Answered(GateAnswer.ALREADY_USED, USED.at, "Gate B")


async def test_a_ticket_whose_gate_did_not_open_is_not_used(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease
) -> None:
    venue = at_venue(lane, None)
    release.fail_next(GONE)
    canned.will("POST /entries", entry(Admission.REDEEM, tickets=["tonight"]))
    assert await comes(visit(), lane) is GateAnswer.GATE_FAULT
    assert len(venue.annulled) == 1


async def test_who_has_no_ticket_yet_shows_its_code_once(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    venue = at_venue(lane, None)
    canned.will(
        "POST /entries",
        refused(EntryRefusal.NO_TICKET),
        entry(Admission.REDEEM, tickets=["ticket-of-tonight"]),
    )
    canned.will("POST /identifications/identification-1/tickets", Tickets(count=1))
    here = visit((ScanTicket, WAITS), codes=ScriptedCodes("not a ticket", "ticket-of-tonight"))
    answered = await enter(here, lane, SCREEN, palm(), Succession())
    assert answered is not None
    assert answered.answer is GateAnswer.PASS
    assert venue.asked == [("ticket-of-tonight", Direction.ENTRY)]


async def test_who_has_none_is_told_so(visit: At, canned: CannedService, lane: Lane) -> None:
    at_venue(lane)
    canned.will("POST /entries", refused(EntryRefusal.NO_TICKET))
    assert await comes(visit((ScanTicket, Choice.SKIP)), lane) is GateAnswer.NO_TICKET


async def test_who_has_no_room_for_another_ticket_is_told_so(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    at_venue(lane)
    canned.will("POST /entries", refused(EntryRefusal.NO_TICKET))
    path = "POST /identifications/identification-1/tickets"
    canned.will(path, problem(ProblemType.TOO_MANY_TICKETS, 409))
    here = visit((ScanTicket, WAITS), codes=ScriptedCodes("ticket-of-tonight"))
    assert await comes(here, lane) is GateAnswer.TOO_MANY_TICKETS


async def test_a_ticket_opens_the_gate_without_a_palm(
    lane: Lane, release: SimulatedRelease
) -> None:
    at_venue(lane, None, USED)
    first = await enter_with_ticket(lane, Direction.ENTRY, "tonight")
    again = await enter_with_ticket(lane, Direction.ENTRY, "tonight")
    assert (first.answer, again.answer) == (GateAnswer.PASS, GateAnswer.ALREADY_USED)
    assert release.times == 1


# What the service is told afterwards


async def test_the_service_is_told_as_soon_as_it_answers(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    canned.will("POST /entries", entry(Admission.OPEN))
    await comes(visit(), lane)
    unwell = problem(ProblemType.VAULT_UNAVAILABLE, 503)
    canned.will("PUT /entries/entry-0001/passage", *[unwell] * 20)
    assert await told(lane, canned) == [True] * 21


async def test_somebody_who_was_deleted_meanwhile_is_not_told_of_for_ever(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    canned.will("POST /entries", entry(Admission.OPEN))
    await comes(visit(), lane)
    running = asyncio.ensure_future(lane.run())
    await lane.told()
    running.cancel()
    assert len(canned.requests("PUT /entries/entry-0001/passage")) == 1


async def test_a_kiosk_that_was_killed_tells_after_its_next_start_who_had_passed(
    visit: At,
    canned: CannedService,
    service: SignatureService,
    lane: Lane,
    journal: PassageJournal,
) -> None:
    canned.will("POST /entries", entry(Admission.OPEN))
    await comes(visit(), lane)
    # Nothing of this lane is left but its disk.
    started = Lane(None, None, None, service, HurriedClock(), journal, None)
    assert await told(started, canned) == [True]
    assert list(journal.untold()) == []


async def test_a_kiosk_that_is_not_known_any_more_keeps_what_it_has_to_tell(
    visit: At, canned: CannedService, lane: Lane, journal: PassageJournal
) -> None:
    canned.will("POST /entries", entry(Admission.OPEN))
    await comes(visit(), lane)
    unknown = problem(ProblemType.UNKNOWN_DEVICE, 401)
    canned.will("PUT /entries/entry-0001/passage", *[unknown] * 3)
    assert await told(lane, canned) == [True] * 4
    assert list(journal.untold()) == []


async def test_a_disk_that_takes_nothing_keeps_nobody_waiting(
    visit: At, canned: CannedService, lane: Lane, release: SimulatedRelease, tmp_path: Path
) -> None:
    (tmp_path / "passages").write_text("no folder")
    canned.will("POST /entries", entry(Admission.OPEN))
    assert await comes(visit(), lane) is GateAnswer.PASS
    assert await told(lane, canned) == [True]


async def test_a_file_of_the_journal_that_is_damaged_is_left_and_the_others_are_told(
    journal: PassageJournal, tmp_path: Path
) -> None:
    kept = Untold(entry_id="entry-0001", passed=True)
    assert journal.keep(kept)
    (tmp_path / "passages" / "entry-0000.json").write_bytes(b"{")
    assert list(journal.untold()) == [kept]


# Without the service


async def by_list(
    lane: Lane, service: SignatureService, canned: CannedService, **more: Any
) -> None:
    """Gives the lane a list on which Alex is."""

    def make(asked: Asked) -> SiteList:
        key = ListRequest.model_validate_json(asked.body).key
        return site_list("alex", key=key, device_id=service.device_id, **more)

    canned.will("PUT /door/list", make)
    lane.own = OwnList(service, lane.clock, PlainMatching)
    await lane.own.renew()


def offline(canned: CannedService) -> list[str]:
    """Returns the marks of those of whom the service was told that they passed without it."""
    told = [asked for asked in canned.asked if asked.path.startswith("/door/passages/")]
    return [asked.json["mark"] for asked in told]


async def test_a_killed_kiosk_has_no_list_and_tells_who_passed_without_the_service(
    canned: CannedService,
    service: SignatureService,
    lane: Lane,
    release: SimulatedRelease,
    journal: PassageJournal,
) -> None:
    await by_list(lane, service, canned)
    assert await enter_by_list(lane, burst("alex"), Succession()) == Answered(GateAnswer.PASS)
    assert release.times == 1
    # Nothing of this lane is left but its disk.
    started = Lane(None, release, None, service, HurriedClock(), journal, None)
    assert await enter_by_list(started, burst("alex"), Succession()) == Answered(GateAnswer.AWAY)
    running = asyncio.ensure_future(started.run())
    await started.told()
    running.cancel()
    assert offline(canned) == [mark_of("alex")]
    assert list(journal.untold()) == []


async def test_a_passage_is_on_the_disk_before_the_gate_opens_and_not_when_it_did_not(
    canned: CannedService,
    service: SignatureService,
    lane: Lane,
    release: SimulatedRelease,
    tmp_path: Path,
) -> None:
    await by_list(lane, service, canned)
    release.fail_next(GONE)
    assert await enter_by_list(lane, burst("alex"), Succession()) == Answered(GateAnswer.GATE_FAULT)
    assert list(lane.journal.untold()) == []
    # Where the disk takes nothing, nobody passes without the service.
    (tmp_path / "passages").rmdir()
    (tmp_path / "passages").write_text("no folder")
    assert await enter_by_list(lane, burst("alex"), Succession()) == Answered(GateAnswer.AWAY)
    assert release.times == 0


async def test_at_a_controller_the_credential_of_the_list_is_presented(
    canned: CannedService,
    service: SignatureService,
    lane: Lane,
    controller: SimulatedController,
    journal: PassageJournal,
) -> None:
    await by_list(lane, service, canned, credential=BADGE)
    assert await enter_by_list(lane, burst("a stranger"), Succession()) == Answered(
        GateAnswer.NOT_KNOWN
    )
    controller.answer(Verdict.DENIED)
    assert await enter_by_list(lane, burst("alex"), Succession()) == Answered(GateAnswer.DENIED)
    assert controller.credentials == [BADGE]
    assert list(journal.untold()) == []


# The question whether the gates may do without a network


KEEP = AtGate(Purpose.KEEP, merchant="Corner Shop")


async def test_who_agrees_shows_their_palm_once_more_and_passes(
    visit: At, canned: CannedService, lane: Lane
) -> None:
    canned.will("POST /entries", entry(Admission.ASK_TO_KEEP))
    canned.will(
        "PUT /entries/entry-0001/palm",
        problem(ProblemType.NOT_ACCEPTED, 403),
        entry(Admission.OPEN),
    )
    here = visit((AskToKeep("Works"), Choice.AGREE), (KEEP, palm), (KEEP, palm))
    assert await comes(here, lane) is GateAnswer.PASS


@pytest.mark.parametrize(
    "lines",
    [
        [(AskToKeep, Choice.SKIP)],
        [(AskToKeep, Choice.AGREE), (KEEP, Choice.STAFF)],
        [(AskToKeep, Choice.AGREE), *[(KEEP, palm)] * 3],
    ],
)
async def test_who_declines_or_cannot_be_kept_passes_all_the_same(
    visit: At, canned: CannedService, lane: Lane, lines: list[Line]
) -> None:
    canned.will("POST /entries", entry(Admission.ASK_TO_KEEP))
    unusable = problem(ProblemType.PALM_UNUSABLE, 422)
    canned.will("PUT /entries/entry-0001/palm", *[unusable] * 3)
    canned.will("DELETE /entries/entry-0001/palm", entry(Admission.OPEN))
    assert await comes(visit(*lines), lane) is GateAnswer.PASS


# Another hand that comes while the service is asked


def another() -> Succession:
    hands = Succession()
    hands.another = True
    return hands


@pytest.mark.parametrize("admission", [Admission.OPEN, Admission.PRESENT, Admission.REDEEM])
async def test_nothing_opens_for_the_next_and_the_service_is_told_that_nobody_passed(
    visit: At,
    canned: CannedService,
    lane: Lane,
    release: SimulatedRelease,
    admission: Admission,
) -> None:
    venue = at_venue(lane)
    more = {"credential": BADGE} if admission is Admission.PRESENT else {"tickets": ["tonight"]}
    canned.will("POST /entries", entry(admission, **more))
    assert await enter(visit(), lane, SCREEN, palm(), another()) is None
    assert isinstance(lane.controller, SimulatedController)
    assert (release.times, lane.controller.credentials, venue.asked) == (0, [], [])
    lane.venue = None
    assert await told(lane, canned) == [False]


@pytest.mark.parametrize("why", [EntryRefusal.NO_ACCESS, None])
async def test_no_refusal_is_told_to_the_next(
    visit: At, canned: CannedService, lane: Lane, why: EntryRefusal | None
) -> None:
    if why is None:
        canned.will("POST /identifications", identification(Outcome.FROZEN))
    else:
        canned.will("POST /entries", refused(why))
    assert await enter(visit(), lane, SCREEN, palm(), another()) is None


async def test_without_the_service_nothing_opens_for_the_next_either(
    canned: CannedService, service: SignatureService, lane: Lane, release: SimulatedRelease
) -> None:
    await by_list(lane, service, canned)
    assert await enter_by_list(lane, burst("alex"), another()) is None
    assert release.times == 0
    assert list(lane.journal.untold()) == []
