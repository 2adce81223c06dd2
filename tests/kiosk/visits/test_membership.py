"""A membership card is linked to the palm, replaced and removed, played from a script."""

from collections.abc import Callable
from typing import Any

import pytest

from kiosk.screens import (
    AskMerchantConsent,
    Choice,
    EnterMembership,
    EnterPhone,
    HoldPalm,
    MembershipChanged,
    MembershipProblem,
    NotRecognised,
    ScanMembership,
    ShowMembership,
    Work,
    Working,
)
from kiosk.visits.membership import change_membership
from protocol.messages import Membership, Outcome, ProblemType, Purpose
from tests.support.canned import CONSENT, MEMBER, CannedService, identification, problem
from tests.support.scripted import WAITS, ScriptedCodes, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
SHOP = "Corner Shop"
HOLD = HoldPalm(Purpose.IDENTIFY, merchant=SHOP)
SCAN = ScanMembership(SHOP)
LINKED = MembershipChanged(SHOP, "2345")
REMOVED = MembershipChanged(SHOP, None)
PATH = "/identifications/identification-1/membership"
VISA_NUMBER = "4242 4242 4242 4242"


async def play(visit: ScriptedVisit) -> Any:
    wanted = await change_membership(visit)
    assert visit.stage.over
    return wanted


def linked(canned: CannedService) -> list[Membership]:
    return [Membership.model_validate(asked.json) for asked in canned.requests(f"PUT {PATH}")]


async def test_a_card_is_linked_by_showing_its_code(visit: At, canned: CannedService) -> None:
    at = visit((HOLD, palm), (SCAN, WAITS), (LINKED, Choice.DONE), codes=ScriptedCodes(MEMBER.code))
    assert await play(at) is None
    assert linked(canned) == [MEMBER]
    assert Working(Work.SAVING_MEMBERSHIP) in at.stage.shown


async def test_a_card_is_linked_by_typing_its_number(visit: At, canned: CannedService) -> None:
    at = visit(
        (HOLD, palm),
        (SCAN, Choice.USE_NUMBER),
        (EnterMembership(SHOP), typed(MEMBER.code)),
        (LINKED, Choice.DONE),
    )
    await play(at)
    assert linked(canned) == [Membership(code=MEMBER.code, scanned=False)]


async def test_who_would_rather_not_type_goes_back_to_the_camera_and_from_there_home(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HOLD, palm),
        (SCAN, Choice.USE_NUMBER),
        (EnterMembership(SHOP), Choice.BACK),
        (SCAN, Choice.BACK),
    )
    await play(at)
    assert linked(canned) == []


async def test_a_payment_card_is_neither_sent_nor_taken_for_another_code_meanwhile(
    visit: At, canned: CannedService
) -> None:
    told = ScanMembership(SHOP, MembershipProblem.PAYMENT_CARD)
    codes = ScriptedCodes(VISA_NUMBER, VISA_NUMBER, MEMBER.code)
    await play(
        visit((HOLD, palm), (SCAN, WAITS), (told, WAITS), (LINKED, Choice.DONE), codes=codes)
    )
    assert linked(canned) == [MEMBER]


async def test_the_number_of_a_payment_card_is_not_taken_when_it_is_typed(
    visit: At, canned: CannedService
) -> None:
    told = EnterMembership(SHOP, MembershipProblem.PAYMENT_CARD)
    at = visit(
        (HOLD, palm),
        (SCAN, Choice.USE_NUMBER),
        (EnterMembership(SHOP), typed("4242424242424242")),
        (told, typed(MEMBER.code)),
        (LINKED, Choice.DONE),
    )
    await play(at)
    assert [each.code for each in linked(canned)] == [MEMBER.code]


@pytest.mark.parametrize("code", ["naïve", "two\nlines", "1" * 129], ids=["letter", "line", "long"])
async def test_a_code_that_tills_do_not_take_is_told_as_such(
    visit: At, canned: CannedService, code: str
) -> None:
    told = ScanMembership(SHOP, MembershipProblem.UNUSABLE)
    at = visit((HOLD, palm), (SCAN, WAITS), (told, Choice.BACK), codes=ScriptedCodes(code))
    await play(at)
    assert linked(canned) == []


