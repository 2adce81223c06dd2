"""Access lists: a site's own system says who may pass, person by person.

People are named by their mobile number. Nothing is kept of those who have not signed up or have not
agreed at the merchant: they are counted as waiting, both alike, so that nobody learns from a list
who has an account. The site sends its list again, every night perhaps, and by then they may have.
"""

import csv
import io
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.entry import access
from cloud.entry.access import Access
from cloud.keys.persons import OpenPerson
from cloud.merchants.merchants import SiteRow
from protocol.mobile import NotANumber, NotMobile, read_mobile

COLUMNS = (
    "phone",
    "person",
    "format",
    "facility",
    "number",
    "doors",
    "hours",
    "first_day",
    "last_day",
)
"""The columns of a file. `phone` and `person` are needed, the others may be left out; `doors` are
names with semicolons between them."""
NEEDED = {"phone", "person"}
LONGEST = 200_000
"""The largest number of people in one list."""


class Listed(BaseModel):
    """One person of a list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    phone: Annotated[str, Field(repr=False)]
    access: Access


class BadList(ValueError):
    """A list cannot be taken. `faults` says of each line what is wrong, and quotes no number."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a list, in people."""

    given: int
    """Their access is new or has changed."""
    unchanged: int
    waiting: int
    """They have not signed up, or have not agreed at the merchant."""
    taken: int
    """They had access and are not on the list any more."""


def read_list(text: str, country: str) -> list[Listed]:
    """Returns the people of a CSV file with COLUMNS in its first line, in any order. Numbers are
    those of `country` (ISO 3166-1 alpha-2) unless they begin with +. Raises BadList for all faults
    at once."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")))
    given = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = given
    faults = [f"the column '{name}' is not known" for name in given if name not in COLUMNS]
    faults += [f"the column '{name}' is missing" for name in sorted(NEEDED - set(given))]
    if len(set(given)) < len(given):
        faults.append("a column is there twice")
    if faults:
        raise BadList(faults)
    listed: list[Listed] = []
    seen: dict[str, int] = {}
    for row in reader:
        line = reader.line_num
        if len(listed) >= LONGEST:
            raise BadList([*faults, f"there are more than {LONGEST} people"])
        if None in row or None in row.values():
            faults.append(f"line {line} has another number of cells than the first line")
            continue
        try:
            person = _person({name: cell.strip() for name, cell in row.items()}, country)
        except ValueError as error:
            faults.append(f"line {line}: {error}")
            continue
        if person.phone in seen:
            faults.append(f"line {line}: the number stands in line {seen[person.phone]} already")
        seen[person.phone] = line
        listed.append(person)
    if faults:
        raise BadList(faults)
    return listed


def _person(cells: dict[str, str], country: str) -> Listed:
    """Raises ValueError, whose message quotes nothing that is personal."""
    try:
        phone = read_mobile(cells["phone"], country)
    except NotANumber:
        raise ValueError("phone is not a telephone number") from None
    except NotMobile:
        raise ValueError("phone is not the number of a mobile phone") from None
    filled = {name: cell for name, cell in cells.items() if cell}
    given: dict[str, Any] = {
        name: filled[name]
        for name in ("person", "hours", "first_day", "last_day")
        if name in filled
    }
    given["doors"] = [door for door in filled.get("doors", "").split(";") if door.strip()]
    credential = {name: filled[name] for name in ("format", "facility", "number") if name in filled}
    if credential:
        given["credential"] = credential
    try:
        return Listed(phone=phone, access=Access.model_validate(given))
    except ValidationError as wrong:
        raise ValueError(", ".join(_fault(fault) for fault in wrong.errors())) from None


def _fault(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where}: {str(fault['msg']).removeprefix('Value error, ')}"


async def take_list(
    session: AsyncSession,
    site: SiteRow,
    listed: Iterable[Listed],
    find_member: Callable[[str], Awaitable[OpenPerson | None]],
    now: datetime,
    *,
    whole: bool,
) -> Outcome:
    """Gives everybody on a list what it says. `find_member` returns who has a mobile number and has
    agreed at the site's merchant. Where the list is the `whole` one of the site, it takes what
    people have who are not on it."""
    given = unchanged = waiting = 0
    kept: set[str] = set()
    for each in listed:
        person = await find_member(each.phone)
        if person is None:
            waiting += 1
            continue
        kept.add(person.person_id)
        if await access.give(session, person, site, each.access, now):
            given += 1
        else:
            unchanged += 1
    taken = await _take_others(session, site, kept) if whole else 0
    return Outcome(given, unchanged, waiting, taken)


async def _take_others(session: AsyncSession, site: SiteRow, kept: Collection[str]) -> int:
    others = await access.listed_at(session, site.id) - set(kept)
    for person_id in others:
        await access.take(session, person_id, site.id)
    return len(others)
