"""Tickets that people link to their palm."""

import pytest

from cloud.entry.doors import DoorKind
from cloud.entry.tickets import TICKETS
from protocol.entry import Admission, Entry, EntryRefusal, EntryRequest, Ticket, Tickets
from protocol.messages import ProblemType, Purpose
from tests.cloud.merchants.test_merchants import agree
from tests.support.device import Refused, TestDevice
from tests.support.served import Served
from tests.support.sites import Site, show_palm, tell

TONIGHT, NEXT_WEEK = Ticket(code="nsmgdm2ur5vkj9ahz3e5"), Ticket(code="8xwtvq4bzk6d")


@pytest.fixture
def gate(kiosk: TestDevice, site: Site, who: str) -> TestDevice:
    """A gate of the venue's, at which somebody has agreed to use their palm."""
    kiosk.sign_up(who)
    gate = site.gate(kind=DoorKind.VENUE)
    agree(gate, gate.identify(who, Purpose.ENTER))
    return gate


def link(device: TestDevice, who: str, ticket: Ticket) -> int:
    path = f"/identifications/{device.recognised(who, Purpose.ENTER)}/tickets"
    return device.post(path, ticket, Tickets).count


def test_without_a_ticket_nobody_is_redeemed(gate: TestDevice, who: str):
    assert show_palm(gate, who).refusal is EntryRefusal.NO_TICKET


def test_who_links_a_ticket_at_the_gate_is_let_in_with_it(gate: TestDevice, who: str):
    request = EntryRequest(identification_id=gate.recognised(who, Purpose.ENTER))
    without = gate.post("/entries", request, Entry)
    path = f"/identifications/{request.identification_id}/tickets"
    gate.post(path, TONIGHT, Tickets)
    entry = gate.post("/entries", request, Entry)
    assert (entry.entry_id, entry.admission) == (without.entry_id, Admission.REDEEM)
    assert entry.tickets == [TONIGHT.code]


def test_the_venues_system_is_asked_about_the_newest_ticket_first(
    served: Served, gate: TestDevice, who: str
):
    assert link(gate, who, TONIGHT) == 1
    assert link(gate, who, NEXT_WEEK) == 2
    entry = show_palm(gate, who)
    assert entry.admission is Admission.REDEEM
    assert set(entry.tickets) == {TONIGHT.code, NEXT_WEEK.code}


def test_a_ticket_that_is_linked_twice_is_one(gate: TestDevice, who: str):
    assert link(gate, who, TONIGHT) == 1
    assert link(gate, who, TONIGHT) == 1


def test_a_merchants_gates_are_shown_its_own_tickets_alone(
    served: Served, gate: TestDevice, who: str
):
    link(gate, who, TONIGHT)
    elsewhere = Site(served, served.merchant(name="Arena")).gate(kind=DoorKind.VENUE)
    agree(elsewhere, elsewhere.identify(who, Purpose.ENTER))
    assert show_palm(elsewhere, who).refusal is EntryRefusal.NO_TICKET


def test_a_person_has_so_many_tickets_at_the_most(gate: TestDevice, who: str):
    for number in range(TICKETS):
        link(gate, who, Ticket(code=f"ticket-{number}"))
    with pytest.raises(Refused) as refused:
        link(gate, who, TONIGHT)
    assert refused.value.problem.type is ProblemType.TOO_MANY_TICKETS


def test_no_card_number_is_taken_for_a_ticket(gate: TestDevice, who: str):
    path = f"/identifications/{gate.recognised(who, Purpose.ENTER)}/tickets"
    sent = gate.send("POST", path, b'{"code":"4242424242424242"}')
    assert sent.status_code == 422
    assert "4242" not in sent.text


def test_who_was_let_in_by_the_venue_is_inside(site: Site, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    gate = site.gate(kind=DoorKind.VENUE, area="Stand")
    agree(gate, gate.identify(who, Purpose.ENTER))
    link(gate, who, TONIGHT)
    entry: Entry = show_palm(gate, who)
    tell(gate, entry, passed=True)
    assert show_palm(gate, who).refusal is EntryRefusal.ALREADY_IN
