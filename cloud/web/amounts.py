"""Amounts from which on a recognised palm alone does not pay: as the service's settings, a merchant
and one of its sites say.

The strictest counts, so that nobody takes back what was demanded above them. What a merchant or a
site has said counts in one currency: in another one, it is as if they had said nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import held
from cloud.settings import Settings
from cloud.web.signed_request import Call
from cloud.web.tables import AmountsRow
from protocol.messages import MOST_MINOR, Money


class Demand(StrEnum):
    """What is demanded of a payment, by the column that holds its amount."""

    PULSE = "pulse_above"
    DIGITS = "digits_above"
    STAFF = "staff_above"
    TOUCH = "unconfirmed_below"
    """Unlike the others it holds from its amount on, and where nobody has said it the kiosk's own
    settings do."""


class SaidBy(StrEnum):
    SERVICE = "service"
    MERCHANT = "merchant"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Said:
    """An amount, in the minor unit, and who has said it."""

    minor: int
    by: SaidBy


@dataclass(frozen=True, slots=True)
class Place:
    """A merchant, or one of its sites."""

    merchant_id: str
    site_id: str | None = None

    @property
    def scope(self) -> str:
        """`cloud.web.tables.AmountsRow.scope`."""
        return f"merchant {self.merchant_id}" if self.site_id is None else f"site {self.site_id}"

    @property
    def above(self) -> "Place | None":
        """Returns the merchant of a site; None for a merchant."""
        return None if self.site_id is None else Place(self.merchant_id)


class TooLax(ValueError):
    """An amount is larger than one that is demanded above its place, and would not count."""

    def __init__(self, demand: Demand, said: Said) -> None:
        super().__init__(f"{demand} is {said.minor} for the {said.by} already: it can be lowered")
        self.demand = demand
        self.said = said


async def said_at(session: AsyncSession, place: Place, currency: str) -> Mapping[Demand, int]:
    """Returns what a merchant, or a site, has said itself."""
    row = await session.get(AmountsRow, place.scope)
    return _amounts(row, currency)


async def in_force(
    session: AsyncSession, chosen: Settings, place: Place | None, currency: str
) -> Mapping[Demand, Said]:
    """Returns the amounts that hold at a place: the strictest of those that the service, the
    merchant and the site have said. Without a place it returns those of the service. What nobody
    has said is left out."""
    said = [(SaidBy.SERVICE, _of_service(chosen, currency))]
    if place is not None:
        by = {place.scope: SaidBy.MERCHANT if place.site_id is None else SaidBy.SITE}
        if place.above is not None:
            by = {place.above.scope: SaidBy.MERCHANT} | by
        found = await session.scalars(select(AmountsRow).where(AmountsRow.scope.in_(by)))
        rows = {row.scope: row for row in found}
        said += [(who, _amounts(rows.get(scope), currency)) for scope, who in by.items()]
    strictest: dict[Demand, Said] = {}
    for who, amounts in said:
        for demand, minor in amounts.items():
            if demand not in strictest or minor < strictest[demand].minor:
                strictest[demand] = Said(minor, who)
    return strictest


async def demanded(call: Call, amount: Money) -> frozenset[Demand]:
    """Returns what is demanded of a payment of this amount at the calling device."""
    device = await call.device()
    place = Place(device.merchant_id, device.site_id)
    holding = await in_force(call.session, call.context.settings, place, amount.currency)
    return frozenset(
        demand
        for demand, said in holding.items()
        if demand is not Demand.TOUCH and amount.minor > said.minor
    )


async def change(
    session: AsyncSession,
    chosen: Settings,
    place: Place,
    currency: str,
    values: Mapping[Demand, int | None],
) -> None:
    """Sets amounts of a merchant or a site, in the minor unit of the merchant's currency; None
    takes one away. Raises TooLax, and ValueError for what is no amount."""
    above = await in_force(session, chosen, place.above, currency)
    for demand, minor in values.items():
        if minor is not None and not 0 <= minor <= MOST_MINOR:
            raise ValueError(f"{demand} is an amount from 0 to {MOST_MINOR} in the minor unit")
        if minor is not None and demand in above and minor > above[demand].minor:
            raise TooLax(demand, above[demand])
    row = await held(session, AmountsRow, place.scope)
    if row is None:
        row = AmountsRow(scope=place.scope, currency=currency)
        session.add(row)
    if row.currency != currency:
        row.currency = currency
        values = dict.fromkeys(Demand) | dict(values)
    for demand, minor in values.items():
        setattr(row, demand, minor)
    await session.flush()


def _of_service(chosen: Settings, currency: str) -> Mapping[Demand, int]:
    limits = {
        Demand.PULSE: chosen.pulse_limit(currency),
        Demand.DIGITS: chosen.digits_limit(currency),
        Demand.STAFF: chosen.staff_limit(currency),
    }
    return {demand: limit for demand, limit in limits.items() if limit is not None}


def _amounts(row: AmountsRow | None, currency: str) -> Mapping[Demand, int]:
    if row is None or row.currency != currency:
        return {}
    found = {demand: getattr(row, demand) for demand in Demand}
    return {demand: minor for demand, minor in found.items() if minor is not None}
