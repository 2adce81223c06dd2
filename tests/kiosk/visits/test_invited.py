"""The merchant's own systems have somebody sign up, played from a script."""

from collections.abc import Callable

import pytest

from kiosk.screens import (
    AskConsent,
    Choice,
    EnterCode,
    EnterPhone,
    Heard,
    HoldPalm,
    InvitedToSignUp,
    OfferSecondPalm,
    PresentCard,
    QuestionAnswered,
    SignedUp,
)
from kiosk.visits.invited import invite, sign_up_invited
from protocol.asked import AskedEnd, AskedPalm, Asks, RequestState
from protocol.messages import ProblemType
from tests.support.canned import CannedService, problem
from tests.support.scripted import WAITS, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
ASKED = AskedPalm(
    request_id="request-1", kind=Asks.ENROL, question="Join us?", named=False, ending="1001"
)
INVITED = InvitedToSignUp("Corner Shop", "Join us?", "1001")
PATH = "PUT /palm-requests/request-1"


async def test_who_accepts_signs_up_and_the_service_is_told_before_the_second_palm(
    visit: At, canned: CannedService
) -> None:
    canned.will(f"{PATH}/begun", AskedEnd(state=RequestState.BEGUN))
    assert await invite(visit((INVITED, Choice.SIGN_UP)), ASKED)
    canned.will(f"{PATH}/answer", AskedEnd(state=RequestState.ENROLLED))

    def is_told() -> Choice:
        (told,) = canned.requests(f"{PATH}/answer")
        assert told.json == {"identification_id": None, "enrolment_id": "enrolment-1"}
        return Choice.SKIP

    at = visit(
        (AskConsent, Choice.AGREE),
        (EnterPhone, typed("2025550123")),
        (EnterCode, typed("123456")),
        (PresentCard, WAITS),
        (HoldPalm, palm),
        (OfferSecondPalm, is_told),
        (SignedUp, Choice.DONE),
    )
    assert await sign_up_invited(at, ASKED) is None
    assert at.stage.over


async def test_a_no_is_told(visit: At, canned: CannedService) -> None:
    canned.will(f"{PATH}/answer", AskedEnd(state=RequestState.REFUSED, reason="declined"))
    declined = QuestionAnswered("Corner Shop", Heard.DECLINED)
    at = visit((INVITED, Choice.CANCEL), (declined, Choice.DONE))
    assert await invite(at, ASKED) is False
    (told,) = canned.requests(f"{PATH}/answer")
    assert set(told.json.values()) == {None}


async def test_who_accepts_too_late_does_not_sign_up(visit: At, canned: CannedService) -> None:
    canned.will(f"{PATH}/begun", problem(ProblemType.EXPIRED, 410))
    assert await invite(visit((INVITED, Choice.SIGN_UP)), ASKED) is False
