import logging
import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from hardware.camera import Camera, Colour, SimulatedCamera
from hardware.camera.feed import (
    LEFT_BEHIND_AT_MOST,
    Broken,
    Feed,
    FeedTimeouts,
    Lease,
    Mailbox,
    Recovering,
    Starting,
    Streaming,
)
from hardware.faults import PermanentFault
from tests.support.painted import Painted
from tests.support.states import IMPATIENT, SOON, States

SIZE = (36, 64)


@pytest.fixture
def device() -> SimulatedCamera:
    return SimulatedCamera(Painted(), size=SIZE, fps=100)


@pytest.fixture
def feed(device: SimulatedCamera) -> Iterator[Feed]:
    feed = Feed(device, SIZE, IMPATIENT)
    yield feed
    feed.stop()
    device.unplug()
    for reader in readers():
        reader.join(SOON)
    assert readers() == [], "every reader ends once its driver lets it"


def readers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "camera"]


def picture(mailbox: Mailbox) -> Lease:
    lease = mailbox.take(SOON)
    assert lease is not None
    return lease


def test_a_feed_starts_and_streams(feed: Feed) -> None:
    assert feed.state == Starting()
    states, mailbox = States(feed), feed.subscribe()
    feed.start()
    states.until(Streaming)
    with picture(mailbox) as first, picture(mailbox) as second:
        assert first.sequence < second.sequence
        assert first.at < second.at
        assert not np.array_equal(first.image, second.image)


def test_it_is_noticed_within_a_second_that_a_camera_says_nothing_more() -> None:
    assert FeedTimeouts().silence < 1


def test_a_pulled_camera_is_told_with_cause_and_remedy(feed: Feed, device: SimulatedCamera) -> None:
    states = States(feed)
    feed.start()
    states.until(Streaming)
    device.unplug()
    fault = states.until(Recovering).fault
    assert "stopped delivering" in fault.cause
    assert fault.remedy
    assert "unplugged" in states.until(Recovering).fault.cause


def test_a_camera_plugged_in_again_streams_again(feed: Feed, device: SimulatedCamera) -> None:
    states, mailbox = States(feed), feed.subscribe()
    feed.start()
    states.until(Streaming)
    device.unplug()
    states.until(Recovering)
    device.plug_in()
    states.until(Streaming)
    picture(mailbox).close()
    assert feed.state == Streaming()


def test_a_camera_that_was_not_there_at_the_start_is_found(
    feed: Feed, device: SimulatedCamera
) -> None:
    states = States(feed)
    device.unplug()
    feed.start()
    states.until(Recovering)
    device.plug_in()
    states.until(Streaming)


def test_a_camera_that_blocks_is_noticed_from_outside_and_recovered(
    feed: Feed, device: SimulatedCamera
) -> None:
    states, mailbox = States(feed), feed.subscribe()
    feed.start()
    states.until(Streaming)
    device.stall()
    assert "stopped answering" in states.until(Recovering).fault.cause
    device.resume()
    states.until(Streaming)
    picture(mailbox).close()


def test_readers_stuck_in_their_driver_are_few_and_end_when_it_lets_them(
    device: SimulatedCamera,
) -> None:
    # Such short timeouts that a stalled camera is opened again and again.
    feed = Feed(device, SIZE, FeedTimeouts(opening=0.001, letting_go=0.001, retry=0.001))
    states = States(feed)
    device.stall()
    feed.start()
    for _ in range(LEFT_BEHIND_AT_MOST):
        states.until(Recovering)
    assert len(readers()) == LEFT_BEHIND_AT_MOST
    device.unplug()
    for reader in readers():
        reader.join(SOON)
    feed.stop()
    assert readers() == []


def test_a_camera_that_changes_its_size_is_opened_anew_and_fitted(
    feed: Feed, device: SimulatedCamera
) -> None:
    states, mailbox = States(feed), feed.subscribe()
    feed.start()
    states.until(Streaming)
    device.resize((36, 36))
    assert "changed its picture size" in states.until(Recovering).fault.cause
    states.until(Streaming)
    picture(mailbox).close()
    with picture(mailbox) as lease:
        assert lease.image.shape == (*SIZE, 3)
        assert lease.image[18, 32].all()
        assert not lease.image[:, :14].any(), "letterboxed, not stretched"
        assert not lease.image[:, 50:].any()


