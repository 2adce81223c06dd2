"""Requests for acts that need two people (`cloud.console.four_eyes`): a system can list them, and
cancel those of its own key.

With a key, requests are neither approved nor declined: a person does that in the console.
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
    """The filter for the purchases of a requested file. A field that is null does not filter."""

    where: str | None
    """`merchant ID`, `site ID` or `device ID`."""
    when: str | None
    """A day such as `2026-11-29`, or a month such as `2026-11`, in UTC."""
    state: str | None
    """`paid`, `refunded`, `disputed`, `declined`, `not-paid` or `open`."""
    reference: str | None


class Approval(Message):
    """A request for an act that needs two people: whoever makes it, and somebody else who decides
    it."""

    approval_id: str
    act: str
    """`revoke kiosks`, `export the audit trail`, `export many sales` or `replace the gallery's
    secret`."""
    merchant_id: str | None
    """The merchant that the act concerns; null for all merchants."""
    state: ApprovalState
    """`approved`: the file can be prepared, or the secret replaced, once. `over`: that, or the
    decision, was not made in time."""
    door: Door
    """How the request was made: on a page of the console, by command or with a key."""
    who: str
    """Who has made the request: the id of an account, the name of whoever ran a command on the
    service's machine, or the first part of a key."""
    is_own: bool
    """Whether the request was made with the key that is used now."""
    at: AwareDatetime
    expires_at: AwareDatetime
    """The end of the time for the decision; once approved, the end of the time for preparing the
    file or replacing the secret."""
    decided_by: str | None
    """Who has decided, in the form of `who`; null when nobody has."""
    decided_at: AwareDatetime | None
    device_ids: list[str]
    """The kiosks that are to be revoked; empty for another act."""
    chosen: SalesChosen | None
    """The purchases that are to be exported; null for another act."""


class Approvals(Message):
    approvals: list[Approval]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


@listing.get("/approvals")
async def show_all(
    asked: Asker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Approvals:
    """Lists the merchant's requests of the last 30 days for acts that need two people, the newest
    first."""
    return await _page(asked, cursor, limit)


@listing_all.get("/approvals")
async def show_all_of_all(
    asked: OperatorAsker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Approvals:
    """Lists the requests of the last 30 days for acts that need two people, the newest first, about
    any merchant or all. It needs a key of the operator's."""
    return await _page(asked, cursor, limit)


@listing.get("/approvals/{approval_id}")
async def show(asked: Asker, approval_id: str) -> Approval:
    return told(asked, await asked.approval(approval_id))


@listing_all.get("/approvals/{approval_id}")
async def show_of_all(asked: OperatorAsker, approval_id: str) -> Approval:
    """Returns a request about any merchant or all. It needs a key of the operator's."""
    return told(asked, await asked.approval(approval_id))


@asking.post("/approvals/{approval_id}/cancel")
async def take_back(asked: AskerOnce, approval_id: str) -> Approval:
    """Cancels a request that was made with the same key."""
    return await _take_back(asked, approval_id)


@asking_of_all.post("/approvals/{approval_id}/cancel")
async def take_back_of_all(asked: OperatorAskerOnce, approval_id: str) -> Approval:
    """Cancels a request that was made with the same key of the operator's."""
    return await _take_back(asked, approval_id)


@replacing.post("/secret-replacements", status_code=202)
async def ask_for_secret(asked: OperatorAskerOnce) -> Approval:
    """Asks for the gallery's secret to be replaced. Once a person has approved it, the command
    `./run cloud rekey` replaces it on the service's machine. It needs a key of the operator's."""
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
    page, following = paging.page_of(rows, limit, lambda row: (row.at, row.id))
    return Approvals(
        approvals=[told(asked, row) for row in page],
        next=following,
    )


async def _take_back(asked: Asked, approval_id: str) -> Approval:
    row = await asked.approval(approval_id)
    if not four_eyes.is_own(row, asked.by):
        raise Refusal(
            ProblemType.CONFLICT,
            "this key has not made the request: a person can decline it in the console",
        )
    try:
        await four_eyes.decide(asked.session, asked.by, row.id, approves=False)
    except CannotDecide:
        raise Refusal(
            ProblemType.CONFLICT,
            "the request does not wait any more: it was decided, or a day has passed",
        ) from None
    return told(asked, row)


ROUTERS = (listing, listing_all, asking, asking_of_all, replacing)
