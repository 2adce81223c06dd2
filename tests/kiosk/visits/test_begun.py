"""Finishing at the kiosk what was begun on a phone, played from a script with a canned service."""

from collections.abc import Callable

import pytest

from kiosk.screens import (
    AlreadyKnown,
    AskConsent,
    Choice,
    EnterBegun,
    EnterCode,
    EnterPhone,
    EntryProblem,
    HoldPalm,
    Known,
    OfferSecondPalm,
    PresentCard,
    ScanBegun,
    SignedUp,
)
from kiosk.service.errors import Refused
from kiosk.visits.enrol import enrol
from protocol.documents import digest_of
from protocol.messages import BEGUN_MARK, PhoneVerified, ProblemType
from tests.support.canned import CONSENT, CannedService, begun, problem
from tests.support.scripted import WAITS, Line, ScriptedCodes, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]

CODE, OTHER = "482109375518", "000000000017"
SIX = typed("123456")
WRONG = EntryProblem.WRONG_CODE
TO_SCAN: list[Line] = [(AskConsent(CONSENT), Choice.BEGUN)]
TO_CODE: list[Line] = [*TO_SCAN, (ScanBegun(), WAITS)]
TO_PALM: list[Line] = [*TO_CODE, (EnterCode("23", 30), SIX)]
DONE: list[Line] = [(HoldPalm, palm), (OfferSecondPalm, Choice.SKIP), (SignedUp, Choice.DONE)]
PICKED_UP = "POST /begun-enrolments"
AGREED = "PUT /enrolments/enrolment-1/agreement"
GIVEN_UP = "DELETE /enrolments/enrolment-1"


def shown(*codes: str) -> ScriptedCodes:
    """Returns a code reader before which phones with these codes are held."""
    return ScriptedCodes(*(BEGUN_MARK + code for code in codes))


def picked_up(canned: CannedService) -> list[str]:
    return [asked.json["code"] for asked in canned.requests(PICKED_UP)]


async def play(at: ScriptedVisit) -> None:
    await enrol(at)
    assert at.stage.over


async def test_a_code_that_is_shown_and_the_message_lead_straight_to_the_palm(
    visit: At, canned: CannedService
) -> None:
    await play(visit(*TO_PALM, *DONE, codes=shown(CODE)))
    assert picked_up(canned) == [CODE]
    assert not canned.requests("POST /enrolments")
    assert not canned.requests("POST /enrolments/enrolment-1/card")
    assert not canned.requests(AGREED)
    assert not canned.requests(GIVEN_UP)


async def test_the_digits_can_be_typed_instead(visit: At, canned: CannedService) -> None:
    at = visit(
        *TO_SCAN,
        (ScanBegun(), Choice.USE_NUMBER),
        (EnterBegun(), typed("4821")),
        (EnterBegun(WRONG), typed(CODE)),
        (EnterCode, SIX),
        *DONE,
    )
    await play(at)
    assert picked_up(canned) == [CODE]


async def test_only_what_is_missing_is_asked_for(visit: At, canned: CannedService) -> None:
    canned.will(PICKED_UP, begun(agreed=False, has_card=False))
    at = visit(
        *TO_PALM,
        (AskConsent(CONSENT, begun=True), Choice.AGREE),
        (PresentCard, WAITS),
        *DONE,
        codes=shown(CODE),
    )
    await play(at)
    (asked,) = canned.requests(AGREED)
    assert asked.json["texts"] == [digest_of(CONSENT)]


async def test_who_does_not_agree_here_goes_back_and_gives_no_palm(
    visit: At, canned: CannedService
) -> None:
    canned.will(PICKED_UP, begun(agreed=False))
    at = visit(
        *TO_PALM,
        (AskConsent(CONSENT, begun=True), Choice.BACK),
        (ScanBegun(), Choice.BACK),
        (AskConsent(CONSENT), Choice.BACK),
        codes=shown(CODE),
    )
    await play(at)
    assert not canned.requests(AGREED)
    assert canned.requests(GIVEN_UP), "the kiosk has nothing of it any more"


