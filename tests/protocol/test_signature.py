import dataclasses
from datetime import UTC, datetime
from typing import Any

import http_sf
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

from protocol.encoding import from_base64
from protocol.signature import (
    CLOCK_SKEW,
    LIFETIME,
    Forged,
    NotSigned,
    Request,
    SignatureProblem,
    Stale,
    key_id,
    read_parameters,
    sign_request,
    verify_request,
)

NOW = 1_800_000_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
POST = Request(
    "POST",
    "/v1/purchases",
    headers={"content-type": "application/json", "idempotency-key": "sale-0001"},
    body=b'{"amount":1}',
)
GET = Request("GET", "/v1/purchases/sale-0001", query="after=1&b=%20")


def signed(request: Request, key: Ed25519PrivateKey = KEY, now: float = NOW) -> Request:
    headers = {**request.headers, **sign_request(request, key, now=now)}
    return dataclasses.replace(request, headers=headers)


def verify(request: Request, now: float = NOW) -> None:
    verify_request(request, KEY.public_key(), now=now)


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
def test_a_signed_request_is_verified(request_: Request):
    parameters = verify_request(signed(request_), KEY.public_key(), now=NOW)
    assert parameters.key_id == key_id(KEY.public_key())
    assert (parameters.created, parameters.expires) == (NOW, NOW + LIFETIME)


def test_the_key_id_is_read_before_the_key_is_known():
    assert read_parameters(signed(POST)).key_id == key_id(KEY.public_key())


def test_every_signature_has_a_nonce_of_its_own():
    assert read_parameters(signed(POST)).nonce != read_parameters(signed(POST)).nonce


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/v1/deletions"},
        {"query": "all=1"},
        {"body": b'{"amount":2}'},
        {"body": b""},
    ],
    ids=["method", "path", "query", "body", "no body"],
)
def test_a_changed_request_is_forged(change: dict[str, str]):
    request = dataclasses.replace(signed(POST), **change)
    if change.get("body") == b"":
        # An empty body needs no digest, so put a wrong one in the place of the signed one.
        request = dataclasses.replace(
            request, headers={**request.headers, "content-digest": "sha-256=:AAAA:"}
        )
    with pytest.raises(Forged):
        verify(request)


@pytest.mark.parametrize("field", ["content-type", "idempotency-key", "content-digest"])
def test_a_changed_header_is_forged(field: str):
    request = signed(POST)
    with pytest.raises(Forged):
        verify(dataclasses.replace(request, headers={**request.headers, field: "x=1"}))


@pytest.mark.parametrize("field", ["content-type", "idempotency-key", "content-digest"])
def test_a_removed_or_added_header_is_noticed(field: str):
    request = signed(POST)
    without = {name: value for name, value in request.headers.items() if name != field}
    with pytest.raises(NotSigned):
        verify(dataclasses.replace(request, headers=without))
    bare = signed(GET)
    with pytest.raises(NotSigned):
        verify(dataclasses.replace(bare, headers={**bare.headers, field: "added"}))


def test_another_devices_signature_does_not_pass_for_ours():
    with pytest.raises(Forged):
        verify(signed(POST, Ed25519PrivateKey.generate()))


@pytest.mark.parametrize("offset", [-CLOCK_SKEW, 0, LIFETIME + CLOCK_SKEW])
def test_a_clock_may_be_off_by_the_allowed_skew(offset: int):
    verify(signed(POST), now=NOW + offset)


@pytest.mark.parametrize("offset", [-CLOCK_SKEW - 1, LIFETIME + CLOCK_SKEW + 1, 86_400])
def test_a_replay_and_a_wrong_clock_are_stale(offset: int):
    with pytest.raises(Stale):
        verify(signed(POST), now=NOW + offset)


def test_a_forged_request_is_forged_even_when_it_is_stale_too():
    with pytest.raises(Forged):
        verify(dataclasses.replace(signed(POST), path="/x"), now=NOW + 86_400)


