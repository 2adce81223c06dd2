"""The logic of the camera driver, on a device that answers as the test wants."""

import cv2
import numpy as np
import pytest

from hardware.camera.camera import Colour
from hardware.camera.capture import UNREADABLE_IN_A_ROW, Capture, fit
from hardware.camera.sim import SimulatedCamera
from hardware.faults import TemporaryFault
from tests.support.painted import Painted


class Video:
    """A device of 4 by 6 pixels that delivers some damaged pictures before each good one."""

    def __init__(self, damaged: int) -> None:
        self.damaged = damaged
        self.released = False

    def grab(self) -> bool:
        return True

    def retrieve(self, image: Colour, /) -> tuple[bool, Colour]:
        self.damaged -= 1
        image.fill(200)
        return self.damaged < 0, image

    def get(self, property: int, /) -> float:
        return {cv2.CAP_PROP_FRAME_HEIGHT: 4, cv2.CAP_PROP_FRAME_WIDTH: 6}[property]

    def release(self) -> None:
        self.released = True


def test_damaged_pictures_are_passed_over() -> None:
    out = np.zeros((4, 6, 3), np.uint8)
    Capture("camera", Video(damaged=UNREADABLE_IN_A_ROW - 1)).read(out)
    assert np.all(out == 200)


def test_a_camera_of_damaged_pictures_only_is_at_fault() -> None:
    out = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(TemporaryFault, match="damaged"):
        Capture("camera", Video(damaged=10_000)).read(out)


def test_closing_releases_the_device() -> None:
    video = Video(0)
    Capture("camera", video).close()
    assert video.released


def test_a_picture_of_the_right_size_is_written_where_it_is_wanted_without_a_copy() -> None:
    written: list[int] = []

    class Scene:
        def draw(self, out: Colour, at: float) -> None:
            written.append(out.ctypes.data)

    out = np.zeros((4, 6, 3), np.uint8)
    SimulatedCamera(Scene(), size=(4, 6)).open().read(out)
    assert written == [out.ctypes.data]


@pytest.mark.parametrize("shape", [(40, 40), (20, 80), (80, 20), (7, 5)])
def test_a_picture_of_another_shape_is_letterboxed(shape: tuple[int, int]) -> None:
    out = np.full((36, 64, 3), 9, np.uint8)
    fit(np.full((*shape, 3), 200, np.uint8), out)
    rows, columns = np.nonzero(out[..., 0])
    tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert tall == 36 or wide == 64
    assert abs(wide / tall - shape[1] / shape[0]) < 0.15
    assert set(np.unique(out)) <= {0, 200}, "nothing of the picture before shines through"


def test_an_opening_from_before_the_cable_was_pulled_stays_lost() -> None:
    device = SimulatedCamera(Painted(), size=(4, 6))
    camera = device.open()
    device.unplug()
    device.plug_in()
    with pytest.raises(TemporaryFault):
        camera.read(np.zeros((4, 6, 3), np.uint8))


def test_a_simulated_camera_without_a_pace_draws_even_moments() -> None:
    moments: list[float] = []

    class Scene:
        def draw(self, out: Colour, at: float) -> None:
            moments.append(at)

    camera = SimulatedCamera(Scene(), size=(4, 6), fps=25, paced=False).open()
    out = np.zeros((4, 6, 3), np.uint8)
    for _ in range(5):
        camera.read(out)
    assert np.allclose(np.diff(moments), 1 / 25)


def test_a_simulated_picture_is_never_of_a_moment_before_its_time_stamp() -> None:
    class Scene:
        drawn_at = 0.0

        def draw(self, out: Colour, at: float) -> None:
            self.drawn_at = at

    scene = Scene()
    stamp = SimulatedCamera(scene, size=(4, 6)).open().read(np.empty((4, 6, 3), np.uint8))
    assert scene.drawn_at >= stamp
