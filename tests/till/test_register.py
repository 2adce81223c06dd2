"""What a cashier does at the small till, at a real door on loopback."""

import asyncio
from pathlib import Path

import httpx
import pytest

from kiosk.screens import Item, Notice, Points
from kiosk.till.nexo.certificate import ensure
from kiosk.till.nexo.client import Rejected, TillClient, Unreachable
from kiosk.till.till import SaleResult
from protocol.messages import MOST_MINOR, Age, Customer, Money, RefundTotal
from tests.support.canned import MEMBER as CARD
from tests.support.doors import VISA, OpenDoor
from tests.support.sealed import sealed
from tests.support.tills import KEY, write_keys
from till.register import Register, Unusable

pytestmark = pytest.mark.anyio

MEMBER = Customer(name_hint="Alex D.", card=VISA, membership=CARD)


def ring_up(register: Register, *prices: str) -> None:
    for price in prices:
        register.add("Coffee", register.amount_of(price))


async def test_what_is_rung_up_is_shown_at_the_kiosk_and_paid(
    kiosk: OpenDoor, register: Register
) -> None:
    ring_up(register, "4.50", "4.50", "3")
    register.send()
    sale = await kiosk.sells()
    assert sale.amount == Money(minor=1200, currency="USD")
    assert sale.items == (
        Item("Coffee", "2", Money(minor=900, currency="USD")),
        Item("Coffee", "1", Money(minor=300, currency="USD")),
    )
    await register.settled()
    assert register.said == "Paid: visa 4242."
    assert (register.sales[-1].paid, register.basket, register.selling) == (True, [], None)


async def test_points_and_an_age_go_with_a_payment_and_what_comes_back_is_told(
    kiosk: OpenDoor, register: Register
) -> None:
    ring_up(register, "4.50")
    register.send(register.points_of("12", "1262"), register.age_of("18"))
    sale = await kiosk.takes()
    assert (sale.points, sale.over) == (Points(12, 1262), Age.EIGHTEEN)
    kiosk.till.note_payer(sale.reference, MEMBER)
    await kiosk.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    await register.settled()
    assert register.said == (
        "Paid: visa 4242. Membership 2890000012345 (BarCode) of Corner Shop, 12 points. "
        "The shopper is over 18."
    )


async def test_who_is_not_old_enough_is_not_sent_to_the_other_terminal(
    kiosk: OpenDoor, register: Register
) -> None:
    ring_up(register, "4.50")
    register.send(over=Age.TWENTY_ONE)
    await kiosk.sells(SaleResult.AGE_NOT_SEEN)
    await register.settled()
    assert register.said.startswith("The shopper is not old enough, or staff have not seen it.")
    assert "ageOver21=false" in register.said
    assert "other terminal" not in register.said


@pytest.mark.parametrize(
    ("customer", "words"),
    [
        (MEMBER, "Done. Membership 2890000012345 (BarCode) of Corner Shop, 5 points."),
        (None, "The shopper cancelled. Nothing was charged."),
    ],
    ids=["known", "not known"],
)
async def test_points_are_collected_without_a_payment(
    kiosk: OpenDoor, register: Register, customer: Customer | None, words: str
) -> None:
    register.collect(Points(5))
    asked = await kiosk.collects()
    assert asked.points == Points(5)
    with pytest.raises(Unusable, match="A collection is in progress"):
        register.collect(Points(5))
    await kiosk.till.tell_shopper(asked.reference, customer)
    await register.settled()
    assert register.said.startswith(words)
    assert (register.selling, register.sales) == (None, [])


async def test_a_collection_is_aborted(kiosk: OpenDoor, register: Register) -> None:
    register.collect(Points())
    asked = await kiosk.collects()
    register.abort()
    await kiosk.till.withdrawn(asked.reference)
    await kiosk.till.tell_shopper(asked.reference, None)
    await register.settled()
    assert register.said.startswith("Aborted.")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (SaleResult.DECLINED, "The card was declined."),
        (SaleResult.ANOTHER_WAY, "use the other terminal"),
        (SaleResult.NOT_PAID, "The shopper cancelled."),
    ],
)
async def test_what_is_not_paid_is_told_and_stays_in_the_basket(
    kiosk: OpenDoor, register: Register, result: SaleResult, words: str
) -> None:
    ring_up(register, "4.50")
    register.send()
    await kiosk.sells(result)
    await register.settled()
    assert words in register.said
    assert (register.sales[-1].paid, register.total) == (False, 450)


