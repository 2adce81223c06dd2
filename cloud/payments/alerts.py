"""Alerts: messages to people who want to hear of each purchase that their palm pays.

The transaction that approves a purchase stores the message, sealed with the person's key, and an
errand that sends it. An alert is deleted before it is sent, and stored again when it was not: it is
sent once at most, and goes with its person.
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
from cloud.payments.receipts import amount_of
from cloud.payments.tables import AlertRow, PurchaseRow
from cloud.policy import ALERT_PATIENCE

SEND_ALERT = "send alert"
"""The kind of the errands that `send_alert` runs."""


WHY_MAILS = "You have chosen these mails in the portal, and switch them off there."


class Alert(BaseModel):
    """What an alert says, sealed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    text: str = Field(repr=False)


async def promise(context: Context, session: AsyncSession, row: PurchaseRow) -> None:
    """Has a person told of a purchase that was approved just now, if they want to be."""
    if row.person_id is None:
        return
    person = await find_person(session, context.master, row.person_id)
    if await _sender(context, session, person) is None:
        return
    merchant = await find_merchant(session, row.merchant_id)
    assert merchant is not None
    alert_id, now = new_id(), context.clock()
    alert = Alert(text=words(row, merchant.name))
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


def words(row: PurchaseRow, merchant: str) -> str:
    """Returns what an alert says of a purchase."""
    return with_name(
        merchant,
        lambda name: (
            f"{name}: your palm paid {amount_of(row)}, {row.at:%Y-%m-%d %H:%M} UTC. If it was not "
            "you, freeze your palms in the portal."
        ),
    )


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the alerts that come too late."""
    await session.execute(delete(AlertRow).where(AlertRow.at < now - ALERT_PATIENCE))


async def _sender(
    context: Context, session: AsyncSession, person: OpenPerson
) -> Callable[[str], Awaitable[None]] | None:
    """Returns what sends an alert to a person; None when they want none, or nothing can be sent.
    Where no mails are sent any more, whoever has chosen them gets text messages."""
    accounts = context.accounts
    way = await accounts.alerts_by(session, person)
    if way is None:
        return None
    if way is Way.MAIL and not isinstance(context.mailer, NoMailer):
        address = await accounts.mail(session, person)
        if address is not None:
            return partial(_send_mail, context, address)
    if isinstance(context.messenger, NoMessenger):
        return None
    return partial(context.messenger.send, await accounts.phone(session, person))


async def _send_mail(context: Context, address: str, text: str) -> None:
    await context.mailer.send_mail(Mail(address, "Your palm has paid", f"{text}\n\n{WHY_MAILS}"))


async def _store_again(context: Context, row: AlertRow) -> None:
    async with context.database.session() as session:
        if await still_there(session, [row.person_id]):
            again = AlertRow(id=row.id, person_id=row.person_id, sealed=row.sealed, at=row.at)
            session.add(again)
        await session.commit()


def _place(alert_id: str) -> str:
    return f"alerts.sealed/{alert_id}"
