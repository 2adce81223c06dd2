"""Template protection (ISO/IEC 24745): codes agree for one palm under one secret, and only then."""

import hashlib

import numpy as np
import numpy.typing as npt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from palm.search.protection import BITS, SEARCH_CODE_BYTES, SearchCodes, Transform, name_of

SECRET, ANOTHER = bytes(32), bytes([1] * 32)


def vectors(count: int, dimensions: int = 256, seed: int = 0) -> npt.NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_normal((count, dimensions), np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def at_angle(vector: npt.NDArray[np.float32], degrees: float) -> npt.NDArray[np.float32]:
    """Returns a (1, dimensions) vector at this angle."""
    aside = vectors(1, len(vector), seed=99)[0]
    aside -= (aside @ vector) * vector
    aside /= np.linalg.norm(aside)
    turn = np.radians(degrees)
    return (np.cos(turn) * vector + np.sin(turn) * aside)[None].astype(np.float32)


def differing(one: SearchCodes, other: SearchCodes) -> float:
    """Returns the share of bits that differ."""
    return float(np.bitwise_count(one ^ other).sum(axis=1).mean()) / BITS


@pytest.fixture(scope="module")
def usual() -> Transform:
    return Transform(SECRET, 1, 256)


@pytest.mark.parametrize("dimensions", [16, 256, 384, 512, 1100])
def test_a_code_has_the_same_length_whatever_the_vectors(dimensions: int):
    search_codes = Transform(SECRET, 1, dimensions).search_codes(vectors(3, dimensions))
    assert search_codes.shape == (3, SEARCH_CODE_BYTES)
    assert 0.3 < np.unpackbits(search_codes).mean() < 0.7


@pytest.mark.parametrize("degrees", [0, 10, 45, 90, 180])
def test_the_share_of_bits_that_differ_is_the_angle_between_the_vectors(
    usual: Transform, degrees: float
):
    (vector,) = vectors(1)
    share = differing(
        usual.search_codes(vector[None]), usual.search_codes(at_angle(vector, degrees))
    )
    assert share == pytest.approx(degrees / 180, abs=0.04)


def test_the_same_secret_makes_the_same_codes_everywhere(usual: Transform):
    search_codes = usual.search_codes(np.eye(256, dtype=np.float32))
    # Computed on x86-64 with OpenBLAS. No coordinate of these vectors is near enough to zero for
    # rounding to flip its bit.
    assert hashlib.sha256(search_codes.tobytes()).hexdigest()[:16] == "9bd31b0bb671d4ad"


def test_secrets_are_derived_by_hkdf_as_another_library_derives_them():
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"palm-kiosk name").derive(ANOTHER)
    assert name_of(ANOTHER) == derived[:8].hex()
    assert name_of(SECRET) == "31c2ac99138a4868"


@pytest.mark.parametrize(
    ("secret", "version"), [(ANOTHER, 1), (SECRET, 2)], ids=["another secret", "another version"]
)
def test_codes_of_the_same_palm_under_another_transform_are_as_far_apart_as_strangers(
    usual: Transform, secret: bytes, version: int
):
    same = vectors(200)
    other = Transform(secret, version, 256)
    share = differing(usual.search_codes(same), other.search_codes(same))
    assert share == pytest.approx(0.5, abs=0.01)


def test_names_of_secrets_differ_and_do_not_contain_them():
    assert name_of(SECRET) != name_of(ANOTHER)
    assert len(bytes.fromhex(name_of(SECRET))) == 8
    assert bytes.fromhex(name_of(ANOTHER)) not in ANOTHER
