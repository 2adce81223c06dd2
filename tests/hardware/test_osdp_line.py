"""What a reader finds on its OSDP line, and what it keeps. tests/interop/test_osdp.py has whole
lines."""

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hardware.osdp.frames import AGREED, CHALLENGED, REFUSED, Answer, Arriving, answer_in, is_whole
from hardware.osdp.kept import Kept, Place, Unreadable
from hardware.osdp.said import Dropped, Line, Present, Standing, State, read, written
from tests.support.sealed import sealed

# As a panel of libosdp and this reader have said them.
POLL = bytes.fromhex("ff530008000660 89cc")
POLL_IN_CHANNEL = bytes.fromhex("ff53000e000d021560 26fa35f71358")
POLL_OF_READER_3 = bytes.fromhex("ff53030e000f021560 f45c455cc0e9")
ANSWER_OF_READER_3 = bytes.fromhex("53830e000e021640 4e64f8cc7bff")
ID_FOR_ALL = bytes.fromhex("53 7f 08 00 00 61 00 c5")
KEY, OTHER = bytes(range(16)), bytes(range(16, 32))
HOME, AWAY = Place(0, 9600), Place(5, 19200)


# Frames


def test_only_frames_for_this_reader_are_found() -> None:
    arriving = Arriving(0)
    came = POLL_OF_READER_3 + ANSWER_OF_READER_3 + POLL_IN_CHANNEL + POLL
    assert arriving.take(came, 0) == [POLL_IN_CHANNEL[1:], POLL[1:]]


def test_a_frame_for_everybody_is_found_and_a_sum_is_a_check_too() -> None:
    assert is_whole(ID_FOR_ALL)
    assert Arriving(7).take(ID_FOR_ALL, 0) == [ID_FOR_ALL]


@given(st.integers(1, len(POLL_IN_CHANNEL) - 1), st.binary(max_size=8))
@settings(max_examples=40)
def test_a_frame_in_parts_behind_noise_is_found(cut: int, noise: bytes) -> None:
    arriving = Arriving(0)
    noise = noise.replace(b"\x53", b"")
    assert arriving.take(noise + POLL_IN_CHANNEL[:cut], 0) == []
    assert arriving.take(POLL_IN_CHANNEL[cut:], 0.05) == [POLL_IN_CHANNEL[1:]]


@given(st.integers(1, len(POLL_IN_CHANNEL) - 1), st.integers(1, 255))
@settings(max_examples=40)
def test_a_damaged_frame_is_none(where: int, how: int) -> None:
    damaged = bytearray(POLL_IN_CHANNEL)
    damaged[where] ^= how
    # Without its bit for the CRC a frame has a sum only, which misses one damage in 256.
    assume(damaged[5] & 0x04)
    assert Arriving(0).take(bytes(damaged), 0) == []


def test_a_torn_frame_is_let_go_and_the_next_one_is_found() -> None:
    arriving = Arriving(0)
    assert arriving.take(b"\x53\x00\x40\x00" + POLL, 0) == []
    assert arriving.take(b"", 0.05) == []
    assert arriving.take(b"", 0.3) == [POLL[1:]]


@given(st.binary(max_size=80))
@settings(max_examples=40)
def test_no_bytes_whatsoever_are_an_error(came: bytes) -> None:
    Arriving(0).take(came, 0)
    answer_in(came)


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ("53800800064 03bca", Answer(0x40, secured=False)),
        ("53 80 09 00 05 41 06 f0 e3", Answer(REFUSED, secured=False)),
        ("53 80 2b 00 0e 03 12 01 76 4b 50 01 00 01 00", Answer(CHALLENGED, secured=False)),
        ("53 80 1b 00 0f 03 14 01 78 bc 43 e2 d8 4f 10", Answer(AGREED, secured=False)),
        ("53 83 0e 00 0e 02 16 40 4e 64 f8 cc 7b ff", Answer(0x40, secured=True)),
        ("00 80 0e 00 0e 02 16 40 4e", None),
    ],
)
def test_an_answer_tells_whether_it_was_in_the_channel(frame: str, answer: Answer | None) -> None:
    assert answer_in(bytes.fromhex(frame.replace(" ", ""))) == answer


# What is kept


def test_a_key_outlasts_the_process_in_a_file_for_its_user_only(tmp_path: Path) -> None:
    path = tmp_path / "reader.json"
    Kept(KEY, None, HOME, AWAY).write(sealed(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert Kept.read(sealed(path), HOME) == Kept(KEY, None, HOME, AWAY)


def test_a_reader_that_was_never_set_up_has_no_key(tmp_path: Path) -> None:
    assert Kept.read(sealed(tmp_path / "reader.json"), HOME) == Kept(None, None, HOME, HOME)


def test_other_settings_undo_a_move_and_keep_the_key(tmp_path: Path) -> None:
    path = tmp_path / "reader.json"
    Kept(KEY, None, HOME, AWAY).write(sealed(path))
    elsewhere = Place(2, 9600)
    assert Kept.read(sealed(path), elsewhere) == Kept(KEY, None, elsewhere, elsewhere)


def test_the_key_before_is_kept_until_the_controller_has_shown_the_new_one() -> None:
    changed = Kept(KEY, None, HOME, HOME).with_key(OTHER)
    assert (changed.key, changed.before) == (OTHER, KEY)
    assert (changed.turned_back().key, changed.turned_back().before) == (KEY, OTHER)
    assert changed.proved() == Kept(OTHER, None, HOME, HOME)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"key": "00", "set_for": [0, 9600], "moved_to": [0, 9600]}']
)
def test_a_damaged_file_is_no_reader_without_a_key(tmp_path: Path, content: str) -> None:
    path = tmp_path / "reader.json"
    path.write_text(content)
    with pytest.raises(Unreadable):
        Kept.read(sealed(path), HOME)


def test_no_key_and_no_credential_is_in_what_is_printed() -> None:
    assert KEY.hex() not in repr(Kept(KEY, OTHER, HOME, HOME))
    line = Line("/dev/ttyUSB0", 0, 9600, install=False, kept="/x", key="c2VjcmV0", capture=None)
    assert "c2VjcmV0" not in repr(line)
    assert "0101" not in repr(Present(1, "0101", raw=False, until=1.0))


# What is said to the reader's process


@pytest.mark.parametrize(
    "said",
    [
        Line("/dev/ttyUSB0", 0, 9600, install=False, kept="/x", key="AAAA", capture=None),
        Present(4, "0101", raw=True, until=12.5),
        State(Standing.NO_PORT, "gone"),
        Dropped(4),
    ],
)
def test_a_message_is_read_as_it_was_written(said: Line | Present | State | Dropped) -> None:
    assert read(written(said)) == said


@pytest.mark.parametrize("line", [b"", b"{}", b'["Nobody", {}]', b'["Sent", {"card": 1}]'])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - also that of json
        read(line)
