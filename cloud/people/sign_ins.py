"""Sign-ins to the portal by mobile number and code, and the sessions that sign-ins begin.

A browser that wants to sign in is known by a random token, and one that is signed in by another.
The service keeps a keyed hash of either. A code serves the browser that asked for it and the
purpose that its message names: one for signing in deletes nothing.

For whoever has a passkey a code alone is not enough: such a session sees nothing, and serves to
freeze the palms, to delete everything and to say that the passkeys are lost (OWASP ASVS 5.0, 6.3.3
and 6.3.4).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, and_, delete, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.keys.persons import OpenPerson, find_person
from cloud.messages.length import with_name
from cloud.people import inactivity, one_time_codes
from cloud.people.accounts import person_id_of, phone_lookup_of, profile_of
from cloud.people.one_time_codes import Send
from cloud.people.tables import AccountRow, PasskeyRow, SessionRow, SignInRow
from cloud.policy import (
    CODE_LIFE,
    CODES_SUFFICE_AFTER,
    SESSION_FRESH,
    SESSION_IDLE,
    SESSION_LIFE,
    Limits,
)
from cloud.recognition.proofs import Guess
from cloud.web import limits
from cloud.web.browsers import new_token
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

_NOTED_EVERY = timedelta(minutes=1)
"""How often it is written down that a session is used."""


class Browser(BaseModel):
    """What is kept of a browser that is signed in."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: str
    """What people call it, such as `Firefox`; empty when it is not known."""
    system: str
    """What it runs on, such as `Android`; empty when that is not known."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in, in one browser."""

    session_id: str
    person: OpenPerson
    since: datetime
    needs_passkey: bool
    """Whether they have a passkey, and have signed in by a code where that is not enough."""

    def is_fresh(self, now: datetime) -> bool:
        """Returns whether they have signed in so lately that they may change how they sign in."""
        # A clock that was ahead has dated a sign-in that may be long ago.
        return abs(now - self.since) < SESSION_FRESH


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its person is shown it."""

    session_id: str
    browser: Browser
    since: datetime
    seen_at: datetime


# Signing in


async def ask_for_code(
    context: Context, session: AsyncSession, visitor: str, phone: str, now: datetime
) -> Send | None:
    """Makes a code with which the browser with the token `visitor` can sign in, and returns what
    sends it: None when no account has the number.

    `phone` is a mobile number in E.164. What is stored does not depend on whether it has an
    account. Raises Refusal when too many codes were asked for.
    """
    phone_lookup = context.master.lookup("phone", phone)
    await limits.spend(session, Limits.PORTAL_CODES, phone_lookup, now)
    person_id = await person_id_of(session, phone_lookup)
    sign_in_id = _sign_in_id(context, visitor)
    await session.execute(delete(SignInRow).where(SignInRow.id == sign_in_id))
    session.add(
        SignInRow(
            id=sign_in_id,
            person_id=person_id,
            about=person_id or phone_lookup,
            expires_at=now + CODE_LIFE,
        )
    )
    code = await one_time_codes.make(session, context.master, sign_in_id, person_id, now)
    text = one_time_codes.sign_in_text(context.settings, code)
    return None if person_id is None else one_time_codes.sending(context, phone, text)


async def is_asking(context: Context, session: AsyncSession, visitor: str, now: datetime) -> bool:
    """Returns whether the browser with the token `visitor` has asked for a code that is valid."""
    row = await session.get(SignInRow, _sign_in_id(context, visitor))
    return row is not None and row.expires_at > now


async def sign_in(
    context: Context,
    session: AsyncSession,
    visitor: str,
    one_time_code: str,
    *,
    browser: Browser,
    now: datetime,
) -> str:
    """Uses up a code and begins a session, and returns the session's token. Raises Refusal."""
    sign_in_id = _sign_in_id(context, visitor)
    row = await held(session, SignInRow, sign_in_id)
    if row is None or row.expires_at <= now:
        raise Refusal(ProblemType.EXPIRED, "the code has expired")
    await use_up(context, session, sign_in_id, one_time_code, about=row.about, now=now)
    if row.person_id is None:
        # The code was never sent, and guessed with a chance of one in a million.
        raise Refusal(ProblemType.WRONG_CODE, attempts_left=0)
    await session.delete(row)
    person = await find_person(session, context.master, row.person_id)
    return await begin(context, session, person, browser, now)


