"""Lists in pages, the newest first: each page says with what the next one is asked for."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Query

from cloud.web.problems import Refusal
from protocol.messages import ProblemType

MOST = 100
"""The largest number of entries on a page."""

Cursor = Annotated[
    str | None, Query(max_length=256, description="`next` of the page before; none for the first.")
]
Size = Annotated[int, Query(ge=1, le=MOST, description="How many entries at most.")]

Place = tuple[datetime, str]
"""The time of an entry, and its id, which tells entries of one time apart."""
Entry = TypeVar("Entry")


def page_of(
    found: Sequence[Entry], limit: int, place: Callable[[Entry], Place]
) -> tuple[Sequence[Entry], str | None]:
    """Returns the first `limit` entries that were found, and the cursor of the next page; None when
    there is none. `found` has at least one entry more than `limit` if there is a next page."""
    page = found[:limit]
    return page, cursor_of(place(page[-1])) if len(found) > limit else None


def cursor_of(place: Place) -> str:
    at, entry_id = place
    return urlsafe_b64encode(f"{round(at.timestamp() * 1000)} {entry_id}".encode()).decode()


def place_of(cursor: str | None) -> Place | None:
    """Returns after which entry a page begins; None for the first page. Raises Refusal."""
    if cursor is None:
        return None
    try:
        at, _, entry_id = urlsafe_b64decode(cursor).decode("ascii").partition(" ")
        return datetime.fromtimestamp(int(at) / 1000, UTC), entry_id
    except (ValueError, OverflowError, OSError):
        raise _unknown() from None


def position_of(cursor: str | None) -> int | None:
    """Returns before which entry a page ends, for entries whose ids count them from 0 on; None for
    the first page. Raises Refusal."""
    place = place_of(cursor)
    if place is None:
        return None
    if not re.fullmatch("[0-9]{1,15}", place[1]):
        raise _unknown()
    return int(place[1])


def _unknown() -> Refusal:
    return Refusal(ProblemType.MALFORMED, "the cursor is not one that a page has told")
