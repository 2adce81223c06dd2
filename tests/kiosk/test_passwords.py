"""Passwords of addresses in the settings: they are asked for, sealed, and filled in."""

import io
from pathlib import Path

import pytest

from kiosk.assembly import assemble
from kiosk.commands import password
from kiosk.faults import FileUnusable
from kiosk.passwords import Passwords
from kiosk.settings import Settings
from tests.support.scripted import ScriptedStage
from tests.support.sealed import state_of

CAMERA = "rtsp://kiosk:{camera}@192.0.2.7/stream?token={other-1}"


def give(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, given: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(given + "\n"))
    return password([name, "--state", str(folder)])


def test_a_password_is_filled_in_as_a_url_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert give(monkeypatch, tmp_path, "camera", "an old one") == 0
    assert give(monkeypatch, tmp_path, "camera", "a/b@c d#{x}") == 0
    assert give(monkeypatch, tmp_path, "other-1", "more") == 0
    filled = Passwords(state_of(tmp_path).files).fill(CAMERA)
    assert filled == "rtsp://kiosk:a%2Fb%40c%20d%23%7Bx%7D@192.0.2.7/stream?token=more"
    assert "a/b@c" not in capsys.readouterr().out
    assert b"a/b@c" not in (tmp_path / "passwords.json").read_bytes()


def test_a_password_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, tmp_path, "camera", "secret")
    assert password(["camera", "--remove", "--state", str(tmp_path)]) == 0
    assert password(["camera", "--remove", "--state", str(tmp_path)]) == 1
    assert "{camera}" in Passwords(state_of(tmp_path).files).fill(CAMERA)


def test_nothing_is_kept_where_nothing_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert give(monkeypatch, tmp_path, "camera", "") == 1
    assert not (tmp_path / "passwords.json").exists()


@pytest.mark.parametrize("name", ["Camera", "a b", "", "x" * 33])
def test_a_name_that_no_address_could_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        password([name, "--state", str(tmp_path)])


def test_what_is_not_known_or_stands_in_plain_is_told_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = Passwords(state_of(tmp_path).files)
    assert passwords.fill(CAMERA) == CAMERA
    assert "{camera} is not known" in caplog.text
    caplog.clear()
    plain = "rtsp://kiosk:hunter2@192.0.2.7/"
    assert passwords.fill(plain) == plain
    assert "in plain" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("address", ["replay:/a/{camera}.mp4", "sim:shopper", "v4l2:/dev/video0"])
def test_an_address_on_this_machine_stays_as_it_is(address: str, tmp_path: Path) -> None:
    state = state_of(tmp_path).files
    Passwords(state).keep("camera", "secret")
    assert Passwords(state).fill(address) == address


@pytest.mark.parametrize("damaged", [b"", b"[]", b'{"camera": 5}', b"palm-kiosk sealed 1\n..."])
def test_a_damaged_file_is_told_and_left(tmp_path: Path, damaged: bytes) -> None:
    passwords = Passwords(state_of(tmp_path).files)
    (tmp_path / "passwords.json").write_bytes(damaged)
    with pytest.raises(FileUnusable, match="damaged"):
        passwords.fill(CAMERA)
    assert (tmp_path / "passwords.json").read_bytes() == damaged


def test_a_kiosk_opens_its_camera_with_the_password(tmp_path: Path) -> None:
    state = state_of(tmp_path)
    Passwords(state.files).keep("camera", "secret")
    settings = Settings(state=tmp_path, camera="rtsp://kiosk:{camera}@192.0.2.7/")
    kiosk = assemble(settings, ScriptedStage([]), state)
    assert "kiosk:secret@" in repr(vars(kiosk.feed.source))
    assert "secret" not in kiosk.feed.source.name
    assert kiosk.settings.camera == settings.camera
