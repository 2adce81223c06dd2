"""What the till asks of the shopper beside a payment: who they are, and what it says or asks."""

import asyncio
from typing import Any

import pytest

from kiosk.qr_code import qr_code
from kiosk.screens import (
    Choice,
    Entered,
    Notice,
    TillDigits,
    TillMenu,
    TillMessage,
    TillQuestion,
)
from kiosk.till.nexo.talk import MOST_CODE
from kiosk.till.nexo.till import PRINTS_WITHIN_S
from kiosk.till.till import Acquisition, Printed, SaleResult, Talk
from protocol.messages import Customer
from tests.support.shop import VISA, Shop
from tests.support.tills import (
    Json,
    abort,
    acquisition,
    display,
    enable,
    input_request,
    payment,
    print_request,
    request,
    status,
    told,
)

pytestmark = pytest.mark.anyio

ALEX = Customer(name_hint="Alex D.", card=VISA)


async def acquired(shop: Shop, customer: Customer | None = ALEX) -> tuple[str, Json]:
    """Has the till ask who the shopper is. Returns the TransactionID and the answer."""
    answer = shop.sends(acquisition())
    asked = await shop.takes_request()
    assert asked == Acquisition(asked.reference, "Corner Shop")
    await shop.till.tell_shopper(asked.reference, customer)
    return asked.reference, (await answer)["SaleToPOIResponse"]["CardAcquisitionResponse"]


async def test_the_till_is_told_who_the_shopper_is_before_it_says_what_they_pay(shop: Shop):
    reference, answer = await acquired(shop)
    assert answer["Response"] == {"Result": "Success"}
    assert answer["POIData"]["POITransactionID"]["TransactionID"] == reference
    assert answer["PaymentInstrumentData"]["CardData"]["MaskedPan"] == "************4242"
    paying = shop.sends(payment(service_id="2", of=reference))
    sale = await shop.takes()
    assert sale.acquisition == reference
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    assert told(await paying) == ("Success", None)


async def test_a_shopper_who_is_not_known_is_a_failure_and_no_payment_goes_on_with_them(shop: Shop):
    reference, answer = await acquired(shop, None)
    assert answer["Response"]["ErrorCondition"] == "Cancel"
    assert "PaymentInstrumentData" not in answer
    going_on = await shop.asks(payment(service_id="2", of=reference))
    assert told(going_on) == ("Failure", "NotFound")


async def test_who_has_left_since_pays_no_more(shop: Shop):
    reference, _ = await acquired(shop)
    await shop.till.tell_shopper(reference, None)
    going_on = await shop.asks(payment(service_id="2", of=reference))
    assert told(going_on) == ("Failure", "NotFound")


async def test_whatever_is_asked_next_ends_the_waiting_of_an_acquisition(shop: Shop):
    reference, _ = await acquired(shop)
    saying = shop.sends(display("Welcome"))
    talk = await shop.takes_request()
    await shop.till.tell_entry(talk.reference, Choice.DONE)
    await saying
    going_on = await shop.asks(payment(service_id="3", of=reference))
    assert told(going_on) == ("Failure", "NotFound")


async def test_an_acquisition_is_answered_once_however_often_it_is_sent(shop: Shop):
    _, first = await acquired(shop)
    again = await shop.asks(acquisition())
    assert again["SaleToPOIResponse"]["CardAcquisitionResponse"] == first
    body = (await shop.asks(status("1")))["SaleToPOIResponse"]["TransactionStatusResponse"]
    repeated = body["RepeatedMessageResponse"]["RepeatedResponseMessageBody"]
    assert repeated["CardAcquisitionResponse"] == first


@pytest.mark.parametrize("end", [abort("1"), enable("AbortTransaction")], ids=["abort", "enable"])
async def test_an_acquisition_is_ended_while_the_palm_is_held(shop: Shop, end: Json):
    answer = shop.sends(acquisition())
    asked = await shop.takes_request()
    ending = shop.sends(end)
    await shop.till.withdrawn(asked.reference)
    await shop.till.tell_shopper(asked.reference, None)
    assert told(await answer) == ("Failure", "Aborted")
    await ending


async def test_an_acquisition_that_the_kiosk_has_not_taken_yet_is_ended_at_once(shop: Shop):
    answer = shop.sends(acquisition())
    await shop.till.asks()
    assert await shop.asks(abort("1")) is None
    assert told(await answer) == ("Failure", "Aborted")


async def test_a_shopper_who_waits_for_the_till_is_let_go_by_it(shop: Shop):
    reference, _ = await acquired(shop)
    waiting = asyncio.ensure_future(shop.till.withdrawn(reference))
    assert told(await shop.asks(enable("AbortTransaction"))) == ("Success", None)
    await waiting


async def test_another_till_neither_ends_an_acquisition_nor_lets_its_shopper_go(shop: Shop):
    theirs = enable("AbortTransaction", sale_id="till-2")
    answer = shop.sends(acquisition())
    asked = await shop.takes_request()
    assert told(await shop.asks(theirs)) == ("Failure", "NotAllowed")
    await shop.till.tell_shopper(asked.reference, ALEX)
    assert told(await answer) == ("Success", None)
    assert told(await shop.asks(theirs)) == ("Failure", "NotAllowed")
    paying = shop.sends(payment(service_id="2", of=asked.reference))
    sale = await shop.takes()
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    assert told(await paying) == ("Success", None)


