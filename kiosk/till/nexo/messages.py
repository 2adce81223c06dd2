"""The messages of Sale to POI that a till sends, and the parts of the answers.

Fields have the protocol's own names. What a till sends beyond them is ignored, as the standard
wants. Amounts are decimal numbers on the wire and `Money` here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from kiosk.screens import Item, Points
from protocol.currency import exponent_of
from protocol.messages import Age, Card, Membership, Money

VERSION = "3.0"
_DIGITS = 12
"""The largest power of ten in an amount, and the smallest."""
_NOISE = Decimal("1e-4")
"""How far an amount may be from a whole number of minor units: tills that calculate with binary
fractions send 68.32000000000001."""

Json = dict[str, Any]


def _only_number(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise ValueError("a number is expected")
    number = Decimal(given)
    # Before it is written out, which could take as many digits as its exponent says.
    if number.is_nan() or (number and not -_DIGITS <= number.adjusted() <= _DIGITS):
        raise ValueError("the number is out of range")
    return number


Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128)]
"""An identifier that the till has chosen, such as SaleID, POIID or TransactionID."""
Text = Annotated[str, StringConstraints(strict=True, max_length=256)]
MessageNumber = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=10)]
"""ServiceID: a till's number for one message, which it may use again after two days."""
Number = Annotated[Decimal, BeforeValidator(_only_number)]
"""A number of JSON, not a text that looks like one."""


class ErrorCondition(StrEnum):
    """Why a request failed (nexo Retailer protocol 3.0, ErrorCondition)."""

    ABORTED = "Aborted"
    BUSY = "Busy"
    CANCEL = "Cancel"
    IN_PROGRESS = "InProgress"
    MESSAGE_FORMAT = "MessageFormat"
    NOT_ALLOWED = "NotAllowed"
    NOT_FOUND = "NotFound"
    PAYMENT_RESTRICTION = "PaymentRestriction"
    REFUSAL = "Refusal"
    UNAVAILABLE_DEVICE = "UnavailableDevice"
    UNAVAILABLE_SERVICE = "UnavailableService"
    UNREACHABLE_HOST = "UnreachableHost"


class Unreadable(Exception):
    """What was sent is no message: the text tells whoever set up the till why."""


class Failed(Exception):
    """A request is answered with Failure. The text is for the person at the till, or for whoever
    set it up."""

    def __init__(self, condition: ErrorCondition, why: str, body: Json | None = None) -> None:
        """`body` is what the answer holds beside the failure."""
        super().__init__(why)
        self.condition = condition
        self.body = body


R = TypeVar("R", bound=BaseModel)


class Part(BaseModel):
    """The base of all parts of a message."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Header(Part):
    """MessageHeader of a request."""

    ProtocolVersion: Annotated[str, StringConstraints(pattern=r"^3\.[0-9]{1,2}$")] = VERSION
    MessageClass: Literal["Service", "Device", "Event"]
    MessageCategory: Name
    MessageType: Literal["Request"]
    ServiceID: MessageNumber
    SaleID: Name
    POIID: Name
    DeviceID: Name | None = None

    @property
    def name(self) -> tuple[str, str]:
        """What names a request of a till: SaleID and ServiceID."""
        return self.SaleID, self.ServiceID

    def answered(self) -> Json:
        """Returns the header of the answer."""
        return self.model_dump(exclude_none=True) | {"MessageType": "Response"}


class Transaction(Part):
    TransactionID: Name
    TimeStamp: Name
    """The till's own time, which is only repeated."""


MOST_POINTS = 999_999_999
_AGES = {str(age.value): age for age in Age}
_POINTS = re.compile("[0-9]{1,9}")


class OfSale(Part):
    SaleTransactionID: Transaction
    SaleToPOIData: str = ""
    """What else the till tells the kiosk, such as `loyaltyBalance=1250&ageOver=18`. Names that the
    kiosk does not know are for others."""

    def told(self, name: str) -> str | None:
        parts = (part.partition("=") for part in self.SaleToPOIData.split("&"))
        return {key: value for key, _, value in parts}.get(name)

    def over(self) -> Age | None:
        """Returns the age that the till asks for. Raises Failed."""
        told = self.told("ageOver")
        if told is None:
            return None
        if told not in _AGES:
            raise Failed(ErrorCondition.MESSAGE_FORMAT, f"ageOver is {' or '.join(_AGES)}.")
        return _AGES[told]

    def balance(self) -> int | None:
        """Raises Failed."""
        told = self.told("loyaltyBalance")
        if told is not None and _POINTS.fullmatch(told) is None:
            raise Failed(
                ErrorCondition.MESSAGE_FORMAT,
                f"loyaltyBalance is a number of points from 0 to {MOST_POINTS}.",
            )
        return None if told is None else int(told)


