"""The capture of one palm: a short burst of JPEG frames, before it is sealed."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from protocol import canonical
from protocol.challenge import STEPS

VERSION = 3
PLAIN = 2
"""The previous version, without spectra and pulse. It is still read, and still written for bursts
that have neither."""
MAX_FRAMES = 16
PULSE_FRAMES = 512
PULSE_SIDE = 4
MAX_BYTES = 2_000_000
"""The largest size of all frames of a burst together."""
MAX_MS = 120_000
"""The longest time that a burst with its pulse takes: as long as an envelope is fresh."""

_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"


class MalformedCapture(ValueError):
    """The data are not a burst: they have the wrong structure, too many frames, too many bytes, or
    frames that are not JPEG."""


class Spectrum(StrEnum):
    """The light that a camera sees."""

    COLOUR = "colour"
    INFRARED = "infrared"
    """850 nm, lit by the camera's own lamps (docs/near-infrared.md)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One still image. `at_ms` is in milliseconds since the burst's first frame, and never
    decreases."""

    at_ms: int
    jpeg: bytearray = field(repr=False)
    light: int | None = None
    """The step of the challenge under which the frame was taken (`protocol.challenge`), from 0.
    None means plain white or no light ring. It is always None in near infrared, where the ring is
    not seen."""
    spectrum: Spectrum = Spectrum.COLOUR


@dataclass(frozen=True, slots=True)
class Pulse:
    """A recording of a palm for some seconds in even white light, without any picture of it.

    It holds the means of PULSE_SIDE by PULSE_SIDE cells of the ROI in each frame. Raises
    MalformedCapture when the values do not fit together.
    """

    at_ms: list[int]
    """The time of each frame since the burst's first, strictly increasing."""
    cells: bytearray = field(repr=False)
    """(frames, PULSE_SIDE, PULSE_SIDE, 3) unsigned 16-bit little-endian: blue, green and red in
    1/256 of a grey level, fingers up and thumb to the right."""

    def __post_init__(self) -> None:
        frames = len(self.at_ms)
        if not 2 <= frames <= PULSE_FRAMES or len(self.cells) != frames * PULSE_SIDE**2 * 6:
            raise MalformedCapture("a pulse is told in means of cells of some seconds' frames")
        if self.at_ms[0] < 0 or any(a >= b for a, b in pairwise(self.at_ms)):
            raise MalformedCapture("a pulse is recorded in order of time")
        if self.at_ms[-1] > MAX_MS:
            raise MalformedCapture(f"a pulse ends within {MAX_MS} ms")


@dataclass(frozen=True, slots=True)
class Burst:
    """1 to MAX_FRAMES frames of one palm, in order of time, of at most MAX_BYTES together.

    At least one frame is in colour. Raises MalformedCapture when the values do not fit together.
    """

    frames: list[Frame] = field(repr=False)
    challenge: str | None = None
    """The id of the challenge that was shown during the burst."""
    pulse: Pulse | None = field(default=None, repr=False)
    """The recording after the challenge, where it was asked for."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.frames) <= MAX_FRAMES:
            raise MalformedCapture(f"a burst has 1 to {MAX_FRAMES} frames")
        if sum(len(frame.jpeg) for frame in self.frames) > MAX_BYTES:
            raise MalformedCapture(f"a burst has at most {MAX_BYTES} bytes")
        times = [frame.at_ms for frame in self.frames]
        if times[0] < 0 or times != sorted(times):
            raise MalformedCapture("frames come in order of time")
        if times[-1] > MAX_MS:
            raise MalformedCapture(f"a burst ends within {MAX_MS} ms")
        if all(frame.spectrum is Spectrum.INFRARED for frame in self.frames):
            raise MalformedCapture("near infrared comes with colour")
        for frame in self.frames:
            if not (frame.jpeg.startswith(_JPEG_START) and frame.jpeg.endswith(_JPEG_END)):
                raise MalformedCapture("a frame is not a JPEG")
            if frame.light is not None and not (
                self.challenge is not None
                and 0 <= frame.light < STEPS
                and frame.spectrum is Spectrum.COLOUR
            ):
                raise MalformedCapture("a frame was taken under a step of its burst's challenge")

    def encode(self) -> bytearray:
        """Returns the CBOR array `[3, challenge, [[at_ms, jpeg, light, spectrum], ...], pulse]`.

        The pulse is `[[at_ms, ...], cells]` or null. Without pulse and near infrared the array is
        `[2, challenge, [[at_ms, jpeg, light], ...]]`.
        """
        if self.pulse is None and all(f.spectrum is Spectrum.COLOUR for f in self.frames):
            plain = [[frame.at_ms, frame.jpeg, frame.light] for frame in self.frames]
            return bytearray(canonical.encode([PLAIN, self.challenge, plain]))
        frames = [[f.at_ms, f.jpeg, f.light, f.spectrum.value] for f in self.frames]
        pulse = None if self.pulse is None else [self.pulse.at_ms, self.pulse.cells]
        return bytearray(canonical.encode([VERSION, self.challenge, frames, pulse]))

    @classmethod
    def decode(cls, data: bytes | bytearray) -> "Burst":
        """Decodes either version. Raises MalformedCapture."""
        if len(data) > MAX_BYTES + 1024:
            raise MalformedCapture(f"a burst has at most {MAX_BYTES} bytes")
        try:
            value = canonical.decode(data)
        except canonical.NotCanonical as error:
            raise MalformedCapture(str(error)) from None
        match value:
            case [2, str() | None as challenge, list(frames)]:
                frames, pulse = [_plain(item) for item in frames], None
            case [3, str() | None as challenge, list(frames), pulse]:
                frames, pulse = [_frame(item) for item in frames], _pulse(pulse)
            case _:
                raise MalformedCapture("not a capture of this version")
        return cls(frames, challenge, pulse)

    def copy(self) -> "Burst":
        """Returns a burst of its own, which stays when this one is wiped."""
        frames = [replace(frame, jpeg=bytearray(frame.jpeg)) for frame in self.frames]
        pulse = self.pulse and replace(self.pulse, cells=bytearray(self.pulse.cells))
        return replace(self, frames=frames, pulse=pulse)

    def wipe(self) -> None:
        """Overwrites every frame and the pulse with zeros. The burst cannot be used afterwards."""
        held = [frame.jpeg for frame in self.frames]
        for each in held if self.pulse is None else [*held, self.pulse.cells]:
            each[:] = bytes(len(each))


def _plain(item: Any) -> Frame:
    match item:
        case [int(at_ms), bytes(jpeg), int() | None as light] if _are_whole(at_ms, light):
            return Frame(at_ms, bytearray(jpeg), light)
        case _:
            raise MalformedCapture("a frame is a time, a picture and a light")


def _frame(item: Any) -> Frame:
    match item:
        case [*plain, "colour" | "infrared" as spectrum]:
            frame = _plain(plain)
            return Frame(frame.at_ms, frame.jpeg, frame.light, Spectrum(spectrum))
        case _:
            raise MalformedCapture("a frame is a time, a picture, a light and a spectrum")


def _pulse(item: Any) -> Pulse | None:
    match item:
        case None:
            return None
        case [[*at_ms], bytes(cells)] if _are_whole(*at_ms):
            return Pulse(at_ms, bytearray(cells))
        case _:
            raise MalformedCapture("a pulse is times and cells")


def _are_whole(*numbers: Any) -> bool:
    """Returns whether all are integers. In Python a boolean is an integer too; here it is not."""
    return all(type(number) is int for number in numbers if number is not None)
