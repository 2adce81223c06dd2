"""Corrections: people change their name and their mobile number in the portal (GDPR, article 16).

A number is changed by two codes: one proves who holds the present number, and one who holds the new
one. The second is made only after the first was right, so nobody has messages sent to strangers
with a session alone. A new number that has an account gets a message that says so, and no code;
whoever asks for the change is told the same in either case.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.persons import OpenPerson
from cloud.messages.length import with_name
from cloud.people import begun, one_time_codes, sign_ins
from cloud.people.accounts import PROFILE, Correction, Profile, person_id_of, profile_of
from cloud.people.one_time_codes import Send
from cloud.people.sign_ins import SignedIn
from cloud.people.tables import (
    AccountRow,
    ClaimRow,
    EnrolmentRow,
    NumberChangeRow,
    OneTimeCode,
    SignInRow,
)
from cloud.policy import CODE_LIFE, Limits
from cloud.settings import Settings
from cloud.web import limits
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

NAME_LENGTH = 80
"""The largest number of characters of a name."""
CORRECTIONS_KEPT = 20
"""How many corrections of a person are kept, the last ones."""


class SameNumber(Exception):
    """The new number is the present one."""


class NewNumber(BaseModel):
    """The number that somebody wants to change to, sealed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    phone: str = Field(repr=False)


async def change_name(session: AsyncSession, person: OpenPerson, typed: str, now: datetime) -> None:
    """Stores another name of a person; an empty one removes it."""
    name = " ".join("".join(sign for sign in typed if sign.isprintable()).split())[:NAME_LENGTH]
    profile = await profile_of(session, person)
    if profile.holder != (name or None):
        await _store(session, person, _corrected(profile, "name", now, holder=name or None))


async def begin(
    context: Context, session: AsyncSession, who: SignedIn, phone: str, now: datetime
) -> Send:
    """Begins to change the number of who is signed in to `phone`, a mobile number in E.164.

    Returns what sends the code to the present number. Raises SameNumber, and Refusal when too many
    codes were asked for.
    """
    person = who.person
    present = (await profile_of(session, person)).phone
    if phone == present:
        raise SameNumber
    lookup = context.master.lookup("phone", present)
    await limits.spend(session, Limits.PORTAL_CODES, lookup, now)
    await session.execute(
        delete(NumberChangeRow).where(NumberChangeRow.session_id == who.session_id)
    )
    session.add(
        NumberChangeRow(
            session_id=who.session_id,
            person_id=person.person_id,
            sealed=person.seal(NewNumber(phone=phone), _place(who)),
            is_allowed=False,
            expires_at=now + CODE_LIFE,
        )
    )
    code = await one_time_codes.make(
        session, context.master, _from_present(who), person.person_id, now
    )
    text = _text_to_present(context.settings, code)
    return await sign_ins.message_to(context, session, person, text)


async def is_allowed(session: AsyncSession, who: SignedIn, now: datetime) -> bool | None:
    """Returns whether the holder of the present number has allowed the change that who is signed in
    has begun; None when they have begun none, or too long ago."""
    row = await session.get(NumberChangeRow, who.session_id)
    return None if row is None or row.expires_at <= now else row.is_allowed


async def allow(
    context: Context, session: AsyncSession, who: SignedIn, code: str, *, now: datetime
) -> Send:
    """Uses up the code that was sent to the present number, and returns what sends a message to the
    new one. Raises Refusal."""
    person, master = who.person, context.master
    row = await _find(session, who, now)
    await sign_ins.use_up(
        context, session, _from_present(who), code, about=person.person_id, now=now
    )
    row.is_allowed, row.expires_at = True, now + CODE_LIFE
    phone = person.open(NewNumber, row.sealed, _place(who)).phone
    lookup = master.lookup("phone", phone)
    await limits.spend(session, Limits.PORTAL_CODES, lookup, now)
    is_taken = await person_id_of(session, lookup) is not None
    new_code = await one_time_codes.make(session, master, _from_new(who), person.person_id, now)
    settings = context.settings
    text = _text_to_taken(settings.merchant.name) if is_taken else _text_to_new(settings, new_code)
    return one_time_codes.sending(context, phone, text)


async def change_number(
    context: Context, session: AsyncSession, who: SignedIn, code: str, *, now: datetime
) -> Sequence[str]:
    """Uses up the code that was sent to the new number, and makes it the number of who is signed
    in. What was begun with either ends, and so do all other sessions. Returns the ids of the people
    who were erased with what they had begun. Raises Refusal."""
    person = who.person
    row = await _find(session, who, now)
    if not row.is_allowed:
        raise Refusal(ProblemType.EXPIRED, "the present number has not allowed it")
    await sign_ins.use_up(context, session, _from_new(who), code, about=person.person_id, now=now)
    phone = person.open(NewNumber, row.sealed, _place(who)).phone
    await session.delete(row)
    lookup = context.master.lookup("phone", phone)
    if await person_id_of(session, lookup) is not None:
        # Somebody else was quicker; or the code was never sent, and guessed with a chance of one
        # in a million.
        raise Refusal(ProblemType.WRONG_CODE, attempts_left=0)
    account = await session.get_one(AccountRow, person.person_id)
    await limits.forget_subjects(session, (account.phone_lookup,))
    account.phone_lookup = lookup
    profile = await profile_of(session, person)
    await _store(session, person, _corrected(profile, "number", now, phone=phone))
    erased = await begun.end_with_account(session, context, lookup)
    # An enrolment is known to be completed by its number (`cloud.people.enrolments`).
    for table in (OneTimeCode, SignInRow, ClaimRow, EnrolmentRow):
        await session.execute(delete(table).where(table.person_id == person.person_id))
    await sign_ins.end_others(session, who)
    return erased


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the changes that nobody may complete any more."""
    await session.execute(delete(NumberChangeRow).where(NumberChangeRow.expires_at <= now))


async def _find(session: AsyncSession, who: SignedIn, now: datetime) -> NumberChangeRow:
    row = await session.get(NumberChangeRow, who.session_id)
    if row is None or row.expires_at <= now:
        raise Refusal(ProblemType.EXPIRED, "no change has begun")
    return row


def _corrected(profile: Profile, what: str, now: datetime, **changes: str | None) -> Profile:
    corrections = [*profile.corrections, Correction(what=what, at=now)][-CORRECTIONS_KEPT:]
    return profile.model_copy(update={**changes, "corrections": corrections})


async def _store(session: AsyncSession, person: OpenPerson, profile: Profile) -> None:
    account = await session.get_one(AccountRow, person.person_id)
    account.profile = person.seal(profile, PROFILE)


def _text_to_present(settings: Settings, code: str) -> str:
    return one_time_codes.for_portal(
        settings,
        code,
        lambda name: (
            f"{code} will CHANGE the mobile number of your account at {name}. Nobody will ask you "
            "for it."
        ),
    )


def _text_to_new(settings: Settings, code: str) -> str:
    return one_time_codes.for_portal(
        settings,
        code,
        lambda name: (
            f"{code} makes this the mobile number of an account at {name}. Enter it only if you "
            "asked for it."
        ),
    )


def _text_to_taken(merchant: str) -> str:
    return with_name(
        merchant,
        lambda name: (
            f"Somebody asked to use this number for another account at {name}. It has an account "
            "already, and nothing was changed."
        ),
    )


def _from_present(who: SignedIn) -> str:
    return f"present number in session {who.session_id}"


def _from_new(who: SignedIn) -> str:
    return f"new number in session {who.session_id}"


def _place(who: SignedIn) -> str:
    return f"number_changes.sealed/{who.session_id}"