class Amounts(Part):
    Currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    RequestedAmount: Number
    CashBackAmount: Number | None = None


UNITS = {
    "Gram": "g",
    "Kilogram": "kg",
    "Pound": "lb",
    "Ounce": "oz",
    "Litre": "l",
    "Centilitre": "cl",
    "Pint": "pt",
    "UKGallon": "gal",
    "USGallon": "gal",
    "Metre": "m",
    "Centimetre": "cm",
    "Foot": "ft",
    "Inch": "in",
}
"""The signs of the units that are shown (UnitOfMeasure); of others only the number is."""


class Line(Part):
    """SaleItem."""

    ProductLabel: Text | None = None
    ProductCode: Text | None = None
    Quantity: Number | None = None
    UnitOfMeasure: Text | None = None
    ItemAmount: Number | None = None
    """The amount of the whole line; below zero for what is taken off."""

    def item(self, currency: str) -> Item:
        """Returns the line as it is shown to the shopper. Raises Failed."""
        label = self.ProductLabel or self.ProductCode or ""
        quantity = "" if self.Quantity is None else f"{self.Quantity.normalize():f}"
        if self.UnitOfMeasure in UNITS:
            quantity = f"{quantity} {UNITS[self.UnitOfMeasure]}".strip()
        asked = self.ItemAmount
        amount = money(abs(asked), currency) if asked else None
        return Item(label, quantity, amount, deducted=asked is not None and asked < 0)


class Loyalty(StrEnum):
    """What a till wants the kiosk to do about memberships (nexo Retailer protocol 3.0,
    LoyaltyHandling)."""

    FORBIDDEN = "Forbidden"
    """No membership is told, and nothing is shown of points."""
    PROCESSED = "Processed"
    """The till has booked the points already: they are shown, and no membership is told."""
    ALLOWED = "Allowed"
    """The membership that is linked to the palm is told."""
    PROPOSED = "Proposed"
    """The standard has a card asked for. Here the palm shows it: the same as ALLOWED."""
    REQUIRED = "Required"
    """Nothing is done for a shopper without a membership."""

    @property
    def tells(self) -> bool:
        """Whether the till is told of a membership."""
        return self not in {Loyalty.FORBIDDEN, Loyalty.PROCESSED}


class Conditions(Part):
    """TransactionConditions, and what an acquisition has in their place."""

    LoyaltyHandling: Loyalty = Loyalty.ALLOWED


class OfPayment(Part):
    AmountsReq: Amounts
    TransactionConditions: Conditions = Conditions()
    SaleItem: Annotated[list[Line], Field(max_length=1000)] = []


class OfAcquisition(Part):
    TransactionID: Name


class AmountOfPoints(Part):
    LoyaltyUnit: Name = "Point"
    Value: Number


class OfLoyalty(Part):
    LoyaltyAmount: AmountOfPoints | None = None
    CardAcquisitionReference: OfAcquisition | None = None
    """The acquisition whose shopper collects."""


def points(loyalty: Sequence[OfLoyalty], sale: OfSale) -> Points | None:
    """Returns what a till says about points, None when it says nothing. Raises Failed."""
    amounts = [each.LoyaltyAmount for each in loyalty if each.LoyaltyAmount is not None]
    collected = None
    if amounts:
        amount = amounts[0]
        if amount.LoyaltyUnit != "Point":
            raise Failed(
                ErrorCondition.UNAVAILABLE_SERVICE,
                f"LoyaltyUnit {amount.LoyaltyUnit} is not served here, only Point.",
            )
        if amount.Value % 1 or not 0 <= amount.Value <= MOST_POINTS:
            raise Failed(
                ErrorCondition.MESSAGE_FORMAT,
                f"The LoyaltyAmount is a whole number from 0 to {MOST_POINTS}.",
            )
        collected = int(amount.Value)
    balance = sale.balance()
    return None if collected is None and balance is None else Points(collected, balance)


class KindOfPayment(Part):
    PaymentType: Name = "Normal"
    CardAcquisitionReference: OfAcquisition | None = None
    """The acquisition whose shopper pays."""


