from collections.abc import Iterator

import pytest

from hardware.camera import camera_at
from hardware.camera.feed import Feed, FeedTimeouts, Recovering, Streaming
from hardware.faults import TemporaryFault
from tests.support.mjpeg import MjpegServer
from tests.support.states import SOON, States


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    server = MjpegServer()
    yield server
    server.stop()


@pytest.fixture
def feed(server: MjpegServer) -> Iterator[Feed]:
    feed = Feed(camera_at(server.url), (36, 64), FeedTimeouts(retry=0.01, retry_at_most=0.1))
    yield feed
    feed.stop()


def test_a_network_camera_delivers_pictures(feed: Feed) -> None:
    mailbox = feed.subscribe()
    feed.start()
    lease = mailbox.take(SOON)
    assert lease is not None
    with lease:
        assert abs(int(lease.image[18, 32, 0]) - 200) < 5


def test_a_stream_that_stalls_is_noticed_and_taken_up_again(
    feed: Feed, server: MjpegServer
) -> None:
    states = States(feed)
    feed.start()
    states.until(Streaming)
    server.stall()
    states.until(Recovering)
    server.resume()
    states.until(Streaming)


def test_a_server_that_goes_away_is_noticed_and_found_again(
    feed: Feed, server: MjpegServer
) -> None:
    states = States(feed)
    feed.start()
    states.until(Streaming)
    server.stop()
    states.until(Recovering)
    server.start()
    states.until(Streaming)


def test_where_nothing_answers_the_fault_says_so(server: MjpegServer) -> None:
    source = camera_at(server.url)
    server.stop()
    with pytest.raises(TemporaryFault, match="no stream at http://127"):
        source.open()
    server.start()
