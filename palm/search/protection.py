"""Search codes: pseudonyms of palms, by which a palm is found in a gallery.

The vector of a palm is projected on axes that are chosen by a secret, and only the sign of each
coordinate is kept (BioHashing: Teoh, Goh and Ngo, "Random multispace quantization as an analytic
mechanism for BioHashing of biometric and random identity inputs", IEEE TPAMI 2006). Two vectors at
an angle a differ in a/pi of their bits on average (Charikar, "Similarity estimation techniques from
rounding algorithms", STOC 2002), so codes under one secret are compared by counting bits.

In the terms of ISO/IEC 24745, a code is renewable, since another secret makes another code of the
same palm. The axes are drawn from the Haar measure, under which every vector is mapped to every
direction with equal probability; so two single codes under two secrets are independent, no matter
whose they are, and a code alone tells nothing of the vector. With the secret it tells most of it.

The codes of a whole gallery keep the angles between its palms, which do not depend on the secret.
So two galleries can be linked with each other without either secret: codes are pseudonymous, not
anonymous, and are stored only encrypted. docs/decisions/0011-template-protection.md has
measurements.
"""

import hmac
from dataclasses import dataclass, field
from hashlib import shake_256

import numpy as np
import numpy.typing as npt

BITS = 1024
"""The length of a search code in bits."""
SEARCH_CODE_BYTES = BITS // 8
SECRET_BYTES = 32

SearchCodes = npt.NDArray[np.uint8]
"""(n, SEARCH_CODE_BYTES) search codes."""


@dataclass(frozen=True, slots=True)
class ProtectedTemplate:
    """A template as everything outside the vault sees it."""

    version: int
    transform: str
    """The name of the secret under which the code was made, see `name_of`."""
    search_code: bytes = field(repr=False)
    """SEARCH_CODE_BYTES, for the search."""
    sealed: bytes = field(repr=False)
    """The template, encrypted for the vault."""


@dataclass(frozen=True, slots=True)
class ProtectedProbe:
    """A palm that was just presented."""

    kept: ProtectedTemplate
    """The template as it is stored if the person enrols."""
    whole: bytes = field(repr=False)
    """The full template, encrypted, for a single comparison."""


class Transform:
    """The BITS axes that a secret chooses: as many independent orthonormal bases as are needed."""

    def __init__(self, secret: bytes, version: int, dimensions: int) -> None:
        """Derives the axes from a secret, a template version and the number of dimensions only.

        They are computed by HKDF-SHA-256 and SHAKE-256, so they are the same on every machine up to
        rounding in the last place. Rounding may flip a bit only where a coordinate is that close to
        zero.
        """
        stream = shake_256(_derive(secret, f"search code {version}"))
        axes = min(dimensions, BITS)
        bases = -(-BITS // axes)
        normal = _normal(stream.digest(16 * bases * dimensions * axes))
        frame = [_orthonormal(each) for each in normal.reshape(bases, dimensions, axes)]
        self.frame = np.concatenate(frame, axis=1)[:, :BITS].astype(np.float32)
        """(dimensions, BITS) axes, one per column."""

    def search_codes(self, vectors: npt.NDArray[np.float32]) -> SearchCodes:
        """Returns the search codes of (n, dimensions) vectors."""
        return np.packbits(vectors @ self.frame > 0, axis=1)


def name_of(secret: bytes) -> str:
    """Returns the name by which codes made under a secret are recognised. The secret cannot be
    computed from it."""
    return _derive(secret, "name")[:8].hex()


def _derive(secret: bytes, use: str) -> bytes:
    """Returns SECRET_BYTES by HKDF-SHA-256 (RFC 5869) without a salt. They are one block of it."""
    key = hmac.digest(bytes(SECRET_BYTES), secret, "sha256")
    return hmac.digest(key, f"palm-kiosk {use}\x01".encode(), "sha256")


def _normal(random: bytes) -> npt.NDArray[np.float64]:
    """Returns standard normal numbers, one per sixteen bytes (Box and Muller, 1958)."""
    # A double holds 53 bits, taken from eight bytes each. The first uniform number is never zero.
    whole = np.frombuffer(random, "<u8").reshape(2, -1) >> np.uint64(11)
    first, second = (whole[0] + np.uint64(1)) * 2.0**-53, whole[1] * 2.0**-53
    return np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)


def _orthonormal(normal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns columns drawn from the Haar measure (Mezzadri, "How to generate random matrices from
    the classical compact groups", Notices of the AMS 2007). Fixing the signs makes the
    factorisation unique; without that it would depend on the linear algebra library."""
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diagonal(r))
