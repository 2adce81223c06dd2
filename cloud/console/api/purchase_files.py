"""Purchases as a file: a small file is prepared at once, a larger one once a second person has
approved it."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from cloud.console import sales
from cloud.console.api import files
from cloud.console.api.asking import Asked, Asker, AskerOnce, router
from cloud.console.api.files import FileId, FileReady
from cloud.console.four_eyes import EXPORT_SALES, CannotDecide, Chosen
from cloud.console.roles import Right
from cloud.console.sales import MOST, No, NoFile
from cloud.console.tables import AskedRow
from cloud.integrations.asking import Scope
from cloud.integrations.sales import When
from cloud.payments.sales import SaleState
from cloud.web.problems import Refusal
from protocol.messages import Identifier, Message, ProblemType

exporting: APIRouter = router(Right.EXPORT_SALES, Scope.PURCHASES_EXPORT)

Place = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class WantedFile(Message):
    """The filter for the purchases of a file. A field that is null does not filter."""

    site_id: Place | None = None
    """Only purchases at this site. It cannot be combined with `device_id`."""
    device_id: Place | None = None
    """Only purchases at this kiosk."""
    when: Annotated[When, Field(max_length=10)] | None = None
    """Only purchases of a day such as `2026-11-29`, or a month such as `2026-11`, in UTC."""
    state: SaleState | None = None
    reference: Identifier | None = None
    """Only purchases with this reference of the till."""

    @model_validator(mode="after")
    def _is_in_one_place(self) -> "WantedFile":
        if self.site_id is not None and self.device_id is not None:
            raise ValueError("name a kiosk or a site, not both")
        return self


class PurchaseFile(Message):
    """The outcome of a request for a file: it is ready, or a person has to approve it."""

    file_id: str | None
    """The name under which the file can be fetched with the same key until `expires_at`; null when
    a person has to approve it."""
    approval_id: str | None
    """The request that a person has to approve; null when the file is ready."""
    expires_at: AwareDatetime
    """The end of the time in which the file can be fetched or the request approved."""


AWAITED: dict[int | str, dict[str, Any]] = {
    202: {"model": PurchaseFile, "description": "A person has to approve it."}
}


@exporting.post("/purchase-files", responses=AWAITED)
async def ask(asked: AskerOnce, wanted: WantedFile, response: Response) -> PurchaseFile:
    """Prepares a file of the purchases of one site or kiosk in a day or a month, or of one
    reference. A key may do so five times a day. For more purchases or files, a person has to
    approve the request."""
    await files.count(asked)
    chosen = _chosen(wanted)
    try:
        waits = await _take_or_ask(asked, chosen)
    except NoFile:
        raise _too_many() from None
    if waits is not None:
        response.status_code = 202
        return PurchaseFile(file_id=None, approval_id=waits.id, expires_at=waits.expires_at)
    ready = files.make_ready(asked, EXPORT_SALES, chosen)
    return PurchaseFile(file_id=ready.file_id, approval_id=None, expires_at=ready.expires_at)


@exporting.post("/approvals/{approval_id}/purchase-file")
async def take(asked: AskerOnce, approval_id: str) -> FileReady:
    """Prepares the file that was asked for with the same key, once a person has approved it. It can
    be prepared once."""
    row = await asked.approval(approval_id)
    try:
        await sales.take_approved(asked.session, asked.reach, asked.by, row)
    except NoFile:
        raise _too_many() from None
    except CannotDecide:
        raise files.not_there() from None
    return files.make_ready(asked, EXPORT_SALES, Chosen.model_validate_json(row.arguments))


@exporting.get(
    "/purchase-files/{file_id}", response_class=Response, responses=files.given_as("text/csv")
)
async def fetch(asked: Asker, file_id: FileId) -> Response:
    """Returns a file that was prepared with the same key within the last ten minutes. Its first
    line names the columns, and each further line is a purchase."""
    chosen = await files.content_of(asked, EXPORT_SALES, file_id)
    try:
        wanted = await sales.wanted_by(asked.session, asked.reach, chosen)
        rows = await sales.sales_of_file(asked.session, wanted)
    except NoFile:
        raise _too_many() from None
    return await sales.file_of(asked.session, asked.reach, rows)


async def _take_or_ask(asked: Asked, chosen: Chosen) -> AskedRow | None:
    """Returns the request that a person has to approve; None when the file needs no approval.
    Raises NoFile when it would be too large."""
    try:
        await sales.take_alone(asked.session, asked.reach, asked.by, chosen)
    except NoFile as no:
        if no.why is No.MANY:
            raise
    else:
        return None
    return await sales.ask_for_file(asked.session, asked.reach, asked.by, chosen)


def _chosen(wanted: WantedFile) -> Chosen:
    where = ""
    if wanted.site_id is not None:
        where = f"site {wanted.site_id}"
    elif wanted.device_id is not None:
        where = f"device {wanted.device_id}"
    return Chosen(
        where=where,
        when=wanted.when or "",
        state=wanted.state or "",
        reference=wanted.reference or "",
    )


def _too_many() -> Refusal:
    detail = f"there are more than {MOST} purchases: choose a shorter time, or one site"
    return Refusal(ProblemType.CONFLICT, detail)


ROUTERS = (exporting,)
