"""What needs a second person (`cloud.console.four_eyes`): what was asked for and what became of it,
and taking back what one's own key has asked for.

A key decides nothing, neither for nor against: a person does, in the console.
"""

from fastapi import APIRouter
from pydantic import AwareDatetime

from cloud.console import four_eyes
from cloud.console.api.asking import (
    Asked,
    Asker,
    AskerOnce,
    OperatorAsker,
    OperatorAskerOnce,
    operators_router,
    router,
)
from cloud.console.audit import Door
from cloud.console.four_eyes import ApprovalState, CannotDecide, Chosen, Kiosks
from cloud.console.roles import Right
from cloud.console.tables import AskedRow
from cloud.integrations import paging
from cloud.integrations.asking import Scope
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

listing: APIRouter = router(Right.AUDIT, Scope.APPROVALS_READ)
listing_all: APIRouter = operators_router(Right.AUDIT, Scope.APPROVALS_READ)
asking: APIRouter = router(Right.AUDIT, Scope.APPROVALS_WRITE)
asking_of_all: APIRouter = operators_router(Right.AUDIT, Scope.APPROVALS_WRITE)
replacing: APIRouter = operators_router(Right.STAFF, Scope.APPROVALS_WRITE)


class SalesChosen(Message):
    """Which purchases somebody has asked for; null is any."""

    where: str | None
    """`merchant ID`, `site ID` or `device ID`."""
    when: str | None
    """A day such as `2026-11-29`, or a month such as `2026-11`, in UTC."""
    state: str | None
    """`paid`, `refunded`, `disputed`, `declined`, `not-paid` or `open`."""
    reference: str | None


class Approval(Message):
    """Something that somebody has asked for, and somebody else decides."""

    approval_id: str
    act: str
    """`revoke kiosks`, `export the audit trail`, `export many sales` or `replace the gallery's
    secret`."""
    merchant_id: str | None
    """Whose that is; null for what is of all."""
    state: ApprovalState
    """`approved` is what can be taken. `over` is what nobody has decided, or taken, in time."""
    door: Door
    """By which way it was asked for: on a page of the console, by command or with a key."""
    who: str
    """Who has asked: the id of an account, a name at the service's machine, or the first part of a
    key."""
    is_own: bool
    """Whether the key has asked for it with which this is asked."""
    at: AwareDatetime
    expires_at: AwareDatetime
    """Until when it can be decided; once it is approved, until when it can be taken."""
    decided_by: str | None
    """Who has decided, as `who`; null when nobody has."""
    decided_at: AwareDatetime | None
    device_ids: list[str]
    """The kiosks that are to be revoked."""
    chosen: SalesChosen | None
    """The purchases that are to be taken; null for what is about none."""


class Approvals(Message):
    approvals: list[Approval]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


@listing.get("/approvals")
async def show_all(
    asked: Asker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Approvals:
    """Lists what was asked for within 30 days and needs a second person, the newest first."""
    return await _page(asked, cursor, limit)


@listing_all.get("/approvals")
async def show_all_of_all(
    asked: OperatorAsker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Approvals:
    """Lists what was asked for of every merchant, and of all. It needs a key of the operator's."""
    return await _page(asked, cursor, limit)


@listing.get("/approvals/{approval_id}")
async def show(asked: Asker, approval_id: str) -> Approval:
    return told(asked, await asked.approval(approval_id))


@listing_all.get("/approvals/{approval_id}")
async def show_of_all(asked: OperatorAsker, approval_id: str) -> Approval:
    """Tells of one, of any merchant or of all. It needs a key of the operator's."""
    return told(asked, await asked.approval(approval_id))


@asking.post("/approvals/{approval_id}/cancel")
async def take_back(asked: AskerOnce, approval_id: str) -> Approval:
    """Takes back what the same key has asked for."""
    return await _take_back(asked, approval_id)


@asking_of_all.post("/approvals/{approval_id}/cancel")
async def take_back_of_all(asked: OperatorAskerOnce, approval_id: str) -> Approval:
    """Takes back what the same key of the operator's has asked for."""
    return await _take_back(asked, approval_id)


@replacing.post("/secret-replacements", status_code=202)
async def ask_for_secret(asked: OperatorAskerOnce) -> Approval:
    """Asks that the gallery's secret be replaced. Once a person has approved it, `./run cloud
    rekey` does it at the service's machine. It needs a key of the operator's."""
    given = four_eyes.Nothing()
    return told(asked, await four_eyes.ask(asked.session, asked.by, four_eyes.REKEY, given, None))


def told(asked: Asked, row: AskedRow) -> Approval:
    device_ids, chosen = tuple[str, ...](), None
    if row.act == four_eyes.REVOKE.name:
        device_ids = Kiosks.model_validate_json(row.arguments).device_ids
    elif row.act == four_eyes.EXPORT_SALES.name:
        words = Chosen.model_validate_json(row.arguments).model_dump()
        chosen = SalesChosen(**{name: value or None for name, value in words.items()})
    return Approval(
        approval_id=row.id,
        act=row.act,
        merchant_id=row.merchant_id,
        state=four_eyes.state(row, asked.now),
        door=Door(row.door),
        who=row.who,
        is_own=four_eyes.is_own(row, asked.by),
        at=row.at,
        expires_at=row.expires_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        device_ids=list(device_ids),
        chosen=chosen,
    )


async def _page(asked: Asked, cursor: str | None, limit: int) -> Approvals:
    after = paging.place_of(cursor)
    rows = [
        row
        for row in await four_eyes.seen(asked.session, asked.reach)
        if after is None or (row.at, row.id) < after
    ]
    page = rows[:limit]
    return Approvals(
        approvals=[told(asked, row) for row in page],
        next=paging.cursor_of((page[-1].at, page[-1].id)) if len(rows) > limit else None,
    )


async def _take_back(asked: Asked, approval_id: str) -> Approval:
    row = await asked.approval(approval_id)
    if not four_eyes.is_own(row, asked.by):
        raise Refusal(
            ProblemType.CONFLICT, "another has asked for it: a person declines it, in the console"
        )
    try:
        await four_eyes.decide(asked.session, asked.by, row.id, approves=False)
    except CannotDecide:
        raise Refusal(
            ProblemType.CONFLICT, "it does not wait any more: it was decided, or a day has passed"
        ) from None
    return told(asked, row)


ROUTERS = (listing, listing_all, asking, asking_of_all, replacing)
