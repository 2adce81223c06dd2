"""Check-ins: a site's own system is told, at an address of its own, who is at its desk.

What is sent follows Standard Webhooks (standardwebhooks.com): the headers `webhook-id`,
`webhook-timestamp` and `webhook-signature`, which is `v1,` and the base64 of the HMAC-SHA256 of id,
timestamp and body, joined by dots. The body names the site's own id for the person, and nothing
else of them. It is sent again until it is taken, with the same id.
"""

import hmac
import json
import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256

import httpx
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.entry.access import Access
from cloud.entry.doors import Door
from cloud.entry.tables import EntryRow, SiteHookRow
from cloud.keys.person_keys import Key, MasterKey
from cloud.outbox import queue
from cloud.web.signed_request import Call

TELL_SITE = "tell site"
"""The kind of the errands that `tell_site` runs."""
SECRET_MARK = "whsec_"  # noqa: S105 - what a secret begins with
ANSWER_S = 10.0
"""How long a site may take to answer, in seconds."""


class NotTaken(Exception):
    """A site has not taken what it was told: the message says why, and names nobody."""


class CheckIn(BaseModel):
    """What a site is told."""

    model_config = ConfigDict(hide_input_in_errors=True)

    entry_id: str
    site_id: str
    door: str
    person: str = Field(repr=False)
    at: datetime


async def set_hook(session: AsyncSession, master: MasterKey, site_id: str, url: str) -> str:
    """Has a site told at an address from now on. Returns the secret that it checks signatures
    with."""
    secret = secrets.token_bytes(32)
    sealed = master.outbox.seal(secret, _place(site_id))
    await session.merge(SiteHookRow(site_id=site_id, url=url, secret=sealed))
    return SECRET_MARK + b64encode(secret).decode()


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


async def tell_later(call: Call, row: EntryRow, door: Door, given: Access) -> None:
    """Has the site told that a person is at its desk, if it wants to be told."""
    if await call.session.get(SiteHookRow, row.site_id) is None:
        return
    check_in = CheckIn(
        entry_id=row.id, site_id=row.site_id, door=door.name, person=given.person, at=call.now
    )
    payload = check_in.model_dump_json().encode()
    queue.put(call.session, call.context.master.outbox, TELL_SITE, payload, call.now)
    call.afterwards.append(call.context.wake)


async def tell_site(context: Context, payload: bytes) -> None:
    """Runs an errand. Raises NotTaken when it has to be tried again."""
    check_in = CheckIn.model_validate_json(payload)
    async with context.database.session() as session:
        hook = await session.get(SiteHookRow, check_in.site_id)
    if hook is None:
        return
    body = json.dumps(
        {
            "type": "person.checked_in",
            "timestamp": check_in.at.isoformat(timespec="seconds"),
            "data": {"person": check_in.person, "site": check_in.site_id, "door": check_in.door},
        }
    ).encode()
    secret = context.master.outbox.open(hook.secret, _place(check_in.site_id))
    at = round(context.clock().timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": check_in.entry_id,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(secret, check_in.entry_id, at, body),
    }
    try:
        async with httpx.AsyncClient(timeout=ANSWER_S, follow_redirects=False) as client:
            answer = await client.post(hook.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise NotTaken(f"a site cannot be told: {type(error).__name__}") from None
    if not answer.is_success:
        raise NotTaken(f"a site cannot be told: it answers {answer.status_code}")


def signature(secret: bytes, message_id: str, at: int, body: bytes) -> str:
    """Returns the header `webhook-signature`; `at` is in seconds since the epoch."""
    signed = f"{message_id}.{at}.".encode() + body
    return "v1," + b64encode(hmac.new(secret, signed, sha256).digest()).decode()


def secret_of(text: str) -> bytes:
    """Returns the bytes of a secret as a site was shown it."""
    return b64decode(text.removeprefix(SECRET_MARK))


def _place(site_id: str) -> str:
    return f"site_hooks.secret/{site_id}"
