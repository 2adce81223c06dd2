"""Paying, played from a script with a canned service."""

import asyncio
import errno
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from hardware.faults import TemporaryFault
from kiosk.idle import Withdrawn
from kiosk.screens import (
    Approved,
    AskConsent,
    AskMerchantConsent,
    Choice,
    ChooseTip,
    ConfirmPurchase,
    Declined,
    EnterPhone,
    EntryProblem,
    Frozen,
    Help,
    HoldPalm,
    NoMembership,
    NotCharged,
    NotRecognised,
    PayAnotherWay,
    Points,
    Recognised,
    StaffCalled,
    StepUp,
    TroubleKind,
    Work,
    Working,
)
from kiosk.service.errors import Offline, Refused, WrongPurchase
from kiosk.stage import WalkedAway
from kiosk.till.till import Acquisition, Sale, SaleResult
from kiosk.visits.acquire import acquire
from kiosk.visits.charge import STRAGGLING, resolve
from kiosk.visits.pay import LIFTED_WITHIN_S, pay
from kiosk.visits.tips import tips_of, with_tip
from kiosk.visits.visit import Troubled
from protocol.documents import digest_of
from protocol.files import write_private
from protocol.messages import (
    AUTHENTICATION_REQUIRED,
    Card,
    Chargeable,
    Customer,
    Membership,
    Money,
    Outcome,
    OwnCard,
    ProblemType,
    Purchase,
    Purpose,
    ServiceInfo,
    Told,
)
from tests.support.canned import (
    CONSENT,
    MEMBER,
    VAULT,
    VISA,
    Answer,
    Asked,
    CannedService,
    HangUp,
    bought,
    identification,
    problem,
    service_info,
)
from tests.support.clocks import TurnedClock
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm, typed
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
AMOUNT = Money(minor=1250, currency="USD")
EUROS = Money(minor=1250, currency="EUR")
HOLD = HoldPalm(Purpose.PAY, amount=AMOUNT, merchant="Corner Shop")
CONFIRM = ConfirmPurchase("Corner Shop", AMOUNT, "Alex D.", VISA)
APPROVED = Approved("Corner Shop", AMOUNT, VISA)
DECLINED = Declined("Corner Shop", AMOUNT, VISA)
NOT_CHARGED = NotCharged("Corner Shop", AMOUNT)
ANOTHER_WAY = PayAnotherWay("Corner Shop")


async def play(at: ScriptedVisit, *, members_only: bool = False) -> SaleResult | None:
    """Plays the visit. Returns what the till was told, None for nothing."""
    sale = replace(await ring_up(at), members_only=members_only)
    await pay(at, sale)
    assert at.stage.over
    return told(at, sale)


async def ring_up(at: ScriptedVisit) -> Sale:
    at.till.ring_up(AMOUNT, "Corner Shop")
    sale = await at.till.next_request()
    assert isinstance(sale, Sale)
    return sale


def told(at: ScriptedVisit, sale: Sale) -> SaleResult | None:
    return at.till.answers.get(sale.reference)


def left_in_doubt(at: ScriptedVisit) -> list[str]:
    return [pending.request.reference for pending in at.journal.pending()]


async def test_a_shopper_who_is_known_confirms_and_has_paid(
    visit: At, canned: CannedService
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, Choice.DONE))
    assert await play(at) is SaleResult.APPROVED
    (asked,) = canned.requests("POST /purchases")
    assert asked.json["identification_id"] == "identification-1"
    assert not left_in_doubt(at)


MASTERCARD = Card(brand="mastercard", last4="4444")
LAPSED = Card(brand="amex", last4="0005", expired=True)


def with_cards(canned: CannedService, *cards: Card, pays: Card = VISA) -> None:
    """Has the shopper own these cards, each under its last four digits."""
    own = [OwnCard(card_id=f"card-{card.last4}", card=card) for card in cards]
    known = identification()
    customer = Customer(name_hint="Alex D.", card=pays, cards=own)
    canned.will("POST /identifications", known.model_copy(update={"customer": customer}))


def chosen(canned: CannedService) -> str | None:
    (asked,) = canned.requests("POST /purchases")
    return asked.json["card_id"]


async def test_the_only_card_pays_and_nothing_is_to_be_chosen(
    visit: At, canned: CannedService
) -> None:
    with_cards(canned, VISA)
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, Choice.DONE))
    assert await play(at) is SaleResult.APPROVED
    assert chosen(canned) == "card-4242"


