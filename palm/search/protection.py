"""Codes a gallery is searched by, which say nothing of a palm to who does not hold a secret.

A palm's vector is laid along the axes of a frame that a secret chooses, and of each coordinate
only the sign is kept (BioHashing: Teoh, Goh and Ngo, "Random multispace quantization as an
analytic mechanism for BioHashing of biometric and random identity inputs", IEEE TPAMI 2006). Two
vectors at an angle of a disagree in a/pi of their bits on average (Charikar, "Similarity
estimation techniques from rounding algorithms", STOC 2002), so codes under one secret are compared
by counting bits.

In the terms of ISO/IEC 24745 a code is renewable (another secret makes another code of the same
palm) and unlinkable (the frame is drawn from the Haar measure, under which the image of any vector
is any other with equal probability: codes under two secrets are independent, whoever's they are).
For the same reason a code by itself tells nothing of the vector; with the secret it tells most of
it. What is measured of both is in docs/decisions/0011-template-protection.md.
"""

from dataclasses import dataclass, field
from hashlib import shake_256

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

BITS = 1024
SEARCH_CODE_BYTES = BITS // 8
SECRET_BYTES = 32

SearchCodes = npt.NDArray[np.uint8]
"""(n, CODE_BYTES)."""


@dataclass(frozen=True, slots=True)
class ProtectedTemplate:
    """A template as everybody but the vault sees it."""

    version: int
    transform: str
    """Names the secret that the code was made under (`name_of`)."""
    search_code: bytes = field(repr=False)
    """CODE_BYTES, to be searched by."""
    sealed: bytes = field(repr=False)
    """The template itself; only the vault opens it."""
    quality: float


@dataclass(frozen=True, slots=True)
class ProtectedProbe:
    """A palm that was just shown."""

    kept: ProtectedTemplate
    """As it is enrolled, should it be."""
    whole: bytes = field(repr=False)
    """The template before anything was left out to keep it small, sealed: to be compared once."""


class Transform:
    """A secret frame of BITS axes: as many orthonormal bases, independent of each other, as it
    takes."""

    def __init__(self, secret: bytes, version: int, dimensions: int) -> None:
        """The same for the same secret, template version and number of dimensions, everywhere: the
        frame is a function of HKDF-SHA-256 and SHAKE-256 alone, up to rounding in the last place,
        which may turn a bit whose coordinate is that near to zero."""
        stream = shake_256(_derive(secret, f"search code {version}"))
        axes = min(dimensions, BITS)
        bases = -(-BITS // axes)
        normal = _normal(stream.digest(16 * bases * dimensions * axes))
        frame = [_orthonormal(each) for each in normal.reshape(bases, dimensions, axes)]
        self.frame = np.concatenate(frame, axis=1)[:, :BITS].astype(np.float32)
        """(dimensions, BITS) axes, one a column."""

    def search_codes(self, vectors: npt.NDArray[np.float32]) -> SearchCodes:
        """Of (n, dimensions) vectors."""
        return np.packbits(vectors @ self.frame > 0, axis=1)


def name_of(secret: bytes) -> str:
    """What codes made under a secret are told by; leads nobody back to it."""
    return _derive(secret, "name")[:8].hex()


def _derive(secret: bytes, use: str) -> bytes:
    kdf = HKDF(hashes.SHA256(), SECRET_BYTES, salt=None, info=f"palm-kiosk {use}".encode())
    return kdf.derive(secret)


def _normal(random: bytes) -> npt.NDArray[np.float64]:
    """Standard normal numbers, one for sixteen bytes (Box and Muller, 1958)."""
    # 53 bits, all a double holds, of each eight bytes; the first never zero.
    whole = np.frombuffer(random, "<u8").reshape(2, -1) >> np.uint64(11)
    first, second = (whole[0] + np.uint64(1)) * 2.0**-53, whole[1] * 2.0**-53
    return np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)


def _orthonormal(normal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Columns drawn from the Haar measure (Mezzadri, "How to generate random matrices from the
    classical compact groups", Notices of the AMS 2007): without the signs, which make the
    factorisation unique, they would depend on who wrote the library."""
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diagonal(r))
