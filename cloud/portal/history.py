"""The page of what somebody has bought and got back, which doors they passed and where their palm
was refused, and the files of it."""

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from cloud.merchants.merchants import all_merchants, all_sites
from cloud.payments.history import Use, Wanted, merchants_of_uses, uses_of
from cloud.people.accounts import member_since
from cloud.portal.asking import HOME, Asked, Asker, router
from cloud.web.language import decimal, only_text
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

PAGE = 50
"""The number of uses on one page."""
_COLUMNS = (
    "time",
    "kind",
    "merchant",
    "site",
    "amount",
    "currency",
    "outcome",
    "card",
    "card_last4",
    "reference",
)
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9a-f]{32})")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")

routes: APIRouter = router()

Text = Annotated[str, Query(max_length=64)]


@dataclass(frozen=True, slots=True)
class Shown:
    """A use with the names of its merchant and its site."""

    use: Use
    merchant: str
    site: str
    """Empty where it was not kept."""


@routes.get("/history")
async def show_history(
    asked: Asker, merchant: Text = "", month: Text = "", before: Text = ""
) -> Response:
    session, person = asked.session, asked.person
    wanted, names = _wanted(merchant, month), await _names(asked)
    sites = await _sites(asked)
    uses = await uses_of(session, person, wanted, before=_cursor(before), count=PAGE + 1)
    shown, more = uses[:PAGE], uses[PAGE:]
    chosen = {key: value for key, value in (("merchant", merchant), ("month", month)) if value}
    last = {"before": f"{_ms(shown[-1].at)}-{shown[-1].use_id}"} if more else {}
    shops = {each: names[each] for each in await merchants_of_uses(session, person)}
    return asked.page(
        "history.html",
        uses=[
            Shown(use, names[use.merchant_id], sites.get(use.site_id or "", "")) for use in shown
        ],
        shops=sorted(shops.items(), key=lambda shop: shop[1]),
        months=_months(await member_since(session, person), asked.now),
        merchant_id=merchant,
        month=month,
        as_csv=_link("history.csv", chosen),
        as_json=_link("history.json", chosen),
        newest=_link("history", chosen) if before else None,
        older=_link("history", chosen | last) if more else None,
    )


@routes.get("/history.csv")
async def download_csv(asked: Asker, merchant: Text = "", month: Text = "") -> Response:
    # A spreadsheet takes a file for UTF-8 that begins with a byte order mark.
    file = io.StringIO("\N{ZERO WIDTH NO-BREAK SPACE}")
    file.seek(0, io.SEEK_END)
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for each in await _told(asked, _wanted(merchant, month)):
        writer.writerow([only_text(each[column]) for column in _COLUMNS])
    return _file(file.getvalue(), "purchases.csv", "text/csv")


@routes.get("/history.json")
async def download_json(asked: Asker, merchant: Text = "", month: Text = "") -> Response:
    told = await _told(asked, _wanted(merchant, month))
    text = json.dumps(told, ensure_ascii=False, indent=2)
    return _file(text, "purchases.json", "application/json")


async def tell_history(asked: Asked) -> list[Mapping[str, str]]:
    """Returns all uses of who is signed in, for a file."""
    return await _told(asked, Wanted())


async def _told(asked: Asked, wanted: Wanted) -> list[Mapping[str, str]]:
    names, sites = await _names(asked), await _sites(asked)
    return [
        {
            "time": use.at.isoformat(timespec="seconds"),
            "kind": use.kind,
            "merchant": names[use.merchant_id],
            "site": sites.get(use.site_id or "", ""),
            "amount": decimal(use.amount.minor, use.amount.currency) if use.amount else "",
            "currency": use.amount.currency if use.amount else "",
            "outcome": use.outcome,
            "card": use.card.brand if use.card else "",
            "card_last4": use.card.last4 if use.card else "",
            "reference": use.reference,
        }
        for use in await uses_of(asked.session, asked.person, wanted)
    ]


async def _names(asked: Asked) -> Mapping[str, str]:
    return {row.id: row.name for row in await all_merchants(asked.session)}


async def _sites(asked: Asked) -> Mapping[str, str]:
    return {row.id: row.name for row in await all_sites(asked.session)}


def _wanted(merchant: str, month: str) -> Wanted:
    """Returns which uses a page or a file is to have. Raises Refusal."""
    if not month:
        return Wanted(merchant or None)
    found = _MONTH.fullmatch(month)
    if found is None or found[1] == "0000":
        raise Refusal(ProblemType.NOT_FOUND)
    first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
    try:
        return Wanted(merchant or None, first, _next_month(first))
    except OverflowError:
        raise Refusal(ProblemType.NOT_FOUND) from None


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=31)).replace(day=1)


def _months(since: datetime, now: datetime) -> list[datetime]:
    """Returns the first moment of each month from the first time to the second, the last first."""
    months = [datetime(since.year, since.month, 1, tzinfo=UTC)]
    while _next_month(months[0]) <= now:
        months.insert(0, _next_month(months[0]))
    return months


def _cursor(text: str) -> tuple[datetime, str] | None:
    """Raises Refusal."""
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Refusal(ProblemType.NOT_FOUND)
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1]))
    except OverflowError:
        raise Refusal(ProblemType.NOT_FOUND) from None
    return at, found[2]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _link(page: str, query: Mapping[str, Any]) -> str:
    return f"{HOME}/{page}" + (f"?{urlencode(query)}" if query else "")


def _file(text: str, name: str, kind: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, headers=headers, media_type=kind)
