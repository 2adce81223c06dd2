"""The cash register: what a cashier does, whichever form shows it."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from palm_kiosk_client.models import RefundOutcome, Sale

from kiosk.screens import Item, Points
from kiosk.till.nexo.client import Answer, Rejected, TillClient, Unreachable
from kiosk.till.nexo.messages import MOST_POINTS, Failed, Json, decimal, money
from protocol.currency import exponent_of
from protocol.messages import MOST_MINOR, Age, Money
from till.merchant import Merchant, Untold

MOST_LINES = 100
"""The largest number of lines of a sale."""

_POINTS = re.compile("[0-9]{1,9}")
_WORDS = {
    "Aborted": "Aborted. Nothing was charged.",
    "Busy": "The kiosk serves another till. Send it again in a moment.",
    "Cancel": "The shopper cancelled. Nothing was charged.",
    "PaymentRestriction": "The shopper pays another way: use the other terminal.",
    "Refusal": "The card was declined.",
    "InProgress": "In progress.",
    "NotFound": "The kiosk knows of none.",
    "NotAllowed": "Not given back.",
}


class Unusable(Exception):
    """What was asked of the register cannot be done. The text tells the cashier why."""


@dataclass(frozen=True, slots=True)
class Article:
    label: str
    price: Money


@dataclass(frozen=True, slots=True)
class Line:
    article: Article
    count: int = 1

    @property
    def minor(self) -> int:
        return self.article.price.minor * self.count


@dataclass(frozen=True, slots=True)
class PastSale:
    """A sale that was sent, and what became of it."""

    receipt: str
    """The ServiceID of the payment."""
    amount: Money
    outcome: str
    """What the cashier reads."""
    paid: bool | None = None
    """None while it is not known."""
    transaction: str | None = None
    """The kiosk's name for the payment."""
    given_back: int = 0
    """How much of it was given back, in the minor unit."""


