"""The shopper's cards: added, removed and put first at the kiosk."""

from collections.abc import Callable

import pytest

from hardware.terminal import SimulatedTerminal, StripeReader
from kiosk.qr_code import qr_code
from kiosk.screens import (
    AskMerchantConsent,
    CardProblem,
    Choice,
    EnterPhone,
    HoldPalm,
    NotRecognised,
    PresentCard,
    SaveCardByPhone,
    ShowCard,
    ShowCards,
    StepUp,
)
from kiosk.stage import WalkedAway
from kiosk.visits.wallet import change_cards
from protocol.messages import (
    Card,
    CardPageState,
    CardReadingState,
    Outcome,
    OwnCard,
    ProblemType,
    Purpose,
    ReaderFault,
    Wallet,
)
from tests.support.canned import (
    CONSENT,
    VISA,
    WALLET,
    CannedService,
    Reply,
    card_page,
    identification,
    problem,
)
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]

MASTERCARD = Card(brand="mastercard", last4="4444")
BOTH = Wallet(cards=[*WALLET.cards, OwnCard(card_id="the-mastercard", card=MASTERCARD)], full=False)
TURNED = Wallet(cards=BOTH.cards[::-1], full=False)
HOLD = HoldPalm(Purpose.CARDS, merchant="Corner Shop")
ONE, TWO = ShowCards((VISA,), full=False), ShowCards((VISA, MASTERCARD), full=False)
OTHER = ShowCard(MASTERCARD, is_first=False, is_only=False)
CODE = SaveCardByPhone(qr_code("https://pages.test/page-one"), adding=True)
CARDS = "/identifications/identification-1/cards"
SHOWS, TAPS, OPENS = f"GET {CARDS}", f"POST {CARDS}", f"POST {CARDS}/pages"
LOOKS = f"GET {CARDS}/pages/page-one"
ADDING = PresentCard(adding=True)
BEGINS, STOPS = f"POST {CARDS}/readings", f"DELETE {CARDS}/readings"
LOOKS_AT_READER = f"GET {CARDS}/readings/reading-one"
WAITING = CardReadingState(state="waiting")
EXPIRED = problem(ProblemType.EXPIRED, 410)


async def play(visit: ScriptedVisit) -> Choice | None:
    wanted = await change_cards(visit)
    assert visit.stage.over
    return wanted


async def test_a_card_is_added_by_a_tap_and_shown(visit: At, canned: CannedService) -> None:
    canned.will(SHOWS, WALLET, BOTH)
    await play(
        visit(
            (HOLD, palm),
            (ONE, Choice.ADD),
            (PresentCard(adding=True), WAITS),
            (TWO, Choice.DONE),
        )
    )
    (asked,) = canned.requests(TAPS)
    assert asked.json["token"].startswith("tok_")


async def test_a_card_that_is_refused_is_asked_for_again(visit: At, canned: CannedService) -> None:
    canned.will(TAPS, problem(ProblemType.CARD_REFUSED))
    await play(
        visit(
            (HOLD, palm),
            (ONE, Choice.ADD),
            (PresentCard(adding=True), WAITS),
            (PresentCard(CardProblem.REFUSED, adding=True), WAITS),
            (ONE, Choice.DONE),
        )
    )


async def test_going_back_from_the_terminal_adds_nothing(
    visit: At, canned: CannedService, terminal: SimulatedTerminal
) -> None:
    terminal.unplug()
    await play(
        visit((HOLD, palm), (ONE, Choice.ADD), (PresentCard, Choice.BACK), (ONE, Choice.DONE))
    )
    assert not canned.requests(TAPS)


async def test_without_a_terminal_a_card_is_added_by_phone(
    visit: At, canned: CannedService
) -> None:
    canned.will(SHOWS, WALLET, BOTH)
    canned.will(LOOKS, CardPageState(state="open"))
    lines: list[Line] = [(HOLD, palm), (ONE, Choice.ADD), (CODE, WAITS), (TWO, Choice.DONE)]
    await play(visit(*lines, terminal=None))
    assert len(canned.requests(LOOKS)) == 2


