"""What a kiosk captures of one palm: a short burst of JPEG frames, before it is sealed."""

from dataclasses import dataclass, field
from typing import Any, TypeGuard

from protocol import canonical
from protocol.challenge import STEPS

VERSION = 2
MAX_FRAMES = 16
MAX_BYTES = 2_000_000
"""Of all frames of a burst together."""

_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"


class MalformedCapture(ValueError):
    """Not a burst: the wrong shape, too many frames, too large, or something other than JPEG."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One still. `at_ms` is milliseconds since the burst's first frame; it never goes back."""

    at_ms: int
    jpeg: bytearray = field(repr=False)
    light: int | None = None
    """The step of the challenge it was taken under (`protocol.challenge`), 0 for the first; None
    for plain white, or where there is no light ring."""


@dataclass(frozen=True, slots=True)
class Burst:
    """1 to MAX_FRAMES frames of one palm, in order of time, MAX_BYTES at most.

    Raises MalformedCapture when it is made of anything else.
    """

    frames: list[Frame] = field(repr=False)
    challenge: str | None = None
    """The id of the challenge that was shown meanwhile."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.frames) <= MAX_FRAMES:
            raise MalformedCapture(f"a burst has 1 to {MAX_FRAMES} frames")
        if sum(len(frame.jpeg) for frame in self.frames) > MAX_BYTES:
            raise MalformedCapture(f"a burst has at most {MAX_BYTES} bytes")
        times = [frame.at_ms for frame in self.frames]
        if times[0] < 0 or times != sorted(times):
            raise MalformedCapture("frames come in order of time")
        for frame in self.frames:
            if not (frame.jpeg.startswith(_JPEG_START) and frame.jpeg.endswith(_JPEG_END)):
                raise MalformedCapture("a frame is not a JPEG")
            if frame.light is not None and (self.challenge is None or not 0 <= frame.light < STEPS):
                raise MalformedCapture("a frame was taken under a step of its burst's challenge")

    def encode(self) -> bytearray:
        """The CBOR array `[version, challenge, [[at_ms, jpeg, light], ...]]`."""
        frames = [[frame.at_ms, frame.jpeg, frame.light] for frame in self.frames]
        return bytearray(canonical.encode([VERSION, self.challenge, frames]))

    @classmethod
    def decode(cls, data: bytes | bytearray) -> "Burst":
        """Raises MalformedCapture."""
        if len(data) > MAX_BYTES + 1024:
            raise MalformedCapture(f"a burst has at most {MAX_BYTES} bytes")
        try:
            value = canonical.decode(data)
        except canonical.NotCanonical as error:
            raise MalformedCapture(str(error)) from None
        match value:
            case [int(version), str() | None as challenge, list(frames)] if version == VERSION:
                pass
            case _:
                raise MalformedCapture("not a capture of this version")
        if not all(_is_frame(item) for item in frames):
            raise MalformedCapture("a frame is a time, a picture and a light")
        return cls(
            [Frame(at_ms, bytearray(jpeg), light) for at_ms, jpeg, light in frames], challenge
        )

    def wipe(self) -> None:
        """Overwrites every frame with zeros; the burst is of no use afterwards."""
        for frame in self.frames:
            frame.jpeg[:] = bytes(len(frame.jpeg))


def _is_frame(item: Any) -> TypeGuard[tuple[int, bytes, int | None]]:
    return (
        isinstance(item, list)
        and len(item) == 3
        and type(item[0]) is int
        and isinstance(item[1], bytes)
        and (item[2] is None or type(item[2]) is int)
    )
