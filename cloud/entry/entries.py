"""Entries: whether somebody who was recognised may pass the door that the device stands at, and
what came of it.

The kiosk tells afterwards whether they could pass. Where the kiosk opens by itself, somebody counts
as inside from the decision on, and not any more when the gate could not be opened: a kiosk that
dies in between lets nobody in twice. Where the site's or the venue's system decides, they count
once it has let them pass.
"""

from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.entry import access, check_ins, kept_palms, presences
from cloud.entry.doors import Door, DoorKind, SiteClock, clock_of, door_of, keeps_list
from cloud.entry.tables import EntryRow
from cloud.entry.tickets import tickets_of
from cloud.entry.told import Told, open_told, seal_told
from cloud.keys.persons import OpenPerson, find_person
from cloud.merchants.merchants import place_of
from cloud.policy import ENTRIES_KEPT
from cloud.recognition.identifications import accepted_for
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.entry import (
    Admission,
    DoorTold,
    Entry,
    EntryRefusal,
    EntryRequest,
    Passage,
)
from protocol.hours import Hours
from protocol.messages import Direction, ProblemType, Purpose

router: APIRouter = signed_request.router()

ADMISSIONS = {
    DoorKind.RELAY: Admission.OPEN,
    DoorKind.CONTROLLER: Admission.PRESENT,
    DoorKind.VENUE: Admission.REDEEM,
    DoorKind.DESK: Admission.CHECKED_IN,
}


Given = dict[str, object]
"""Fields of the answer."""


PASSABLE = (Admission.OPEN, Admission.PRESENT, Admission.REDEEM)
"""After which the kiosk tells whether somebody could pass."""
PASSED = "your palm passed a door"
"""What somebody is told of it who wants to be."""


@router.get("/door")
async def tell_door(call: Caller) -> DoorTold:
    """Returns what the device stands at. Raises Refusal (NOT_FOUND) at no door."""
    door = await door_of(call.session, call.device_id, (await call.device()).site_id)
    if door is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return DoorTold(
        direction=door.direction,
        checks_in=door.kind is DoorKind.DESK,
        redeems=door.kind is DoorKind.VENUE,
        keeps_list=keeps_list(door, sees_life=await sees_life(call)),
    )


@router.post(
    "/entries",
    responses=signed_request.leads_to("entry_id", "entries.agree", "lists.keep", "lists.decline"),
)
async def enter(call: Caller, request: EntryRequest) -> Entry:
    """Decides once for each identification, and once more for somebody who had no ticket and has
    linked one since."""
    person = await accepted_for(call, request.identification_id, Purpose.ENTER)
    row = await call.session.scalar(
        select(EntryRow).where(EntryRow.identification_id == request.identification_id)
    )
    if row is None:
        row = EntryRow(
            id=new_id(),
            identification_id=request.identification_id,
            merchant_id=(await call.device()).merchant_id,
            person_id=person.person_id,
            site_id=(await call.device()).site_id,
            device_id=call.device_id,
            at=call.now,
        )
    elif open_told(person, row).refusal is not EntryRefusal.NO_TICKET:
        raise Refusal(ProblemType.CONFLICT, "this was decided already")
    entry = await decide(call, person, row)
    call.session.add(row)
    return entry


@router.post("/entries/{entry_id}/agreement")
async def agree(call: Caller, entry_id: str) -> Entry:
    """Notes that the person agrees that their palm stands for what the site has given them, and
    decides anew."""
    row, person = await find_asked(call, entry_id, Admission.ASK)
    await access.accept(call.session, person, row.site_id, call.now)
    return await decide(call, person, row)


@router.put("/entries/{entry_id}/passage", status_code=204)
async def tell(call: Caller, entry_id: str, passage: Passage) -> None:
    """Notes whether somebody could pass. Told again, nothing changes."""
    row, person = await _find(call, entry_id)
    told = open_told(person, row)
    if told.passed is not None or told.admission not in PASSABLE:
        return
    told.passed = passage.passed
    seal_told(person, row, told)
    decided_here = told.admission is Admission.OPEN
    if passage.passed:
        await alert(call, person, row, PASSED)
    # Those whom the kiosk let pass count already.
    if passage.passed is not decided_here:
        await _note(call.session, person, row, told, passed=passage.passed, now=call.now)


