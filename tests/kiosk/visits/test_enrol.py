"""Sign-up, played from a script with a canned service."""

from collections.abc import Callable

import pytest

from hardware.faults import PermanentFault, TemporaryFault
from hardware.terminal import CardUnreadable, SimulatedTerminal, TestCard
from kiosk.capture.guidance import Instruction
from kiosk.idle import Withdrawn
from kiosk.screens import (
    AlreadyKnown,
    AskConsent,
    CardProblem,
    Choice,
    EnterCode,
    EnterPhone,
    EntryProblem,
    HoldPalm,
    Known,
    OfferSecondPalm,
    PresentCard,
    SignedUp,
    TroubleKind,
)
from kiosk.service.errors import Refused, ServiceUnavailable
from kiosk.stage import WalkedAway
from kiosk.visits.enrol import enrol
from kiosk.visits.visit import Troubled
from protocol.documents import digest_of
from protocol.envelope import open_envelope
from protocol.messages import (
    ConsentTexts,
    PalmAccepted,
    PhoneVerified,
    ProblemType,
    Purpose,
    Side,
)
from tests.support.canned import CONSENT, VAULT, VISA, CannedService, HangUp, Reply, problem
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]

NUMBER = typed("2025550123")
CODE = typed("123456")
TO_CODE: list[Line] = [(AskConsent, Choice.AGREE), (EnterPhone, NUMBER)]
LEAVES: list[Line] = [
    (EnterCode, Choice.BACK),
    (EnterPhone, Choice.BACK),
    (AskConsent, Choice.BACK),
]
TO_CARD: list[Line] = [*TO_CODE, (EnterCode, CODE)]
TO_PALM: list[Line] = [*TO_CARD, (PresentCard, WAITS)]
DONE: list[Line] = [(OfferSecondPalm, Choice.SKIP), (SignedUp, Choice.DONE)]
GIVEN_UP = "DELETE /enrolments/enrolment-1"
COMPLETED = "POST /enrolments/enrolment-1/completion"
HAPPY_PALM = PalmAccepted(side=Side.LEFT, palms=[Side.LEFT])


async def play(at: ScriptedVisit) -> None:
    await enrol(at)
    assert at.stage.over


async def test_a_shopper_signs_up_with_number_code_card_and_palm(
    visit: At, canned: CannedService
) -> None:
    at = visit(*TO_PALM, (HoldPalm, palm), *DONE)
    await play(at)

    (asked,) = canned.requests("POST /enrolments")
    assert asked.json["phone"] == "+12025550123"
    assert asked.json["consent"]["texts"] == [digest_of(CONSENT)]
    assert asked.json["consent"]["signature"] is None
    (asked,) = canned.requests("POST /enrolments/enrolment-1/card")
    assert asked.json == {"token": "tok_visa", "holder": "Alex Doe"}
    signed_up = at.stage.shown[-1]
    assert signed_up == SignedUp("Alex D.", "0123", VISA, (Side.LEFT,))
    assert not canned.requests(GIVEN_UP)


async def test_each_text_is_agreed_to_by_itself_and_back_leads_to_the_one_before(
    visit: At, canned: CannedService
) -> None:
    texts = [CONSENT, CONSENT.model_copy(update={"title": "May we share this with others?"})]
    canned.will("GET /consents", ConsentTexts(texts=texts))
    keeping, sharing = map(AskConsent, texts)
    at = visit(
        (keeping, Choice.AGREE),
        (sharing, Choice.BACK),
        (keeping, Choice.AGREE),
        (sharing, Choice.AGREE),
        (EnterPhone, Choice.BACK),
        (AskConsent, Choice.BACK),
    )
    assert await enrol(at) is None
    canned.will("GET /consents", ConsentTexts(texts=texts))
    await enrol(visit((keeping, Choice.AGREE), (sharing, Choice.AGREE), *TO_CODE[1:], *LEAVES))
    (asked,) = canned.requests("POST /enrolments")
    assert asked.json["consent"]["texts"] == [digest_of(text) for text in texts]


