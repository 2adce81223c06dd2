"""The check-in list as it was downloaded, and what it says of a ticket while pretix is away.

It is kept in memory alone, because whoever knows a ticket's secret can use the ticket. The
decisions are those of pretix's own check-in (`perform_checkin` in `pretix.base.services.checkin`,
2026.8) in the same order. What cannot be told without pretix is refused: lists with rules of their
own, tickets that are exchanged for a wristband, and tickets that only name an add-on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from kiosk.venue.venue import Reason, Refused
from protocol.entry import Ticket
from protocol.messages import Direction

SAME = timedelta(minutes=2)
"""Two passages of a ticket in one direction at one gate within this time are the same one."""


class Status(StrEnum):
    """The status of an order, as pretix writes it."""

    PENDING = "n"
    PAID = "p"
    EXPIRED = "e"
    CANCELLED = "c"


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody went through a gate."""

    direction: Direction
    at: datetime
    gate: str | None
    """The gate's name; None if it is not known."""
    device: int | None = None
    """The number of the device in pretix; None for one that pretix has not told."""


@dataclass(frozen=True, slots=True)
class ListRules:
    """What a check-in list allows."""

    products: frozenset[int] | None
    """The products that it lets in; None for all."""
    subevent: int | None = None
    """The date of a series that it is for; None for all."""
    several_entries: bool = False
    entry_after_exit: bool = True
    own_rules: bool = False
    """Whether the organiser has written rules, which only pretix evaluates."""
    by_add_on: bool = False
    """Whether the ticket of a product opens the gate for its add-ons."""
    questions: dict[int, frozenset[int]] = field(default_factory=dict[int, frozenset[int]])
    """The questions that are asked at check-in, by product."""
    exchanged: frozenset[int] = frozenset()
    """The products that staff exchange for a wristband or card."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An order position on the list, with nothing about its holder."""

    id: int
    product: int
    subevent: int | None
    status: Status
    valid_if_pending: bool
    needs_approval: bool
    valid_from: datetime | None
    valid_until: datetime | None
    blocked: bool
    attention: bool
    answered: frozenset[int]
    passages: tuple[Passage, ...]
    """Those on this list, in any order."""


@dataclass(slots=True)
class TicketList:
    """A downloaded list."""

    rules: ListRules
    names: dict[int, str]
    """The products' names."""
    begun: datetime
    """When its download began: of later passages it may know nothing."""
    by_secret: dict[str, Listed] = field(repr=False)
    by_id: dict[int, Listed] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.by_id = {listed.id: listed for listed in self.by_secret.values()}

    def find(self, ticket: Ticket) -> Listed | Refused:
        listed = self.by_secret.get(ticket.code)
        if listed is not None:
            return listed
        return Refused(Reason.UNDECIDED if self.rules.by_add_on else Reason.UNKNOWN)


def refusal(
    listed: Listed,
    rules: ListRules,
    direction: Direction,
    at: datetime,
    also: Iterable[Passage] = (),
) -> Refused | None:
    """Returns why a position may not pass at that time, None when it may. `also` are passages that
    the list does not know yet."""
    return (
        _refusal_of_the_order(listed, direction, at)
        or _refusal_of_the_list(listed, rules, direction)
        or refusal_after(direction, rules, [*listed.passages, *also])
    )


def _refusal_of_the_order(listed: Listed, direction: Direction, at: datetime) -> Refused | None:
    enters = direction is Direction.ENTRY
    if listed.status not in (Status.PAID, Status.PENDING):
        return Refused(Reason.CANCELLED)
    if listed.blocked:
        return Refused(Reason.BLOCKED)
    if listed.status is Status.PENDING and listed.needs_approval:
        return Refused(Reason.NOT_APPROVED)
    if enters and listed.valid_from is not None and listed.valid_from > at:
        return Refused(Reason.NOT_YET_VALID, listed.valid_from)
    if enters and listed.valid_until is not None and listed.valid_until < at:
        return Refused(Reason.EXPIRED, listed.valid_until)
    return None


def _refusal_of_the_list(listed: Listed, rules: ListRules, direction: Direction) -> Refused | None:
    enters = direction is Direction.ENTRY
    other_product = rules.products is not None and listed.product not in rules.products
    other_date = rules.subevent is not None and listed.subevent != rules.subevent
    if other_product or other_date:
        return Refused(Reason.WRONG_LIST)
    if listed.status is not Status.PAID and not listed.valid_if_pending:
        return Refused(Reason.UNPAID)
    if enters and rules.own_rules:
        return Refused(Reason.RULES)
    asked = rules.questions.get(listed.product, frozenset[int]()) - listed.answered
    if (enters and asked) or listed.product in rules.exchanged:
        return Refused(Reason.QUESTIONS)
    return None


def refusal_after(
    direction: Direction, rules: ListRules, passages: list[Passage]
) -> Refused | None:
    """Returns why nobody may pass in this direction after these passages with the same ticket."""
    entries = [passage for passage in passages if passage.direction is Direction.ENTRY]
    if direction is Direction.EXIT or rules.several_entries or not entries:
        return None
    last = max(passages, key=lambda passage: passage.at)
    if rules.entry_after_exit and last.direction is Direction.EXIT:
        return None
    used = max(entries, key=lambda passage: passage.at)
    return Refused(Reason.ALREADY_USED, used.at, used.gate)


def contradiction(
    listed: Listed, rules: ListRules, direction: Direction, at: datetime, device: int
) -> Refused | None:
    """Returns why pretix would have refused a passage that this device made while it was away, None
    when it would not. `listed` is the position with that passage among its own."""
    # pretix has taken it with its own time, if the request did arrive at the gate's time already.
    ours = [
        passage
        for passage in listed.passages
        if passage.device == device
        and passage.direction is direction
        and abs(passage.at - at) < SAME
    ]
    others = [passage for passage in listed.passages if passage not in ours]
    before = [passage for passage in others if passage.at <= at]
    refused = refusal(replace(listed, passages=tuple(before)), rules, direction, at)
    after = min((p for p in others if p.at > at), key=lambda passage: passage.at, default=None)
    if refused is not None or after is None or after.direction is Direction.EXIT:
        return refused
    # Another gate has let the same ticket in afterwards, without knowing of this passage.
    this = Passage(direction, at, None)
    again = refusal_after(after.direction, rules, [*before, this])
    return None if again is None else Refused(Reason.ALREADY_USED, after.at, after.gate)
