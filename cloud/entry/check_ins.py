"""Check-ins: a site's own system is told, at an address of its own, who is at its desk.

What is sent is signed as `cloud.outbox.standard_webhooks` says. The body names the site's own id
for the person, and nothing else of them. It is sent again until it is taken, with the same id.
"""

import json

import httpx
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.entry.access import access_of
from cloud.entry.tables import EntryRow, SiteHookRow
from cloud.entry.told import open_told
from cloud.keys.person_keys import Key, MasterKey
from cloud.keys.persons import find_person
from cloud.outbox import queue, standard_webhooks
from cloud.web.signed_request import Call

TELL_SITE = "tell site"
"""The kind of the errands that `tell_site` runs."""
ANSWER_S = 10.0
"""How long a site may take to answer, in seconds."""


class NotTaken(Exception):
    """A site has not taken what it was told: the message says why, and names nobody."""


async def set_hook(session: AsyncSession, master: MasterKey, site_id: str, url: str) -> str:
    """Has a site told at an address from now on. Returns the secret that it checks signatures
    with."""
    secret = standard_webhooks.new_secret()
    sealed = master.outbox.seal(secret, _place(site_id))
    await session.merge(SiteHookRow(site_id=site_id, url=url, secret=sealed))
    return standard_webhooks.shown(secret)


async def remove_hook(session: AsyncSession, site_id: str) -> bool:
    """Returns whether the site was told anything."""
    gone = await session.execute(
        delete(SiteHookRow).where(SiteHookRow.site_id == site_id).returning(SiteHookRow.site_id)
    )
    return gone.first() is not None


async def reseal(session: AsyncSession, old: Key, new: Key) -> None:
    """Seals the secrets of all sites with another key."""
    for row in await session.scalars(select(SiteHookRow)):
        row.secret = new.seal(old.open(row.secret, _place(row.site_id)), _place(row.site_id))


async def tell_later(call: Call, row: EntryRow) -> None:
    """Has the site told that a person is at its desk, if it wants to be told."""
    if await call.session.get(SiteHookRow, row.site_id) is None:
        return
    # The errand names the entry alone, so nothing in it outlives the person.
    queue.put(call.session, call.context.master.outbox, TELL_SITE, row.id.encode(), call.now)
    call.afterwards.append(call.context.wake)


async def tell_site(context: Context, payload: bytes) -> None:
    """Runs an errand. Who was deleted, or has nothing at the site any more, is not told of. Raises
    NotTaken when it has to be tried again."""
    entry_id = payload.decode()
    async with context.database.session() as session:
        row = await session.get(EntryRow, entry_id)
        hook = None if row is None else await session.get(SiteHookRow, row.site_id)
        if row is None or hook is None:
            return
        person = await find_person(session, context.master, row.person_id)
        found = await access_of(session, person, row.site_id)
    if found is None:
        return
    given, _ = found
    door = open_told(person, row).door
    body = json.dumps(
        {
            "type": "person.checked_in",
            "timestamp": row.at.isoformat(timespec="seconds"),
            "data": {"person": given.person, "site": row.site_id, "door": door},
        }
    ).encode()
    secret = context.master.outbox.open(hook.secret, _place(row.site_id))
    at = round(context.clock().timestamp())
    headers = standard_webhooks.headers(entry_id, at, body, secret)
    try:
        async with httpx.AsyncClient(timeout=ANSWER_S, follow_redirects=False) as client:
            answer = await client.post(hook.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise NotTaken(f"a site cannot be told: {type(error).__name__}") from None
    if not answer.is_success:
        raise NotTaken(f"a site cannot be told: it answers {answer.status_code}")


def _place(site_id: str) -> str:
    return f"site_hooks.secret/{site_id}"