async def test_a_release_is_signed(visit: At, canned: CannedService) -> None:
    release = CONSENT.model_copy(update={"release": True})
    canned.will("GET /consents", ConsentTexts(texts=[release]))
    await enrol(visit((AskConsent(release), Choice.AGREE), *TO_CODE[1:], *LEAVES))
    (asked,) = canned.requests("POST /enrolments")
    assert asked.json["consent"]["signature"] == "held"


async def test_a_text_that_has_changed_meanwhile_is_shown(visit: At, canned: CannedService) -> None:
    changed = CONSENT.model_copy(update={"version": "2031-01"})
    canned.will("GET /consents", ConsentTexts(texts=[CONSENT]), ConsentTexts(texts=[changed]))
    canned.will("POST /enrolments", problem(ProblemType.CONFLICT))
    at = visit(*TO_CODE, (AskConsent(changed), Choice.AGREE), (EnterPhone, NUMBER), *LEAVES)
    await enrol(at)
    _, asked = canned.requests("POST /enrolments")
    assert asked.json["consent"]["texts"] == [digest_of(changed)]


async def test_a_palm_travels_sealed_for_this_visit_and_purpose(
    visit: At, canned: CannedService
) -> None:
    at = visit(*TO_PALM, (HoldPalm, palm), *DONE)
    await play(at)
    (asked,) = canned.requests("POST /enrolments/enrolment-1/palms")
    context, capture = open_envelope(asked.body, {VAULT.public.key_id: VAULT})
    assert (context.visit_id, context.purpose) == ("enrolment-1", Purpose.ENROL)
    assert context.device_id == at.service.identity.device_id
    assert b"not a palm" in capture


async def test_the_second_palm_asked_for_is_of_the_other_hand(
    visit: At, canned: CannedService
) -> None:
    both = PalmAccepted(side=Side.RIGHT, palms=[Side.LEFT, Side.RIGHT])
    first = PalmAccepted(side=Side.LEFT, palms=[Side.LEFT])
    canned.will("POST /enrolments/enrolment-1/palms", first, both)
    at = visit(
        *TO_PALM,
        (HoldPalm(Purpose.ENROL), palm),
        (OfferSecondPalm(Side.LEFT), Choice.ADD),
        (HoldPalm(Purpose.ENROL, side=Side.RIGHT), palm),
        (SignedUp, Choice.DONE),
    )
    await play(at)


async def test_back_from_the_second_palm_offers_it_again(visit: At) -> None:
    at = visit(
        *TO_PALM,
        (HoldPalm, palm),
        (OfferSecondPalm, Choice.ADD),
        (HoldPalm, Choice.BACK),
        *DONE,
    )
    await play(at)


async def test_back_leads_from_every_question_to_the_one_before_and_keeps_what_was_typed(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (AskConsent, Choice.AGREE),
        (EnterPhone("US", "+1", Purpose.ENROL), Choice.BACK),
        (AskConsent, Choice.AGREE),
        (EnterPhone, NUMBER),
        (EnterCode, Choice.BACK),
        (EnterPhone("US", "+1", Purpose.ENROL, typed=NUMBER.text), NUMBER),
        (EnterCode, Choice.BACK),
        (EnterPhone, Choice.BACK),
        (AskConsent, Choice.BACK),
    )
    await play(at)
    assert len(canned.requests("POST /enrolments")) == 1, "the same number has its code already"


async def test_back_from_the_card_skips_the_code_that_was_right(
    visit: At, terminal: SimulatedTerminal
) -> None:
    terminal.unplug()

    def plug_in() -> Choice:
        terminal.plug_in()
        return Choice.BACK

    at = visit(
        *TO_CARD,
        (PresentCard, plug_in),
        (EnterPhone, NUMBER),
        (PresentCard, WAITS),
        (HoldPalm, palm),
        *DONE,
    )
    await play(at)


