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
from kiosk.till.nexo.keys import KeyFile
from tests.support.clocks import TurnedClock
from tests.support.sealed import state_of

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
    file = tmp_path / "till-keys.toml"
    assert till(["new-key", "--state", str(tmp_path)]) == 0
    file.write_text("# the first one\n" + file.read_text())
    assert till(["new-key", "--state", str(tmp_path)]) == 0
    assert till(["new-key", "--identifier", 'bar "1"', "--state", str(tmp_path)]) == 0
    keys = KeyFile(file).keys()
    assert [(key.identifier, key.version) for key in keys] == [
        ("till", 1),
        ("till", 2),
        ('bar "1"', 1),
    ]
    told = capsys.readouterr().out
    assert all(key.passphrase in told for key in keys)
    assert len({key.passphrase for key in keys}) == 3
    assert file.read_text().startswith("# the first one\n"), "what stood there stays"
    assert file.stat().st_mode & 0o777 == 0o600


def test_no_key_is_added_to_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "till-keys.toml"
    file.write_text("[[key]]\n")
    with pytest.raises(CannotStart, match="cannot be used"):
        till(["new-key", "--state", str(tmp_path)])
    assert file.read_text() == "[[key]]\n"
