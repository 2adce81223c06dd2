"""What the merchant's own systems have a person asked, played from a script."""

from collections.abc import Callable

import pytest

from kiosk.screens import Choice, Frozen, Heard, HoldPalm, QuestionAnswered
from kiosk.visits.answer import answer
from protocol.asked import AskedEnd, AskedPalm, Asks, RequestState
from protocol.messages import Outcome, ProblemType, Purpose
from tests.support.canned import CannedService, identification, problem
from tests.support.scripted import ScriptedVisit, palm

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
SHOP = "Corner Shop"
QUESTION = "Release the rental car?"
ASKED = AskedPalm(request_id="request-1", kind=Asks.APPROVE, question=QUESTION, named=False)
HOLD = HoldPalm(Purpose.IDENTIFY, merchant=SHOP, question=QUESTION, agrees=True)
ANSWER = "PUT /palm-requests/request-1/answer"
APPROVED = AskedEnd(state=RequestState.APPROVED)
REFUSED = AskedEnd(state=RequestState.REFUSED, reason="not_recognised")
DECLINED = AskedEnd(state=RequestState.REFUSED, reason="declined")


async def test_a_palm_agrees(visit: At, canned: CannedService) -> None:
    canned.will(ANSWER, APPROVED)
    at = visit((HOLD, palm), (QuestionAnswered(SHOP, Heard.AGREED), Choice.DONE))
    assert await answer(at, ASKED) == APPROVED
    (sent,) = canned.requests(ANSWER)
    assert sent.json["identification_id"] == "identification-1"
    assert at.stage.over


async def test_a_palm_that_is_to_be_one_persons_is_compared(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /palm-requests/request-1/palm", identification(Outcome.REFUSED, 0))
    canned.will(ANSWER, REFUSED)
    asked = ASKED.model_copy(update={"named": True, "kind": Asks.IDENTIFY})
    hold = HoldPalm(Purpose.IDENTIFY, merchant=SHOP, question=QUESTION)
    at = visit((hold, palm), (QuestionAnswered(SHOP, Heard.NOT_RECOGNISED), Choice.DONE))
    assert await answer(at, asked) == REFUSED
    assert not canned.requests("POST /identifications")


@pytest.mark.parametrize("frozen", [False, True], ids=["no", "frozen"])
async def test_who_says_no_or_may_not_say_yes_has_said_no(
    visit: At, canned: CannedService, frozen: bool
) -> None:
    canned.will("POST /identifications", identification(Outcome.FROZEN))
    canned.will(ANSWER, DECLINED)
    said = [(HOLD, palm), (Frozen, Choice.ANOTHER_WAY)] if frozen else [(HOLD, Choice.BACK)]
    at = visit(*said, (QuestionAnswered(SHOP, Heard.DECLINED), Choice.DONE))
    assert await answer(at, ASKED) == DECLINED
    (sent,) = canned.requests(ANSWER)
    assert set(sent.json.values()) == {None}


async def test_what_nobody_waits_for_any_more_ends_without_a_word(
    visit: At, canned: CannedService
) -> None:
    canned.will(ANSWER, problem(ProblemType.EXPIRED, 410))
    at = visit((HOLD, palm))
    assert (await answer(at, ASKED)).state is RequestState.EXPIRED
    assert at.stage.over