class PaymentRequest(Part):
    SaleData: OfSale
    PaymentTransaction: OfPayment
    PaymentData: KindOfPayment = KindOfPayment()
    LoyaltyData: Annotated[list[OfLoyalty], Field(max_length=10)] = []

    def amount(self) -> Money:
        """Returns what is to be paid. Raises Failed."""
        asked = self.PaymentTransaction.AmountsReq
        if self.PaymentData.PaymentType != "Normal":
            raise Failed(
                ErrorCondition.UNAVAILABLE_SERVICE,
                f"PaymentType {self.PaymentData.PaymentType} is not served here, only Normal.",
            )
        if asked.CashBackAmount:
            raise Failed(ErrorCondition.UNAVAILABLE_SERVICE, "There is no cash back with a palm.")
        return money(asked.RequestedAmount, asked.Currency)

    def items(self) -> tuple[Item, ...]:
        """Returns the lines of the sale. Raises Failed."""
        currency = self.PaymentTransaction.AmountsReq.Currency
        return tuple(line.item(currency) for line in self.PaymentTransaction.SaleItem)

    @property
    def loyalty(self) -> Loyalty:
        return self.PaymentTransaction.TransactionConditions.LoyaltyHandling

    def points(self) -> Points | None:
        """Raises Failed."""
        told = points(self.LoyaltyData, self.SaleData)
        return None if self.loyalty is Loyalty.FORBIDDEN else told


class CardAcquisitionRequest(Part):
    SaleData: OfSale
    CardAcquisitionTransaction: Conditions = Conditions()

    @property
    def loyalty(self) -> Loyalty:
        return self.CardAcquisitionTransaction.LoyaltyHandling


class KindOfLoyalty(Part):
    LoyaltyTransactionType: Name


class LoyaltyRequest(Part):
    SaleData: OfSale
    LoyaltyTransaction: KindOfLoyalty
    LoyaltyData: Annotated[list[OfLoyalty], Field(max_length=10)] = []

    def points(self) -> Points | None:
        """Returns the points that the shopper collects. Raises Failed."""
        kind = self.LoyaltyTransaction.LoyaltyTransactionType
        if kind != "Award":
            raise Failed(
                ErrorCondition.UNAVAILABLE_SERVICE,
                f"LoyaltyTransactionType {kind} is not served here, only Award.",
            )
        return points(self.LoyaltyData, self.SaleData)

    def acquisition(self) -> str | None:
        """Returns the acquisition whose shopper collects, None without one."""
        named = (each.CardAcquisitionReference for each in self.LoyaltyData)
        return next((reference.TransactionID for reference in named if reference), None)


class EnableServiceRequest(Part):
    TransactionAction: Literal["StartTransaction", "AbortTransaction"]


class OfPoi(Part):
    TransactionID: Name


class Original(Part):
    POITransactionID: OfPoi


class ReversalRequest(Part):
    OriginalPOITransaction: Original
    ReversedAmount: Number | None = None
    """A part of the payment, in its currency; left out, all that is left of it."""


class Reference(Part):
    MessageCategory: Name | None = None
    ServiceID: MessageNumber
    SaleID: Name | None = None
    """The till that sent the message, the asking one when it is left out."""


class AbortRequest(Part):
    MessageReference: Reference
    AbortReason: Name = "MerchantAbort"


class TransactionStatusRequest(Part):
    MessageReference: Reference | None = None
    """The message asked about; left out, the last payment of the asking till."""


class Message(BaseModel):
    """A request of a till: its header and its body, which is still unread."""

    model_config = ConfigDict(frozen=True)

    header: Header
    body: Json = Field(repr=False)
    key: str | None = None
    """The identifier of the key that it was sealed with, None for a message outside an envelope."""

    @property
    def sender(self) -> tuple[str, str | None]:
        """What names the till that sends it: SaleID and key."""
        return self.header.SaleID, self.key

    def read(self, kind: type[R]) -> R:
        """Returns the body as a request of a kind. Raises Failed."""
        try:
            return kind.model_validate(self.body)
        except ValidationError as wrong:
            raise Failed(ErrorCondition.MESSAGE_FORMAT, _faults(wrong)) from None

    def digest(self) -> bytes:
        """Returns a digest of the body, the same for every way to write it."""
        return sha256(json.dumps(self.body, sort_keys=True, default=str).encode()).digest()


