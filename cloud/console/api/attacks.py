"""Incidents at a merchant's kiosks that a person should look at: attacks that were refused, limits
that were reached, and palms that resemble those of two people. The API does not tell whose account
an incident is about."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, StringConstraints

from cloud.console import acts, attacks
from cloud.console.api.asking import Asked, Asker, AskerOnce, router
from cloud.console.attacks import Remedy
from cloud.console.names import staff_in
from cloud.console.roles import Right
from cloud.integrations import paging
from cloud.integrations.asking import Scope
from cloud.seen import Kind
from cloud.watch import incidents
from cloud.watch.incidents import NOTE_LENGTH, IncidentRow
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

watching: APIRouter = router(Right.WATCH, Scope.ATTACKS_READ)
looking: APIRouter = router(Right.LOOK, Scope.ATTACKS_WRITE)
freezing: APIRouter = router(Right.FREEZE, Scope.ATTACKS_WRITE)

Note = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=rf"^[^\x00-\x1f\x7f]{{0,{NOTE_LENGTH}}}$")
]
"""A note in one line."""


class Attack(Message):
    """An incident that a person should look at. Incidents of one kind at one kiosk within a day are
    counted as one."""

    attack_id: str
    kind: Kind
    serious: bool
    """Whether it happened more often than accidents explain."""
    site_id: str
    device_id: str | None
    """The kiosk; null when it belongs to another merchant by now."""
    times: int
    first_at: AwareDatetime
    last_at: AwareDatetime
    remedies: list[Remedy]
    """What this key may do about it, besides marking it as looked at."""
    looked_at: AwareDatetime | None
    """When it was marked as looked at; null when it was not."""
    looked_by: str | None
    """The account or the key that has marked it; null when nobody has, or an account has that is
    not the merchant's or has ended."""
    note: str
    """What was found when it was looked at."""


class Attacks(Message):
    attacks: list[Attack]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class Finding(Message):
    """What was found when an attack was looked at."""

    note: Note = ""
    """The person whose account the attack is about can read this note, as part of the data that is
    stored about them."""


@watching.get("/attacks")
async def show_all(
    asked: Asker,
    looked_at: Annotated[
        bool | None, Query(description="Only attacks that somebody has, or nobody has, looked at.")
    ] = None,
    cursor: paging.Cursor = None,
    limit: paging.Size = 50,
) -> Attacks:
    """Lists the attacks of the last 90 days, by when they began, the latest first."""
    merchant, after = await asked.merchant(), paging.place_of(cursor)
    found = await incidents.listed(
        asked.session, merchant.id, limit + 1, after, is_looked_at=looked_at
    )
    page, following = paging.page_of(found, limit, lambda row: (row.first_at, row.id))
    return Attacks(
        attacks=await _told(asked, page),
        next=following,
    )


@watching.get("/attacks/{attack_id}")
async def show(asked: Asker, attack_id: str) -> Attack:
    return await _told_of(asked, await asked.incident(attack_id))


@looking.post("/attacks/{attack_id}/looked")
async def look(asked: AskerOnce, attack_id: str, finding: Finding) -> Attack:
    """Marks an attack as looked at. The answer is 409 when somebody has done so already."""
    incident = await asked.incident(attack_id)
    if not await acts.look_at(asked.session, asked.by, incident, finding.note):
        raise Refusal(ProblemType.CONFLICT, "somebody has looked at it already: see its note")
    return await _told_of(asked, incident)


@freezing.post("/attacks/{attack_id}/freeze")
async def freeze(asked: AskerOnce, attack_id: str) -> Attack:
    """Freezes the palms of the account that an attack is about, at every merchant, and marks the
    attack as looked at. The account's owner can lift that in the portal. It needs a key of the
    operator's."""
    incident, master = await asked.incident(attack_id), asked.context.master
    if not await acts.freeze_account(asked.session, master, asked.by, incident):
        detail = "the attack is about no account, or about one that does not exist any more"
        raise Refusal(ProblemType.CONFLICT, detail)
    return await _told_of(asked, incident)


async def _told_of(asked: Asked, row: IncidentRow) -> Attack:
    (told,) = await _told(asked, [row])
    return told


async def _told(asked: Asked, rows: Sequence[IncidentRow]) -> list[Attack]:
    staff = await staff_in(asked.session, asked.reach)
    return [
        Attack(
            attack_id=each.row.id,
            kind=each.kind,
            serious=each.is_serious,
            site_id=each.row.site_id,
            device_id=None if each.kiosk is None else each.row.device_id,
            times=each.row.times,
            first_at=each.row.first_at,
            last_at=each.row.last_at,
            remedies=[remedy for remedy in Remedy if remedy in each.remedies],
            looked_at=each.row.looked_at,
            looked_by=each.key or (each.row.looked_by if each.row.looked_by in staff else None),
            note=each.row.note,
        )
        for each in await attacks.seen(asked.session, asked.reach, rows, asked.now)
    ]


ROUTERS = (watching, looking, freezing)
