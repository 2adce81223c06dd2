"""An authenticator of software: makes discoverable credentials and signs with them, as W3C Web
Authentication, level 3, has it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
"""Flags of the authenticator data (section 6.1)."""


@dataclass
class Credential:
    credential_id: bytes
    key: ec.EllipticCurvePrivateKey
    rp_id: str
    handle: bytes
    counter: int


@dataclass(frozen=True)
class Manner:
    """How an authenticator and the browser before it behave. Each is honest unless told
    otherwise."""

    origin: str = "https://portal.example"
    rp_id: str | None = None
    """The relying party that is signed for; None for the one that asked."""
    flags: int = PRESENT | VERIFIED
    kind: str | None = None
    """The type in the client data; None for the right one."""
    challenge: bytes | None = None
    """The challenge that is signed; None for the one that was asked for."""
    handle: bytes | None = None
    """Whose credential it is said to be; None for the truth."""
    spoils_signature: bool = False
    steps: int = 1
    """By how much the counter goes on."""


HONEST = Manner()


@dataclass
class Authenticator:
    counts: bool = True
    """Whether it has a counter. Those whose credentials are on several devices have none."""
    credentials: list[Credential] = field(default_factory=list[Credential])

    def make(self, options: str, manner: Manner = HONEST, **changes: Any) -> str:
        """Makes a credential, and returns it as a browser writes it."""
        manner, asked = replace(manner, **changes), json.loads(options)
        assert asked["authenticatorSelection"]["residentKey"] == "required"
        assert asked["authenticatorSelection"]["userVerification"] == "required"
        assert {"type": "public-key", "alg": -7} in asked["pubKeyCredParams"]
        credential = Credential(
            secrets.token_bytes(32),
            ec.generate_private_key(ec.SECP256R1()),
            asked["rp"]["id"],
            base64url_to_bytes(asked["user"]["id"]),
            0,
        )
        public = credential.key.public_key().public_numbers()
        # COSE: kty EC2, alg ES256, crv P-256, x, y (RFC 9053, section 7.1.1).
        key = {
            1: 2,
            3: -7,
            -1: 1,
            -2: public.x.to_bytes(32, "big"),
            -3: public.y.to_bytes(32, "big"),
        }
        attested = bytes(16) + len(credential.credential_id).to_bytes(2, "big")
        attested += credential.credential_id + cbor2.dumps(key)
        data = self._data(credential, manner, ATTESTED) + attested
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        self.credentials.append(credential)
        return _written(
            credential,
            {
                "clientDataJSON": _client_data("webauthn.create", asked["challenge"], manner),
                "attestationObject": cbor2.dumps(attestation),
            },
        )

    def sign(self, options: str, manner: Manner = HONEST, **changes: Any) -> str:
        """Signs with the newest credential, and returns that as a browser writes it."""
        manner, asked = replace(manner, **changes), json.loads(options)
        assert asked["userVerification"] == "required"
        assert asked["allowCredentials"] == []
        credential = self.credentials[-1]
        client = _client_data("webauthn.get", asked["challenge"], manner)
        credential.counter += manner.steps if self.counts else 0
        data = self._data(credential, manner)
        signed = data + sha256(client).digest()
        signature = credential.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        if manner.spoils_signature:
            signature = credential.key.sign(signed + b"\0", ec.ECDSA(hashes.SHA256()))
        return _written(
            credential,
            {
                "clientDataJSON": client,
                "authenticatorData": data,
                "signature": signature,
                "userHandle": credential.handle if manner.handle is None else manner.handle,
            },
        )

    def _data(self, credential: Credential, manner: Manner, more: int = 0) -> bytes:
        rp_id = credential.rp_id if manner.rp_id is None else manner.rp_id
        flags = (manner.flags | more).to_bytes(1, "big")
        return sha256(rp_id.encode()).digest() + flags + credential.counter.to_bytes(4, "big")


def _client_data(kind: str, challenge: str, manner: Manner) -> bytes:
    if manner.challenge is not None:
        challenge = bytes_to_base64url(manner.challenge)
    told = {"type": manner.kind or kind, "challenge": challenge, "origin": manner.origin}
    return json.dumps(told | {"crossOrigin": False}).encode()


def _written(credential: Credential, response: Mapping[str, bytes]) -> str:
    name = bytes_to_base64url(credential.credential_id)
    return json.dumps(
        {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {key: bytes_to_base64url(value) for key, value in response.items()},
        }
    )
