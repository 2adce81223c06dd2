"""Lists of whom a gate lets pass without a network: made for one kiosk, for some hours, in its
memory alone.

On a list are people who have access at the site, have agreed to it, and let its gates keep a
template for this. The times at which each may pass are worked out here, so that a kiosk knows
neither hours nor holidays. It tells afterwards who has passed, by the marks of the list.
"""

import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from cryptography.exceptions import InvalidTag
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.entry import kept_palms, presences
from cloud.entry.access import Access, access_of
from cloud.entry.doors import Door, DoorKind, SiteClock, clock_of, door_of, keeps_list
from cloud.entry.entries import (
    PASSED,
    alert,
    decide,
    find_asked,
    has_passed_since,
    sees_life,
)
from cloud.entry.kept_palms import Answer, KeptPalm
from cloud.entry.tables import EntryRow
from cloud.entry.told import Told, seal_told
from cloud.keys.persons import OpenPerson, find_person
from cloud.matching import Match
from cloud.policy import Limits
from cloud.recognition import captures
from cloud.recognition.identifications import still_matching
from cloud.vault.client import Lifeless
from cloud.vault.messages import ExaminedPalm
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.encoding import from_base64, to_base64
from protocol.entry import (
    Admission,
    Entry,
    ListedPalms,
    ListedPerson,
    ListRequest,
    OfflinePassage,
    SiteList,
)
from protocol.hours import Hours
from protocol.messages import Direction, Identifier, ProblemType, Purpose
from protocol.site_list import binding

log = logging.getLogger(__name__)

MOST = 500
"""The largest number of people on a list: those who agreed last."""
AT_ONCE = 50
"""How many people are looked up in one transaction, during which nobody else can write."""
MINUTE = timedelta(minutes=1)

ADMISSIONS: dict[DoorKind, Literal[Admission.OPEN, Admission.PRESENT]] = {
    DoorKind.RELAY: Admission.OPEN,
    DoorKind.CONTROLLER: Admission.PRESENT,
}

router: APIRouter = signed_request.router()


class Mark(BaseModel):
    """Whom a list names, sealed for this service."""

    person_id: str
    site_id: str
    door: str
    area: str | None
    direction: Direction
    made_at: datetime
    valid_s: int


# Agreeing


@router.put("/entries/{entry_id}/palm", openapi_extra=signed_request.ENVELOPE)
async def keep(call: Caller, entry_id: str, request: Request) -> Entry:
    """Keeps a palm for the gates of the site, and decides anew. Raises Refusal when the palm is not
    that of the person whom the entry is about."""
    _, person = await find_asked(call, entry_id, Admission.ASK_TO_KEEP)
    await captures.count(call, Limits.SEARCHES_AT_DOOR)
    await call.session.commit()

    async def compare(examined: ExaminedPalm) -> Match | None:
        gallery, enough = call.context.gallery, call.context.policy.verify()
        return await gallery.verify(examined.side, examined.probes, person.person_id, enough)

    try:
        examined, match = await captures.examine(call, request, [Purpose.KEEP], compare, entry_id)
    except Lifeless:
        raise Refusal(ProblemType.PALM_NOT_LIVE) from None
    # Who was deleted while the vault was asked is not there any more, nor a palm that was.
    row, person = await find_asked(call, entry_id, Admission.ASK_TO_KEEP)
    is_theirs = match is not None and await still_matching(call.session, [match])
    if not is_theirs or not call.context.policy.is_sure(examined.score):
        raise Refusal(ProblemType.NOT_ACCEPTED)
    palm = KeptPalm(
        side=examined.side,
        version=examined.current.version,
        template=to_base64(examined.current.sealed),
    )
    await kept_palms.answer(call.session, person, row.site_id, Answer(palm=palm), call.now)
    return await decide(call, person, row)


@router.delete("/entries/{entry_id}/palm")
async def decline(call: Caller, entry_id: str) -> Entry:
    """Notes that the person does not want it, and decides anew."""
    row, person = await find_asked(call, entry_id, Admission.ASK_TO_KEEP)
    await kept_palms.answer(call.session, person, row.site_id, Answer(palm=None), call.now)
    return await decide(call, person, row)