async def test_the_card_that_is_linked_is_shown_by_its_end_and_can_be_kept(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(membership=MEMBER))
    await play(visit((HOLD, palm), (ShowMembership(SHOP, "2345"), Choice.DONE)))
    assert not canned.requests(f"PUT {PATH}")
    assert not canned.requests(f"DELETE {PATH}")


async def test_another_card_takes_its_place(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(membership=MEMBER))
    at = visit(
        (HOLD, palm),
        (ShowMembership, Choice.ADD),
        (SCAN, WAITS),
        (MembershipChanged(SHOP, "0482"), Choice.DONE),
        codes=ScriptedCodes("FL-20482"),
    )
    await play(at)
    assert [each.code for each in linked(canned)] == ["FL-20482"]


async def test_the_card_is_removed(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(membership=MEMBER))
    await play(visit((HOLD, palm), (ShowMembership, Choice.DELETE), (REMOVED, Choice.DONE)))
    assert len(canned.requests(f"DELETE {PATH}")) == 1


async def test_who_took_too_long_shows_the_palm_again_and_not_the_card(
    visit: At, canned: CannedService
) -> None:
    canned.will(f"PUT {PATH}", problem(ProblemType.EXPIRED, 410))
    at = visit(
        (HOLD, palm),
        (SCAN, WAITS),
        (HOLD, palm),
        (LINKED, Choice.DONE),
        codes=ScriptedCodes(MEMBER.code),
    )
    await play(at)
    assert linked(canned) == [MEMBER, MEMBER]


async def test_nobody_elses_card_is_removed_when_another_palm_is_shown_then(
    visit: At, canned: CannedService
) -> None:
    other = MEMBER.model_copy(update={"code": "another-9876"})
    canned.will("POST /identifications", identification(membership=MEMBER))
    canned.will("POST /identifications", identification(membership=other))
    canned.will(f"DELETE {PATH}", problem(ProblemType.EXPIRED, 410))
    at = visit(
        (HOLD, palm),
        (ShowMembership(SHOP, "2345"), Choice.DELETE),
        (HOLD, palm),
        (ShowMembership(SHOP, "9876"), Choice.DONE),
    )
    await play(at)
    assert len(canned.requests(f"DELETE {PATH}")) == 1


async def test_a_service_that_fails_is_asked_again_without_another_card(
    visit: At, canned: CannedService
) -> None:
    canned.will(f"PUT {PATH}", problem(ProblemType.BUSY, 400))
    tries = iter([True])

    async def recovers(error: Exception) -> bool:
        return next(tries)

    at = visit(
        (HOLD, palm),
        (SCAN, WAITS),
        (LINKED, Choice.DONE),
        codes=ScriptedCodes(MEMBER.code),
        recovers=recovers,
    )
    await play(at)
    assert linked(canned) == [MEMBER, MEMBER]


async def test_who_is_not_known_can_sign_up(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.REFUSED, 0))
    at = visit((HOLD, palm), (NotRecognised(Purpose.IDENTIFY, 0), Choice.SIGN_UP))
    assert await play(at) is Choice.SIGN_UP


async def test_who_signed_up_elsewhere_is_asked_before_a_card_is_linked(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(Outcome.ASK_CONSENT))
    asked = AskMerchantConsent(CONSENT, SHOP, paying=False)
    await play(visit((HOLD, palm), (asked, Choice.ANOTHER_WAY)))
    assert linked(canned) == []


async def test_the_palm_can_be_compared_with_one_numbers_holder(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone, typed("2025550123")),
        (HOLD, palm),
        (SCAN, WAITS),
        (LINKED, Choice.DONE),
        codes=ScriptedCodes(MEMBER.code),
    )
    await play(at)
    (claim,) = canned.requests("POST /claims")
    assert (claim.json["purpose"], claim.json["proof"]) == ("identify", "palm")
