import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.capture import (
    MAX_BYTES,
    MAX_FRAMES,
    MAX_MS,
    PLAIN,
    PULSE_FRAMES,
    PULSE_SIDE,
    VERSION,
    Burst,
    Frame,
    MalformedCapture,
    Pulse,
    Spectrum,
)
from protocol.challenge import STEPS

JPEG = b"\xff\xd8\xff\xe0 a palm \xff\xd9"


def frame(at_ms: int = 0, jpeg: bytes = JPEG) -> Frame:
    return Frame(at_ms, bytearray(jpeg))


def encoded(frames: object) -> bytes:
    return cbor2.dumps([PLAIN, None, frames])


def infrared(at_ms: int = 0, light: int | None = None) -> Frame:
    return Frame(at_ms, bytearray(JPEG), light, Spectrum.INFRARED)


def pulse(frames: int = 2) -> Pulse:
    return Pulse([50 * n for n in range(frames)], bytearray(b"p" * frames * PULSE_SIDE**2 * 6))


def lit(light: int, at_ms: int = 0) -> Frame:
    return Frame(at_ms, bytearray(JPEG), light)


def test_a_burst_is_decoded_as_it_was_encoded():
    burst = Burst([frame(0), frame(33), frame(66)])
    assert Burst.decode(burst.encode()) == burst


def test_each_frame_keeps_its_step_of_the_challenge():
    burst = Burst([frame(0), lit(0, 33), lit(STEPS - 1, 66)], "challenge-1")
    assert Burst.decode(burst.encode()) == burst


def test_near_infrared_and_pulse_are_kept():
    burst = Burst([frame(0), lit(0, 33), infrared(40)], "challenge-1", pulse())
    assert Burst.decode(burst.encode()) == burst


def test_without_either_the_previous_version_is_written():
    assert Burst([frame()]).encode() == cbor2.dumps([PLAIN, None, [[0, JPEG, None]]])


def test_near_infrared_needs_colour_and_has_no_step():
    with pytest.raises(MalformedCapture):
        Burst([infrared()])
    with pytest.raises(MalformedCapture):
        Burst([frame(), infrared(5, light=0)], "challenge-1")


@pytest.mark.parametrize(
    ("at_ms", "cells"),
    [
        pytest.param([0], PULSE_SIDE**2 * 6, id="of one moment"),
        pytest.param([0, 0], 2 * PULSE_SIDE**2 * 6, id="standing still"),
        pytest.param([-1, 0], 2 * PULSE_SIDE**2 * 6, id="before its own start"),
        pytest.param([0, MAX_MS + 1], 2 * PULSE_SIDE**2 * 6, id="of more than two minutes"),
        pytest.param([0, 10**400], 2 * PULSE_SIDE**2 * 6, id="of longer than any float"),
        pytest.param([0, 50], PULSE_SIDE**2 * 6, id="with cells missing"),
        pytest.param(
            list(range(PULSE_FRAMES + 1)), (PULSE_FRAMES + 1) * PULSE_SIDE**2 * 6, id="too long"
        ),
    ],
)
def test_an_invalid_pulse_cannot_be_made(at_ms: list[int], cells: int):
    with pytest.raises(MalformedCapture):
        Pulse(at_ms, bytearray(cells))


@pytest.mark.parametrize(
    ("light", "challenge"),
    [
        pytest.param(0, None, id="a step of no challenge"),
        pytest.param(STEPS, "challenge-1", id="a step beyond the last"),
        pytest.param(-1, "challenge-1", id="a step before the first"),
    ],
)
def test_a_frame_needs_an_existing_step(light: int, challenge: str | None):
    with pytest.raises(MalformedCapture):
        Burst([lit(light)], challenge)


def test_a_wiped_burst_holds_nothing_but_zeros():
    burst = Burst([frame(), frame(33), infrared(40)], pulse=pulse())
    burst.wipe()
    assert all(not any(f.jpeg) and len(f.jpeg) == len(JPEG) for f in burst.frames)
    assert burst.pulse
    assert not any(burst.pulse.cells)


def test_wiping_erases_the_buffer_that_the_camera_filled():
    buffer = bytearray(JPEG)
    Burst([Frame(0, buffer)]).wipe()
    assert not any(buffer)


def test_a_frame_does_not_show_its_picture_when_printed():
    assert "palm" not in repr(Burst([frame()])) + repr(frame())
    assert "pppp" not in repr(Burst([frame()], pulse=pulse())) + repr(pulse())


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([], id="no frames"),
        pytest.param([frame()] * (MAX_FRAMES + 1), id="too many frames"),
        pytest.param([frame(0, b"\xff\xd8\xff" + bytes(MAX_BYTES) + b"\xff\xd9")], id="too large"),
        pytest.param([frame(0, b"GIF89a")], id="not a JPEG"),
        pytest.param([frame(0, JPEG[:-1])], id="a truncated JPEG"),
        pytest.param([frame(0, b"")], id="an empty frame"),
        pytest.param([frame(33), frame(0)], id="going back in time"),
        pytest.param([frame(-1)], id="before its own start"),
        pytest.param([frame(0), frame(MAX_MS + 1)], id="of more than two minutes"),
        pytest.param([frame(0), frame(10**400)], id="of longer than any float"),
    ],
)
def test_an_invalid_burst_cannot_be_made(frames: list[Frame]):
    with pytest.raises(MalformedCapture):
        Burst(frames)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(Burst([frame()]).encode()[:-1], id="truncated"),
        pytest.param(Burst([frame()]).encode() + b"\0", id="something behind it"),
        pytest.param(bytes(MAX_BYTES * 2), id="giant"),
        pytest.param(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", id="claims to be endless"),
        pytest.param(b"\x81" * 10_000, id="nested without end"),
        pytest.param(cbor2.dumps([1, None, [[0, JPEG, None]]]), id="another version"),
        pytest.param(encoded([[0.5, JPEG, None]]), id="a time that is no whole number"),
        pytest.param(encoded([[10**400, JPEG, None]]), id="a time beyond any range"),
        pytest.param(encoded([[0, JPEG, 10**400]]), id="a light beyond any range"),
        pytest.param(encoded([[0, JPEG, None, 1]]), id="one thing too many"),
        pytest.param(encoded([[0, JPEG.decode("latin-1"), None]]), id="text for a picture"),
        pytest.param(encoded([[0, JPEG, "white"]]), id="text for a light"),
        pytest.param(encoded([[0, JPEG, True]]), id="a truth for a light"),
        pytest.param(
            cbor2.dumps([VERSION, None, [[0, JPEG, None, "violet"]], None]), id="a spectrum unknown"
        ),
        pytest.param(
            cbor2.dumps([VERSION, None, [[0, JPEG, None, "colour"]], [[0, True], b""]]),
            id="a pulse that is none",
        ),
        pytest.param(encoded("frames"), id="text for frames"),
        pytest.param(cbor2.dumps({"version": 1}), id="a map"),
    ],
)
def test_an_invalid_encoding_is_refused(data: bytes):
    with pytest.raises(MalformedCapture):
        Burst.decode(data)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(data: bytes):
    with pytest.raises(MalformedCapture):
        Burst.decode(data)


def test_errors_do_not_quote_the_picture():
    with pytest.raises(MalformedCapture) as caught:
        Burst.decode(encoded([[0, b"secret picture", None]]))
    assert "secret" not in str(caught.value)
