"""Asks a palm kiosk for a payment: Sale to POI over TLS, in the encrypted envelope."""
# SPDX-License-Identifier: GPL-3.0-or-later

import base64
import hashlib
import hmac
import http.client
import json
import os
import ssl
import time
from dataclasses import dataclass
from itertools import count

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

SALT, ROUNDS = b"AdyenNexoV1Salt", 4000
AT_ONCE_S = 10.0
"""How long the kiosk may take for what it answers at once, in seconds."""
AGAIN_S = 1.0
"""Seconds between two tries after a lost answer."""


class NotPaid(Exception):
    """Nothing was charged. The text says why."""


class NotKnown(Exception):
    """It is not known whether something was charged. The text says why."""


class _Lost(Exception):
    """There is no answer: the kiosk may have taken the message."""


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    certificate: str
    """A PEM file with the kiosk's certificate."""
    identifier: str
    version: int
    passphrase: str
    sale_id: str
    """The name of this till."""
    patience_s: float
    """How long the shopper may take, in seconds."""


class Kiosk:
    def __init__(self, settings: Settings) -> None:
        """Raises OSError when the certificate cannot be used."""
        self._settings = settings
        self._trusted = ssl.create_default_context(cafile=settings.certificate)
        # This certificate alone is trusted, under whatever name the network has for the kiosk.
        self._trusted.check_hostname = False
        passphrase = settings.passphrase.encode()
        derived = hashlib.pbkdf2_hmac("sha1", passphrase, SALT, ROUNDS, dklen=80)
        self._authentication, self._encryption = derived[:32], derived[32:64]
        self._vector = derived[64:]

    def pay(self, name: str, receipt: str, amount: float, currency: str) -> str:
        """Returns the kiosk's name for the payment when it is made. The same `name` is the same
        payment: what was charged is not charged again, what has failed is tried anew.

        Raises NotPaid and NotKnown.
        """
        for attempt in count():
            number = _number(name, attempt)
            known = self._status(number)
            if known is None or known["Response"].get("ErrorCondition") == "InProgress":
                known = self._payment(number, receipt, amount, currency)
                if known["Response"]["Result"] != "Success":
                    told = known["Response"]
                    raise NotPaid(told.get("AdditionalResponse") or told["ErrorCondition"])
            if known["Response"]["Result"] == "Success":
                charged = known["PaymentResult"]["AmountsResp"]["AuthorizedAmount"]
                if charged != amount:
                    raise NotPaid(f"it has charged {charged} {currency} already: enter that.")
                return known["POIData"]["POITransactionID"]["TransactionID"]
        raise AssertionError("it counts without end")

    def _status(self, number: str) -> dict | None:
        """Returns the body of the payment's answer, or of the one that tells that it is in
        progress; None when the kiosk knows of none. Raises NotKnown."""
        asked = {"MessageReference": {"MessageCategory": "Payment", "ServiceID": number}}
        try:
            told = self._ask("TransactionStatus", asked, _fresh(), AT_ONCE_S)
        except (_Lost, OSError) as error:
            raise NotKnown(f"the kiosk does not answer ({error}).") from None
        if told["Response"]["Result"] == "Success":
            repeated = told["RepeatedMessageResponse"]["RepeatedResponseMessageBody"]
            return repeated["PaymentResponse"]
        condition = told["Response"]["ErrorCondition"]
        if condition == "NotFound":
            return None
        if condition != "InProgress":
            raise NotKnown(told["Response"].get("AdditionalResponse", condition))
        return told

    def _payment(self, number: str, receipt: str, amount: float, currency: str) -> dict:
        """Returns the body of the answer to a payment, which is sent again when it is lost. Aborts
        it when the shopper takes too long. Raises NotKnown."""
        body = {
            "SaleData": {
                "SaleTransactionID": {
                    "TransactionID": receipt,
                    # The kiosk only repeats it, and the same payment has the same body.
                    "TimeStamp": "1970-01-01T00:00:00Z",
                }
            },
            "PaymentTransaction": {"AmountsReq": {"Currency": currency, "RequestedAmount": amount}},
        }
        until, aborted = time.monotonic() + self._settings.patience_s, False
        while True:
            left = max(until - time.monotonic(), AT_ONCE_S)
            try:
                return self._ask("Payment", body, number, left)
            except (_Lost, OSError) as error:
                why = f"the kiosk does not answer ({error})."
            if time.monotonic() >= until:
                if aborted:
                    raise NotKnown(why)
                aborted = True
                self._abort(number)
            else:
                time.sleep(AGAIN_S)

    def _abort(self, number: str) -> None:
        reference = {
            "MessageCategory": "Payment",
            "SaleID": self._settings.sale_id,
            "ServiceID": number,
        }
        body = {"AbortReason": "MerchantAbort", "MessageReference": reference}
        try:
            self._ask("Abort", body, _fresh(), AT_ONCE_S)
        except (_Lost, OSError):
            # Whether it was aborted is what the payment's own answer says.
            return

    def _ask(self, category: str, body: dict, number: str, within_s: float) -> dict:
        """Returns the body of the answer. Raises OSError and _Lost, and NotKnown when the kiosk
        rejects the message."""
        header = {
            "ProtocolVersion": "3.0",
            "MessageClass": "Service",
            "MessageCategory": category,
            "MessageType": "Request",
            "ServiceID": number,
            "SaleID": self._settings.sale_id,
            "POIID": "palm-kiosk",
        }
        message = {"MessageHeader": header, f"{category}Request": body}
        sealed = {"MessageHeader": header} | self._seal({"SaleToPOIRequest": message})
        connection = http.client.HTTPSConnection(
            self._settings.host, self._settings.port, timeout=within_s, context=self._trusted
        )
        try:
            connection.request("POST", "/nexo", json.dumps({"SaleToPOIRequest": sealed}))
            response = connection.getresponse()
            answer = response.read()
        except http.client.HTTPException as error:
            raise _Lost(type(error).__name__) from None
        finally:
            connection.close()
        if response.status == http.client.BAD_REQUEST:
            event = json.loads(answer)["SaleToPOIRequest"]["EventNotification"]
            raise NotKnown(event["EventDetails"])
        if response.status != http.client.OK:
            raise _Lost(f"status {response.status}")
        if not answer:
            return {}
        told = self._open(json.loads(answer)["SaleToPOIResponse"])
        return told["SaleToPOIResponse"][f"{category}Response"]

    def _seal(self, message: dict) -> dict:
        text, nonce = json.dumps(message).encode(), os.urandom(16)
        padder = PKCS7(128).padder()
        encryptor = self._cipher(nonce).encryptor()
        padded = padder.update(text) + padder.finalize()
        blob = encryptor.update(padded) + encryptor.finalize()
        trailer = {
            "AdyenCryptoVersion": 1,
            "KeyIdentifier": self._settings.identifier,
            "KeyVersion": self._settings.version,
            "Nonce": base64.b64encode(nonce).decode(),
            "Hmac": base64.b64encode(self._authenticate(text)).decode(),
        }
        return {"NexoBlob": base64.b64encode(blob).decode(), "SecurityTrailer": trailer}

    def _open(self, parts: dict) -> dict:
        """Raises _Lost when the answer was not sealed with this key."""
        trailer = parts["SecurityTrailer"]
        try:
            nonce = base64.b64decode(trailer["Nonce"])
            decryptor = self._cipher(nonce).decryptor()
            padded = decryptor.update(base64.b64decode(parts["NexoBlob"])) + decryptor.finalize()
            unpadder = PKCS7(128).unpadder()
            text = unpadder.update(padded) + unpadder.finalize()
            expected = base64.b64decode(trailer["Hmac"])
        except ValueError:
            raise _Lost("its answer cannot be opened") from None
        if not hmac.compare_digest(self._authenticate(text), expected):
            raise _Lost("its answer is sealed with another key")
        return json.loads(text)

    def _cipher(self, nonce: bytes) -> Cipher:
        vector = bytes(a ^ b for a, b in zip(self._vector, nonce, strict=True))
        return Cipher(algorithms.AES256(self._encryption), modes.CBC(vector))

    def _authenticate(self, text: bytes) -> bytes:
        return hmac.digest(self._authentication, text, "sha256")


def _number(name: str, attempt: int) -> str:
    """Returns the ServiceID of an attempt to make the payment of this name."""
    digest = hashlib.sha256(f"{name} {attempt}".encode()).digest()
    return base64.b32encode(digest)[:10].decode()


def _fresh() -> str:
    """Returns a ServiceID for a message that is no payment."""
    return os.urandom(5).hex()
