"""How often pictures come, and who is told when it is not often enough."""

import time
from itertools import count

import numpy as np
import pytest

from hardware.camera.camera import Colour
from hardware.camera.feed import Feed
from hardware.camera.pace import ENOUGH, WINDOW, Pace
from tests.support.states import IMPATIENT, SOON


def rate(stamps: list[float]) -> float | None:
    pace = Pace()
    for at in stamps:
        pace.add(at)
    return pace.rate


@pytest.mark.parametrize("fps", [1, 2.5, 5, 12, 30, 60])
def test_the_rate_is_the_number_of_pictures_a_second(fps: float) -> None:
    assert rate([100 + n / fps for n in range(int(10 * fps))]) == pytest.approx(fps)


def test_pictures_that_come_together_are_of_no_more_use_than_one() -> None:
    clumps = [clump * 0.4 + n * 0.002 for clump in range(20) for n in range(12)]
    assert rate(clumps) == pytest.approx(2.5, rel=0.15)


def test_the_rate_is_not_told_before_it_can_be_measured() -> None:
    assert rate([]) is None
    assert rate([1.0]) is None
    assert rate([n / 30 for n in range(30)]) is None


def test_the_rate_is_that_of_the_last_seconds() -> None:
    quick = [n / 30 for n in range(300)]
    slow = [10 + n / 5 for n in range(int(5 * (WINDOW + 1)))]
    assert rate([*quick, *slow]) == pytest.approx(5)
    assert rate([*slow, *(20 + each for each in quick)]) == pytest.approx(30)


class Stamped:
    """A camera whose pictures come as fast as they are read, with stamps that are 1 / `fps`
    apart."""

    name = "camera on Wi-Fi"
    identity = None
    size = (4, 6)

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._stamps = count()

    def open(self) -> "Stamped":
        return self

    def has_picture(self) -> bool:
        return True

    def read(self, out: Colour) -> float:
        time.sleep(0)
        np.copyto(out, 7)
        return next(self._stamps) / self.fps

    def close(self) -> None:
        """Does nothing."""


def pass_pictures(feed: Feed, number: int) -> None:
    mailbox = feed.subscribe()
    last = 0
    while last < number:
        lease = mailbox.take(SOON)
        assert lease is not None
        last = lease.sequence
        lease.close()
    mailbox.close()


@pytest.mark.parametrize(("fps", "told"), [(ENOUGH / 2, True), (ENOUGH * 2, False)])
def test_a_feed_says_when_its_camera_delivers_too_few_pictures_and_how_many(
    fps: float, told: bool
) -> None:
    feed = Feed(Stamped(fps), (4, 6), IMPATIENT)
    assert feed.too_few is None
    feed.start()
    try:
        pass_pictures(feed, int(fps * WINDOW))
        fault = feed.too_few
    finally:
        feed.stop()
    assert (fault is not None) is told
    if fault is not None:
        assert f"Too few pictures: camera on Wi-Fi delivers {fps:.1f} a second" in fault.cause
        assert fault.remedy
