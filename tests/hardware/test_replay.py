from pathlib import Path

import cv2
import numpy as np
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


def test_a_still_that_is_no_picture_is_named(stills: Path) -> None:
    (stills / "0.png").write_bytes(b"not a picture")
    camera = camera_at(f"replay:{stills}?pace=0&size=128x72").open()
    with pytest.raises(PermanentFault, match=r"0\.png"):
        shade(camera)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentFault, match="no pictures"):
        camera_at(f"replay:{tmp_path}")
