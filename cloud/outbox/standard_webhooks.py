"""How what is told to others' systems is signed: as Standard Webhooks (standardwebhooks.com) says.

A message has the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`. The last holds,
for each secret, `v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from hashlib import sha256

SECRET_MARK = "whsec_"  # noqa: S105 - what a secret begins with


def new_secret() -> bytes:
    return secrets.token_bytes(32)


def shown(secret: bytes) -> str:
    """Returns a secret as the receiver is shown it."""
    return SECRET_MARK + b64encode(secret).decode()


def secret_of(text: str) -> bytes:
    """Returns the bytes of a secret as the receiver was shown it."""
    return b64decode(text.removeprefix(SECRET_MARK))


def signature(secret: bytes, message_id: str, at: int, body: bytes) -> str:
    """Returns one signature of `webhook-signature`; `at` is in seconds since the epoch."""
    signed = f"{message_id}.{at}.".encode() + body
    return "v1," + b64encode(hmac.new(secret, signed, sha256).digest()).decode()


def headers(message_id: str, at: int, body: bytes, *signing: bytes) -> dict[str, str]:
    """Returns the headers of a message that is signed with each of these secrets."""
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(
            signature(secret, message_id, at, body) for secret in signing
        ),
    }
