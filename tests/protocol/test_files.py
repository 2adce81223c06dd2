"""Small files survive a power cut and a full disk."""

import os
import stat
from pathlib import Path

import pytest

from protocol.files import remove_durably, write_private


def test_a_file_is_its_owners_alone_and_so_is_its_folder(tmp_path: Path):
    path = tmp_path / "keys" / "one.key"
    write_private(path, b"first")
    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_was_there_is_replaced_as_a_whole(tmp_path: Path):
    path = tmp_path / "one"
    write_private(path, b"a long first content")
    write_private(path, b"second")
    assert path.read_bytes() == b"second"
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_what_an_interrupted_write_left_is_no_hindrance(tmp_path: Path):
    (tmp_path / "one.partial").write_bytes(b"half of")
    write_private(tmp_path / "one", b"whole")
    assert (tmp_path / "one").read_bytes() == b"whole"
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_private(tmp_path / "one", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "one", b"new")
    assert (tmp_path / "one").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_a_file_that_is_removed_may_be_gone_already(tmp_path: Path):
    write_private(tmp_path / "one", b"old")
    remove_durably(tmp_path / "one")
    remove_durably(tmp_path / "one")
    assert not (tmp_path / "one").exists()
