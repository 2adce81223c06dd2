"""Mail addresses: people tell one in the portal, to hear of each use of their palm by mail.

An address counts once the code that was sent to it is entered. It serves for these mails alone:
nobody signs in with it, and no code comes to it that does anything else. That one was added is told
to the phone, which would otherwise fall silent for whoever has taken over a session.
"""

import logging
from datetime import datetime
from functools import partial

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.person_keys import trace_of
from cloud.keys.persons import OpenPerson
from cloud.messages import Mail, NotSent, Way
from cloud.messages.length import with_name
from cloud.people import alerts, one_time_codes, sign_ins
from cloud.people.accounts import MAIL, Mailbox, mail_of
from cloud.people.one_time_codes import Send
from cloud.people.tables import MailRow
from cloud.policy import CODE_LIFE, Limits
from cloud.settings import is_mail_address
from cloud.web import limits
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

log = logging.getLogger(__name__)


class NotAnAddress(ValueError):
    """It is no mail address."""


def read_address(typed: str) -> str:
    """Returns a mail address as it was typed, with its domain in small letters. Raises
    NotAnAddress."""
    name, _, domain = typed.strip().rpartition("@")
    address = f"{name}@{domain.lower()}"
    if not is_mail_address(address):
        raise NotAnAddress
    return address


async def begin(
    context: Context, session: AsyncSession, person: OpenPerson, address: str, now: datetime
) -> Send:
    """Stores an address that is yet to be confirmed, and returns what sends a code to it. Raises
    Refusal when one is confirmed already, and when too many codes were asked for."""
    if await mail_of(session, person) is not None:
        raise Refusal(ProblemType.CONFLICT, "there is a mail address already")
    # Counted by person and not by address: what is counted must not lead to whoever has left.
    await limits.spend(session, Limits.PORTAL_CODES, person.person_id, now)
    await session.merge(
        MailRow(
            person_id=person.person_id,
            sealed=person.seal(Mailbox(address=address), MAIL),
            confirmed_at=None,
            expires_at=now + CODE_LIFE,
        )
    )
    code = await one_time_codes.make(
        session, context.master, _subject(person), person.person_id, now
    )
    text = (
        f"{code} confirms this mail address for your account at {context.settings.merchant.name}. "
        "Enter it only on the page where you asked for it. If you did not ask for it, do nothing."
    )
    mail = Mail(address, "Confirm your mail address", text)
    return partial(_send, context, mail)


async def asked_for(session: AsyncSession, person: OpenPerson, now: datetime) -> Mailbox | None:
    """Returns the address that waits for its code; None when none does."""
    row = await session.get(MailRow, person.person_id)
    if row is None or row.expires_at is None or row.expires_at <= now:
        return None
    return person.open(Mailbox, row.sealed, MAIL)


async def confirm(
    context: Context, session: AsyncSession, person: OpenPerson, code: str, *, now: datetime
) -> Send:
    """Uses up the code that was sent to an address, and has mails about uses sent to it from now
    on. Returns what tells the person's phone. Raises Refusal."""
    if await asked_for(session, person, now) is None:
        raise Refusal(ProblemType.EXPIRED, "no address waits for a code")
    about = person.person_id
    await sign_ins.use_up(context, session, _subject(person), code, about=about, now=now)
    row = await session.get_one(MailRow, person.person_id)
    row.confirmed_at, row.expires_at = now, None
    await alerts.switch_on(session, person, Way.MAIL, now)
    text = _added_text(context.settings.merchant.name)
    return await sign_ins.message_to(context, session, person, text)


async def remove(session: AsyncSession, person: OpenPerson, now: datetime) -> bytes | None:
    """Deletes the address of a person. Messages that came to it come to their phone from now on.
    Returns the trace of it that the database may still hold
    (`cloud.context.Database.forget_erased`); None when there was none."""
    theirs = MailRow.person_id == person.person_id
    sealed = await session.scalar(delete(MailRow).where(theirs).returning(MailRow.sealed))
    if await alerts.way_to(session, person) is Way.MAIL:
        await alerts.switch_on(session, person, Way.TEXT, now)
    return None if sealed is None else trace_of(sealed)


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the addresses that nobody has confirmed in time."""
    await session.execute(delete(MailRow).where(MailRow.expires_at <= now))


async def _send(context: Context, mail: Mail) -> None:
    try:
        await context.mailer.send_mail(mail)
    except NotSent as error:
        log.warning("a mail was not sent: %s", error)


def _added_text(merchant: str) -> str:
    return with_name(
        merchant,
        lambda name: (
            f"A mail address was added to your account at {name}. If it was not you, remove it in "
            "the portal."
        ),
    )


def _subject(person: OpenPerson) -> str:
    return f"mail of {person.person_id}"
