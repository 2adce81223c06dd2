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


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:1/s", "refused"),
        ("http://127.0.0.1:70000/s", "cannot be read"),
        ("http://staff:pass#word@127.0.0.1/s", "cannot be read"),
        ("http://camera.invalid/s", "no machine has this name"),
    ],
)
def test_a_stream_that_is_not_there_is_told_with_its_cause(address: str, says: str) -> None:
    with pytest.raises(TemporaryFault, match=says) as fault:
        camera_at(address).open()
    assert fault.value.remedy


def test_a_server_that_sends_no_pictures_is_not_taken_for_one_that_is_off(
    server: MjpegServer,
) -> None:
    server.answer(401)
    with pytest.raises(TemporaryFault, match="sends no pictures") as fault:
        camera_at(server.url).open()
    assert "password" in fault.value.remedy


@pytest.mark.parametrize(
    "address",
    [
        "http://staff:hunter2@HOST/s",
        "http://HOST/s?user=staff&pwd=hunter2",
        "http://staff:x@hunter2/y@HOST/s",
        "http://staff:x@hunter2#y@HOST/s",
        "rtsp://staff:hunter2@HOST/s",
        "rtsp://HOST/user=staff&password=hunter2",
        "rtsp://HOST/s;auth=hunter2",
    ],
)
def test_neither_opencv_nor_ffmpeg_writes_a_password_to_the_terminal(
    server: MjpegServer, capfd: pytest.CaptureFixture[str], address: str
) -> None:
    server.answer(401)
    host = server.url.removeprefix("http://").partition("/")[0]
    with pytest.raises(TemporaryFault) as fault:
        camera_at(address.replace("HOST", host)).open()
    out, err = capfd.readouterr()
    assert "hunter2" not in out + err + str(fault.value)