# Sessions


async def begin(
    context: Context,
    session: AsyncSession,
    person: OpenPerson,
    browser: Browser,
    now: datetime,
    *,
    by_passkey: bool = False,
) -> str:
    """Begins a session of a person who has proven who they are, and returns its token."""
    await inactivity.note_use(session, person, now)
    token, session_id = new_token(), new_id()
    session.add(
        SessionRow(
            id=session_id,
            person_id=person.person_id,
            lookup=_session_lookup(context, token),
            browser=person.seal(browser, _place(session_id)),
            by_passkey=False,
            since=now,
            seen_at=now,
        )
    )
    await session.flush()
    if by_passkey:
        await note_passkey(session, person, session_id)
    return token


async def note_passkey(session: AsyncSession, person: OpenPerson, session_id: str) -> None:
    """Notes that a session's person has a passkey at hand: it is not lost."""
    (await session.get_one(SessionRow, session_id)).by_passkey = True
    (await session.get_one(AccountRow, person.person_id)).codes_suffice_at = None


async def find(
    context: Context, session: AsyncSession, token: str, now: datetime
) -> SignedIn | None:
    """Returns who is signed in with a token; None when nobody is, or not any more."""
    row = await session.scalar(
        select(SessionRow).where(
            SessionRow.lookup == _session_lookup(context, token), _is_open(now)
        )
    )
    if row is None:
        return None
    if row.seen_at <= now - _NOTED_EVERY:
        row.seen_at = now
    person = await find_person(session, context.master, row.person_id)
    needs_passkey = not row.by_passkey and await _needs_passkey(session, person, now)
    return SignedIn(row.id, person, row.since, needs_passkey)


async def say_passkeys_lost(
    context: Context, session: AsyncSession, person: OpenPerson, now: datetime
) -> Send | None:
    """Lets a code alone be enough for a person from CODES_SUFFICE_AFTER on, unless they sign in
    with a passkey before. Returns what tells their phone; None when it was told before."""
    account = await session.get_one(AccountRow, person.person_id)
    if account.codes_suffice_at is not None:
        return None
    account.codes_suffice_at = now + CODES_SUFFICE_AFTER
    text = _lost_text(context.settings.merchant.name)
    return await message_to(context, session, person, text)


async def codes_suffice_at(session: AsyncSession, person: OpenPerson) -> datetime | None:
    """Returns from when a code alone is enough, because a person's passkeys were said to be lost;
    None when they were not."""
    return (await session.get_one(AccountRow, person.person_id)).codes_suffice_at


async def _needs_passkey(session: AsyncSession, person: OpenPerson, now: datetime) -> bool:
    """Returns whether a code alone is not enough for a person."""
    theirs = select(PasskeyRow.id).where(PasskeyRow.person_id == person.person_id)
    if await session.scalar(theirs.limit(1)) is None:
        return False
    suffice_at = await codes_suffice_at(session, person)
    return suffice_at is None or suffice_at > now


async def sessions_of(session: AsyncSession, person: OpenPerson, now: datetime) -> list[Session]:
    """Returns the sessions of a person, the newest first."""
    rows = await session.scalars(
        select(SessionRow)
        .where(SessionRow.person_id == person.person_id, _is_open(now))
        .order_by(SessionRow.since.desc(), SessionRow.id)
    )
    return [
        Session(row.id, person.open(Browser, row.browser, _place(row.id)), row.since, row.seen_at)
        for row in rows
    ]


async def end(session: AsyncSession, person: OpenPerson, session_id: str) -> bool:
    """Ends a session of a person. Returns whether they had it."""
    ended = await session.execute(
        delete(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.person_id == person.person_id)
        .returning(SessionRow.id)
    )
    return ended.first() is not None


