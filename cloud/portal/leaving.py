"""Pages on which people have everything about them deleted, and get a receipt.

A deletion is that of the kiosk (`cloud.people.deletions`). It asks for a code of its own, whose
message says what it does: a code for signing in, given to somebody who has asked for it on the
phone, deletes nothing. A receipt names nobody, and whoever has its number may read it. The log that
receipts are in is published here as well.
"""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response

from cloud.payments import refunds
from cloud.people import deletions, receipt_log, receipts, sign_ins
from cloud.portal import codes
from cloud.portal.asking import (
    HOME,
    SESSION,
    Asked,
    Asker,
    LeavingRoute,
    ReceiptRoute,
    router,
)
from cloud.portal.codes import NO_PROBLEM, NotTaken
from cloud.web.browsers import delete_cookie, redirect
from cloud.web.problems import Refusal
from protocol.messages import DeletionReceipt, ProblemType

LEAVE = f"{HOME}/leave"

routes: APIRouter = router(LeavingRoute)
receipt_routes: APIRouter = router(ReceiptRoute)

_JSON = "application/json"


@routes.get("/leave")
async def show_what_becomes(asked: Asker) -> Response:
    return await _show(asked, 200, NO_PROBLEM)


@routes.post("/leave")
async def ask_for_code(asked: Asker) -> Response:
    who = asked.signed_in
    try:
        await codes.send(
            asked, partial(sign_ins.ask_to_delete, asked.context, asked.session, who, asked.now)
        )
    except NotTaken as why:
        return await _show(asked, why.status, why.told)
    return redirect(f"{LEAVE}/code")


@routes.get("/leave/code")
async def show_code(asked: Asker) -> Response:
    return asked.page("leave_code.html", **NO_PROBLEM)


@routes.post("/leave/code")
async def delete_everything(
    asked: Asker, code: Annotated[str, Form(max_length=16)] = ""
) -> Response:
    context, session, who = asked.context, asked.session, asked.signed_in
    # Before the code is used up: it is of use again in a few seconds.
    await refunds.must_be_settled(session, who.person)
    try:
        await codes.use(
            asked, code, partial(sign_ins.confirm_deletion, context, session, who, now=asked.now)
        )
    except NotTaken as why:
        if why.can_be_corrected:
            return asked.page("leave_code.html", why.status, **why.told)
        return await _show(asked, why.status, why.told)
    receipt, acts = await deletions.erase_account(context, session, who.person, asked.now)
    asked.afterwards += acts
    response = redirect(f"{HOME}/receipts/{receipt.receipt_id}")
    delete_cookie(response, SESSION, with_pages=True)
    return response


@receipt_routes.get("/receipts/{receipt_id}.json")
async def download_receipt(asked: Asker, receipt_id: str) -> Response:
    row = await _find(asked, receipt_id)
    logged = await receipts.with_proof(asked.context, asked.session, row, asked.now)
    name = f"deletion-{receipt_id}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(logged.model_dump_json(indent=2), headers=headers, media_type=_JSON)


@receipt_routes.get("/receipts/{receipt_id}")
async def show_receipt(asked: Asker, receipt_id: str) -> Response:
    row = await _find(asked, receipt_id)
    receipt = DeletionReceipt.model_validate_json(row.document)
    return asked.page("receipt.html", receipt=receipt, of_one=row.merchant_id is not None)


@receipt_routes.get("/receipt-log.json")
async def publish_log(asked: Asker, since: receipt_log.Since = None) -> Response:
    """Tells everybody the head of the log: whoever keeps one can prove later that no entry was
    changed or taken out."""
    log = await receipt_log.published(asked.context, asked.session, since, asked.now)
    headers = {"content-disposition": 'attachment; filename="receipt-log.json"'}
    return Response(log.model_dump_json(indent=2), headers=headers, media_type=_JSON)


async def _find(asked: Asked, receipt_id: str) -> receipts.ReceiptRow:
    row = await receipts.find(asked.session, receipt_id)
    if row is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return row


async def _show(asked: Asked, status: int, told: dict[str, Any]) -> Response:
    leaving = await deletions.what_becomes(asked.session, asked.person, asked.now)
    return asked.page("leave.html", status, leaving=leaving, **told)