class Slow:
    """A scene that takes several silences to draw, as on a machine that is too busy."""

    def __init__(self) -> None:
        self.pictures = 0

    def draw(self, out: Colour, at: float) -> None:
        self.pictures += 1
        if self.pictures > 2:
            time.sleep(3 * IMPATIENT.silence)
        out.fill(self.pictures)


def test_a_camera_that_is_drawn_too_slowly_is_not_taken_for_a_lost_one() -> None:
    feed = Feed(SimulatedCamera(Slow(), size=SIZE, fps=100), SIZE, IMPATIENT)
    states, mailbox = States(feed), feed.subscribe()
    feed.start()
    states.until(Streaming)
    before = picture(mailbox)
    before.close()
    while (lease := picture(mailbox)).sequence < before.sequence + 3:
        lease.close()
    lease.close()
    assert states.seen() == []
    assert feed.state == Streaming()
    feed.stop()


class Forbidden:
    """A camera that this process may not use until it is allowed to."""

    name = "forbidden camera"
    identity = None

    def __init__(self, device: SimulatedCamera) -> None:
        self.device = device
        self.allowed = False

    def open(self) -> Camera:
        if not self.allowed:
            raise PermanentFault("Not allowed.", "Allow it.")
        return self.device.open()

    def has_picture(self) -> bool:
        return False


def test_a_fault_that_stays_is_told_apart_and_still_looked_at(device: SimulatedCamera) -> None:
    source = Forbidden(device)
    feed = Feed(source, SIZE, IMPATIENT)
    states = States(feed)
    feed.start()
    assert states.until(Broken).fault.remedy == "Allow it."
    source.allowed = True
    states.until(Streaming)
    feed.stop()


class Careless:
    """A driver with a bug."""

    name = "careless camera"
    identity = None

    def open(self) -> Camera:
        raise ZeroDivisionError

    def has_picture(self) -> bool:
        return False


def test_a_driver_that_fails_unexpectedly_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = Feed(Careless(), SIZE, IMPATIENT)
    states = States(feed)
    feed.start()
    states.until(Recovering)
    assert "failed" in states.until(Recovering).fault.cause
    feed.stop()
    assert "ZeroDivisionError" in caplog.text


def test_the_same_fault_is_logged_once(
    feed: Feed, device: SimulatedCamera, caplog: pytest.LogCaptureFixture
) -> None:
    states = States(feed)
    device.unplug()
    with caplog.at_level(logging.WARNING):
        feed.start()
        for _ in range(5):
            states.until(Recovering)
    assert caplog.text.count("is unplugged") == 1


def test_stopping_ends_both_threads_and_wipes(feed: Feed) -> None:
    states, mailbox = States(feed), feed.subscribe()
    before = threading.active_count()
    feed.start()
    states.until(Streaming)
    lease = picture(mailbox)
    image = lease.image
    lease.close()
    feed.stop()
    assert threading.active_count() == before
    assert mailbox.take(SOON) is None
    assert not image.any()


def test_stopping_does_not_wait_for_a_driver_that_never_returns(
    feed: Feed, device: SimulatedCamera
) -> None:
    states = States(feed)
    feed.start()
    states.until(Streaming)
    device.stall()
    states.until(Recovering)
    feed.stop()


def test_wiping_leaves_nothing_of_what_was_seen_before(feed: Feed) -> None:
    states, mailbox = States(feed), feed.subscribe()
    feed.start()
    states.until(Streaming)
    seen: dict[int, np.ndarray] = {}
    for _ in range(40):
        with picture(mailbox) as lease:
            seen[lease.image.ctypes.data] = lease.image
            last = int(lease.image[0, 0, 0])
    feed.wipe()
    # Only pictures painted after the wipe may be there; shades are numbered without a gap.
    left = {int(shade) for image in seen.values() for shade in np.unique(image[0])}
    assert all(shade == 0 or shade > last for shade in left)


def test_fifty_times_unplugged_and_plugged_in_leave_no_thread_and_no_file_behind(
    feed: Feed, device: SimulatedCamera
) -> None:
    states = States(feed)
    feed.start()
    states.until(Streaming)
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        device.unplug()
        states.until(Recovering)
        device.plug_in()
        states.until(Streaming)
    assert threading.active_count() <= threads
    assert len(os.listdir("/proc/self/fd")) <= files