async def test_another_till_does_not_abort_a_question(shop: Shop):
    answer = shop.sends(input_request("GetConfirmation", "Do you need a bag?"), "shared")
    talk = await shop.takes_request()
    assert told(await shop.asks(abort("1"), "another")) == ("Failure", "NotAllowed")
    await shop.till.tell_entry(talk.reference, Choice.CONFIRM)
    await answer


async def test_a_payment_is_not_ended_with_an_acquisition(shop: Shop):
    paying = shop.sends(payment())
    sale = await shop.takes()
    assert told(await shop.asks(enable("AbortTransaction"))) == ("Failure", "NotAllowed")
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    await paying


async def test_nothing_is_started_ahead(shop: Shop):
    assert told(await shop.asks(enable("StartTransaction"))) == ("Failure", "UnavailableService")


async def test_after_a_restart_an_acquisition_is_over(shop: Shop):
    asking = shop.sends(acquisition())
    await shop.takes_request()
    asking.cancel()
    await shop.reopens()
    assert told(await shop.asks(acquisition())) == ("Failure", "Aborted")


async def says(shop: Shop, message: Json, entry: Any) -> tuple[Talk, Json]:
    """Has the till say or ask something, and the shopper answer."""
    answer = shop.sends(message)
    talk = await shop.takes_request()
    assert isinstance(talk, Talk)
    await shop.till.tell_entry(talk.reference, entry)
    (body,) = (
        part
        for name, part in (await answer)["SaleToPOIResponse"].items()
        if name.endswith("Response")
    )
    return talk, body


async def test_what_the_till_displays_is_answered_once_it_is_shown(shop: Shop):
    talk, body = await says(shop, display("Three for two", "on tomatoes"), Choice.DONE)
    assert talk.screen == TillMessage("Corner Shop", ("Three for two", "on tomatoes"))
    (result,) = body["OutputResult"]
    assert result == {
        "Device": "CustomerDisplay",
        "InfoQualify": "Display",
        "Response": {"Result": "Success"},
    }


async def test_a_locked_kiosk_shows_nothing_of_a_till_and_says_so(shop: Shop):
    shop.notice = Notice.LOCKED
    answer = await shop.asks(display("Three for two"))
    assert told(answer) == ("Failure", "UnavailableService")


async def test_a_receipt_becomes_a_code_that_the_phone_keeps(shop: Shop):
    talk, body = await says(shop, print_request("Bread 6.50", "Total 6.50"), Choice.DONE)
    receipt = qr_code("Bread 6.50\nTotal 6.50")
    assert talk.screen == TillMessage("Corner Shop", ("Bread 6.50", "Total 6.50"), receipt)
    assert body == {"DocumentQualifier": "CustomerReceipt", "Response": {"Result": "Success"}}


QUESTION = ("Do you need a bag?",)


@pytest.mark.parametrize(
    ("asked", "screen", "entry", "entered"),
    [
        (
            input_request("GetConfirmation", *QUESTION),
            TillQuestion("Corner Shop", QUESTION),
            Choice.CONFIRM,
            {"ConfirmedFlag": True},
        ),
        (
            input_request("GetConfirmation", *QUESTION),
            TillQuestion("Corner Shop", QUESTION),
            Choice.CANCEL,
            {"ConfirmedFlag": False},
        ),
        (
            input_request("DigitString", *QUESTION, MinLength=4, MaxLength=8),
            TillDigits("Corner Shop", QUESTION, 4, 8),
            Entered("123456"),
            {"DigitInput": "123456"},
        ),
        (
            input_request("GetMenuEntry", *QUESTION, entries=("Paper", "Cloth", "None")),
            TillMenu("Corner Shop", QUESTION, ("Paper", "Cloth", "None")),
            Entered("2"),
            {"MenuEntryNumber": [0, 1, 0]},
        ),
    ],
    ids=["yes", "no", "digits", "menu"],
)
async def test_what_the_shopper_answers_is_told_to_the_till(
    shop: Shop, asked: Json, screen: Any, entry: Any, entered: Json
):
    talk, body = await says(shop, asked, entry)
    assert talk.screen == screen
    result = body["InputResult"]
    assert result["Response"] == {"Result": "Success"}
    command = asked["SaleToPOIRequest"]["InputRequest"]["InputData"]["InputCommand"]
    assert result["Input"] == {"InputCommand": command, **entered}


@pytest.mark.parametrize("entry", [None, Choice.CANCEL])
async def test_a_question_that_is_not_answered_is_cancelled(shop: Shop, entry: Any):
    _, body = await says(shop, input_request("DigitString", *QUESTION), entry)
    assert body["InputResult"]["Response"]["ErrorCondition"] == "Cancel"
    assert "Input" not in body["InputResult"]


