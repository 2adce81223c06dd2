"""Pages on which dangerous acts are asked for and approved (`cloud.console.four_eyes`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fastapi import APIRouter, Response

from cloud.console import acts, audit, four_eyes, sales
from cloud.console.asking import APPROVALS, Asked, Asker, router
from cloud.console.four_eyes import ApprovalState, CannotDecide, Chosen, Kiosks, Nothing, Why
from cloud.console.kiosks import active_at
from cloud.console.names import Names, called, names_in, staff_in
from cloud.console.places import site_of
from cloud.console.roles import Right, Role
from cloud.console.tables import AskedRow
from cloud.payments.sales import span_of
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

ELSEWHERE = "a kiosk that is elsewhere now"

# Every role that may ask for an act that needs two people also has this right.
routes: APIRouter = router(Right.AUDIT)
revoking: APIRouter = router(Right.REVOKE)


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as it stands on the page."""

    row: AskedRow
    state: ApprovalState
    by: str
    """The name of whoever has made it."""
    place: str | None
    """The merchant's name; None for all merchants."""
    kiosks: tuple[str, ...]
    """The names of the kiosks that are to be revoked."""
    chosen: Chosen | None
    """The sales that are to be exported; None for another act."""
    where: str
    """The name of the site or kiosk of these sales; empty for all."""
    since: date | None
    """The first day of these sales; None for any."""


@routes.get("/approvals")
async def list_asked(asked: Asker) -> Response:
    return await _page(asked)


@routes.post("/approvals/{request_id}/approve")
async def approve(asked: Asker) -> Response:
    return await _decide(asked, approves=True)


@routes.post("/approvals/{request_id}/decline")
async def decline(asked: Asker) -> Response:
    """Declines a request, or takes one's own back."""
    return await _decide(asked, approves=False)


@routes.post("/approvals/{request_id}/audit.jsonl")
async def take_trail(asked: Asker) -> Response:
    """Answers with the audit trail, once, when the request for it was approved."""
    row = _row(asked)
    four_eyes.must_be_own(asked.reach, asked.by, row, four_eyes.EXPORT_TRAIL)
    try:
        await four_eyes.take(asked.session, asked.by, row.id)
    except CannotDecide as no:
        return await _page(asked, 409, problem=no.why)
    lines = [line async for line in audit.exported(asked.session, row.merchant_id)]
    headers = {"content-disposition": 'attachment; filename="audit.jsonl"'}
    return Response("".join(lines), headers=headers, media_type="application/jsonl")


@routes.post("/approvals/{request_id}/sales.csv")
async def take_sales(asked: Asker) -> Response:
    """Answers with a file of sales, once, when the request for it was approved."""
    try:
        found = await sales.take_approved(asked.session, asked.reach, asked.by, _row(asked))
    except (sales.NoFile, CannotDecide) as no:
        return await _page(asked, 409, problem=no.why)
    return await sales.file_of(asked.session, asked.reach, found)


@routes.post("/audit/export")
async def ask_for_trail(asked: Asker) -> Response:
    act, reach = four_eyes.EXPORT_TRAIL, asked.reach
    await four_eyes.ask(asked.session, asked.by, act, Nothing(), reach.merchant_id)
    return redirect(APPROVALS)


@routes.post("/approvals/rekey")
async def ask_for_rekey(asked: Asker) -> Response:
    if asked.reach.role is not Role.OPERATOR:
        raise Refusal(ProblemType.NOT_FOUND)
    await four_eyes.ask(asked.session, asked.by, four_eyes.REKEY, Nothing(), None)
    return redirect(APPROVALS)


@revoking.get("/sites/{site_id}/revoke")
async def ask_about_all(asked: Asker) -> Response:
    site = site_of(asked)
    names = [device.name for device in await active_at(asked.session, site)]
    return asked.page("revoke_all.html", site=site, names=names)


@revoking.post("/sites/{site_id}/revoke")
async def ask_to_revoke_all(asked: Asker) -> Response:
    devices = await active_at(asked.session, site_of(asked))
    await acts.ask_to_revoke(asked.session, asked.by, devices)
    return redirect(APPROVALS)


async def _decide(asked: Asked, *, approves: bool) -> Response:
    row = _row(asked)
    try:
        await four_eyes.decide(asked.session, asked.by, row.id, approves=approves)
    except CannotDecide as no:
        return await _page(asked, 409, problem=no.why)
    return redirect(APPROVALS)


async def _page(
    asked: Asked, status: int = 200, *, problem: Why | sales.No | None = None
) -> Response:
    names = await names_in(asked.session, asked.reach)
    staff = await staff_in(asked.session, asked.reach)
    rows = await four_eyes.seen(asked.session, asked.reach)
    seen = [_shown(row, names, staff, asked.now) for row in rows]
    own = [each for each in seen if four_eyes.is_own(each.row, asked.by)]
    return asked.page(
        "approvals.html",
        status,
        waiting=[each for each in seen if each.state is ApprovalState.WAITING and each not in own],
        own=own,
        decided=[
            each for each in seen if each.state is not ApprovalState.WAITING and each not in own
        ],
        may_rekey=asked.reach.role is Role.OPERATOR,
        problem=problem,
    )


def _shown(row: AskedRow, names: Names, staff: Mapping[str, str], now: datetime) -> Shown:
    device_ids: tuple[str, ...] = ()
    chosen: Chosen | None = None
    where, since = "", None
    if row.act == four_eyes.REVOKE.name:
        device_ids = Kiosks.model_validate_json(row.arguments).device_ids
    elif row.act == four_eyes.EXPORT_SALES.name:
        chosen = Chosen.model_validate_json(row.arguments)
        kind, _, name = chosen.where.partition(" ")
        if kind in ("site", "device"):
            where = names.all.get(name, ELSEWHERE)
        since = span_of(chosen.when)[0] if chosen.when else None
    return Shown(
        row=row,
        state=four_eyes.state(row, now),
        by=called(staff, row.door, row.who),
        place=None if row.merchant_id is None else names.merchants[row.merchant_id],
        kiosks=tuple(names.kiosks.get(each, ELSEWHERE) for each in device_ids),
        chosen=chosen,
        where=where,
        since=since,
    )


def _row(asked: Asked) -> AskedRow:
    """Returns the request that the page is about. Raises Refusal when whoever is signed in may not
    decide it."""
    row = asked.found.asked
    assert row is not None
    if not four_eyes.may_decide(asked.reach, row):
        raise Refusal(ProblemType.NOT_FOUND)
    return row
