"""Leaving, played from a script with a canned service."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hardware.faults import TemporaryFault
from kiosk.screens import (
    AgreementEnded,
    Choice,
    ChooseDeletion,
    ChooseProof,
    ConfirmDelete,
    Deleted,
    EnterCode,
    EnterPhone,
    EntryProblem,
    HoldPalm,
    NotRecognised,
)
from kiosk.service.errors import ForgedReceipt
from kiosk.visits.leave import leave
from protocol.messages import Outcome, ProblemType, Purpose
from tests.support.canned import (
    HOLDINGS,
    RETAINED_UNTIL,
    USED_AT_TWO_SHOPS,
    CannedService,
    HangUp,
    Reply,
    identification,
    problem,
    receipt,
)
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
NUMBER = typed("2025550123")
CODE = typed("123456")


DELETED = Deleted("receipt-1", 1, 1, 2, RETAINED_UNTIL)


async def play(at: ScriptedVisit) -> None:
    await leave(at)
    assert at.stage.over


async def test_a_palm_shows_whose_data_is_to_go_and_it_goes(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (ChooseProof, Choice.USE_PALM),
        (HoldPalm(Purpose.LEAVE), palm),
        (ConfirmDelete(HOLDINGS), Choice.CONFIRM),
        (DELETED, Choice.DONE),
    )
    await play(at)
    (asked,) = canned.requests("POST /deletions")
    assert asked.json == {"identification_id": "identification-1"}


@pytest.mark.parametrize("reads", [True, False])
async def test_the_palm_is_offered_only_while_it_can_be_read(visit: At, *, reads: bool) -> None:
    await play(visit((ChooseProof(reads), Choice.BACK), reads_palms=lambda: reads))


async def test_the_choice_changes_when_the_camera_is_lost_and_when_it_is_back(visit: At) -> None:
    sees = iter([True, False, False, True])
    at = visit((ChooseProof(), WAITS), reads_palms=lambda: next(sees))
    # What it is read from ends after the last change.
    with pytest.raises(RuntimeError):
        await play(at)
    assert at.stage.shown == [ChooseProof(), ChooseProof(reads_palms=False), ChooseProof()]


async def test_a_number_and_its_code_do_as_well(visit: At, canned: CannedService) -> None:
    at = visit(
        (ChooseProof, Choice.USE_NUMBER),
        (EnterPhone("US", "+1", Purpose.LEAVE), NUMBER),
        (EnterCode, CODE),
        (ConfirmDelete, Choice.CONFIRM),
        (DELETED, Choice.DONE),
    )
    await play(at)
    (asked,) = canned.requests("POST /claims")
    assert asked.json == {"phone": "+12025550123", "proof": "code", "purpose": "leave"}


async def test_nothing_goes_without_being_confirmed(visit: At, canned: CannedService) -> None:
    at = visit((ChooseProof, Choice.USE_PALM), (HoldPalm, palm), (ConfirmDelete, Choice.BACK))
    await play(at)
    assert not canned.requests("POST /deletions")


async def test_the_palm_can_be_given_up_for_the_number_and_back_keeps_what_was_typed(
    visit: At,
) -> None:
    at = visit(
        (ChooseProof, Choice.USE_PALM),
        (HoldPalm, Choice.USE_NUMBER),
        (EnterPhone, NUMBER),
        (EnterCode, Choice.BACK),
        (EnterPhone("US", "+1", Purpose.LEAVE, NUMBER.text), Choice.BACK),
        (ChooseProof, Choice.BACK),
    )
    await play(at)


async def test_a_wrong_code_and_an_expired_one_are_asked_for_again(
    visit: At, canned: CannedService
) -> None:
    canned.will(
        "POST /claims/claim-123/code",
        problem(ProblemType.WRONG_CODE, 422, attempts_left=1),
        problem(ProblemType.EXPIRED, 410),
    )
    at = visit(
        (ChooseProof, Choice.USE_NUMBER),
        (EnterPhone, NUMBER),
        (EnterCode, CODE),
        (EnterCode("23", 30, EntryProblem.WRONG_CODE, 1), CODE),
        (EnterCode("23", 30, EntryProblem.EXPIRED), Choice.RESEND),
        (EnterCode("23", 30), CODE),
        (ConfirmDelete, Choice.BACK),
    )
    await play(at)
    assert len(canned.requests("POST /claims")) == 2


async def test_a_palm_that_is_not_known_can_be_tried_again_or_replaced_by_the_number(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", *[identification(Outcome.REFUSED, 2)] * 2)
    at = visit(
        (ChooseProof, Choice.USE_PALM),
        (HoldPalm, palm),
        (NotRecognised(Purpose.LEAVE, 2), Choice.TRY_AGAIN),
        (HoldPalm, palm),
        (NotRecognised, Choice.ANOTHER_WAY),
        (EnterPhone, Choice.BACK),
        (ChooseProof, Choice.BACK),
    )
    await play(at)


async def test_somebody_who_is_not_known_may_rather_join(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.REFUSED, 2))
    at = visit((ChooseProof, Choice.USE_PALM), (HoldPalm, palm), (NotRecognised, Choice.SIGN_UP))
    assert await leave(at) is Choice.SIGN_UP


async def test_a_receipt_can_be_kept_on_the_screen(visit: At) -> None:
    at = visit(
        (ChooseProof, Choice.USE_PALM),
        (HoldPalm, palm),
        (ConfirmDelete, Choice.CONFIRM),
        (DELETED, Choice.STAY),
        (replace(DELETED, stays=True), Choice.DONE),
    )
    await play(at)


async def tries_again(error: Exception) -> bool:
    if isinstance(error, AssertionError):
        raise error
    return True


async def test_a_deletion_whose_answer_is_lost_is_asked_for_again_and_made_once(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /deletions", HangUp(), Reply(500, b""))
    at = visit(
        (ChooseProof, Choice.USE_PALM),
        (HoldPalm, palm),
        (ConfirmDelete, Choice.CONFIRM),
        (DELETED, Choice.DONE),
        recovers=tries_again,
    )
    await play(at)
    asked = canned.requests("POST /deletions")
    assert len(asked) == 3
    assert len({each.headers["idempotency-key"] for each in asked}) == 1


async def test_a_proven_code_outlives_a_failure(visit: At, canned: CannedService) -> None:
    canned.will("GET /identifications/identification-1/holdings", Reply(500, b""))
    at = visit(
        (ChooseProof, Choice.USE_NUMBER),
        (EnterPhone, NUMBER),
        (EnterCode, CODE),
        (ConfirmDelete, Choice.BACK),
        recovers=tries_again,
    )
    await play(at)


async def test_a_palm_that_cannot_be_shown_leads_back_to_the_choice(visit: At) -> None:
    at = visit(
        (ChooseProof, Choice.USE_PALM),
        (HoldPalm, TemporaryFault("Unplugged.", "Plug it in.")),
        (ChooseProof, Choice.USE_NUMBER),
        (EnterPhone, NUMBER),
        (EnterCode, CODE),
        (ConfirmDelete, Choice.BACK),
        recovers=tries_again,
    )
    await play(at)


@pytest.mark.parametrize("lapsed", [ProblemType.EXPIRED, ProblemType.NOT_ACCEPTED])
async def test_confirming_too_late_asks_for_the_proof_again(
    visit: At, canned: CannedService, lapsed: ProblemType
) -> None:
    canned.will("POST /deletions", problem(lapsed, 410))
    at = visit(
        (ChooseProof, Choice.USE_PALM),
        (HoldPalm, palm),
        (ConfirmDelete, Choice.CONFIRM),
        (HoldPalm, palm),
        (ConfirmDelete, Choice.CONFIRM),
        (DELETED, Choice.DONE),
    )
    await play(at)
    asked = canned.requests("POST /deletions")
    # Under the same key the service has an answer already, to another identification.
    assert len({each.headers["idempotency-key"] for each in asked}) == len(asked) == 2


async def test_a_code_that_was_proven_too_long_ago_is_sent_anew(
    visit: At, canned: CannedService
) -> None:
    canned.will("GET /identifications/identification-1/holdings", problem(ProblemType.EXPIRED, 410))
    at = visit(
        (ChooseProof, Choice.USE_NUMBER),
        (EnterPhone, NUMBER),
        (EnterCode, CODE),
        (EnterPhone("US", "+1", Purpose.LEAVE, NUMBER.text), NUMBER),
        (EnterCode, CODE),
        (ConfirmDelete, Choice.BACK),
    )
    await play(at)
    assert len(canned.requests("POST /claims")) == 2


async def test_a_receipt_with_a_wrong_signature_is_not_shown(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /deletions", receipt(erased=["nothing"]))
    at = visit((ChooseProof, Choice.USE_PALM), (HoldPalm, palm), (ConfirmDelete, Choice.CONFIRM))
    with pytest.raises(ForgedReceipt):
        await leave(at)


HOLDS, WITHDRAWS = (
    "GET /identifications/identification-1/holdings",
    "POST /identifications/identification-1/withdrawal",
)
TO_CHOICE = (
    (ChooseProof, Choice.USE_PALM),
    (HoldPalm, palm),
    (ChooseDeletion("Corner Shop", 1), Choice.LEAVE),
)


async def test_whose_palm_is_used_at_other_shops_can_end_it_here_alone(
    visit: At, canned: CannedService
) -> None:
    canned.will(HOLDS, USED_AT_TWO_SHOPS)
    at = visit(*TO_CHOICE, (AgreementEnded("Corner Shop", "receipt-1"), Choice.DONE))
    await play(at)
    assert len(canned.requests(WITHDRAWS)) == 1
    assert not canned.requests("POST /deletions")


@pytest.mark.parametrize(
    ("chosen", "rest"),
    [
        (
            Choice.DELETE,
            [(ConfirmDelete(USED_AT_TWO_SHOPS), Choice.CONFIRM), (Deleted, Choice.DONE)],
        ),
        (Choice.BACK, []),
    ],
)
async def test_or_have_everything_deleted_or_keep_it(
    visit: At, canned: CannedService, chosen: Choice, rest: list[Line]
) -> None:
    canned.will(HOLDS, USED_AT_TWO_SHOPS)
    await play(visit(*TO_CHOICE[:2], (ChooseDeletion, chosen), *rest))
    assert not canned.requests(WITHDRAWS)
    assert len(canned.requests("POST /deletions")) == len(rest) // 2


@pytest.mark.parametrize("elsewhere", [{"agreed": False, "merchants": 2}, {"merchants": 1}])
async def test_who_has_nothing_to_end_here_alone_is_not_asked(
    visit: At, canned: CannedService, elsewhere: dict[str, object]
) -> None:
    held = HOLDINGS.model_copy(update=elsewhere)
    canned.will(HOLDS, held)
    await play(visit(*TO_CHOICE[:2], (ConfirmDelete(held), Choice.BACK)))


async def test_an_end_whose_answer_is_lost_is_asked_for_again_with_its_key(
    visit: At, canned: CannedService
) -> None:
    canned.will(HOLDS, USED_AT_TWO_SHOPS)
    canned.will(WITHDRAWS, HangUp())
    await play(visit(*TO_CHOICE, (AgreementEnded, Choice.DONE)))
    first, again = canned.requests(WITHDRAWS)
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]


async def test_a_proof_that_has_lapsed_meanwhile_is_given_again(
    visit: At, canned: CannedService
) -> None:
    canned.will(HOLDS, USED_AT_TWO_SHOPS, USED_AT_TWO_SHOPS)
    canned.will(WITHDRAWS, problem(ProblemType.EXPIRED))
    await play(visit(*TO_CHOICE, *TO_CHOICE[1:], (AgreementEnded, Choice.DONE)))


async def test_a_forged_receipt_of_an_end_is_not_shown(visit: At, canned: CannedService) -> None:
    canned.will(HOLDS, USED_AT_TWO_SHOPS)
    canned.will(WITHDRAWS, receipt(erased=["something else"]))
    with pytest.raises(ForgedReceipt):
        await play(visit(*TO_CHOICE))
