"""Requests signed by the device (RFC 9421, Ed25519), bodies pinned by Content-Digest (RFC 9530).

Covered are `@method`, `@path`, `@query`, and, where the request has them, `content-digest`,
`content-type` and `idempotency-key`. Not `@authority` or `@target-uri`: the embedded service
listens on a port of the system's choice and a hosted one stands behind a reverse proxy, and both
name it differently from how the device does. What the authority would have stopped, a request
carried to another service, TLS and the key stop: a device's key is known to one service only.

A key's name is the SHA-256 of its public half, so a device is named by its key and by nothing
that somebody assigned, and that name is its `device_id`.
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any, cast

import http_sf
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.messages import DeletionReceipt

ALGORITHM = "ed25519"
TAG = "palm-kiosk-v1"
"""Keeps these signatures from meaning anything in another protocol."""
LABEL = "device"
LIFETIME = 60
"""Seconds a signature is good for after it was made."""
CLOCK_SKEW = 60
"""Seconds a device's clock may be off."""

_FIELDS = ("content-digest", "content-type", "idempotency-key")


class SignatureProblem(ValueError):
    """A request that is not proven to come from the device it names."""


class NotSigned(SignatureProblem):
    """No signature, or one that is not of this profile."""


class Forged(SignatureProblem):
    """The signature or the digest does not fit the request."""


class Stale(SignatureProblem):
    """Made too long ago, or in the future: the device's clock is off, or this is a recording."""


@dataclass(frozen=True, slots=True)
class Request:
    """The part of an HTTP request that is signed. `path` and `query` are as on the wire,
    percent-encoded; `query` comes without its question mark; header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Who signed, when (seconds since the epoch), until when it holds, and the nonce."""

    key_id: str
    created: int
    expires: int
    nonce: str


def key_id(key: Ed25519PublicKey) -> str:
    """The SHA-256 of the raw key in base64url, 43 characters: also the device's identifier."""
    return urlsafe_b64encode(sha256(key.public_bytes_raw()).digest()).rstrip(b"=").decode("ascii")


def sign_request(request: Request, key: Ed25519PrivateKey, *, now: float) -> dict[str, str]:
    """The headers to add: Signature-Input, Signature and, with a body, Content-Digest.

    `now` is the service's time as the device knows it, in seconds since the epoch. Every call
    makes a new nonce, so a request sent again is signed again.
    """
    added: dict[str, str] = {}
    if request.body:
        added["content-digest"] = _content_digest(request.body)
    components = _components({**request.headers, **added})
    parameters: dict[str, Any] = {
        "created": int(now),
        "expires": int(now) + LIFETIME,
        "nonce": urlsafe_b64encode(os.urandom(16)).decode("ascii"),
        "keyid": key_id(key.public_key()),
        "alg": ALGORITHM,
        "tag": TAG,
    }
    signed = Request(
        request.method,
        request.path,
        request.query,
        {**request.headers, **added},
        request.body,
    )
    base = _signature_base(signed, components, parameters)
    added["signature-input"] = http_sf.ser({LABEL: (list(components), parameters)})
    added["signature"] = http_sf.ser({LABEL: key.sign(base)})
    return added


def read_parameters(request: Request) -> Parameters:
    """Who claims to have signed; nothing of it is proven. Raises NotSigned."""
    return _read(request)[0]


def verify_request(request: Request, key: Ed25519PublicKey, *, now: float) -> Parameters:
    """Raises NotSigned, Forged and Stale, the last only for what is otherwise genuine.

    Whether the nonce was seen before is for the caller to know.
    """
    parameters, components, raw, signature = _read(request)
    if parameters.key_id != key_id(key):
        raise Forged("signed with another key")
    try:
        key.verify(signature, _signature_base(request, components, raw))
    except InvalidSignature:
        raise Forged("the signature does not fit the request") from None
    if request.body and not _digest_fits(request):
        raise Forged("the digest does not fit the body")
    if not parameters.created - CLOCK_SKEW <= now <= parameters.expires + CLOCK_SKEW:
        raise Stale("signed too long ago, or in the future")
    return parameters


def receipt_bytes(receipt: DeletionReceipt) -> bytes:
    """Returns what the service signs: the receipt without its signature, as canonical JSON
    (RFC 8785)."""
    return rfc8785.dumps(receipt.model_dump(mode="json", exclude={"signature"}))


def _components(headers: Mapping[str, str]) -> tuple[str, ...]:
    return ("@method", "@path", "@query", *(name for name in _FIELDS if name in headers))


def _signature_base(
    request: Request, components: tuple[str, ...], parameters: Mapping[str, Any]
) -> bytes:
    """RFC 9421, 2.5."""
    derived = {
        "@method": request.method,
        "@path": request.path,
        "@query": "?" + request.query,
    }
    lines = [
        f'"{name}": {derived[name] if name in derived else request.headers[name].strip()}'
        for name in components
    ]
    inner = http_sf.ser([(list(components), dict(parameters))])
    return "\n".join([*lines, f'"@signature-params": {inner}']).encode()


def _read(request: Request) -> tuple[Parameters, tuple[str, ...], dict[str, Any], bytes]:
    """The parameters, the covered components in their order, the raw parameters, the signature."""
    inputs = _dictionary(request, "signature-input")
    signatures = _dictionary(request, "signature")
    match inputs.get(LABEL), signatures.get(LABEL):
        case (list(items), dict(raw)), (bytes(signature), _):
            pass
        case _:
            raise NotSigned("no signature of a device")
    names = [name for name, item_parameters in items if not item_parameters]
    expected = _components(request.headers)
    if len(names) != len(items) or sorted(map(str, names)) != sorted(expected):
        raise NotSigned("the signature does not cover what it must")
    match raw:
        case {
            "created": int(created),
            "expires": int(expires),
            "nonce": str(nonce),
            "keyid": str(keyid),
            "alg": "ed25519",
            "tag": "palm-kiosk-v1",
        } if 0 <= expires - created <= LIFETIME and 16 <= len(nonce) <= 64 and len(keyid) <= 64:
            parameters = Parameters(keyid, created, expires, nonce)
        case _:
            raise NotSigned("the signature is not of this profile")
    return parameters, tuple(map(str, names)), cast("dict[str, Any]", raw), signature


def _dictionary(request: Request, name: str) -> dict[str, Any]:
    try:
        value = http_sf.parse(request.headers.get(name, "").encode(), tltype="dictionary")
    except (ValueError, UnicodeError):
        raise NotSigned(f"the {name} field is not a dictionary") from None
    return cast("dict[str, Any]", value)


def _content_digest(body: bytes) -> str:
    return http_sf.ser({"sha-256": sha256(body).digest()})


def _digest_fits(request: Request) -> bool:
    match _dictionary(request, "content-digest").get("sha-256"):
        case (bytes(digest), _):
            return compare_digest(digest, sha256(request.body).digest())
        case _:
            return False
