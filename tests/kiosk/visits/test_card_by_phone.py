"""Sign-up where no card terminal is attached: the card is saved with the shopper's own phone."""

from collections.abc import Callable

import pytest

from kiosk.qr_code import qr_code
from kiosk.screens import (
    AskConsent,
    Choice,
    EnterCode,
    EnterPhone,
    HoldPalm,
    OfferSecondPalm,
    SaveCardByPhone,
    SignedUp,
    Work,
    Working,
)
from kiosk.stage import WalkedAway
from kiosk.visits.enrol import enrol
from protocol.messages import CardPageState, ProblemType
from tests.support.canned import CannedService, card_page, problem
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]

OPENS = "POST /enrolments/enrolment-1/card/pages"
LOOKS = "GET /enrolments/enrolment-1/card/pages/page-one"
GIVEN_UP = "DELETE /enrolments/enrolment-1"
OPEN, LAPSED = CardPageState(state="open"), CardPageState(state="lapsed")
CODE = SaveCardByPhone(qr_code("https://pages.test/page-one"))
TO_CODE: list[Line] = [
    (AskConsent, Choice.AGREE),
    (EnterPhone, typed("2025550123")),
    (EnterCode, typed("123456")),
]
DONE: list[Line] = [
    (HoldPalm, palm),
    (OfferSecondPalm, Choice.SKIP),
    (SignedUp, Choice.DONE),
]


@pytest.fixture
def at(visit: At) -> At:
    """Returns a function that makes a visit without a card terminal."""
    return lambda *script: visit(*script, terminal=None)


async def play(visit: ScriptedVisit) -> None:
    await enrol(visit)
    assert visit.stage.over


async def test_the_code_leads_to_the_page_and_the_kiosk_goes_on_once_a_card_is_saved(
    at: At, canned: CannedService
) -> None:
    canned.will(LOOKS, OPEN, OPEN)
    visit = at(*TO_CODE, (CODE, WAITS), *DONE)
    await play(visit)
    assert len(canned.requests(LOOKS)) == 3
    assert Working(Work.OPENING_PAGE) in visit.stage.shown
    assert not canned.requests("POST /enrolments/enrolment-1/card")


async def test_a_code_that_has_run_out_can_be_renewed(at: At, canned: CannedService) -> None:
    canned.will(LOOKS, OPEN, LAPSED)
    canned.will(OPENS, card_page(), card_page("page-two"))
    canned.will(LOOKS.replace("one", "two"), CardPageState(state="saved"))
    await play(
        at(
            *TO_CODE,
            (CODE, WAITS),
            (SaveCardByPhone(None), Choice.TRY_AGAIN),
            (SaveCardByPhone(qr_code("https://pages.test/page-two")), WAITS),
            *DONE,
        )
    )


async def test_back_from_the_code_leads_to_the_number_and_the_same_page_stays_open(
    at: At, canned: CannedService
) -> None:
    canned.will(LOOKS, *[OPEN] * 2)
    await play(
        at(
            *TO_CODE,
            (CODE, Choice.BACK),
            (EnterPhone, typed("2025550123")),
            (CODE, WAITS),
            *DONE,
        )
    )
    assert len(canned.requests(OPENS)) == 1, "the shopper may be typing on the phone"


async def test_back_from_the_palm_passes_by_a_card_that_is_saved(at: At) -> None:
    await play(
        at(
            *TO_CODE,
            (CODE, WAITS),
            (HoldPalm, Choice.BACK),
            (EnterPhone, typed("2025550123")),
            *DONE,
        )
    )


async def test_another_number_gets_a_page_of_its_own(at: At, canned: CannedService) -> None:
    canned.will(LOOKS, *[OPEN] * 2)
    await play(
        at(
            *TO_CODE,
            (CODE, Choice.BACK),
            (EnterPhone, typed("2025550188")),
            (EnterCode, typed("123456")),
            (CODE, WAITS),
            *DONE,
        )
    )
    assert len(canned.requests(OPENS)) == 2
    assert len(canned.requests(GIVEN_UP)) == 1


async def test_walking_away_from_the_code_gives_the_sign_up_up(
    at: At, canned: CannedService
) -> None:
    canned.will(LOOKS, *[OPEN] * 9)
    visit = at(*TO_CODE, (CODE, WalkedAway()))
    with pytest.raises(WalkedAway):
        await enrol(visit)
    assert len(canned.requests(GIVEN_UP)) == 1


async def test_a_provider_that_is_away_for_a_while_is_waited_for(
    at: At, canned: CannedService
) -> None:
    away = problem(ProblemType.PROVIDER_UNAVAILABLE, 503)
    canned.will(LOOKS, *[away] * 20)
    await play(at(*TO_CODE, (CODE, WAITS), *DONE))
