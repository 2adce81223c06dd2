import struct
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hardware.camera import Camera, camera_at
from hardware.faults import PermanentFault

FPS = 10
SHADES = [40, 90, 140, 190, 240]


def shade(camera: Camera) -> int:
    """Returns the recorded shade that is nearest to the middle of the next picture."""
    out = np.zeros((72, 128, 3), np.uint8)
    camera.read(out)
    return min(SHADES, key=lambda s: abs(s - int(out[36, 64, 0])))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 64))
    for each in SHADES:
        video.write(np.full((64, 64, 3), each, np.uint8))
    video.release()
    return path


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    folder = tmp_path / "stills"
    folder.mkdir()
    for index, each in enumerate(SHADES):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((64, 64, 3), each, np.uint8))
    return folder


def test_a_clip_is_shown_picture_by_picture_and_over_again(clip: Path) -> None:
    camera = camera_at(f"replay:{clip}?pace=0&size=128x72").open()
    assert [shade(camera) for _ in range(7)] == [*SHADES, *SHADES[:2]]


def test_a_clip_is_letterboxed(clip: Path) -> None:
    out = np.full((72, 128, 3), 255, np.uint8)
    camera_at(f"replay:{clip}?pace=0&size=128x72").open().read(out)
    assert not out[:, :20].any()
    assert out[36, 64].all()


def test_a_clip_that_is_not_to_loop_ends_and_says_so(clip: Path) -> None:
    camera = camera_at(f"replay:{clip}?pace=0&loop=0&size=128x72").open()
    assert [shade(camera) for _ in SHADES] == SHADES
    with pytest.raises(PermanentFault, match="ended"):
        shade(camera)


def test_stills_are_held_for_a_second_each(stills: Path) -> None:
    camera = camera_at(f"replay:{stills}?pace=0&size=128x72").open()
    shown = [shade(camera) for _ in range(30 * len(SHADES))]
    assert shown[::30] == SHADES
    assert [shown.count(each) for each in SHADES] == [30] * len(SHADES)


def test_stills_that_are_not_to_loop_end_and_say_so(stills: Path) -> None:
    camera = camera_at(f"replay:{stills}?pace=0&loop=0&size=128x72").open()
    for _ in range(30 * len(SHADES)):
        shade(camera)
    with pytest.raises(PermanentFault, match="ended"):
        shade(camera)


def write_clutter(folder: Path) -> None:
    """Writes what folders hold besides pictures, sorted before, between and after them."""
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "._1.png").write_bytes(b"\0\5\x16\7")
    (folder / "0-notes.txt").write_text("Taken on Monday.")
    (folder / "0-empty.png").touch()
    (folder / "1-folder.png").mkdir()
    (folder / "1-no-picture.png").write_bytes(b"not a picture")
    (folder / "2-header-only.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", noise)[1].tobytes()
    (folder / "3-cut-short.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    (folder / "away.png").symlink_to(folder / "nowhere.png")


def test_what_is_no_picture_in_a_folder_is_skipped_and_logged(
    stills: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_clutter(stills)
    clutter = {path.name for path in stills.iterdir()} - {f"{i}.png" for i in range(len(SHADES))}
    camera = camera_at(f"replay:{stills}?pace=0&size=128x72").open()
    shown = [shade(camera) for _ in range(30 * len(SHADES))]
    assert shown[::30] == SHADES
    assert {name for name in clutter if f"skips {name}: " in caplog.text} == clutter


def test_a_folder_without_one_whole_picture_is_refused(tmp_path: Path) -> None:
    write_clutter(tmp_path)
    with pytest.raises(PermanentFault, match="no pictures"):
        camera_at(f"replay:{tmp_path}")


def test_pictures_that_are_damaged_after_the_start_are_left_out_when_their_turn_comes(
    stills: Path,
) -> None:
    camera = camera_at(f"replay:{stills}?pace=0&size=128x72").open()
    assert shade(camera) == SHADES[0]
    for index in (1, 2, 3):
        (stills / f"{index}.png").write_bytes(b"")
    shown = [shade(camera) for _ in range(60)]
    assert set(shown) == {SHADES[0], SHADES[4]}


QUARTERS = np.zeros((48, 64, 3), np.uint8)
QUARTERS[:24, :32], QUARTERS[:24, 32:], QUARTERS[24:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
ORIENTATIONS = {
    1: QUARTERS,
    2: QUARTERS[:, ::-1],
    3: np.rot90(QUARTERS, 2),
    4: QUARTERS[::-1],
    5: QUARTERS.transpose(1, 0, 2),
    6: np.rot90(QUARTERS, -1),
    7: np.rot90(QUARTERS, 2).transpose(1, 0, 2),
    8: np.rot90(QUARTERS, 1),
}
"""What is meant by a picture of QUARTERS with each EXIF orientation."""


def first_picture(address: str, size: tuple[int, int]) -> npt.NDArray[np.int16]:
    out = np.zeros((*size, 3), np.uint8)
    camera_at(address).open().read(out)
    return out.astype(np.int16)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_still_is_turned_as_it_says(tmp_path: Path, orientation: int) -> None:
    jpeg = cv2.imencode(".jpg", QUARTERS, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    tiff = b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0" + bytes([orientation]) + bytes(6)
    exif = b"\xff\xe1" + (len(tiff) + 8).to_bytes(2, "big") + b"Exif\0\0" + tiff
    (tmp_path / "0.jpg").write_bytes(jpeg[:2] + exif + jpeg[2:])
    meant = ORIENTATIONS[orientation]
    height, width = meant.shape[:2]
    shown = first_picture(f"replay:{tmp_path}?pace=0&size={width}x{height}", (height, width))
    assert np.abs(shown - meant).mean() < 8


ONE = 0x10000
MATRICES = {
    0: (ONE, 0, 0, ONE, 0, 0),
    90: (0, ONE, -ONE, 0, 48 * ONE, 0),
    180: (-ONE, 0, 0, -ONE, 64 * ONE, 48 * ONE),
    270: (0, -ONE, ONE, 0, 0, 64 * ONE),
}
"""The first two columns of a track's matrix that turns a picture of QUARTERS clockwise, in fixed
point (ISO/IEC 14496-12, track header box)."""


@pytest.mark.parametrize("turn", MATRICES)
def test_a_clip_is_turned_as_it_says(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "clip.mp4"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (64, 48))
    for _ in range(3):
        video.write(QUARTERS)
    video.release()
    written = bytearray(path.read_bytes())
    a, b, c, d, x, y = MATRICES[turn]
    struct.pack_into(">9i", written, written.find(b"tkhd") + 44, a, b, 0, c, d, 0, x, y, 1 << 30)
    path.write_bytes(written)
    meant = np.rot90(QUARTERS, -turn // 90)
    height, width = meant.shape[:2]
    shown = first_picture(f"replay:{path}?pace=0&size={width}x{height}", (height, width))
    assert np.abs(shown - meant).mean() < 8


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentFault, match="no pictures"):
        camera_at(f"replay:{tmp_path}")