async def test_another_number_starts_anew_and_erases_what_was_given_for_the_first(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        *TO_CODE,
        (EnterCode, Choice.BACK),
        (EnterPhone, typed("2025550188")),
        (EnterCode, Choice.BACK),
        (EnterPhone, Choice.BACK),
        (AskConsent, Choice.BACK),
    )
    await play(at)
    phones = [asked.json["phone"] for asked in canned.requests("POST /enrolments")]
    assert phones == ["+12025550123", "+12025550188"]
    assert len(canned.requests(GIVEN_UP)) == 2


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", EntryProblem.NOT_A_NUMBER),
        ("12", EntryProblem.NOT_A_NUMBER),
        ("0000000000", EntryProblem.NOT_A_NUMBER),
        ("8002255288", EntryProblem.NOT_MOBILE),
    ],
)
async def test_a_number_that_is_no_mobile_number_is_asked_for_again(
    visit: At, canned: CannedService, text: str, wrong: EntryProblem
) -> None:
    again = EnterPhone("US", "+1", Purpose.ENROL, text, wrong)
    at = visit(
        (AskConsent, Choice.AGREE),
        (EnterPhone, typed(text)),
        (again, Choice.BACK),
        (AskConsent, Choice.BACK),
    )
    await play(at)
    assert not canned.requests("POST /enrolments")


