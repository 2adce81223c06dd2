"""Requests for palms: what a merchant's own systems have the person before a kiosk asked, and what
they have answered.

A request is for one kiosk, or for any of a site: the first that is free shows it. It is answered by
a palm, by a No, or not in time. Who agrees is told by the reference that they have linked to their
palm, and in no other way; who was not recognised, or is another than was expected, is not told at
all. It is kept for half a day after its end, and goes with the person who has answered.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt, model_validator
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context, Event
from cloud.db.locks import held, lock
from cloud.db.tables import new_id
from cloud.integrations import asking, statements
from cloud.integrations.asking import Asked, Asker, AskerOnce, Scope, needs
from cloud.integrations.tables import PalmRequestRow
from cloud.keys.person_keys import Key, MasterKey
from cloud.keys.persons import OpenPerson, find_person
from cloud.loyalty.memberships import membership_of
from cloud.merchants.merchants import find_site
from cloud.policy import PALM_REQUESTS_KEPT, Limits
from cloud.web import limits, signed_request
from cloud.web.devices import all_devices, find_device
from cloud.web.problems import Refusal
from protocol.asked import OPEN, Asks, Question, RequestState
from protocol.messages import Identifier, MembershipCode, Message, ProblemType

MOST_WAITING = 10
"""The largest number of requests that wait for any kiosk of a site."""
LONGEST_LIFE_S = 600
LONGEST_WAIT_S = 20
"""How long a question for the state of a request may wait for its end, in seconds."""
LOOK_S = 1.0
"""Seconds between two looks at the database while something is waited for. Another process may have
changed it."""

ANSWERED = (
    RequestState.APPROVED,
    RequestState.IDENTIFIED,
    RequestState.ENROLLED,
    RequestState.REFUSED,
)
"""What somebody has answered, and is signed."""

Found = TypeVar("Found")
Reason = Literal["declined", "not_recognised"]

router: APIRouter = asking.router()


class Words(BaseModel):
    """What is stored of a request, sealed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    question: str = Field(repr=False)
    expected: str | None = Field(repr=False)
    person: str | None = Field(default=None, repr=False)
    """The reference of who has answered."""


class WantedPalm(Message):
    """What the person before a kiosk is asked."""

    kind: Asks
    question: Question
    """What they read, with the merchant's name beside it."""
    device_id: Identifier | None = None
    """The kiosk that asks; or else `site_id`."""
    site_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """The site of which any kiosk asks."""
    person: MembershipCode | None = None
    """Your reference for the person who is expected; null for anybody. Whoever signs up has it from
    then on."""
    expires_in_s: StrictInt = Field(default=120, ge=10, le=LONGEST_LIFE_S)

    @model_validator(mode="after")
    def _is_asked_somewhere(self) -> "WantedPalm":
        if (self.device_id is None) == (self.site_id is None):
            raise ValueError("a kiosk or a site, and not both")
        if self.kind is Asks.ENROL and (self.person is None or self.device_id is None):
            raise ValueError("who signs up has a reference, and a kiosk")
        return self


class PalmRequest(Message):
    request_id: str
    kind: Asks
    question: str
    site_id: str
    device_id: str | None
    """The kiosk that was named, or shows it; null while it waits for any of the site."""
    expected: str | None
    """Your reference for the person who is expected."""
    state: RequestState
    """All are final but `waiting`, `shown` and `begun`."""
    reason: Reason | None
    """Why it was refused: the person has said no, or was not recognised."""
    person: str | None
    """Your reference for who has answered; null where they have linked none."""
    made_at: AwareDatetime
    expires_at: AwareDatetime
    ended_at: AwareDatetime | None
    statement: str | None
    """The answer as a JSON Web Signature, which the keys of `GET /v1/jwks` check; null without
    one."""


class Kiosk(Message):
    device_id: str
    name: str
    site_id: str
    site: str


class Kiosks(Message):
    kiosks: list[Kiosk]


@router.get("/kiosks", dependencies=needs(Scope.PALM_REQUESTS_READ))
async def show_kiosks(asked: Asker) -> Kiosks:
    """Lists the merchant's kiosks that can ask for palms."""
    kiosks: list[Kiosk] = []
    for device in await all_devices(asked.session):
        if device.merchant_id != asked.merchant_id or device.revoked_at or device.passes_many:
            continue
        site = await find_site(asked.session, device.site_id)
        assert site is not None
        kiosks.append(Kiosk(device_id=device.id, name=device.name, site_id=site.id, site=site.name))
    return Kiosks(kiosks=kiosks)


