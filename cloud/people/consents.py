"""Consents: what people are asked at a site, by the law of that site, and to what each has agreed.

The service makes the texts, and the kiosk shows them as they are. What is stored is the digest of
a text, so nobody can have agreed to another one than they were shown. Who has not agreed to each
text of a site as it is now is asked when their palm is used there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.tables import new_id
from cloud.keys.persons import OpenPerson
from cloud.law import longest
from cloud.merchants import merchants
from cloud.merchants.merchants import MerchantRow, SiteRow, place_of
from cloud.people.consent_texts import texts_for
from cloud.people.tables import AgreementRow, ConsentRow, ConsentTextRow
from cloud.policy import BOOKKEEPING
from cloud.settings import Settings
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.documents import digest_of, text_of
from protocol.messages import Consent, ConsentText, ConsentTexts, ProblemType, Signature

router: APIRouter = signed_request.router()


@dataclass(frozen=True, slots=True)
class Given:
    """A consent as the person who gave it is told of it."""

    row: ConsentRow
    text: ConsentText
    merchant: MerchantRow
    site: SiteRow


@router.get("/consents")
async def tell_texts(call: Caller) -> ConsentTexts:
    """Returns what somebody is asked at this device before their palm is used."""
    return ConsentTexts(texts=list(await _texts_at(call)))


async def _texts_at(call: Call) -> Sequence[ConsentText]:
    return await texts_at(call.session, call.context.settings, (await call.device()).site_id)


async def texts_at(
    session: AsyncSession, settings: Settings, site_id: str
) -> Sequence[ConsentText]:
    """Returns what people are asked at a site."""
    site, merchant = await place_of(session, site_id)
    return texts_for(merchants.law_of(site, settings), merchant.name, settings)


async def must_be_whole(call: Call, consent: Consent) -> Sequence[ConsentText]:
    """Returns the texts of the calling device's site. Raises Refusal unless the consent is to each
    of them as it is now, and signed where one is a release."""
    texts = await _texts_at(call)
    if sorted(consent.texts) != sorted(map(digest_of, texts)):
        raise Refusal(ProblemType.CONFLICT, "the wording of the consent has changed since")
    if consent.signature is None and any(text.release for text in texts):
        raise Refusal(ProblemType.CONFLICT, "the release is not signed")
    return texts


async def give(call: Call, person: OpenPerson, consent: Consent) -> str:
    """Stores that a person has agreed at the calling device, and returns the version of the
    wording. Raises Refusal, as `must_be_whole`."""
    texts = await must_be_whole(call, consent)
    device = await call.device()
    # A kiosk whose clock is ahead has nobody agree in the future.
    at = min(consent.agreed_at, call.now)
    for text in await missing(call.session, call.context.settings, person, device.site_id):
        await give_to(
            call.session,
            person,
            text,
            device.site_id,
            device_id=device.id,
            signature=consent.signature,
            at=at,
        )
    return texts[0].version


async def give_to(
    session: AsyncSession,
    person: OpenPerson,
    text: ConsentText,
    site_id: str,
    *,
    device_id: str | None,
    signature: Signature | None,
    at: datetime,
) -> None:
    """Stores that a person has agreed to a text of a site, at a device or, without one, in the
    portal."""
    _, merchant = await place_of(session, site_id)
    digest = digest_of(text)
    if await session.get(ConsentTextRow, digest) is None:
        session.add(ConsentTextRow(digest=digest, text=text_of(text).decode()))
        await session.flush()
    session.add(
        ConsentRow(
            id=new_id(),
            merchant_id=merchant.id,
            site_id=site_id,
            device_id=device_id,
            person_id=person.person_id,
            digest=digest,
            signature=signature if text.release else None,
            at=at,
        )
    )


async def missing(
    session: AsyncSession, settings: Settings, person: OpenPerson, site_id: str
) -> list[ConsentText]:
    """Returns the texts of a site, as they are now, to which a person has not agreed at its
    merchant."""
    _, merchant = await place_of(session, site_id)
    given = await session.scalars(
        select(ConsentRow.digest).where(
            ConsentRow.person_id == person.person_id,
            ConsentRow.merchant_id == merchant.id,
            ConsentRow.ended_at.is_(None),
        )
    )
    agreed_to = set(given)
    texts = await texts_at(session, settings, site_id)
    return [text for text in texts if digest_of(text) not in agreed_to]


async def end(session: AsyncSession, person: OpenPerson, merchant_id: str, now: datetime) -> None:
    """Notes that a person has withdrawn what they agreed to at a merchant."""
    await session.execute(
        update(ConsentRow)
        .where(
            ConsentRow.person_id == person.person_id,
            ConsentRow.merchant_id == merchant_id,
            ConsentRow.ended_at.is_(None),
        )
        .values(ended_at=now)
    )


async def given_by(session: AsyncSession, person: OpenPerson) -> list[Given]:
    """Returns everything that a person has agreed to, the latest first."""
    rows = await session.execute(
        select(ConsentRow, ConsentTextRow.text)
        .join(ConsentTextRow, ConsentTextRow.digest == ConsentRow.digest)
        .where(ConsentRow.person_id == person.person_id)
        .order_by(ConsentRow.at.desc(), ConsentTextRow.text)
    )
    found: list[Given] = []
    for row, text in rows:
        site, merchant = await place_of(session, row.site_id)
        found.append(Given(row, ConsentText.model_validate_json(text), merchant, site))
    return found


@dataclass(frozen=True, slots=True)
class Agreed:
    """How many people of a merchant agree to a text."""

    people: int
    since: datetime
    """When the first of them has."""


async def agreed_to(session: AsyncSession, merchant_id: str) -> tuple[int, Mapping[str, Agreed]]:
    """Returns how many people agree to anything at a merchant, and who of them agrees to which
    text, by the text's digest."""
    people = func.count(ConsentRow.person_id.distinct())
    theirs = ConsentRow.merchant_id == merchant_id, ConsentRow.ended_at.is_(None)
    everybody = await session.scalar(select(people).where(*theirs)) or 0
    counts = select(ConsentRow.digest, people, func.min(ConsentRow.at)).where(*theirs)
    rows = await session.execute(counts.group_by(ConsentRow.digest))
    return everybody, {digest: Agreed(count, since) for digest, count, since in rows}


async def longest_inactivity(session: AsyncSession, settings: Settings, person_id: str) -> int:
    """Returns after how many months without use a person is deleted: what the operator has set, and
    never later than the law of any site allows where they have ever agreed. Of an agreement from
    before consents were kept, the merchant is known and not the site: each of its sites counts."""
    laws = await merchants.laws(session, settings)
    agreed = set(
        await session.scalars(select(ConsentRow.site_id).where(ConsentRow.person_id == person_id))
    )
    elsewhere = set(
        await session.scalars(
            select(AgreementRow.merchant_id).where(AgreementRow.person_id == person_id)
        )
    )
    if elsewhere:
        sites = await merchants.all_sites(session)
        agreed |= {site.id for site in sites if site.merchant_id in elsewhere}
    return longest(settings.retention.inactive_months, [laws[site_id] for site_id in agreed])


async def shortest_inactivity(session: AsyncSession, settings: Settings) -> int:
    """Returns after how many months without use the first of all people may be deleted."""
    laws = await merchants.laws(session, settings)
    return longest(settings.retention.inactive_months, laws.values())


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes the proof of what people have withdrawn from long ago. Returns whether there was
    any."""
    deleted = await session.execute(
        delete(ConsentRow).where(ConsentRow.ended_at <= now - BOOKKEEPING).returning(ConsentRow.id)
    )
    return deleted.first() is not None