async def test_another_card_is_chosen_with_a_tap(visit: At, canned: CannedService) -> None:
    both = VISA, MASTERCARD
    with_cards(canned, *both)
    at = visit(
        (HOLD, palm),
        (replace(CONFIRM, cards=both), typed("2")),
        (replace(CONFIRM, card=MASTERCARD, cards=both, chosen=1), Choice.CONFIRM),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED
    assert chosen(canned) == "card-4444"


async def test_a_default_that_has_expired_is_not_the_one_that_is_preselected(
    visit: At, canned: CannedService
) -> None:
    both = LAPSED, VISA
    with_cards(canned, *both)
    confirm = replace(CONFIRM, cards=both, chosen=1)
    at = visit((HOLD, palm), (confirm, Choice.CONFIRM), (APPROVED, Choice.DONE))
    await play(at)
    assert chosen(canned) == "card-4242"


@pytest.mark.parametrize("text", ["2", "3", "0", "", "-1"])
async def test_an_expired_card_and_one_that_is_not_there_cannot_be_chosen(
    visit: At, canned: CannedService, text: str
) -> None:
    both = VISA, LAPSED
    with_cards(canned, *both)
    confirm = replace(CONFIRM, cards=both)
    at = visit(
        (HOLD, palm), (confirm, typed(text)), (confirm, Choice.CONFIRM), (APPROVED, Choice.DONE)
    )
    await play(at)
    assert chosen(canned) == "card-4242"


async def test_whoever_has_chosen_a_card_confirms_by_a_touch(
    visit: At, canned: CannedService
) -> None:
    both = VISA, MASTERCARD
    with_cards(canned, *both)
    at = visit(
        (HOLD, palm),
        (replace(CONFIRM, cards=both, pays_in=3.0), typed("2")),
        (replace(CONFIRM, card=MASTERCARD, cards=both, chosen=1), Choice.CONFIRM),
        (APPROVED, Choice.DONE),
        pays_by_itself=lambda _: True,
    )
    await play(at)
    assert chosen(canned) == "card-4444"


async def test_a_card_that_was_removed_meanwhile_has_the_palm_shown_again(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", problem(ProblemType.NOT_ACCEPTED))
    at = visit(
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED


async def test_the_till_knows_before_the_shopper_has_left(visit: At) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, WalkedAway()))
    sale = await ring_up(at)
    with pytest.raises(WalkedAway):
        await pay(at, sale)
    assert told(at, sale) is SaleResult.APPROVED


async def test_whoever_signed_up_elsewhere_is_asked_once_and_pays(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(Outcome.ASK_CONSENT))
    at = visit(
        (HOLD, palm),
        (AskMerchantConsent(CONSENT, "Corner Shop"), Choice.AGREE),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED
    (agreed,) = canned.requests("POST /identifications/identification-1/agreement")
    assert agreed.json["texts"] == [digest_of(CONSENT)]


async def test_whoever_does_not_agree_pays_another_way_and_nothing_is_stored(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(Outcome.ASK_CONSENT))
    at = visit(
        (HOLD, palm),
        (AskMerchantConsent(CONSENT, "Corner Shop"), Choice.ANOTHER_WAY),
        (ANOTHER_WAY, Choice.DONE),
        terminal=None,
    )
    assert await play(at) is SaleResult.ANOTHER_WAY
    assert not canned.requests("POST /identifications/identification-1/agreement")
    assert not canned.requests("POST /purchases")


async def test_whoever_agrees_too_late_shows_their_palm_again(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(Outcome.ASK_CONSENT))
    canned.will(
        "POST /identifications/identification-1/agreement", problem(ProblemType.EXPIRED, 410)
    )
    at = visit(
        (HOLD, palm),
        (AskMerchantConsent(CONSENT, "Corner Shop"), Choice.AGREE),
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED


@pytest.mark.parametrize("result", ["approved", "declined", "not_paid"])
async def test_what_the_till_was_told_is_kept_until_the_service_has_heard_it(
    visit: At, canned: CannedService, result: Literal["approved", "declined", "not_paid"]
) -> None:
    screens = {"approved": Approved, "declined": Declined, "not_paid": NotCharged}
    canned.will("POST /purchases", lambda asked: bought(asked, result))
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (screens[result], WalkedAway()))
    sale = await ring_up(at)
    with pytest.raises(WalkedAway):
        await pay(at, sale)
    assert list(at.journal.unheard()) == [(sale.reference, Told(result=result))]
    at.journal.heard(*next(at.journal.unheard()))
    assert not list(at.journal.unheard())


async def test_the_till_hears_whose_membership_it_is_and_the_shopper_of_their_points(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(membership=MEMBER))
    points = Points(12, 1262)
    at = visit(
        (HOLD, palm),
        (replace(CONFIRM, points=points), Choice.CONFIRM),
        (replace(APPROVED, points=points), Choice.DONE),
    )
    sale = replace(await ring_up(at), points=points)
    await pay(at, sale)
    assert told(at, sale) is SaleResult.APPROVED
    payer = at.till.payers[sale.reference]
    assert payer is not None
    assert payer.membership == MEMBER


async def test_nothing_is_kept_of_a_sale_that_was_never_bought(visit: At) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CANCEL))
    await play(at)
    assert not list(at.journal.unheard())


async def test_a_cancelled_purchase_charges_nothing(visit: At, canned: CannedService) -> None:
    assert await play(visit((HOLD, palm), (CONFIRM, Choice.CANCEL))) is None
    assert not canned.requests("POST /purchases")


def below_a_limit(at: ScriptedVisit) -> ScriptedVisit:
    return replace(at, pays_by_itself=lambda amount: amount == AMOUNT)


async def test_below_the_merchants_limit_a_recognised_palm_pays_without_a_touch(
    visit: At,
) -> None:
    at = visit((HOLD, palm), (replace(CONFIRM, pays_in=3.0), WAITS), (APPROVED, Choice.DONE))
    clock = TurnedClock()
    at = replace(below_a_limit(at), clock=clock)
    at.stage.now = clock.now
    paying = asyncio.create_task(play(at))
    await at.stage.reached(1)
    await clock.turn(3)
    assert await paying is SaleResult.APPROVED


async def test_it_can_be_cancelled_until_then(visit: At, canned: CannedService) -> None:
    at = below_a_limit(visit((HOLD, palm), (replace(CONFIRM, pays_in=3.0), Choice.CANCEL)))
    assert await play(at) is None
    assert not canned.requests("POST /purchases")


