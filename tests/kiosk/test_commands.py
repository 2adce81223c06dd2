"""`./run kiosk staff` and `./run kiosk till`: what an operator does on the machine itself."""

import asyncio
import io
import json
import os
from pathlib import Path

import pytest

from kiosk.commands import staff, till
from kiosk.faults import CannotStart
from kiosk.staff import StaffPin
from kiosk.till.nexo.keys import read_keys
from tests.support.clocks import TurnedClock
from tests.support.sealed import sealed, state_of

NEW = "739182"


@pytest.fixture
def pin(tmp_path: Path) -> StaffPin:
    return StaffPin.of(state_of(tmp_path).files, TurnedClock().wall)


def types(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_new_pin_opens_at_once_whatever_was_guessed_before(
    pin: StaffPin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "staff.json").write_text(
        json.dumps({"hash": "unknown", "wrong": 10_000, "locked_at": "2027-01-01T12:00:00Z"})
    )
    types(monkeypatch, NEW, NEW)
    assert staff(["new-pin", "--state", str(tmp_path)]) == 0
    assert pin.locked() is None
    assert asyncio.run(pin.refuses(NEW)) is None


@pytest.mark.parametrize(
    "lines", [[NEW, "391827"], ["123456", "123456"], ["12", "12"], [NEW], []], ids=str
)
def test_what_is_no_new_pin_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lines: list[str],
) -> None:
    types(monkeypatch, *lines)
    assert staff(["new-pin", "--state", str(tmp_path)]) == 1
    assert "The PIN is as it was." in capsys.readouterr().err
    assert not (tmp_path / "staff.json").exists()


def test_a_state_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="No such file"):
        staff(["new-pin", "--state", str(tmp_path / "elsewhere")])
    assert not (tmp_path / "elsewhere").exists()


def test_the_state_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = os.geteuid() + 1
    monkeypatch.setattr("os.geteuid", lambda: other)
    with pytest.raises(CannotStart, match="another user"):
        staff(["new-pin", "--state", str(tmp_path)])


def test_keys_for_tills_are_added_one_after_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sealed(tmp_path / "till-keys.toml")
    file.path.write_text(
        '# by hand\n[[key]]\nidentifier = "till"\npassphrase = "a passphrase of before"\n'
    )
    assert till(["new-key", "--state", str(tmp_path)]) == 0
    assert till(["new-key", "--identifier", 'bar "1"', "--state", str(tmp_path)]) == 0
    keys = read_keys(file)
    assert [(key.identifier, key.version) for key in keys] == [
        ("till", 1),
        ("till", 2),
        ('bar "1"', 1),
    ]
    told = capsys.readouterr().out
    assert all(key.passphrase in told for key in keys[1:])
    assert keys[1].passphrase != keys[2].passphrase
    assert file.path.stat().st_mode & 0o777 == 0o600
    kept = file.path.read_bytes()
    assert not any(key.passphrase.encode() in kept for key in keys)
    assert till(["keys", "--state", str(tmp_path)]) == 0
    listed = capsys.readouterr().out
    assert listed.splitlines() == ["till  version 1", "till  version 2", 'bar "1"  version 1']


def test_a_key_for_tills_is_taken_out(tmp_path: Path) -> None:
    for _ in range(2):
        till(["new-key", "--state", str(tmp_path)])
    file = sealed(tmp_path / "till-keys.toml")
    _, newer = read_keys(file)
    assert till(["remove-key", "till", "1", "--state", str(tmp_path)]) == 0
    assert till(["remove-key", "till", "1", "--state", str(tmp_path)]) == 1
    assert read_keys(file) == [newer]


@pytest.mark.parametrize("own", ['"quoted" \\ and \x7f ünïcödé 🖐', "x" * 256])
def test_a_key_for_tills_may_have_a_passphrase_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    types(monkeypatch, own)
    assert till(["new-key", "--own", "--state", str(tmp_path)]) == 0
    (key,) = read_keys(sealed(tmp_path / "till-keys.toml"))
    assert key.passphrase == own


def test_a_short_passphrase_makes_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    types(monkeypatch, "too short")
    assert till(["new-key", "--own", "--state", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "16 to 256" in said.err
    assert "too short" not in said.err + said.out
    assert not (tmp_path / "till-keys.toml").exists()


def test_no_key_is_added_to_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "till-keys.toml"
    file.write_text("[[key]]\n")
    with pytest.raises(CannotStart, match="cannot be used"):
        till(["new-key", "--state", str(tmp_path)])
    assert file.read_text() == "[[key]]\n"
