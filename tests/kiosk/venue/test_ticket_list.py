"""What the downloaded list says of a ticket, as a table."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kiosk.venue.ticket_list import (
    Listed,
    ListRules,
    Passage,
    Status,
    TicketList,
    contradiction,
    refusal,
)
from kiosk.venue.venue import Reason, Refused
from protocol.entry import Ticket
from protocol.messages import Direction
from tests.support.clocks import NOON

ENTRY, EXIT = Direction.ENTRY, Direction.EXIT
PAID = Listed(1, 1, None, Status.PAID, False, False, None, None, False, False, frozenset(), ())
RULES = ListRules(frozenset({1}), entry_after_exit=False)
HOUR = timedelta(hours=1)


def entered(at: datetime, device: int | None = None) -> Passage:
    return Passage(ENTRY, at, "Gate B", device)


def left(at: datetime) -> Passage:
    return Passage(EXIT, at, "Gate B")


@pytest.mark.parametrize(
    ("listed", "rules", "reason"),
    [
        (PAID, RULES, None),
        (PAID, ListRules(None), None),
        (replace(PAID, status=Status.CANCELLED), RULES, Reason.CANCELLED),
        (replace(PAID, status=Status.EXPIRED), RULES, Reason.CANCELLED),
        (replace(PAID, blocked=True), RULES, Reason.BLOCKED),
        (replace(PAID, status=Status.PENDING), RULES, Reason.UNPAID),
        (replace(PAID, status=Status.PENDING, valid_if_pending=True), RULES, None),
        (
            replace(PAID, status=Status.PENDING, needs_approval=True),
            RULES,
            Reason.NOT_APPROVED,
        ),
        (replace(PAID, product=2), RULES, Reason.WRONG_LIST),
        (PAID, replace(RULES, subevent=4), Reason.WRONG_LIST),
        (replace(PAID, subevent=4), replace(RULES, subevent=4), None),
        (PAID, replace(RULES, own_rules=True), Reason.RULES),
        (PAID, replace(RULES, questions={1: frozenset({9})}), Reason.QUESTIONS),
        (
            replace(PAID, answered=frozenset({9})),
            replace(RULES, questions={1: frozenset({9})}),
            None,
        ),
        (PAID, replace(RULES, exchanged=frozenset({1})), Reason.QUESTIONS),
    ],
)
def test_an_entry(listed: Listed, rules: ListRules, reason: Reason | None) -> None:
    refused = refusal(listed, rules, ENTRY, NOON)
    assert (None if refused is None else refused.reason) is reason


def test_validity_is_told_with_its_time() -> None:
    early = replace(PAID, valid_from=NOON + HOUR)
    late = replace(PAID, valid_until=NOON - HOUR)
    assert refusal(early, RULES, ENTRY, NOON) == Refused(Reason.NOT_YET_VALID, NOON + HOUR)
    assert refusal(late, RULES, ENTRY, NOON) == Refused(Reason.EXPIRED, NOON - HOUR)
    assert refusal(late, RULES, EXIT, NOON) is None, "whoever is inside gets out"


@pytest.mark.parametrize(
    ("passages", "rules", "reason"),
    [
        ([entered(NOON)], RULES, Reason.ALREADY_USED),
        ([entered(NOON)], replace(RULES, several_entries=True), None),
        ([entered(NOON), left(NOON + HOUR)], RULES, Reason.ALREADY_USED),
        ([entered(NOON), left(NOON + HOUR)], replace(RULES, entry_after_exit=True), None),
        ([left(NOON)], RULES, None),
        (
            [left(NOON + HOUR), entered(NOON), entered(NOON + 2 * HOUR)],
            replace(RULES, entry_after_exit=True),
            Reason.ALREADY_USED,
        ),
    ],
)
def test_a_second_entry(passages: list[Passage], rules: ListRules, reason: Reason | None) -> None:
    half = len(passages) // 2
    known = replace(PAID, passages=tuple(passages[:half]))
    refused = refusal(known, rules, ENTRY, NOON + 3 * HOUR, passages[half:])
    assert (None if refused is None else refused.reason) is reason
    assert refusal(known, rules, EXIT, NOON + 3 * HOUR, passages[half:]) is None


@pytest.mark.parametrize(
    ("others", "contradicted"),
    [
        ([], None),
        ([entered(NOON - HOUR, 2)], NOON - HOUR),
        ([entered(NOON + HOUR, 2)], NOON + HOUR),
        ([left(NOON + HOUR), entered(NOON + 2 * HOUR, 2)], None),
        # pretix had taken it already, and dated it itself.
        ([entered(NOON + timedelta(seconds=1), 1)], None),
    ],
)
def test_an_upload(others: list[Passage], contradicted: datetime | None) -> None:
    rules = replace(RULES, entry_after_exit=True)
    listed = replace(PAID, passages=(*others, entered(NOON, 1)))
    refused = contradiction(listed, rules, ENTRY, NOON, 1)
    assert (None if refused is None else refused.at) == contradicted


def test_an_add_on_is_not_looked_for_without_pretix() -> None:
    unknown = TicketList(RULES, {}, NOON, {"known": PAID})
    by_add_on = TicketList(replace(RULES, by_add_on=True), {}, NOON, {})
    assert unknown.find(Ticket(code="known")) is PAID
    assert unknown.find(Ticket(code="other")) == Refused(Reason.UNKNOWN)
    assert by_add_on.find(Ticket(code="other")) == Refused(Reason.UNDECIDED)
