"""The one monitor of a kiosk that has an X server for itself, and the touch screen on it."""

import subprocess
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from ui.monitor import (
    MATRICES,
    Monitor,
    Rotation,
    arrangement,
    has_server_for_itself,
    outputs,
    touch_screens,
)

LISTED = """\
Screen 0: minimum 320 x 200, current 1920 x 1080, maximum 16384 x 16384
eDP-1 connected primary (normal left inverted right x axis y axis)
   1366x768      60.00 +
HDMI-1 connected 1920x1080+0+0 (normal left inverted right x axis y axis) 527mm x 296mm
   1920x1080     60.00*+  50.00
   1280x720      60.00
DP-1 disconnected (normal left inverted right x axis y axis)
"""
OFF = "HDMI-1 connected (normal left inverted right x axis y axis)\n   1920x1080     60.00 +\n"
RIGHT = LISTED.replace("1920x1080+0+0 (", "1080x1920+0+0 right (")
SECOND = LISTED.replace("DP-1 disconnected", "DP-1 connected 1280x800+1920+0") + (
    "   1280x800      60.00*+\n"
)
PULLED = LISTED.replace("HDMI-1 connected", "HDMI-1 disconnected")
OTHER_MODES = LISTED.replace("60.00*+", "60.00 +")
NONE = "DP-1 disconnected (normal left inverted right x axis y axis)\n"

ON = ["--pos", "0x0", "--rotate", "normal", "--primary"]
HDMI = ["--output", "HDMI-1"]


@pytest.mark.parametrize(
    ("listed", "rotation", "change"),
    [
        (LISTED, 0, []),
        (RIGHT, 90, []),
        (NONE, 90, []),
        ("", 0, []),
        (OFF, 0, [*HDMI, "--auto", *ON]),
        (LISTED, 90, [*HDMI, "--pos", "0x0", "--rotate", "right", "--primary"]),
        (RIGHT, 0, [*HDMI, *ON]),
        (SECOND, 0, ["--output", "DP-1", "--off", *HDMI, *ON]),
        (PULLED, 0, [*HDMI, "--off", "--output", "eDP-1", "--auto", *ON]),
        (OTHER_MODES, 0, [*HDMI, "--auto", *ON]),
    ],
    ids=[
        "as it has to be",
        "turned as it has to be",
        "nothing is plugged in",
        "nothing is listed",
        "the monitor came later than the kiosk",
        "not turned",
        "turned",
        "a second monitor",
        "the monitor is pulled and another is there",
        "another monitor in the same socket",
    ],
)
def test_one_monitor_is_on_and_turned(listed: str, rotation: Rotation, change: list[str]) -> None:
    assert arrangement(list(outputs(listed)), rotation) == change


TOUCHED = """\
⎡ Virtual core pointer                    \tid=2\t[master pointer  (3)]
\t\tTouch mode: direct
⎜   ↳ A mouse                                 \tid=9\t[slave  pointer  (2)]
\t\tClass originated from: 9. Type: XIButtonClass
⎜   ↳ A touch pad                             \tid=10\t[slave  pointer  (2)]
\t\tTouch mode: dependent
⎜   ↳ A touch screen                          \tid=11\t[slave  pointer  (2)]
\t\tReporting 6 classes:
\t\tTouch mode: direct
\t\tMax number of touches: 10
"""


def test_only_what_is_touched_where_it_shows_is_turned() -> None:
    assert list(touch_screens(TOUCHED)) == ["11"]


@pytest.mark.parametrize(
    ("rotation", "panel", "seen"),
    [
        (0, (0.2, 0.1), (0.2, 0.1)),
        # The top left corner of what is seen lies in the panel's top right corner.
        (90, (1, 0), (0, 0)),
        (90, (0, 0), (0, 1)),
        (180, (1, 1), (0, 0)),
        (270, (0, 1), (0, 0)),
        (270, (0, 0), (1, 0)),
    ],
)
def test_a_touch_falls_where_the_picture_is(
    rotation: Rotation, panel: tuple[float, float], seen: tuple[float, float]
) -> None:
    a, b, c, d, e, f, *last = MATRICES[rotation]
    x, y = panel
    assert (a * x + b * y + c, d * x + e * y + f) == seen
    assert last == [0, 0, 1]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs take the place of X's. Each writes what it was asked for to `asked`,
    and answers with the file of its name and first word."""
    for name in ("xrandr", "xinput"):
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\ncd {tmp_path}\necho {name} "$@" >> asked\n'
            f'[ ! -e fails ] || {{ echo "no way" >&2; exit 1; }}\n'
            f'cat "{name}$1" 2>/dev/null || true\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def asked(programs: Path) -> list[str]:
    lines = (programs / "asked").read_text().splitlines()
    (programs / "asked").unlink()
    return lines


@pytest.mark.process
def test_a_touch_screen_that_comes_back_is_turned_again(programs: Path) -> None:
    (programs / "xrandr--current").write_text(RIGHT)
    (programs / "xinputlist").write_text(TOUCHED)
    (programs / "xinputlist-props").write_text("\tCoordinate Transformation Matrix (1):\t1.0\n")
    monitor = Monitor(90)
    turned = "xinput set-prop 11 Coordinate Transformation Matrix 0 1 0 -1 0 1 0 0 1"
    assert asked(programs)[-1] == turned
    told = "0.000000, 1.000000, 0.000000, -1.000000, 0.000000, 1.000000"
    (programs / "xinputlist-props").write_text(
        f"\tCoordinate Transformation Matrix (1):\t{told}, 0.000000, 0.000000, 1.000000\n"
    )
    monitor.look()
    assert turned not in asked(programs)


@pytest.mark.process
def test_what_does_not_work_is_tried_and_said_once(
    programs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (programs / "xrandr--current").write_text(SECOND)
    monitor = Monitor(0)
    assert asked(programs)[1].startswith("xrandr --output DP-1 --off")
    monitor.look()
    assert asked(programs) == ["xrandr --current"]
    (programs / "fails").touch()
    monitor.look()
    monitor.look()
    assert caplog.text.count("the monitor is left as it is: no way") == 1


@pytest.mark.process
def test_the_same_second_monitor_is_switched_off_each_time_that_it_comes(programs: Path) -> None:
    listed = programs / "xrandr--current"
    listed.write_text(SECOND)
    monitor = Monitor(0)
    listed.write_text(LISTED)
    monitor.look()
    asked(programs)
    listed.write_text(SECOND)
    monitor.look()
    assert asked(programs)[1].startswith("xrandr --output DP-1 --off")


@pytest.mark.process
def test_a_touch_does_not_follow_a_picture_that_cannot_be_turned(programs: Path) -> None:
    (programs / "xrandr--current").write_text(LISTED)
    (programs / "xinputlist").write_text(TOUCHED)
    monitor = Monitor(90)
    monitor.look()
    assert not any(line.startswith("xinput") for line in asked(programs))


@pytest.mark.process
def test_without_xs_programs_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    Monitor(0)
    assert "xrandr: No such file" in caplog.text


@pytest.mark.process
def test_a_server_of_its_own_has_no_window_manager(qapp: QGuiApplication) -> None:
    if qapp.platformName() != "xcb":
        pytest.skip("needs an X server")
    assert has_server_for_itself()


@pytest.mark.process
def test_what_xrandr_says_of_a_real_server_is_understood(qapp: QGuiApplication) -> None:
    if qapp.platformName() != "xcb":
        pytest.skip("needs an X server")
    try:
        listed = subprocess.run(["xrandr", "--current"], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("needs xrandr")
    found = list(outputs(listed.stdout))
    assert found
    assert arrangement(found, 0) == []
