"""Accounts: what is stored of a person who has signed up, and what is shown of it."""

from collections.abc import Callable, Collection
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ages.ages import count_ages
from cloud.context import Gallery
from cloud.entry.access import count_access
from cloud.entry.tickets import count_tickets
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, find_person, opened, still_there
from cloud.loyalty.memberships import count_memberships, membership_of
from cloud.matching import Code
from cloud.merchants.merchants import place_of
from cloud.payments.cards import cards_of, default_of, listed
from cloud.payments.purchases import count_purchases
from cloud.people import consents, inactivity
from cloud.people.agreements import count_agreements
from cloud.people.tables import AccountRow, AgreementRow, Arrivals, MailRow
from cloud.recognition import feed
from cloud.recognition.identifications import accepted_for, refuse_frozen
from cloud.recognition.palms import all_codes, palms_of
from cloud.settings import Settings
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Caller
from protocol.messages import Customer, Holdings, ProblemType, Purpose

router: APIRouter = signed_request.router()

PROFILE = "profile"
"""The place that a profile is sealed for, in an enrolment and in an account."""
MAIL = "mail"
"""The place that a mail address is sealed for."""


class Correction(BaseModel):
    """That a person has corrected something."""

    what: str
    """`name` or `number`."""
    at: datetime


class Mailbox(BaseModel):
    """The mail address of a person, sealed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    address: str = Field(repr=False)

    @property
    def hint(self) -> str:
        """A short form such as "a•••@example.com", by which people recognise their own."""
        name, _, domain = self.address.rpartition("@")
        return f"{name[0]}•••@{domain}"


class Profile(BaseModel):
    """The personal part of an account."""

    model_config = ConfigDict(hide_input_in_errors=True)

    phone: str = Field(repr=False)
    consent_version: str
    agreed_at: datetime
    holder: str | None = None
    """The name on the card, or as the person has corrected it."""
    corrections: list[Correction] = []
    """The last ones (`cloud.people.corrections.CORRECTIONS_KEPT`)."""

    @property
    def phone_last4(self) -> str:
        return self.phone[-4:]

    @property
    def name_hint(self) -> str:
        """A short form such as "Alex D.", by which people recognise themselves and are not
        identified to others. Without a name on the card it is the end of the mobile number."""
        # A card may say "DOE/ALEX".
        last, _, first = (self.holder or "").partition("/")
        names = f"{first} {last}".split()
        if not names:
            return f"number ending {self.phone[-2:]}"
        initial = f" {names[-1][0].upper()}." if len(names) > 1 else ""
        return names[0].capitalize() + initial


@router.get("/identifications/{identification_id}/holdings")
@signed_request.for_deletions()
async def tell_holdings(call: Caller, identification_id: str) -> Holdings:
    person = await accepted_for(call, identification_id, Purpose.LEAVE)
    merchant_id = (await call.device()).merchant_id
    is_told = await call.context.accounts.has_agreed(call.session, person, merchant_id)
    profile = await profile_of(call.session, person)
    account = await call.session.get_one(AccountRow, person.person_id)
    cards = await cards_of(call.session, person)
    return Holdings(
        name_hint=profile.name_hint if is_told else "",
        phone_last4=profile.phone_last4 if is_told else "",
        palms=[palm.side for palm in await palms_of(call.session, person)],
        cards=[card.shown(call.now) if is_told else None for card in cards.values()],
        purchases=await count_purchases(call.session, person),
        merchants=await count_agreements(call.session, person),
        memberships=await count_memberships(call.session, person),
        ages=await count_ages(call.session, person),
        sites=await count_access(call.session, person),
        tickets=await count_tickets(call.session, person),
        agreed=is_told,
        member_since=account.since,
    )


class Accounts:
    """What recognition and payments need of accounts (`cloud.context.Accounts`)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def agrees_at(self, session: AsyncSession, person: OpenPerson, site_id: str) -> bool:
        site, _ = await place_of(session, site_id)
        return await self.has_agreed(session, person, site.merchant_id) and (
            not await consents.missing(session, self._settings, person, site_id)
        )

    async def has_agreed(self, session: AsyncSession, person: OpenPerson, merchant_id: str) -> bool:
        return await session.get(AgreementRow, (person.person_id, merchant_id)) is not None

    async def is_frozen(self, session: AsyncSession, person: OpenPerson) -> bool:
        return await frozen_since(session, person) is not None

    async def note_use(self, session: AsyncSession, person: OpenPerson, now: datetime) -> None:
        await inactivity.note_use(session, person, now)

    async def customer(
        self, session: AsyncSession, person: OpenPerson, merchant_id: str, now: datetime
    ) -> Customer:
        cards = await cards_of(session, person)
        profile = await profile_of(session, person)
        default = default_of(cards, now)
        return Customer(
            name_hint=profile.name_hint,
            card=cards[default].shown(now) if default else None,
            cards=listed(cards, now),
            membership=await membership_of(session, person, merchant_id),
        )

    async def agreed_to(
        self, session: AsyncSession, person: OpenPerson, merchant_id: str
    ) -> str | None:
        agreement = await session.get(AgreementRow, (person.person_id, merchant_id))
        if agreement is None:
            return None
        return agreement.version or (await profile_of(session, person)).consent_version

    async def phone(self, session: AsyncSession, person: OpenPerson) -> str:
        return (await profile_of(session, person)).phone

    async def phone_last4(self, session: AsyncSession, person: OpenPerson) -> str:
        return (await profile_of(session, person)).phone_last4


