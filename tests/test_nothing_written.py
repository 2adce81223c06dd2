"""`tests.support.nothing_written` notices a picture however it is written."""

import mmap
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.nothing_written import watching

PICTURE = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)


def test_where_nothing_is_written_nothing_is_seen(alone: None, tmp_path: Path) -> None:
    with watching(tmp_path) as written:
        cv2.imencode(".jpg", PICTURE)
    written.assert_nothing()


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_a_picture_file_is_seen(tmp_path: Path, kind: str) -> None:
    with watching(tmp_path) as written:
        cv2.imwrite(str(tmp_path / f"palm.{kind}"), PICTURE)
    assert written.pictures == {tmp_path / f"palm.{kind}"}
    with pytest.raises(AssertionError):
        written.assert_no_picture(spare=4096)


def test_a_picture_within_another_file_is_seen(tmp_path: Path) -> None:
    with watching(tmp_path) as written:
        (tmp_path / "data.db").write_bytes(bytes(100) + cv2.imencode(".jpg", PICTURE)[1].tobytes())
    assert written.pictures == {tmp_path / "data.db"}


def test_a_raw_frame_is_seen_by_its_size(tmp_path: Path) -> None:
    with watching(tmp_path, frame=PICTURE.nbytes) as written:
        (tmp_path / "core").write_bytes(PICTURE.tobytes())
    assert written.pictures == {tmp_path / "core"}


def test_a_file_in_a_folder_nobody_watches_is_counted(tmp_path: Path) -> None:
    watched, elsewhere = tmp_path / "watched", tmp_path / "elsewhere"
    watched.mkdir()
    elsewhere.mkdir()
    with watching(watched) as written:
        cv2.imwrite(str(elsewhere / "palm.jpg"), PICTURE)
        (elsewhere / "palm.jpg").unlink()
    assert not written.pictures
    assert written.to_calls > 4096


def file_system(path: Path) -> str:
    return subprocess.run(
        ["stat", "-f", "-c", "%T", path], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.process
def test_a_picture_written_through_a_memory_map_is_seen(on_disk: Path) -> None:
    if file_system(on_disk) == "tmpfs":
        pytest.skip("/var/tmp lies in memory here, and no byte of it reaches a disk")
    handle = os.open(on_disk / "map", os.O_RDWR | os.O_CREAT)
    os.ftruncate(handle, PICTURE.nbytes)
    with watching(on_disk) as written, mmap.mmap(handle, PICTURE.nbytes) as memory:
        memory.write(PICTURE.tobytes())
        memory.flush()
    os.close(handle)
    assert written.to_disk >= PICTURE.nbytes


def test_a_file_kept_open_is_seen(tmp_path: Path) -> None:
    with watching() as written:
        kept = (tmp_path / "kept").open("wb")
    kept.close()
    assert written.opened == {str(tmp_path / "kept")}
