"""The light ring: on a serial line with a small firmware at its other end, and simulated."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.faults import BadAddress, PermanentFault, TemporaryFault
from hardware.light import SerialLight, SimulatedLight, light_at
from hardware.light.light import WATCHDOG_S
from hardware.light.serial import Command
from hardware.packets import ANSWER, MAX_FRAME, BadFrame, Packet, Status
from protocol.ring import WHITE, Levels
from tests.support.ring_firmware import LATENCY_MS, RingFirmware, well

RAINBOW: Levels = tuple((k, 0, 255 - k) for k in range(8))


@pytest.fixture
def ring() -> Iterator[RingFirmware]:
    with RingFirmware() as firmware:
        yield firmware


def serial(device: str) -> SerialLight:
    light = light_at(f"serial:{device}")
    assert isinstance(light, SerialLight)
    return light


@pytest.fixture
def light(ring: RingFirmware) -> Iterator[SerialLight]:
    light = serial(ring.device)
    yield light
    light.close()


# Frames


@given(st.binary(max_size=40), st.integers(0, 255), st.integers(0, 255))
def test_a_packet_is_read_as_it_was_written_and_holds_no_zero(
    payload: bytes, sequence: int, command: int
) -> None:
    packet = Packet(sequence, command, payload)
    frame = packet.encode()
    assert frame.endswith(b"\0")
    assert 0 not in frame[:-1]
    assert Packet.decode(frame[:-1]) == packet


def test_the_frames_of_the_documentation_are_these() -> None:
    doc = (Path(__file__).parents[2] / "docs" / "light-ring.md").read_text()
    for packet in (
        Packet(1, Command.HELLO),
        Packet(1, Command.HELLO | ANSWER, bytes((Status.DONE, 8, 0, 3))),
        Packet(2, Command.SHOW, bytes(level for segment in WHITE for level in segment)),
        Packet(2, Command.SHOW | ANSWER, bytes((Status.DONE,))),
    ):
        assert packet.encode().hex(" ") in " ".join(doc.split())


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_frame_is_noticed(where: int, how: int) -> None:
    frame = bytearray(Packet(7, Command.SHOW, bytes(range(24))).encode()[:-1])
    frame[where % len(frame)] ^= how
    with pytest.raises(BadFrame):
        Packet.decode(bytes(frame))


@given(st.binary(max_size=60))
def test_no_bytes_whatsoever_do_worse_than_being_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        Packet.decode(data)


def test_no_frame_is_longer_than_a_firmware_has_to_hold() -> None:
    assert len(Packet(0, Command.SHOW, bytes(24)).encode()) <= MAX_FRAME


# On the line


def test_what_is_shown_arrives_segment_by_segment(ring: RingFirmware, light: SerialLight) -> None:
    light.show(RAINBOW)
    assert ring.shown == [bytes(level for segment in RAINBOW for level in segment)]


def test_a_ring_is_greeted_before_anything_else_and_says_how_fast_it_is(
    ring: RingFirmware, light: SerialLight
) -> None:
    light.show(WHITE)
    assert [packet.command for packet in ring.received] == [Command.HELLO, Command.SHOW]
    assert light.latency == LATENCY_MS / 1000


def test_switching_it_off_is_a_command_of_its_own(ring: RingFirmware, light: SerialLight) -> None:
    light.off()
    assert ring.received[-1].command == Command.OFF


def test_an_answer_that_got_lost_is_asked_for_again(ring: RingFirmware, light: SerialLight) -> None:
    light.show(WHITE)
    lost: list[Packet] = []

    def lose_one(packet: Packet) -> bytes:
        lost.append(packet)
        return b"" if len(lost) == 1 else well(packet)

    ring.answer = lose_one
    light.show(RAINBOW)
    assert lost[0] == lost[1], "under the same number, so the ring may know it again"


def test_noise_damage_and_late_answers_are_passed_over(
    ring: RingFirmware, light: SerialLight
) -> None:
    light.show(WHITE)
    late = Packet(99, Command.SHOW | ANSWER, bytes((Status.DONE,))).encode()
    damaged = b"\x05\xff\xff\x01\x01\0"
    ring.answer = lambda packet: b"\xff\xfe\0" + late + damaged + well(packet)
    light.show(RAINBOW)
    assert len(ring.shown) == 2


def test_a_ring_that_is_silent_is_said_to_be(ring: RingFirmware, light: SerialLight) -> None:
    light.show(WHITE)
    ring.answer = lambda _: b""
    with pytest.raises(TemporaryFault, match="does not answer"):
        light.show(RAINBOW)


def test_a_ring_that_speaks_again_is_greeted_again(ring: RingFirmware, light: SerialLight) -> None:
    ring.answer = lambda _: b""
    with pytest.raises(TemporaryFault):
        light.show(RAINBOW)
    ring.answer = well
    light.show(RAINBOW)
    assert [p.command for p in ring.received[-2:]] == [Command.HELLO, Command.SHOW]


def test_a_cable_that_is_pulled_is_said_and_one_put_back_is_found(ring: RingFirmware) -> None:
    light = serial(ring.device)
    light.show(WHITE)
    ring.unplug()
    for _ in range(2):  # it is found gone, and then it is known to be gone
        with pytest.raises(TemporaryFault):
            light.show(RAINBOW)
    with RingFirmware() as other:
        light = serial(other.device)
        light.show(RAINBOW)
        assert len(other.shown) == 1
        light.close()


@pytest.mark.parametrize("status", [Status.UNKNOWN_COMMAND, Status.OTHER_VERSION])
def test_firmware_that_does_not_understand_needs_somebody(
    ring: RingFirmware, light: SerialLight, status: Status
) -> None:
    ring.answer = lambda p: Packet(p.sequence, p.command | ANSWER, bytes((status,))).encode()
    with pytest.raises(PermanentFault, match="firmware"):
        light.show(WHITE)


def test_a_ring_of_another_size_needs_somebody(ring: RingFirmware, light: SerialLight) -> None:
    ring.answer = lambda p: Packet(p.sequence, p.command | ANSWER, b"\0\x0c\0\3").encode()
    with pytest.raises(PermanentFault, match="8 segments"):
        light.show(WHITE)


def test_where_there_is_no_ring_one_is_asked_to_plug_it_in(tmp_path: Path) -> None:
    with pytest.raises(TemporaryFault, match="Plug it in"):
        serial("/dev/there-is-no-such-ring").show(WHITE)


# Simulated


def simulated(text: str = "sim:") -> SimulatedLight:
    light = light_at(text)
    assert isinstance(light, SimulatedLight)
    return light


def test_a_simulated_ring_remembers_what_was_lit_when() -> None:
    light = simulated()
    before = time.monotonic()
    light.show(RAINBOW)
    shown = time.monotonic()
    light.show(WHITE)
    assert light.at(before) == WHITE
    assert light.at(shown) == RAINBOW
    assert light.at(time.monotonic()) == WHITE


def test_a_ring_that_is_told_nothing_more_goes_back_to_white_unless_it_is_off() -> None:
    light = simulated()
    light.show(RAINBOW)
    later = time.monotonic() + 1.1 * WATCHDOG_S
    assert light.at(later) == WHITE
    light.off()
    assert not any(map(any, light.at(later)))


def test_a_slow_ring_is_lit_as_late_as_it_says() -> None:
    light = simulated("sim:?latency=0.5")
    light.show(RAINBOW)
    shown = time.monotonic()
    assert light.at(shown) == WHITE
    assert light.at(shown + light.latency) == RAINBOW


def test_an_unplugged_ring_is_dark_and_says_so_until_it_is_plugged_in() -> None:
    light = simulated()
    light.unplug()
    with pytest.raises(TemporaryFault, match="unplugged"):
        light.show(RAINBOW)
    assert not any(map(any, light.at(time.monotonic())))
    light.plug_in()
    light.show(RAINBOW)
    assert light.at(time.monotonic()) == RAINBOW


# Addresses


def test_a_kiosk_may_have_no_ring() -> None:
    assert light_at("none:") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("serial:COM3", "names no device"),
        ("serial:/dev/ttyACM0?baud=fast", "baud=fast"),
        ("serial:/dev/ttyACM0?parity=odd", "no option 'parity'"),
        ("dmx:1", "no light driver"),
        ("sim:?latency=never", "latency=never"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(text: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says):
        light_at(text)
