"""Sign-ups that are begun in the portal, with number, consent and card, and finished at a kiosk by
the first palm.

What was begun is a person without an account, known to one browser by a random token. A code
finishes it at any kiosk (`cloud.people.picking_up`): 12 random digits, so 40 bits, which are shown
in that browser, serve one sign-up and end with it. Who shows the code at a kiosk gets an enrolment
of this person there, in which the number has to be proven once more: a code that somebody else has
seen puts no palm beside this card.

A beginning ends when there is an account of its number, whoever has made it, when its person gives
it up, and after BEGUN_LIFE. All but the account itself is erased then, at the provider as well.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, erase_person, find_person, make_person, opened
from cloud.merchants.merchants import first_site
from cloud.messages.length import with_name
from cloud.payments import card_pages
from cloud.payments.cards import forget_cards_later
from cloud.people import consents, one_time_codes, sign_ins
from cloud.people.accounts import person_id_of
from cloud.people.agreements import add_agreement
from cloud.people.one_time_codes import Send
from cloud.people.tables import BegunRow, EnrolmentRow
from cloud.policy import BEGUN_LIFE, CODE_LIFE, Limits
from cloud.recognition.palms import erase_palm, palms_of
from cloud.web import limits
from cloud.web.browsers import new_token
from cloud.web.problems import Refusal
from protocol.documents import digest_of
from protocol.messages import BEGUN_DIGITS, ConsentText, ProblemType, Signature

EVERYBODY = "everybody"
"""The subject of what is counted for all who begin together."""


class HasAccount(Exception):
    """The number got an account after its code was sent."""


class Beginning(BaseModel):
    """What is kept of a sign-up that was begun, beside the card, sealed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    phone: str = Field(repr=False)
    code: str = Field(default="", repr=False)
    """The code with which it is finished; empty until the person has agreed to everything."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-up that was begun by somebody who has proven to hold its number."""

    begun_id: str
    person: OpenPerson
    beginning: Beginning
    expires_at: datetime


# In the portal


async def ask_for_code(
    context: Context, session: AsyncSession, visitor: str, phone: str, now: datetime
) -> Send:
    """Begins a sign-up in the browser with the token `visitor`, and returns what sends a message to
    its number: a code, or that the number has an account.

    `phone` is a mobile number in E.164. What is stored does not depend on whether it has an
    account. Raises Refusal when too many codes were asked for.
    """
    phone_lookup = context.master.lookup("phone", phone)
    await limits.check(session, Limits.PORTAL_CODES, phone_lookup, now)
    await limits.spend(session, Limits.BEGINNINGS, EVERYBODY, now)
    limits.tally(session, Limits.PORTAL_CODES, phone_lookup, now)
    browser = _asking(context, visitor)
    earlier = await session.scalar(select(BegunRow.person_id).where(BegunRow.browser == browser))
    if earlier is not None:
        await erase_person(session, earlier)
    person = make_person(session, context.master)
    await session.flush()
    row = BegunRow(
        id=new_id(),
        person_id=person.person_id,
        phone_lookup=phone_lookup,
        browser=browser,
        verified=False,
        expires_at=now + CODE_LIFE,
    )
    _keep(context, row, person, Beginning(phone=phone))
    session.add(row)
    code = await one_time_codes.make(session, context.master, row.id, person.person_id, now)
    settings = context.settings
    is_taken = await person_id_of(session, phone_lookup) is not None
    text = (
        _text_to_taken(settings.merchant.name)
        if is_taken
        else one_time_codes.sign_up_text(settings, code)
    )
    return one_time_codes.sending(context, phone, text)


async def is_asking(context: Context, session: AsyncSession, visitor: str, now: datetime) -> bool:
    """Returns whether the browser with the token `visitor` has asked for a code that is valid."""
    return await _asked(context, session, visitor, now) is not None


