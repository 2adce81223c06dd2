"""`./run cloud staff`: doors, sites' clocks and hooks, from the command line."""

from pathlib import Path

import pytest

from cloud.settings import Settings
from protocol.entry import DoorTold
from protocol.messages import Direction, ProblemType
from tests.cloud.test_staff import Staff, staff  # noqa: F401 - a fixture
from tests.support.device import refusal
from tests.support.served import PLAIN, Served


def test_a_door_is_set_listed_and_removed_beside_a_running_service(
    staff: Staff,  # noqa: F811
    tmp_path: Path,
):
    root = tmp_path / "state"
    with Served(root, Settings(recognition=PLAIN)) as served:
        device = served.kiosk()
        words = ("venue", "Gate B", "++exit", "++hours", "fri 18:00-02:00", "++area", "Stand")
        staff("set-door", device.id, *words, state=root)
        told = f"{device.id}\tvenue\texit\tlisted\tfri 18:00-02:00\tStand\t-\tGate B\n"
        assert staff("doors", state=root) == told
        door = device.get("/door", DoorTold)
        assert (door.direction, door.redeems) == (Direction.EXIT, True)
        staff("set-door", device.id, "relay", "North", "++everyone", state=root)
        assert "\trelay\tentry\teveryone\talways\t-\t-\tNorth\n" in staff("doors", state=root)
        staff("remove-door", device.id, state=root)
        assert refusal(device.send("GET", "/door")).type is ProblemType.NOT_FOUND
        assert "stands at no door" in staff("remove-door", device.id, state=root, status=2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-hUu_x", "relay", "North"), "there is no active device -hUu_x"),
        (("x", "controller", "North", "++everyone"), "leave ++everyone out"),
        (("x", "desk", "North", "++everyone"), "leave ++everyone out"),
        (("x", "desk", "North", "++offline", "4"), "++offline is for doors"),
        (("x", "relay", "North", "++everyone", "++offline", "4"), "++offline is for doors"),
        (("x", "relay", "North", "++offline", "25"), "from 1 to 24 hours"),
        (("x", "relay", "North", "++hours", "9 to 5"), "is not written as days and times"),
    ],
)
def test_a_door_that_cannot_be_is_told(
    staff: Staff,  # noqa: F811
    words: tuple[str, ...],
    told: str,
):
    assert told in staff("set-door", *words, status=2)


def test_a_site_has_a_clock(staff: Staff):  # noqa: F811
    assert staff("site-clock", "Europe/Berlin", "2027-12-25").startswith("It is 20")
    for wrong, told in ((("Mars/Base",), "no such time zone"), (("UTC", "25.12."), "2027-12-25")):
        assert told in staff("site-clock", *wrong, status=2)
    assert "there is no nowhere" in staff("site-clock", "UTC", "--site", "nowhere", status=2)


def test_what_nobody_has_is_not_taken(staff: Staff):  # noqa: F811
    for words, told in (
        (("take-access", "A-7"), "nobody who has signed up"),
        (("take-ticket", "first", "t1cket"), "nobody at the merchant has linked this ticket"),
        (
            ("unlink-membership", "first", "FAMILY"),
            "nobody at the merchant has linked this membership",
        ),
    ):
        assert told in staff(*words, status=2)


def test_a_site_is_told_of_check_ins_at_a_safe_address_alone(staff: Staff):  # noqa: F811
    assert staff("site-hook", "https://frontdesk.example/arrivals").startswith("whsec_")
    assert staff("site-hook", "http://127.0.0.1:8080/arrivals").startswith("whsec_")
    assert "begins with https://" in staff("site-hook", "http://shop.example/", status=2)
    assert staff("site-hook", "none") == ""
    assert "no address is set" in staff("site-hook", "none", status=2)


def test_a_list_that_cannot_be_read_is_told(
    staff: Staff,  # noqa: F811
    tmp_path: Path,
):
    staff("merchants")
    assert "cannot be read" in staff("access-list", str(tmp_path / "none.csv"), status=2)
    path = tmp_path / "people.csv"
    path.write_bytes("phone,person\n+14155550101,Jürgen\n".encode("latin-1"))
    assert "not in UTF-8" in staff("access-list", str(path), status=2)