@pytest.mark.parametrize("other", ["4006381333931", "482109375518", "PALM-BEGUN 48210937551", ""])
async def test_another_code_is_not_sent(visit: At, canned: CannedService, other: str) -> None:
    codes = ScriptedCodes(other, other, BEGUN_MARK + CODE)
    at = visit(*TO_CODE, (ScanBegun(WRONG), WAITS), (EnterCode, SIX), *DONE, codes=codes)
    await play(at)
    assert picked_up(canned) == [CODE]


async def test_a_code_that_is_over_is_told_once_and_another_one_is_read(
    visit: At, canned: CannedService
) -> None:
    canned.will(PICKED_UP, problem(ProblemType.WRONG_CODE, 403))
    codes = shown(OTHER, OTHER, CODE)
    at = visit(*TO_CODE, (ScanBegun(WRONG), WAITS), (EnterCode, SIX), *DONE, codes=codes)
    await play(at)
    assert picked_up(canned) == [OTHER, CODE]


async def test_too_many_wrong_codes_end_the_visit(visit: At, canned: CannedService) -> None:
    canned.will(PICKED_UP, problem(ProblemType.TOO_MANY_ATTEMPTS, 429, retry_after=60))
    with pytest.raises(Refused):
        await enrol(visit(*TO_CODE, codes=shown(CODE)))


async def test_a_message_that_cannot_be_sent_is_told_and_the_code_is_read_again(
    visit: At, canned: CannedService
) -> None:
    canned.will(PICKED_UP, *[problem(ProblemType.PROVIDER_UNAVAILABLE, 503)] * 99)

    def mended() -> object:
        canned.forget(PICKED_UP)
        return WAITS

    told = ScanBegun(EntryProblem.NOT_SENT)
    at = visit(*TO_CODE, (told, mended), (EnterCode, SIX), *DONE, codes=shown(CODE, CODE))
    await play(at)


async def test_back_from_the_message_and_the_same_code_sends_no_other_message(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        *TO_CODE,
        (EnterCode, Choice.BACK),
        (ScanBegun(), WAITS),
        (EnterCode, SIX),
        *DONE,
        codes=shown(CODE, CODE),
    )
    await play(at)
    assert picked_up(canned) == [CODE]


async def test_who_would_rather_begin_here_gives_back_what_was_picked_up(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        *TO_CODE,
        (EnterCode, Choice.BACK),
        (ScanBegun(), Choice.BACK),
        (AskConsent(CONSENT), Choice.AGREE),
        (EnterPhone, typed("2025550123")),
        (EnterCode, SIX),
        (PresentCard, WAITS),
        *DONE,
        codes=shown(CODE),
    )
    await play(at)
    assert len(canned.requests(GIVEN_UP)) == 1
    assert len(canned.requests("POST /enrolments")) == 1


async def test_who_gave_a_number_here_first_loses_that_and_finishes_what_was_begun(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (AskConsent(CONSENT), Choice.AGREE),
        (EnterPhone, typed("2025550123")),
        (EnterCode, Choice.BACK),
        (EnterPhone, Choice.BACK),
        *TO_PALM,
        *DONE,
        codes=shown(CODE),
    )
    await play(at)
    assert len(canned.requests(GIVEN_UP)) == 1


async def test_a_sign_up_that_another_kiosk_has_now_is_picked_up_again(
    visit: At, canned: CannedService
) -> None:
    async def goes_on(error: Exception) -> bool:
        return isinstance(error, Refused)

    canned.will("POST /enrolments/enrolment-1/palms", problem(ProblemType.NOT_FOUND, 404))
    at = visit(
        *TO_PALM,
        (HoldPalm, palm),
        (ScanBegun(), WAITS),
        (EnterCode, SIX),
        *DONE,
        codes=shown(CODE, CODE),
        recovers=goes_on,
    )
    await play(at)
    assert picked_up(canned) == [CODE, CODE]


async def test_a_number_that_has_an_account_by_now_is_told(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /enrolments/enrolment-1/code", PhoneVerified(known=True))
    at = visit(*TO_PALM, (AlreadyKnown(Known.PHONE), Choice.DONE), codes=shown(CODE))
    await play(at)
