"""What a till sends to the kiosk, and how it understands the answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from kiosk.service.errors import Refused
from kiosk.till.nexo.envelope import SharedKey, Trailer, enclose, unseal
from protocol.messages import Card, Money, Problem, ProblemType, Refund, RefundRequest
from tests.support.clocks import NOON

KEY = SharedKey(identifier="till", version=1, passphrase="correct horse battery staple")

Json = dict[str, Any]


def request(category: str, body: Json, service_id: str = "1", sale_id: str = "till-1") -> Json:
    """Returns a message as it is before it is put into an envelope."""
    device = category in {"Display", "Input", "Print"}
    header = {
        "ProtocolVersion": "3.0",
        "MessageClass": "Device" if device else "Service",
        "MessageCategory": category,
        "MessageType": "Request",
        "ServiceID": service_id,
        "SaleID": sale_id,
        "POIID": "palm-kiosk",
    }
    return {"SaleToPOIRequest": {"MessageHeader": header, f"{category}Request": body}}


def sale_data() -> Json:
    transaction = {"TransactionID": "receipt-27908", "TimeStamp": "2027-03-01T12:00:00+00:00"}
    return {"SaleTransactionID": transaction}


def payment(
    amount: float = 4.5,
    service_id: str = "1",
    sale_id: str = "till-1",
    currency: str = "USD",
    of: str | None = None,
) -> Json:
    """Returns a payment; `of` is the acquisition whose shopper pays."""
    body: Json = {
        "SaleData": sale_data(),
        "PaymentTransaction": {"AmountsReq": {"Currency": currency, "RequestedAmount": amount}},
    }
    if of is not None:
        reference = {"TransactionID": of, "TimeStamp": "2027-03-01T12:00:00+00:00"}
        body["PaymentData"] = {"CardAcquisitionReference": reference}
    return request("Payment", body, service_id, sale_id)


def line(label: str, amount: float, **more: Any) -> Json:
    """Returns a line of a sale."""
    return {"ProductLabel": label, "ItemAmount": amount, **more}


def rung_up(*lines: Json, service_id: str = "1") -> Json:
    """Returns a payment of 12.50 with the lines of its sale."""
    message = payment(12.5, service_id)
    transaction = message["SaleToPOIRequest"]["PaymentRequest"]["PaymentTransaction"]
    transaction["SaleItem"] = list(lines)
    return message


def acquisition(service_id: str = "1") -> Json:
    body = {"SaleData": sale_data(), "CardAcquisitionTransaction": {}}
    return request("CardAcquisition", body, service_id)


def loyalty(
    points: int | None = None,
    balance: int | None = None,
    service_id: str = "1",
    of: str | None = None,
    kind: str = "Award",
) -> Json:
    """Returns a request for the shopper's membership without a payment."""
    data: Json = {}
    if points is not None:
        data["LoyaltyAmount"] = {"LoyaltyUnit": "Point", "Value": points}
    if of is not None:
        reference = {"TransactionID": of, "TimeStamp": "2027-03-01T12:00:00+00:00"}
        data["CardAcquisitionReference"] = reference
    told = sale_data() | ({"SaleToPOIData": f"loyaltyBalance={balance}"} if balance else {})
    body: Json = {
        "SaleData": told,
        "LoyaltyTransaction": {"LoyaltyTransactionType": kind},
        "LoyaltyData": [data] if data else [],
    }
    return request("Loyalty", body, service_id)


def enable(action: str, service_id: str = "6", sale_id: str = "till-1") -> Json:
    body = {"TransactionAction": action, "ServicesEnabled": ["CardAcquisition"]}
    return request("EnableService", body, service_id, sale_id)


def output(*lines: str, device: str = "CustomerDisplay", format: str = "Text") -> Json:
    content = {"OutputFormat": format, "OutputText": [{"Text": line} for line in lines]}
    return {"Device": device, "InfoQualify": "Display", "OutputContent": content}