async def prove(
    context: Context,
    session: AsyncSession,
    visitor: str,
    one_time_code: str,
    *,
    before: str | None,
    now: datetime,
) -> str:
    """Uses up the code that was sent to a number, and returns the token of the browser in which the
    sign-up goes on. One that was begun with this number before goes on, here and nowhere else. One
    with another number, which this browser had with the token `before`, leaves it.

    Raises Refusal, and HasAccount.
    """
    row = await _asked(context, session, visitor, now)
    if row is None:
        raise Refusal(ProblemType.EXPIRED, "the code has expired")
    await sign_ins.use_up(context, session, row.id, one_time_code, about=row.phone_lookup, now=now)
    if await person_id_of(session, row.phone_lookup) is not None:
        await erase_person(session, row.person_id)
        raise HasAccount
    same_number = BegunRow.phone_lookup == row.phone_lookup, BegunRow.verified.is_(True)
    earlier = await session.scalar(select(BegunRow).where(*same_number))
    if earlier is not None:
        await erase_person(session, row.person_id)
        row = earlier
        person = await find_person(session, context.master, row.person_id)
        beginning = _opened(person, row)
        if beginning.code:
            beginning = beginning.model_copy(update={"code": _new_code()})
        _keep(context, row, person, beginning)
    if before is not None:
        await _leave_browsers(session, BegunRow.browser == _browser(context, before))
    token = new_token()
    row.browser, row.verified = _browser(context, token), True
    row.expires_at = now + BEGUN_LIFE
    return token


async def find(context: Context, session: AsyncSession, token: str, now: datetime) -> Begun | None:
    """Returns what was begun in the browser with this token; None when there is nothing, or not any
    more."""
    row = await session.scalar(
        select(BegunRow)
        .where(BegunRow.browser == _browser(context, token), BegunRow.expires_at > now)
        .with_for_update(key_share=True)
    )
    return None if row is None else await _begun(context, session, row)


async def to_agree(context: Context, session: AsyncSession, begun: Begun) -> list[ConsentText]:
    """Returns the texts of the first site to which a person has yet to agree, in their order. Which
    kiosk they will go to is not known: one at another site asks for what is missing there."""
    site = await first_site(session)
    return await consents.missing(session, context.settings, begun.person, site.id)


async def agree(
    context: Context, session: AsyncSession, begun: Begun, digest: str, now: datetime
) -> None:
    """Stores that a person agrees to the text that they have yet to agree to, if it is the one of
    this digest; a release is signed so. With the last one, makes the code with which they
    finish."""
    text, *more = await to_agree(context, session, begun) or [None]
    if text is None or digest_of(text) != digest:
        return
    site = await first_site(session)
    signed = Signature.PRESSED
    await consents.give_to(
        session, begun.person, text, site.id, device_id=None, signature=signed, at=now
    )
    if more:
        return
    row = await session.get_one(BegunRow, begun.begun_id)
    code = begun.beginning.code or _new_code()
    _keep(context, row, begun.person, begun.beginning.model_copy(update={"code": code}))
    await add_agreement(session, begun.person, site.merchant_id, now, text.version)


# At a kiosk


async def with_code(
    context: Context, session: AsyncSession, code: str, now: datetime
) -> Begun | None:
    """Returns what is finished with a code; None when it is wrong or over."""
    row = await session.scalar(
        select(BegunRow)
        .where(BegunRow.lookup == _code_lookup(context, code), BegunRow.expires_at > now)
        .with_for_update(key_share=True)
    )
    return None if row is None else await _begun(context, session, row)


async def begun_by(context: Context, session: AsyncSession, person: OpenPerson) -> Begun | None:
    """Returns what a person has begun in the portal; None when they have begun elsewhere, or have
    an account."""
    row = await session.scalar(select(BegunRow).where(BegunRow.person_id == person.person_id))
    return None if row is None else await _begun(context, session, row)


async def last_until(session: AsyncSession, begun: Begun, until: datetime) -> None:
    """Has what was begun last at least until then."""
    row = await session.get_one(BegunRow, begun.begun_id)
    row.expires_at = max(row.expires_at, until)


async def let_go(session: AsyncSession, begun: Begun) -> list[str]:
    """Ends the enrolment at a kiosk in which a person was about to finish, and erases their palms,
    whose ids it returns. They can finish another time."""
    palms = [palm.palm_id for palm in await palms_of(session, begun.person)]
    for palm_id in palms:
        await erase_palm(session, begun.person, palm_id)
    theirs = EnrolmentRow.person_id == begun.person.person_id
    await session.execute(delete(EnrolmentRow).where(theirs))
    return palms


