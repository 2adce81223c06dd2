"""What the light ring shows while a palm is captured, so that no earlier recording fits.

A challenge is a secret seed that the service gives out for one capture. Kiosk and vault make the
same steps of it: the kiosk shows them one after another, the vault knows what a hand must have
answered. One step, anywhere among them, is dark, and shows what the room's own light does. In
every other, each primary shines from a side of its own, half the ring at a time, and the three are
of three different strengths: so a step has a colour, and each colour channel a direction.

What makes it bearable to look at (WCAG 2.2, 2.3.1) is in the steps themselves: they change six
times at most, white before and after included, which is no more than three flashes; red is never
saturated, since its share of the ring's light stays below 0.8; and but for the dark step some light
is always on. The ring is small as well (docs/decisions/0009-light-challenge.md).
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
    """The STEPS steps of a challenge, told apart from random ones by nobody without its seed
    (HKDF, RFC 5869)."""
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
    """Each primary of a colour on four neighbouring segments, wherever they begin."""
    begins = [draw(SEGMENTS) for _ in colour]
    red, green, blue = (
        [level if (segment - begin) % SEGMENTS < _HALF else 0 for segment in range(SEGMENTS)]
        for level, begin in zip(colour, begins, strict=True)
    )
    return tuple(zip(red, green, blue, strict=True))
