"""Orders of an operator, as the service signs them for a kiosk."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import documents
from protocol.fleet import Orders
from tests.support.canned import DEVICE


def ordered(key: Ed25519PrivateKey, number: int, **values: Any) -> Orders:
    """Returns orders with these values, `device_id` among them, that ask for nothing else."""
    nothing: dict[str, Any] = {
        "merchant": DEVICE.merchant,
        "variant": None,
        "volume": None,
        "hours": "",
        "zone": "UTC",
        "holidays": [],
        "helpline": "",
        "locked": False,
        "restart": 0,
    }
    return documents.sign(key, Orders, number=number, **(nothing | values))
