import pytest

from hardware.address import Address
from hardware.camera import SimulatedCamera, camera_at
from hardware.faults import BadAddress, PermanentFault
from hardware.terminal import terminal_at
from tests.support.painted import Painted

SCENES = {"painted": lambda _: Painted()}


def test_an_address_is_a_scheme_a_rest_and_options() -> None:
    address = Address.parse("v4l2:/dev/video0?size=640x480&fps=15")
    assert (address.scheme, address.rest) == ("v4l2", "/dev/video0")
    assert address.size("size", (720, 1280)) == (480, 640)
    assert address.number("fps", 30, least=1, most=240) == 15


def test_options_left_out_have_their_defaults() -> None:
    address = Address.parse("replay:clip.mp4")
    assert address.size("size", (720, 1280)) == (720, 1280)
    assert address.number("fps", 30, least=1, most=240) == 30
    assert address.flag("loop", True) is True


PASSWORDS = [
    "rtsp://staff:hunter2@camera.local/stream",
    "rtsp://staff:hun#hunter2@camera.local/stream",
    "rtsp://staff:hun?hunter2@camera.local/stream",
    "rtsp://staff:hun/hunter2@camera.local/stream",
    "rtsp://staff:hun@hunter2@camera.local/stream",
    "http://camera.local/video.cgi?pwd=hunter2",
    "http://camera.local/video.cgi?user=staff&password=hunter2",
    "http://camera.local/video.cgi?user=staff@shop&password=hunter2",
    "http://camera.local/user=staff&password=hunter2&channel=1",
    "http://camera.local/video;password=hunter2",
    "rtsp://camera.local/video;auth=staff:hunter2",
    "rtsp://camera.local;auth=hunter2",
    "rtsp://camera.local:554/live/staff@hunter2",
    "rtsp://camera.local/user=staff&password=p@hunter2",
    "rtsp://camera.local#staff@hunter2",
    "rtsp://camera.local?u@hunter2",
    "rtsp://staff:1234/hunter2@camera.local",
    "rtsp://staff:hun/ter@camera.local/live/@hunter2",
    "rtsp://hunter2:@camera.local/",
    "rtsp://:hunter2@camera.local/",
    "rtsp:staff:hunter2@camera.local/s",
    "RTSP://staff:hunter2@camera.local/s",
    "http://camera.local\nhunter2/",
    "http://[staff:hunter2",
    "http://camera.local/video.cgi?pwd=hunter2&rotate=90",
]


def named(text: str) -> str:
    """Returns the name of the camera at an address, or why there is none."""
    try:
        return camera_at(text).name
    except BadAddress as wrong:
        return str(wrong)


@pytest.mark.parametrize("text", PASSWORDS)
def test_a_password_in_an_address_is_never_shown(text: str) -> None:
    address = Address.parse(text)
    assert "hunter2" not in str(address)
    assert "hunter2" not in repr(address)
    assert "hunter2" not in repr(address.without("rotate"))
    assert "hunter2" not in named(text)


@pytest.mark.parametrize(
    "text",
    [
        *PASSWORDS,
        "staff:hunter2@camera.local",
        "//staff:hunter2@x",
        "htpp:camera.local/v?pwd=hunter2",
        "camera.local/v?pwd=hunter2",
        "camera.local/user=a&password=hunter2",
    ],
)
def test_a_password_in_a_wrong_address_is_never_shown(text: str) -> None:
    with pytest.raises(BadAddress) as wrong:
        camera_at(f"x{text}")
    assert "hunter2" not in str(wrong.value)
    assert "hunter2" not in repr(wrong.value)


def test_a_camera_on_the_network_is_named_by_its_host() -> None:
    assert (
        str(Address.parse("rtsp://staff:hunter2@camera.local:554/s")) == "rtsp://camera.local:554"
    )
    for text in (
        "http://camera.local/video.cgi?pwd=x",
        "http://camera.local?pwd=x",
        "http://staff:pa#ss@camera.local/s",
        "http://staff:p@ss@camera.local/s",
        "http://camera.local;auth=x",
    ):
        assert str(Address.parse(text)) == "http://camera.local"
    assert str(Address.parse("rtsp://a:b@[fe80::1]:554/s")) == "rtsp://[fe80::1]:554"


def test_a_local_device_is_named_as_it_is_written() -> None:
    written = "v4l2:/dev/v4l/by-id/usb-Camera-video-index0?size=640x480"
    assert str(Address.parse(written)) == written


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no scheme"),
        ("/dev/video0", "no scheme"),
        ("usb:camera", "no 'usb'"),
        ("v4l2:video0", "names no device"),
        ("v4l2:/dev/video0?sise=640x480", "no option 'sise'"),
        ("v4l2:/dev/video0?size=large", "size=large"),
        ("v4l2:/dev/video0?fps=0", "fps=0"),
        ("v4l2:/dev/video0?fps=nan", "fps=nan"),
        ("v4l2:/dev/video0?fps=15&fps=30", "twice"),
        ("http:stream.mjpg", "names no host"),
        ("sim:nothing", "no 'nothing'"),
        ("replay:no-such-clip.mp4", "no-such-clip.mp4 cannot be read"),
    ],
)
def test_a_camera_address_that_cannot_work_is_refused_with_cause_and_remedy(
    text: str, says: str
) -> None:
    with pytest.raises(PermanentFault) as wrong:
        camera_at(text, SCENES)
    assert says in wrong.value.cause
    assert wrong.value.remedy


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("usb:1", "no 'usb'"),
        ("sim:?card=gold", "gold"),
        ("sim:?tap=1", "'tap'"),
        ("stripe:", "no reader"),
        ("stripe:sk_live_4eC39HqLyjWDarjtT1zdp7dc", "no reader"),
        ("stripe:tmr_FDOt2wlRZEdpd7?key=1", "no option 'key'"),
    ],
)
def test_a_terminal_address_that_cannot_work_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says):
        terminal_at(text)


def test_a_simulated_camera_looks_at_the_scene_its_address_names() -> None:
    camera = camera_at("sim:painted?seed=7", SCENES)
    assert isinstance(camera, SimulatedCamera)
    assert isinstance(camera.scene, Painted)
