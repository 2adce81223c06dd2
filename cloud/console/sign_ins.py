"""Sign-ins of staff to the console, with passkeys (`cloud.web.authenticators`) or by the operator's
own identity provider (`cloud.console.oidc`), and in no other way.

A link that works once lets staff make the first passkey of an account, or bind their account at the
provider to it. An account at the provider that is not bound signs nobody in. Of the token of a
session, the service stores a keyed hash only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import members
from cloud.console.oidc import Known
from cloud.console.roles import Reach, reach_of
from cloud.console.tables import (
    StaffAwayRow,
    StaffLinkRow,
    StaffPasskeyRow,
    StaffRow,
    StaffSessionRow,
    StaffSubjectRow,
)
from cloud.context import Context
from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.policy import (
    PASSKEYS,
    SESSION_FRESH,
    SESSION_IDLE,
    SESSION_LIFE,
    STAFF_AWAY_LIFE,
)
from cloud.web import authenticators
from cloud.web.authenticators import Holder, Site, not_taken
from cloud.web.browsers import new_token
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

_NOTED_EVERY = timedelta(minutes=1)
"""The smallest time between two updates of when a session was last used."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in, in one browser."""

    session_id: str
    member: StaffRow
    since: datetime

    @property
    def reach(self) -> Reach:
        return reach_of(self.member)

    def is_fresh(self, now: datetime) -> bool:
        """Returns whether they have signed in recently enough to add accounts and make links."""
        # A clock that was ahead has dated a sign-in that may be long ago.
        return abs(now - self.since) < SESSION_FRESH


# Signing in


async def begin_sign_in(
    context: Context, session: AsyncSession, visitor: str, site: Site, now: datetime
) -> str:
    """Returns the options, as JSON, with which the browser with the token `visitor` asks for a
    passkey."""
    return await authenticators.ask_to_sign(session, _sign_in_id(context, visitor), site, now)


async def sign_in(
    context: Context,
    session: AsyncSession,
    visitor: str,
    site: Site,
    given: str,
    *,
    now: datetime,
) -> tuple[StaffRow, str]:
    """Begins a session for the owner of the passkey that has signed the challenge of the browser
    with the token `visitor`. Returns the owner and the session's token. Raises the same Refusal
    for everything that can be wrong."""
    challenge = await authenticators.use_up(session, _sign_in_id(context, visitor), now)
    credential = authenticators.read_signed(given)
    named = StaffPasskeyRow.credential_id == credential.raw_id
    row = await session.scalar(select(StaffPasskeyRow).where(named))
    member = None if row is None else await members.find_member(session, row.staff_id)
    if row is None or member is None:
        raise not_taken()
    row.sign_count = authenticators.check_signed(
        site,
        credential,
        challenge,
        handle=_handle(member),
        public_key=row.public_key,
        sign_count=row.sign_count,
    )
    row.used_at = now
    return member, await _begin(context, session, member, now)


# Making a passkey by a link


async def begin_making(
    context: Context, session: AsyncSession, token: str, site: Site, now: datetime
) -> str:
    """Returns the options, as JSON, with which the browser makes a passkey for the owner of the
    link with this token. Raises Refusal."""
    link_id = members.link_id(context.master, token)
    member = await members.holder_of(session, link_id, now)
    if member is None:
        raise not_taken()
    known = await _passkeys_of(session, member)
    return await authenticators.ask_for_new(
        session,
        link_id,
        site,
        Holder(_handle(member), member.name),
        known=[row.credential_id for row in known],
        now=now,
    )


async def make(
    context: Context, session: AsyncSession, token: str, site: Site, given: str, *, now: datetime
) -> tuple[StaffRow, str]:
    """Stores a new passkey, uses up the link and begins a session. Returns the owner and the
    session's token. Raises Refusal."""
    link_id = members.link_id(context.master, token)
    member = await members.holder_of(session, link_id, now)
    if member is None:
        raise not_taken()
    challenge = await authenticators.use_up(session, link_id, now)
    made = authenticators.check_made(site, given, challenge)
    taken = StaffPasskeyRow.credential_id == made.credential_id
    if await session.scalar(select(StaffPasskeyRow.id).where(taken)):
        raise not_taken()
    if not await has_room(session, member):
        raise Refusal(ProblemType.CONFLICT)
    session.add(
        StaffPasskeyRow(
            id=new_id(),
            staff_id=member.id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            since=now,
        )
    )
    await members.use_up_link(session, link_id)
    return member, await _begin(context, session, member, now)


async def has_room(session: AsyncSession, member: StaffRow) -> bool:
    """Returns whether an account may have another passkey."""
    theirs = StaffPasskeyRow.staff_id == member.id
    return (await session.scalar(select(func.count()).where(theirs)) or 0) < PASSKEYS


# By the identity provider


class NotBound(Exception):
    """The account at the identity provider is not bound, or is bound to somebody else already."""


async def go_away(
    context: Context, session: AsyncSession, now: datetime, *, link: str | None
) -> str:
    """Returns the token by which a browser that is sent to the identity provider is recognised when
    it comes back. `link` is the token of the link with which an account there is to be bound; None
    when somebody signs in. Raises Refusal when the link is not valid."""
    link_id = None if link is None else members.link_id(context.master, link)
    if link_id is not None and await members.holder_of(session, link_id, now) is None:
        raise not_taken()
    token = new_token()
    expires_at = now + STAFF_AWAY_LIFE
    session.add(StaffAwayRow(id=_away_id(context, token), link_id=link_id, expires_at=expires_at))
    return token


