"""The encrypted envelope of a till's message."""

from base64 import b64decode, b64encode

import pytest

from kiosk.till.nexo.envelope import SharedKey, Trailer, Unopened, seal, unseal

KEY = SharedKey(identifier="till", version=3, passphrase="correct horse battery staple")
MESSAGE = b'{"SaleToPOIRequest":{}}'


def test_a_sealed_message_is_opened_with_the_key_that_it_names():
    blob, trailer = seal(MESSAGE, KEY)
    older = KEY.model_copy(update={"version": 2})
    assert unseal(blob, trailer, [older, KEY]) == (MESSAGE, KEY)


def test_what_another_program_has_sealed_is_opened():
    """The values are those that npm's @adyen/api-library 32 makes of this key and nonce."""
    key = SharedKey(identifier="vector", version=1, passphrase="a passphrase of the test vector")
    trailer = Trailer(
        AdyenCryptoVersion=1,
        KeyIdentifier="vector",
        KeyVersion=1,
        Nonce=b64encode(bytes(range(16))).decode(),
        Hmac="l41usCmdlLCIsmZ5DoapU88QhTfXylzrFCDloh3kRHw=",
    )
    assert unseal("VmZ/IClFjBfUh9dzvt1sHiI2Pvyy49Tjfl2alWpkf7k=", trailer, [key]) == (MESSAGE, key)


def test_no_two_envelopes_of_a_message_are_the_same():
    (one, _), (other, _) = seal(MESSAGE, KEY), seal(MESSAGE, KEY)
    assert one != other


def changed(text: str, at: int = 0) -> str:
    raw = bytearray(b64decode(text))
    raw[at] ^= 1
    return b64encode(raw).decode()


@pytest.mark.parametrize("part", ["blob", "Nonce", "Hmac"])
def test_a_changed_message_is_refused_and_tells_which_key_was_tried(part: str):
    blob, trailer = seal(MESSAGE, KEY)
    if part == "blob":
        blob = changed(blob)
    else:
        trailer = trailer.model_copy(update={part: changed(getattr(trailer, part))})
    with pytest.raises(Unopened, match=r"key 'till' version 3 .* another passphrase"):
        unseal(blob, trailer, [KEY])


@pytest.mark.parametrize("blob", ["", "AAAA", "A" * 24, "===="], ids=repr)
def test_what_is_no_cipher_text_is_refused_like_a_changed_message(blob: str):
    _, trailer = seal(MESSAGE, KEY)
    with pytest.raises(Unopened, match="another passphrase"):
        unseal(blob, trailer, [KEY])


def test_another_passphrase_is_refused_without_a_word_of_it():
    blob, trailer = seal(MESSAGE, KEY)
    other = KEY.model_copy(update={"passphrase": "another passphrase altogether"})
    with pytest.raises(Unopened) as refused:
        unseal(blob, trailer, [other])
    assert "altogether" not in str(refused.value)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"KeyIdentifier": "<script>"}, "'till' version 3"),
        ({"KeyVersion": 4}, "'till' version 3"),
    ],
)
def test_an_unknown_key_is_answered_with_the_expected_ones(named: dict[str, object], expected: str):
    blob, trailer = seal(MESSAGE, KEY)
    with pytest.raises(Unopened, match=f"Expected is {expected}") as refused:
        unseal(blob, trailer.model_copy(update=named), [KEY])
    assert "script" not in str(refused.value)


def test_without_any_key_that_is_said():
    blob, trailer = seal(MESSAGE, KEY)
    with pytest.raises(Unopened, match="no key is set up"):
        unseal(blob, trailer, [])


def test_another_version_of_the_format_is_refused_in_words():
    blob, trailer = seal(MESSAGE, KEY)
    with pytest.raises(Unopened, match="speaks version 1"):
        unseal(blob, trailer.model_copy(update={"AdyenCryptoVersion": 2}), [KEY])


def test_a_passphrase_is_in_no_text_of_a_key():
    assert KEY.passphrase not in f"{KEY!r} {KEY} {KEY.material!r}"
