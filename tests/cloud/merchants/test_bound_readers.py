"""A card reader belongs to one device: no other can use it, and it stays where it stands."""

import secrets

import pytest

from protocol.messages import AtReader, CardReading, ProblemType, Reader, ReaderFault
from tests.support.device import Refused, TestDevice
from tests.support.served import Served
from tests.support.stripe_api import stripe_in_place_of_the_sandbox
from tests.support.stripe_readers import READER, StripeWithReaders


@pytest.fixture
def reader(served: Served, kiosk: TestDevice) -> str:
    """A reader that is bound to the device."""
    name = f"tmr_{secrets.token_hex(8)}"
    served.bind(kiosk, name)
    return name


def knows(device: TestDevice, reader: str) -> bool:
    """Returns whether a reader is the device's."""
    return device.send("GET", f"/readers/{reader}").status_code == 200


def test_another_device_of_the_same_merchant_does_not_know_the_reader(
    served: Served, kiosk: TestDevice, reader: str
):
    assert knows(kiosk, reader)
    assert not knows(served.kiosk(), reader)


def test_another_device_cannot_have_it_read_a_card(served: Served, kiosk: TestDevice):
    served.bind(kiosk, READER)
    other = served.kiosk()
    path = f"/enrolments/{other.verified_enrolment()}/card/readings"
    with stripe_in_place_of_the_sandbox(served, StripeWithReaders()) as api:
        with pytest.raises(Refused) as refused:
            other.post(path, AtReader(reader=READER), CardReading)
        assert refused.value.problem.type is ProblemType.NOT_FOUND
        assert api.asked == []
    served.bind(kiosk, None)


def test_a_reader_that_is_bound_anew_is_lost_by_the_device_before(
    served: Served, kiosk: TestDevice, reader: str
):
    other = served.kiosk()
    served.bind(other, reader)
    assert (knows(kiosk, reader), knows(other, reader)) == (False, True)


def test_a_device_that_takes_anothers_place_gets_its_reader(
    served: Served, kiosk: TestDevice, reader: str
):
    other = served.device()
    other.activate(served.activation_code(replaces=kiosk.id))
    assert knows(other, reader)


def test_a_device_that_has_come_to_another_merchant_is_not_replaced_and_keeps_its_reader(
    served: Served, kiosk: TestDevice, reader: str
):
    code = served.activation_code(replaces=kiosk.id)
    kiosk.activate(served.activation_code(served.merchant()))
    served.bind(kiosk, reader)
    other = served.device()
    other.activate(code)
    assert (knows(kiosk, reader), knows(other, reader)) == (True, False)


def test_a_device_that_is_activated_again_keeps_its_reader_where_it_stays(
    served: Served, kiosk: TestDevice, reader: str
):
    kiosk.activate(served.activation_code())
    assert knows(kiosk, reader)
    kiosk.activate(served.activation_code(served.merchant()))
    assert not knows(kiosk, reader)


def test_the_sandbox_has_no_readers_and_says_so(kiosk: TestDevice, reader: str):
    assert kiosk.get(f"/readers/{reader}", Reader).fault is ReaderFault.SIMULATED
    path = f"/enrolments/{kiosk.verified_enrolment()}/card/readings"
    with pytest.raises(Refused) as refused:
        kiosk.post(path, AtReader(reader=reader), CardReading)
    problem = refused.value.problem
    assert (problem.type, problem.reader) == (
        ProblemType.READER_UNAVAILABLE,
        ReaderFault.SIMULATED,
    )
