"""Pages of sales: a list, a page for each sale with its steps from the till to the ledger, and an
export as a file."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts, four_eyes
from cloud.console.asking import APPROVALS, HOME, Asked, Asker, router
from cloud.console.audit import By
from cloud.console.four_eyes import Chosen
from cloud.console.names import Names, names_in, unseen
from cloud.console.places import sites_in_reach
from cloud.console.roles import Reach, Right
from cloud.console.tables import AskedRow, StaffRow
from cloud.merchants.merchants import all_merchants, all_sites
from cloud.payments import sales
from cloud.payments.purchases import APPROVED, PurchaseRow
from cloud.payments.refunds import refunded_of, refunded_of_each
from cloud.payments.sales import SaleState, Wanted
from cloud.web.browsers import redirect
from cloud.web.devices import all_devices, find_device
from cloud.web.language import decimal, only_text
from cloud.web.merchant_keys import KeyUse
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

PAGE = 50
"""How many sales are on one page."""
DAYS, MONTHS = 14, 13
"""How many of the latest days and months the form offers. The address may name any other."""
MOST = 20_000
"""The largest number of sales in one file."""
_AT_ONCE = 1000
_COLUMNS = (
    "time",
    "merchant",
    "site",
    "kiosk",
    "reference",
    "amount",
    "refunded",
    "currency",
    "state",
    "reason",
    "till_was_told",
    "card",
    "card_last4",
    "sale",
)


class No(StrEnum):
    """Why somebody gets no file."""

    MANY = "many"
    """It would have more than MOST lines."""
    WIDE = "wide"
    """It needs the approval of a second person (`is_small`)."""
    OFTEN = "often"
    """They have exported as many files within a day as one person may alone."""


class NoFile(Exception):
    def __init__(self, why: No) -> None:
        super().__init__(why.value)
        self.why = why


routes: APIRouter = router(Right.SALES)
exporting: APIRouter = router(Right.EXPORT_SALES)

Text = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as it is listed."""

    row: PurchaseRow
    refunded: int
    state: SaleState
    site: str
    """The name of the site; empty where it is not known."""
    kiosk: str


async def _chosen(
    where: Text = "", when: Text = "", state: Text = "", reference: Text = ""
) -> Chosen:
    # FastAPI would call it on a thread if it were not asynchronous.
    return Chosen(where=where, when=when, state=state, reference=reference.strip())


Choice = Annotated[Chosen, Depends(_chosen)]


@routes.get("/sales")
async def list_sales(asked: Asker, chosen: Choice, before: Text = "") -> Response:
    return await _list(asked, chosen, before)


@exporting.post("/sales.csv")
async def export_sales(asked: Asker, chosen: Choice) -> Response:
    """Answers with a file of few sales. It is a POST, because the number of files a day is limited
    and a link on another website must not use it up."""
    try:
        found = await take_alone(asked.session, asked.reach, asked.by, chosen)
    except NoFile as no:
        return await _list(asked, chosen, no=no.why)
    return await file_of(asked.session, asked.reach, found)


@exporting.post("/sales/export")
async def ask_for_sales(asked: Asker, chosen: Choice) -> Response:
    """Asks a second person to approve a file that one person may not take alone."""
    try:
        await ask_for_file(asked.session, asked.reach, asked.by, chosen)
    except NoFile as no:
        return await _list(asked, chosen, no=no.why)
    return redirect(APPROVALS)


@routes.get("/sales/{sale_id}")
async def show_sale(asked: Asker) -> Response:
    session, row = asked.session, sale_of(asked)
    refunded = await refunded_of(session, row)
    names = await names_in(session, asked.reach)
    way = await sales.way_of(session, row)
    return asked.page(
        "sale.html",
        sale=_shown(row, refunded, names, await sales.site_of(session, row)),
        merchant=names.merchants[row.merchant_id],
        left=left_of(row, refunded),
        way=way,
        people={step.by: await _who(asked, names, step.by) for step in way if step.by},
    )


def left_of(row: PurchaseRow, refunded: int) -> int:
    """Returns how much of a sale can still be refunded in the console, in the minor unit."""
    is_there = row.outcome == APPROVED and row.payment is not None
    return row.amount_minor - refunded if is_there else 0


async def wanted_by(session: AsyncSession, reach: Reach, chosen: Chosen) -> Wanted:
    """Returns the filter for the chosen sales within somebody's reach. Raises Refusal for a place
    that does not exist or is out of reach, and for a day, month or state that cannot be read."""
    kind, _, name = chosen.where.partition(" ")
    merchant_id, site_id, device_id = reach.merchant_id, reach.site_id, None
    match kind:
        case "merchant":
            merchant_id = next(
                (row.id for row in await all_merchants(session) if row.id == name), None
            )
            is_there = merchant_id is not None and reach.covers(merchant_id)
        case "site":
            there = {row.id: row.merchant_id for row in await all_sites(session)}
            site_id, merchant_id = name, there.get(name)
            is_there = merchant_id is not None and reach.covers(merchant_id, name)
        case "device":
            kiosks = {row.id: row for row in await all_devices(session)}
            device = kiosks.get(name)
            is_there = device is not None and reach.covers(device.merchant_id, device.site_id)
            # The merchant and site stay those of the reach: the kiosk may have sold elsewhere too.
            device_id = name
        case _:
            is_there = chosen.where == ""
    if not is_there:
        raise Refusal(ProblemType.NOT_FOUND)
    try:
        since, until = sales.span_of(chosen.when) if chosen.when else (None, None)
        state = SaleState(chosen.state) if chosen.state else None
    except ValueError:
        raise Refusal(ProblemType.NOT_FOUND) from None
    return Wanted(
        merchant_id=merchant_id,
        site_id=site_id,
        device_id=device_id,
        reference=chosen.reference or None,
        state=state,
        since=since,
        until=until,
    )


