"""What a person has at doors goes with them, and with their agreement at a merchant."""

import pytest

from cloud.entry.access import Access
from cloud.entry.tables import AccessRow, EntryRow, PresenceRow, TicketRow
from cloud.jobs.errands import run_errands
from cloud.people.deletions import remains_of
from protocol.entry import Ticket, Tickets
from protocol.messages import DeletionReceipt, DeletionRequest, Holdings, Purpose
from tests.cloud.merchants.test_merchants import agree
from tests.support.device import TestDevice, fresh_phone
from tests.support.served import Served
from tests.support.sites import Site, show_palm

TABLES = (AccessRow, EntryRow, PresenceRow, TicketRow)


@pytest.fixture
def gate(kiosk: TestDevice, site: Site, who: str) -> TestDevice:
    """A gate whose area somebody is in, who has access and a ticket there."""
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    gate = site.gate(area="Stand")
    agree(gate, gate.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001"))
    path = f"/identifications/{gate.recognised(who, Purpose.ENTER)}/tickets"
    gate.post(path, Ticket(code="nsmgdm2ur5vkj9ahz3e5"), Tickets)
    show_palm(gate, who)
    return gate


def rows(served: Served) -> list[int]:
    return [served.count(table) for table in TABLES]


def test_it_is_shown_before_a_deletion(gate: TestDevice, who: str):
    found = gate.recognised(who, Purpose.LEAVE)
    held = gate.get(f"/identifications/{found}/holdings", Holdings)
    assert (held.sites, held.tickets) == (1, 1)


def test_a_deletion_erases_it_and_says_so(served: Served, gate: TestDevice, who: str):
    before = rows(served)
    request = DeletionRequest(identification_id=gate.recognised(who, Purpose.LEAVE))
    receipt = gate.post("/deletions", request, DeletionReceipt)
    assert rows(served) == [count - 1 for count in before]
    assert "your tickets: 1" in receipt.erased
    assert "what sites have given you to pass their doors with: 1" in receipt.erased
    served.do(run_errands(served.context))
    assert served.do(remains_of(receipt.receipt_id, served.state, served.database)) == []


def test_who_withdraws_from_the_merchant_has_nothing_there_any_more(
    served: Served, gate: TestDevice, who: str
):
    before = rows(served)
    found = gate.recognised(who, Purpose.LEAVE)
    receipt = gate.post(f"/identifications/{found}/withdrawal", None, DeletionReceipt)
    assert rows(served) == [count - 1 for count in before]
    assert "your tickets there" in receipt.erased
    assert "what you had been given to pass doors there, and when you passed them" in receipt.erased