@router.post(
    "/palm-requests",
    dependencies=needs(Scope.PALM_REQUESTS_WRITE),
    responses=signed_request.leads_to("request_id", "palm_requests.show", "palm_requests.cancel"),
)
async def ask(asked: AskerOnce, wanted: WantedPalm) -> PalmRequest:
    """Has a kiosk ask the person before it for their palm."""
    session, now = asked.session, asked.call.now
    site_id = await _site_of(asked, wanted)
    await lock(session, "palm requests", site_id)
    is_open = PalmRequestRow.state.in_(OPEN), PalmRequestRow.expires_at > now
    there = PalmRequestRow.site_id == site_id, PalmRequestRow.device_id == wanted.device_id
    count = await session.scalar(
        select(func.count()).select_from(PalmRequestRow).where(*is_open, *there)
    )
    if (count or 0) >= (1 if wanted.device_id else MOST_WAITING):
        raise Refusal(ProblemType.CONFLICT, "what was asked there before is not answered yet")
    await limits.spend(session, Limits.PALM_REQUESTS, asked.merchant_id, now)
    words = Words(question=wanted.question, expected=wanted.person)
    request_id = f"prq_{new_id()}"
    row = PalmRequestRow(
        id=request_id,
        person_id=None,
        merchant_id=asked.merchant_id,
        site_id=site_id,
        device_id=wanted.device_id,
        named=wanted.device_id is not None,
        kind=wanted.kind,
        sealed=_seal(asked.context.master.outbox, request_id, words),
        state=RequestState.WAITING,
        reason=None,
        made_at=now,
        expires_at=now + timedelta(seconds=wanted.expires_in_s),
        ended_at=None,
    )
    session.add(row)
    return _told(asked.context, row, words, now)


@router.get("/palm-requests/{request_id}", dependencies=needs(Scope.PALM_REQUESTS_READ))
async def show(
    asked: Asker,
    request_id: str,
    wait: Annotated[
        int, Query(ge=0, le=LONGEST_WAIT_S, description="How many seconds to wait for its end.")
    ] = 0,
) -> PalmRequest:
    """Tells how far a request is: with `wait`, as soon as it has ended."""
    context = asked.context
    await _find(asked, request_id)
    # Nothing may hold the database while it waits.
    await asked.session.commit()

    async def ended(session: AsyncSession) -> bool | None:
        row = await session.get(PalmRequestRow, request_id)
        return True if row is None or state_of(row, context.clock()) not in OPEN else None

    await look_for(context, ended, wait)
    row = await _find(asked, request_id)
    words = await words_of(asked.session, context.master, row)
    return _told(context, row, words, context.clock())


@router.post("/palm-requests/{request_id}/cancel", dependencies=needs(Scope.PALM_REQUESTS_WRITE))
async def cancel(asked: AskerOnce, request_id: str) -> PalmRequest:
    """Has a kiosk ask no longer. What has ended already is told as it is."""
    row = await _find(asked, request_id)
    if state_of(row, asked.call.now) in OPEN:
        await end(asked.context, asked.session, row, RequestState.CANCELLED)
    words = await words_of(asked.session, asked.context.master, row)
    return _told(asked.context, row, words, asked.call.now)


async def look_for(
    context: Context, look: Callable[[AsyncSession], Awaitable[Found | None]], wait_s: float
) -> Found | None:
    """Looks again and again for so long, and returns what is found; None when nothing is. Nobody
    who waits holds the database."""
    until = time.monotonic() + wait_s
    while True:
        async with context.database.reading() as session:
            found = await look(session)
        left = until - time.monotonic()
        if found is not None or left <= 0:
            return found
        await asyncio.sleep(min(LOOK_S, left))


def state_of(row: PalmRequestRow, now: datetime) -> RequestState:
    """Returns the state of a request, also of one that is over and was not looked at since."""
    state = RequestState(row.state)
    return RequestState.EXPIRED if state in OPEN and row.expires_at <= now else state


async def end(
    context: Context,
    session: AsyncSession,
    row: PalmRequestRow,
    state: RequestState,
    *,
    reason: Reason | None = None,
    person: OpenPerson | None = None,
) -> None:
    """Ends a request, and has the merchant told. `person` is who has answered with their palm."""
    words = await words_of(session, context.master, row)
    if person is not None:
        member = await membership_of(session, person, row.merchant_id)
        words = words.model_copy(update={"person": None if member is None else member.code})
        row.person_id, row.sealed = person.person_id, _seal(person.key, row.id, words)
    row.state, row.reason, row.ended_at = state, reason, context.clock()
    await context.events.note(
        context,
        session,
        Event.ASKED,
        merchant_id=row.merchant_id,
        data={
            "request": row.id,
            "kind": row.kind,
            "state": row.state,
            "reason": row.reason,
            "device": row.device_id,
            "site": row.site_id,
            "statement": _statement(context, row, words),
        },
        person_id=row.person_id,
    )