def is_small(wanted: Wanted) -> bool:
    """Returns whether one person may export these sales alone: those of one site or kiosk in a day
    or month, or those of one reference."""
    is_at_one = wanted.site_id is not None or wanted.device_id is not None
    return wanted.reference is not None or (is_at_one and wanted.since is not None)


async def sales_of_file(session: AsyncSession, wanted: Wanted) -> Sequence[PurchaseRow]:
    """Returns the wanted sales. Raises NoFile when they are more than MOST."""
    found: list[PurchaseRow] = []
    place = None
    # So many at a time, so that others are served in between.
    while page := await sales.listed(session, wanted, _AT_ONCE, place):
        found += page
        if len(found) > MOST:
            raise NoFile(No.MANY)
        place = page[-1].at, page[-1].id
    return found


async def take_alone(
    session: AsyncSession, reach: Reach, by: By, chosen: Chosen
) -> Sequence[PurchaseRow]:
    """Notes the export of sales for which no second person is needed, and returns them. Raises
    NoFile, and Refusal as `wanted_by` does."""
    wanted = await wanted_by(session, reach, chosen)
    if not is_small(wanted):
        raise NoFile(No.WIDE)
    if not await four_eyes.exports_alone(session, by):
        raise NoFile(No.OFTEN)
    found = await sales_of_file(session, wanted)
    await note_export(session, by, wanted, chosen, found)
    return found


async def ask_for_file(session: AsyncSession, reach: Reach, by: By, chosen: Chosen) -> AskedRow:
    """Asks a second person to approve a file of sales. Raises NoFile; Refusal as `wanted_by` does,
    when there are no such sales, and for somebody who may not see what becomes of the request."""
    if not reach.may(Right.AUDIT):
        raise Refusal(ProblemType.NOT_FOUND)
    wanted = await wanted_by(session, reach, chosen)
    found = await sales_of_file(session, wanted)
    if not found:
        # A reference of no sale may be any text, which must not reach the audit trail.
        raise Refusal(ProblemType.CONFLICT, "no sale matches")
    return await four_eyes.ask(session, by, four_eyes.EXPORT_SALES, chosen, wanted.merchant_id)


async def take_approved(
    session: AsyncSession, reach: Reach, by: By, row: AskedRow
) -> Sequence[PurchaseRow]:
    """Takes an approved request for sales, which is possible once, and returns the sales. Raises
    NoFile, CannotDecide, and Refusal when `row` is no request for sales or is somebody else's."""
    four_eyes.must_be_own(reach, by, row, four_eyes.EXPORT_SALES)
    chosen = Chosen.model_validate_json(row.arguments)
    found = await sales_of_file(session, await wanted_by(session, reach, chosen))
    await four_eyes.take(session, by, row.id)
    return found


async def note_export(
    session: AsyncSession, by: By, wanted: Wanted, chosen: Chosen, rows: Sequence[PurchaseRow]
) -> None:
    """Notes that somebody exports sales."""
    if chosen.reference and not rows:
        # A reference of no sale may be any text, which must not reach the audit trail.
        chosen = chosen.model_copy(update={"reference": "unknown"})
    await acts.export_sales(session, by, wanted.merchant_id, chosen)


async def file_of(session: AsyncSession, reach: Reach, rows: Sequence[PurchaseRow]) -> Response:
    """Returns a file of sales."""
    lines = [line async for line in lines_of(session, reach, rows)]
    headers = {"content-disposition": 'attachment; filename="sales.csv"'}
    return Response(first_line() + "".join(lines), headers=headers, media_type="text/csv")


def first_line() -> str:
    """Returns the first line of a file of sales."""
    # Spreadsheet programs recognise UTF-8 by a byte order mark at the beginning.
    return "\N{ZERO WIDTH NO-BREAK SPACE}" + _line(_COLUMNS)


async def lines_of(
    session: AsyncSession, reach: Reach, rows: Sequence[PurchaseRow]
) -> AsyncIterator[str]:
    """Yields the lines of a file of sales after the first one."""
    names = await names_in(session, reach)
    for start in range(0, len(rows), _AT_ONCE):
        for sale in await _listed(session, names, rows[start : start + _AT_ONCE]):
            row = sale.row
            yield _line(
                (
                    row.at.isoformat(timespec="seconds"),
                    names.merchants[row.merchant_id],
                    sale.site,
                    sale.kiosk,
                    row.reference,
                    decimal(row.amount_minor, row.currency),
                    decimal(sale.refunded, row.currency),
                    row.currency,
                    sale.state,
                    row.decline_reason or "",
                    row.told or "",
                    row.card_brand,
                    row.card_last4,
                    row.id,
                )
            )