def display(*lines: str, **more: str) -> Json:
    return request("Display", {"DisplayOutput": [output(*lines, **more)]})


def print_request(*lines: str, document: str = "CustomerReceipt") -> Json:
    printed = {
        "DocumentQualifier": document,
        "ResponseMode": "PrintEnd",
        "OutputContent": output(*lines)["OutputContent"],
    }
    return request("Print", {"PrintOutput": printed})


def input_request(command: str, *lines: str, entries: Sequence[str] = (), **more: int) -> Json:
    shown = output(*lines)
    if entries:
        texts = [{"OutputFormat": "Text", "OutputText": [{"Text": entry}]} for entry in entries]
        shown["MenuEntry"] = texts
    asked = {"Device": "CustomerInput", "InfoQualify": "Input", "InputCommand": command, **more}
    return request("Input", {"DisplayOutput": shown, "InputData": asked})


def abort(of: str, service_id: str = "9", sale_id: str = "till-1", by: str = "till-1") -> Json:
    """Returns the abort of the message `of` of a till, which another one may send."""
    reference = {"MessageCategory": "Payment", "ServiceID": of, "SaleID": sale_id}
    body = {"AbortReason": "MerchantAbort", "MessageReference": reference}
    return request("Abort", body, service_id, by)


def reversal(of: str, amount: float | None = None, service_id: str = "7") -> Json:
    """Returns the reversal of a payment, by the TransactionID that the kiosk gave it."""
    body: Json = {
        "OriginalPOITransaction": {
            "POITransactionID": {"TransactionID": of, "TimeStamp": "2027-03-01T12:00:00+00:00"}
        },
        "ReversalReason": "MerchantCancel",
    }
    if amount is not None:
        body["ReversedAmount"] = amount
    return request("Reversal", body, service_id)


def status(of: str | None, service_id: str = "8", sale_id: str = "till-1") -> Json:
    body: Json = {}
    if of is not None:
        body["MessageReference"] = {"MessageCategory": "Payment", "ServiceID": of}
    return request("TransactionStatus", body, service_id, sale_id)


def refused(type: ProblemType) -> Refused:
    """Returns the service's refusal."""
    return Refused(Problem(type=type, title="no", status=409, detail=""))


def given_back(purchase_reference: str, request: RefundRequest) -> Refund:
    """Returns what the service answers to a refund that it gives."""
    return Refund(
        refund_id="refund-12345678",
        reference=request.reference,
        purchase_reference=purchase_reference,
        amount=request.amount or Money(minor=450, currency="USD"),
        outcome="refunded",
        card=Card(brand="visa", last4="4242"),
        at=NOON,
    )


def write_keys(path: Path, *keys: SharedKey) -> None:
    """Writes the file of the kiosk's keys."""
    tables = [
        f'[[key]]\nidentifier = "{key.identifier}"\nversion = {key.version}\n'
        f'passphrase = "{key.passphrase}"\n'
        for key in keys
    ]
    path.write_text("\n".join(tables))


def sealed(message: Json, key: SharedKey = KEY) -> Json:
    return enclose(message, key)


def opened(answer: httpx.Response, key: SharedKey = KEY) -> Json:
    return enclosed(answer.json(), key)


def enclosed(answer: Json, key: SharedKey = KEY) -> Json:
    """Returns the message in the envelope of an answer."""
    parts = answer["SaleToPOIResponse"]
    text, _ = unseal(parts["NexoBlob"], Trailer.model_validate(parts["SecurityTrailer"]), [key])
    return json.loads(text)


def told(answer: Json) -> tuple[str, str | None]:
    """Returns Result and ErrorCondition of an answer."""
    parts = answer["SaleToPOIResponse"]
    (body,) = (part for name, part in parts.items() if name.endswith("Response"))
    return body["Response"]["Result"], body["Response"].get("ErrorCondition")
