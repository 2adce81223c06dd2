"""Alerts: messages to people who want to hear of each use of their palm.

The transaction that writes a use down stores the message, sealed with the person's key, and an
errand that sends it. An alert is deleted before it is sent, and stored again when it was not: it is
sent once at most, and goes with its person. Its text names the merchant, what the palm did and
when, and neither card nor door.

This module is the `cloud.context.Alerts` of the service.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.tables import new_id
from cloud.keys.persons import OpenPerson, find_person, still_there
from cloud.merchants.merchants import find_merchant
from cloud.messages import Mail, NoMailer, NoMessenger, NotSent, Way
from cloud.messages.length import with_name
from cloud.outbox import queue
from cloud.people import sign_ins
from cloud.people.accounts import frozen_since, mail_of, profile_of
from cloud.people.one_time_codes import Send
from cloud.people.tables import AccountRow, AlertRow
from cloud.policy import ALERT_PATIENCE, Limits
from cloud.web import limits
from cloud.web.problems import Refusal

SEND_ALERT = "send alert"
"""The kind of the errands that `send_alert` runs."""
WHY_MAILS = "You have chosen these mails in the portal, and switch them off there."


class Alert(BaseModel):
    """What an alert says, sealed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    text: str = Field(repr=False)


# Who wants them


async def wanted_since(session: AsyncSession, person: OpenPerson) -> datetime | None:
    """Returns since when a person wants to hear of each use; None while they do not."""
    return (await session.get_one(AccountRow, person.person_id)).alerts_since


async def way_to(session: AsyncSession, person: OpenPerson) -> Way | None:
    """Returns how a person wants to hear of each use; None when they do not."""
    account = await session.get_one(AccountRow, person.person_id)
    if account.alerts_since is None:
        return None
    return Way.MAIL if account.alerts_by_mail else Way.TEXT


async def switch_on(session: AsyncSession, person: OpenPerson, way: Way, now: datetime) -> None:
    """Has a person told of each use from now on, in one way."""
    account = await session.get_one(AccountRow, person.person_id)
    account.alerts_since, account.alerts_by_mail = now, way is Way.MAIL


async def switch_off(
    context: Context, session: AsyncSession, person: OpenPerson, now: datetime
) -> Send | None:
    """Has a person told of no more uses. Returns what tells their phone, which would otherwise fall
    silent for whoever has taken over a session; None when nothing was switched on, and when the
    phone has got as many alerts as it may."""
    account = await session.get_one(AccountRow, person.person_id)
    if account.alerts_since is None:
        return None
    account.alerts_since, account.alerts_by_mail = None, False
    if not await _may_be_sent(session, person, now):
        return None
    text = _off_text(context.settings.merchant.name)
    return await sign_ins.message_to(context, session, person, text)


# What becomes of them


async def promise(
    context: Context,
    session: AsyncSession,
    person: OpenPerson,
    *,
    merchant_id: str,
    what: str,
    at: datetime,
) -> None:
    """Has a person told of a use, if they want to be (`cloud.context.Alerts`), and not told more
    often than `Limits.ALERTS`."""
    if await _sender(context, session, person) is None:
        return
    if not await _may_be_sent(session, person, context.clock()):
        return
    merchant = await find_merchant(session, merchant_id)
    assert merchant is not None
    is_frozen = await frozen_since(session, person) is not None
    alert_id, now = new_id(), context.clock()
    alert = Alert(text=words(merchant.name, what, at, is_frozen=is_frozen))
    session.add(
        AlertRow(
            id=alert_id,
            person_id=person.person_id,
            sealed=person.seal(alert, _place(alert_id)),
            at=now,
        )
    )
    # The errand names the alert alone, so nothing in it outlives the person.
    queue.put(session, context.master.outbox, SEND_ALERT, alert_id.encode(), now)


async def send_alert(context: Context, payload: bytes) -> None:
    """Runs an errand. Raises NotSent when it has to be tried again."""
    alert_id = payload.decode()
    async with context.database.session() as session:
        row = await session.get(AlertRow, alert_id)
        if row is None:
            return
        person = await find_person(session, context.master, row.person_id)
        text = person.open(Alert, row.sealed, _place(alert_id)).text
        send = await _sender(context, session, person)
        await session.delete(row)
        await session.commit()
    if send is None or context.clock() - row.at > ALERT_PATIENCE:
        return
    try:
        await send(text)
    except NotSent:
        await _store_again(context, row)
        raise


def words(merchant: str, what: str, at: datetime, *, is_frozen: bool) -> str:
    """Returns what an alert says of a use. Whoever has frozen their palms is not told to."""
    advice = "" if is_frozen else " If it was not you, freeze your palms in the portal."
    return with_name(merchant, lambda name: f"{name}: {what}, {at:%Y-%m-%d %H:%M} UTC.{advice}")


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the alerts that come too late."""
    await session.execute(delete(AlertRow).where(AlertRow.at < now - ALERT_PATIENCE))


async def _may_be_sent(session: AsyncSession, person: OpenPerson, now: datetime) -> bool:
    """Counts an alert. Returns whether a person may get it."""
    try:
        await limits.spend(session, Limits.ALERTS, person.person_id, now)
    except Refusal:
        return False
    return True


async def _sender(
    context: Context, session: AsyncSession, person: OpenPerson
) -> Callable[[str], Awaitable[None]] | None:
    """Returns what sends an alert to a person; None when they want none, or nothing can be sent.
    Where no mails are sent any more, whoever has chosen them gets text messages."""
    way = await way_to(session, person)
    if way is None:
        return None
    if way is Way.MAIL and not isinstance(context.mailer, NoMailer):
        mailbox = await mail_of(session, person)
        if mailbox is not None:
            return partial(_send_mail, context, mailbox.address)
    if isinstance(context.messenger, NoMessenger):
        return None
    return partial(context.messenger.send, (await profile_of(session, person)).phone)


async def _send_mail(context: Context, address: str, text: str) -> None:
    await context.mailer.send_mail(Mail(address, "Your palm was used", f"{text}\n\n{WHY_MAILS}"))


def _off_text(merchant: str) -> str:
    return with_name(
        merchant,
        lambda name: (
            f"Messages about your palm were switched off in your account at {name}. If it was not "
            "you, switch them on in the portal."
        ),
    )


async def _store_again(context: Context, row: AlertRow) -> None:
    async with context.database.session() as session:
        if await still_there(session, [row.person_id]):
            again = AlertRow(id=row.id, person_id=row.person_id, sealed=row.sealed, at=row.at)
            session.add(again)
        await session.commit()


def _place(alert_id: str) -> str:
    return f"alerts.sealed/{alert_id}"