# The list


@router.put("/door/list", response_model_exclude_defaults=True)
async def tell(call: Caller, asked: ListRequest) -> SiteList:
    """Returns whom the device may let pass without a network. Raises Refusal: NOT_FOUND
    for a device that may let nobody pass, and WRONG_REGION where the palms may not be here."""
    session, context = call.session, call.context
    device = await call.device()
    site_id = device.site_id
    # What it tells was made of palms.
    await context.regions.must_be_here(context, session, device.merchant_id)
    door = await door_of(session, call.device_id, site_id)
    if door is None or not keeps_list(door, sees_life=await sees_life(call)):
        raise Refusal(ProblemType.NOT_FOUND)
    clock = await clock_of(session, site_id)
    valid = timedelta(hours=door.list_hours)
    versions = context.vault.introduction.versions
    listed: dict[int, list[tuple[ListedPerson, bytes]]] = {version: [] for version in versions}
    times = Times(door, clock, call.now, valid)
    for number, (person, palm) in enumerate(await _kept(call, site_id, versions), 1):
        if number % AT_ONCE == 0:
            await session.commit()
        found = await access_of(session, person, site_id)
        if found is None or not await _may_use_palm(context, session, person, site_id):
            continue
        given, accepted = found
        open_at = times.of(given) if accepted else []
        if not open_at or (door.kind is DoorKind.CONTROLLER and given.credential is None):
            continue
        mark = Mark(
            person_id=person.person_id,
            site_id=site_id,
            door=door.name,
            area=door.area,
            direction=door.direction,
            made_at=call.now,
            valid_s=round(valid.total_seconds()),
        )
        one = ListedPerson(
            mark=_sealed(context, mark),
            side=palm.side,
            times=open_at,
            credential=given.credential if door.kind is DoorKind.CONTROLLER else None,
        )
        listed[palm.version].append((one, from_base64(palm.template)))
    await session.commit()
    # A palm is compared with everybody on the list, whatever version they are kept in.
    rarity = context.policy.accept(sum(map(len, listed.values())))
    now, *earlier = [
        await _shared(call, asked, version, people, rarity)
        for version, people in listed.items()
        if people or version == versions[0]
    ]
    return SiteList(
        made_at=call.now,
        valid_s=round(valid.total_seconds()),
        admission=ADMISSIONS[door.kind],
        direction=door.direction,
        once=door.area is not None and door.direction is Direction.ENTRY,
        version=now.version,
        at_least=now.at_least,
        people=now.people,
        templates=now.templates,
        earlier=earlier,
    )


async def _shared(
    call: Call,
    asked: ListRequest,
    version: int,
    listed: Sequence[tuple[ListedPerson, bytes]],
    rarity: float,
) -> ListedPalms:
    """Returns people whose templates are of one version, with these templates sealed to the
    kiosk."""
    people = [person for person, _ in listed]
    bound_to = binding(call.device_id, [each.mark for each in people])
    templates = [template for _, template in listed]
    sealed = await call.context.vault.share(version, templates, asked.key, bound_to)
    return ListedPalms(
        version=version,
        at_least=call.context.policy.score(version, rarity),
        people=people,
        templates=to_base64(sealed),
    )


