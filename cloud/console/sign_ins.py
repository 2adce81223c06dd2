"""Staff sign in to the console with passkeys (`cloud.web.authenticators`), or by the operator's own
identity provider (`cloud.console.oidc`), and with nothing else.

A link that works once makes the first passkey of an account, or binds the account at the provider.
Somebody whom the provider knows and whom no link has bound is not let in. The service keeps a keyed
hash of the token of a browser that is signed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
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
"""How often it is written down that a session is used."""


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
        """Returns whether they have signed in so lately that they may say who else signs in."""
        return self.since > now - SESSION_FRESH


# Signing in


async def begin_sign_in(
    context: Context, session: AsyncSession, visitor: str, site: Site, now: datetime
) -> str:
    """Returns what the browser with the token `visitor` asks its authenticators for, as JSON."""
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
    """Begins a session for whose passkey has signed the challenge of the browser with the token
    `visitor`, and returns who that is and the session's token. Raises Refusal, for the same reason
    whatever is wrong."""
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
    """Returns what the browser asks its authenticators to make for whose the link with this token
    is, as JSON. Raises Refusal."""
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
    """Keeps a passkey that was made, uses the link up and begins a session. Returns whose it is and
    the session's token. Raises Refusal."""
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
    """The account at the identity provider signs nobody in, or signs in somebody else already."""


async def go_away(
    context: Context, session: AsyncSession, now: datetime, *, link: str | None
) -> str:
    """Returns the token by which a browser that is sent to the identity provider is known when it
    comes back. `link` is the token of the link by which the account there is bound; None when
    somebody signs in. Raises Refusal when the link does not count."""
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
    """Returns what is stored of a browser that comes back from the identity provider with a token,
    and uses the token up. Returns None when the token is unknown or has expired."""
    row = await held(session, StaffAwayRow, _away_id(context, token))
    if row is None:
        return None
    await session.delete(row)
    return None if row.expires_at <= now else row


async def sign_in_known(
    context: Context, session: AsyncSession, known: Known, now: datetime
) -> tuple[StaffRow, str]:
    """Begins a session for who is known to the identity provider, and returns who that is and the
    session's token. Raises NotBound."""
    row = await session.get(StaffSubjectRow, (known.issuer, known.subject))
    member = None if row is None else await members.find_member(session, row.staff_id)
    if row is None or member is None:
        raise NotBound
    row.used_at = now
    return member, await _begin(context, session, member, now, since=known.asked_at)


async def bind(
    context: Context, session: AsyncSession, link_id: str, known: Known, now: datetime
) -> tuple[StaffRow, str]:
    """Binds who is known to the identity provider to whose the link is, in place of whom they were
    known as before, uses the link up and begins a session. Returns whose it is and the session's
    token. Raises NotBound, and Refusal when the link does not count any more."""
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
    """Returns who is signed in with a token; None when nobody is, or not any more."""
    row = await session.get(StaffSessionRow, _session_id(context, token))
    if row is None or row.seen_at <= now - SESSION_IDLE or row.since <= now - SESSION_LIFE:
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
    await session.execute(
        delete(StaffSessionRow).where(
            or_(
                StaffSessionRow.seen_at <= now - SESSION_IDLE,
                StaffSessionRow.since <= now - SESSION_LIFE,
            )
        )
    )


async def forget_all(session: AsyncSession) -> None:
    """Signs everybody out, and makes every link invalid: the keyed hashes of their tokens count no
    more. Passkeys stay, and so do accounts at the identity provider."""
    await end_all(session)
    await session.execute(delete(StaffLinkRow))
    await session.execute(delete(StaffAwayRow))


async def _begin(
    context: Context,
    session: AsyncSession,
    member: StaffRow,
    now: datetime,
    *,
    since: datetime | None = None,
) -> str:
    """Returns the token of a new session. `since` is when they have shown who they are; None for
    now."""
    token = new_token()
    session_id = _session_id(context, token)
    session.add(StaffSessionRow(id=session_id, staff_id=member.id, since=since or now, seen_at=now))
    await session.flush()
    return token


async def _passkeys_of(session: AsyncSession, member: StaffRow) -> Sequence[StaffPasskeyRow]:
    theirs = select(StaffPasskeyRow).where(StaffPasskeyRow.staff_id == member.id)
    return (await session.scalars(theirs)).all()


def _handle(member: StaffRow) -> bytes:
    """Returns by what authenticators know somebody: their id, which is random."""
    return bytes.fromhex(member.id)


def _session_id(context: Context, token: str) -> str:
    return context.master.lookup("staff session", token)


def _away_id(context: Context, token: str) -> str:
    return context.master.lookup("staff away", token)


def _sign_in_id(context: Context, visitor: str) -> str:
    return context.master.lookup("staff sign-in", visitor)