async def _who(asked: Asked, names: Names, by: str) -> str:
    """Returns the words for whoever has asked for a refund, as far as whoever is signed in may know
    them."""
    if by in names.kiosks:
        return names.kiosks[by]
    if by.startswith(f"{KeyUse.API}_"):
        return f"A system with the key {by}"
    if await find_device(asked.session, by) is not None:
        return "A kiosk that has moved"
    member = await asked.session.get(StaffRow, by)
    if member is None:
        return f"{by}, by command,"
    is_seen = asked.reach.covers(member.merchant_id, member.site_id) and member.ended_at is None
    return member.name if is_seen else unseen(member.id)


def sale_of(asked: Asked) -> PurchaseRow:
    assert asked.found.sale is not None
    return asked.found.sale


async def _list(
    asked: Asked, chosen: Chosen, before: str = "", *, no: No | None = None
) -> Response:
    session = asked.session
    wanted = await wanted_by(session, asked.reach, chosen)
    found = await sales.listed(session, wanted, PAGE + 1, await _place(asked, before))
    shown, more = found[:PAGE], found[PAGE:]
    names = await names_in(session, asked.reach)
    older = {**chosen.query, "before": shown[-1].id} if more else {}
    return asked.page(
        "sales.html",
        200 if no is None else 409,
        sales=await _listed(session, names, shown),
        totals=await sales.totals(session, wanted) if chosen.when else [],
        chosen=chosen,
        places=await _places(asked, names),
        days=[(asked.now - timedelta(days=ago)).date() for ago in range(DAYS)],
        months=_months(asked.now.date()),
        states=list(SaleState),
        newest=_link("sales", chosen.query) if before else None,
        older=_link("sales", older) if more else None,
        is_small=is_small(wanted) and no is not No.OFTEN,
        as_csv=_link("sales.csv", chosen.query),
        asking=_link("sales/export", chosen.query),
        no=no,
        most=MOST,
        files=four_eyes.FILES_ALONE,
    )


async def _listed(session: AsyncSession, names: Names, rows: Sequence[PurchaseRow]) -> list[Sale]:
    refunded = await refunded_of_each(session, rows)
    stands = {row.id: row.site_id for row in await all_devices(session)}
    return [
        _shown(row, refunded[row.id], names, row.site_id or stands.get(row.device_id))
        for row in rows
    ]


def _shown(row: PurchaseRow, refunded: int, names: Names, site_id: str | None) -> Sale:
    return Sale(
        row,
        refunded,
        sales.state_of(row, refunded),
        names.sites.get(site_id or "", ""),
        # The name of a kiosk that has moved out of reach is not shown.
        names.kiosks.get(row.device_id, ""),
    )


async def _place(asked: Asked, before: str) -> tuple[datetime, str] | None:
    """Returns the time and id of the sale after which a page begins; None for the first page.
    Raises Refusal for a sale that does not exist or is out of reach."""
    if not before:
        return None
    row = await sales.find(asked.session, before)
    if row is not None:
        site_id = await sales.site_of(asked.session, row)
        if asked.reach.covers(row.merchant_id, site_id):
            return row.at, row.id
    raise Refusal(ProblemType.NOT_FOUND)


async def _places(asked: Asked, names: Names) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns the places that the form offers: for each merchant its name, and the value and the
    name of itself, its sites and its kiosks."""
    sites = await sites_in_reach(asked.session, asked.reach)
    devices = [row for row in await all_devices(asked.session) if row.id in names.kiosks]
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for merchant_id, merchant in sorted(names.merchants.items(), key=lambda each: each[1]):
        theirs = [site for site in sites if site.merchant_id == merchant_id]
        options: list[tuple[str, str]] = []
        if asked.reach.covers(merchant_id):
            options.append((f"merchant {merchant_id}", f"All of {merchant}"))
        for site in theirs:
            options.append((f"site {site.id}", site.name))
            there = [row for row in devices if row.site_id == site.id]
            options += [
                (f"device {row.id}", f"{site.name}: {row.name}")
                for row in sorted(there, key=lambda row: row.name)
            ]
        found.append((merchant, options))
    return found


def _link(page: str, query: Mapping[str, str]) -> str:
    return f"{HOME}/{page}?{urlencode(query)}" if query else f"{HOME}/{page}"


def _months(today: date) -> list[date]:
    """Returns the first days of the latest months, the newest first."""
    months = [today.year * 12 + today.month - 1 - ago for ago in range(MONTHS)]
    return [date(each // 12, each % 12 + 1, 1) for each in months]


def _line(cells: Sequence[str]) -> str:
    """Returns a line of CSV in which a spreadsheet program takes no cell for a formula."""
    line = io.StringIO()
    csv.writer(line).writerow([only_text(cell) for cell in cells])
    return line.getvalue()