async def come_back(
    context: Context, session: AsyncSession, token: str, now: datetime
) -> StaffAwayRow | None:
    """Returns the row of a browser that comes back from the identity provider with a token, and
    uses up the token. Returns None when the token is unknown or has expired."""
    row = await held(session, StaffAwayRow, _away_id(context, token))
    if row is None:
        return None
    await session.delete(row)
    return None if row.expires_at <= now else row


async def sign_in_known(
    context: Context, session: AsyncSession, known: Known, now: datetime
) -> tuple[StaffRow, str]:
    """Begins a session for the owner of an account at the identity provider. Returns the owner and
    the session's token. Raises NotBound."""
    row = await session.get(StaffSubjectRow, (known.issuer, known.subject))
    member = None if row is None else await members.find_member(session, row.staff_id)
    if row is None or member is None:
        raise NotBound
    row.used_at = now
    return member, await _begin(context, session, member, now, since=known.asked_at)


async def bind(
    context: Context, session: AsyncSession, link_id: str, known: Known, now: datetime
) -> tuple[StaffRow, str]:
    """Binds an account at the identity provider to the owner of a link, in place of the account
    that was bound before, uses up the link and begins a session. Returns the owner and the
    session's token. Raises NotBound, and Refusal when the link is no longer valid."""
    member = await members.holder_of(session, link_id, now)
    if member is None:
        raise not_taken()
    row = await session.get(StaffSubjectRow, (known.issuer, known.subject))
    if row is not None and row.staff_id != member.id:
        raise NotBound
    if row is None:
        theirs = StaffSubjectRow.staff_id == member.id
        await session.execute(delete(StaffSubjectRow).where(theirs))
        session.add(
            StaffSubjectRow(
                issuer=known.issuer, subject=known.subject, staff_id=member.id, since=now
            )
        )
    await members.use_up_link(session, link_id)
    return member, await _begin(context, session, member, now, since=known.asked_at)


# Sessions


async def find(
    context: Context, session: AsyncSession, token: str, now: datetime
) -> SignedIn | None:
    """Returns who is signed in with a session's token; None when the session is unknown or has
    ended."""
    named = StaffSessionRow.id == _session_id(context, token)
    row = await session.scalar(select(StaffSessionRow).where(named, _is_open(now)))
    if row is None:
        return None
    member = await members.find_member(session, row.staff_id)
    if member is None:
        return None
    if row.seen_at <= now - _NOTED_EVERY:
        row.seen_at = now
    return SignedIn(row.id, member, row.since)


async def end(session: AsyncSession, session_id: str) -> None:
    await session.execute(delete(StaffSessionRow).where(StaffSessionRow.id == session_id))


async def end_by_token(context: Context, session: AsyncSession, token: str) -> None:
    """Ends the session with a token, if there is one."""
    await end(session, _session_id(context, token))


async def end_all(session: AsyncSession) -> int:
    """Signs everybody out, and returns how many sessions there were."""
    return len((await session.scalars(delete(StaffSessionRow).returning(StaffSessionRow.id))).all())


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    for table in (StaffLinkRow, StaffAwayRow):
        await session.execute(delete(table).where(table.expires_at <= now))
    await session.execute(delete(StaffSessionRow).where(not_(_is_open(now))))


async def forget_all(session: AsyncSession) -> None:
    """Deletes all sessions and links, whose tokens are stored as keyed hashes that no longer match.
    Passkeys and bound accounts at the identity provider stay."""
    await end_all(session)
    await session.execute(delete(StaffLinkRow))
    await session.execute(delete(StaffAwayRow))


def _is_open(now: datetime) -> ColumnElement[bool]:
    """Returns the condition of sessions that have not ended. One that begins further ahead than it
    may last was begun by a clock that was wrong, and would last until the clock has got there."""
    return and_(
        StaffSessionRow.seen_at > now - SESSION_IDLE,
        StaffSessionRow.since > now - SESSION_LIFE,
        StaffSessionRow.since < now + SESSION_LIFE,
    )


async def _begin(
    context: Context,
    session: AsyncSession,
    member: StaffRow,
    now: datetime,
    *,
    since: datetime | None = None,
) -> str:
    """Returns the token of a new session. `since` is when the member has proved who they are; None
    for now."""
    token = new_token()
    session_id = _session_id(context, token)
    session.add(StaffSessionRow(id=session_id, staff_id=member.id, since=since or now, seen_at=now))
    await session.flush()
    return token


async def _passkeys_of(session: AsyncSession, member: StaffRow) -> Sequence[StaffPasskeyRow]:
    theirs = select(StaffPasskeyRow).where(StaffPasskeyRow.staff_id == member.id)
    return (await session.scalars(theirs)).all()


def _handle(member: StaffRow) -> bytes:
    """Returns the user handle of somebody in WebAuthn: their id, which is random."""
    return bytes.fromhex(member.id)


def _session_id(context: Context, token: str) -> str:
    return context.master.lookup("staff session", token)


def _away_id(context: Context, token: str) -> str:
    return context.master.lookup("staff away", token)


def _sign_in_id(context: Context, visitor: str) -> str:
    return context.master.lookup("staff sign-in", visitor)
