"""Sign-up where a reader of Stripe's is attached: the service drives it, and the kiosk asks."""

from collections.abc import Callable

import pytest

from hardware.terminal import StripeReader
from kiosk.screens import (
    AskConsent,
    CardProblem,
    Choice,
    EnterCode,
    EnterPhone,
    HoldPalm,
    OfferSecondPalm,
    PresentCard,
    SignedUp,
    TroubleKind,
)
from kiosk.stage import WalkedAway
from kiosk.visits.enrol import enrol
from kiosk.visits.visit import Troubled
from protocol.messages import CardReadingState, ProblemType, ReaderFault
from tests.support.canned import CannedService, Reply, card_reading, problem
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]

BEGINS = "POST /enrolments/enrolment-1/card/readings"
LOOKS = "GET /enrolments/enrolment-1/card/readings/reading-one"
STOPS = "DELETE /enrolments/enrolment-1/card/readings"
WAITING = CardReadingState(state="waiting")
TO_CARD: list[Line] = [
    (AskConsent, Choice.AGREE),
    (EnterPhone, typed("2025550123")),
    (EnterCode, typed("123456")),
]
TAP = PresentCard()
DONE: list[Line] = [
    (HoldPalm, palm),
    (OfferSecondPalm, Choice.SKIP),
    (SignedUp, Choice.DONE),
]


@pytest.fixture
def at(visit: At) -> At:
    """Returns a function that makes a visit with a reader."""
    return lambda *script: visit(*script, terminal=StripeReader("tmr_Counter1"))


async def play(visit: ScriptedVisit) -> None:
    await enrol(visit)
    assert visit.stage.over


def unable(fault: ReaderFault) -> Reply:
    return problem(ProblemType.READER_UNAVAILABLE, reader=fault.value)


async def test_the_service_is_asked_for_the_reader_and_the_kiosk_goes_on_once_a_card_is_saved(
    at: At, canned: CannedService
) -> None:
    canned.will(LOOKS, WAITING, WAITING)
    await play(at(*TO_CARD, (TAP, WAITS), *DONE))
    (asked,) = canned.requests(BEGINS)
    assert asked.json == {"reader": "tmr_Counter1"}
    assert len(canned.requests(LOOKS)) == 3
    assert not canned.requests("POST /enrolments/enrolment-1/card")


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("refused", CardProblem.REFUSED),
        ("not_read", CardProblem.NOT_READ),
        ("lapsed", CardProblem.NOT_READ),
    ],
)
async def test_a_card_that_is_not_saved_is_asked_for_again(
    at: At, canned: CannedService, state: str, shown: CardProblem
) -> None:
    canned.will(LOOKS, CardReadingState.model_validate({"state": state}))
    await play(at(*TO_CARD, (TAP, WAITS), (PresentCard(shown), WAITS), *DONE))
    assert len(canned.requests(BEGINS)) == 2


async def test_back_has_the_reader_stop_and_leads_to_the_number(
    at: At, canned: CannedService
) -> None:
    canned.will(LOOKS, *[WAITING] * 3)
    await play(
        at(
            *TO_CARD,
            (TAP, Choice.BACK),
            (EnterPhone, typed("2025550123")),
            (TAP, WAITS),
            *DONE,
        )
    )
    assert len(canned.requests(STOPS)) == 1


async def test_back_goes_back_at_once_when_the_reader_cannot_be_stopped(
    at: At, canned: CannedService
) -> None:
    canned.will(LOOKS, *[WAITING] * 3)
    canned.will(STOPS, problem(ProblemType.NOT_FOUND, 404))
    await play(
        at(*TO_CARD, (TAP, Choice.BACK), (EnterPhone, typed("2025550123")), (TAP, WAITS), *DONE)
    )


async def test_back_from_the_palm_passes_by_a_card_that_is_saved(
    at: At, canned: CannedService
) -> None:
    await play(
        at(
            *TO_CARD,
            (TAP, WAITS),
            (HoldPalm, Choice.BACK),
            (EnterPhone, typed("2025550123")),
            *DONE,
        )
    )
    assert len(canned.requests(BEGINS)) == 1


async def test_another_number_gets_the_card_read_again(at: At, canned: CannedService) -> None:
    await play(
        at(
            *TO_CARD,
            (TAP, WAITS),
            (HoldPalm, Choice.BACK),
            (EnterPhone, typed("2025550188")),
            (EnterCode, typed("123456")),
            (TAP, WAITS),
            *DONE,
        )
    )
    assert len(canned.requests(BEGINS)) == 2


async def test_walking_away_gives_the_sign_up_up_and_with_it_the_reading(
    at: At, canned: CannedService
) -> None:
    canned.will(LOOKS, *[WAITING] * 9)
    visit = at(*TO_CARD, (TAP, WalkedAway()))
    with pytest.raises(WalkedAway):
        await enrol(visit)
    assert len(canned.requests("DELETE /enrolments/enrolment-1")) == 1


@pytest.mark.parametrize("fault", [ReaderFault.OFFLINE, ReaderFault.BUSY])
async def test_a_reader_that_is_away_for_a_while_is_waited_for(
    at: At, canned: CannedService, fault: ReaderFault
) -> None:
    canned.will(BEGINS, unable(fault), unable(fault), card_reading())
    away = (PresentCard(CardProblem.TERMINAL), WAITS)
    await play(at(*TO_CARD, away, away, (TAP, WAITS), *DONE))


@pytest.mark.parametrize(
    "fault", [ReaderFault.UNKNOWN, ReaderFault.NOT_WORKING, ReaderFault.SIMULATED]
)
async def test_a_reader_that_cannot_work_ends_the_visit(
    at: At, canned: CannedService, fault: ReaderFault, caplog: pytest.LogCaptureFixture
) -> None:
    canned.will(BEGINS, unable(fault))
    with pytest.raises(Troubled) as troubled:
        await enrol(at(*TO_CARD, (TAP, WAITS)))
    assert troubled.value.kind is TroubleKind.TERMINAL
    assert fault.value in caplog.text


async def test_a_provider_that_is_away_for_a_while_is_waited_for(
    at: At, canned: CannedService
) -> None:
    away = problem(ProblemType.PROVIDER_UNAVAILABLE, 503)
    canned.will(LOOKS, *[away] * 40)
    await play(at(*TO_CARD, (TAP, WAITS), *DONE))
