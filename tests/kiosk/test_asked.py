"""A kiosk that nobody uses asks what the merchant's own systems want to hear."""

import pytest

from kiosk.screens import (
    AskConsent,
    Choice,
    ConfirmPurchase,
    HoldPalm,
    InvitedToSignUp,
    QuestionAnswered,
    Trouble,
    Welcome,
)
from kiosk.settings import Patience
from kiosk.till.till import Sale
from protocol.asked import AskedEnd, AskedPalm, AskedPalms, Asks, RequestState
from protocol.messages import Money, ProblemType
from tests.support.canned import CannedService, Reply, problem
from tests.support.scripted import WAITS, palm
from tests.support.stand import MakeStand

pytestmark = pytest.mark.anyio

ASKED = AskedPalm(request_id="request-1", kind=Asks.APPROVE, question="Yes?", named=False)
TAKEN, PATH = "PUT /palm-requests/taken", "/palm-requests/request-1"
SHOWN = AskedEnd(state=RequestState.SHOWN)
SALE = Sale("sale-00000001", Money(minor=450, currency="USD"), "Corner Shop")
IDLE_S = Patience().idle_s


@pytest.fixture
def asking(canned: CannedService) -> CannedService:
    """A service that has one thing to ask."""
    canned.will(TAKEN, AskedPalms(request=ASKED, again_after_s=0))
    canned.always(f"GET {PATH}", SHOWN)
    canned.always(f"PUT {PATH}/answer", AskedEnd(state=RequestState.APPROVED))
    canned.always(f"DELETE {PATH}/taken", Reply(204, b""))
    return canned


async def test_it_asks_at_the_welcome_screen_and_waits_for_somebody(
    stand: MakeStand, asking: CannedService
) -> None:
    here = stand((Welcome, WAITS), (HoldPalm, WAITS))
    async with here.running():
        await here.stage.reached()
        await here.clock.turn(IDLE_S + 1)
    assert here.stage.warnings == []
    assert not asking.requests(f"PUT {PATH}/answer")


async def test_what_is_answered_is_not_given_back(stand: MakeStand, asking: CannedService) -> None:
    here = stand(
        (Welcome, WAITS),
        (HoldPalm, palm),
        (QuestionAnswered, Choice.DONE),
        (Welcome, WAITS),
    )
    await here.play()
    assert len(asking.requests(f"PUT {PATH}/answer")) == 1
    assert not asking.requests(f"DELETE {PATH}/taken")


async def test_a_till_comes_first_and_the_question_waits_again(
    stand: MakeStand, asking: CannedService
) -> None:
    here = stand(
        (Welcome, WAITS),
        (HoldPalm, WAITS),
        (Welcome, WAITS),
        (HoldPalm, palm),
        (ConfirmPurchase, WAITS),
    )
    async with here.running():
        await here.stage.reached(1)
        here.till.ask(SALE)
        await here.stage.reached()
    assert len(asking.requests(f"DELETE {PATH}/taken")) == 1


async def test_what_is_cancelled_is_asked_no_longer(
    stand: MakeStand, asking: CannedService
) -> None:
    asking.will(f"GET {PATH}", SHOWN, AskedEnd(state=RequestState.CANCELLED))
    here = stand((Welcome, WAITS), (HoldPalm, WAITS), (Welcome, WAITS))
    async with here.running():
        await here.stage.reached(1)
        await here.clock.turn(1)
        await here.stage.reached()


async def test_what_fails_is_given_back(stand: MakeStand, asking: CannedService) -> None:
    asking.will("POST /identifications", problem(ProblemType.CONFLICT))
    here = stand((Welcome, WAITS), (HoldPalm, palm), (Trouble, Choice.DONE), (Welcome, WAITS))
    await here.play()
    assert len(asking.requests(f"DELETE {PATH}/taken")) == 1


async def test_who_is_invited_and_walks_away_in_the_middle_has_not_signed_up(
    stand: MakeStand, asking: CannedService
) -> None:
    invited = ASKED.model_copy(update={"kind": Asks.ENROL, "ending": "1001"})
    asking.forget(TAKEN)
    asking.will(TAKEN, AskedPalms(request=invited, again_after_s=0))
    asking.will(f"PUT {PATH}/begun", AskedEnd(state=RequestState.BEGUN))
    here = stand(
        (Welcome, WAITS),
        (InvitedToSignUp, Choice.SIGN_UP),
        (AskConsent, Choice.BACK),
        (Welcome, WAITS),
    )
    await here.play()
    (told,) = asking.requests(f"PUT {PATH}/answer")
    assert set(told.json.values()) == {None}
