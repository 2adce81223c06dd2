"""The texts that people agree to at a site, and how many of a merchant's people agree to each."""

from datetime import date

from fastapi import APIRouter
from pydantic import AwareDatetime

from cloud.console.api.asking import Asker, router
from cloud.console.roles import Right
from cloud.integrations.asking import Scope
from cloud.merchants.merchants import law_of
from cloud.people import consents
from cloud.people.consents import Agreed
from protocol.documents import digest_of
from protocol.messages import ConsentText, Message

reading: APIRouter = router(Right.SEE, Scope.CONSENTS_READ)


class SiteLaw(Message):
    """The law under which people agree at a site."""

    code: str
    place: str
    cited: str
    """The statute, as people are told it."""
    own: bool
    """Whether it was set for the site. Otherwise it is the one that the service is set to."""


class AgreedText(Message):
    """A text that people are asked to agree to, as it is now."""

    digest: str
    """SHA-256 of the text (RFC 8785), in base64."""
    text: ConsentText
    people: int
    """How many people agree to it at the merchant now."""
    since: AwareDatetime | None
    """When the first of them agreed; null when nobody has."""


class AgreedTexts(Message):
    """What people are asked at a site before their palm is used. When something of it changes, the
    text that holds it becomes another, and everybody is asked again."""

    texts: list[AgreedText]
    """In the order in which they are asked."""
    people: int
    """How many people agree to anything at the merchant now."""
    law: SiteLaw
    merchant: str
    """The merchant's name."""
    operator: str
    """Who answers for the data."""
    contact: str | None
    """How to reach them; null when that is not set."""
    inactive_months: int
    """Months without use after which somebody is deleted, or sooner where the law asks for it."""
    is_reviewed: bool
    """Whether the law asks for a review of the policy every year."""
    reviewed_on: date | None
    """The day of the last one; null when there was none."""


@reading.get("/sites/{site_id}/consents")
async def show(asked: Asker, site_id: str) -> AgreedTexts:
    """Tells what people are asked at a site."""
    session, chosen = asked.session, asked.context.settings
    site, merchant = await asked.site(site_id), await asked.merchant()
    law = law_of(site, chosen)
    everybody, agreed = await consents.agreed_to(session, merchant.id)
    texts = await consents.texts_at(session, chosen, site.id)
    return AgreedTexts(
        texts=[_told(text, agreed.get(digest_of(text))) for text in texts],
        people=everybody,
        law=SiteLaw(code=law.code, place=law.place, cited=law.cited, own=site.law is not None),
        merchant=merchant.name,
        operator=chosen.operator,
        contact=chosen.privacy.contact,
        inactive_months=chosen.retention.inactive_months,
        is_reviewed=law.reviewed,
        reviewed_on=chosen.privacy.reviewed,
    )


def _told(text: ConsentText, agreed: Agreed | None) -> AgreedText:
    return AgreedText(
        digest=digest_of(text),
        text=text,
        people=0 if agreed is None else agreed.people,
        since=None if agreed is None else agreed.since,
    )


ROUTERS = (reading,)
