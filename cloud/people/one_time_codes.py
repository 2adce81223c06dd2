"""One-time codes: six digits by text message, valid for ten minutes and five attempts."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import held
from cloud.keys.person_keys import MasterKey
from cloud.messages import NotSent
from cloud.messages.length import with_name
from cloud.people.tables import OneTimeCode
from cloud.policy import CODE_ATTEMPTS, CODE_LIFE, Limits
from cloud.recognition.proofs import Guess, count_guess
from cloud.settings import Settings
from cloud.web import limits
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call
from protocol.messages import ProblemType

log = logging.getLogger(__name__)

Send = Callable[[], Coroutine[Any, Any, None]]
"""Sends a message. It is called once the transaction is committed."""


async def spend_message(call: Call, phone_lookup: str) -> None:
    """Counts a text message to a number and from the calling device. Raises Refusal: then it
    counts for neither."""
    await limits.check(call.session, Limits.CODES_TO_PHONE, phone_lookup, call.now)
    await limits.spend(call.session, Limits.CODES_BY_DEVICE, call.device_id, call.now)
    limits.tally(call.session, Limits.CODES_TO_PHONE, phone_lookup, call.now)


async def make(
    session: AsyncSession, master: MasterKey, subject: str, person_id: str | None, now: datetime
) -> str:
    """Returns a new code for an enrolment, a claim or whatever else `subject` names. An earlier
    code of the same subject becomes invalid."""
    one_time_code = f"{secrets.randbelow(10**6):06d}"
    await session.execute(delete(OneTimeCode).where(OneTimeCode.subject == subject))
    session.add(
        OneTimeCode(
            subject=subject,
            person_id=person_id,
            lookup=_lookup(master, subject, one_time_code),
            attempts_left=CODE_ATTEMPTS,
            expires_at=now + CODE_LIFE,
        )
    )
    return one_time_code


async def check(call: Call, subject: str, one_time_code: str, about: str) -> None:
    """Uses up the code of an enrolment or claim, whose id is `subject`.

    `about` is what a wrong code is counted against (`cloud.recognition.proofs.count_guess`). Raises
    Refusal unless the code is right.
    """

    async def count() -> Guess:
        return await count_guess(call, [about])

    master = call.context.master
    await use_up(master, call.session, subject, one_time_code, now=call.now, count=count)


async def use_up(
    master: MasterKey,
    session: AsyncSession,
    subject: str,
    one_time_code: str,
    *,
    now: datetime,
    count: Callable[[], Awaitable[Guess]],
) -> None:
    """Uses up the code of a subject. `count` counts the guess, and is called before it is compared.
    Raises Refusal unless the code is right."""
    row = await held(session, OneTimeCode, subject)
    if row is None or row.expires_at <= now:
        raise Refusal(ProblemType.EXPIRED, "the code has expired")
    if row.attempts_left <= 0:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, attempts_left=0)
    guess = await count()
    row.attempts_left -= 1
    expected = _lookup(master, subject, one_time_code)
    if not secrets.compare_digest(row.lookup, expected):
        raise Refusal(ProblemType.WRONG_CODE, attempts_left=row.attempts_left)
    await guess.was_right(session)
    await session.delete(row)


def text(merchant: str, one_time_code: str) -> str:
    """Returns the message with a code for a kiosk."""
    return with_name(
        merchant,
        lambda name: f"{one_time_code} is your code. Enter it only at the kiosk of {name}.",
    )


def for_portal(settings: Settings, one_time_code: str, told: Callable[[str], str]) -> str:
    """Returns the message `told` with the merchant's name and a code for a page of the portal.

    Where the portal has an address, the last line binds the code to it, so that a browser fills it
    in nowhere else (WICG, Origin-bound one-time codes delivered via SMS).
    """
    url = settings.portal.url
    bound = "" if url is None else f"\n@{url.host} #{one_time_code}"
    return with_name(settings.merchant.name, lambda name: told(name) + bound)


def sign_in_text(settings: Settings, one_time_code: str) -> str:
    """Returns the message with a code for signing in to the portal."""
    return for_portal(
        settings,
        one_time_code,
        lambda name: (
            f"{one_time_code} is your code to sign in to the portal of {name}. Nobody will ask you "
            "for it."
        ),
    )


def sign_up_text(settings: Settings, one_time_code: str) -> str:
    """Returns the message with a code for signing up in the portal."""
    return for_portal(
        settings,
        one_time_code,
        lambda name: (
            f"{one_time_code} is your code to sign up at {name}. Enter it only on the page where "
            "you asked for it."
        ),
    )


def deletion_text(settings: Settings, one_time_code: str) -> str:
    """Returns the message with a code that deletes an account in the portal."""
    return for_portal(
        settings,
        one_time_code,
        lambda name: (
            f"{one_time_code} will DELETE your account and your palms at {name}. Nobody will ask "
            "you for it."
        ),
    )


def sending(context: Context, phone: str, message: str) -> Send:
    """Returns what sends a message to a number."""
    return partial(send, context, phone, message)


async def send(context: Context, phone: str, message: str) -> None:
    """Sends a message that is lost when it cannot be sent now. That is logged: nobody waits for
    the message."""
    try:
        await context.messenger.send(phone, message)
    except NotSent as error:
        log.warning("a message was not sent: %s", error)


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(OneTimeCode).where(OneTimeCode.expires_at <= now))


def _lookup(master: MasterKey, subject: str, one_time_code: str) -> str:
    return master.lookup("code", f"{subject} {one_time_code}")


async def forget_all(session: AsyncSession) -> None:
    """Makes every code invalid."""
    await session.execute(delete(OneTimeCode))