async def entries_of(session: AsyncSession, person: OpenPerson) -> list[tuple[EntryRow, Told]]:
    """Returns when a person was recognised at doors, the latest first."""
    rows = await session.scalars(
        select(EntryRow)
        .where(EntryRow.person_id == person.person_id)
        .order_by(EntryRow.at.desc(), EntryRow.id)
    )
    return [(row, open_told(person, row)) for row in rows]


def passages(person: OpenPerson) -> Select[str, datetime, str, str, bytes]:
    """Returns the query for when a person was at doors: `id`, `at`, `merchant_id`, `site_id` and
    `sealed`, which `outcome_of` opens."""
    return select(
        EntryRow.id, EntryRow.at, EntryRow.merchant_id, EntryRow.site_id, EntryRow.sealed
    ).where(EntryRow.person_id == person.person_id)


async def count_since(session: AsyncSession, site_id: str, since: datetime) -> int:
    """Returns how often somebody was recognised at a door of a site. What became of it is for its
    person alone."""
    rows = EntryRow.site_id == site_id, EntryRow.at >= since
    return await session.scalar(select(func.count()).where(*rows)) or 0


async def has_passed_since(
    session: AsyncSession, person: OpenPerson, site_id: str, area: str, at: datetime
) -> bool:
    """Returns whether it is known that a person has passed a door of an area after this time, or
    counts so because the kiosk has opened it by itself and has not told yet."""
    theirs = EntryRow.person_id == person.person_id, EntryRow.site_id == site_id
    rows = await session.scalars(select(EntryRow).where(*theirs, EntryRow.at > at))
    later = [told for told in (open_told(person, row) for row in rows) if told.area == area]
    return any(
        told.passed or (told.passed is None and told.admission is Admission.OPEN) for told in later
    )


async def forget(session: AsyncSession, person: OpenPerson, merchant_id: str) -> bool:
    """Deletes when a person was recognised at a merchant's doors. Returns whether they ever
    were."""
    theirs = EntryRow.person_id == person.person_id, EntryRow.merchant_id == merchant_id
    gone = await session.execute(delete(EntryRow).where(*theirs).returning(EntryRow.id))
    return gone.first() is not None


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes what was kept for as long as promised. Returns whether there was any."""
    gone = await session.execute(
        delete(EntryRow).where(EntryRow.at <= now - ENTRIES_KEPT).returning(EntryRow.id)
    )
    return gone.first() is not None


async def _find(call: Call, entry_id: str) -> tuple[EntryRow, OpenPerson]:
    """Returns an entry at the calling device's door, and whose it is. Raises Refusal."""
    row = await held(call.session, EntryRow, entry_id)
    device = await call.device()
    if row is None or (row.device_id, row.merchant_id) != (device.id, device.merchant_id):
        raise Refusal(ProblemType.NOT_FOUND)
    call.person = person = await find_person(call.session, call.context.master, row.person_id)
    return row, person


async def find_asked(call: Call, entry_id: str, asked: Admission) -> tuple[EntryRow, OpenPerson]:
    """Returns an entry at the calling device's door whose person was asked something, and that
    person. Raises Refusal, also when their palm was shown too long ago, or does not count any
    more: whoever has gone, or has frozen it since, agrees to nothing."""
    row, person = await _find(call, entry_id)
    if open_told(person, row).admission is not asked:
        raise Refusal(ProblemType.CONFLICT, "nothing was asked of this person")
    await accepted_for(call, row.identification_id, Purpose.ENTER)
    return row, person


async def alert(call: Call, person: OpenPerson, row: EntryRow, what: str) -> None:
    """Has a person told of what came of them at a door, if they want to be."""
    await call.context.alerts.promise(
        call.context, call.session, person, merchant_id=row.merchant_id, what=what, at=row.at
    )


async def sees_life(call: Call) -> bool:
    """Returns whether the calling device's palms are taken only with what shows that a hand is
    alive."""
    return call.context.settings.light_required or (await call.device()).infrared


