"""What became of palms at a merchant's kiosks: numbers by day, kiosk and light, which lead to no
person."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from cloud.integrations import asking, paging
from cloud.integrations.asking import Asked, Asker, Scope, needs
from cloud.merchants.merchants import all_sites
from cloud.policy import TALLIES_KEPT
from cloud.seen import TOOK, Became, Light, Quality
from cloud.watch import tallies
from cloud.watch.tallies import Cell, Figures
from protocol.messages import Identifier, Message

router: APIRouter = asking.router()


class Qualities(Message):
    """How well palms could be seen that were read, by classes of their quality."""

    clear: int
    """0.9 and more."""
    good: int
    """0.8 to 0.9."""
    fair: int
    """0.7 to 0.8."""
    poor: int
    """Below 0.7. One below 0.6 could not be read."""


class Counted(Message):
    """What became of palms."""

    palms: int
    """How many were shown; each became one of the next seven."""
    recognised: int
    digits: int
    """Digits of the number were asked for."""
    longer: int
    """It was to be held longer."""
    not_found: int
    """Nobody was found, and it was asked for again."""
    refused: int
    """Nobody was found, and no try was left."""
    lifeless: int
    """Not seen to be alive."""
    unreadable: int
    median_s: float | None = Field(
        description="In how many seconds half of the palms were answered, as one of ten steps; "
        "null where it took longer than the last, 10, and without palms."
    )
    quality: Qualities
    """Of the palms that were read, those of people who signed up among them."""


class Recognised(Counted):
    """What became of the palms of a day at a kiosk, under one light."""

    day: date
    """In UTC."""
    device_id: str
    light: Light


class Recognition(Message):
    recognition: list[Recognised]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


@router.get("/recognition", dependencies=needs(Scope.RECOGNITION_READ))
async def tell(
    asked: Asker,
    device_id: Annotated[Identifier | None, Query(description="Only this kiosk.")] = None,
    light: Annotated[Light | None, Query(description="Only this light.")] = None,
    cursor: paging.Cursor = None,
    limit: paging.Size = 50,
) -> Recognition:
    """Tells what became of palms, by day, kiosk and light, the newest day first."""
    after = paging.place_of(cursor)
    cells = [
        (_place(cell), cell, figures)
        for cell, figures in (await _counted(asked, device_id)).items()
        if light in (None, cell.light)
    ]
    # Within a day by name.
    cells.sort(key=lambda each: each[0][1])
    cells.sort(key=lambda each: each[0][0], reverse=True)
    left = [each for each in cells if after is None or _is_after(each[0], after)]
    page, following = paging.page_of(left, limit, lambda each: each[0])
    return Recognition(
        recognition=[
            Recognised(day=cell.day, device_id=cell.device_id, light=cell.light, **counted(figures))
            for _, cell, figures in page
        ],
        next=following,
    )


async def _counted(asked: Asked, device_id: str | None) -> dict[Cell, Figures]:
    since = (asked.call.now - TALLIES_KEPT).astimezone(UTC).date() + timedelta(days=1)
    there = [
        site.id for site in await all_sites(asked.session) if site.merchant_id == asked.merchant_id
    ]
    return await tallies.by_day(asked.session, since, there, device_id)


def _place(cell: Cell) -> paging.Place:
    day = datetime(cell.day.year, cell.day.month, cell.day.day, tzinfo=UTC)
    return day, f"{cell.device_id} {cell.light}"


def _is_after(place: paging.Place, other: paging.Place) -> bool:
    return place[0] < other[0] or (place[0] == other[0] and place[1] > other[1])


def counted(figures: Figures) -> dict[str, Any]:
    """Returns the fields of `Counted`."""
    counts, median = figures.counts, figures.median_s
    return {
        "palms": figures.tries,
        **{each.value: counts[each] for each in Became},
        "median_s": None if median is None or median > TOOK[-1] else median,
        "quality": Qualities(**{each.value: counts[each] for each in Quality}),
    }
