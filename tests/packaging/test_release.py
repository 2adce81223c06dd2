"""What an operator does with `./run release`."""

import json
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.releases import RELEASE, Operator, valid_for, write_program


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_the_offline_keys_are_encrypted_and_all_keys_are_the_operators_alone(operator: Operator):
    for kind, encrypted in (("offline", True), ("online", False)):
        files = list((operator.keys / kind).iterdir())
        assert len(files) == 2
        for file in files:
            assert (b"ENCRYPTED" in file.read_bytes()) is encrypted
            assert file.stat().st_mode & 0o077 == 0


def test_keys_without_a_passphrase_are_left_to_the_operator_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    operator = object.__new__(Operator)
    operator.repository, operator.keys = tmp_path / "repository", tmp_path / "keys"
    operator.passphrase = ""
    assert operator.run("new") == 0
    assert "with an empty passphrase they are not encrypted" in capsys.readouterr().out


def test_a_passphrase_that_was_mistyped_can_be_typed_again(tmp_path: Path):
    repository, wrong = tmp_path / "repository", RELEASE["Wrong"]

    def mistyped() -> str:
        raise wrong

    with pytest.raises(wrong):
        RELEASE["Repository"](repository, RELEASE["Keys"](tmp_path / "keys", mistyped)).make()
    assert list(tmp_path.iterdir()) == []
    assert Operator(tmp_path).run("show") == 0


def test_a_folder_of_keys_that_cannot_be_written_is_said(
    operator: Operator, capsys: pytest.CaptureFixture[str]
):
    offline = operator.keys / "offline"
    offline.rename(operator.keys / "away")
    offline.write_bytes(b"")
    operator.repository = operator.folder / "another"
    assert operator.run("new") == 2
    assert str(offline) in capsys.readouterr().err
    assert not operator.repository.exists()


def test_a_wrong_passphrase_signs_nothing(operator: Operator, capsys: pytest.CaptureFixture[str]):
    operator.passphrase = "another"
    before = sorted(operator.repository.rglob("*"))
    assert operator.run("pause") == 2
    assert "passphrase" in capsys.readouterr().err
    assert sorted(operator.repository.rglob("*")) == before


def test_a_release_is_a_program_and_what_it_is_made_of(operator: Operator):
    operator.release("0.2.0")
    (packed,) = (operator.repository / "targets").glob("*.palm-kiosk-0.2.0-*.tar.xz")
    with tarfile.open(packed) as archive:
        assert archive.getnames() == ["library", "palm-kiosk"]
        assert {(member.uid, member.mtime) for member in archive} == {(0, 0)}
    signed = json.loads((operator.repository / "metadata" / "2.targets.json").read_bytes())
    assert "palm-kiosk-0.2.0.cdx.json" in signed["signed"]["targets"]


def test_the_same_program_makes_the_same_file(operator: Operator, tmp_path: Path):
    other = Operator(tmp_path / "other")
    for each in (operator, other):
        each.release("0.2.0")
    names = [
        {path.name for path in (each.repository / "targets").glob("*.xz")}
        for each in (operator, other)
    ]
    assert names[0] == names[1]


def test_a_version_is_released_once(operator: Operator, capsys: pytest.CaptureFixture[str]):
    operator.release("0.2.0")
    program = write_program(operator.folder / "again", "0.2.0")
    bill = str(operator.folder / "bill.json")
    assert operator.run("add", str(program), "--version", "0.2.0", "--sbom", bill) == 2
    assert "released already" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("ring", "0.9.0", "10"), ("pin", "0.9.0")])
def test_what_was_never_released_is_said(
    operator: Operator, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
):
    assert operator.run(*words) == 2
    assert "never released" in capsys.readouterr().err


def test_what_is_offered_is_shown(operator: Operator, capsys: pytest.CaptureFixture[str]):
    operator.release("0.2.0")
    operator.run("ring", "0.2.0", "10")
    operator.run("pin", "0.2.0")
    capsys.readouterr()
    operator.run("pause")
    shown = capsys.readouterr().out
    assert "version 0.2.0: 10 % of the kiosks" in shown
    assert "pinned: all kiosks take 0.2.0" in shown
    assert "paused" in shown


def test_what_ends_soon_is_said_and_is_renewed(
    operator: Operator, capsys: pytest.CaptureFixture[str]
):
    with valid_for("targets", timedelta(days=20)):
        operator.run("pause")
    assert "release renew" in capsys.readouterr().out
    operator.run("renew")
    assert "release renew" not in capsys.readouterr().out


def test_offline_and_online_keys_may_lie_on_different_machines(operator: Operator):
    """What is signed offline reaches nobody before the online keys have signed that it is new."""
    away = operator.folder / "away"
    (operator.keys / "online").rename(away)
    timestamp = operator.repository / "metadata" / "timestamp.json"
    before = timestamp.read_bytes()
    operator.release("0.2.0")
    assert timestamp.read_bytes() == before
    away.rename(operator.keys / "online")
    (operator.keys / "offline").rename(away)
    assert operator.run("refresh") == 0
    assert timestamp.read_bytes() != before


def test_a_lost_online_key_is_replaced_and_a_lost_root_key_is_said(
    operator: Operator, capsys: pytest.CaptureFixture[str]
):
    for lost, status in (("timestamp", 0), ("targets", 0), ("root", 2)):
        for path in operator.keys.rglob(f"{lost}-*.pem"):
            path.unlink()
        assert operator.run("rotate", lost) == status
    assert "The key of root is not in" in capsys.readouterr().err
