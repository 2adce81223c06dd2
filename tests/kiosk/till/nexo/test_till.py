"""The kiosk as a POI: what tills are answered, whatever becomes of the payment."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any, Literal

import pytest

from kiosk.screens import Bill, Item, Notice
from kiosk.service.errors import Offline, ServiceUnavailable
from kiosk.till.nexo.answers import OTHER_TERMINAL
from kiosk.till.nexo.messages import message_in, parse
from kiosk.till.nexo.records import KEPT, NUMBERS_REST, Records
from kiosk.till.nexo.reversals import LONGEST_PAUSE_S
from kiosk.till.till import SaleResult, Untold
from protocol.messages import Money, ProblemType, Purchase, Refund
from tests.support.clocks import NOON
from tests.support.sealed import state_of
from tests.support.shop import VISA, Shop
from tests.support.tills import (
    Json,
    abort,
    input_request,
    payment,
    refused,
    request,
    reversal,
    rung_up,
    status,
    told,
)

pytestmark = pytest.mark.anyio


async def test_a_payment_becomes_a_sale_and_its_outcome_the_answer(shop: Shop):
    answer = shop.sends(payment(4.5))
    sale = await shop.takes()
    assert (sale.amount, sale.merchant) == (Money(minor=450, currency="USD"), "Corner Shop")
    assert shop.till.awaits(sale.reference)
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    assert not shop.till.awaits(sale.reference)
    body = (await answer)["SaleToPOIResponse"]
    assert body["MessageHeader"]["MessageType"] == "Response"
    assert body["MessageHeader"]["ServiceID"] == "1"
    paid = body["PaymentResponse"]
    assert paid["Response"] == {"Result": "Success"}
    assert paid["SaleData"]["SaleTransactionID"]["TransactionID"] == "receipt-27908"
    assert paid["POIData"]["POITransactionID"]["TransactionID"] == sale.reference
    result = paid["PaymentResult"]
    assert result["AmountsResp"] == {"Currency": "USD", "AuthorizedAmount": 4.5}
    assert result["PaymentInstrumentData"]["CardData"] == {
        "PaymentBrand": "visa",
        "MaskedPan": "************4242",
    }


async def test_a_tip_is_told_beside_what_was_charged(shop: Shop):
    answer = shop.sends(payment(4.5))
    sale = await shop.takes()
    charged = Money(minor=495, currency="USD")
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA, charged=charged)
    paid = (await answer)["SaleToPOIResponse"]["PaymentResponse"]["PaymentResult"]
    assert paid["AmountsResp"] == {"Currency": "USD", "AuthorizedAmount": 4.95, "TipAmount": 0.45}


async def test_the_lines_of_a_sale_are_shown_as_the_till_words_them(shop: Shop):
    bread = {"ItemID": 1, "ProductLabel": "Sourdough", "Quantity": 1, "ItemAmount": 6.5}
    weighed = {"ProductCode": "4087", "Quantity": 0.35, "UnitOfMeasure": "Kilogram"}
    discount = {"ProductLabel": "Staff card", "ItemAmount": -2.0}
    answer = shop.sends(rung_up(bread, weighed, discount))
    sale = await shop.takes()
    assert sale.items == (
        Item("Sourdough", "1", Money(minor=650, currency="USD")),
        Item("4087", "0.35 kg"),
        Item("Staff card", "", Money(minor=200, currency="USD"), deducted=True),
    )
    assert sale.bill == Bill("Corner Shop", Money(minor=1250, currency="USD"), sale.items)
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    await answer


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"ProductLabel": 7}, "ProductLabel"),
        ({"ItemAmount": "6.50"}, "ItemAmount"),
    ],
)
async def test_a_line_that_cannot_be_read_is_named(shop: Shop, line: Json, field: str):
    (answer,) = (await shop.asks(rung_up(line)))["SaleToPOIResponse"]["PaymentResponse"].values()
    assert answer["ErrorCondition"] == "MessageFormat"
    assert field in answer["AdditionalResponse"]


@pytest.mark.parametrize("field", ["Quantity", "ItemAmount"])
@pytest.mark.parametrize("number", ["1e999999999", "-1e-999999999", "1" * 4000])
async def test_a_number_without_end_is_refused_before_it_is_written_out(
    shop: Shop, field: str, number: str
):
    text = json.dumps(rung_up({"ProductLabel": "Bread", field: "here"})).replace('"here"', number)
    answer = await shop.till.answer_message(message_in(parse(text.encode())))
    assert answer is not None
    assert told(answer) == ("Failure", "MessageFormat")


@pytest.mark.parametrize(
    ("result", "condition", "words"),
    [
        (SaleResult.DECLINED, "Refusal", "declined"),
        (SaleResult.NOT_PAID, "Cancel", "Nothing was charged"),
        (SaleResult.ANOTHER_WAY, "PaymentRestriction", OTHER_TERMINAL),
    ],
)
async def test_what_is_not_paid_is_a_failure_that_says_why(
    shop: Shop, result: SaleResult, condition: str, words: str
):
    answer = shop.sends(payment())
    await shop.till.answer((await shop.takes()).reference, result)
    body = (await answer)["SaleToPOIResponse"]["PaymentResponse"]
    assert body["Response"]["ErrorCondition"] == condition
    assert words in body["Response"]["AdditionalResponse"]
    assert body["PaymentResult"]["AmountsResp"]["AuthorizedAmount"] == 0


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [(1, "JPY", 1), (1.234, "KWD", 1234), (125000, "HUF", 12_500_000), (0.07, "USD", 7)],
)
async def test_amounts_have_the_decimals_of_their_currency(
    shop: Shop, amount: float, currency: str, minor: int
):
    answer = shop.sends(payment(amount, currency=currency))
    sale = await shop.takes()
    assert sale.amount == Money(minor=minor, currency=currency)
    await shop.till.answer(sale.reference, SaleResult.APPROVED)
    paid = (await answer)["SaleToPOIResponse"]["PaymentResponse"]["PaymentResult"]
    assert paid["AmountsResp"]["AuthorizedAmount"] == amount


@pytest.mark.parametrize(("sent", "minor"), [(68.32000000000001, 6832), (1.1400000000000001, 114)])
async def test_the_noise_of_binary_fractions_is_no_part_of_an_amount(
    shop: Shop, sent: float, minor: int
):
    answer = shop.sends(payment(sent))
    sale = await shop.takes()
    assert sale.amount.minor == minor
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    await answer


@pytest.mark.parametrize("amount", [0, -1, 0.001, 1e300, 1e12, "4.50", None, True, [], {"a": 1}])
async def test_what_is_no_amount_is_refused_and_asks_nobody(shop: Shop, amount: Any):
    assert told(await shop.asks(payment(amount))) == ("Failure", "MessageFormat")
    assert shop.records.last("till-1") is None


# The same again, and others


async def test_a_repeated_message_gets_the_first_answer_and_is_no_other_sale(shop: Shop):
    first, again = shop.sends(payment()), shop.sends(payment())
    sale = await shop.takes()
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    assert await first == await again == await shop.asks(payment())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await shop.till.asks()


async def test_a_number_is_used_for_one_message_only_until_it_has_rested(shop: Shop):
    answer = shop.sends(payment(4.5))
    await shop.till.answer((await shop.takes()).reference, SaleResult.APPROVED)
    await answer
    assert told(await shop.asks(payment(9.9))) == ("Failure", "MessageFormat")
    await shop.clock.turn(NUMBERS_REST.total_seconds())
    another = shop.sends(payment(9.9))
    sale = await shop.takes()
    assert sale.amount.minor == 990
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    await another


async def test_a_second_till_hears_that_the_kiosk_is_busy(shop: Shop):
    first = shop.sends(payment())
    sale = await shop.takes()
    assert told(await shop.asks(payment(sale_id="till-2"))) == ("Failure", "Busy")
    await shop.till.answer(sale.reference, SaleResult.APPROVED)
    await first
    second = shop.sends(payment(sale_id="till-2"))
    await shop.till.answer((await shop.takes()).reference, SaleResult.APPROVED)
    assert told(await second) == ("Success", None)


# Aborting


async def test_a_payment_that_the_kiosk_has_not_taken_yet_is_aborted_at_once(shop: Shop):
    answer = shop.sends(payment())
    await asyncio.sleep(0)
    assert await shop.asks(abort("1")) is None
    assert told(await answer) == ("Failure", "Aborted")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await shop.till.next_request()


async def test_an_abort_withdraws_the_sale_and_is_answered_when_nothing_can_be_charged(shop: Shop):
    answer = shop.sends(payment())
    sale = await shop.takes()
    aborting = shop.sends(abort("1"))
    await shop.till.withdrawn(sale.reference)
    assert not aborting.done()
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    assert await aborting is None
    assert told(await answer) == ("Failure", "Aborted")


async def test_an_abort_that_comes_too_late_is_answered_with_the_payment(shop: Shop):
    answer = shop.sends(payment())
    sale = await shop.takes()
    aborting = shop.sends(abort("1"))
    await shop.till.withdrawn(sale.reference)
    await shop.till.answer(sale.reference, SaleResult.UNKNOWN)
    await asyncio.sleep(0)
    assert not aborting.done(), "it may still be charged"
    await shop.till.answer(sale.reference, SaleResult.APPROVED)
    assert await aborting is None
    assert told(await answer) == ("Success", None)


async def test_a_payment_that_comes_after_its_abort_asks_nobody(shop: Shop):
    assert await shop.asks(abort("1")) is None
    assert told(await shop.asks(payment())) == ("Failure", "Aborted")


@pytest.mark.parametrize(
    ("sale_id", "by", "key"),
    [
        ("till-1", "till-2", "shared"),
        ("till-1", "till-1", "another"),
        ("till-1", "till-1", None),
    ],
    ids=["another SaleID", "another key", "outside the envelope"],
)
async def test_a_till_cannot_abort_the_payment_of_another(
    shop: Shop, sale_id: str, by: str, key: str | None
):
    answer = shop.sends(payment(), "shared")
    sale = await shop.takes()
    aborting = abort("1", sale_id=sale_id, by=by)
    assert told(await shop.asks(aborting, key)) == ("Failure", "NotAllowed")
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    assert told(await answer) == ("Success", None)


async def test_what_a_till_aborts_under_its_own_name_is_not_the_message_of_another(shop: Shop):
    answer = shop.sends(payment())
    sale = await shop.takes()
    assert await shop.asks(abort("1", sale_id="till-2", by="till-2")) is None
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    assert told(await answer) == ("Success", None)


async def test_a_till_cannot_abort_what_another_has_yet_to_send(shop: Shop):
    assert told(await shop.asks(abort("1", by="till-2"))) == ("Failure", "NotAllowed")
    assert await shop.asks(abort("1"), "another") is None
    answer = shop.sends(payment(), "shared")
    await shop.till.answer((await shop.takes()).reference, SaleResult.APPROVED, card=VISA)
    assert told(await answer) == ("Success", None)


async def test_records_of_a_version_that_kept_no_keys_are_read_and_added_to(tmp_path: Path):
    before = sqlite3.connect(tmp_path / "till.db")
    columns = "category, sale_id, service_id, digest, reference, asked, answer, at"
    before.execute(f"CREATE TABLE transactions ({columns})")
    before.execute("CREATE TABLE aborts (sale_id, service_id, at)")
    asked = json.dumps({"header": {}})
    row = ("Payment", "till-1", "1", b"", "nexo-1", asked, None, NOON.isoformat())
    before.execute("INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    before.commit()
    before.close()
    for _ in range(2):
        records = Records(state_of(tmp_path).files / "till.db")
        (old,) = records.open()
        assert old.sender == ("till-1", None)
        records.abort(("till-1", "shared"), "2", NOON)
        assert records.was_aborted(("till-1", "shared"), "2", NOON)
        assert not records.was_aborted(("till-1", None), "2", NOON)
        records.close()


async def test_a_key_of_a_later_version_aborts_what_the_earlier_has_sent(shop: Shop):
    answer = shop.sends(payment(), "till")
    sale = await shop.takes()
    aborting = shop.sends(abort("1"), "till")
    await shop.till.withdrawn(sale.reference)
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    assert await aborting is None
    assert told(await answer) == ("Failure", "Aborted")


async def test_an_abort_is_of_the_payment_that_is_to_come_where_its_number_was_used_before(
    shop: Shop,
):
    await shop.pays(4.5)
    await shop.clock.turn(NUMBERS_REST.total_seconds())
    assert await shop.asks(abort("1")) is None
    assert told(await shop.asks(payment(9.9))) == ("Failure", "Aborted")


async def test_an_abort_ends_the_question_that_is_asked_where_its_number_was_used_before(
    shop: Shop,
):
    await shop.pays(4.5)
    await shop.clock.turn(NUMBERS_REST.total_seconds())
    asking = shop.sends(input_request("GetConfirmation", "A bag?"))
    talk = await shop.takes_request()
    aborting = shop.sends(abort("1"))
    async with asyncio.timeout(60):
        await shop.till.withdrawn(talk.reference)
    await shop.till.tell_entry(talk.reference, None)
    assert await aborting is None
    await asking


async def test_a_question_that_comes_after_its_abort_is_not_asked(shop: Shop):
    assert await shop.asks(abort("1")) is None
    asked = input_request("GetConfirmation", "A bag?")
    assert told(await shop.asks(asked)) == ("Failure", "Aborted")


async def test_an_abort_of_what_is_answered_changes_nothing(shop: Shop):
    answer = shop.sends(payment())
    await shop.till.answer((await shop.takes()).reference, SaleResult.APPROVED)
    first = await answer
    assert await shop.asks(abort("1")) is None
    assert await shop.asks(payment()) == first


# What became of it


async def test_the_status_is_told_during_the_payment_and_for_ever_after(shop: Shop):
    assert told(await shop.asks(status("1"))) == ("Failure", "NotFound")
    answer = shop.sends(payment())
    sale = await shop.takes()
    assert told(await shop.asks(status("1"))) == ("Failure", "InProgress")
    assert told(await shop.asks(status(None))) == ("Failure", "InProgress")
    assert told(await shop.asks(status(None, sale_id="till-2"))) == ("Failure", "NotFound")
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    first = (await answer)["SaleToPOIResponse"]
    for asked in (status("1"), status(None)):
        found = (await shop.asks(asked))["SaleToPOIResponse"]["TransactionStatusResponse"]
        assert found["Response"]["Result"] == "Success"
        repeated = found["RepeatedMessageResponse"]
        assert repeated["MessageHeader"] == first["MessageHeader"]
        body = repeated["RepeatedResponseMessageBody"]
        assert body == {"PaymentResponse": first["PaymentResponse"]}


def added(answer: Json) -> str | None:
    """Returns what the answer to a question for a status adds."""
    told_of = answer["SaleToPOIResponse"]["TransactionStatusResponse"]["Response"]
    return told_of.get("AdditionalResponse")


async def test_the_status_tells_what_was_given_back_wherever_that_was_asked_for(shop: Shop):
    paid, amount = await shop.pays(12.5), Money(minor=1250, currency="USD")
    first = await shop.asks(status("1"))
    for back, words in (
        (0, "refundedAmount=0.00&remainingAmount=12.50"),
        (450, "refundedAmount=4.50&remainingAmount=8.00"),
        (1250, "refundedAmount=12.50&remainingAmount=0.00"),
    ):
        shop.gives_back_elsewhere(paid, amount, back)
        for asked in (status("1"), status(None)):
            found = await shop.asks(asked)
            assert added(found) == words
            told_of = found["SaleToPOIResponse"]["TransactionStatusResponse"]
            told_of["Response"].pop("AdditionalResponse")
            assert found == first, "the payment's own answer stays as it was"


async def test_an_amount_given_back_has_the_decimals_of_its_currency(shop: Shop):
    shop.gives_back_elsewhere(await shop.pays(), Money(minor=1250, currency="JPY"), 250)
    found = added(await shop.asks(status("1")))
    assert found == "refundedAmount=250&remainingAmount=1000"


async def test_a_service_that_is_away_keeps_no_till_from_its_status(shop: Shop):
    await shop.pays()
    found = await shop.asks(status("1"))
    assert (told(found), added(found)) == (("Success", None), None)


async def test_of_what_is_no_approved_payment_the_service_is_asked_nothing(shop: Shop):
    paid = await shop.pays()
    shop.answers.append(refund(450))
    await shop.asks(reversal(paid))
    answer = shop.sends(payment(service_id="2"))
    sale = await shop.takes()
    await shop.asks(status("2"))
    await shop.till.answer(sale.reference, SaleResult.DECLINED)
    await answer
    assert told(await shop.asks(status("2"))) == ("Success", None)
    assert told(await shop.asks(status("7"))) == ("Success", None)
    assert shop.asked_for_totals == 0


async def test_an_unknown_outcome_is_in_progress_until_it_is_known(shop: Shop):
    answer = shop.sends(payment())
    sale = await shop.takes()
    await shop.till.answer(sale.reference, SaleResult.UNKNOWN)
    assert told(await shop.asks(status("1"))) == ("Failure", "InProgress")
    another = shop.sends(payment(service_id="2"))
    next_sale = await shop.takes()
    await shop.till.answer(next_sale.reference, SaleResult.NOT_PAID)
    await another
    assert not answer.done()
    await shop.till.answer(sale.reference, SaleResult.APPROVED)
    assert told(await answer) == ("Success", None)


async def test_after_a_restart_what_is_not_in_doubt_has_charged_nothing(shop: Shop):
    asking = shop.sends(payment())
    await shop.takes()
    asking.cancel()
    await shop.reopens()
    found = (await shop.asks(status("1")))["SaleToPOIResponse"]["TransactionStatusResponse"]
    body = found["RepeatedMessageResponse"]["RepeatedResponseMessageBody"]["PaymentResponse"]
    assert body["Response"]["ErrorCondition"] == "Aborted"
    assert told(await shop.asks(payment())) == ("Failure", "Aborted"), "no second sale"


async def test_after_a_restart_what_is_in_doubt_is_answered_when_it_is_known(shop: Shop):
    asking = shop.sends(payment())
    sale = await shop.takes()
    asking.cancel()
    shop.in_doubt.add(sale.reference)
    await shop.reopens()
    assert told(await shop.asks(status("1"))) == ("Failure", "InProgress")
    again = shop.sends(payment())
    await asyncio.sleep(0)
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    assert told(await again) == ("Success", None)


async def test_answers_are_kept_for_400_days(shop: Shop, tmp_path: Path):
    answer = shop.sends(payment())
    await shop.till.answer((await shop.takes()).reference, SaleResult.APPROVED)
    await answer
    shop.records.forget(shop.clock.wall() + KEPT - NUMBERS_REST)
    assert told(await shop.asks(status("1"))) == ("Success", None)
    shop.records.forget(shop.clock.wall() + KEPT)
    assert told(await shop.asks(status("1"))) == ("Failure", "NotFound")


# Giving back


def refund(minor: int, outcome: Literal["refunded", "failed"] = "refunded") -> Refund:
    return Refund(
        refund_id="refund-12345678",
        reference="reference-12345678",
        purchase_reference="purchase-12345678",
        amount=Money(minor=minor, currency="USD"),
        outcome=outcome,
        failure_reason="lost_or_stolen_card" if outcome == "failed" else None,
        card=VISA,
        at=NOON,
    )


@pytest.mark.parametrize(("part", "minor"), [(None, 450), (1.2, 120)])
async def test_a_payment_is_given_back_in_full_or_in_part(
    shop: Shop, part: float | None, minor: int
):
    paid = await shop.pays()
    shop.answers.append(refund(minor))
    answer = await shop.asks(reversal(paid, part))
    assert told(answer) == ("Success", None)
    body = answer["SaleToPOIResponse"]["ReversalResponse"]
    assert body["ReversedAmount"] == minor / 100
    assert body["OriginalPOITransaction"]["POITransactionID"]["TransactionID"] == paid
    ((purchase, request, key),) = shop.refunds
    assert (purchase, key) == (paid, request.reference)
    assert request.amount == (None if part is None else Money(minor=minor, currency="USD"))
    assert body["POIData"]["POITransactionID"]["TransactionID"] == request.reference


async def test_a_repeated_reversal_gets_the_first_answer_and_gives_back_once(shop: Shop):
    paid = await shop.pays()
    waiting: asyncio.Future[Refund] = asyncio.get_running_loop().create_future()
    shop.answers.append(waiting)
    first, again = shop.sends(reversal(paid)), shop.sends(reversal(paid))
    await asyncio.sleep(0)
    assert told(await shop.asks(status("7"))) == ("Failure", "InProgress")
    waiting.set_result(refund(450))
    assert await first == await again == await shop.asks(reversal(paid))
    assert len(shop.refunds) == 1
    found = (await shop.asks(status("7")))["SaleToPOIResponse"]["TransactionStatusResponse"]
    assert found["MessageReference"]["MessageCategory"] == "Reversal"
    body = found["RepeatedMessageResponse"]["RepeatedResponseMessageBody"]
    assert body["ReversalResponse"]["ReversedAmount"] == 4.5


@pytest.mark.parametrize(
    ("answer", "condition", "words"),
    [
        (refused(ProblemType.NOT_REFUNDABLE), "NotAllowed", "not left"),
        (refused(ProblemType.CARD_FORGOTTEN), "NotAllowed", "another way"),
        (refused(ProblemType.CONFLICT), "NotAllowed", "kiosk's log"),
        (refund(450, "failed"), "Refusal", "lost_or_stolen_card"),
        (Offline("away", may_have_arrived=False), "UnreachableHost", "nothing was given back"),
    ],
)
async def test_what_is_not_given_back_is_a_failure_that_says_why(
    shop: Shop, answer: Refund | Exception, condition: str, words: str
):
    paid = await shop.pays()
    shop.answers.append(answer)
    told_of = await shop.asks(reversal(paid))
    assert told(told_of) == ("Failure", condition)
    body = told_of["SaleToPOIResponse"]["ReversalResponse"]
    assert words in body["Response"]["AdditionalResponse"]
    assert "ReversedAmount" not in body


@pytest.mark.parametrize(
    "lost", [Offline("cut", may_have_arrived=True), ServiceUnavailable("busy", None)]
)
async def test_a_reversal_that_may_have_been_made_is_asked_for_until_that_is_known(
    shop: Shop, lost: Exception
):
    paid = await shop.pays()
    shop.answers += [lost, lost, refund(450)]
    answer = shop.sends(reversal(paid))
    await shop.clock.turn(LONGEST_PAUSE_S)
    assert told(await answer) == ("Success", None)
    assert len({(request.reference, key) for _, request, key in shop.refunds}) == 1


async def test_a_reversal_that_comes_after_its_abort_gives_nothing_back(shop: Shop):
    paid = await shop.pays()
    assert await shop.asks(abort("7")) is None
    assert told(await shop.asks(reversal(paid))) == ("Failure", "Aborted")
    assert shop.refunds == []


async def test_the_abort_of_a_reversal_is_answered_when_that_has_its_answer(shop: Shop):
    paid = await shop.pays()
    waiting: asyncio.Future[Refund] = asyncio.get_running_loop().create_future()
    shop.answers.append(waiting)
    answer = shop.sends(reversal(paid))
    await shop.refunding.wait()
    aborting = shop.sends(abort("7"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not aborting.done(), "it is given back all the same"
    waiting.set_result(refund(450))
    assert await aborting is None
    assert told(await answer) == ("Success", None)


async def test_a_reversal_is_carried_out_after_a_restart(shop: Shop):
    paid = await shop.pays()
    shop.answers.append(asyncio.get_running_loop().create_future())
    asking = shop.sends(reversal(paid))
    await shop.refunding.wait()
    asking.cancel()
    (before,) = shop.refunds
    shop.answers.append(refund(450))
    await shop.reopens()
    assert told(await shop.asks(reversal(paid))) == ("Success", None)
    assert shop.refunds == [before, before]


@pytest.mark.parametrize(
    "then", [Offline("away", may_have_arrived=False), refused(ProblemType.UNKNOWN_DEVICE)]
)
async def test_a_lost_answer_is_not_said_to_have_given_nothing_back(shop: Shop, then: Exception):
    paid = await shop.pays()
    shop.answers += [Offline("cut", may_have_arrived=True), then, refund(450)]
    answer = shop.sends(reversal(paid))
    await shop.clock.turn(LONGEST_PAUSE_S)
    assert told(await answer) == ("Success", None)


async def test_a_service_out_of_reach_at_a_restart_says_nothing_of_a_reversal_before(shop: Shop):
    paid = await shop.pays()
    shop.answers.append(asyncio.get_running_loop().create_future())
    asking = shop.sends(reversal(paid))
    await shop.refunding.wait()
    asking.cancel()
    shop.answers += [Offline("not started", may_have_arrived=False), refund(450)]
    await shop.reopens()
    answer = shop.sends(reversal(paid))
    await shop.clock.turn(LONGEST_PAUSE_S)
    assert told(await answer) == ("Success", None)


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00+14:00", "not a time", "\ud800"])
async def test_an_odd_time_of_a_till_is_no_error_of_the_kiosk(shop: Shop, odd: str):
    message = payment()
    body = message["SaleToPOIRequest"]["PaymentRequest"]
    body["SaleData"]["SaleTransactionID"]["TimeStamp"] = odd
    answer = shop.sends(message)
    await asyncio.wait(
        {answer, taking := asyncio.create_task(shop.takes())}, return_when="FIRST_COMPLETED"
    )
    if taking.done():
        await shop.till.answer(taking.result().reference, SaleResult.NOT_PAID)
    taking.cancel()
    assert told(await answer)[0] == "Failure"


@pytest.mark.parametrize("unknown", ["nexo-000000000000000000000000", "another till's", "x"])
async def test_what_was_not_paid_here_is_not_given_back(shop: Shop, unknown: str):
    await shop.pays()
    assert told(await shop.asks(reversal(unknown))) == ("Failure", "NotFound")
    assert shop.refunds == []


def sold_elsewhere(
    outcome: Literal["approved", "declined", "not_paid"] = "approved",
) -> Purchase:
    return Purchase(
        purchase_id="purchase-0001",
        reference="nexo-elsewhere",
        amount=Money(minor=900, currency="USD"),
        outcome=outcome,
        card=VISA,
        at=NOON,
    )


async def test_what_another_kiosk_of_the_merchant_has_sold_is_given_back_here(shop: Shop):
    shop.sold_elsewhere["nexo-elsewhere"] = sold_elsewhere()
    shop.answers.append(refund(450))
    # Both ask the service whose the payment is before either is recorded.
    twice = await asyncio.gather(*(shop.asks(reversal("nexo-elsewhere", 4.5)) for _ in range(2)))
    assert [told(answer) for answer in twice] == [("Success", None)] * 2
    ((purchase, asked, _),) = shop.refunds
    assert (purchase, asked.amount) == ("nexo-elsewhere", Money(minor=450, currency="USD"))


async def test_one_that_was_answered_while_the_service_was_asked_is_given_back_once(shop: Shop):
    shop.sold_elsewhere["nexo-elsewhere"] = sold_elsewhere()
    shop.answers.append(refund(450))
    asking, shop.finding = shop.finding, asyncio.Event()
    slow = shop.sends(reversal("nexo-elsewhere", 4.5))
    await shop.asked_for_purchase.wait()
    held, shop.finding = shop.finding, asking
    assert told(await shop.asks(reversal("nexo-elsewhere", 4.5))) == ("Success", None)
    held.set()
    assert told(await slow) == ("Success", None)
    assert len(shop.refunds) == 1


@pytest.mark.parametrize("outcome", ["declined", "not_paid"])
async def test_what_was_not_paid_elsewhere_is_not_given_back(
    shop: Shop, outcome: Literal["declined", "not_paid"]
):
    shop.sold_elsewhere["nexo-elsewhere"] = sold_elsewhere(outcome)
    assert told(await shop.asks(reversal("nexo-elsewhere"))) == ("Failure", "NotFound")


async def test_neither_a_failed_payment_nor_a_reversal_is_given_back(shop: Shop):
    answer = shop.sends(payment())
    sale = await shop.takes()
    assert told(await shop.asks(reversal(sale.reference))) == ("Failure", "NotFound")
    await shop.till.answer(sale.reference, SaleResult.DECLINED)
    await answer
    assert told(await shop.asks(reversal(sale.reference))) == ("Failure", "NotFound")
    assert shop.refunds == []


@pytest.mark.parametrize("part", [0, -1, 0.001, "1", True])
async def test_no_part_that_is_no_amount_is_given_back(shop: Shop, part: Any):
    paid = await shop.pays()
    assert told(await shop.asks(reversal(paid, part))) == ("Failure", "MessageFormat")
    assert shop.refunds == []


# A disk that stores nothing


class _Full(Records):
    def begin(self, *_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    def answer(self, *_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")


async def test_a_payment_that_cannot_be_recorded_asks_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shop.till, "_records", _Full.__new__(_Full))
    monkeypatch.setattr(_Full, "of_message", lambda *_: None)
    monkeypatch.setattr(_Full, "was_aborted", lambda *_: False)
    monkeypatch.setattr(_Full, "forget", lambda *_: None)
    assert told(await shop.asks(payment())) == ("Failure", "UnavailableDevice")


@pytest.mark.parametrize("result", [SaleResult.APPROVED, SaleResult.NOT_PAID])
async def test_that_something_was_charged_is_told_only_once_it_is_recorded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, result: SaleResult
):
    answer = shop.sends(payment())
    sale = await shop.takes()
    with monkeypatch.context() as full:
        full.setattr(Records, "answer", _Full.answer)
        if result is SaleResult.APPROVED:
            with pytest.raises(Untold):
                await shop.till.answer(sale.reference, result)
            assert not answer.done()
        else:
            await shop.till.answer(sale.reference, result)
    await shop.till.answer(sale.reference, result)
    assert told(await answer)[0] == ("Success" if result is SaleResult.APPROVED else "Failure")


async def test_an_approval_that_cannot_be_recorded_keeps_no_other_payment_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    answer = shop.sends(payment())
    sale = await shop.takes()
    with monkeypatch.context() as full:
        full.setattr(Records, "answer", _Full.answer)
        with pytest.raises(Untold):
            await shop.till.answer(sale.reference, SaleResult.APPROVED)
    other = shop.sends(payment(service_id="2"))
    await shop.till.answer((await shop.takes()).reference, SaleResult.NOT_PAID)
    assert told(await other) == ("Failure", "Cancel")
    assert told(await shop.asks(status("1"))) == ("Failure", "InProgress")
    await shop.till.answer(sale.reference, SaleResult.APPROVED)
    assert told(await answer) == ("Success", None)


async def test_a_payment_that_could_not_be_read_at_the_start_is_no_error_of_the_kiosk(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    shop.sends(payment())
    await shop.takes()
    with monkeypatch.context() as broken:
        broken.setattr(Records, "open", lambda _: (_ for _ in ()).throw(sqlite3.OperationalError()))
        await shop.reopens()
    assert told(await shop.asks(payment())) == ("Failure", "UnavailableDevice")
    assert told(await shop.asks(abort("1"))) == ("Failure", "UnavailableDevice")


async def test_what_became_of_a_payment_that_could_not_be_read_at_the_start_is_told_all_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    asking = shop.sends(payment())
    sale = await shop.takes()
    asking.cancel()
    shop.in_doubt.add(sale.reference)
    with monkeypatch.context() as broken:
        broken.setattr(Records, "open", lambda _: (_ for _ in ()).throw(sqlite3.OperationalError()))
        await shop.reopens()
    with monkeypatch.context() as broken:
        broken.setattr(Records, "of_sale", _Full.begin)
        with pytest.raises(Untold):
            await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    shop.in_doubt.clear()
    await shop.reopens()
    assert told(await shop.asks(payment())) == ("Success", None)


async def test_a_record_that_is_damaged_leaves_the_others_as_they_are(shop: Shop):
    paid = await shop.pays()
    shop.answers.append(asyncio.get_running_loop().create_future())
    refunding = shop.sends(reversal(paid))
    await shop.refunding.wait()
    refunding.cancel()
    paying = shop.sends(payment(service_id="2"))
    damaged = await shop.takes()
    paying.cancel()
    shop.records._database.execute(
        "UPDATE transactions SET asked = ? WHERE reference = ?", (b"damaged", damaged.reference)
    )
    shop.answers.append(refund(450))
    await shop.reopens()
    assert told(await shop.asks(reversal(paid))) == ("Success", None)
    assert told(await shop.asks(payment(service_id="2"))) == ("Failure", "UnavailableDevice")


# Diagnosis, login, and what is not served


@pytest.mark.parametrize(
    ("notice", "condition", "status", "reaches"),
    [
        (None, None, "OK", True),
        (Notice.OFFLINE, "UnreachableHost", "Maintenance", False),
        (Notice.CAMERA, "UnavailableDevice", "Maintenance", True),
        (Notice.NOT_ACTIVATED, "UnavailableService", "Maintenance", True),
        (Notice.LOCKED, "UnavailableService", "Maintenance", True),
    ],
)
async def test_a_diagnosis_and_a_payment_tell_what_is_wrong(
    shop: Shop, notice: Notice | None, condition: str | None, status: str, reaches: bool
):
    shop.notice = notice
    answer = await shop.asks(request("Diagnosis", {}))
    assert told(answer)[1] == condition
    body = answer["SaleToPOIResponse"]["DiagnosisResponse"]
    assert body["POIStatus"]["GlobalStatus"] == status
    assert body["HostStatus"][0]["IsReachableFlag"] is reaches
    if notice is not None:
        assert told(await shop.asks(payment())) == ("Failure", condition)


async def test_a_diagnosis_tells_that_a_payment_is_in_progress(shop: Shop):
    paying = shop.sends(payment())
    sale = await shop.takes()
    body = (await shop.asks(request("Diagnosis", {})))["SaleToPOIResponse"]["DiagnosisResponse"]
    assert body["POIStatus"]["GlobalStatus"] == "Busy"
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    await paying


async def test_a_till_logs_in_and_out(shop: Shop):
    login = {"DateTime": "2027-03-01T12:00:00Z", "SaleSoftware": {}, "OperatorLanguage": "en"}
    answer = await shop.asks(request("Login", login))
    software = answer["SaleToPOIResponse"]["LoginResponse"]["POISystemData"]["POISoftware"]
    assert software["ApplicationName"] == "palm-kiosk"
    assert told(await shop.asks(request("Logout", {}))) == ("Success", None)


@pytest.mark.parametrize("category", ["StoredValue", "<script>"])
async def test_what_is_not_served_is_said_to_be_unavailable(shop: Shop, category: str):
    assert told(await shop.asks(request(category, {}))) == ("Failure", "UnavailableService")


@pytest.mark.parametrize("kind", ["Refund", "CashAdvance", "Instalment"])
async def test_another_kind_of_payment_is_said_to_be_unavailable(shop: Shop, kind: str):
    message = payment()
    message["SaleToPOIRequest"]["PaymentRequest"]["PaymentData"] = {"PaymentType": kind}
    assert told(await shop.asks(message)) == ("Failure", "UnavailableService")