async def test_nothing_is_charged_under_a_finger_that_may_rest_on_the_button(
    visit: At, canned: CannedService
) -> None:
    at = visit((HOLD, palm), (replace(CONFIRM, pays_in=3.0), WAITS), (APPROVED, Choice.DONE))
    clock = TurnedClock()
    at = replace(below_a_limit(at), clock=clock)
    at.stage.now = clock.now
    paying = asyncio.create_task(play(at))
    await at.stage.reached(1)
    at.stage.touched = 2.9
    await clock.turn(3 + LIFTED_WITHIN_S - 0.1)
    assert not canned.requests("POST /purchases")
    await clock.turn(0.1)
    assert await paying is SaleResult.APPROVED


async def test_an_expired_card_never_pays_by_itself_and_can_be_confirmed(
    visit: At, canned: CannedService
) -> None:
    expired = VISA.model_copy(update={"expired": True})
    known = identification()
    assert known.customer
    customer = known.customer.model_copy(update={"card": expired})
    canned.will("POST /identifications", known.model_copy(update={"customer": customer}))
    confirm = replace(CONFIRM, card=expired)
    at = below_a_limit(visit((HOLD, palm), (confirm, Choice.CONFIRM), (APPROVED, Choice.DONE)))
    assert await play(at) is SaleResult.APPROVED


