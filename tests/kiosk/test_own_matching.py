"""The kiosk's own matching reads and compares drawn palms."""

import cv2
import numpy as np
import pytest

from drawn import Presentation
from kiosk.own_list import PalmMatching
from palm.calibration import CALIBRATIONS
from palm.template.current import PAIRS
from protocol.capture import Burst, Frame
from tests.support.plain_palms import burst
from tests.support.posed import drawn

pytestmark = pytest.mark.slow


def shown(seed: int, *poses: Presentation) -> Burst:
    frames = [
        Frame(number, bytearray(cv2.imencode(".jpg", drawn(pose, seed))[1].tobytes()))
        for number, pose in enumerate(poses)
    ]
    return Burst(frames)


def test_a_palm_that_is_shown_again_is_recognised_in_every_version_and_another_is_not():
    matching = PalmMatching()
    kept = matching.read(shown(7, Presentation()))
    again = matching.read(shown(7, Presentation(x=0.55, turn=4.0)))
    other = matching.read(shown(8, Presentation()))
    assert kept is not None
    assert again is not None
    assert other is not None
    assert kept[0] is again[0]
    for version in PAIRS:
        templates = [matching.extract(palms, version) for palms in (kept[1], other[1])]
        probe = matching.extract(again[1], version)
        same, different = matching.compare(probe, matching.prepare(version, templates))
        # The score from which one pair of different hands in 100,000 seems the same.
        assert same > CALIBRATIONS[version].score(5) > different
        assert not np.isnan(same)


def test_what_shows_no_palm_is_none():
    blank = cv2.imencode(".jpg", np.full((240, 320, 3), 90, np.uint8))[1].tobytes()
    assert PalmMatching().read(Burst([Frame(0, bytearray(blank))])) is None
    assert PalmMatching().read(burst("no picture")) is None
