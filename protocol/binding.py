"""Ties the pictures of a capture to its light challenge and to the time of the service.

A kiosk tells the service two digests of pictures that it sends sealed afterwards:

1. The *commitment* covers its pictures in white light. The service draws the challenge only then,
   so the kiosk cannot choose these pictures by the challenge.
2. The *answer* covers its pictures under the steps, and those in near infrared. It is due
   ANSWER_WITHIN after the service drew the challenge, by the service's clock. The envelope may
   follow later, because its upload takes longer on a slow line.

Only the vault sees the pictures. It verifies with `is_bound` that a capture holds exactly the
pictures of both digests, in the order and at the pace in which a kiosk takes them.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise

from protocol.capture import Burst, Frame, Spectrum
from protocol.challenge import STEPS

ANSWER_WITHIN = timedelta(seconds=2)
"""The time from the drawing of a challenge to the arrival of its answer. Five steps take 0.2 to
0.4 s with a camera of 30 pictures a second and 1.3 s with one of 5, and a slow line 0.3 s."""

STEP_MS_AT_LEAST = 20
"""The shortest time from one step's picture to the next one's. The exposure of a picture begins
after the step was shown, so a kiosk needs 40 ms."""
STEP_MS_AT_MOST = 750
"""The longest time from one step's picture to the next one's. A kiosk waits for a picture for half
a second, and then gives the challenge up."""
STEPS_MS_AT_MOST = 2000
"""The longest time from the first step's picture to the last one's."""
WHITE_MS_AT_MOST = 2000
"""The longest time from the first picture in white to the last one before the challenge."""
SEED_MS_AT_MOST = 3000
"""The longest time from the last picture in white to the first step's picture. In between the kiosk
commits itself, and waits until a second has passed since the last challenge."""
PULSE_MS_AT_MOST = 3000
"""The longest time from the last step's picture to the beginning of the pulse recording."""


def digest(jpegs: Iterable[bytes | bytearray]) -> bytes:
    """Returns the 32-byte SHA-256 of the SHA-256 digests of the pictures, in the order given."""
    return sha256(b"".join(sha256(jpeg).digest() for jpeg in jpegs)).digest()


def commitment_of(burst: Burst) -> bytes:
    """Returns the digest of the pictures in white that were taken before the challenge, in order of
    time. Without a challenge these are all pictures in white."""
    return digest(frame.jpeg for frame in _before(burst))


def answer_of(burst: Burst) -> bytes:
    """Returns the digest of the pictures under the steps and in near infrared, in order of time."""
    return digest(frame.jpeg for frame in burst.frames if not _is_white(frame))


def is_bound(burst: Burst, commitment: bytes, answer: bytes) -> bool:
    """Returns whether a capture under a challenge keeps to its commitment and its answer.

    It does when all of this is true:

    - There is one picture under each step, and no two pictures of a camera have the same time.
    - The pictures in white come before the first step, and are exactly those of `commitment`.
    - The pictures under the steps come in the order of the steps. With those in near infrared they
      are exactly those of `answer`.
    - A pulse is recorded after the last step. It comes with one more picture in white, which is
      taken when the recording ends.
    - All are taken at the pace that the constants above allow.
    """
    lit = [frame for frame in burst.frames if frame.light is not None]
    before = _before(burst)
    after = [frame for frame in burst.frames if _is_white(frame)][len(before) :]
    return (
        [frame.light for frame in lit] == list(range(STEPS))
        and all(_times_differ(burst, spectrum) for spectrum in Spectrum)
        and len(before) > 0
        and _span(before) <= WHITE_MS_AT_MOST
        and _span([before[-1], lit[0]]) <= SEED_MS_AT_MOST
        and all(
            STEP_MS_AT_LEAST <= _span(both) <= STEP_MS_AT_MOST for both in map(list, pairwise(lit))
        )
        and _span(lit) <= STEPS_MS_AT_MOST
        and _pulse_follows(burst, lit[-1], after)
        and commitment_of(burst) == commitment
        and answer_of(burst) == answer
    )


def _is_white(frame: Frame) -> bool:
    return frame.light is None and frame.spectrum is Spectrum.COLOUR


def _before(burst: Burst) -> list[Frame]:
    began = min((f.at_ms for f in burst.frames if f.light is not None), default=None)
    return [f for f in burst.frames if _is_white(f) and (began is None or f.at_ms < began)]


def _times_differ(burst: Burst, spectrum: Spectrum) -> bool:
    times = [frame.at_ms for frame in burst.frames if frame.spectrum is spectrum]
    return len(times) == len(set(times))


def _span(frames: Sequence[Frame]) -> int:
    return frames[-1].at_ms - frames[0].at_ms


def _pulse_follows(burst: Burst, last: Frame, after: list[Frame]) -> bool:
    if burst.pulse is None:
        return not after
    return (
        0 < burst.pulse.at_ms[0] - last.at_ms <= PULSE_MS_AT_MOST
        and len(after) == 1
        and after[0].at_ms >= burst.pulse.at_ms[-1]
    )
