"""Days that were compared with the payment provider, and the differences between the ledger, the
provider and the tills."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import AwareDatetime

from cloud.console.api.asking import (
    Asked,
    Asker,
    AskerOnce,
    OperatorAsker,
    OperatorAskerOnce,
    operators_router,
    router,
)
from cloud.console.reconciliation import compare_day, compared_days
from cloud.console.roles import Right
from cloud.integrations import paging
from cloud.integrations.asking import Scope
from cloud.payments.reconcile import Compared, Difference, Why
from cloud.policy import Limits
from cloud.providers import ProviderUnavailable
from cloud.web import limits
from cloud.web.problems import Refusal
from protocol.messages import Message, Money, ProblemType

reading: APIRouter = router(Right.RECONCILE, Scope.RECONCILIATION_READ)
reading_all: APIRouter = operators_router(Right.RECONCILE, Scope.RECONCILIATION_READ)
comparing: APIRouter = router(Right.RECONCILE, Scope.RECONCILIATION_WRITE)
comparing_all: APIRouter = operators_router(Right.RECONCILE, Scope.RECONCILIATION_WRITE)


class ComparedDay(Message):
    """A day, in UTC, that was compared, and the outcome of the latest comparison."""

    day: date
    compared_at: AwareDatetime
    things: int
    """How many purchases and refunds were compared."""
    differing: int
    """How many of them differ."""


class ComparedDays(Message):
    days: list[ComparedDay]


class DifferenceTold(Message):
    """A purchase or refund about which the ledger, the payment provider and the till differ."""

    at: AwareDatetime
    kind: Literal["sale", "refund"]
    why: Why
    merchant_id: str | None
    """Null when only the payment provider knows of it."""
    reference: str | None
    """The till's reference of it; null when only the payment provider knows of it."""
    purchase_reference: str | None
    """The till's reference of the purchase itself or, for a refund, of its purchase."""
    ledger: Money | None
    """The amount in the ledger; null when it is not there."""
    provider: Money | None
    """The amount at the payment provider; null when it is not there."""
    told: str | None
    """The result of a purchase that the till was told; null when that was not reported."""


class Differences(Message):
    differences: list[DifferenceTold]
    """The newest first."""
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class DayToCompare(Message):
    day: date
    """One of the last 14 days, in UTC."""


@reading.get("/reconciliation")
async def show_all(asked: Asker) -> ComparedDays:
    """Lists the latest 31 days that were compared, the newest first, with the numbers of the
    merchant."""
    return await _days(asked)


@reading_all.get("/reconciliation")
async def show_all_of_all(asked: OperatorAsker) -> ComparedDays:
    """Lists the latest 31 days that were compared, the newest first, with the numbers of all
    merchants and of what only the payment provider knows of. It needs a key of the operator's."""
    return await _days(asked)


@reading.get("/reconciliation/{day}")
async def show_differences(
    asked: Asker, day: date, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Differences:
    """Lists the differences of a day that concern the merchant."""
    return await _differences(asked, day, cursor, limit)


@reading_all.get("/reconciliation/{day}")
async def show_differences_of_all(
    asked: OperatorAsker, day: date, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Differences:
    """Lists all differences of a day. It needs a key of the operator's."""
    return await _differences(asked, day, cursor, limit)


@comparing.post("/reconciliation")
async def compare(asked: AskerOnce, wanted: DayToCompare) -> ComparedDay:
    """Compares a day with the payment provider now, and returns the numbers of the merchant."""
    return await _compare(asked, wanted.day)


@comparing_all.post("/reconciliation")
async def compare_all(asked: OperatorAskerOnce, wanted: DayToCompare) -> ComparedDay:
    """Compares a day with the payment provider now, and returns the numbers of all merchants. It
    needs a key of the operator's."""
    return await _compare(asked, wanted.day)


async def _days(asked: Asked) -> ComparedDays:
    found = await compared_days(asked.session, asked.reach.merchant_id)
    return ComparedDays(days=[_told(each) for each in found])


async def _differences(asked: Asked, day: date, cursor: str | None, limit: int) -> Differences:
    found = (await _find(asked, day)).report.differences
    times = [each.at for each in found]
    end = _end(times, cursor)
    start = max(end - limit, 0)
    return Differences(
        differences=[_difference(each) for each in reversed(found[start:end])],
        next=_cursor(times, start) if start else None,
    )


def _cursor(times: Sequence[datetime], start: int) -> str:
    """Returns what tells where a page has ended: the time of the difference that it began with, and
    how many of the same time stand before it. Its place is another one once the day is compared
    again."""
    at = times[start]
    return paging.cursor_of((at, str(start - bisect_left(times, at))))


def _end(times: Sequence[datetime], cursor: str | None) -> int:
    """Returns before which difference a page ends. Raises Refusal."""
    place, rank = paging.place_of(cursor), paging.position_of(cursor)
    if place is None or rank is None:
        return len(times)
    return min(bisect_left(times, place[0]) + rank, bisect_right(times, place[0]))


async def _compare(asked: Asked, day: date) -> ComparedDay:
    await limits.spend(asked.session, Limits.COMPARISONS, asked.by.who, asked.now)
    merchant_id = asked.reach.merchant_id
    try:
        await compare_day(asked.context, asked.session, asked.by, day, merchant_id)
    except ProviderUnavailable:
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=60) from None
    return _told(await _find(asked, day))


async def _find(asked: Asked, day: date) -> Compared:
    """Returns the latest comparison of a day. Raises Refusal when there is none."""
    for each in await compared_days(asked.session, asked.reach.merchant_id):
        if each.day == day:
            return each
    raise Refusal(
        ProblemType.NOT_FOUND, "this day was not compared, or its comparison is not kept any more"
    )


def _told(compared: Compared) -> ComparedDay:
    return ComparedDay(
        day=compared.day,
        compared_at=compared.at,
        things=sum(compared.report.counts.values()),
        differing=len(compared.report.differences),
    )


def _difference(each: Difference) -> DifferenceTold:
    return DifferenceTold(
        at=each.at,
        kind="refund" if each.kind == "refund" else "sale",
        why=each.why,
        merchant_id=each.merchant_id,
        reference=each.reference,
        purchase_reference=each.sale,
        ledger=each.ledger,
        provider=each.provider,
        told=each.told,
    )


ROUTERS = (reading, reading_all, comparing, comparing_all)
