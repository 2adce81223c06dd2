"""What tills are answered: how a visit ended, and what is wrong with the kiosk."""

from dataclasses import dataclass
from datetime import datetime

from kiosk.screens import Notice
from kiosk.till.nexo.messages import (
    ErrorCondition,
    Failed,
    Header,
    Json,
    Loyalty,
    card_data,
    loyalty_account,
    number,
    response,
    timestamp,
)
from kiosk.till.nexo.records import Record
from kiosk.till.till import SaleResult
from protocol import VERSION
from protocol.messages import Card, Customer, Membership, Money

OTHER_TERMINAL = "useOtherTerminal=true"
"""What the answer adds when the shopper pays at the shop's own terminal."""
NO_MEMBERSHIP = "membership=false"
"""What the answer adds when the till requires a membership and the shopper has none."""
_OF_MEMBERS = {"LoyaltyAccount", "LoyaltyResult"}
_FAILURES = {
    SaleResult.DECLINED: (ErrorCondition.REFUSAL, "The bank declined the card."),
    SaleResult.ANOTHER_WAY: (
        ErrorCondition.PAYMENT_RESTRICTION,
        f"The shopper pays another way: use the other terminal. {OTHER_TERMINAL}",
    ),
    SaleResult.AGE_NOT_SEEN: (
        ErrorCondition.PAYMENT_RESTRICTION,
        "Staff have not seen that the shopper is old enough. Nothing was charged.",
    ),
    SaleResult.NO_MEMBERSHIP: (
        ErrorCondition.CANCEL,
        f"The till requires a membership, and the shopper has none. {NO_MEMBERSHIP}",
    ),
    SaleResult.NOT_PAID: (ErrorCondition.CANCEL, "Nothing was charged."),
}
_CONDITIONS = {
    Notice.STARTING: (ErrorCondition.UNAVAILABLE_DEVICE, "The kiosk is starting."),
    Notice.OFFLINE: (
        ErrorCondition.UNREACHABLE_HOST,
        "The kiosk does not reach the palm service: see its maintenance screen for the cause.",
    ),
    Notice.CAMERA: (
        ErrorCondition.UNAVAILABLE_DEVICE,
        "The kiosk reads no palms: its camera or its light ring is missing.",
    ),
    Notice.NOT_ACTIVATED: (
        ErrorCondition.UNAVAILABLE_SERVICE,
        "The kiosk is not activated: enter an activation code on its maintenance screen.",
    ),
    Notice.LOCKED: (
        ErrorCondition.UNAVAILABLE_SERVICE,
        "The kiosk is locked, by its operator or by itself: ask them for an activation code.",
    ),
}


@dataclass(frozen=True)
class Taken:
    """A recorded request, when it is answered, and whose loyalty programme it is about."""

    record: Record
    at: datetime
    brand: str

    def names(self) -> Json:
        """Returns the names of the transaction at the till and at the kiosk."""
        transaction = {"TransactionID": self.record.reference, "TimeStamp": timestamp(self.at)}
        return {
            "SaleData": {"SaleTransactionID": self.record.asked["transaction"]},
            "POIData": {"POITransactionID": transaction},
        }

    def answered(self, body: Json, failed: Failed | None, *, of_age: bool = False) -> Json:
        header = Header.model_validate(self.record.asked["header"])
        return response(header, self.names() | body, failed, added=self.age(of_age=of_age))

    def age(self, *, of_age: bool) -> str:
        """Returns what is told of the age that was asked for, nothing when none was."""
        over = self.record.asked.get("over")
        return "" if over is None else f"ageOver{over}={str(of_age).lower()}"

    @property
    def loyalty(self) -> Loyalty:
        """What the till wants about memberships; records of before do not tell."""
        return Loyalty(self.record.asked.get("loyalty", Loyalty.ALLOWED))

    def tells_of(self, customer: Customer | None) -> bool:
        """Returns whether an acquisition tells of this shopper."""
        if customer is None:
            return False
        return customer.membership is not None or self.loyalty is not Loyalty.REQUIRED

    def booked(self, membership: Membership | None) -> Json:
        """Returns the LoyaltyResult with a membership and the points that were asked for."""
        if membership is None or not self.loyalty.tells:
            return {}
        result: Json = {"LoyaltyAccount": loyalty_account(membership, self.brand)}
        points = self.record.asked.get("points")
        if points is not None:
            result["LoyaltyAmount"] = {"LoyaltyUnit": "Point", "Value": points}
        return {"LoyaltyResult": [result]}


