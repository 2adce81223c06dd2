"""Passkeys: people sign in to the portal with a key that their device keeps, without number and
code (`cloud.web.authenticators`). Of a credential's id the service keeps a keyed hash, and
everything else sealed with the person's key.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import bytes_to_base64url

from cloud.context import Context
from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, find_person, opened
from cloud.messages.length import with_name
from cloud.people import sign_ins
from cloud.people.accounts import profile_of
from cloud.people.one_time_codes import Send
from cloud.people.sign_ins import Browser, SignedIn
from cloud.people.tables import PasskeyRow
from cloud.policy import PASSKEYS
from cloud.web import authenticators
from cloud.web.authenticators import Holder, Site, not_taken
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

NAME_LENGTH = 60
"""The largest number of characters of a passkey's name."""


class Passkey(BaseModel):
    """What is kept of a passkey, sealed."""

    model_config = ConfigDict(
        hide_input_in_errors=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    name: str
    credential_id: bytes
    public_key: bytes
    """A COSE key (RFC 9052)."""
    sign_count: int
    """What the authenticator's counter was last; 0 for one that does not count."""
    handle: bytes | None = None
    """By which the authenticator knows the person; None for `_handle`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A passkey as its person is shown it."""

    passkey_id: str
    name: str
    since: datetime
    used_at: datetime | None


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
    browser: Browser,
    now: datetime,
) -> str:
    """Begins a session for the person whose passkey has signed the challenge of the browser with
    the token `visitor`, and returns the session's token.

    `given` is the credential as the browser writes it (AuthenticationResponseJSON). Raises Refusal,
    for the same reason whatever is wrong.
    """
    challenge = await authenticators.use_up(session, _sign_in_id(context, visitor), now)
    credential = authenticators.read_signed(given)
    lookup = _lookup(context.master, credential.raw_id)
    row = await session.scalar(select(PasskeyRow).where(PasskeyRow.lookup == lookup))
    if row is None:
        raise not_taken()
    person = await find_person(session, context.master, row.person_id)
    passkey = _opened(person, row)
    sign_count = authenticators.check_signed(
        site,
        credential,
        challenge,
        handle=_handle(context.master, person, [passkey]),
        public_key=passkey.public_key,
        sign_count=passkey.sign_count,
    )
    row.sealed = _sealed(person, row.id, passkey.model_copy(update={"sign_count": sign_count}))
    row.used_at = now
    return await sign_ins.begin(context, session, person, browser, now, by_passkey=True)


# Adding and removing


async def begin_adding(
    context: Context, session: AsyncSession, who: SignedIn, site: Site, now: datetime
) -> str:
    """Returns what the browser asks its authenticators to make, as JSON. Raises Refusal when
    nothing may be added."""
    person = who.person
    await _must_be_addable(session, who, now)
    profile = await profile_of(session, person)
    theirs = await _passkeys_of(session, person)
    return await authenticators.ask_for_new(
        session,
        _adding_id(context, who),
        site,
        Holder(_handle(context.master, person, theirs), profile.name_hint),
        known=[passkey.credential_id for passkey in theirs],
        now=now,
        person_id=person.person_id,
    )


async def add(
    context: Context,
    session: AsyncSession,
    who: SignedIn,
    site: Site,
    given: str,
    *,
    name: str,
    now: datetime,
) -> Send:
    """Adds a passkey of who is signed in, and returns what tells them so by message.

    `given` is the credential as the browser writes it (RegistrationResponseJSON). Raises Refusal.
    """
    person = who.person
    await _must_be_addable(session, who, now)
    challenge = await authenticators.use_up(session, _adding_id(context, who), now)
    made = authenticators.check_made(site, given, challenge)
    lookup = _lookup(context.master, made.credential_id)
    if await session.scalar(select(PasskeyRow.id).where(PasskeyRow.lookup == lookup)):
        raise not_taken()
    passkey = Passkey(
        name=" ".join(name.split())[:NAME_LENGTH],
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        handle=_handle(context.master, person, await _passkeys_of(session, person)),
    )
    row = PasskeyRow(id=new_id(), person_id=person.person_id, lookup=lookup, since=now)
    row.sealed = _sealed(person, row.id, passkey)
    session.add(row)
    await session.flush()
    await sign_ins.note_passkey(session, person, who.session_id)
    return await sign_ins.message_to(context, session, person, _added_text(site.name))