async def decide(call: Call, person: OpenPerson, row: EntryRow) -> Entry:
    """Decides whether a person may pass, and notes in the row what the kiosk is told."""
    session = call.session
    site, _ = await place_of(session, row.site_id)
    door = await door_of(session, row.device_id, row.site_id)
    entry = Entry(
        entry_id=row.id,
        admission=Admission.REFUSED,
        direction=Direction.ENTRY if door is None else door.direction,
        refusal=EntryRefusal.NOT_SET_UP,
        site=site.name,
    )
    if door is not None:
        entry = await _at_door(call, person, row, door, entry)
    told = Told(
        door="" if door is None else door.name,
        area=None if door is None else door.area,
        direction=entry.direction,
        admission=entry.admission,
        refusal=entry.refusal,
    )
    seal_told(person, row, told)
    if entry.admission is Admission.REFUSED:
        await alert(call, person, row, "your palm was refused at a door")
    elif entry.admission is Admission.CHECKED_IN:
        await alert(call, person, row, "your palm checked in")
    elif entry.admission is Admission.OPEN:
        await _note(session, person, row, told, passed=True, now=call.now)
    return entry


class _Denied(Exception):
    def __init__(self, why: EntryRefusal) -> None:
        super().__init__(why.value)
        self.why = why


async def _at_door(
    call: Call, person: OpenPerson, row: EntryRow, door: Door, entry: Entry
) -> Entry:
    """Returns what becomes of a person at a door; `entry` holds what is the same for everybody."""
    clock = await clock_of(call.session, row.site_id)
    try:
        _must_be_open(clock, door.hours, call.now)
        await _must_be_outside(call.session, person, row, door)
        if door.kind is DoorKind.VENUE:
            given = await _tickets(call.session, person, row.merchant_id)
        elif door.everyone:
            given = {}
        else:
            given = await _access(call, person, row, door, clock)
    except _Denied as denied:
        return entry.model_copy(update={"refusal": denied.why})
    admitted = {"admission": ADMISSIONS[door.kind], "refusal": None}
    return entry.model_copy(update=admitted | given)


def _must_be_open(clock: SiteClock, hours: Hours, now: datetime) -> None:
    if not clock.is_open(hours, now):
        raise _Denied(EntryRefusal.CLOSED)


async def _must_be_outside(
    session: AsyncSession, person: OpenPerson, row: EntryRow, door: Door
) -> None:
    """Raises _Denied for somebody who is in the area that they want to enter, or is not in the one
    that they want to leave."""
    if door.area is None:
        return
    why = await presences.refusal(session, person, row.site_id, door.area, door.direction)
    if why is not None:
        raise _Denied(why)


async def _tickets(session: AsyncSession, person: OpenPerson, merchant_id: str) -> Given:
    held = await tickets_of(session, person, merchant_id)
    if not held:
        raise _Denied(EntryRefusal.NO_TICKET)
    return {"tickets": [ticket.code for _, ticket in held]}


async def _access(
    call: Call, person: OpenPerson, row: EntryRow, door: Door, clock: SiteClock
) -> Given:
    """Returns what somebody's access at the site adds to the answer. Raises _Denied."""
    found = await access.access_of(call.session, person, row.site_id)
    if found is None:
        raise _Denied(EntryRefusal.NO_ACCESS)
    given, accepted = found
    why = given.refusal(door.name, call.now.astimezone(clock.zone).date())
    if why is not None:
        raise _Denied(why)
    if given.hours:
        _must_be_open(clock, Hours.parse(given.hours), call.now)
    if door.kind is DoorKind.CONTROLLER and given.credential is None:
        raise _Denied(EntryRefusal.NO_ACCESS)
    if not accepted:
        return {"admission": Admission.ASK, "credential": given.credential}
    if keeps_list(door, sees_life=await sees_life(call)):
        answer = await kept_palms.answer_of(call.session, person, row.site_id)
        if answer is None or not _is_current(call.context, answer):
            return {"admission": Admission.ASK_TO_KEEP}
    if door.kind is DoorKind.DESK:
        await check_ins.tell_later(call, row)
    return {"credential": given.credential} if door.kind is DoorKind.CONTROLLER else {}


def _is_current(context: Context, answer: kept_palms.Answer) -> bool:
    """Returns whether what somebody has answered holds: a template of a version of before is not
    used any more."""
    return answer.palm is None or answer.palm.version == context.vault.introduction.versions[0]


async def _note(
    session: AsyncSession,
    person: OpenPerson,
    row: EntryRow,
    told: Told,
    *,
    passed: bool,
    now: datetime,
) -> None:
    if told.area is not None:
        inside = passed is (told.direction is Direction.ENTRY)
        await presences.note(session, person, row.site_id, told.area, inside=inside, now=now)