def payment(
    taken: Taken,
    result: SaleResult,
    cause: str | None = None,
    *,
    card: Card | None = None,
    charged: Money | None = None,
    membership: Membership | None = None,
    withdrawn: bool,
) -> Json:
    """Returns the answer to a payment. What was charged above the amount asked for is a tip;
    `withdrawn` tells that the till has aborted the payment."""
    failed, booked = None, taken.booked(membership)
    paid = dict(taken.record.asked["amount"])
    if result is SaleResult.APPROVED and charged is not None:
        tip = number(charged) - paid["AuthorizedAmount"]
        paid["AuthorizedAmount"] = number(charged)
        if tip > 0:
            paid["TipAmount"] = round(tip, 4)
    if result is not SaleResult.APPROVED:
        condition, why = _FAILURES[result]
        if result is SaleResult.NOT_PAID and withdrawn:
            condition, why = ErrorCondition.ABORTED, "The payment was aborted."
        if result is SaleResult.AGE_NOT_SEEN:
            why = f"{why} {taken.age(of_age=False)}"
        failed = Failed(condition, f"{why} ({cause})" if cause else why)
        paid["AuthorizedAmount"], booked = 0, {}
    told: Json = {"PaymentType": "Normal", "AmountsResp": paid, "OnlineFlag": True}
    if card is not None:
        told["PaymentInstrumentData"] = card_data(card)
    # A shopper who is not as old as the till asks pays nothing.
    return taken.answered({"PaymentResult": told} | booked, failed, of_age=True)


def acquisition(taken: Taken, customer: Customer | None, *, of_age: bool, withdrawn: bool) -> Json:
    """Returns the answer to an acquisition; None is for a shopper who is not known."""
    if customer is None:
        failed = Failed(ErrorCondition.CANCEL, "Nobody was recognised, or the shopper left.")
        if withdrawn:
            failed = Failed(ErrorCondition.ABORTED, "The acquisition was aborted.")
        return taken.answered({}, failed)
    if not taken.tells_of(customer):
        return taken.answered({}, Failed(*_FAILURES[SaleResult.NO_MEMBERSHIP]))
    told: Json = {}
    if customer.card is not None:
        told["PaymentInstrumentData"] = card_data(customer.card)
    if customer.membership is not None and taken.loyalty.tells:
        told["LoyaltyAccount"] = [loyalty_account(customer.membership, taken.brand)]
    return taken.answered(told, None, of_age=of_age)


def collection(taken: Taken, membership: Membership | None, *, withdrawn: bool) -> Json:
    """Returns the answer to a loyalty request; None is for a shopper whose membership is not
    known."""
    failed = None
    if membership is None:
        failed = Failed(ErrorCondition.CANCEL, "No membership was shown, or the shopper left.")
        if withdrawn:
            failed = Failed(ErrorCondition.ABORTED, "The request was aborted.")
    return taken.answered(taken.booked(membership), failed)


def without_membership(answer: Json) -> Json:
    """Returns an answer without the membership in it, which is written down nowhere."""
    ((kind, parts),) = answer.items()
    return {
        kind: {
            name: {key: value for key, value in part.items() if key not in _OF_MEMBERS}
            for name, part in parts.items()
        }
    }


def unable(notice: Notice, body: Json | None = None) -> Failed:
    """Returns why no visit can be made."""
    return Failed(*_CONDITIONS[notice], body)


def diagnosis(notice: Notice | None, *, busy: bool, safe: bool) -> Json:
    """Raises Failed, with the same body, while no visit can be made. `safe` tells that there is no
    sign of tampering."""
    reaches = notice not in {Notice.OFFLINE, Notice.STARTING}
    status = "Busy" if busy else "OK"
    body: Json = {
        "POIStatus": {
            "GlobalStatus": status if notice is None else "Maintenance",
            "SecurityOKFlag": safe,
            "CommunicationOKFlag": reaches,
        },
        "HostStatus": [{"AcquirerID": "palm service", "IsReachableFlag": reaches}],
    }
    if notice is not None:
        raise unable(notice, body)
    return body


def login(at: datetime) -> Json:
    return {
        "POISystemData": {
            "DateTime": timestamp(at),
            "POISoftware": {
                "ProviderIdentification": "palm-kiosk",
                "ApplicationName": "palm-kiosk",
                "SoftwareVersion": VERSION,
                "CertificationCode": "",
            },
        }
    }