def with_parameter(name: str, value: object) -> Request:
    """Returns a request that is signed with our key, but does not follow the profile."""
    request = signed(POST)
    fields: Any = http_sf.parse(request.headers["signature-input"].encode(), tltype="dictionary")
    items, parameters = fields["device"]
    parameters[name] = value
    if value is None:
        del parameters[name]
    names = [item for item, _ in items]
    lines = {
        "@method": "POST",
        "@path": "/v1/purchases",
        "@query": "?",
    }
    base = [f'"{n}": {lines.get(n) or request.headers[n]}' for n in names]
    base.append(f'"@signature-params": {http_sf.ser([(names, parameters)])}')
    headers = {
        **request.headers,
        "signature-input": http_sf.ser({"device": (names, parameters)}),
        "signature": http_sf.ser({"device": KEY.sign("\n".join(base).encode())}),
    }
    return dataclasses.replace(request, headers=headers)


def test_the_profile_helper_signs_what_verifies():
    verify(with_parameter("nonce", "0123456789abcdef"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alg", "hmac-sha256"),
        ("tag", "another-protocol"),
        ("expires", NOW + 10 * LIFETIME),
        ("expires", NOW - 1),
        ("nonce", "short"),
        ("nonce", None),
        ("keyid", None),
        ("created", None),
    ],
)
def test_a_genuine_signature_outside_the_profile_is_refused(name: str, value: object):
    with pytest.raises(NotSigned):
        verify(with_parameter(name, value))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"signature": "device=:AAAA:"},
        {"signature-input": "device=((", "signature": "device=:AAAA:"},
        {"signature-input": "device=1", "signature": "device=:AAAA:"},
        {"signature-input": 'device=("@method")', "signature": "device=:AAAA:"},
        {"signature-input": "\u00e9", "signature": "\u00e9"},
    ],
    ids=["none", "half", "broken", "no list", "too little covered", "not ASCII"],
)
def test_an_invalid_signature_field_is_refused(headers: dict[str, str]):
    with pytest.raises(NotSigned):
        verify(dataclasses.replace(POST, headers={**POST.headers, **headers}))


def test_a_signature_that_covers_too_little_is_refused():
    request = signed(GET)
    headers = {**request.headers, "content-type": "text/plain"}
    with pytest.raises(SignatureProblem):
        verify(dataclasses.replace(request, headers=headers))


# Against the standard and an independent implementation

RFC_9421_PRIVATE = Ed25519PrivateKey.from_private_bytes(
    from_base64("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=")
)


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        return self.private

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        return self.private.public_key()


@dataclasses.dataclass
class Message:
    method: str
    url: str
    headers: dict[str, str]


def message(request: Request) -> Message:
    query = f"?{request.query}" if request.query else ""
    url = f"https://service.example{request.path}{query}"
    return Message(request.method, url, dict(request.headers))


def test_the_independent_implementation_agrees_with_rfc_9421_b_2_6():
    example = Message(
        "POST",
        "https://example.com/foo?param=Value&Pet=dog",
        {
            "Host": "example.com",
            "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
            "Content-Type": "application/json",
            "Content-Length": "18",
        },
    )
    HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519, key_resolver=Keys(RFC_9421_PRIVATE)
    ).sign(
        example,
        key_id="test-key-ed25519",
        created=datetime.fromtimestamp(1618884473, UTC),
        label="sig-b26",
        include_alg=False,
        covered_component_ids=[
            "date",
            "@method",
            "@path",
            "@authority",
            "content-type",
            "content-length",
        ],
    )
    assert example.headers["Signature"] == (
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu"
        "4A0w6vuQv5lIp5WPpBKRCw==:"
    )


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
def test_an_independent_implementation_verifies_our_signature(request_: Request):
    ours = message(signed(request_, now=datetime.now(UTC).timestamp()))
    results = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=Keys(KEY)
    ).verify(ours, expect_tag="palm-kiosk-v1", expect_label="device")
    assert results[0].parameters["keyid"] == key_id(KEY.public_key())


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
def test_we_verify_an_independent_implementations_signature(request_: Request):
    theirs = message(request_)
    components = ["@query", "@method", "@path"]
    if request_.body:
        components += ["idempotency-key", "content-type"]
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Keys(KEY)).sign(
        theirs,
        key_id=key_id(KEY.public_key()),
        created=datetime.fromtimestamp(NOW, UTC),
        expires=datetime.fromtimestamp(NOW + 30, UTC),
        nonce="0123456789abcdef",
        label="device",
        tag="palm-kiosk-v1",
        covered_component_ids=components,
        body=request_.body or None,
    )
    headers = {name.lower(): value for name, value in theirs.headers.items()}
    verify(dataclasses.replace(request_, headers=headers))