class Register:
    """One till with one kiosk. `said` holds what was last told to the cashier."""

    def __init__(
        self,
        client: TillClient,
        articles: Sequence[Article],
        currency: str,
        merchant: Merchant | None = None,
    ) -> None:
        """`merchant` tells of the sales at other tills; None when the till has no key of its."""
        self.client = client
        self.merchant = merchant
        self.articles = articles
        self.currency = currency
        self.basket: list[Line] = []
        self.sales: list[PastSale] = []
        """The sales of this run, the newest last."""
        self.sold: list[Sale] = []
        """What the merchant has sold at any till, as it was looked up last, the newest first."""
        self.said = "Ring up what the shopper buys."
        self.selling: str | None = None
        """The ServiceID of the payment or the collection in progress."""
        self._kind: Literal["Payment", "Loyalty"] = "Payment"
        """What is in progress."""
        self._refunds: dict[str, str] = {}
        """The names of the refunds that the service was asked for and has not answered, by the
        purchase: asked for again, they are the same."""
        self._changed = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()

    @property
    def total(self) -> int:
        return sum(line.minor for line in self.basket)

    def add(self, label: str, price: Money) -> None:
        """Adds one of an article. Raises Unusable."""
        self._must_be_here()
        article = Article(label, price)
        for place, line in enumerate(self.basket):
            if line.article == article:
                self.basket[place] = replace(line, count=line.count + 1)
                break
        else:
            if len(self.basket) >= MOST_LINES:
                raise Unusable(f"A sale has {MOST_LINES} lines at most.")
            self.basket.append(Line(article))
        self._change()

    def remove(self, place: int) -> None:
        """Takes one of a line of the basket away. Raises Unusable."""
        self._must_be_here()
        if 0 <= place < len(self.basket):
            line = self.basket[place]
            self.basket[place : place + 1] = (
                [replace(line, count=line.count - 1)] if line.count > 1 else []
            )
        self._change()

    def clear(self) -> None:
        """Empties the basket. Raises Unusable."""
        self._must_be_here()
        self.basket = []
        self._change()

    def amount_of(self, text: str) -> Money:
        """Returns an amount that was typed, such as 4.50. Raises Unusable."""
        try:
            return money(Decimal(text.replace(",", ".")), self.currency)
        except (ArithmeticError, Failed):
            raise Unusable(f"{text!r} is no amount in {self.currency}.") from None

    def shown(self, minor: int, currency: str | None = None) -> str:
        """Returns an amount as the cashier reads it, such as 4.50 USD; in the till's currency
        without another one."""
        currency = currency or self.currency
        return f"{decimal(minor, currency):f} {currency}"

    @staticmethod
    def points_of(collected: str, balance: str = "") -> Points:
        """Returns points that were typed: those collected, and the balance with them. What was left
        empty is told to nobody. Raises Unusable."""
        told = [text.strip() for text in (collected, balance)]
        if not all(text == "" or _POINTS.fullmatch(text) for text in told):
            raise Unusable(f"Points are a number from 0 to {MOST_POINTS}.")
        return Points(*(int(text) if text else None for text in told))

    @staticmethod
    def age_of(text: str) -> Age | None:
        """Returns an age that was chosen, None for none. Raises Unusable."""
        ages = {str(age.value): age for age in Age}
        if text not in {"", *ages}:
            raise Unusable(f"The age is {' or '.join(ages)}.")
        return ages.get(text)

    def send(self, points: Points | None = None, over: Age | None = None) -> None:
        """Sends the basket to the kiosk; its answer is told when there is one. `points` are those
        that the payment brings, and `over` is the age that the shopper must have reached. Raises
        Unusable."""
        self._must_be_free()
        if not self.basket:
            raise Unusable("The basket is empty.")
        if self.total > MOST_MINOR:
            raise Unusable(f"A sale is {self.shown(MOST_MINOR)} at most.")
        amount = Money(minor=self.total, currency=self.currency)
        items = [
            Item(
                line.article.label,
                str(line.count),
                Money(minor=line.minor, currency=self.currency),
            )
            for line in self.basket
        ]
        self.selling, self._kind = self.client.next_number(), "Payment"
        self.sales.append(PastSale(self.selling, amount, "At the kiosk."))
        self._say(f"{self.shown(amount.minor)} is at the kiosk.")
        self._start(
            self._sell(self.selling, self.client.pay(amount, items, self.selling, over, points))
        )

    def collect(self, points: Points) -> None:
        """Asks for the shopper's membership without a payment. Raises Unusable."""
        self._must_be_free()
        self.selling, self._kind = self.client.next_number(), "Loyalty"
        self._say("The membership is asked for at the kiosk.")
        self._start(self._collect(self.client.collect(points, self.selling)))

    def abort(self) -> None:
        """Aborts what is in progress. Raises Unusable."""
        if self.selling is None:
            raise Unusable("Nothing is in progress.")
        self._say("It is being aborted.")
        self._start(self._abort(self.selling))

    def give_back(self, receipt: str | None = None, part: str | None = None) -> None:
        """Gives a payment back, the last one without a receipt, a part of it with an amount. Raises
        Unusable."""
        paid = [sale for sale in self.sales if sale.paid and receipt in {None, sale.receipt}]
        if not paid:
            raise Unusable("There is no such payment in this run of the till.")
        amount = None if part is None else self.amount_of(part)
        self._say("The money is being given back.")
        self._start(self._give_back(paid[-1], amount))

    def look_up(self) -> None:
        """Asks the service what the merchant has sold at any till. Raises Unusable."""
        self._start(self._look_up(self._known()))

    def take_back(self, purchase_id: str) -> None:
        """Has the service give back what is left of a sale that was looked up. Raises Unusable."""
        merchant = self._known()
        found = [sale for sale in self.sold if sale.purchase_id == purchase_id]
        if not found:
            raise Unusable("There is no such sale among those that were looked up.")
        self._say("The money is being given back.")
        self._start(self._take_back(merchant, found[0]))

    def ask_status(self, receipt: str | None = None) -> None:
        """Asks what became of a payment, of this till's last one without a receipt."""
        self._start(self._ask_status(receipt))

    def diagnose(self) -> None:
        """Asks whether the kiosk can serve."""
        self._start(self._diagnose())

    async def change(self) -> None:
        """Waits until something has changed."""
        await self._changed.wait()

    async def settled(self) -> None:
        """Waits until nothing is under way."""
        while self._work:
            await asyncio.wait(self._work)

    async def close(self) -> None:
        """Ends what is under way. A payment in progress goes on at the kiosk."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self.client.close()
        if self.merchant is not None:
            await self.merchant.close()

    def _known(self) -> Merchant:
        """Raises Unusable."""
        if self.merchant is None:
            raise Unusable("The till has no key of the service: start it with --service.")
        return self.merchant

    def _must_be_here(self) -> None:
        """Raises Unusable while the basket is being paid: it is emptied then, and what was added
        meanwhile would go unpaid."""
        if self.selling is not None and self._kind == "Payment":
            raise Unusable("The basket is at the kiosk. Wait for the payment, or abort it.")

    def _must_be_free(self) -> None:
        """Raises Unusable."""
        if self.selling is not None:
            what = "A payment" if self._kind == "Payment" else "A collection"
            raise Unusable(f"{what} is in progress. Abort it first.")

    async def _sell(self, receipt: str, paying: Awaitable[Answer]) -> None:
        try:
            answer = await paying
        except Unreachable as unreachable:
            self._become(receipt, outcome="Not sent.", paid=False)
            self._say(str(unreachable))
        except Rejected as rejected:
            self._become(receipt, outcome="No answer. Ask for its status.")
            self._say(str(rejected))
        else:
            self._settle(receipt, answer)
        finally:
            self.selling = None
            self._change()

    async def _collect(self, collecting: Awaitable[Answer]) -> None:
        try:
            self._say(_told(await collecting))
        except (Unreachable, Rejected) as failed:
            self._say(str(failed))
        finally:
            self.selling = None
            self._change()

    async def _abort(self, receipt: str) -> None:
        try:
            await self.client.abort(receipt, self._kind)
        except (Unreachable, Rejected) as failed:
            self._say(str(failed))

    async def _give_back(self, sale: PastSale, amount: Money | None) -> None:
        assert sale.transaction is not None
        try:
            answer = await self.client.give_back(
                sale.transaction, amount, self.client.next_number()
            )
        except (Unreachable, Rejected) as failed:
            self._say(str(failed))
            return
        if answer.condition is not None:
            self._say(_told(answer))
            return
        back = money(Decimal(str(answer.body["ReversedAmount"])), self.currency).minor
        # Another part may have been given back meanwhile.
        before = next(each.given_back for each in self.sales if each.receipt == sale.receipt)
        self._become(sale.receipt, given_back=before + back)
        self._say(f"{self.shown(back)} were given back.")

    async def _look_up(self, merchant: Merchant) -> None:
        try:
            self.sold = await merchant.sold()
        except Untold as untold:
            self._say(str(untold))
        else:
            self._say(f"Sales looked up: {len(self.sold)}.")

    async def _take_back(self, merchant: Merchant, sale: Sale) -> None:
        name = self._refunds.setdefault(sale.purchase_id, secrets.token_hex(12))
        try:
            refund = await merchant.give_back(sale, name)
        except Untold as untold:
            self._say(str(untold))
            return
        self._refunds.pop(sale.purchase_id, None)
        await self._look_up(merchant)
        if refund.outcome == RefundOutcome.FAILED:
            self._say(f"The payment provider does not give it back ({refund.failure_reason}).")
        else:
            back = self.shown(refund.amount.minor, refund.amount.currency)
            self._say(f"{back} were given back.")

    async def _ask_status(self, receipt: str | None) -> None:
        try:
            answer = await self.client.status(receipt)
        except (Unreachable, Rejected) as failed:
            self._say(str(failed))
            return
        if answer.condition is not None:
            self._say(_told(answer))
            return
        message = answer.body["RepeatedMessageResponse"]
        number = message["MessageHeader"]["ServiceID"]
        (body,) = message["RepeatedResponseMessageBody"].values()
        if any(sale.receipt == number and sale.paid is None for sale in self.sales):
            self._settle(number, Answer.of(body))
        else:
            self._say(f"{number}: {_told(Answer.of(body))}")
        if answer.refunded is not None:
            back = int(answer.refunded.scaleb(exponent_of(self.currency) or 0))
            self._become(number, given_back=back)
            if back:
                self._say(f"{self.said} Given back: {self.shown(back)}.")

    async def _diagnose(self) -> None:
        sales = list(self.sales)
        try:
            answer = await self.client.diagnose()
        except (Unreachable, Rejected) as failed:
            told = str(failed)
        else:
            status = answer.body.get("POIStatus", {}).get("GlobalStatus", "")
            told = answer.words or f"The kiosk can serve ({status})."
        if self.sales == sales:
            # A sale that began or ended meanwhile is what the cashier has to read.
            self._say(told)

    def _settle(self, receipt: str, answer: Answer) -> None:
        """Notes how a payment ended."""
        told = _told(answer)
        paid = answer.condition is None
        transaction = answer.transaction
        self._become(receipt, outcome=told, paid=paid, transaction=transaction)
        if paid:
            self.basket = []
        self._say(told)

    def _become(self, receipt: str, **changes: Any) -> None:
        self.sales = [
            replace(sale, **changes) if sale.receipt == receipt else sale for sale in self.sales
        ]
        self._change()

    def _say(self, text: str) -> None:
        self.said = text
        self._change()

    def _change(self) -> None:
        # Everybody who waits goes on, and who waits from now on waits for the next one.
        self._changed.set()
        self._changed = asyncio.Event()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def _told(answer: Answer) -> str:
    """Returns what the cashier reads of an answer."""
    if answer.condition is None:
        return " ".join([_done(answer.body), *_memberships(answer.body), *_ages(answer.words)])
    words = _WORDS.get(answer.condition)
    if answer.condition == "PaymentRestriction" and "ageOver" in answer.words:
        words = "The shopper is not old enough, or staff have not seen it."
    return f"{words} ({answer.words})" if words else answer.words or answer.condition


def _done(body: Json) -> str:
    instrument = body.get("PaymentResult", {}).get("PaymentInstrumentData", {})
    card = instrument.get("CardData", {})
    if card:
        return f"Paid: {card['PaymentBrand']} {card['MaskedPan'][-4:]}."
    return "Paid." if "PaymentResult" in body else "Done."


def _memberships(body: Json) -> list[str]:
    """Returns what the answer tells of memberships (LoyaltyResult)."""
    told: list[str] = []
    for result in body.get("LoyaltyResult", ()):
        account = result["LoyaltyAccount"]
        name = account["LoyaltyAccountID"]
        points = result.get("LoyaltyAmount")
        booked = "" if points is None else f", {points['Value']} points"
        told.append(
            f"Membership {name['LoyaltyID']} ({name['IdentificationType']}) "
            f"of {account['LoyaltyBrand']}{booked}."
        )
    return told


def _ages(words: str) -> list[str]:
    """Returns what the answer tells of an age (AdditionalResponse)."""
    return [f"The shopper is over {age}." for age in Age if f"ageOver{age}=true" in words]
