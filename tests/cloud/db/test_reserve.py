"""The reserve: room that is let go on a full disk, for those who leave."""

import errno
import zlib
from pathlib import Path

import pytest

from cloud.db import reserve
from cloud.db.reserve import BESIDE, LEAST, MOST, Reserve
from protocol.storage import StorageFault
from tests.support.log_lines import records_here


@pytest.fixture
def kept(tmp_path: Path) -> Reserve:
    made = Reserve(tmp_path / "palms.db")
    made.prepare()
    return made


def fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no file of this module be written any more."""

    def full(path: Path, _: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(reserve, "write_private", full)


def test_a_first_start_makes_a_reserve_that_takes_its_room(kept: Reserve, tmp_path: Path):
    assert not kept.is_let_go
    stored = (tmp_path / "reserve").stat()
    assert stored.st_size == LEAST
    assert stored.st_blocks * 512 >= LEAST


def test_nothing_looks_like_a_text_or_a_picture_in_a_reserve(kept: Reserve, tmp_path: Path):
    content = (tmp_path / "reserve").read_bytes()
    assert min(content) >= 0x80
    assert 0xFF not in content
    assert len(zlib.compress(content)) > 0.8 * LEAST


def test_a_reserve_is_let_go_once_and_the_operator_told(
    kept: Reserve, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    assert kept.let_go(StorageFault.FULL)
    assert kept.is_let_go
    assert kept.let_go(StorageFault.FULL), "two may need it at once, and both try again"
    (told,) = [each for each in records_here(caplog) if each.levelname == "ERROR"]
    assert told.getMessage().startswith("the disk is full.")
    assert "Make room on it." in told.getMessage()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_read_only_keeps_its_reserve(kept: Reserve):
    assert not kept.let_go(StorageFault.READ_ONLY)
    assert not kept.is_let_go


def test_a_reserve_is_made_again_when_there_is_room_beside_it(
    kept: Reserve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "palms.db").touch()
    kept.let_go(StorageFault.FULL)
    asked: list[int] = []

    def too_small(_: Path, size: int) -> bool:
        asked.append(size)
        return False

    with monkeypatch.context() as patched:
        patched.setattr(reserve, "_has_room", too_small)
        kept.make()
    assert kept.is_let_go
    # An emptied write-ahead log gives back up to 4 MiB, which is not enough.
    assert asked == [2 * LEAST + BESIDE]
    kept.make()
    assert not kept.is_let_go


def test_a_start_for_which_there_is_no_room_lets_the_reserve_go(
    kept: Reserve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fill(monkeypatch)
    Reserve(tmp_path / "palms.db").prepare()
    assert kept.is_let_go


def test_a_start_for_which_there_is_room_keeps_the_reserve(kept: Reserve, tmp_path: Path):
    Reserve(tmp_path / "palms.db").prepare()
    assert not kept.is_let_go
    assert [path.name for path in tmp_path.iterdir()] == ["reserve"]


def test_a_start_without_room_for_a_reserve_says_what_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    fill(monkeypatch)
    Reserve(tmp_path / "palms.db").prepare()
    assert "nothing is stored but what serves deletions" in caplog.text


def test_a_reserve_is_as_large_as_the_database_because_a_deletion_may_change_all_of_it(
    kept: Reserve, tmp_path: Path
):
    database = tmp_path / "palms.db"
    for stored, wanted in (
        (LEAST, LEAST),
        (LEAST + 1, 2 * LEAST),
        (3 * LEAST, 4 * LEAST),
        (2 * MOST, MOST),
    ):
        with database.open("wb") as file:
            file.truncate(stored)
        kept.make()
        assert (tmp_path / "reserve").stat().st_size == wanted


def test_a_reserve_that_cannot_grow_stays(
    kept: Reserve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with (tmp_path / "palms.db").open("wb") as file:
        file.truncate(LEAST + 1)
    fill(monkeypatch)
    kept.make()
    assert (tmp_path / "reserve").stat().st_size == LEAST
