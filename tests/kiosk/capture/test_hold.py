"""What is kept of a hold: frames from all of it, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hardware.camera.ring import Ring
from kiosk.capture.eyes import Sight
from kiosk.capture.guidance import Advice, Guidance, Instruction
from kiosk.capture.hold import HoldRecord
from tests.support.posed import GOOD, hand

SIZE = (64, 96)
KEPT = 3
HOLD = 0.3


def burst(taken: Sequence[tuple[float, float]]) -> list[float]:
    """Returns the seconds at which the frames of the burst were taken, of a hold of frames with
    these times and sharpnesses."""
    ring = Ring(SIZE, buffers=KEPT + 2)
    mailbox = ring.subscribe(None)
    told = Advice(
        Guidance(Instruction.HOLD_STILL), 0, Instruction.HOLD_STILL, 0, 0, fit_to_keep=True
    )
    buffer = ring.claim()
    with HoldRecord(KEPT, HOLD) as record:
        for at, sharpness in taken:
            assert buffer, "frames that are not kept are given back"
            buffer = ring.publish(buffer, at)
            lease = mailbox.take()
            assert lease
            with lease:
                seen = replace(GOOD, at=at, sharpness=sharpness, hand=hand(centre=(48, 32)))
                record.consider(Sight(seen, 0.0, lease), told)
        record.develop(record.region)
        return [frame.at_ms / 1000 + taken[0][0] for frame in record.burst().frames]


@pytest.mark.parametrize("fps", [10, 20, 30, 60])
def test_a_frame_is_kept_of_each_part_of_a_hold(fps: int) -> None:
    kept = burst([(number / fps, 0.9) for number in range(round(HOLD * fps))])
    assert [int(at / HOLD * KEPT) for at in kept] == [0, 1, 2]


def test_of_the_frames_of_one_part_the_best_is_kept() -> None:
    kept = burst([(0.0, 0.9), (0.12, 0.5), (0.14, 0.9), (0.25, 0.9)])
    assert kept == pytest.approx([0.0, 0.14, 0.25])


def test_a_hold_that_takes_longer_is_kept_of_as_well() -> None:
    kept = burst([(0.0, 0.9), (0.4, 0.9), (0.8, 0.9), (1.2, 0.5)])
    assert kept == pytest.approx([0.0, 0.4, 0.8])


def test_frames_that_came_together_are_of_one_moment() -> None:
    kept = burst([(at + number / 1000, 0.9) for at in (0.0, 0.15, 0.25) for number in range(5)])
    assert [round(at, 2) for at in kept] == [0.0, 0.15, 0.25]
