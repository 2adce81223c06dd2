"""The staff area tells what is wrong with the cameras, and what to write in their addresses."""

from typing import cast

import pytest

from hardware.camera import Mounting
from hardware.camera.feed import Feed, Streaming
from hardware.faults import TemporaryFault
from kiosk.screens import Check, Finding, Health, Part
from kiosk.visits.maintain import camera_check, mounting_check


class Source:
    name = "/dev/video0"


class Feeding:
    """A feed that delivers, with or without too few pictures."""

    state = Streaming()
    source = Source()

    def __init__(self, too_few: TemporaryFault | None) -> None:
        self.too_few = too_few


def test_too_few_pictures_are_told_though_the_camera_delivers() -> None:
    fault = TemporaryFault("Too few pictures: 5.0 a second.", "Give it more light.")
    slow, well = (camera_check(Part.CAMERA, cast(Feed, Feeding(each))) for each in (fault, None))
    assert slow == Check(
        Part.CAMERA,
        Health.BROKEN,
        Finding.FAULT,
        ("Too few pictures: 5.0 a second.", "Give it more light."),
    )
    assert well.health is Health.GOOD


def test_a_hand_is_asked_for_until_one_was_shown() -> None:
    asked = mounting_check(Mounting(), None)
    assert (asked.health, asked.finding) == (Health.BUSY, Finding.PALM_WANTED)
    assert mounting_check(Mounting(), Mounting()).health is Health.GOOD


@pytest.mark.parametrize(
    ("now", "correction", "seen", "write"),
    [
        (Mounting(), Mounting(180), "upside down", "rotate=180"),
        (Mounting(), Mounting(90), "sideways", "rotate=90"),
        (Mounting(), Mounting(0, True), "mirrored", "mirror=1"),
        (Mounting(), Mounting(180, True), "upside down and mirrored", "rotate=180&mirror=1"),
        (Mounting(90), Mounting(180), "upside down", "rotate=270"),
        (Mounting(0, True), Mounting(90), "sideways", "rotate=90&mirror=1"),
        (Mounting(90), Mounting(0, True), "mirrored", "rotate=270&mirror=1"),
    ],
)
def test_a_wrong_mounting_is_told_with_the_options_that_mend_it(
    now: Mounting, correction: Mounting, seen: str, write: str
) -> None:
    check = mounting_check(now, correction)
    assert check.health is Health.BROKEN
    assert check.values == (
        f"A right palm with its fingers up is seen {seen}.",
        f"Write {write} in the camera's address and restart the kiosk.",
    )


def test_options_that_are_too_much_are_to_be_taken_out() -> None:
    check = mounting_check(Mounting(180), Mounting(180))
    assert check.health is Health.BROKEN
    assert str(check.values[1]).startswith("Take rotate and mirror out")