def parse(text: bytes) -> Json:
    """Returns the object that a JSON text holds; numbers with a point are Decimal. Raises
    Unreadable."""
    try:
        parsed = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unreadable("This is no JSON text.") from None
    if not isinstance(parsed, dict):
        raise Unreadable("This is no JSON object.")
    return parsed  # pyright: ignore[reportUnknownVariableType]


def message_in(parsed: Mapping[str, Any], key: str | None = None) -> Message:
    """Returns the request in a SaleToPOIRequest, which was sealed with the key of this identifier.
    Raises Unreadable."""
    request = parsed.get("SaleToPOIRequest")
    if not isinstance(request, dict):
        raise Unreadable("There is no SaleToPOIRequest.")
    parts: Json = request  # pyright: ignore[reportUnknownVariableType]
    try:
        header = Header.model_validate(parts.get("MessageHeader"))
    except ValidationError as wrong:
        raise Unreadable(f"The MessageHeader cannot be read: {_faults(wrong)}") from None
    body = parts.get(f"{header.MessageCategory}Request", {})
    if not isinstance(body, dict):
        raise Unreadable(f"The {header.MessageCategory}Request is no object.")
    return Message(header=header, body=body, key=key)


def response(
    header: Header, body: Json | None = None, failed: Failed | None = None, *, added: str = ""
) -> Json:
    """Returns a SaleToPOIResponse with a body, or one that tells a failure beside it. `added` is
    what a success tells in AdditionalResponse."""
    told: Json = {"Result": "Success"} | ({"AdditionalResponse": added} if added else {})
    if failed is not None:
        told = failure(failed.condition, str(failed))
    return wrap(header, {"Response": told} | (body or {}))


def failure(condition: ErrorCondition, why: str) -> Json:
    """Returns the Response of a request that has failed."""
    return {"Result": "Failure", "ErrorCondition": condition, "AdditionalResponse": why}


def wrap(header: Header, body: Json) -> Json:
    """Returns a SaleToPOIResponse with this body."""
    category = f"{header.MessageCategory}Response"
    return {"SaleToPOIResponse": {"MessageHeader": header.answered(), category: body}}


def money(number: Decimal, currency: str) -> Money:
    """Returns an amount in the minor unit of ISO 4217; `number` is a `Number`, which is in range.
    Raises Failed when the currency has no such amounts."""
    exponent = exponent_of(currency)
    if exponent is None:
        raise Failed(ErrorCondition.MESSAGE_FORMAT, f"{currency} is not a currency of ISO 4217.")
    minor = number.scaleb(exponent)
    whole = minor.to_integral_value()
    if abs(minor - whole) > _NOISE:
        raise Failed(
            ErrorCondition.MESSAGE_FORMAT,
            f"The amount has more decimals than {currency}, which has {exponent}.",
        )
    try:
        return Money(minor=int(whole), currency=currency)
    except ValidationError:
        raise Failed(
            ErrorCondition.MESSAGE_FORMAT, "The amount is not above zero, or too large."
        ) from None


def number(amount: Money) -> float:
    """Returns an amount as the decimal number of the wire. It is exact to the minor unit for every
    amount of `Money`: those have at most 12 digits, and a double holds 15."""
    return float(decimal(amount.minor, amount.currency))


def decimal(minor: int, currency: str) -> Decimal:
    """Returns an amount in the minor unit as the decimal number that it is in its currency."""
    return Decimal(minor).scaleb(-(exponent_of(currency) or 0))


def card_data(card: Card) -> Json:
    """Returns what the till may print of a card."""
    return {
        "PaymentInstrumentType": "Card",
        "CardData": {"PaymentBrand": card.brand, "MaskedPan": f"************{card.last4}"},
    }


def loyalty_account(membership: Membership, brand: str) -> Json:
    """Returns a membership as the till knows it: what the card's code says, or its number."""
    return {
        "LoyaltyAccountID": {
            "EntryMode": ["File"],
            "IdentificationType": "BarCode" if membership.scanned else "AccountNumber",
            "IdentificationSupport": "NoCard",
            "LoyaltyID": membership.code,
        },
        "LoyaltyBrand": brand,
    }


def timestamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def _faults(wrong: ValidationError) -> str:
    """Returns what is wrong with each field, without what was sent."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"
        for fault in wrong.errors(include_input=False, include_url=False)
    )
