"""Requests signed by the device (RFC 9421, Ed25519), with bodies covered by Content-Digest (RFC
9530).

The signature covers `@method`, `@path`, `@query` and, if present, `content-digest`, `content-type`
and `idempotency-key`. It does not cover `@authority` or `@target-uri`: an embedded service listens
on a port that the system chooses, and a hosted one is behind a reverse proxy, so both know another
authority than the device does. Redirecting a request to another service is prevented by TLS, and by
the key, which only one service knows.

The name of a key is the SHA-256 of its public half. It is also the `device_id`, so a device is
named by its key and not by an assigned number.
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any, cast

import http_sf
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "ed25519"
TAG = "palm-kiosk-v1"
"""Separates these signatures from those of other protocols."""
LABEL = "device"
LIFETIME = 60
"""The lifetime of a signature in seconds."""
CLOCK_SKEW = 60
"""The tolerance for the device's clock in seconds."""

_FIELDS = ("content-digest", "content-type", "idempotency-key")


class SignatureProblem(ValueError):
    """The request is not proven to come from the device that it names."""


class NotSigned(SignatureProblem):
    """The request has no signature, or one that does not follow this profile."""


class Forged(SignatureProblem):
    """The signature or the digest does not fit the request."""


class Stale(SignatureProblem):
    """The signature is too old or in the future: the device's clock is wrong, or the request is a
    replay."""


@dataclass(frozen=True, slots=True)
class Request:
    """The part of an HTTP request that is signed.

    `path` and `query` are percent-encoded as on the wire, `query` without its question mark. Header
    names are in lower case.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The key that signed, the times of creation and expiry in seconds since the epoch, and the
    nonce."""

    key_id: str
    created: int
    expires: int
    nonce: str


def key_id(key: Ed25519PublicKey) -> str:
    """Returns the SHA-256 of the raw key in base64url, 43 characters, which is also the device's
    identifier."""
    return urlsafe_b64encode(sha256(key.public_bytes_raw()).digest()).rstrip(b"=").decode("ascii")


def sign_request(request: Request, key: Ed25519PrivateKey, *, now: float) -> dict[str, str]:
    """Returns the headers to add: Signature-Input, Signature and, with a body, Content-Digest.

    `now` is the service's time as the device knows it, in seconds since the epoch. Every call makes
    a new nonce, so a request that is sent again has to be signed again.
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
    """Returns the parameters of the signature, which is not verified. Raises NotSigned."""
    return _read(request)[0]


def verify_request(request: Request, key: Ed25519PublicKey, *, now: float) -> Parameters:
    """Verifies a request and returns the parameters of its signature.

    Raises NotSigned and Forged, and Stale for a genuine request outside its time. The caller has to
    check that the nonce was not seen before.
    """
    parameters = verify_head(request, key, now=now)
    verify_body(request)
    return parameters


def verify_head(request: Request, key: Ed25519PublicKey, *, now: float) -> Parameters:
    """Verifies everything but the body, which need not have arrived, and returns the parameters of
    the signature. Raises what `verify_request` raises."""
    parameters, components, raw, signature = _read(request)
    if parameters.key_id != key_id(key):
        raise Forged("signed with another key")
    try:
        key.verify(signature, _signature_base(request, components, raw))
    except InvalidSignature:
        raise Forged("the signature does not fit the request") from None
    if not parameters.created - CLOCK_SKEW <= now <= parameters.expires + CLOCK_SKEW:
        raise Stale("signed too long ago, or in the future")
    return parameters


def verify_body(request: Request) -> None:
    """Verifies the body of a request whose head is verified. Raises Forged."""
    if request.body and not _digest_fits(request):
        raise Forged("the digest does not fit the body")


def _components(headers: Mapping[str, str]) -> tuple[str, ...]:
    return ("@method", "@path", "@query", *(name for name in _FIELDS if name in headers))


def _signature_base(
    request: Request, components: tuple[str, ...], parameters: Mapping[str, Any]
) -> bytes:
    """Returns the signature base (RFC 9421, section 2.5)."""
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
    """Returns the parameters, the covered components in their order, the raw parameters and the
    signature."""
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