async def test_two_cards_are_added_on_two_pages(visit: At, canned: CannedService) -> None:
    canned.will(OPENS, card_page(), card_page("page-two"))
    canned.will(LOOKS.replace("one", "two"), CardPageState(state="saved"))
    second = SaveCardByPhone(qr_code("https://pages.test/page-two"), adding=True)
    await play(
        visit(
            (HOLD, palm),
            (ONE, Choice.ADD),
            (CODE, WAITS),
            (ONE, Choice.ADD),
            (second, WAITS),
            (ONE, Choice.DONE),
            terminal=None,
        )
    )


async def test_who_types_for_long_shows_the_palm_again_and_the_same_page_stays_open(
    visit: At, canned: CannedService
) -> None:
    canned.will(LOOKS, EXPIRED)
    await play(
        visit(
            (HOLD, palm),
            (ONE, Choice.ADD),
            (CODE, WAITS),
            (HOLD, palm),
            (CODE, WAITS),
            (ONE, Choice.DONE),
            terminal=None,
        )
    )
    assert len(canned.requests(OPENS)) == 1


# At a reader that the service drives


@pytest.fixture
def at_reader(visit: At) -> At:
    return lambda *script: visit(*script, terminal=StripeReader("tmr_Counter1"))


async def test_a_card_is_added_at_the_kiosks_reader(at_reader: At, canned: CannedService) -> None:
    canned.will(SHOWS, WALLET, BOTH)
    canned.will(LOOKS_AT_READER, WAITING)
    await play(at_reader((HOLD, palm), (ONE, Choice.ADD), (ADDING, WAITS), (TWO, Choice.DONE)))
    (asked,) = canned.requests(BEGINS)
    assert asked.json == {"reader": "tmr_Counter1"}
    assert not canned.requests(OPENS)
    assert not canned.requests(STOPS)


async def test_a_card_that_the_reader_has_not_read_is_asked_for_again(
    at_reader: At, canned: CannedService
) -> None:
    canned.will(LOOKS_AT_READER, CardReadingState(state="not_read"))
    again = PresentCard(CardProblem.NOT_READ, adding=True)
    await play(
        at_reader(
            (HOLD, palm), (ONE, Choice.ADD), (ADDING, WAITS), (again, WAITS), (ONE, Choice.DONE)
        )
    )


@pytest.mark.parametrize("leaves", [Choice.BACK, WalkedAway()], ids=["back", "gone"])
async def test_who_leaves_the_reader_leaves_it_waiting_for_nobody(
    at_reader: At, canned: CannedService, leaves: Choice | WalkedAway
) -> None:
    canned.will(LOOKS_AT_READER, *[WAITING] * 3)
    lines: list[Line] = [(HOLD, palm), (ONE, Choice.ADD), (ADDING, leaves)]
    if leaves is Choice.BACK:
        await play(at_reader(*lines, (ONE, Choice.DONE)))
    else:
        with pytest.raises(WalkedAway):
            await play(at_reader(*lines))
    assert len(canned.requests(STOPS)) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        problem(ProblemType.READER_UNAVAILABLE, reader=ReaderFault.NOT_WORKING),
        problem(ProblemType.READER_UNAVAILABLE, reader=ReaderFault.SIMULATED),
        problem(ProblemType.NOT_FOUND, 404),
    ],
    ids=["broken", "simulated provider", "not bound"],
)
async def test_where_the_reader_cannot_work_a_card_is_added_by_phone(
    at_reader: At, canned: CannedService, refusal: Reply
) -> None:
    canned.will(BEGINS, refusal)
    canned.will(SHOWS, WALLET, BOTH)
    await play(at_reader((HOLD, palm), (ONE, Choice.ADD), (CODE, WAITS), (TWO, Choice.DONE)))