async def end_others(session: AsyncSession, who: SignedIn) -> None:
    """Ends all sessions of who is signed in, but this one."""
    await session.execute(
        delete(SessionRow).where(
            SessionRow.person_id == who.person.person_id, SessionRow.id != who.session_id
        )
    )


async def end_all(session: AsyncSession) -> int:
    """Ends the sessions of everybody, and sign-ins that were begun. Returns how many sessions there
    were."""
    await session.execute(delete(SignInRow))
    ended = await session.scalars(delete(SessionRow).returning(SessionRow.id))
    return len(ended.all())


async def end_by_token(context: Context, session: AsyncSession, token: str) -> None:
    """Ends the session with a token, if there is one."""
    lookup = _session_lookup(context, token)
    await session.execute(delete(SessionRow).where(SessionRow.lookup == lookup))


# Deleting an account


async def ask_to_delete(
    context: Context, session: AsyncSession, who: SignedIn, now: datetime
) -> Send:
    """Makes a code that deletes the account of who is signed in, and returns what sends it. Raises
    Refusal when too many codes were asked for."""
    person = who.person
    phone_lookup = await phone_lookup_of(session, person)
    await limits.spend(session, Limits.PORTAL_CODES, phone_lookup, now)
    code = await one_time_codes.make(session, context.master, _deletion(who), person.person_id, now)
    text = one_time_codes.deletion_text(context.settings, code)
    return await message_to(context, session, person, text)


async def confirm_deletion(
    context: Context, session: AsyncSession, who: SignedIn, one_time_code: str, *, now: datetime
) -> None:
    """Uses up the code that deletes the account of who is signed in. Raises Refusal."""
    about = who.person.person_id
    await use_up(context, session, _deletion(who), one_time_code, about=about, now=now)


async def message_to(
    context: Context, session: AsyncSession, person: OpenPerson, text: str
) -> Send:
    """Returns what sends a message to a person's number."""
    profile = await profile_of(session, person)
    return one_time_codes.sending(context, profile.phone, text)


async def forget_number(session: AsyncSession, phone_lookup: str) -> None:
    """Deletes the sign-ins with a mobile number that were begun when it had no account."""
    await session.execute(delete(SignInRow).where(SignInRow.about == phone_lookup))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(SignInRow).where(SignInRow.expires_at <= now))
    await session.execute(delete(SessionRow).where(not_(_is_open(now))))


def _is_open(now: datetime) -> ColumnElement[bool]:
    """Returns the condition of sessions that have not ended. One that begins further ahead than it
    may last was begun by a clock that was wrong, and would last until the clock has got there."""
    return and_(
        SessionRow.seen_at > now - SESSION_IDLE,
        SessionRow.since > now - SESSION_LIFE,
        SessionRow.since < now + SESSION_LIFE,
    )


async def use_up(
    context: Context,
    session: AsyncSession,
    subject: str,
    one_time_code: str,
    *,
    about: str,
    now: datetime,
) -> None:
    """Uses up a code that was sent for the portal. `about` is what a wrong one is counted against.
    Raises Refusal unless it is right."""

    async def count() -> Guess:
        await limits.check(session, Limits.PORTAL_FAILED, about, now)
        counted = limits.tally(session, Limits.PORTAL_FAILED, about, now)
        return Guess(frozenset({about}), (counted,))

    await one_time_codes.use_up(
        context.master, session, subject, one_time_code, now=now, count=count
    )


def _sign_in_id(context: Context, visitor: str) -> str:
    return context.master.lookup("sign-in", visitor)


def _session_lookup(context: Context, token: str) -> str:
    return context.master.lookup("session", token)


def _deletion(who: SignedIn) -> str:
    return f"deletion in session {who.session_id}"


def _lost_text(merchant: str) -> str:
    return with_name(
        merchant,
        lambda name: (
            f"Your passkeys at {name} were said to be lost. In {CODES_SUFFICE_AFTER.days} days a "
            "code alone opens your account. If it was not you, sign in with a passkey before."
        ),
    )


def _place(session_id: str) -> str:
    return f"sessions.browser/{session_id}"
