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
"""How old what is listed may be. All of it is a file that needs two: a key that was stolen could
otherwise read it page by page in a minute."""
JSONL = "application/jsonl"
LINES = files.given_as(JSONL)

reading: APIRouter = router(Right.AUDIT, Scope.AUDIT_READ)
reading_all: APIRouter = operators_router(Right.AUDIT, Scope.AUDIT_READ)
asking: APIRouter = router(Right.AUDIT, Scope.APPROVALS_WRITE)
asking_for_all: APIRouter = operators_router(Right.AUDIT, Scope.APPROVALS_WRITE)


class TrailEntry(Message):
    """Something that staff have done, in ids."""

    place: int
    """Its place in the trail of all, from 0 on."""
    at: AwareDatetime
    door: Door
    """By which way: on a page of the console, by command or with a key."""
    who: str
    """The id of an account, a name at the service's machine, or the first part of a key."""
    act: str
    """What was done, in words."""
    subject: str | None
    """The id of what it was done to; null for the service itself."""
    merchant_id: str | None
    """Whose that is; null for the operator's."""
    details: dict[str, str | None]
    hash: str
    """SHA-256, in hex, as it stands in a file of the trail."""


class Trail(Message):
    entries: list[TrailEntry]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


@reading.get("/audit")
async def show(asked: Asker, cursor: paging.Cursor = None, limit: paging.Size = 50) -> Trail:
    """Lists what was done within 31 days to what is the merchant's, the newest first."""
    return await _page(asked, cursor, limit)


@reading_all.get("/audit")
async def show_all(
    asked: OperatorAsker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Trail:
    """Lists what was done within 31 days to anything, the newest first. It needs a key of the
    operator's."""
    return await _page(asked, cursor, limit)


@asking.post("/audit-files", status_code=202)
async def ask_for_file(asked: AskerOnce) -> Approval:
    """Asks for all of the merchant's trail as a file, which a person has to approve."""
    return await _ask(asked)


@asking_for_all.post("/audit-files", status_code=202)
async def ask_for_file_of_all(asked: OperatorAskerOnce) -> Approval:
    """Asks for the whole trail as a file, which a person has to approve. It needs a key of the
    operator's."""
    return await _ask(asked)


@reading.post("/approvals/{approval_id}/audit-file")
async def take(asked: AskerOnce, approval_id: str) -> FileReady:
    """Makes ready, once, the file that the same key has asked for and a person has approved."""
    return await _take(asked, approval_id)


@reading_all.post("/approvals/{approval_id}/audit-file")
async def take_of_all(asked: OperatorAskerOnce, approval_id: str) -> FileReady:
    """Makes ready, once, the file that the same key of the operator's has asked for and a person
    has approved."""
    return await _take(asked, approval_id)


@reading.get("/audit-files/{file_id}", response_class=Response, responses=LINES)
async def fetch(asked: Asker, file_id: FileId) -> Response:
    """Gives a file that the same key has made ready within ten minutes: a JSON object a line."""
    return await _file(asked, file_id)


@reading_all.get("/audit-files/{file_id}", response_class=Response, responses=LINES)
async def fetch_of_all(asked: OperatorAsker, file_id: FileId) -> Response:
    """Gives a file that the same key of the operator's has made ready within ten minutes."""
    return await _file(asked, file_id)


async def _page(asked: Asked, cursor: str | None, limit: int) -> Trail:
    since, before = asked.now - SHOWN, paging.position_of(cursor)
    rows = await audit.latest(asked.session, asked.reach.merchant_id, before, limit + 1)
    shown = [row for row in rows if row.at > since]
    page, more = shown[:limit], shown[limit:]
    return Trail(
        entries=[_entry(row) for row in page],
        next=paging.cursor_of((page[-1].at, str(page[-1].place))) if more else None,
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
        # A merchant's is taken at the merchant's path.
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