async def test_a_payment_is_aborted(kiosk: OpenDoor, register: Register) -> None:
    ring_up(register, "4.50")
    register.send()
    sale = await kiosk.takes()
    register.abort()
    await kiosk.till.withdrawn(sale.reference)
    await kiosk.till.answer(sale.reference, SaleResult.NOT_PAID)
    await register.settled()
    assert register.said.startswith("Aborted.")


async def test_a_payment_is_given_back_in_part_and_then_in_full(
    kiosk: OpenDoor, register: Register
) -> None:
    ring_up(register, "4.50")
    register.send()
    sale = await kiosk.sells()
    await register.settled()
    register.give_back(part="1.20")
    await register.settled()
    assert register.said == "1.20 USD were given back."
    assert kiosk.refunds[0].amount == Money(minor=120, currency="USD")
    register.give_back(register.sales[-1].receipt)
    await register.settled()
    assert kiosk.refunds[1].amount is None
    assert register.sales[-1].given_back == 120 + 450
    assert register.sales[-1].transaction == sale.reference


async def test_the_status_of_a_payment_is_asked_during_it_and_after(
    kiosk: OpenDoor, register: Register
) -> None:
    register.ask_status()
    await register.settled()
    assert register.said.startswith("The kiosk knows of none.")
    ring_up(register, "4.50")
    register.send()
    sale = await kiosk.takes()
    register.ask_status()
    while not register.said.startswith("In progress."):
        await register.change()
    await kiosk.till.answer(sale.reference, SaleResult.APPROVED)
    await register.settled()
    register.ask_status(register.sales[-1].receipt)
    await register.settled()
    assert register.said == f"{register.sales[-1].receipt}: Paid."


async def test_what_somebody_else_gives_back_is_told_with_the_status(
    kiosk: OpenDoor, register: Register
) -> None:
    ring_up(register, "4.50")
    register.send()
    sale = await kiosk.sells()
    await register.settled()
    for back, words in ((0, ""), (120, " Given back: 1.20 USD."), (450, " Given back: 4.50 USD.")):
        kiosk.total = RefundTotal(
            purchase_reference=sale.reference, amount=sale.amount, refunded_minor=back
        )
        register.ask_status()
        await register.settled()
        assert register.said == f"{register.sales[-1].receipt}: Paid: visa 4242.{words}"
        assert register.sales[-1].given_back == back


async def test_a_diagnosis_tells_whether_the_kiosk_can_serve(
    kiosk: OpenDoor, register: Register
) -> None:
    register.diagnose()
    await register.settled()
    assert register.said == "The kiosk can serve (OK)."
    kiosk.notice = Notice.OFFLINE
    register.diagnose()
    await register.settled()
    assert "does not reach the palm service" in register.said


