"""Statements: what somebody has answered, signed so that anybody can check it without the service.

A statement is a JSON Web Signature in the compact form (RFC 7515), made with the key of receipts by
EdDSA (RFC 8037). It is no document of `protocol.documents`, which only our own programs read: what
integrators build with has a library for these. What the one signs is never what the other does: a
document begins with a brace.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel

from cloud.context import Context
from cloud.web import signed_request
from protocol.documents import key_id

TYPE = "palm-statement+jwt"
"""What the header of a statement says that it is (RFC 8725, section 3.11)."""

router: APIRouter = signed_request.router(APIRoute)


class PublicKey(BaseModel):
    """A key that checks statements (RFC 8037, section 2)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"
    kid: str
    x: str
    """The raw key in base64url."""


class PublicKeys(BaseModel):
    """RFC 7517, section 5."""

    keys: list[PublicKey]


@router.get("/jwks")
async def tell_keys(request: Request) -> PublicKeys:
    """Tells by which keys statements are signed."""
    context: Context = request.app.state.context
    public = _public(context.receipt_key)
    return PublicKeys(keys=[PublicKey(kid=key_id(public), x=_text(public))])


def sign(key: Ed25519PrivateKey, claims: Mapping[str, Any]) -> str:
    """Returns a statement of these claims (RFC 7519, section 4)."""
    header = {"alg": "EdDSA", "typ": TYPE, "kid": key_id(_public(key))}
    said = ".".join(_text(json.dumps(part).encode()) for part in (header, claims))
    return f"{said}.{_text(key.sign(said.encode()))}"


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
