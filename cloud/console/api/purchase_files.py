"""Purchases as a file: what one alone takes at once, and what a second person has approved."""

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
    """Which purchases are wanted; null is any."""

    site_id: Place | None = None
    """Those at this site."""
    device_id: Place | None = None
    """Or those at this kiosk."""
    when: Annotated[When, Field(max_length=10)] | None = None
    """Those of a day such as `2026-11-29`, or of a month such as `2026-11`, in UTC."""
    state: SaleState | None = None
    reference: Identifier | None = None
    """The till's name."""

    @model_validator(mode="after")
    def _is_in_one_place(self) -> "WantedFile":
        if self.site_id is not None and self.device_id is not None:
            raise ValueError("a kiosk or a site, and not both")
        return self


class PurchaseFile(Message):
    """What became of a demand for a file: it is ready, or a person has to approve it."""

    file_id: str | None
    """By which the same key gets the file, until `expires_at`; null where it has to be approved."""
    approval_id: str | None
    """What a person has to approve; null where the file is ready."""
    expires_at: AwareDatetime
    """Until when the file is given, or can be approved."""


AWAITED: dict[int | str, dict[str, Any]] = {
    202: {"model": PurchaseFile, "description": "A person has to approve it."}
}


@exporting.post("/purchase-files", responses=AWAITED)
async def ask(asked: AskerOnce, wanted: WantedFile, response: Response) -> PurchaseFile:
    """Makes a file of purchases ready: of one site or kiosk in a day or a month, or of one
    reference, five times a day. What is more is asked for, and a person has to approve it."""
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
    """Makes ready, once, the file that the same key has asked for and a person has approved."""
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
    """Gives a file that the same key has made ready within ten minutes: a purchase a line, after
    the names of the columns."""
    chosen = await files.content_of(asked, EXPORT_SALES, file_id)
    try:
        wanted = await sales.wanted_by(asked.session, asked.reach, chosen)
        rows = await sales.sales_of_file(asked.session, wanted)
    except NoFile:
        raise _too_many() from None
    return await sales.file_of(asked.session, asked.reach, rows)


async def _take_or_ask(asked: Asked, chosen: Chosen) -> AskedRow | None:
    """Returns what a person has to approve; None when the file is taken. Raises NoFile when it
    would be too large."""
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
    detail = f"these are more than {MOST} purchases: choose a shorter time, or one site"
    return Refusal(ProblemType.CONFLICT, detail)


ROUTERS = (exporting,)
