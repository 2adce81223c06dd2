"""The devices that the settings name."""

import pytest

from hardware.camera.feed import SIZE
from kiosk.devices import attach


@pytest.mark.parametrize(
    ("camera", "size"),
    [
        ("sim:shopper", SIZE),
        ("sim:shopper?rotate=180&mirror=1", SIZE),
        ("sim:shopper?rotate=90", SIZE[::-1]),
        ("sim:shopper?seed=3&rotate=270", SIZE[::-1]),
    ],
)
def test_a_camera_that_is_mounted_sideways_delivers_upright_pictures_of_full_size(
    camera: str, size: tuple[int, int]
) -> None:
    devices = attach(camera, "sim:", "none:", "sim:")
    assert devices.size == size
    assert devices.infrared is not None
    assert devices.infrared.size == size, "a place in one picture is looked for in the other"