@router.put("/door/passages/{passage_id}", status_code=204)
async def note(call: Caller, passage_id: Identifier, passage: OfflinePassage) -> None:
    """Notes that somebody has passed without a network. Told again, nothing changes, and of
    somebody who was deleted since, or has withdrawn from the merchant, nothing is noted. Raises
    Refusal for a mark that was not made for the device's site, or a time at which it did not count;
    a time that is still to come is taken for now."""
    mark = _opened(call.context, passage.mark)
    device = await call.device()
    if mark is None or mark.site_id != device.site_id or passage.after_s > mark.valid_s:
        raise Refusal(ProblemType.NOT_FOUND)
    # The clock of a kiosk may be ahead. A passage that is refused is lost to everybody.
    at = min(mark.made_at + timedelta(seconds=passage.after_s), call.now)
    before = await call.session.get(EntryRow, passage_id)
    if before is not None:
        return
    try:
        person = await find_person(call.session, call.context.master, mark.person_id)
    except NoResultFound:
        return
    if not await call.context.accounts.has_agreed(call.session, person, device.merchant_id):
        return
    told = Told(
        door=mark.door,
        area=mark.area,
        direction=mark.direction,
        admission=Admission.OPEN,
        refusal=None,
        passed=True,
    )
    row = EntryRow(
        id=passage_id,
        identification_id=passage_id,
        merchant_id=device.merchant_id,
        person_id=person.person_id,
        site_id=mark.site_id,
        device_id=call.device_id,
        at=at,
    )
    seal_told(person, row, told)
    call.session.add(row)
    await alert(call, person, row, PASSED)
    if mark.area is None:
        return
    # Gates tell in no order: another one may have told already that they went out afterwards.
    if not await has_passed_since(call.session, person, mark.site_id, mark.area, row.at):
        inside = mark.direction is Direction.ENTRY
        await presences.note(
            call.session, person, mark.site_id, mark.area, inside=inside, now=row.at
        )


async def _kept(
    call: Call, site_id: str, versions: Sequence[int]
) -> list[tuple[OpenPerson, KeptPalm]]:
    """Returns who lets the gates of a site keep a template of one of these versions, those who
    agreed last first."""
    kept = [
        (person, given.palm)
        for person, given in await kept_palms.answers_at(call.session, call.context.master, site_id)
        if given.palm is not None and given.palm.version in versions
    ]
    if len(kept) > MOST:
        log.warning("a list for a gate names %d of the %d people who agreed", MOST, len(kept))
    return kept[:MOST]


async def _may_use_palm(
    context: Context, session: AsyncSession, person: OpenPerson, site_id: str
) -> bool:
    accounts = context.accounts
    return await accounts.agrees_at(session, person, site_id) and not await accounts.is_frozen(
        session, person
    )


class Times:
    """Works out when people may pass a door from now on, to the minute."""

    def __init__(self, door: Door, clock: SiteClock, now: datetime, valid: timedelta) -> None:
        self._door = door
        self._clock = clock
        self._minutes = [now + count * MINUTE for count in range(valid // MINUTE)]
        self._open = [clock.is_open(door.hours, at) for at in self._minutes]
        self._days = [at.astimezone(clock.zone).date() for at in self._minutes]
        self._at_hours: dict[str, list[bool]] = {"": self._open}

    def of(self, given: Access) -> list[tuple[int, int]]:
        """Returns the times at which somebody's access counts, in seconds from now."""
        if given.hours not in self._at_hours:
            hours = Hours.parse(given.hours)
            self._at_hours[given.hours] = [
                is_open and self._clock.is_open(hours, at)
                for is_open, at in zip(self._open, self._minutes, strict=True)
            ]
        counts = {day: given.refusal(self._door.name, day) is None for day in set(self._days)}
        times: list[tuple[int, int]] = []
        for minute, is_open in enumerate(self._at_hours[given.hours]):
            if not (is_open and counts[self._days[minute]]):
                continue
            begin, end = 60 * minute, 60 * (minute + 1)
            if times and times[-1][1] == begin:
                begin = times.pop()[0]
            times.append((begin, end))
        return times


def _sealed(context: Context, mark: Mark) -> str:
    sealed = context.master.outbox.seal(mark.model_dump_json().encode(), _PLACE)
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def _opened(context: Context, mark: str) -> Mark | None:
    try:
        sealed = urlsafe_b64decode(mark + "=" * (-len(mark) % 4))
        return Mark.model_validate_json(context.master.outbox.open(sealed, _PLACE))
    except (InvalidTag, ValueError):
        return None


_PLACE = "site lists"
