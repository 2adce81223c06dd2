"""Points are collected without a payment, played from a script."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kiosk.screens import (
    AskConsent,
    Choice,
    Collected,
    HoldPalm,
    NotRecognised,
    Points,
    ScanMembership,
)
from kiosk.till.till import Collection
from kiosk.visits.collect import collect
from protocol.messages import Identification, Outcome, ProblemType, Purpose
from tests.support.canned import MEMBER, CannedService, identification, problem
from tests.support.scripted import WAITS, ScriptedCodes, ScriptedVisit, palm

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
SHOP = "Corner Shop"
ASKED = Collection("asked-0001", SHOP, Points(12, 1262))
HOLD = HoldPalm(Purpose.IDENTIFY, merchant=SHOP)
COLLECTED = Collected(SHOP, Points(12, 1262))


async def play(
    visit: ScriptedVisit, asked: Collection = ASKED, known: Identification | None = None
) -> Any:
    """Returns the membership that the till was told; "nothing" when it was told nothing."""
    visit.till.ask(asked)
    await visit.till.next_request()
    await collect(visit, asked, known)
    assert visit.stage.over
    shoppers = visit.till.shoppers
    if asked.reference not in shoppers:
        return "nothing"
    shopper = shoppers[asked.reference]
    assert shopper is not None
    return shopper.membership


async def test_the_till_is_told_of_the_membership_and_the_shopper_of_the_points(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(membership=MEMBER))
    assert await play(visit((HOLD, palm), (COLLECTED, Choice.DONE))) == MEMBER


async def test_a_till_that_says_nothing_about_points_has_the_membership_all_the_same(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(membership=MEMBER))
    at = visit((HOLD, palm), (Collected(SHOP, Points()), Choice.DONE))
    assert await play(at, replace(ASKED, points=None)) == MEMBER


async def test_who_has_no_membership_yet_links_one_and_collects(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HOLD, palm),
        (ScanMembership, WAITS),
        (COLLECTED, Choice.DONE),
        codes=ScriptedCodes(MEMBER.code),
    )
    assert await play(at) == MEMBER
    assert len(canned.requests("PUT /identifications/identification-1/membership")) == 1


async def test_who_has_no_card_at_hand_collects_nothing(visit: At) -> None:
    assert await play(visit((HOLD, palm), (ScanMembership, Choice.BACK))) == "nothing"


async def test_who_is_not_known_signs_up_or_collects_nothing(
    visit: At, canned: CannedService
) -> None:
    refused = identification(Outcome.REFUSED, 0)
    canned.will("POST /identifications", refused, refused)
    at = visit(
        (HOLD, palm),
        (NotRecognised, Choice.SIGN_UP),
        (AskConsent, Choice.BACK),
        (HOLD, palm),
        (NotRecognised, Choice.ANOTHER_WAY),
    )
    assert await play(at) == "nothing"


async def test_whom_the_till_has_asked_for_before_shows_no_palm_again(
    visit: At, canned: CannedService
) -> None:
    known = identification(membership=MEMBER)
    assert await play(visit((COLLECTED, Choice.DONE)), known=known) == MEMBER
    assert not canned.requests("POST /identifications")


async def test_a_card_is_not_linked_by_a_palm_that_was_shown_to_pay(
    visit: At, canned: CannedService
) -> None:
    canned.will(
        "PUT /identifications/identification-1/membership", problem(ProblemType.NOT_ACCEPTED, 409)
    )
    at = visit(
        (ScanMembership, WAITS),
        (HOLD, palm),
        (COLLECTED, Choice.DONE),
        codes=ScriptedCodes(MEMBER.code),
    )
    assert await play(at, known=identification()) == MEMBER