async def words_of(session: AsyncSession, master: MasterKey, row: PalmRequestRow) -> Words:
    """Returns what is asked, of whom, and who has answered."""
    key = master.outbox
    if row.person_id is not None:
        key = (await find_person(session, master, row.person_id)).key
    return Words.model_validate_json(key.open(row.sealed, _place(row.id)))


async def end_expired(context: Context) -> None:
    """Ends what was not answered in time."""
    async with context.database.session() as session:
        late = PalmRequestRow.state.in_(OPEN), PalmRequestRow.expires_at <= context.clock()
        for request_id in (await session.scalars(select(PalmRequestRow.id).where(*late))).all():
            row = await held(session, PalmRequestRow, request_id)
            if row is not None and row.state in OPEN:
                await end(context, session, row, RequestState.EXPIRED)
        await session.commit()


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the requests that nobody asks about any more."""
    is_over = PalmRequestRow.expires_at <= now - PALM_REQUESTS_KEPT
    await session.execute(delete(PalmRequestRow).where(is_over))


async def reseal(session: AsyncSession, old: Key, new: Key) -> None:
    """Seals what nobody has answered with another key."""
    rows = select(PalmRequestRow).where(PalmRequestRow.person_id.is_(None))
    for row in await session.scalars(rows):
        row.sealed = new.seal(old.open(row.sealed, _place(row.id)), _place(row.id))


async def _site_of(asked: Asked, wanted: WantedPalm) -> str:
    """Returns the id of the site where it is asked. Raises Refusal."""
    if wanted.device_id is not None:
        device = await find_device(asked.session, wanted.device_id)
        if device is None or device.revoked_at or device.merchant_id != asked.merchant_id:
            raise Refusal(ProblemType.NOT_FOUND)
        if device.passes_many:
            raise Refusal(ProblemType.CONFLICT, "the kiosk stands at a door, and asks nobody")
        return device.site_id
    assert wanted.site_id is not None
    site = await find_site(asked.session, wanted.site_id)
    if site is None or site.merchant_id != asked.merchant_id:
        raise Refusal(ProblemType.NOT_FOUND)
    return site.id


async def _find(asked: Asked, request_id: str) -> PalmRequestRow:
    """Returns a request of the merchant, which nobody else changes before the transaction ends.
    Raises Refusal."""
    row = await held(asked.session, PalmRequestRow, request_id)
    if row is None or row.merchant_id != asked.merchant_id:
        raise Refusal(ProblemType.NOT_FOUND)
    return row


def _told(context: Context, row: PalmRequestRow, words: Words, now: datetime) -> PalmRequest:
    return PalmRequest(
        request_id=row.id,
        kind=Asks(row.kind),
        question=words.question,
        site_id=row.site_id,
        device_id=row.device_id,
        expected=words.expected,
        state=state_of(row, now),
        reason=_reason(row),
        person=words.person,
        made_at=row.made_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        statement=_statement(context, row, words),
    )


def _statement(context: Context, row: PalmRequestRow, words: Words) -> str | None:
    """Returns the signed answer, None where nobody has given one."""
    if row.state not in ANSWERED or row.ended_at is None:
        return None
    claims: dict[str, Any] = {
        "jti": row.id,
        "aud": row.merchant_id,
        "iat": int(row.ended_at.timestamp()),
        "kind": row.kind,
        "question": words.question,
        "answer": row.state,
        "device": row.device_id,
        "site": row.site_id,
    }
    claims |= {"sub": words.person} if words.person is not None else {}
    claims |= {"reason": row.reason} if row.reason is not None else {}
    return statements.sign(context.receipt_key, claims)


def _reason(row: PalmRequestRow) -> Reason | None:
    match row.reason:
        case "declined" | "not_recognised" as reason:
            return reason
        case _:
            return None


def _seal(key: Key, request_id: str, words: Words) -> bytes:
    return key.seal(words.model_dump_json().encode(), _place(request_id))


def _place(request_id: str) -> str:
    return f"palm_requests.sealed/{request_id}"
