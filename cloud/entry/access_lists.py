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
from typing import Annotated, Any, cast

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
_OF_CREDENTIAL = ("format", "facility", "number")
_OF_ACCESS = ("person", "doors", "hours", "first_day", "last_day")
_FIRST = "line 1"
LONGEST = 200_000
"""The largest number of people in one list."""


AT_ONCE = 100
"""How many people of a list are written in one transaction, during which nobody else can write."""

FindMember = Callable[[str], Awaitable[OpenPerson | None]]
"""Returns who has a mobile number and has agreed at the merchant; None when nobody has."""


class Listed(BaseModel):
    """One person of a list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    phone: Annotated[str, Field(repr=False)]
    access: Access


class BadList(ValueError):
    """A list cannot be taken. `faults` are all that is wrong, each with its place, and quote no
    number."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{place}: {what}" for place, what in faults))
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
    faults = [
        (_FIRST, f"the column '{name}' is not known") for name in given if name not in COLUMNS
    ]
    faults += [(_FIRST, f"the column '{name}' is missing") for name in sorted(NEEDED - set(given))]
    if len(set(given)) < len(given):
        faults.append((_FIRST, "a column is there twice"))
    if faults:
        raise BadList(faults)
    listed: list[Listed] = []
    seen: dict[str, str] = {}
    for row in reader:
        line = f"line {reader.line_num}"
        if len(listed) >= LONGEST:
            raise BadList([*faults, (line, f"there are more than {LONGEST} people")])
        if None in row or None in row.values():
            faults.append((line, "there is another number of cells than in line 1"))
            continue
        try:
            cells = {name: cell.strip() for name, cell in row.items()}
            person = _listed(_cells(cells), country)
        except ValueError as error:
            faults.append((line, str(error)))
            continue
        if person.phone in seen:
            faults.append((line, f"the number stands in {seen[person.phone]} already"))
        seen[person.phone] = line
        listed.append(person)
    if faults:
        raise BadList(faults)
    return listed


def read_people(people: Sequence[object], country: str, place: str) -> list[Listed]:
    """Returns the people of a JSON array of objects with COLUMNS as their names, in which `doors`
    is an array. Raises BadList for all faults at once, in which the array is called `place`."""
    faults: list[tuple[str, str]] = []
    listed: list[Listed] = []
    seen: dict[str, int] = {}
    for number, fields in enumerate(people):
        where = f"{place}/{number}"
        try:
            person = _listed(_known(fields), country)
        except ValueError as error:
            faults.append((where, str(error)))
            continue
        if person.phone in seen:
            faults.append((where, f"the number stands in {place}/{seen[person.phone]} already"))
        seen.setdefault(person.phone, number)
        listed.append(person)
    if faults:
        raise BadList(faults)
    return listed


def read_numbers(numbers: Sequence[object], country: str, place: str) -> list[str]:
    """Returns the mobile numbers of a JSON array of strings. Raises BadList as `read_people`."""
    faults: list[tuple[str, str]] = []
    read: list[str] = []
    for position, number in enumerate(numbers):
        try:
            read.append(_phone(number, country))
        except ValueError as error:
            faults.append((f"{place}/{position}", str(error)))
    if faults:
        raise BadList(faults)
    return read


def _known(fields: object) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise ValueError("a person is an object")
    given = cast(dict[str, Any], fields)
    if not given.keys() <= set(COLUMNS):
        raise ValueError(f"a person has these fields alone: {', '.join(COLUMNS)}")
    return {name: value for name, value in given.items() if value is not None}


def _cells(cells: dict[str, str]) -> dict[str, Any]:
    """Returns the fields of a person that the cells of a line are."""
    filled: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
    filled["doors"] = [door for door in cells.get("doors", "").split(";") if door.strip()]
    return filled


def _listed(fields: dict[str, Any], country: str) -> Listed:
    """Returns the person with these fields, by the names of the columns. Raises ValueError, whose
    message names all that is wrong and quotes nothing that is personal."""
    wrong: list[str] = []
    phone = ""
    try:
        phone = _phone(fields.get("phone"), country)
    except ValueError as error:
        wrong.append(str(error))
    given = {name: fields[name] for name in _OF_ACCESS if name in fields}
    credential = {name: fields[name] for name in _OF_CREDENTIAL if name in fields}
    if credential:
        given["credential"] = credential
    try:
        access = Access.model_validate(given)
    except ValidationError as error:
        wrong += [_fault(fault) for fault in error.errors()]
    else:
        if not wrong:
            return Listed(phone=phone, access=access)
    raise ValueError(", ".join(wrong))


def _phone(number: object, country: str) -> str:
    """Returns a mobile number in E.164. Raises ValueError, which does not quote it."""
    try:
        return read_mobile(number if isinstance(number, str) else "", country)
    except NotANumber:
        raise ValueError("phone is not a telephone number") from None
    except NotMobile:
        raise ValueError("phone is not the number of a mobile phone") from None


def _fault(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where}: {str(fault['msg']).removeprefix('Value error, ')}"


async def take_list(
    session: AsyncSession,
    site: SiteRow,
    listed: Iterable[Listed],
    find_member: FindMember,
    now: datetime,
    *,
    whole: bool,
) -> Outcome:
    """Gives everybody on a list what it says. `find_member` returns who has a mobile number and has
    agreed at the site's merchant. Where the list is the `whole` one of the site, it takes what
    people have who are not on it.

    It commits after every AT_ONCE people, so that gates need not wait for a long list. One that was
    taken half way is sent again.
    """
    given = unchanged = waiting = 0
    kept: set[str] = set()
    for number, each in enumerate(listed, 1):
        if number % AT_ONCE == 0:
            await session.commit()
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


async def take_from(
    session: AsyncSession, site: SiteRow, phones: Iterable[str], find_member: FindMember
) -> int:
    """Takes what the people with these mobile numbers have at a site, and commits as `take_list`.
    Returns how many had anything."""
    taken = 0
    for number, phone in enumerate(phones, 1):
        if number % AT_ONCE == 0:
            await session.commit()
        person = await find_member(phone)
        if person is not None and await access.take(session, person.person_id, site.id):
            taken += 1
    return taken


async def _take_others(session: AsyncSession, site: SiteRow, kept: Collection[str]) -> int:
    others = await access.listed_at(session, site.id) - set(kept)
    for number, person_id in enumerate(others, 1):
        if number % AT_ONCE == 0:
            await session.commit()
        await access.take(session, person_id, site.id)
    return len(others)