async def test_a_number_the_service_does_not_take_is_asked_for_again(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /enrolments", problem(ProblemType.PHONE_NOT_ACCEPTED, 422))
    again = EnterPhone("US", "+1", Purpose.ENROL, NUMBER.text, EntryProblem.NOT_MOBILE)
    at = visit(*TO_CODE, (again, Choice.BACK), (AskConsent, Choice.BACK))
    await play(at)


async def test_a_code_that_cannot_be_sent_is_said_where_the_number_is(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /enrolments", *[problem(ProblemType.PROVIDER_UNAVAILABLE, 503)] * 99)
    again = EnterPhone("US", "+1", Purpose.ENROL, NUMBER.text, EntryProblem.NOT_SENT)
    at = visit(*TO_CODE, (again, Choice.BACK), (AskConsent, Choice.BACK))
    await play(at)


async def test_a_wrong_code_tells_how_many_attempts_are_left(
    visit: At, canned: CannedService
) -> None:
    canned.will(
        "POST /enrolments/enrolment-1/code",
        problem(ProblemType.WRONG_CODE, 422, attempts_left=2),
    )
    at = visit(
        *TO_CODE,
        (EnterCode("23", 30), CODE),
        (EnterCode("23", 30, EntryProblem.WRONG_CODE, 2), CODE),
        (PresentCard, WAITS),
        (HoldPalm, palm),
        *DONE,
    )
    await play(at)


async def test_an_expired_code_can_be_sent_again(visit: At, canned: CannedService) -> None:
    canned.will("POST /enrolments/enrolment-1/code", problem(ProblemType.EXPIRED, 410))
    at = visit(
        *TO_CARD,
        (EnterCode("23", 30, EntryProblem.EXPIRED), Choice.RESEND),
        (EnterCode("23", 60), CODE),
        (PresentCard, WAITS),
        (HoldPalm, palm),
        *DONE,
    )
    await play(at)


async def test_too_many_wrong_codes_end_the_visit(visit: At, canned: CannedService) -> None:
    canned.will("POST /enrolments/enrolment-1/code", problem(ProblemType.TOO_MANY_ATTEMPTS, 429))
    with pytest.raises(Refused) as refused:
        await enrol(visit(*TO_CARD))
    assert refused.value.type is ProblemType.TOO_MANY_ATTEMPTS
    assert canned.requests(GIVEN_UP)


async def test_a_known_number_is_told_kindly(visit: At, canned: CannedService) -> None:
    canned.will("POST /enrolments/enrolment-1/code", PhoneVerified(known=True))
    at = visit(*TO_CARD, (AlreadyKnown(Known.PHONE), Choice.DONE))
    await play(at)
    assert canned.requests(GIVEN_UP), "what was given is erased"


async def test_a_known_palm_is_told_kindly_and_its_owner_may_rather_leave(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /enrolments/enrolment-1/palms", problem(ProblemType.PALM_KNOWN))
    at = visit(
        *TO_PALM,
        (HoldPalm, palm),
        (AlreadyKnown(Known.PALM), Choice.DELETE),
    )
    assert await enrol(at) is Choice.DELETE
    assert canned.requests(GIVEN_UP)


async def test_a_refused_card_is_asked_for_again(visit: At, canned: CannedService) -> None:
    canned.will("POST /enrolments/enrolment-1/card", problem(ProblemType.CARD_REFUSED, 402))
    at = visit(*TO_PALM, (PresentCard(CardProblem.REFUSED), WAITS), (HoldPalm, palm), *DONE)
    await play(at)


async def test_a_card_that_is_not_read_is_asked_for_while_the_terminal_waits(
    visit: At, terminal: SimulatedTerminal
) -> None:
    terminal.fail_next(CardUnreadable())
    at = visit(*TO_PALM, (HoldPalm, palm), *DONE)
    await play(at)
    assert PresentCard(CardProblem.NOT_READ) in at.stage.shown


async def test_an_unplugged_terminal_is_waited_for(visit: At, terminal: SimulatedTerminal) -> None:
    terminal.fail_next(TemporaryFault("Unplugged.", "Plug it in."))
    at = visit(*TO_PALM, (HoldPalm, palm), *DONE)
    await play(at)
    assert PresentCard(CardProblem.TERMINAL) in at.stage.shown


async def test_a_broken_terminal_ends_the_visit(visit: At, terminal: SimulatedTerminal) -> None:
    terminal.fail_next(PermanentFault("Broken.", "Replace it."))
    with pytest.raises(Troubled) as troubled:
        await enrol(visit(*TO_PALM))
    assert troubled.value.kind is TroubleKind.TERMINAL


async def test_the_same_palm_twice_is_answered_with_the_other_hand(
    visit: At, canned: CannedService
) -> None:
    first = PalmAccepted(side=Side.LEFT, palms=[Side.LEFT])
    canned.will("POST /enrolments/enrolment-1/palms", first, problem(ProblemType.SAME_PALM_TWICE))

    at = visit(
        *TO_PALM,
        (HoldPalm, palm),
        (OfferSecondPalm, Choice.ADD),
        (HoldPalm, palm),
        (HoldPalm, Choice.BACK),
        *DONE,
    )
    await play(at)
    holds = [screen for screen in at.stage.shown if isinstance(screen, HoldPalm)]
    assert holds[-1].guidance.instruction is Instruction.OTHER_HAND


async def test_an_unusable_palm_is_shown_again(visit: At, canned: CannedService) -> None:
    canned.will("POST /enrolments/enrolment-1/palms", problem(ProblemType.PALM_UNUSABLE, 422))
    again = HoldPalm(Purpose.ENROL, unclear=True)
    await play(visit(*TO_PALM, (HoldPalm, palm), (again, palm), *DONE))


async def test_what_was_not_seen_to_be_alive_is_asked_for_again_kindly(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /enrolments/enrolment-1/palms", problem(ProblemType.PALM_NOT_LIVE, 422))
    again = HoldPalm(Purpose.ENROL, lifeless=True)
    await play(visit(*TO_PALM, (HoldPalm, palm), (again, palm), *DONE))


async def test_who_was_not_surely_alive_is_asked_to_hold_a_little_longer(
    visit: At, canned: CannedService
) -> None:
    canned.will(
        "POST /enrolments/enrolment-1/palms",
        problem(ProblemType.HOLD_LONGER),
        problem(ProblemType.PALM_NOT_LIVE, 422),
    )
    longer = HoldPalm(Purpose.ENROL, longer=True)
    again = HoldPalm(Purpose.ENROL, lifeless=True, longer=True)
    await play(visit(*TO_PALM, (HoldPalm, palm), (longer, palm), (again, palm), *DONE))


@pytest.mark.parametrize("lines", range(1, len(TO_PALM) + 2))
async def test_leaving_before_the_first_palm_erases_what_was_given(
    visit: At, canned: CannedService, lines: int
) -> None:
    script: list[Line] = [*TO_PALM, (HoldPalm, palm)]
    screen, _ = script[lines - 1]
    with pytest.raises(WalkedAway):
        await enrol(visit(*script[: lines - 1], (screen, WalkedAway())))
    started = bool(canned.requests("POST /enrolments"))
    assert bool(canned.requests(GIVEN_UP)) is started
    assert not canned.requests(COMPLETED)


SECOND: list[Line] = [(OfferSecondPalm, Choice.ADD), (HoldPalm, palm)]


@pytest.mark.parametrize("end", [WalkedAway(), Withdrawn()], ids=["idle", "withdrawn"])
@pytest.mark.parametrize("lines", range(1, len(SECOND) + 1))
async def test_the_account_stands_however_the_shopper_leaves_after_the_first_palm(
    visit: At, canned: CannedService, lines: int, end: Exception
) -> None:
    screen, _ = SECOND[lines - 1]
    at = visit(*TO_PALM, (HoldPalm, palm), *SECOND[: lines - 1], (screen, end))
    with pytest.raises(type(end)):
        await enrol(at)
    assert len(canned.requests(COMPLETED)) == 1
    assert not canned.requests(GIVEN_UP)


async def test_the_account_stands_before_the_second_palm_is_offered(
    visit: At, canned: CannedService
) -> None:
    def completed() -> Choice:
        assert canned.requests(COMPLETED)
        return Choice.SKIP

    await play(visit(*TO_PALM, (HoldPalm, palm), (OfferSecondPalm, completed), *DONE[1:]))


async def test_a_second_palm_is_added_to_the_account_and_told(
    visit: At, canned: CannedService
) -> None:
    both = PalmAccepted(side=Side.RIGHT, palms=[Side.LEFT, Side.RIGHT])
    canned.will("POST /enrolments/enrolment-1/palms", HAPPY_PALM, both)
    signed_up = SignedUp("Alex D.", "0123", VISA, (Side.LEFT, Side.RIGHT))
    at = visit(*TO_PALM, (HoldPalm, palm), *SECOND, (signed_up, Choice.DONE))
    await play(at)
    assert len(canned.requests(COMPLETED)) == 1


async def test_a_second_palm_that_belongs_to_another_account_leaves_the_account_as_it_is(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /enrolments/enrolment-1/palms", HAPPY_PALM, problem(ProblemType.PALM_KNOWN))
    at = visit(*TO_PALM, (HoldPalm, palm), *SECOND, (SignedUp, Choice.DONE))
    await play(at)
    assert not canned.requests(GIVEN_UP)


async def test_a_palm_that_somebody_signed_up_with_meanwhile_is_told_kindly(
    visit: At, canned: CannedService
) -> None:
    canned.will(COMPLETED, problem(ProblemType.PALM_KNOWN))
    await play(visit(*TO_PALM, (HoldPalm, palm), (AlreadyKnown(Known.PALM), Choice.DONE)))
    assert canned.requests(GIVEN_UP)


# Resuming at the step that failed


class Shown:
    """Tells a shopper of failures, who wants to try again as often as it takes or not at all."""

    def __init__(self, *, again: bool) -> None:
        self.again = again
        self.errors: list[Exception] = []

    async def __call__(self, error: Exception) -> bool:
        if isinstance(error, AssertionError | WalkedAway):
            raise error
        self.errors.append(error)
        return self.again


UNPLUGGED = TemporaryFault("Unplugged.", "Plug it in.")


async def test_a_camera_that_fails_takes_nothing_that_was_given_before(
    visit: At, canned: CannedService
) -> None:
    failed = Shown(again=True)
    at = visit(*TO_PALM, (HoldPalm, UNPLUGGED), (HoldPalm, palm), *DONE, recovers=failed)
    await play(at)
    assert failed.errors == [UNPLUGGED]
    for given in ("POST /enrolments", "POST /enrolments/enrolment-1/card"):
        assert len(canned.requests(given)) == 1
    assert not canned.requests(GIVEN_UP)


@pytest.mark.parametrize(
    ("request_", "again"),
    [
        ("POST /enrolments", (EnterPhone, NUMBER)),
        ("POST /enrolments/enrolment-1/code", (EnterCode, CODE)),
        ("POST /enrolments/enrolment-1/card", (PresentCard, WAITS)),
        ("POST /enrolments/enrolment-1/palms", (HoldPalm, palm)),
        ("POST /enrolments/enrolment-1/completion", None),
    ],
)
async def test_a_service_that_fails_has_only_the_step_done_again_that_failed(
    visit: At, canned: CannedService, request_: str, again: Line | None
) -> None:
    canned.will(request_, Reply(500, b""))
    script: list[Line] = [*TO_PALM, (HoldPalm, palm), *DONE]
    if again is not None:
        script.insert(script.index(again) + 1, again)
    failed = Shown(again=True)
    await play(visit(*script, recovers=failed))
    assert [type(error) for error in failed.errors] == [ServiceUnavailable]
    assert not canned.requests(GIVEN_UP)


async def test_a_completion_whose_answer_is_lost_is_asked_for_again_with_the_same_key(
    visit: At, canned: CannedService
) -> None:
    canned.will(COMPLETED, *[HangUp()] * 3, Reply(500, b""))
    await play(visit(*TO_PALM, (HoldPalm, palm), *DONE, recovers=Shown(again=True)))
    keys = {asked.headers["idempotency-key"] for asked in canned.requests(COMPLETED)}
    assert len(keys) == 1


async def test_a_palm_whose_answer_was_lost_is_known_to_be_there_when_it_is_shown_again(
    visit: At, canned: CannedService
) -> None:
    canned.will(
        "POST /enrolments/enrolment-1/palms",
        Reply(500, b""),
        problem(ProblemType.SAME_PALM_TWICE),
    )
    script: list[Line] = [*TO_PALM, (HoldPalm, palm), (HoldPalm, palm), *DONE]
    await play(visit(*script, recovers=Shown(again=True)))


async def test_who_stops_at_a_failure_leaves_nothing(visit: At, canned: CannedService) -> None:
    await play(visit(*TO_PALM, (HoldPalm, UNPLUGGED), recovers=Shown(again=False)))
    assert canned.requests(GIVEN_UP)
    assert not canned.requests(COMPLETED)


async def test_who_stops_at_a_failure_of_the_second_palm_reads_that_the_account_stands(
    visit: At, canned: CannedService
) -> None:
    script: list[Line] = [*TO_PALM, (HoldPalm, palm), SECOND[0], (HoldPalm, UNPLUGGED), DONE[1]]
    await play(visit(*script, recovers=Shown(again=False)))
    assert not canned.requests(GIVEN_UP)


@pytest.mark.parametrize("lapsed", [ProblemType.EXPIRED, ProblemType.NOT_FOUND])
async def test_an_enrolment_that_has_lapsed_is_begun_again_at_the_number(
    visit: At, canned: CannedService, lapsed: ProblemType
) -> None:
    canned.will("POST /enrolments/enrolment-1/palms", problem(lapsed, 410))
    typed_before = EnterPhone("US", "+1", Purpose.ENROL, NUMBER.text)
    at = visit(
        *TO_PALM,
        (HoldPalm, palm),
        (typed_before, NUMBER),
        (EnterCode, CODE),
        (PresentCard, WAITS),
        (HoldPalm, palm),
        *DONE,
        recovers=Shown(again=True),
    )
    await play(at)
    assert len(canned.requests("POST /enrolments")) == 2


async def test_every_card_of_the_simulated_terminal_comes_without_its_number(
    terminal: SimulatedTerminal,
) -> None:
    for card in TestCard:
        terminal.tap(card)
    assert not any(char.isdigit() for char in repr(await terminal.read_card()))
