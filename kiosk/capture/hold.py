"""What is kept of a hold: pictures of the hand while it is held still, and its pulse.

A hold begins when the hand is first still enough and ends when it moves away. `HoldRecord`
collects good frames from all of the current hold as leases, encodes them once the hold is over and
turns everything into a burst. Whatever is not handed over in the burst is wiped.
"""

from collections import Counter
from dataclasses import dataclass, replace
from math import ceil, hypot

import cv2
import numpy as np

from hardware.camera.feed import Lease, Mailbox
from kiosk.capture.eyes import Sight
from kiosk.capture.guidance import Advice
from palm.hand.landmarks import Hand
from palm.hand.observation import Observation
from palm.liveness.pulse import PulseRecorder
from protocol.binding import digest
from protocol.capture import MAX_BYTES, PULSE_SIDE, Burst, Frame, Pulse, Spectrum

AWAY = 0.5
"""The distance in palm lengths from which a hand has left the region."""

MARGIN = 0.2
"""The margin around the landmarks as a share of their extent: fingertips reach beyond the last
landmark."""

SIDE = 640
"""The least side of a picture in the burst in pixels, where the camera's frame allows it."""

QUALITY = 95
"""The JPEG quality of pictures that templates are made of: every ridge counts."""
LIT_QUALITY = 85
"""The JPEG quality of pictures that are judged by their light only."""

WHITE_BYTES = MAX_BYTES * 2 // 5
"""The largest size of the pictures in white light together when those under a challenge follow.
They are chosen before the others are taken, and leave room for them."""

WIDER = 1.5
"""The side of a near-infrared picture over that of a colour picture: the second camera looks from
beside the first and sees the hand displaced."""