async def test_an_answer_that_is_lost_is_heard_all_the_same_and_paid_once(
    kiosk: OpenDoor, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.till.nexo.client.AGAIN_S", 0.01)
    send, sent = httpx.AsyncClient.post, asyncio.Event()

    async def lose_first(*given: object, **named: object) -> httpx.Response:
        if sent.is_set():
            return await send(*given, **named)  # pyright: ignore[reportArgumentType]
        lost = asyncio.create_task(send(*given, **named))  # pyright: ignore[reportArgumentType]
        sale = await kiosk.takes()
        await kiosk.till.answer(sale.reference, SaleResult.APPROVED)
        await lost
        sent.set()
        raise httpx.ReadError("cut")

    monkeypatch.setattr(httpx.AsyncClient, "post", lose_first)
    ring_up(register, "4.50")
    register.send()
    await register.settled()
    assert register.said == "Paid."
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(kiosk.till.next_request(), 0)


async def test_a_kiosk_that_is_closed_is_said_and_nothing_is_in_progress(tmp_path: Path) -> None:
    closed = OpenDoor(tmp_path)
    client = TillClient("127.0.0.1", 1, KEY, closed.certificate, "till-1")
    register = Register(client, [], "USD")
    ring_up(register, "4.50")
    register.send()
    await register.settled()
    assert "Nobody answers there" in register.said
    assert (register.sales[-1].paid, register.total) == (False, 450)
    await register.close()


async def test_a_stranger_at_the_kiosks_address_hears_nothing(
    kiosk: OpenDoor, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    ensure(sealed(other), "till-door.example")
    async with kiosk.client(certificate=other) as client:
        with pytest.raises(Unreachable, match="another certificate"):
            await client.diagnose()


async def test_a_wrong_key_hears_which_one_is_expected(kiosk: OpenDoor) -> None:
    async with kiosk.client(KEY.model_copy(update={"version": 2})) as client:
        with pytest.raises(Rejected, match="Expected is 'till' version 1"):
            await client.diagnose()


async def test_a_till_with_another_key_cannot_abort_the_payment_of_one(
    kiosk: OpenDoor, register: Register
) -> None:
    other = KEY.model_copy(update={"identifier": "till-2"})
    write_keys(kiosk.keys, KEY, other)
    ring_up(register, "4.50")
    register.send()
    sale = await kiosk.takes()
    async with kiosk.client(other) as client:
        with pytest.raises(Rejected, match="Only the till"):
            await client.abort(register.sales[-1].receipt)
    await kiosk.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    await register.settled()
    assert register.sales[-1].paid


async def test_what_cannot_be_done_is_said(register: Register) -> None:
    for does in (register.send, register.abort, register.give_back):
        with pytest.raises(Unusable):
            does()
    for text in ("", "x", "-1", "0", "4.501", "NaN", "sNaN", "Infinity", "1e99", "1e999999"):
        with pytest.raises(Unusable):
            register.amount_of(text)
    for text in ("-1", "x", "1.5", "²", "1" * 10):
        with pytest.raises(Unusable):
            register.points_of(text)
        with pytest.raises(Unusable):
            register.points_of("", text)
        with pytest.raises(Unusable):
            register.age_of(text)
    assert (register.points_of(" 12 "), register.points_of("", "7")) == (
        Points(12),
        Points(None, 7),
    )
    assert (register.age_of(""), register.age_of("21")) == (None, Age.TWENTY_ONE)
    assert register.amount_of("4,5") == Money(minor=450, currency="USD")


async def test_a_sale_that_is_too_large_is_not_sent_and_stays_in_the_basket(
    kiosk: OpenDoor, register: Register
) -> None:
    ring_up(register, "9999999999.99", "0.01")
    with pytest.raises(Unusable, match=r"A sale is 9999999999\.99 USD at most"):
        register.send()
    assert (register.selling, register.sales, len(register.basket)) == (None, [], 2)
    register.remove(1)
    register.send()
    assert (await kiosk.sells()).amount.minor == MOST_MINOR
    await register.settled()


async def test_nothing_is_rung_up_that_the_payment_in_progress_would_take_with_it(
    kiosk: OpenDoor, register: Register
) -> None:
    ring_up(register, "4.50")
    register.send()
    for change in (lambda: ring_up(register, "8.90"), lambda: register.remove(0), register.clear):
        with pytest.raises(Unusable, match="The basket is at the kiosk"):
            change()
    assert (await kiosk.sells()).amount.minor == 450
    await register.settled()
    ring_up(register, "8.90")
    assert register.total == 890


async def test_one_of_a_line_is_taken_away(register: Register) -> None:
    ring_up(register, "4.50", "4.50", "3")
    register.remove(0)
    assert [(line.count, line.minor) for line in register.basket] == [(1, 450), (1, 300)]
    register.remove(0)
    register.remove(7)
    assert register.total == 300
    register.clear()
    assert register.basket == []


async def test_no_number_is_used_twice(register: Register) -> None:
    numbers = [register.client.next_number() for _ in range(50)]
    assert len(set(numbers)) == len(numbers)
    assert all(len(number) <= 10 for number in numbers)
