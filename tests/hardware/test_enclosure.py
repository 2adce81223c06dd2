"""The contact of the enclosure: the kernel's file is a file of the test."""

from pathlib import Path

import pytest

from hardware.enclosure import SimulatedContact, contact_at
from hardware.faults import BadAddress, TemporaryFault


def test_without_an_address_there_is_no_contact() -> None:
    assert contact_at(None) is None


def test_the_kernels_alarm_is_read_anew_each_time(tmp_path: Path) -> None:
    alarm = tmp_path / "intrusion0_alarm"
    contact = contact_at(f"hwmon:{alarm}")
    assert contact is not None
    for held, opened in (("0\n", False), ("1\n", True), ("0\n", False)):
        alarm.write_text(held)
        assert contact.was_opened() is opened


@pytest.mark.parametrize("held", [None, "", "2\n", "open\n", "ä"])
def test_what_is_no_alarm_is_told_to_the_operator(tmp_path: Path, held: str | None) -> None:
    alarm = tmp_path / "intrusion0_alarm"
    if held is not None:
        alarm.write_text(held, encoding="utf-8")
    contact = contact_at(f"hwmon:{alarm}")
    assert contact is not None
    with pytest.raises(TemporaryFault, match="intrusion0_alarm"):
        contact.was_opened()


@pytest.mark.parametrize(
    "address", ["hwmon:", "hwmon:alarm", "hwmon:/a?b=1", "gpio:17", "sim:?x=1"]
)
def test_an_address_that_names_no_contact_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        contact_at(address)


def test_a_simulated_contact_stays_opened_until_it_is_reset() -> None:
    contact = contact_at("sim:")
    assert isinstance(contact, SimulatedContact)
    assert not contact.was_opened()
    contact.open()
    assert contact.was_opened()
    contact.reset()
    assert not contact.was_opened()
