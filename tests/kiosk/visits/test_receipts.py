"""Receipts for the shopper's phone, at the screens that tell of a payment."""

from collections.abc import Callable

import pytest

from kiosk.screens import Approved, Choice, ConfirmPurchase, HoldPalm, TillMessage
from kiosk.till.till import Printed, Sale, Talk
from kiosk.visits.pay import pay
from kiosk.visits.talk import talk
from protocol.messages import Money, ProblemType
from tests.support.canned import VISA, Answer, CannedService, Reply, bought, problem
from tests.support.scripted import Line, ScriptedVisit, palm

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
AMOUNT = Money(minor=1250, currency="USD")
SALE = Sale("sale-00000001", AMOUNT, "Corner Shop")
RECEIPT = f"/purchases/{SALE.reference}/receipt"
LINES = ("Sourdough 12.50", "Total 12.50")
PRINTED = TillMessage("Corner Shop", LINES)
DONE = Reply(204, b"")
GONE = problem(ProblemType.CONFLICT, 409)


def approved(receipt: bool | None) -> Approved:
    return Approved("Corner Shop", AMOUNT, VISA, receipt=receipt)


async def pays(visit: At, canned: CannedService, *then: Line, receipt: bool = True) -> None:
    """Pays for a sale, whose receipt goes to the shopper's phone."""
    canned.will(
        "POST /purchases", lambda asked: bought(asked).model_copy(update={"receipt": receipt})
    )
    at = visit((HoldPalm, palm), (ConfirmPurchase, Choice.CONFIRM), *then)
    at.till.ask(SALE)
    await at.till.next_request()
    await pay(at, SALE)
    assert at.stage.over


async def prints(visit: At, *script: Line) -> ScriptedVisit:
    """Has the till print a receipt of the sale."""
    at = visit(*script)
    asked = Talk("asked-0001", PRINTED, Printed(SALE.reference, "\n".join(LINES)))
    at.till.ask(asked)
    await at.till.next_request()
    await talk(at.stage, at.till, at.service, asked)
    assert at.stage.over
    assert at.till.entries == {"asked-0001": Choice.DONE}
    return at


async def test_a_receipt_goes_to_the_phone_of_a_shopper_who_does_not_decline(
    visit: At, canned: CannedService
) -> None:
    await pays(visit, canned, (approved(True), Choice.DONE))
    assert not canned.requests(f"DELETE {RECEIPT}")


async def test_a_tap_declines_it(visit: At, canned: CannedService) -> None:
    canned.will(f"DELETE {RECEIPT}", DONE)
    await pays(visit, canned, (approved(True), Choice.SKIP), (approved(False), Choice.DONE))
    assert len(canned.requests(f"DELETE {RECEIPT}")) == 1


@pytest.mark.parametrize(
    ("answer", "next_screen"),
    [(problem(ProblemType.INTERNAL, 500), approved(True)), (GONE, approved(None))],
    ids=["service away", "on its way"],
)
async def test_it_is_not_said_to_be_declined_when_it_is_not(
    visit: At, canned: CannedService, answer: Answer, next_screen: Approved
) -> None:
    canned.will(f"DELETE {RECEIPT}", *[answer] * 20)
    await pays(visit, canned, (approved(True), Choice.SKIP), (next_screen, Choice.DONE))


async def test_where_there_is_none_nothing_is_said_of_it(visit: At, canned: CannedService) -> None:
    await pays(visit, canned, (approved(None), Choice.DONE), receipt=False)


async def test_what_the_till_prints_goes_to_the_phone_as_well(
    visit: At, canned: CannedService
) -> None:
    canned.will(f"PUT {RECEIPT}", DONE)
    to_phone = TillMessage("Corner Shop", LINES, receipt=True)
    at = await prints(visit, (to_phone, Choice.DONE))
    (asked,) = canned.requests(f"PUT {RECEIPT}")
    assert asked.json == {"text": "Sourdough 12.50\nTotal 12.50"}
    assert at.stage.shown[0] == PRINTED, "it is shown before the service is asked"


async def test_what_the_till_prints_is_declined_with_a_tap(
    visit: At, canned: CannedService
) -> None:
    canned.will(f"PUT {RECEIPT}", DONE)
    canned.will(f"DELETE {RECEIPT}", DONE)
    declined = TillMessage("Corner Shop", LINES, receipt=False)
    await prints(visit, (TillMessage, Choice.SKIP), (declined, Choice.DONE))
    assert len(canned.requests(f"DELETE {RECEIPT}")) == 1


@pytest.mark.parametrize("answer", [GONE, problem(ProblemType.INTERNAL, 500)])
async def test_what_is_not_sent_is_shown_all_the_same(
    visit: At, canned: CannedService, answer: Answer
) -> None:
    canned.will(f"PUT {RECEIPT}", *[answer] * 20)
    await prints(visit, (PRINTED, Choice.DONE))