async def test_a_question_is_aborted(shop: Shop):
    answer = shop.sends(input_request("GetConfirmation", *QUESTION))
    await shop.till.asks()
    assert await shop.asks(abort("1")) is None
    (body,) = list((await answer)["SaleToPOIResponse"].values())[1:]
    assert body["InputResult"]["Response"]["ErrorCondition"] == "Cancel"


async def test_a_repeated_question_gets_the_first_answer(shop: Shop):
    asked = input_request("GetConfirmation", *QUESTION)
    _, first = await says(shop, asked, Choice.CONFIRM)
    assert (await shop.asks(asked))["SaleToPOIResponse"]["InputResponse"] == first


async def test_what_a_shopper_types_stands_in_no_file(shop: Shop):
    await says(shop, input_request("DigitString", *QUESTION), Entered("8675309123"))
    assert b"8675309123" not in shop.written()


async def test_while_a_question_is_open_a_payment_hears_that_the_kiosk_is_busy(shop: Shop):
    answer = shop.sends(input_request("GetConfirmation", *QUESTION))
    talk = await shop.takes_request()
    assert told(await shop.asks(payment(service_id="2"))) == ("Failure", "Busy")
    await shop.till.tell_entry(talk.reference, Choice.CANCEL)
    await answer


@pytest.mark.parametrize(
    ("message", "condition"),
    [
        (display("x", device="CashierDisplay"), "UnavailableDevice"),
        (display("x", format="XHTML"), "UnavailableService"),
        (display(*["x"] * 201), "MessageFormat"),
        (print_request("x", document="CashierReceipt"), "UnavailableDevice"),
        (print_request(*["x" * 200] * 5), "MessageFormat"),
        (input_request("TextString", "Your name?"), "UnavailableService"),
        (input_request("GetMenuEntry", "Which?"), "MessageFormat"),
        (input_request("DigitString", "Number?", MinLength=9, MaxLength=4), "MessageFormat"),
        (request("Display", {}), "MessageFormat"),
    ],
)
async def test_what_cannot_be_shown_is_refused_with_the_reason(
    shop: Shop, message: Json, condition: str
):
    assert told(await shop.asks(message)) == ("Failure", condition)


def test_the_largest_code_is_one_that_a_phone_reads() -> None:
    # Version 21, of 101 modules: nearly 4 pixels each on a screen 480 pixels high.
    assert len(qr_code("x" * MOST_CODE).rows) <= 101


# Receipts of payments


async def printed(shop: Shop, message: Json, sale: str | None) -> None:
    """Checks that what a till prints is the receipt of a sale, of none with None."""
    answer = shop.sends(message)
    asked = await shop.takes_request()
    assert isinstance(asked, Talk)
    assert asked.printed == (Printed(sale, "Total 4.50") if sale else None)
    await shop.till.tell_entry(asked.reference, Choice.DONE)
    await answer


def receipt(service_id: str = "2", sale_id: str = "till-1") -> Json:
    message = print_request("Total 4.50")
    header = message["SaleToPOIRequest"]["MessageHeader"]
    header |= {"ServiceID": service_id, "SaleID": sale_id}
    return message


async def test_what_a_till_prints_after_a_payment_is_its_receipt_once(shop: Shop):
    sale = await shop.pays()
    await printed(shop, receipt("2"), sale)
    await printed(shop, receipt("3"), None)


async def test_what_another_till_prints_is_no_receipt_of_it(shop: Shop):
    await shop.pays()
    await printed(shop, receipt(sale_id="till-2"), None)


async def test_what_is_printed_much_later_or_after_something_else_is_no_receipt_of_it(shop: Shop):
    await shop.pays()
    await shop.clock.turn(PRINTS_WITHIN_S + 1)
    await printed(shop, receipt("2"), None)
    answer = shop.sends(payment(service_id="3"))
    sale = await shop.takes()
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    await answer
    await says(shop, display("Thank you"), Choice.DONE)
    await printed(shop, receipt("4"), None)


@pytest.mark.parametrize("result", [SaleResult.DECLINED, SaleResult.NOT_PAID])
async def test_what_is_printed_after_a_payment_that_failed_is_no_receipt(
    shop: Shop, result: SaleResult
):
    answer = shop.sends(payment())
    await shop.till.answer((await shop.takes()).reference, result)
    await answer
    await printed(shop, receipt(), None)


async def test_a_payment_whose_outcome_came_late_has_no_receipt_here(shop: Shop):
    answer = shop.sends(payment())
    sale = await shop.takes()
    await shop.till.answer(sale.reference, SaleResult.UNKNOWN)
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    await answer
    await printed(shop, receipt(), None)


async def test_the_whole_receipt_is_sent_though_a_part_of_it_is_shown(shop: Shop):
    await shop.pays()
    message = print_request(*[f"Line {number}" for number in range(20)])
    message["SaleToPOIRequest"]["MessageHeader"]["ServiceID"] = "2"
    answer = shop.sends(message)
    asked = await shop.takes_request()
    assert isinstance(asked, Talk)
    assert asked.printed is not None
    assert asked.printed.text.splitlines()[-1] == "Line 19"
    await shop.till.tell_entry(asked.reference, Choice.DONE)
    await answer
