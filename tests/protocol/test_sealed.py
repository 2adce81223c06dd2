"""Files that are sealed open at their own place, under their own key, and as they were written."""

from pathlib import Path

import pytest

from protocol.sealed import MARK, SealedPath, Unopened

KEY = bytes(range(32))


def test_what_is_written_is_read_and_stands_nowhere_in_plain(tmp_path: Path) -> None:
    file = SealedPath(tmp_path, KEY) / "folder" / "file.json"
    assert file.read() is None
    file.write(b"a secret of mine")
    assert file.read() == b"a secret of mine"
    on_disk = file.path.read_bytes()
    assert file.is_sealed()
    assert b"secret" not in on_disk
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.write(b"a secret of mine")
    assert file.path.read_bytes() != on_disk
    assert KEY.hex() not in repr(file)
    assert repr(KEY) not in repr(file)


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"plain")
    file = SealedPath(tmp_path, KEY) / "file"
    assert file.read() == b"plain"
    assert not file.is_sealed()


def test_a_file_does_not_open_in_the_place_of_another_nor_under_another_key(
    tmp_path: Path,
) -> None:
    root = SealedPath(tmp_path, KEY)
    (root / "one").write(b"mine")
    (tmp_path / "two").write_bytes((tmp_path / "one").read_bytes())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one").write_bytes((tmp_path / "one").read_bytes())
    other = SealedPath(tmp_path, bytes(32))
    for file in (root / "two", root / "folder" / "one", other / "one"):
        with pytest.raises(Unopened):
            file.read()


@pytest.mark.parametrize("where", [len(MARK), len(MARK) + 20, -1])
def test_a_file_of_which_a_bit_has_changed_does_not_open(tmp_path: Path, where: int) -> None:
    file = SealedPath(tmp_path, KEY) / "file"
    file.write(b"0123456789")
    content = bytearray(file.path.read_bytes())
    content[where] ^= 1
    file.path.write_bytes(content)
    with pytest.raises(Unopened):
        file.read()


@pytest.mark.parametrize("length", [len(MARK), len(MARK) + 5, len(MARK) + 20])
def test_a_file_that_is_cut_off_does_not_open(tmp_path: Path, length: int) -> None:
    file = SealedPath(tmp_path, KEY) / "file"
    file.write(b"0123456789")
    file.path.write_bytes(file.path.read_bytes()[:length])
    with pytest.raises(Unopened):
        file.read()