@dataclass(frozen=True, slots=True)
class Region:
    """The square of the frame, in pixels, that contains the hand while it is held still."""

    left: int
    top: int
    side: int
    hand: Hand

    @classmethod
    def around(cls, hand: Hand, frame: Lease) -> "Region":
        """Returns the square around the hand's landmarks, moved to lie inside the frame."""
        height, width = frame.image.shape[:2]
        low, high = hand.landmarks.min(axis=0), hand.landmarks.max(axis=0)
        extent = float((high - low).max()) * (1 + 2 * MARGIN)
        side = min(max(ceil(extent), SIDE), height, width)
        left, top = (
            int(np.clip(round(float(middle) - side / 2), 0, length - side))
            for middle, length in zip((low + high) / 2, (width, height), strict=True)
        )
        return cls(left, top, side, hand)

    def holds(self, seen: Observation) -> bool:
        """Returns whether the hand is seen here."""
        if seen.hand is None:
            return False
        moved = hypot(*(seen.hand.palm_centre - self.hand.palm_centre))
        return moved < AWAY * self.hand.palm_length

    def wider(self, frame: Lease) -> "Region":
        """Returns the larger square to cut from a second camera's frame of the same size."""
        height, width = frame.image.shape[:2]
        side = min(round(self.side * WIDER), height, width)
        left, top = (
            min(max(at + (self.side - side) // 2, 0), length - side)
            for at, length in ((self.left, width), (self.top, height))
        )
        return replace(self, left=left, top=top, side=side)

    def jpeg(self, frame: Lease, quality: int, *, grey: bool = False) -> bytearray:
        """Returns this part of the frame as a JPEG, which the caller wipes."""
        inside = frame.image[self.top : self.top + self.side, self.left : self.left + self.side]
        if grey:
            inside = inside[..., 1]
        encoded = cv2.imencode(".jpg", inside, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        jpeg = bytearray(encoded.data)
        encoded.fill(0)
        return jpeg


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """A frame that may become part of the burst."""

    seen: Observation
    hand: Hand
    frame: Lease

    @property
    def worth(self) -> float:
        """How sharp and still the frame is; the middle of a hold scores higher than its edges."""
        return self.seen.sharpness - self.seen.motion


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture that is ready to be sent."""

    at: float
    """When it was taken, on the clock of `time.monotonic`."""
    jpeg: bytearray
    step: int | None = None
    """The step of the light challenge it was taken under, None for white light."""
    spectrum: Spectrum = Spectrum.COLOUR

    @property
    def is_white(self) -> bool:
        return self.step is None and self.spectrum is Spectrum.COLOUR

    def wipe(self) -> None:
        self.jpeg[:] = bytes(len(self.jpeg))


def _taken(picture: Picture) -> float:
    return picture.at


class HoldRecord:
    """Collects what is kept of the current hold; a context manager that wipes the rest.

    These are at most `limit` good frames that are spread over the hold, one picture under each step
    of the light challenge, near-infrared pictures taken meanwhile, and the pulse.
    """

    def __init__(self, limit: int, hold: float) -> None:
        """`hold` is the number of seconds that a hand is held still."""
        self._limit = limit
        self._hold = hold
        self._held_since: float | None = None
        self._candidates: list[HeldFrame] = []
        self._white: list[Picture] = []
        """Pictures in white light, best first."""
        self._required: list[Picture] = []
        """Pictures that are sent in any case."""
        self.recorder = PulseRecorder(PULSE_SIDE)

    def __enter__(self) -> "HoldRecord":
        return self

    def __exit__(self, *_: object) -> None:
        self._release()
        for picture in (*self._white, *self._required):
            picture.wipe()
        self.recorder.wipe()

    @property
    def region(self) -> Region:
        """The region around the hand in the newest candidate. Needs at least one candidate."""
        newest = self._candidates[-1]
        return Region.around(newest.hand, newest.frame)

    def consider(self, sight: Sight, advice: Advice) -> None:
        """Keeps the frame if it adds to those that are kept of its hold; a new hold starts from
        nothing."""
        if advice.held_since != self._held_since:
            self._release()
            self._held_since = advice.held_since
        hand = sight.observation.hand
        if advice.fit_to_keep and hand is not None:
            self._candidates.append(HeldFrame(sight.observation, hand, sight.keep()))
            if len(self._candidates) > self._limit:
                self._thin_out()

    def _thin_out(self) -> None:
        """Gives one frame back. The hold has as many parts as frames are kept of it, and the worst
        frame of the fullest part goes: frames of one moment show the palm in the same way, with the
        same errors."""
        assert self._held_since is not None
        length = self._hold / self._limit
        parts = [
            min(int((each.seen.at - self._held_since) / length), self._limit - 1)
            for each in self._candidates
        ]
        fullest, _ = Counter(parts).most_common(1)[0]
        crowded = [c for c, part in zip(self._candidates, parts, strict=True) if part == fullest]
        worst = min(crowded, key=lambda each: each.worth)
        self._candidates.remove(worst)
        worst.frame.close()

    def develop(self, region: Region) -> None:
        """Encodes the frames that are kept, best first, and gives them back."""
        self._candidates.sort(key=lambda c: c.worth, reverse=True)
        self._white += [Picture(c.seen.at, region.jpeg(c.frame, QUALITY)) for c in self._candidates]
        self._release()

    def commit(self, region: Region) -> bytes:
        """Encodes the frames that are kept, which are sent in any case from then on, and returns
        their digest (`protocol.binding`). They have WHITE_BYTES at most, unless the best one has
        more."""
        self.develop(region)
        size = 0
        for number, picture in enumerate(self._white):
            size += len(picture.jpeg)
            if number == 0 or size <= WHITE_BYTES:
                self._required.append(picture)
            else:
                picture.wipe()
        self._white.clear()
        return digest(picture.jpeg for picture in sorted(self._required, key=_taken))

    def answer(self) -> bytes:
        """Returns the digest of the pictures that were taken since `commit`."""
        taken = sorted(self._required, key=_taken)
        return digest(picture.jpeg for picture in taken if not picture.is_white)

    def take_step(self, step: int, frame: Lease, region: Region) -> None:
        """Adds the picture taken under one step of the light challenge."""
        self._required.append(Picture(frame.at, region.jpeg(frame, LIT_QUALITY), step))

    def take_infrared(self, mailbox: Mailbox, region: Region) -> bool:
        """Adds the newest near-infrared picture; returns False when there is none."""
        frame = mailbox.take()
        if frame is None:
            return False
        with frame:
            jpeg = region.wider(frame).jpeg(frame, LIT_QUALITY, grey=True)
            self._required.append(Picture(frame.at, jpeg, None, Spectrum.INFRARED))
        return True

    def take_last(self, frame: Lease, region: Region) -> None:
        """Adds the last frame of the pulse recording, which shows whose pulse it is."""
        self._required.append(Picture(frame.at, region.jpeg(frame, QUALITY)))

    @property
    def has_infrared(self) -> bool:
        return any(picture.spectrum is Spectrum.INFRARED for picture in self._required)

    def burst(self, challenge_id: str | None = None) -> Burst:
        """Returns everything in order of time, without the worst pictures if it would exceed
        MAX_BYTES. The pictures are the caller's to wipe from here on."""
        chosen = list(self._required)
        for picture in self._white:
            if sum(len(each.jpeg) for each in (*chosen, picture)) > MAX_BYTES:
                break
            chosen.append(picture)
        chosen.sort(key=_taken)
        began = chosen[0].at
        frames = [Frame(round((s.at - began) * 1000), s.jpeg, s.step, s.spectrum) for s in chosen]
        self._white = [picture for picture in self._white if picture not in chosen]
        self._required.clear()
        return Burst(frames, challenge_id, self._pulse(began))

    def _pulse(self, began: float) -> Pulse | None:
        if not self.recorder.at:
            return None
        cells = bytearray(np.array(self.recorder.cells, "<u2").tobytes())
        return Pulse([round((at - began) * 1000) for at in self.recorder.at], cells)

    def _release(self) -> None:
        for candidate in self._candidates:
            candidate.frame.close()
        self._candidates.clear()
