"""The page on which the ledger, the payment provider and the tills are compared. Differences come
first."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Response
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts
from cloud.console.asking import HOME, Asked, Asker, router
from cloud.console.audit import By
from cloud.console.names import names_in
from cloud.console.roles import Right
from cloud.context import Context
from cloud.payments import reconcile
from cloud.payments.reconcile import Compared, Difference, Why
from cloud.providers import ProviderUnavailable
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

DAYS = 14
"""How many of the latest days can be compared here. Earlier days are compared by command."""
SHOWN = 31
"""How many of the latest compared days are shown."""

routes: APIRouter = router(Right.RECONCILE)


@dataclass(frozen=True, slots=True)
class Group:
    """The differences of one merchant on one day."""

    day: date
    merchant: str | None
    """The merchant's name; None for what only the provider knows of."""
    kinds: list[tuple[Why, list[Difference]]]
    """The differences by kind; the kind that should be looked at first comes first."""


@routes.get("/reconciliation")
async def show_differences(asked: Asker) -> Response:
    return await _page(asked)


@routes.post("/reconciliation")
async def compare(asked: Asker, day: Annotated[str, Form(max_length=10)] = "") -> Response:
    try:
        chosen = date.fromisoformat(day)
    except ValueError:
        raise Refusal(ProblemType.MALFORMED) from None
    merchant_id = asked.reach.merchant_id
    try:
        await compare_day(asked.context, asked.session, asked.by, chosen, merchant_id)
    except ProviderUnavailable:
        return await _page(asked, 503, problem="away")
    return redirect(f"{HOME}/reconciliation")


async def compare_day(
    context: Context, session: AsyncSession, by: By, day: date, merchant_id: str | None
) -> None:
    """Compares a day of all merchants and stores the differences. `merchant_id` is the only
    merchant that whoever asks for it sees, None when they see all. Raises ProviderUnavailable, and
    Refusal for a day that is not one of the last DAYS."""
    begin = datetime.combine(day, datetime.min.time(), UTC)
    if not timedelta(0) <= by.at - begin <= timedelta(days=DAYS):
        raise Refusal(ProblemType.MALFORMED, f"the day is not one of the last {DAYS}")
    # No transaction is open while the provider is asked, which may take long.
    await session.commit()
    lines = await reconcile.reconcile(context.database, context.payments, begin)
    await acts.keep_comparison(session, by, begin, lines, merchant_id)


async def compared_days(session: AsyncSession, merchant_id: str | None) -> list[Compared]:
    """Returns the latest SHOWN compared days, the newest first, with the differences of one
    merchant or of all."""
    return [
        Compared(each.day, each.at, each.report.of(merchant_id))
        for each in await reconcile.kept(session, SHOWN)
    ]


async def _page(asked: Asked, status: int = 200, *, problem: str | None = None) -> Response:
    compared = await compared_days(asked.session, asked.reach.merchant_id)
    names = await names_in(asked.session, asked.reach)
    groups: list[Group] = []
    for each in compared:
        differing = {line.merchant_id for line in each.report.differences}
        for merchant in sorted(differing, key=lambda name: names.merchants.get(name or "", "")):
            theirs = [line for line in each.report.differences if line.merchant_id == merchant]
            name = None if merchant is None else names.merchants.get(merchant, merchant)
            kinds = [(why, [line for line in theirs if line.why is why]) for why in Why]
            groups.append(Group(each.day, name, [kind for kind in kinds if kind[1]]))
    return asked.page(
        "reconciliation.html",
        status,
        groups=groups,
        compared=compared,
        days=[(asked.now - timedelta(days=ago)).date() for ago in range(DAYS)],
        problem=problem,
    )
