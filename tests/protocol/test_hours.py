"""The hours of doors, as operators write them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from protocol.hours import Hours

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours.parse("mon-fri 07:00-19:00; sat 09:00-13:00, 14:00-16:00")


def at(text: str) -> datetime:
    """Returns a time of a week in March 2027, in which Monday is the first."""
    return datetime.fromisoformat(f"2027-03-{text}").replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("01 06:59", False),
        ("01 07:00", True),
        ("01 18:59", True),
        ("01 19:00", False),
        ("06 12:59", True),
        ("06 13:30", False),
        ("06 15:00", True),
        ("07 12:00", False),
    ],
)
def test_a_door_is_open_on_its_days_at_its_times(when: str, is_open: bool):
    assert OFFICE.are_open(at(when), BERLIN) is is_open


def test_a_time_may_end_on_the_next_day():
    night = Hours.parse("fri 22:00-06:00")
    assert [night.are_open(at(when), BERLIN) for when in ("05 21:59", "05 23:00", "06 05:59")] == [
        False,
        True,
        True,
    ]
    assert not night.are_open(at("06 06:00"), BERLIN)
    assert not night.are_open(at("05 03:00"), BERLIN)


@pytest.mark.parametrize("text", ["mon-sun 00:00-24:00", "", "sat-fri 00:00-00:00"])
def test_a_door_may_always_be_open(text: str):
    always = Hours.parse(text)
    assert all(
        always.are_open(at(f"{day:02d} {hour:02d}:30"), BERLIN)
        for day in range(1, 8)
        for hour in range(24)
    )


def test_times_are_those_of_the_site():
    noon_in_berlin = at("01 12:00")
    assert OFFICE.are_open(noon_in_berlin, BERLIN)
    assert not OFFICE.are_open(noon_in_berlin, ZoneInfo("America/Los_Angeles"))


def test_on_a_holiday_nothing_opens_and_a_night_that_began_before_goes_on():
    friday = date(2027, 3, 5)
    assert not OFFICE.are_open(at("05 12:00"), BERLIN, {friday})
    assert not Hours.parse("").are_open(at("05 12:00"), BERLIN, {friday})
    night = Hours.parse("thu-fri 22:00-06:00")
    assert night.are_open(at("05 03:00"), BERLIN, {friday})
    assert not night.are_open(at("05 23:00"), BERLIN, {friday})
    assert not night.are_open(at("06 03:00"), BERLIN, {friday})


def test_on_the_day_on_which_the_clocks_change_the_hours_are_those_that_the_clocks_show():
    early = Hours.parse("sun 06:00-07:00")
    at_six = datetime(2027, 3, 28, 4, 30, tzinfo=ZoneInfo("UTC"))
    assert early.are_open(at_six, BERLIN)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("07:00-19:00", "'07:00-19:00' is not written as days and times"),
        ("mon 7-19", "'7-19' is not a time of the day"),
        ("mon 07:00-25:00", "'07:00-25:00' is not a time of the day"),
        ("mon 07:60-08:00", "'07:60-08:00' is not a time of the day"),
        ("mon 24:00-01:00", "'24:00-01:00' is not a time of the day"),
        ("mo-fr 07:00-19:00", "'mo-fr' names no days"),
        ("mon-fri", "'mon-fri' is not written as days and times"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, told: str):
    with pytest.raises(ValueError, match=told):
        Hours.parse(text)
