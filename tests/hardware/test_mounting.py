"""A camera that hangs upside down or sideways, or mirrors by itself, and what its address says."""

from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from hardware.address import Address
from hardware.camera import Mounting, camera_at
from hardware.camera.camera import Colour
from hardware.camera.capture import Capture
from hardware.camera.sim import SimulatedCamera
from hardware.faults import BadAddress
from tests.support.mjpeg import MjpegServer

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
MOUNTINGS = [Mounting(*each) for each in product((0, 90, 180, 270), (False, True))]


class Scene:
    def draw(self, out: Colour, at: float) -> None:
        np.copyto(out, PICTURE)


def meant(mounting: Mounting, picture: Colour = PICTURE) -> Colour:
    flipped = picture[:, ::-1] if mounting.mirror else picture
    return np.rot90(flipped, -mounting.rotate // 90)


def turned(mounting: Mounting, picture: Colour = PICTURE) -> Colour:
    out = np.empty((*mounting.upright((picture.shape[0], picture.shape[1])), 3), np.uint8)
    mounting.turn(picture.copy(), out)
    return out


@pytest.mark.parametrize("mounting", MOUNTINGS, ids=str)
def test_every_picture_is_turned_as_the_mounting_says(mounting: Mounting) -> None:
    camera = SimulatedCamera(Scene(), size=(6, 10), paced=False, mounting=mounting).open()
    out = np.empty((*mounting.upright((6, 10)), 3), np.uint8)
    for _ in range(2):
        camera.read(out)
        assert np.array_equal(out, meant(mounting))


def test_a_sideways_picture_is_letterboxed_where_its_upright_size_is_not_asked_for() -> None:
    camera = SimulatedCamera(Scene(), size=(6, 10), paced=False, mounting=Mounting(90)).open()
    out = np.full((20, 40, 3), 9, np.uint8)
    camera.read(out)
    assert not out[:, :14].any()
    assert not out[:, 26:].any()
    assert out[:, 14:26].any()


def test_nothing_of_a_turned_picture_stays_in_memory_after_closing() -> None:
    device = SimulatedCamera(Scene(), size=(6, 10), paced=False, mounting=Mounting(90, True))
    camera = device.open()
    assert isinstance(camera, Capture)
    camera.read(np.empty((10, 6, 3), np.uint8))
    camera.close()
    kept = [value for value in vars(camera).values() if isinstance(value, np.ndarray)]
    assert len(kept) == 2
    assert not any(each.any() for each in kept)


@pytest.mark.parametrize("mounting", MOUNTINGS, ids=str)
@pytest.mark.parametrize("correction", MOUNTINGS, ids=str)
def test_a_corrected_mounting_does_both_in_one(mounting: Mounting, correction: Mounting) -> None:
    both = turned(correction, turned(mounting))
    assert np.array_equal(turned(mounting.corrected(correction)), both)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("sim:x", Mounting()),
        ("sim:x?rotate=0&mirror=0", Mounting()),
        ("v4l2:/dev/v4l/by-id/usb-A-video-index0?size=640x480&rotate=90", Mounting(90)),
        ("rtsp://staff:secret@camera.local/s?rotate=180&channel=1", Mounting(180)),
        ("replay:clip.mp4?mirror=1&rotate=270", Mounting(270, True)),
    ],
)
def test_the_address_of_every_camera_says_how_it_is_mounted(address: str, named: Mounting) -> None:
    assert Mounting.of(Address.parse(address)) == named


@pytest.mark.parametrize(
    "wrong",
    ["rotate=45", "rotate=-90", "rotate=", "rotate=left", "rotate=360", "mirror=2", "mirror=yes"],
)
@pytest.mark.parametrize(
    "camera",
    ["v4l2:/dev/video0", "rtsp://staff:secret@camera.local/s", "replay:.", "sim:x"],
)
def test_a_mounting_that_cannot_be_is_refused_with_what_can(camera: str, wrong: str) -> None:
    with pytest.raises(BadAddress, match=f"cannot have {wrong}") as refused:
        camera_at(f"{camera}?{wrong}", {"x": lambda _: Scene()})
    assert "secret" not in str(refused.value)
    assert wrong.partition("=")[0] in refused.value.remedy


def test_a_stream_is_not_sent_the_kiosks_own_options_and_all_else_as_written() -> None:
    camera = camera_at("http://h/v?user=a&rotate=90&password=b%26c&x=&mirror=1")
    assert vars(camera)["_url"] == "http://h/v?user=a&password=b%26c&x="
    assert vars(camera_at("http://h/v?mirror=1"))["_url"] == "http://h/v"


def test_a_replay_is_turned_as_well(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), PICTURE)
    out = np.empty((10, 6, 3), np.uint8)
    camera_at(f"replay:{tmp_path}?pace=0&size=10x6&rotate=90").open().read(out)
    assert np.array_equal(out, meant(Mounting(90)))


def test_a_network_camera_is_turned_as_well() -> None:
    server = MjpegServer()
    try:
        camera = camera_at(f"{server.url}?rotate=90").open()
        out = np.zeros((64, 36, 3), np.uint8)
        camera.read(out)
        camera.close()
        assert abs(int(out.mean()) - 200) < 5
    finally:
        server.stop()
