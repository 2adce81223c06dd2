import dataclasses

import cbor2
import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from protocol.encoding import from_base64
from protocol.envelope import (
    MAX_ENVELOPE,
    Context,
    EnvelopeError,
    NotSealedToUs,
    PrivateKey,
    Suite,
    TooLarge,
    Truncated,
    UnknownKey,
    UnknownSuite,
    open_envelope,
    read_header,
    seal,
)
from protocol.messages import Purpose, Side

CONTEXT = Context("device-1", "visit-01", Purpose.PAY, 1_800_000_000_000, Side.LEFT, "challenge-1")
KEYS = {suite: PrivateKey.generate(suite) for suite in Suite}


@pytest.fixture(params=list(Suite))
def key(request: pytest.FixtureRequest) -> PrivateKey:
    return KEYS[request.param]


def keyring(*keys: PrivateKey) -> dict[str, PrivateKey]:
    return {key.public.key_id: key for key in keys}


def test_a_sealed_capture_is_opened_with_its_context(key: PrivateKey):
    assert open_envelope(seal(b"burst", key.public, CONTEXT), keyring(key)) == (CONTEXT, b"burst")


def test_a_context_need_not_name_a_side(key: PrivateKey):
    context = dataclasses.replace(CONTEXT, side=None)
    assert open_envelope(seal(b"burst", key.public, context), keyring(key))[0] == context


def test_the_header_is_read_without_a_key(key: PrivateKey):
    header = read_header(seal(b"burst", key.public, CONTEXT))
    assert (header.suite, header.key_id, header.context) == (
        key.suite,
        key.public.key_id,
        CONTEXT,
    )


def test_a_key_comes_back_from_its_stored_secret(key: PrivateKey):
    stored = PrivateKey(key.suite, key.secret)
    assert open_envelope(seal(b"burst", key.public, CONTEXT), keyring(stored))[1] == b"burst"


def test_two_envelopes_of_the_same_burst_have_nothing_in_common(key: PrivateKey):
    first, second = (seal(b"x" * 64, key.public, CONTEXT) for _ in range(2))
    ciphertexts = [cbor2.loads(envelope)[1] for envelope in (first, second)]
    assert ciphertexts[0][-80:] != ciphertexts[1][-80:]


def test_two_contexts_never_share_a_nonce():
    first, second = (Context("device-1", "visit-01", Purpose.PAY, 0) for _ in range(2))
    assert first.nonce != second.nonce