async def passkeys_of(session: AsyncSession, person: OpenPerson) -> list[Kept]:
    """Returns the passkeys of a person, the newest first."""
    rows = await session.scalars(
        select(PasskeyRow)
        .where(PasskeyRow.person_id == person.person_id)
        .order_by(PasskeyRow.since.desc(), PasskeyRow.id)
    )
    return [Kept(row.id, _opened(person, row).name, row.since, row.used_at) for row in rows]


async def remove(session: AsyncSession, who: SignedIn, passkey_id: str) -> bool:
    """Removes a passkey of who is signed in, and ends all their other sessions: it is not kept
    which of them the passkey has begun. Returns whether they had it."""
    removed = await session.execute(
        delete(PasskeyRow)
        .where(PasskeyRow.id == passkey_id, PasskeyRow.person_id == who.person.person_id)
        .returning(PasskeyRow.id)
    )
    if removed.first() is None:
        return False
    await sign_ins.end_others(session, who)
    return True


async def remove_all(session: AsyncSession) -> int:
    """Removes the passkeys of everybody, and returns how many there were."""
    removed = await session.scalars(delete(PasskeyRow).returning(PasskeyRow.id))
    return len(removed.all())


async def _must_be_addable(session: AsyncSession, who: SignedIn, now: datetime) -> None:
    theirs = PasskeyRow.person_id == who.person.person_id
    count = await session.scalar(select(func.count()).where(theirs))
    if not who.is_fresh(now) or (count or 0) >= PASSKEYS:
        raise Refusal(ProblemType.CONFLICT)


def _added_text(merchant: str) -> str:
    return with_name(
        merchant,
        lambda name: (
            f"A passkey was added to your account at {name}. If it was not you, remove it in the "
            "portal."
        ),
    )


async def _passkeys_of(session: AsyncSession, person: OpenPerson) -> list[Passkey]:
    rows = await session.scalars(select(PasskeyRow).where(PasskeyRow.person_id == person.person_id))
    return [_opened(person, row) for row in rows]


def _opened(person: OpenPerson, row: PasskeyRow) -> Passkey:
    return person.open(Passkey, row.sealed, _place(row.id))


def _sealed(person: OpenPerson, passkey_id: str, passkey: Passkey) -> bytes:
    return person.seal(passkey, _place(passkey_id))


def _place(passkey_id: str) -> str:
    return f"passkeys.sealed/{passkey_id}"


def _lookup(master: MasterKey, credential_id: bytes) -> str:
    return master.lookup("passkey", bytes_to_base64url(credential_id))


def _handle(master: MasterKey, person: OpenPerson, theirs: list[Passkey]) -> bytes:
    """Returns the 32 bytes by which authenticators know a person, so that they keep one passkey of
    each account. They tell nothing about the person, and stay when the master key is replaced."""
    for passkey in theirs:
        if passkey.handle is not None:
            return passkey.handle
    return bytes.fromhex(master.lookup("passkey holder", person.person_id))


def _sign_in_id(context: Context, visitor: str) -> str:
    return context.master.lookup("passkey sign-in", visitor)


def _adding_id(context: Context, who: SignedIn) -> str:
    return context.master.lookup("passkey adding", who.session_id)


async def renew_lookups(session: AsyncSession, old: MasterKey, new: MasterKey) -> None:
    """Makes the keyed hashes of passkeys anew with another master key. Authenticators go on to know
    people as before. What was asked to be signed is asked again."""
    for person, row in await opened(session, old, select(PasskeyRow), PasskeyRow.person_id):
        passkey = _opened(person, row)
        handle = _handle(old, person, [passkey])
        row.sealed = _sealed(person, row.id, passkey.model_copy(update={"handle": handle}))
        row.lookup = _lookup(new, passkey.credential_id)
    await authenticators.forget_all(session)