# Its end


async def erase(session: AsyncSession, context: Context, person: OpenPerson) -> None:
    """Erases everything about a person who has no account. The provider forgets the card soon
    after, and shuts the page on which one may be saved."""
    await card_pages.shut_pages(context, session, person.person_id)
    await forget_cards_later(session, context.master, person, context.clock())
    await erase_person(session, person.person_id)


async def end_with_account(
    session: AsyncSession, context: Context, phone_lookup: str, holder: OpenPerson | None = None
) -> Sequence[str]:
    """Ends every sign-up that was begun with a number, because an account has the number now or is
    about to lose it. `holder` is whose account it is: they stay. Everybody else who had begun with
    the number is erased; returns their ids."""
    if holder is not None:
        theirs = BegunRow.person_id == holder.person_id
        await session.execute(delete(BegunRow).where(theirs))
    same_number = select(BegunRow.person_id).where(BegunRow.phone_lookup == phone_lookup)
    return await _erase_all(session, context, (await session.scalars(same_number)).all())


async def leave_all_browsers(session: AsyncSession) -> None:
    """Has every sign-up go on in another browser, once its number is proven there."""
    await _leave_browsers(session, BegunRow.verified.is_(True))


async def _leave_browsers(session: AsyncSession, which: ColumnElement[bool]) -> None:
    for row in await session.scalars(select(BegunRow).where(which)):
        row.browser = new_id()
    await session.flush()


async def erase_expired(context: Context) -> None:
    """Erases everything in what was begun and not finished in time."""
    async with context.database.session() as session:
        is_over = BegunRow.expires_at <= context.clock()
        people = (await session.scalars(select(BegunRow.person_id).where(is_over))).all()
        await _erase_all(session, context, people)
        await session.commit()
    if people:
        await context.database.forget_erased(*people)


async def _erase_all(
    session: AsyncSession, context: Context, people: Sequence[str]
) -> Sequence[str]:
    for person_id in people:
        await erase(session, context, await find_person(session, context.master, person_id))
    return people


async def _asked(
    context: Context, session: AsyncSession, visitor: str, now: datetime
) -> BegunRow | None:
    return await session.scalar(
        select(BegunRow)
        .where(BegunRow.browser == _asking(context, visitor), BegunRow.expires_at > now)
        .with_for_update(key_share=True)
    )


async def _begun(context: Context, session: AsyncSession, row: BegunRow) -> Begun:
    person = await find_person(session, context.master, row.person_id)
    return Begun(row.id, person, _opened(person, row), row.expires_at)


def _opened(person: OpenPerson, row: BegunRow) -> Beginning:
    return person.open(Beginning, row.sealed, _place(row.id))


def _keep(context: Context, row: BegunRow, person: OpenPerson, beginning: Beginning) -> None:
    row.sealed = person.seal(beginning, _place(row.id))
    row.lookup = _code_lookup(context, beginning.code) if beginning.code else None


def _new_code() -> str:
    return f"{secrets.randbelow(10**BEGUN_DIGITS):0{BEGUN_DIGITS}d}"


def _text_to_taken(merchant: str) -> str:
    return with_name(
        merchant,
        lambda name: (
            f"Somebody began to sign up at {name} with this number. It has an account already, and "
            "nothing was changed."
        ),
    )


def _asking(context: Context, visitor: str) -> str:
    return context.master.lookup("beginning", visitor)


def _browser(context: Context, token: str) -> str:
    return context.master.lookup("begun", token)


_CODE = "begun code"


def _code_lookup(context: Context, code: str) -> str:
    return context.master.lookup(_CODE, code)


def _place(begun_id: str) -> str:
    return f"begun.sealed/{begun_id}"


async def renew_lookups(session: AsyncSession, old: MasterKey, new: MasterKey) -> None:
    """Makes the keyed hashes of sign-ups anew with another master key. They go on in another
    browser: the token of theirs is not known."""
    for person, row in await opened(session, old, select(BegunRow), BegunRow.person_id):
        beginning = _opened(person, row)
        row.phone_lookup = new.lookup("phone", beginning.phone)
        row.browser = new_id()
        row.lookup = new.lookup(_CODE, beginning.code) if beginning.code else None