AT_ONCE = 5000
"""How many accounts' palms are in memory at once until they are in the gallery."""


async def fill(session: AsyncSession, master: MasterKey, gallery: Gallery) -> None:
    """Adds the palms of all accounts to a gallery that is empty and that nobody uses yet."""
    # What is changed while palms are read is read once more, and not missed.
    gallery.seen = await feed.newest(session)
    await _add_newcomers(session, master, gallery, gallery.fill)


async def catch_up(session: AsyncSession, master: MasterKey, gallery: Gallery) -> int:
    """Brings the gallery up to everything that was committed before, and returns how many accounts
    have ever joined: a gallery that is searched afterwards has all of them. Raises
    `cloud.recognition.feed.FellBehind`.

    It reads and adds them in one transaction, so nobody is added who is deleted meanwhile.
    """
    if gallery.seen is None:
        return await _add_newcomers(session, master, gallery, gallery.enrol)
    joined = await _joined(session)
    await feed.follow(session, master, gallery)
    return joined


async def _add_newcomers(
    session: AsyncSession,
    master: MasterKey,
    gallery: Gallery,
    add: Callable[[Collection[Code]], None],
) -> int:
    """Returns how many accounts have ever joined."""
    joined = await _joined(session)
    for before in range(gallery.joined, joined, AT_ONCE):
        newcomers = select(AccountRow.person_id).where(
            AccountRow.joined > before, AccountRow.joined <= before + AT_ONCE
        )
        add(await all_codes(session, master, newcomers))
    gallery.joined = max(gallery.joined, joined)
    return joined


async def _joined(session: AsyncSession) -> int:
    return (await session.scalars(select(Arrivals.joined))).one()


async def nobody_joined_after(session: AsyncSession, joined: int) -> bool:
    """Returns whether `joined` is still the number of accounts that have ever joined. If so, it is
    incremented, and the next account may be added in this transaction."""
    incremented = await session.execute(
        update(Arrivals)
        .where(Arrivals.joined == joined)
        .values(joined=joined + 1)
        .returning(Arrivals.id)
    )
    return incremented.first() is not None


async def add_account(
    session: AsyncSession,
    person: OpenPerson,
    *,
    phone_lookup: str,
    profile: bytes,
    joined: int,
    now: datetime,
) -> None:
    """Adds an account with a profile that is sealed already. Raises Refusal and rolls the
    transaction back when the number has an account."""
    session.add(
        AccountRow(
            person_id=person.person_id,
            phone_lookup=phone_lookup,
            profile=profile,
            since=now,
            joined=joined,
        )
    )
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        raise Refusal(ProblemType.CONFLICT, "the number has an account already") from None
    await inactivity.begin(session, person, now)


async def profile_of(session: AsyncSession, person: OpenPerson) -> Profile:
    account = await session.get_one(AccountRow, person.person_id)
    return person.open(Profile, account.profile, PROFILE)


async def member_since(session: AsyncSession, person: OpenPerson) -> datetime:
    """Returns when a person has signed up."""
    return (await session.get_one(AccountRow, person.person_id)).since


async def frozen_since(session: AsyncSession, person: OpenPerson) -> datetime | None:
    """Returns since when a person's palms are frozen; None while they are not."""
    return (await session.get_one(AccountRow, person.person_id)).frozen_at


async def mail_of(session: AsyncSession, person: OpenPerson) -> Mailbox | None:
    """Returns the mail address that a person has confirmed; None when there is none."""
    row = await session.get(MailRow, person.person_id)
    if row is None or row.confirmed_at is None:
        return None
    return person.open(Mailbox, row.sealed, MAIL)


async def freeze(session: AsyncSession, person: OpenPerson, now: datetime) -> None:
    """Freezes a person's palms: from now on they serve to leave and to nothing else."""
    account = await session.get_one(AccountRow, person.person_id)
    account.frozen_at = account.frozen_at or now
    await refuse_frozen(session, person)


async def unfreeze(session: AsyncSession, person: OpenPerson) -> None:
    (await session.get_one(AccountRow, person.person_id)).frozen_at = None


async def phone_lookup_of(session: AsyncSession, person: OpenPerson) -> str:
    account = await session.get_one(AccountRow, person.person_id)
    return account.phone_lookup


async def member_with(
    session: AsyncSession, master: MasterKey, phone: str, merchant_id: str
) -> OpenPerson | None:
    """Returns the person with a mobile number, in E.164, who has agreed to use their palm at a
    merchant; None when nobody has."""
    person_id = await person_id_of(session, master.lookup("phone", phone))
    # Held before it is read whether they agree: they may leave or withdraw at this moment.
    if person_id is None or not await still_there(session, [person_id]):
        return None
    if await session.get(AgreementRow, (person_id, merchant_id)) is None:
        return None
    return await find_person(session, master, person_id)


async def person_id_of(session: AsyncSession, phone_lookup: str) -> str | None:
    """Returns the person whose account has a mobile number; None when there is no account."""
    return await session.scalar(
        select(AccountRow.person_id).where(AccountRow.phone_lookup == phone_lookup)
    )


async def renew_lookups(session: AsyncSession, old: MasterKey, new: MasterKey) -> None:
    """Makes the keyed hashes of accounts anew with another master key."""
    for person, row in await opened(session, old, select(AccountRow), AccountRow.person_id):
        phone = person.open(Profile, row.profile, PROFILE).phone
        row.phone_lookup = new.lookup("phone", phone)
