"""Derives what the light ring shows while a palm is captured, so that no earlier recording fits.

A challenge is a secret seed that the service issues for one capture. Kiosk and vault derive the
same steps from it: the kiosk shows them one after another, and the vault knows how a hand must have
responded. One step, at any position, is dark, and shows the room's own light. In every other step
each primary shines from a half of the ring of its own, and the three have different strengths. So a
step has a colour, and each colour channel a direction.

The steps keep within WCAG 2.2, 2.3.1. They change at most six times, including white before and
after, which is at most three flashes. Red is never saturated, since its share of the light stays
below 0.8. Some light is on in all steps but the dark one. The ring is small as well
(docs/decisions/0009-light-challenge.md).
"""

from collections.abc import Callable
from itertools import permutations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.ring import DARK, SEGMENTS, Levels

SEED_BYTES = 32
STEPS = 5

_LABEL = b"palm-kiosk light challenge v1"
_COLOURS = tuple(permutations((255, 140, 64)))
_HALF = SEGMENTS // 2


def steps(seed: bytes) -> tuple[Levels, ...]:
    """Returns the STEPS steps of a challenge, derived by HKDF (RFC 5869). Without the seed they
    cannot be distinguished from random ones."""
    number = int.from_bytes(HKDF(SHA256(), 64, None, _LABEL).derive(seed))

    def draw(below: int) -> int:
        nonlocal number
        number, drawn = divmod(number, below)
        return drawn

    colours = list(_COLOURS)
    shown = [_lit(colours.pop(draw(len(colours))), draw) for _ in range(STEPS - 1)]
    shown.insert(draw(STEPS), DARK)
    return tuple(shown)


def _lit(colour: tuple[int, ...], draw: Callable[[int], int]) -> Levels:
    """Returns each primary of a colour on four neighbouring segments, at a random position."""
    begins = [draw(SEGMENTS) for _ in colour]
    red, green, blue = (
        [level if (segment - begin) % SEGMENTS < _HALF else 0 for segment in range(SEGMENTS)]
        for level, begin in zip(colour, begins, strict=True)
    )
    return tuple(zip(red, green, blue, strict=True))
