import threading

import numpy as np
import pytest

from hardware.camera.ring import Buffer, Lease, Ring

SIZE = (4, 6)


class Painter:
    """Plays the camera's thread: fills each picture with its number."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        claimed = ring.claim()
        assert claimed is not None
        self.buffer: Buffer = claimed
        self.number = 0

    def paint(self, pictures: int = 1) -> None:
        for _ in range(pictures):
            self.number += 1
            self.buffer.image.fill(self.number)
            self.buffer = self.ring.publish(self.buffer, at=float(self.number))


@pytest.fixture
def ring() -> Ring:
    return Ring(SIZE, buffers=4)


@pytest.fixture
def painter(ring: Ring) -> Painter:
    return Painter(ring)


def test_the_newest_picture_wins(ring: Ring, painter: Painter) -> None:
    mailbox = ring.subscribe(None)
    painter.paint(3)
    lease = mailbox.take()
    assert lease is not None
    assert (lease.sequence, lease.at) == (3, 3.0)
    assert np.all(lease.image == 3)
    assert mailbox.take() is None, "and none is delivered twice"


def test_readers_do_not_take_pictures_from_each_other(ring: Ring, painter: Painter) -> None:
    preview, vision = ring.subscribe(None), ring.subscribe(None)
    painter.paint()
    first, second = preview.take(), vision.take()
    assert first is not None
    assert second is not None
    assert first.image is second.image, "the same memory, not a copy each"


def leased(ring: Ring, painter: Painter) -> Lease:
    """Returns a lease of the picture that was just painted."""
    mailbox = ring.subscribe(None)
    painter.paint()
    lease = mailbox.take()
    assert lease is not None
    return lease


def test_a_leased_picture_stays_as_it_is(ring: Ring, painter: Painter) -> None:
    lease = leased(ring, painter)
    painter.paint(100)
    assert np.all(lease.image == 1)


def test_a_picture_given_back_is_written_over_again(ring: Ring, painter: Painter) -> None:
    lease = leased(ring, painter)
    with lease:
        image = lease.image
    painter.paint(10)
    assert not np.any(image == 1)


def test_no_memory_is_added_however_many_pictures_come(ring: Ring, painter: Painter) -> None:
    mailbox = ring.subscribe(None)
    places: set[int] = set()
    for _ in range(100):
        painter.paint()
        lease = mailbox.take()
        assert lease is not None
        places.add(lease.image.ctypes.data)
        lease.close()
    assert len(places) <= 4


def test_the_camera_goes_on_while_everything_is_leased(ring: Ring, painter: Painter) -> None:
    mailbox = ring.subscribe(None)
    held = []
    for _ in range(3):
        painter.paint()
        held.append(mailbox.take())
    painter.paint(20)
    assert mailbox.take() is None, "there is nowhere to put a picture"
    assert [int(lease.image[0, 0, 0]) for lease in held if lease] == [1, 2, 3]
    held[0].close()
    painter.paint()
    again = mailbox.take()
    assert again is not None
    assert np.all(again.image == painter.number)


def test_a_picture_can_be_leased_again_by_whoever_holds_it(ring: Ring, painter: Painter) -> None:
    lease = leased(ring, painter)
    kept = lease.again()
    lease.close()
    painter.paint(10)
    assert np.all(kept.image == 1)


def test_giving_back_twice_gives_back_once(ring: Ring, painter: Painter) -> None:
    lease = leased(ring, painter)
    kept = lease.again()
    lease.close()
    lease.close()
    painter.paint(10)
    assert np.all(kept.image == 1)


def test_wiping_zeroes_what_nobody_holds(ring: Ring, painter: Painter) -> None:
    mailbox = ring.subscribe(None)
    images: dict[int, np.ndarray] = {}
    for _ in range(8):
        painter.paint()
        lease = mailbox.take()
        assert lease
        with lease:
            images[lease.image.ctypes.data] = lease.image
    ring.wipe()
    written = painter.buffer.image.ctypes.data
    assert not any(image.any() for place, image in images.items() if place != written)


def test_a_wiped_picture_is_not_delivered(ring: Ring, painter: Painter) -> None:
    mailbox = ring.subscribe(None)
    painter.paint()
    ring.wipe()
    assert mailbox.take() is None


def test_a_leased_picture_is_wiped_when_it_is_given_back(ring: Ring, painter: Painter) -> None:
    lease = leased(ring, painter)
    ring.wipe()
    assert np.all(lease.image == 1), "whoever holds it may still look"
    lease.close()
    assert not lease.image.any()


def test_a_picture_being_written_when_the_ring_is_wiped_is_neither_kept_nor_delivered(
    ring: Ring, painter: Painter
) -> None:
    mailbox = ring.subscribe(None)
    image = painter.buffer.image
    image.fill(77)
    ring.wipe()
    ring.publish(painter.buffer, at=1.0)
    assert mailbox.take() is None
    assert not image.any()


def test_a_picture_being_written_when_the_camera_is_lost_is_wiped(
    ring: Ring, painter: Painter
) -> None:
    image = painter.buffer.image
    image.fill(77)
    ring.wipe()
    ring.give_back(painter.buffer)
    assert not image.any()


def test_whoever_asked_is_told_of_every_picture_until_they_leave(
    ring: Ring, painter: Painter
) -> None:
    told: list[int] = []
    mailbox = ring.subscribe(lambda: told.append(painter.number))
    painter.paint(2)
    mailbox.close()
    painter.paint(2)
    assert told == [1, 2]


def test_closing_a_mailbox_wakes_its_reader(ring: Ring) -> None:
    mailbox = ring.subscribe(None)
    taken: list[object] = []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take(timeout=60)))
    reader.start()
    mailbox.close()
    reader.join(60)
    assert taken == [None]
    mailbox.close()
    assert mailbox.take() is None