@pytest.mark.parametrize(
    "change",
    [
        {"device_id": "device-2"},
        {"visit_id": "visit-02"},
        {"purpose": Purpose.LEAVE},
        {"side": Side.RIGHT},
        {"side": None},
        {"sealed_at": CONTEXT.sealed_at + 1},
        {"challenge": "challenge-2"},
        {"nonce": bytes(16)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_envelope_with_a_changed_context_does_not_open(
    key: PrivateKey, change: dict[str, object]
):
    header, ciphertext = cbor2.loads(seal(b"burst", key.public, CONTEXT))
    fields = cbor2.loads(header)
    fields[3] = dataclasses.replace(CONTEXT, **change).to_list()
    forged = cbor2.dumps([cbor2.dumps(fields), ciphertext])
    assert read_header(forged).context == dataclasses.replace(CONTEXT, **change)
    with pytest.raises(NotSealedToUs):
        open_envelope(forged, keyring(key))


def test_every_flipped_bit_of_an_envelope_is_noticed():
    key = KEYS[Suite.X25519]
    envelope = seal(b"burst", key.public, CONTEXT)
    for position in range(len(envelope)):
        altered = bytearray(envelope)
        altered[position] ^= 1
        with pytest.raises(EnvelopeError):
            open_envelope(bytes(altered), keyring(key))


def test_every_truncation_of_an_envelope_is_noticed():
    key = KEYS[Suite.X25519]
    envelope = seal(b"burst", key.public, CONTEXT)
    for length in range(len(envelope)):
        with pytest.raises(Truncated):
            open_envelope(envelope[:length], keyring(key))


def test_a_missing_key_is_reported(key: PrivateKey):
    with pytest.raises(UnknownKey):
        open_envelope(seal(b"burst", key.public, CONTEXT), keyring())


def test_an_envelope_to_another_key_under_our_name_does_not_open(key: PrivateKey):
    other = PrivateKey.generate(key.suite).public
    misnamed = other.model_copy(update={"key_id": key.public.key_id})
    with pytest.raises(NotSealedToUs):
        open_envelope(seal(b"burst", misnamed, CONTEXT), keyring(key))


def test_a_hybrid_key_does_not_open_an_envelope_of_the_weaker_suite():
    hybrid, weak = KEYS[Suite.HYBRID], KEYS[Suite.X25519]
    misnamed = weak.public.model_copy(update={"key_id": hybrid.public.key_id})
    with pytest.raises(UnknownKey):
        open_envelope(seal(b"burst", misnamed, CONTEXT), keyring(hybrid))


def test_an_unsupported_suite_is_refused_at_both_ends(key: PrivateKey):
    unknown = key.public.model_copy(update={"suite": "ROT13"})
    with pytest.raises(UnknownSuite):
        seal(b"burst", unknown, CONTEXT)
    header, ciphertext = cbor2.loads(seal(b"burst", key.public, CONTEXT))
    fields = cbor2.loads(header)
    fields[1] = "ROT13"
    with pytest.raises(UnknownSuite):
        read_header(cbor2.dumps([cbor2.dumps(fields), ciphertext]))


def test_a_later_version_is_refused_by_name(key: PrivateKey):
    header, ciphertext = cbor2.loads(seal(b"burst", key.public, CONTEXT))
    fields = cbor2.loads(header)
    fields[0] += 1
    with pytest.raises(UnknownSuite):
        read_header(cbor2.dumps([cbor2.dumps(fields), ciphertext]))


def test_a_public_key_of_the_wrong_length_is_refused(key: PrivateKey):
    broken = key.public.model_copy(update={"public_key": "AAAA"})
    with pytest.raises(UnknownKey):
        seal(b"burst", broken, CONTEXT)


def test_a_too_large_envelope_is_neither_made_nor_read(key: PrivateKey):
    with pytest.raises(TooLarge):
        seal(bytes(MAX_ENVELOPE), key.public, CONTEXT)
    with pytest.raises(TooLarge):
        read_header(bytes(MAX_ENVELOPE + 1))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(data: bytes):
    with pytest.raises(EnvelopeError):
        open_envelope(data, keyring(*KEYS.values()))


def test_a_secret_never_shows_when_a_key_is_printed(key: PrivateKey):
    assert repr(key.secret) not in repr(key)


# Against the standard and an independent implementation


def pyhpke_suite() -> CipherSuite:
    return CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)


def info_of(envelope: bytes) -> bytes:
    return b"palm-kiosk envelope v2\0" + cbor2.loads(envelope)[0]


def test_an_independent_implementation_opens_our_x25519_envelope():
    key = KEYS[Suite.X25519]
    envelope = seal(b"burst", key.public, CONTEXT)
    ciphertext = cbor2.loads(envelope)[1]
    private = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(key.secret))
    recipient = pyhpke_suite().create_recipient_context(
        ciphertext[:32], private, info=info_of(envelope)
    )
    assert recipient.open(ciphertext[32:]) == b"burst"


def test_we_open_what_an_independent_implementation_sealed():
    key = KEYS[Suite.X25519]
    ours = seal(b"", key.public, CONTEXT)
    public = X25519PrivateKey.from_private_bytes(key.secret).public_key()
    assert from_base64(key.public.public_key) == public.public_bytes_raw()
    enc, sender = pyhpke_suite().create_sender_context(
        KEMKey.from_pyca_cryptography_key(public), info=info_of(ours)
    )
    theirs = cbor2.dumps([cbor2.loads(ours)[0], enc + sender.seal(b"burst")])
    assert open_envelope(theirs, keyring(key)) == (CONTEXT, b"burst")


RFC_9180_A = {
    "A.1.1, AES-128-GCM": (
        hpke.AEAD.AES_128_GCM,
        "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
        "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9"
        "6d8770ac83d07bea87e13c512a",
    ),
    "A.2.1, ChaCha20Poly1305": (
        hpke.AEAD.CHACHA20_POLY1305,
        "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
        "21993c62ce81883d2dd1b51a28",
    ),
}


@pytest.mark.parametrize("name", RFC_9180_A)
def test_the_x25519_kem_and_hkdf_beneath_agree_with_rfc_9180(name: str):
    aead, secret, enc, ciphertext = RFC_9180_A[name]
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, aead)
    # The appendix has no X25519 vector with AES-256-GCM, and its first message has an AAD, which
    # only this private form of decrypt accepts.
    opened = hpke.rust_openssl.hpke._decrypt_with_aad(
        suite,
        bytes.fromhex(enc + ciphertext),
        X25519PrivateKey.from_private_bytes(bytes.fromhex(secret)),
        bytes.fromhex("4f6465206f6e2061204772656369616e2055726e"),
        b"Count-0",
    )
    assert opened == b"Beauty is truth, truth beauty"


@pytest.mark.parametrize("sealed_at", [-1, 10**15, 10**400])
def test_a_time_beyond_the_calendar_is_no_context(sealed_at: int):
    told = CONTEXT.to_list()
    told[4] = sealed_at
    with pytest.raises(ValueError, match="not a context"):
        Context.from_list(told)