async def test_who_stands_at_the_reader_for_too_long_shows_the_palm_again(
    at_reader: At, canned: CannedService
) -> None:
    canned.will(LOOKS_AT_READER, EXPIRED)
    await play(
        at_reader(
            (HOLD, palm), (ONE, Choice.ADD), (ADDING, WAITS), (HOLD, palm), (ONE, Choice.DONE)
        )
    )


async def test_another_card_is_put_first(visit: At, canned: CannedService) -> None:
    canned.will(SHOWS, BOTH)
    canned.will(f"PUT {CARDS}/the-mastercard/default", TURNED)
    turned = ShowCards((MASTERCARD, VISA), full=False)
    await play(
        visit((HOLD, palm), (TWO, typed("2")), (OTHER, Choice.USE_FIRST), (turned, Choice.DONE))
    )


async def test_a_card_is_removed(visit: At, canned: CannedService) -> None:
    canned.will(SHOWS, BOTH)
    canned.will(f"DELETE {CARDS}/the-mastercard", WALLET)
    await play(visit((HOLD, palm), (TWO, typed("2")), (OTHER, Choice.DELETE), (ONE, Choice.DONE)))


async def test_going_back_from_a_card_changes_nothing(visit: At, canned: CannedService) -> None:
    canned.will(SHOWS, BOTH)
    await play(visit((HOLD, palm), (TWO, typed("2")), (OTHER, Choice.BACK), (TWO, Choice.DONE)))
    assert not canned.requests(f"DELETE {CARDS}/the-mastercard")


async def test_the_only_card_is_shown_as_such(visit: At) -> None:
    only = ShowCard(VISA, is_first=True, is_only=True)
    await play(visit((HOLD, palm), (ONE, typed("1")), (only, Choice.BACK), (ONE, Choice.DONE)))


@pytest.mark.parametrize("text", ["", "0", "2", "-1", "one"])
async def test_a_number_of_no_card_is_asked_for_again(visit: At, text: str) -> None:
    await play(visit((HOLD, palm), (ONE, typed(text)), (ONE, Choice.DONE)))


async def test_a_wallet_that_was_looked_at_for_too_long_wants_the_palm_again(
    visit: At, canned: CannedService
) -> None:
    canned.will(SHOWS, BOTH)
    canned.will(f"DELETE {CARDS}/the-mastercard", EXPIRED)
    await play(
        visit(
            (HOLD, palm),
            (TWO, typed("2")),
            (OTHER, Choice.DELETE),
            (HOLD, palm),
            (ONE, Choice.DONE),
        )
    )


async def test_the_palm_may_be_helped_by_a_number(visit: At, canned: CannedService) -> None:
    await play(
        visit(
            (HOLD, Choice.USE_NUMBER),
            (EnterPhone("US", "+1", Purpose.CARDS), typed("2025550123")),
            (HOLD, palm),
            (ONE, Choice.DONE),
        )
    )
    (claim,) = canned.requests("POST /claims")
    assert (claim.json["proof"], claim.json["purpose"]) == ("palm", "cards")


async def test_who_is_not_known_may_sign_up(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.REFUSED, 0))
    unknown = NotRecognised(Purpose.CARDS, 0)
    assert await play(visit((HOLD, palm), (unknown, Choice.SIGN_UP))) is Choice.SIGN_UP


async def test_going_back_from_the_palm_ends_the_visit(visit: At, canned: CannedService) -> None:
    assert await play(visit((HOLD, Choice.BACK))) is None
    assert not canned.requests(SHOWS)


async def test_whoever_signed_up_elsewhere_agrees_first(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.ASK_CONSENT))
    asks = AskMerchantConsent(CONSENT, "Corner Shop", paying=False)
    await play(visit((HOLD, palm), (asks, Choice.AGREE), (ONE, Choice.DONE)))


async def test_digits_may_be_asked_for(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.STEP_UP))
    await play(visit((HOLD, palm), (StepUp, typed("0123")), (ONE, Choice.DONE)))