def money(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


ASK_TIP = ChooseTip("Corner Shop", AMOUNT, (money(63), money(125), money(250)))


@pytest.mark.parametrize(("answer", "total"), [(typed("2"), 1375), (Choice.SKIP, 1250)])
async def test_a_tip_is_added_before_the_amount_is_confirmed(
    visit: At, canned: CannedService, answer: Any, total: int
) -> None:
    at = visit(
        (HOLD, palm),
        (ASK_TIP, answer),
        (replace(CONFIRM, amount=money(total)), Choice.CONFIRM),
        (replace(APPROVED, amount=money(total)), Choice.DONE),
    )
    at.till.ask(Sale("sale-00000001", AMOUNT, "Corner Shop", tips=(5, 10, 20)))
    sale = await at.till.next_request()
    assert isinstance(sale, Sale)
    await pay(at, sale)
    (asked,) = canned.requests("POST /purchases")
    assert asked.json["amount"]["minor"] == total
    assert told(at, sale) is SaleResult.APPROVED


async def test_who_cancels_instead_of_a_tip_pays_nothing(visit: At, canned: CannedService) -> None:
    at = visit((HOLD, palm), (ASK_TIP, typed("9")), (ASK_TIP, Choice.CANCEL))
    at.till.ask(Sale("sale-00000001", AMOUNT, "Corner Shop", tips=(5, 10, 20)))
    sale = await at.till.next_request()
    assert isinstance(sale, Sale)
    await pay(at, sale)
    assert not canned.requests("POST /purchases")


async def test_back_before_the_palm_charges_nothing(visit: At, canned: CannedService) -> None:
    assert await play(visit((HOLD, Choice.BACK))) is None
    assert not canned.requests("POST /purchases")


async def test_a_declined_card_leads_to_another_way_to_pay(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", lambda asked: bought(asked, "declined"))
    at = visit(
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (DECLINED, Choice.ANOTHER_WAY),
        (PayAnotherWay("Corner Shop"), Choice.DONE),
    )
    assert await play(at) is SaleResult.DECLINED


async def test_a_bank_that_asks_its_holder_to_confirm_leads_to_the_card_itself(
    visit: At, canned: CannedService
) -> None:
    canned.will(
        "POST /purchases",
        lambda asked: bought(asked, "declined", decline_reason=AUTHENTICATION_REQUIRED),
    )
    at = visit(
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (replace(DECLINED, asks_holder=True), Choice.DONE),
    )
    assert await play(at) is SaleResult.DECLINED


async def test_what_the_operator_has_to_mend_is_not_told_as_a_decline(
    visit: At, canned: CannedService, caplog: pytest.LogCaptureFixture
) -> None:
    canned.will(
        "POST /purchases",
        lambda asked: bought(asked, "not_paid", decline_reason="authentication_error"),
    )
    at = visit(
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (NOT_CHARGED, Choice.ANOTHER_WAY),
        (ANOTHER_WAY, Choice.DONE),
    )
    assert await play(at) is SaleResult.NOT_PAID
    assert list(at.till.causes.values()) == ["authentication_error"]
    assert "authentication_error" in caplog.text
    assert not left_in_doubt(at)


def charging(currency: str = "USD", least: int = 50, step: int = 1) -> ServiceInfo:
    return ServiceInfo(
        version="1",
        time=datetime.now(UTC),
        vault_keys=[VAULT.public],
        sandbox=True,
        chargeable=Chargeable(currency=currency, least=least, most=99_999_999, step=step),
    )


@pytest.mark.parametrize(
    ("info", "cause"),
    [
        (charging(least=AMOUNT.minor + 1), "minimum of 1251 minor units of USD"),
        (charging(step=100), "multiples of 100"),
        (charging("EUR"), "sales here are in EUR, and this one is in USD"),
    ],
    ids=["too small", "not whole", "another currency"],
)
async def test_a_sale_that_cannot_be_charged_is_refused_before_the_palm_is_shown(
    visit: At,
    canned: CannedService,
    caplog: pytest.LogCaptureFixture,
    info: ServiceInfo,
    cause: str,
) -> None:
    canned.will("GET /service", info)
    at = visit((NOT_CHARGED, Choice.ANOTHER_WAY), (ANOTHER_WAY, Choice.DONE))
    assert await play(at) is SaleResult.NOT_PAID
    (told_cause,) = at.till.causes.values()
    assert cause in told_cause
    assert cause in caplog.text
    assert not canned.requests("POST /identifications")


async def test_a_sale_in_another_currency_than_the_kiosks_is_refused_before_the_palm_is_shown(
    visit: At,
) -> None:
    at = visit((replace(NOT_CHARGED, amount=EUROS), Choice.ANOTHER_WAY), (ANOTHER_WAY, Choice.DONE))
    at.till.ring_up(EUROS, "Corner Shop")
    sale = await at.till.next_request()
    assert isinstance(sale, Sale)
    await pay(at, sale)
    assert told(at, sale) is SaleResult.NOT_PAID


async def test_help_is_at_hand_when_a_sale_cannot_be_charged(
    visit: At, canned: CannedService
) -> None:
    canned.will("GET /service", charging("EUR"))
    at = visit(
        (NOT_CHARGED, Choice.HELP),
        (Help(paying=True), Choice.CALL_STAFF),
        (StaffCalled(), Choice.DONE),
        (NOT_CHARGED, Choice.HELP),
        (Help(paying=True), Choice.ANOTHER_WAY),
        (ANOTHER_WAY, Choice.DONE),
    )
    assert await play(at) is SaleResult.NOT_PAID
    assert at.till.staff_calls == 1


async def test_a_limit_that_changed_during_the_visit_charges_nothing(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", problem(ProblemType.NOT_CHARGEABLE, 422))
    at = visit(
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (NOT_CHARGED, Choice.ANOTHER_WAY),
        (ANOTHER_WAY, Choice.DONE),
    )
    assert await play(at) is SaleResult.NOT_PAID
    assert not left_in_doubt(at)


async def test_a_doubtful_palm_is_asked_for_again_in_the_same_visit(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(Outcome.ASK_AGAIN, 2))
    again = HoldPalm(Purpose.PAY, amount=AMOUNT, merchant="Corner Shop", attempts_left=2)
    at = visit((HOLD, palm), (again, palm), (CONFIRM, Choice.CANCEL))
    await play(at)


async def test_an_unusable_palm_is_shown_again(visit: At, canned: CannedService) -> None:
    unusable = problem(ProblemType.PALM_UNUSABLE, 422)
    canned.will("POST /identifications", unusable, identification(Outcome.ASK_AGAIN, 2))
    unclear = replace(HOLD, unclear=True)
    again = replace(HOLD, attempts_left=2)
    await play(visit((HOLD, palm), (unclear, palm), (again, palm), (CONFIRM, Choice.CANCEL)))


async def test_what_was_not_seen_to_be_alive_is_asked_for_again_kindly_and_counts(
    visit: At, canned: CannedService
) -> None:
    lifeless = identification(Outcome.ASK_AGAIN, 2).model_copy(update={"live": False})
    canned.will("POST /identifications", lifeless)
    again = replace(HOLD, attempts_left=2, lifeless=True)
    await play(visit((HOLD, palm), (again, palm), (CONFIRM, Choice.CANCEL)))


async def test_what_was_not_surely_alive_is_asked_to_be_held_longer_and_costs_nothing(
    visit: At, canned: CannedService
) -> None:
    lifeless = identification(Outcome.ASK_AGAIN, 1).model_copy(update={"live": False})
    canned.will("POST /identifications", identification(Outcome.HOLD_LONGER, 2), lifeless)
    longer = replace(HOLD, longer=True)
    again = replace(HOLD, longer=True, attempts_left=1, lifeless=True)
    at = visit((HOLD, palm), (longer, palm), (again, palm), (CONFIRM, Choice.CANCEL))
    await play(at)
    assert canned.requests("POST /purchases") == []


async def test_a_large_sale_has_the_palm_held_longer_at_once(
    visit: At, canned: CannedService
) -> None:
    canned.will("GET /service", service_info(pulse_above=AMOUNT.minor - 1))
    longer = replace(HOLD, longer=True)
    await play(visit((longer, palm), (CONFIRM, Choice.CANCEL)))


async def test_the_service_is_told_what_the_shopper_may_pay_at_most(
    visit: At, canned: CannedService
) -> None:
    at = visit((HOLD, palm), (ASK_TIP, Choice.CANCEL))
    at.till.ask(Sale("sale-00000001", AMOUNT, "Corner Shop", tips=(5, 10, 20)))
    sale = await at.till.next_request()
    assert isinstance(sale, Sale)
    await pay(at, sale)
    (asked,) = canned.requests("POST /identifications")
    most = with_tip(AMOUNT, tips_of(sale)[-1])
    assert asked.path.endswith(f"?amount={most.minor}&currency={most.currency}")


async def test_one_that_has_become_large_meanwhile_is_paid_by_a_palm_held_longer(
    visit: At, canned: CannedService
) -> None:
    canned.will("GET /service", service_info(pulse_above=AMOUNT.minor))
    canned.will("GET /service", service_info(pulse_above=AMOUNT.minor - 1))
    canned.will("POST /purchases", problem(ProblemType.HOLD_LONGER))
    longer = replace(HOLD, longer=True)
    at = visit(
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (longer, palm),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED
    assert len(canned.requests("POST /purchases")) == 2


async def test_a_challenge_that_grew_old_on_its_way_costs_no_attempt(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", problem(ProblemType.CHALLENGE_REFUSED, 409))
    await play(visit((HOLD, palm), (HOLD, palm), (CONFIRM, Choice.CANCEL)))


async def test_the_last_four_digits_settle_a_doubt(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.STEP_UP))
    canned.will(
        "POST /identifications/identification-1/step-up",
        problem(ProblemType.STEP_UP_FAILED, 422, attempts_left=2),
    )
    at = visit(
        (HOLD, palm),
        (StepUp(), typed("1234")),
        (StepUp(EntryProblem.WRONG_DIGITS, 2), typed("0123")),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED


async def test_too_many_wrong_digits_end_the_visit(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.STEP_UP))
    canned.will(
        "POST /identifications/identification-1/step-up",
        problem(ProblemType.STEP_UP_FAILED, 422, attempts_left=0),
    )
    with pytest.raises(Troubled) as troubled:
        await play(visit((HOLD, palm), (StepUp, typed("1234"))))
    assert troubled.value.kind is TroubleKind.LOCKED


async def test_back_from_the_digits_shows_the_palm_again(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.STEP_UP))
    await play(visit((HOLD, palm), (StepUp, Choice.BACK), (HOLD, Choice.BACK)))


async def test_a_stranger_can_try_again_or_pay_another_way(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", *[identification(Outcome.REFUSED, 1)] * 2)
    refused = NotRecognised(Purpose.PAY, 1)
    at = visit(
        (HOLD, palm),
        (refused, Choice.TRY_AGAIN),
        (HOLD, palm),
        (refused, Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
        terminal=None,
    )
    assert await play(at) is SaleResult.ANOTHER_WAY


async def test_somebody_who_has_frozen_their_palms_is_told_so_and_pays_another_way(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(Outcome.FROZEN))
    at = visit(
        (HOLD, palm),
        (Frozen(Purpose.PAY), Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
        terminal=None,
    )
    assert await play(at) is SaleResult.ANOTHER_WAY


async def test_a_stranger_can_sign_up_and_then_pay(visit: At, canned: CannedService) -> None:
    canned.will("POST /identifications", identification(Outcome.REFUSED))
    at = visit(
        (HOLD, palm),
        (NotRecognised, Choice.SIGN_UP),
        (AskConsent, Choice.BACK),
        (HOLD, palm),
        (CONFIRM, Choice.CANCEL),
    )
    await play(at)


async def test_somebody_without_a_card_pays_another_way(visit: At, canned: CannedService) -> None:
    cardless = identification().model_copy(
        update={"customer": Customer(name_hint="Alex D.", card=None)}
    )
    canned.will("POST /identifications", cardless)
    await play(visit((HOLD, palm), (PayAnotherWay, Choice.DONE), terminal=None))


async def test_the_number_narrows_the_search_to_one_person(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone("US", "+1", Purpose.PAY), Choice.BACK),
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone, typed("2025550123")),
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED
    (asked,) = canned.requests("POST /claims")
    assert asked.json == {"phone": "+12025550123", "proof": "palm", "purpose": "pay"}
    assert not canned.requests("POST /identifications")


FAULT = TemporaryFault("Unplugged.", "Plug it in.")


async def tries_again(_: Exception) -> bool:
    return True


async def stops_here(_: Exception) -> bool:
    return False


async def test_a_camera_that_fails_after_the_number_leaves_the_number_and_its_claim(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone, typed("2025550123")),
        (HOLD, FAULT),
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
        recovers=tries_again,
        terminal=None,
    )
    assert await play(at) is SaleResult.APPROVED
    assert len(canned.requests("POST /claims")) == 1


async def test_a_number_that_the_service_was_not_reached_with_is_sent_again(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /claims", problem(ProblemType.CONFLICT))
    at = visit(
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone, typed("2025550123")),
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
        recovers=tries_again,
    )
    assert await play(at) is SaleResult.APPROVED


async def test_a_claim_that_has_lapsed_is_made_again_with_the_same_number(
    visit: At, canned: CannedService
) -> None:
    by_palm = "POST /claims/claim-123/palm"
    canned.will(by_palm, problem(ProblemType.EXPIRED), identification())
    at = visit(
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone, typed("2025550123")),
        (HOLD, palm),
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
        recovers=tries_again,
    )
    assert await play(at) is SaleResult.APPROVED
    first, second = canned.requests("POST /claims")
    assert first.json == second.json


async def test_whoever_goes_back_after_a_failure_finds_the_number_typed(visit: At) -> None:
    at = visit(
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone, typed("2025550123")),
        (HOLD, FAULT),
        (HOLD, Choice.BACK),
        (EnterPhone("US", "+1", Purpose.PAY, "2025550123"), Choice.BACK),
        (HOLD, Choice.BACK),
        recovers=tries_again,
        terminal=None,
    )
    assert await play(at) is None


async def test_whoever_stops_when_the_camera_fails_after_the_number_has_paid_nothing(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone, typed("2025550123")),
        (HOLD, FAULT),
        recovers=stops_here,
        terminal=None,
    )
    assert await play(at) is None
    assert not canned.requests("POST /purchases")


async def test_help_calls_staff_and_leads_back_to_the_palm(visit: At) -> None:
    at = visit(
        (HOLD, Choice.HELP),
        (Help(paying=True), Choice.CALL_STAFF),
        (StaffCalled(told=True), Choice.DONE),
        (HOLD, Choice.HELP),
        (Help(paying=True), Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
        terminal=None,
    )
    shown: list[int] = []
    at.till.show_call = lambda: shown.append(1)
    await play(at)
    assert at.till.staff_calls == len(shown) == 1


async def test_whoever_calls_staff_where_no_till_shows_it_is_told_so(
    visit: At, caplog: pytest.LogCaptureFixture
) -> None:
    at = visit(
        (HOLD, Choice.HELP),
        (Help(paying=True), Choice.CALL_STAFF),
        (StaffCalled(told=False), Choice.DONE),
        (HOLD, Choice.BACK),
    )
    await play(at)
    assert "staff are called to this kiosk, and no till shows it" in caplog.text


async def test_confirming_too_late_asks_for_the_palm_again(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", problem(ProblemType.EXPIRED, 410))
    at = visit(
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (HOLD, palm),
        (CONFIRM, Choice.CONFIRM),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED


# The answer that does not come


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", HangUp(), HangUp())
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, Choice.DONE))
    assert await play(at) is SaleResult.APPROVED
    asked = canned.requests("POST /purchases")
    assert len(asked) == 3
    assert len({each.headers["idempotency-key"] for each in asked}) == 1
    assert len({each.headers["signature"] for each in asked}) == 3


async def test_a_purchase_whose_answer_never_comes_stays_in_doubt_and_the_till_knows(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", *[HangUp()] * 999)
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    sale = await ring_up(at)
    with pytest.raises(Troubled) as troubled:
        await pay(at, sale)
    assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
    assert told(at, sale) is SaleResult.UNKNOWN
    assert left_in_doubt(at) == [sale.reference]


async def test_a_kiosk_that_is_turned_away_after_a_lost_answer_does_not_say_nothing_was_charged(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", HangUp(), problem(ProblemType.UNKNOWN_DEVICE, 401))
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    sale = await ring_up(at)
    with pytest.raises(Troubled) as troubled:
        await pay(at, sale)
    assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
    assert told(at, sale) is SaleResult.UNKNOWN
    assert left_in_doubt(at) == [sale.reference]


async def test_trying_again_after_a_lost_answer_asks_and_never_buys(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", *[HangUp()] * 999)
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, Choice.DONE))
    sale = await ring_up(at)
    for _ in range(2):
        with pytest.raises(Troubled):
            await pay(at, sale)
    posted = len(canned.requests("POST /purchases"))
    found = bought(canned.requests("POST /purchases")[0])
    canned.will(f"GET /purchases/{sale.reference}", found)
    await pay(at, sale)
    assert told(at, sale) is SaleResult.APPROVED
    assert len(canned.requests("POST /purchases")) == posted
    assert not left_in_doubt(at)


WRONG = {
    "amount": Money(minor=AMOUNT.minor + 1, currency="USD"),
    "currency": Money(minor=AMOUNT.minor, currency="EUR"),
    "reference": "sale-of-another",
}


def another_purchase(asked: Asked, difference: str, outcome: str = "approved") -> Purchase:
    field = "reference" if difference == "reference" else "amount"
    return bought(asked, outcome).model_copy(update={field: WRONG[difference]})


@pytest.mark.parametrize("outcome", ["approved", "declined", "not_paid"])
@pytest.mark.parametrize("difference", WRONG)
async def test_an_answer_for_another_purchase_leaves_the_payment_unknown(
    visit: At,
    canned: CannedService,
    caplog: pytest.LogCaptureFixture,
    difference: str,
    outcome: str,
) -> None:
    canned.will("POST /purchases", lambda asked: another_purchase(asked, difference, outcome))
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    sale = await ring_up(at)
    with pytest.raises(Troubled) as troubled:
        await pay(at, sale)
    assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
    assert told(at, sale) is SaleResult.UNKNOWN
    assert left_in_doubt(at) == [sale.reference]
    assert "another purchase" in caplog.text
    assert not any(number in caplog.text for number in ("1250", "1251", sale.reference))


@pytest.mark.parametrize("difference", WRONG)
async def test_a_doubt_is_not_settled_by_another_purchase(
    visit: At, canned: CannedService, difference: str
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    sale = await doubtful(at, canned)
    wrong = another_purchase(canned.requests("POST /purchases")[0], difference)
    canned.will(f"GET /purchases/{sale.reference}", wrong, wrong)
    with pytest.raises(WrongPurchase):
        await resolve(at.service, at.till, at.journal, sale.reference)
    with pytest.raises(Troubled) as troubled:
        await pay(at, sale)
    assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
    assert told(at, sale) is SaleResult.UNKNOWN
    assert left_in_doubt(at) == [sale.reference]


async def test_a_service_that_was_never_reached_charges_nothing(
    visit: At, canned: CannedService
) -> None:
    async def lose_the_network() -> Choice:
        await at.service.connect("http://127.0.0.1:9", None)
        return Choice.CONFIRM

    at = visit((HOLD, palm), (CONFIRM, lose_the_network))
    sale = await ring_up(at)
    with pytest.raises(Offline) as offline:
        await pay(at, sale)
    assert not offline.value.may_have_arrived
    assert not left_in_doubt(at)
    assert told(at, sale) is None


# The way out while the service is not reached

PAYING = Working(Work.PAYING, AMOUNT, "Corner Shop")
WAY_OUT = replace(PAYING, way_out=True)
NOWHERE = "http://127.0.0.1:9"


async def out_of_reach(at: ScriptedVisit) -> Choice:
    await at.service.connect(NOWHERE, None)
    return Choice.CONFIRM


async def test_the_amount_is_shown_while_it_is_paid(visit: At) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, Choice.DONE))
    await play(at)
    assert PAYING in at.stage.shown
    assert WAY_OUT not in at.stage.shown


async def test_who_does_not_wait_for_a_service_out_of_reach_pays_another_way(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HOLD, palm),
        (CONFIRM, lambda: out_of_reach(at)),
        (WAY_OUT, Choice.ANOTHER_WAY),
        (PayAnotherWay("Corner Shop"), Choice.DONE),
    )
    assert await play(at) is SaleResult.ANOTHER_WAY
    assert not canned.requests("POST /purchases")
    assert not left_in_doubt(at)


@pytest.mark.parametrize("end", [WalkedAway(), Withdrawn()], ids=["leaves", "withdrawn"])
async def test_a_sale_that_ends_before_anything_was_sent_charges_nothing(
    visit: At, canned: CannedService, end: Exception
) -> None:
    at = visit((HOLD, palm), (CONFIRM, lambda: out_of_reach(at)), (WAY_OUT, end))
    with pytest.raises(type(end)):
        await play(at)
    assert not canned.requests("POST /purchases")
    assert not left_in_doubt(at)


async def test_the_way_out_is_closed_once_the_request_may_have_arrived(
    visit: At, canned: CannedService
) -> None:
    async def come_back() -> object:
        await at.service.connect(canned.url, None)
        return WAITS

    at = visit(
        (HOLD, palm),
        (CONFIRM, lambda: out_of_reach(at)),
        (WAY_OUT, come_back),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED
    assert at.stage.shown[-2] == PAYING, "it cannot be left any more"


async def test_there_is_no_way_out_of_a_payment_whose_answer_does_not_come(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /purchases", *[HangUp()] * 999)
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    with pytest.raises(Troubled) as troubled:
        await play(at)
    assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
    assert WAY_OUT not in at.stage.shown


async def test_a_touch_that_comes_when_the_request_is_on_its_way_does_not_leave(
    visit: At, canned: CannedService
) -> None:
    async def too_late() -> Choice:
        await at.service.connect(canned.url, None)
        while not canned.requests("POST /purchases"):
            await at.clock.sleep(0)
        return Choice.ANOTHER_WAY

    at = visit(
        (HOLD, palm),
        (CONFIRM, lambda: out_of_reach(at)),
        (WAY_OUT, too_late),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED


async def test_a_disk_that_is_full_after_the_answer_does_not_make_it_unknown(
    visit: At, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, Choice.DONE))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(at.journal), "close", full)
    assert await play(at) is SaleResult.APPROVED
    assert "No space left" in caplog.text


@pytest.mark.parametrize(
    "outcome",
    [(bought, None), (problem(ProblemType.CONFLICT), Refused)],
    ids=["approved", "refused"],
)
async def test_a_disk_that_keeps_an_entry_changes_nothing_about_a_known_outcome(
    visit: At,
    canned: CannedService,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    outcome: tuple[Answer, type[Exception] | None],
) -> None:
    def keep(*_: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    answer, end = outcome
    canned.will("POST /purchases", answer)
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, Choice.DONE))
    with monkeypatch.context() as patched:
        patched.setattr("kiosk.till.journal.remove_durably", keep)
        patched.setattr("kiosk.till.journal.rename_durably", keep)
        with pytest.raises(end) if end else nullcontext():
            await play(at)
        assert not left_in_doubt(at)
    assert not left_in_doubt(at)
    assert not list((tmp_path / "purchases").glob("*.json")), (
        "it is removed once the disk lets it go"
    )


@pytest.mark.parametrize("end", [WalkedAway(), Withdrawn(), Choice.ANOTHER_WAY])
async def test_a_disk_that_keeps_an_entry_changes_nothing_about_a_payment_that_was_left(
    visit: At, monkeypatch: pytest.MonkeyPatch, end: Exception | Choice
) -> None:
    def keep(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    at = visit(
        (HOLD, palm),
        (CONFIRM, lambda: out_of_reach(at)),
        (WAY_OUT, end),
        (PayAnotherWay("Corner Shop"), Choice.DONE),
    )
    monkeypatch.setattr("kiosk.till.journal.remove_durably", keep)
    with pytest.raises(type(end)) if isinstance(end, Exception) else nullcontext():
        await play(at)
    assert not left_in_doubt(at)


async def test_a_disk_that_keeps_an_entry_of_a_sale_that_was_never_bought_changes_nothing(
    visit: At, canned: CannedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    canned.will("POST /purchases", *[HangUp()] * 999)
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    sale = await ring_up(at)
    with pytest.raises(Troubled):
        await pay(at, sale)
    (pending,) = at.journal.pending()
    canned.will(f"GET /purchases/{sale.reference}", problem(ProblemType.NOT_FOUND, 404))
    lapsed = datetime.now(UTC) - timedelta(hours=1)
    at.journal.open(pending.model_copy(update={"decided_by": lapsed}))
    monkeypatch.setattr("kiosk.till.journal.remove_durably", keep)
    assert await resolve(at.service, at.till, at.journal, sale.reference) is None
    assert told(at, sale) is SaleResult.NOT_PAID
    assert not left_in_doubt(at)


async def test_an_entry_that_was_written_half_way_is_none(
    visit: At, canned: CannedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(path: Path, content: bytes) -> None:
        write_private(path, content)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("protocol.sealed.write_private", half)
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    with pytest.raises(OSError, match="Input/output"):
        await pay(at, await ring_up(at))
    assert not canned.requests("POST /purchases")
    assert not left_in_doubt(at)


async def test_a_refused_purchase_is_in_no_doubt(visit: At, canned: CannedService) -> None:
    canned.will("POST /purchases", problem(ProblemType.CONFLICT))
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    with pytest.raises(Refused):
        await pay(at, await ring_up(at))
    assert not left_in_doubt(at)


async def test_nothing_is_bought_that_cannot_be_written_down_first(
    visit: At, canned: CannedService, tmp_path: Path
) -> None:
    (tmp_path / "purchases").write_text("in the way of the journal's folder")
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    with pytest.raises(OSError, match="purchases"):
        await pay(at, await ring_up(at))
    assert not canned.requests("POST /purchases")


async def doubtful(at: ScriptedVisit, canned: CannedService) -> Sale:
    canned.will("POST /purchases", *[HangUp()] * 999)
    sale = await ring_up(at)
    with pytest.raises(Troubled):
        await pay(at, sale)
    return sale


async def test_a_doubt_is_settled_once_the_purchase_is_found(
    visit: At, canned: CannedService
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    sale = await doubtful(at, canned)
    found = bought(canned.requests("POST /purchases")[0])
    canned.will(f"GET /purchases/{sale.reference}", found)
    await resolve(at.service, at.till, at.journal, sale.reference)
    assert told(at, sale) is SaleResult.APPROVED
    assert not left_in_doubt(at)


async def test_a_purchase_that_may_still_be_on_its_way_stays_in_doubt(
    visit: At, canned: CannedService
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    sale = await doubtful(at, canned)
    await resolve(at.service, at.till, at.journal, sale.reference)
    assert told(at, sale) is SaleResult.UNKNOWN
    assert left_in_doubt(at) == [sale.reference]


async def test_a_purchase_that_can_no_longer_arrive_was_not_made(
    visit: At, canned: CannedService
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    sale = await doubtful(at, canned)
    (pending,) = at.journal.pending()
    long_ago = at.service.now() - timedelta(seconds=1)
    at.journal.open(pending.model_copy(update={"decided_by": long_ago}))
    await resolve(at.service, at.till, at.journal, sale.reference)
    assert told(at, sale) is SaleResult.NOT_PAID
    assert not left_in_doubt(at)
    assert pending.decided_by - datetime.now(pending.decided_by.tzinfo) > STRAGGLING


async def test_trying_again_when_it_can_no_longer_arrive_leads_to_another_way_to_pay(
    visit: At, canned: CannedService
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (PayAnotherWay, Choice.DONE))
    sale = await doubtful(at, canned)
    (pending,) = at.journal.pending()
    lapsed = at.service.now() - timedelta(seconds=1)
    at.journal.open(pending.model_copy(update={"decided_by": lapsed}))
    await pay(at, sale)
    assert told(at, sale) is SaleResult.NOT_PAID


@pytest.mark.parametrize("charged", [True, False])
async def test_a_sale_whose_entry_is_damaged_meanwhile_is_asked_after_and_not_bought_again(
    visit: At, canned: CannedService, tmp_path: Path, charged: bool
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM), (APPROVED, Choice.DONE))
    sale = await doubtful(at, canned)
    asked = canned.requests("POST /purchases")
    (entry,) = (tmp_path / "purchases").iterdir()
    entry.write_bytes(b"")
    if charged:
        canned.will(f"GET /purchases/{sale.reference}", bought(asked[0]))
        await pay(at, sale)
        assert told(at, sale) is SaleResult.APPROVED
    else:
        with pytest.raises(Troubled) as troubled:
            await pay(at, sale)
        assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
        assert told(at, sale) is SaleResult.UNKNOWN
    assert at.journal.holds(sale.reference) is not charged
    assert len(canned.requests("POST /purchases")) == len(asked)


async def test_the_journal_holds_nothing_of_a_person(
    visit: At, canned: CannedService, tmp_path: Path
) -> None:
    at = visit((HOLD, palm), (CONFIRM, Choice.CONFIRM))
    await doubtful(at, canned)
    (entry,) = (tmp_path / "purchases").iterdir()
    file = sealed(tmp_path / "purchases") / entry.name
    assert file.is_sealed()
    for personal in ("Alex", VISA.last4, VISA.brand):
        assert personal.encode() not in (file.read() or b"")
    assert entry.stat().st_mode & 0o077 == 0


# A sale for members only


async def test_a_shopper_without_a_membership_pays_nothing_where_the_till_requires_one(
    visit: At, canned: CannedService
) -> None:
    at = visit((HOLD, palm), (NoMembership("Corner Shop"), Choice.DONE))
    assert await play(at, members_only=True) is SaleResult.NO_MEMBERSHIP
    assert not canned.requests("POST /purchases")


async def test_a_member_pays_where_the_till_requires_a_membership(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(membership=MEMBER))
    at = visit((HOLD, palm), (ConfirmPurchase, Choice.CONFIRM), (Approved, Choice.DONE))
    assert await play(at, members_only=True) is SaleResult.APPROVED


async def test_whoever_taps_a_card_is_no_member_and_pays_at_the_till(visit: At) -> None:
    at = visit(
        (HOLD, Choice.HELP),
        (Help(paying=True), Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
    )
    assert await play(at, members_only=True) is SaleResult.ANOTHER_WAY


async def test_no_card_is_offered_to_members_only_when_the_palm_reader_fails(visit: At) -> None:
    with pytest.raises(TemporaryFault):
        await play(visit((HOLD, FAULT)), members_only=True)


@pytest.mark.parametrize("membership", [MEMBER, None], ids=["member", "no member"])
async def test_an_acquisition_for_members_only_keeps_nobody_else_waiting(
    visit: At, canned: CannedService, membership: Membership | None
) -> None:
    canned.will("POST /identifications", identification(membership=membership))
    asked = Acquisition("asked-0001", "Corner Shop", members_only=True)
    waits: Line = (Recognised, Choice.CANCEL)
    leaves: Line = (NoMembership("Corner Shop", paying=False), Choice.DONE)
    at = visit(
        (HoldPalm(Purpose.PAY, merchant="Corner Shop"), palm), waits if membership else leaves
    )
    at.till.ask(asked)
    await at.till.next_request()
    assert await acquire(at, asked) is None
    assert at.stage.over
    customer = at.till.shoppers["asked-0001"]
    assert customer is not None
    assert customer.membership == membership
