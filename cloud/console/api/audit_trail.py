"""The audit trail: in pages, and as a file that a second person has approved."""

import json
from datetime import timedelta

from fastapi import APIRouter, Response
from pydantic import AwareDatetime

from cloud.console import audit, four_eyes
from cloud.console.api import approvals, files
from cloud.console.api.approvals import Approval
from cloud.console.api.asking import (
    Asked,
    Asker,
    AskerOnce,
    OperatorAsker,
    OperatorAskerOnce,
    operators_router,
    router,
)
from cloud.console.api.files import FileId, FileReady
from cloud.console.audit import Door
from cloud.console.four_eyes import CannotDecide
from cloud.console.roles import Right
from cloud.console.tables import AuditRow
from cloud.integrations import paging
from cloud.integrations.asking import Scope
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

SHOWN = timedelta(days=31)
"""The age up to which entries are listed. The whole trail is a file that needs the approval of a
second person, because with a stolen key it could otherwise be read page by page in a minute."""
JSONL = "application/jsonl"
LINES = files.given_as(JSONL)

reading: APIRouter = router(Right.AUDIT, Scope.AUDIT_READ)
reading_all: APIRouter = operators_router(Right.AUDIT, Scope.AUDIT_READ)
asking: APIRouter = router(Right.AUDIT, Scope.APPROVALS_WRITE)
asking_for_all: APIRouter = operators_router(Right.AUDIT, Scope.APPROVALS_WRITE)


class TrailEntry(Message):
    """An act of staff or of a system with a key. Everything in it is named by ids."""

    place: int
    """The position in the trail of all merchants, from 0 on."""
    at: AwareDatetime
    door: Door
    """How it was done: on a page of the console, by command or with a key."""
    who: str
    """The id of an account, the name of whoever ran a command on the service's machine, or the
    first part of a key."""
    act: str
    """The act, in words."""
    subject: str | None
    """The id of what the act was done to; null for the service itself."""
    merchant_id: str | None
    """The merchant that the act concerns; null for the whole service."""
    details: dict[str, str | None]
    hash: str
    """The entry's SHA-256 in hexadecimal, as in a file of the trail."""


class Trail(Message):
    entries: list[TrailEntry]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


@reading.get("/audit")
async def show(asked: Asker, cursor: paging.Cursor = None, limit: paging.Size = 50) -> Trail:
    """Lists the acts of the last 31 days that concern the merchant, the newest first."""
    return await _page(asked, cursor, limit)


@reading_all.get("/audit")
async def show_all(
    asked: OperatorAsker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Trail:
    """Lists all acts of the last 31 days, the newest first. It needs a key of the operator's."""
    return await _page(asked, cursor, limit)


@asking.post("/audit-files", status_code=202)
async def ask_for_file(asked: AskerOnce) -> Approval:
    """Asks for a file of all entries of the merchant, which a person has to approve."""
    return await _ask(asked)


@asking_for_all.post("/audit-files", status_code=202)
async def ask_for_file_of_all(asked: OperatorAskerOnce) -> Approval:
    """Asks for a file of the whole trail, which a person has to approve. It needs a key of the
    operator's."""
    return await _ask(asked)


@reading.post("/approvals/{approval_id}/audit-file")
async def take(asked: AskerOnce, approval_id: str) -> FileReady:
    """Prepares the file that was asked for with the same key, once a person has approved it. It can
    be prepared once."""
    return await _take(asked, approval_id)


@reading_all.post("/approvals/{approval_id}/audit-file")
async def take_of_all(asked: OperatorAskerOnce, approval_id: str) -> FileReady:
    """Prepares the file that was asked for with the same key of the operator's, once a person has
    approved it. It can be prepared once."""
    return await _take(asked, approval_id)


@reading.get("/audit-files/{file_id}", response_class=Response, responses=LINES)
async def fetch(asked: Asker, file_id: FileId) -> Response:
    """Returns a file that was prepared with the same key within the last ten minutes. Each line is
    a JSON object."""
    return await _file(asked, file_id)


@reading_all.get("/audit-files/{file_id}", response_class=Response, responses=LINES)
async def fetch_of_all(asked: OperatorAsker, file_id: FileId) -> Response:
    """Returns a file that was prepared with the same key of the operator's within the last ten
    minutes. Each line is a JSON object."""
    return await _file(asked, file_id)


async def _page(asked: Asked, cursor: str | None, limit: int) -> Trail:
    since, before = asked.now - SHOWN, paging.position_of(cursor)
    rows = await audit.latest(asked.session, asked.reach.merchant_id, before, limit + 1)
    shown = [row for row in rows if row.at > since]
    page, following = paging.page_of(shown, limit, lambda row: (row.at, str(row.place)))
    return Trail(
        entries=[_entry(row) for row in page],
        next=following,
    )


def _entry(row: AuditRow) -> TrailEntry:
    return TrailEntry(
        place=row.place,
        at=row.at,
        door=Door(row.door),
        who=row.who,
        act=row.act,
        subject=row.subject or None,
        merchant_id=row.merchant_id,
        details=json.loads(row.details),
        hash=row.hash.hex(),
    )


async def _ask(asked: Asked) -> Approval:
    act, given = four_eyes.EXPORT_TRAIL, four_eyes.Nothing()
    merchant_id = asked.reach.merchant_id
    row = await four_eyes.ask(asked.session, asked.by, act, given, merchant_id)
    return approvals.told(asked, row)


async def _take(asked: Asked, approval_id: str) -> FileReady:
    row, act = await asked.approval(approval_id), four_eyes.EXPORT_TRAIL
    four_eyes.must_be_own(asked.reach, asked.by, row, act)
    if row.merchant_id != asked.reach.merchant_id:
        # A file of one merchant is only prepared under the path of that merchant.
        raise Refusal(ProblemType.NOT_FOUND)
    try:
        await four_eyes.take(asked.session, asked.by, row.id)
    except CannotDecide:
        raise files.not_there() from None
    return files.make_ready(asked, act, four_eyes.Nothing())


async def _file(asked: Asked, file_id: str) -> Response:
    await files.content_of(asked, four_eyes.EXPORT_TRAIL, file_id)
    lines = [line async for line in audit.exported(asked.session, asked.reach.merchant_id)]
    return Response("".join(lines), media_type=JSONL)


ROUTERS = (reading, reading_all, asking, asking_for_all)
