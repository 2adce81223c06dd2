"""Which version a kiosk is told to run."""

import pytest
from pydantic import ValidationError

from protocol.rollout import Build, Rollout, order, place_of

DEVICES = [f"device-{number}" for number in range(2000)]


def rollout(**rings: int) -> Rollout:
    """Returns a rollout in which v0_2_0=10 has 0.2.0 given to 10 percent."""
    return Rollout(
        builds={
            name[1:].replace("_", "."): Build(ring=ring, unpacked=1) for name, ring in rings.items()
        }
    )


def test_a_ring_holds_about_its_share_of_the_kiosks_and_all_of_the_smaller_ring():
    takers = {
        ring: {device for device in DEVICES if rollout(v0_2_0=ring).wanted(device)}
        for ring in (1, 10, 100)
    }
    assert takers[1] < takers[10] < takers[100] == set(DEVICES)
    assert 2 <= len(takers[1]) <= 60
    assert 120 <= len(takers[10]) <= 280
    assert {place_of(device) for device in DEVICES} == set(range(100))


def test_each_kiosk_takes_the_newest_version_that_its_ring_has():
    told = rollout(v0_9_0=100, v0_10_0=10)
    for device in DEVICES:
        assert told.wanted(device) == ("0.10.0" if place_of(device) < 10 else "0.9.0")


def test_no_version_is_wanted_while_it_is_paused_and_one_while_it_is_pinned():
    told = rollout(v0_2_0=100, v0_3_0=100)
    pinned = told.model_copy(update={"pinned": "0.2.0"})
    assert {pinned.wanted(device) for device in DEVICES} == {"0.2.0"}
    paused = pinned.model_copy(update={"paused": True})
    assert {paused.wanted(device) for device in DEVICES} == {None}


def test_versions_are_compared_by_their_numbers():
    assert order("0.10.0") > order("0.9.12") > order("0.9.2")


@pytest.mark.parametrize(
    "version", ["1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-rc1", "../1.2", "1.2.x"]
)
def test_what_is_no_version_is_refused(version: str):
    with pytest.raises(ValidationError):
        Rollout.model_validate({"builds": {version: {"ring": 1, "unpacked": 1}}})
