"""Receipts: what a person is shown of what was erased, signed by the service."""

from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.db.tables import new_id
from protocol.encoding import to_base64
from protocol.messages import DeletionReceipt, Retained
from protocol.signature import receipt_bytes


def sign_receipt(
    key: Ed25519PrivateKey, now: datetime, *, erased: list[str], retained: list[Retained]
) -> DeletionReceipt:
    """Returns a receipt with a new number."""
    public = key.public_key().public_bytes_raw()
    unsigned = DeletionReceipt(
        receipt_id=new_id(),
        at=now,
        erased=erased,
        retained=retained,
        key_id=sha256(public).hexdigest()[:16],
        public_key=to_base64(public),
    )
    return unsigned.model_copy(update={"signature": to_base64(key.sign(receipt_bytes(unsigned)))})
